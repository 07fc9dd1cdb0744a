"""Semantic version numbers: major when the signature changes, minor for new training, patch for a re-package."""

from __future__ import annotations

import semver

FIRST = "1.0.0"


def next_version(last: str | None, *, same_signature: bool, same_origin: bool) -> str:
    """The number that follows.

    Args:
        last: the number of the newest version; None for the first.
        same_signature: whether the new version takes and gives what the last one did.
        same_origin: whether it comes from the same run and training data, packaged again.

    Example:
        >>> next_version("1.2.0", same_signature=True, same_origin=False)
        '1.3.0'
        >>> next_version("1.2.0", same_signature=False, same_origin=False)
        '2.0.0'
    """
    if last is None:
        return FIRST
    number = semver.Version.parse(last)
    if not same_signature:
        return str(number.bump_major())
    return str(number.bump_patch() if same_origin else number.bump_minor())


def is_semantic(selector: str) -> bool:
    """Whether a selector names a semantic version, as in `delay@v1.2.0`.

    Example:
        >>> is_semantic("v1.2.0"), is_semantic("1.2.0"), is_semantic("champion")
        (True, False, False)
    """
    return selector.startswith("v") and semver.Version.is_valid(selector[1:])
