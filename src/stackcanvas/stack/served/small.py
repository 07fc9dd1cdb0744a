"""Parts of a served stack that ask the server nearly everything, and add what needs this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from stackcanvas.late import late
from stackcanvas.monitoring.labelling import read_file
from stackcanvas.stack.served.link import Link
from stackcanvas.stack.served.parts import Part, refused

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")


class ServedLog(Part):
    """The prediction log."""

    def scan(self, endpoint: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """The rows of an endpoint, which come as a whole."""
        found: pl.DataFrame = self._link.call("served", "predictions", endpoint, start=start, end=end)
        return found.lazy()


class ServedServing(Part):
    """Routes and the prediction log."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, "serving")
        self.log = ServedLog(link, "serving.log")


class ServedLabels(Part):
    """True outcomes."""

    def add_file(self, endpoint: str, path: Path) -> Any:
        """Take the labels of a file, which is read here."""
        return self.add(endpoint, read_file(path))

    def judged(self, endpoint: str, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """The predictions whose outcome is known."""
        found: pl.DataFrame = self._link.call("monitoring.labels", "judged", endpoint, start, end)
        return found.lazy()


class ServedMonitoring(Part):
    """What the monitors found."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, "monitoring")
        self.labels = ServedLabels(link, "monitoring.labels")


class ServedValue(Part):
    """What the models earn.

    Args:
        currency: of the canvas.
    """

    def __init__(self, link: Link, *, currency: str) -> None:
        super().__init__(link, "value")
        self.currency = currency


@dataclass(frozen=True, slots=True)
class _Named:
    """A pipeline of the server, by its name."""

    link: Link
    name: str

    def parse(self, words: Sequence[str]) -> Mapping[str, Any]:
        found: dict[str, Any] = self.link.call("served", "parameters", self.name, list(words))
        return found


@dataclass(frozen=True, slots=True)
class _Described:
    told: Mapping[str, Any]

    def described(self) -> Mapping[str, Any]:
        return self.told


class ServedPipelines(Part):
    """Pipelines of the server: queued from here, executed by its worker."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, "pipelines")
        self.project = SimpleNamespace(pipeline=lambda name: _Named(link, name))

    def ls(self) -> list[_Described]:
        """The pipelines, by name."""
        return [_Described(told) for told in self._link.call("served", "pipelines")]

    def run(self, *_: Any, **__: Any) -> Any:
        """Not here: the code of a pipeline and its data are with the server."""
        raise refused("executing a pipeline here", self._link, fix="Queue it: stackcanvas run NAME --queue")


class _Catalog:
    """What there is to read of the definitions; none of them is here, so that nothing is published from here."""

    names: tuple[str, ...] = ()

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def services(self) -> Mapping[str, Any]:
        """The services by name."""
        found = {one.view for one in self._link.call("features", "status")}
        names = [name for name in self._link.call("served", "features") if name not in found]
        return {name: SimpleNamespace(**self._link.call("features", "describe", name)) for name in names}


class ServedFeatures(Part):
    """Features: online values are read and pushed through the server; definitions are the server's."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, "features")
        self.catalog = _Catalog(link)

    def get(self, name: str) -> Any:
        """What a client must know of a view to send rows of it."""
        told = self.describe(name)
        times = tuple(told[key] for key in ("event_time", "known_time") if told.get(key))
        return SimpleNamespace(name=name, times=times)

    def search(self, words: str = "", *, tag: str | None = None, owner: str | None = None) -> list[Any]:
        """Views and services that hold every word, by their names."""
        found = self._link.call("served", "features", words, tag=tag, owner=owner)
        return [SimpleNamespace(name=name) for name in found]
