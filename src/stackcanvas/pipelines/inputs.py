"""Declared inputs: data that a step needs, pinned to a version when the run starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from stackcanvas.errors import NotFound
from stackcanvas.metadata import Ref
from stackcanvas.pipelines.handles import Input


class Version(Protocol):
    """What a source of data tells about a version."""

    @property
    def ref(self) -> Ref:
        """With the number as its selector."""
        ...

    @property
    def digest(self) -> str:
        """Of the content."""
        ...


class Source(Protocol):
    """Where declared inputs come from; the data block is one."""

    def get(self, ref: Ref, /) -> Version:
        """The version that a ref names now."""
        ...

    def read(self, ref: Ref, /, *, columns: Sequence[str] | None = None) -> Any:
        """The rows of a version."""
        ...


@dataclass(frozen=True, slots=True)
class Pin:
    """The version that an input stands for throughout one run.

    Args:
        ref: with the version's number.
        digest: of its content.
        kept: whether the rows were kept when the run started, because their source has no versions.
    """

    ref: Ref
    digest: str
    kept: bool = False


def dataset(ref: str, *, columns: Sequence[str] | None = None) -> Any:
    """Declare a data set as the input of a step; it is read just before the step starts.

    Args:
        ref: `flights`, `flights@3` or `data:flights@3`; without a version, the newest when the run starts. What has no
            versions, such as `predictions/delay`, is kept as it is then.
        columns: only these columns.

    Returns:
        A handle to pass to a step, or to write as a step's default.

    Example:
        >>> dataset("flights@3", columns=["carrier"])
        <data:flights@3>
    """
    return Input(Ref.parse(ref, kind="data"), None if columns is None else tuple(columns))


def pin(
    inputs: Iterable[Input], source: Source, *, keep: Callable[[object], str], known: Mapping[str, Pin] | None = None
) -> dict[str, Pin]:
    """The version of each input, by the ref as it was written.

    Args:
        keep: keeps rows and gives their digest.
        known: pins of an earlier start of the same run; they stay.

    Raises:
        NotFound: there is no such data set.
    """
    pins = dict(known or {})
    for declared in inputs:
        if str(declared.ref) not in pins:
            pins[str(declared.ref)] = _pin(declared.ref, source, keep)
    return pins


def _pin(ref: Ref, source: Source, keep: Callable[[object], str]) -> Pin:
    try:
        version = source.get(ref)
    except NotFound as missing:
        # Names with a slash may belong to a reader, whose rows have no versions.
        if "/" not in ref.name or ref.selector is not None:
            raise
        try:
            rows = source.read(ref)
        except NotFound:
            raise missing from None
        return Pin(ref, keep(rows), kept=True)
    return Pin(version.ref, version.digest)


def pins_to_json(pins: Mapping[str, Pin]) -> dict[str, list[str]]:
    """As they are stored with the run."""
    return {asked: [str(one.ref), one.digest, *(["kept"] if one.kept else [])] for asked, one in pins.items()}


def pins_from_json(stored: Mapping[str, Sequence[str]]) -> dict[str, Pin]:
    """As `pins_to_json` gave them."""
    return {asked: Pin(Ref.parse(ref), digest, kept=bool(kept)) for asked, (ref, digest, *kept) in stored.items()}
