"""The canonical bytes of a version."""

from __future__ import annotations

from dataclasses import replace

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.data.manifest import DataFile, Manifest, decode_listing, digest_of, encode_listing
from stackcanvas.errors import Corrupt

_PARTS = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=8)
_PATHS = st.lists(_PARTS.filter(lambda part: part not in {".", ".."}), min_size=1, max_size=3).map("/".join)
_FILES = st.lists(
    st.builds(DataFile, _PATHS, st.integers(0, 2**60), st.binary(min_size=32, max_size=32).map(bytes.hex)),
    unique_by=lambda file: file.path,
    max_size=10,
)
_MANIFEST = Manifest(
    kind="files",
    listing="ab" * 32,
    files=2,
    size_bytes=10,
    columns=(("b", "Int64"), ("ä", "String")),
    rows=3,
    key=("b",),
)


@given(_FILES, st.randoms())
def test_a_listing_gives_its_files_back(files: list[DataFile], random: object) -> None:
    """Files come back sorted by path; the order in which they were given does not matter."""
    shuffled = sorted(files, key=lambda _: random.random())  # type: ignore[attr-defined]

    assert encode_listing(shuffled) == encode_listing(files)
    assert decode_listing(encode_listing(files), where="x") == sorted(files, key=lambda file: file.path.encode())


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", ""])
def test_a_path_that_leads_out(path: str) -> None:
    """A listing whose path leads out of the folder is not believed."""
    with pytest.raises(Corrupt, match="listing"):
        decode_listing(encode_listing([DataFile(path, 1, "ab" * 32)]), where="data:x@1")


@pytest.mark.parametrize("data", [b"\0", b"x\0", b"ab cd ef\0", b"ab 1 \xff\0"])
def test_a_listing_that_is_none(data: bytes) -> None:
    """Other bytes are an error."""
    with pytest.raises(Corrupt):
        decode_listing(data, where="data:x@1")


def test_a_manifest_gives_itself_back() -> None:
    """What is written is read again, and the bytes are always the same."""
    data = _MANIFEST.to_bytes()

    assert Manifest.from_bytes(data, where="x") == _MANIFEST
    assert data.decode() == (
        '{"columns":[["b","Int64"],["ä","String"]],"files":2,"format":1,"key":["b"],"kind":"files",'
        f'"listing":"{"ab" * 32}","rows":3,"size_bytes":10}}'
    )


def test_the_identity_covers_content_and_schema() -> None:
    """Another listing, other types, another order of columns or another key is another version."""
    others = [
        replace(_MANIFEST, listing="cd" * 32),
        replace(_MANIFEST, columns=(("b", "Float64"), ("ä", "String"))),
        replace(_MANIFEST, columns=(("ä", "String"), ("b", "Int64"))),
        replace(_MANIFEST, key=()),
    ]

    digests = {digest_of(manifest.to_bytes()) for manifest in (_MANIFEST, *others)}

    assert len(digests) == 5
    assert digest_of(b"x") == blake3(b"x").hexdigest()


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": 2}', b"\xff", b'{"format":1,"kind":"files"}'])
def test_a_manifest_that_is_none(data: bytes) -> None:
    """Other bytes, and formats of the future, are errors."""
    with pytest.raises(Corrupt):
        Manifest.from_bytes(data, where="data/manifests/ab")
