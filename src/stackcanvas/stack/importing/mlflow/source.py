"""What a store of MLflow holds, however it is reached: each way gives the same plain records."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol, TypeVar

from blake3 import blake3
from yaml import YAMLError

from stackcanvas.errors import StackCanvasError
from stackcanvas.experiments import RunInput
from stackcanvas.registry import Folder

Made = TypeVar("Made")

# The databases of MLflow keep the infinities as the largest numbers that there are.
_LARGEST = 1.7976931348623157e308


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a metric; its time is milliseconds since 1970."""

    key: str
    step: int
    time_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class SourceExperiment:
    """An experiment; its times are milliseconds since 1970, as all times here."""

    id: str
    name: str
    lifecycle: str
    created_ms: int
    updated_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceRun:
    """A run.

    Args:
        status: in small letters.
        place: where its files lie, as the store says.
        latest: the last value of each metric.
    """

    id: str
    experiment: str
    name: str
    status: str
    user: str
    started_ms: int
    ended_ms: int | None
    deleted_ms: int | None
    lifecycle: str
    place: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    latest: Sequence[Point]
    inputs: Sequence[RunInput] = ()
    read_models: Sequence[tuple[str, int]] = ()
    made_models: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A value of a metric of a logged model."""

    run: str
    point: Point
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True, slots=True)
class SourceLogged:
    """A logged model."""

    id: str
    experiment: str
    name: str
    model_type: str | None
    run: str | None
    status: str
    status_message: str | None
    place: str
    lifecycle: str
    created_ms: int
    updated_ms: int
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Sequence[ModelPoint] = ()


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A registered model."""

    name: str
    description: str | None
    created_ms: int
    updated_ms: int
    tags: Mapping[str, str]
    aliases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """A version of a registered model."""

    name: str
    number: int
    created_ms: int
    updated_ms: int
    user: str
    description: str | None
    stage: str
    source: str
    storage: str | None
    run: str | None
    run_link: str | None
    tags: Mapping[str, str]


class Source(Protocol):
    """A way to read a store. What cannot be read as a whole is told to `broken`; methods may be called by threads."""

    address: str

    def experiments(self) -> Iterator[SourceExperiment]:
        """All, deleted ones too."""
        ...

    def runs(self, experiment: str) -> Iterator[SourceRun]:
        """Those of an experiment, the oldest first, deleted ones too."""
        ...

    def history(self, found: SourceRun) -> list[Point]:
        """Every value of every metric of a run."""
        ...

    def logged(self, experiment: str) -> Iterator[SourceLogged]:
        """The logged models of an experiment."""
        ...

    def models(self) -> Iterator[SourceModel]:
        """All registered models."""
        ...

    def versions(self, name: str) -> Iterator[SourceVersion]:
        """The versions of a model, by number."""
        ...

    def files_of_run(self, found: SourceRun) -> Folder:
        """The files of a run.

        Raises:
            BadInput: they are out of reach.
        """
        ...

    def files_of_logged(self, found: SourceLogged) -> Folder:
        """The files of a logged model.

        Raises:
            BadInput: they are out of reach.
        """
        ...

    def files_at(self, place: str) -> Folder | None:
        """The files at an address that belongs to no run; None where nobody can reach them."""
        ...

    def not_taken(self) -> Iterator[tuple[str, int]]:
        """What there is and does not come in: kind and how many."""
        ...

    def broken(self) -> Iterator[tuple[str, str, str]]:
        """What could not be read so far, once: kind, name, why."""
        ...

    def check(self) -> None:
        """Whether the store answers.

        Raises:
            Unavailable: it does not.
        """
        ...

    def close(self) -> None:
        """Let go of what was opened."""
        ...


class Troubles:
    """Entries that could not be read: told once, and the import goes on with the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: list[tuple[str, str, str]] = []

    def read(self, kind: str, name: str, make: Callable[[], Made]) -> Made | None:
        """What `make` makes of an entry, None where it is broken."""
        try:
            return make()
        except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
            self.tell(kind, name, f"it cannot be read ({type(error).__name__}: {str(error)[:200]})")
        except (StackCanvasError, OSError, YAMLError) as error:
            said = error.sentence() if isinstance(error, StackCanvasError) else f"it cannot be read ({error})"
            self.tell(kind, name, said)
        return None

    def tell(self, kind: str, name: str, why: str) -> None:
        """Say that an entry is broken."""
        with self._lock:
            self._found.append((kind, name, why))

    def told(self) -> Iterator[tuple[str, str, str]]:
        """What was said since it was asked last."""
        with self._lock:
            found, self._found = self._found, []
        return iter(found)


def digest_of(entry: object) -> str:
    """Tells whether an entry has changed: of all that is said of it, but not of where its files lie."""
    facts = {name: value for name, value in asdict(entry).items() if name not in {"place", "storage"}}  # type: ignore[call-overload]
    return blake3(json.dumps(facts, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).hexdigest()


def real(value: object) -> float:
    """A value of a metric, however a store writes it.

    Example:
        >>> real("NaN"), real(1.7976931348623157e308), real("0.5")
        (nan, inf, 0.5)
    """
    number = float(str(value))
    return math.copysign(math.inf, number) if abs(number) == _LARGEST else number


def pairs(found: Iterable[Mapping[str, object]] | None) -> dict[str, str]:
    """Tags or parameters from a list of keys and values; a missing value is an empty one."""
    return {str(one["key"]): str(one.get("value") or "") for one in found or ()}
