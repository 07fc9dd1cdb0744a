"""From a URL to a key-value store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.errors import BadInput


def test_the_url_of_a_store_opens_it_again(tmp_path: Path) -> None:
    """The URL that a store tells opens the same store."""
    first = open_keyvalue(f"sqlite:///{tmp_path}/what%3F%20is%25.db")
    first.put_many([(b"a", 1, b"1")])
    second = open_keyvalue(first.url)

    assert second.get_many([b"a"]) == [b"1"]
    assert (tmp_path / "what? is%.db").exists()
    first.close()
    second.close()


@pytest.mark.parametrize("url", ["other://host", "online.db", "sqlite:///", "sqlite://online.db"])
def test_a_url_that_names_no_store(url: str) -> None:
    """The error names what is known."""
    with pytest.raises(BadInput, match="sqlite:///path"):
        open_keyvalue(url)


def test_nothing_heavy_is_imported() -> None:
    """The prediction server can use it without loading the database layer or frames."""
    code = (
        "import sys, stackcanvas.backends.keyvalue.sqlite;"
        "print([name for name in ('sqlalchemy', 'polars', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"
