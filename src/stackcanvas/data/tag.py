"""Tags: names for versions, such as `jan-to-apr`."""

from __future__ import annotations

import re

from stackcanvas.data.parts import Parts
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput
from stackcanvas.metadata import Ref

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")


def check_tag(tag: str) -> None:
    """Refuse what cannot be a tag.

    Raises:
        BadInput: it does not begin with a letter, has other characters than letters, digits, dots, lines and
            underscores, is too long, or is `latest`.
    """
    if not _TAG.fullmatch(tag) or tag == "latest":
        raise BadInput(
            f"{tag!r} cannot be a tag", expected="a letter, then up to 99 letters, digits, dots, hyphens or underscores"
        )


def tag(parts: Parts, ref: Ref, name: str, *, move: bool) -> DataVersion:
    """Give a version a tag; see `Data.tag`."""
    check_tag(name)
    version = parts.versions.get(ref)
    with parts.spine.write() as tx:
        parts.versions.tag(tx, version, name, move=move)
        parts.spine.audit.add(tx, "data.tag", version.ref, {"tag": name, "moved": move})
    return parts.versions.get(version.ref)
