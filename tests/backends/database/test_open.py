from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.errors import BadInput


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://host/db", r"begins with 'postgres'.*sqlite:// or postgresql://.*Did you mean postgresql://"),
        ("mysql://host/db", "sqlite:// or postgresql://"),
        ("metadata.db", "no scheme"),
        ("", "no scheme"),
    ],
)
def test_an_unknown_scheme_names_the_known_ones(url: str, said: str) -> None:
    """The error offers what there is."""
    with pytest.raises(BadInput, match=said):
        open_database(url)


def test_a_secret_in_an_unknown_url_is_not_repeated() -> None:
    """The error names the scheme and nothing behind it."""
    with pytest.raises(BadInput) as caught:
        open_database("oracle://user:sEcret7@host/db")

    assert "sEcret7" not in str(caught.value)


def test_sqlite_does_without_psycopg(tmp_path: Path) -> None:
    """Only the scheme that needs the client library imports it, and says what to install when it is missing."""
    script = """
import sys
sys.modules["psycopg"] = None
from stackcanvas.backends.database import open_database
open_database(f"sqlite:///{sys.argv[1]}").close()
print("opened")
try:
    open_database("postgresql://user:sEcret7@host/db")
except Exception as error:
    print(type(error).__name__, error)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "metadata.db")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    assert said[0] == "opened"
    assert said[1].startswith("MissingExtra PostgreSQL needs a package")
    assert "pip install 'stackcanvas[postgres]'" in said[1]
