"""Declared inputs: data that a step needs, pinned to a version when the run starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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
    """

    ref: Ref
    digest: str


def dataset(ref: str, *, columns: Sequence[str] | None = None) -> Any:
    """Declare a data set as the input of a step; it is read just before the step starts.

    Args:
        ref: `flights`, `flights@3` or `data:flights@3`; without a version, the newest when the run starts.
        columns: only these columns.

    Returns:
        A handle to pass to a step, or to write as a step's default.

    Example:
        >>> dataset("flights@3", columns=["carrier"])
        <data:flights@3>
    """
    return Input(Ref.parse(ref, kind="data"), None if columns is None else tuple(columns))


def pin(inputs: Iterable[Input], source: Source, *, known: Mapping[str, Pin] | None = None) -> dict[str, Pin]:
    """The version of each input, by the ref as it was written.

    Args:
        known: pins of an earlier start of the same run; they stay.
    """
    pins = dict(known or {})
    for declared in inputs:
        if str(declared.ref) not in pins:
            version = source.get(declared.ref)
            pins[str(declared.ref)] = Pin(version.ref, version.digest)
    return pins


def pins_to_json(pins: Mapping[str, Pin]) -> dict[str, list[str]]:
    """As they are stored with the run."""
    return {asked: [str(pinned.ref), pinned.digest] for asked, pinned in pins.items()}


def pins_from_json(stored: Mapping[str, Sequence[str]]) -> dict[str, Pin]:
    """As `pins_to_json` gave them."""
    return {asked: Pin(Ref.parse(ref), digest) for asked, (ref, digest) in stored.items()}
