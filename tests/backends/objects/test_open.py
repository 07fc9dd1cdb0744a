"""From a URL to an object store."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.errors import BadInput


def test_a_url_with_spaces(tmp_path: Path) -> None:
    """The URL that a store tells opens the same store again, whatever its letters."""
    first = open_objects(tmp_path / "my objects é")
    first.put("key", b"1")

    assert "%20" in first.url
    assert open_objects(first.url).get("key") == b"1"


def test_a_path_as_text(tmp_path: Path) -> None:
    """A path is a store too."""
    open_objects(f"{tmp_path}/store").put("key", b"1")

    assert (tmp_path / "store" / "key").read_bytes() == b"1"


def test_an_unknown_scheme() -> None:
    """The error names the schemes that are known."""
    with pytest.raises(BadInput, match="file://"):
        open_objects("ftp://host/path")


def test_a_url_with_a_host() -> None:
    """A file URL on another host is refused."""
    with pytest.raises(BadInput, match="absolute path"):
        open_objects("file://host/path")
