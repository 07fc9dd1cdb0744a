"""The route document is watched, and taken into service as a whole, without a request noticing.

New bundles are loaded and warmed off the event loop; then one assignment puts the new table in place. Requests that are
under way finish with the models they began with. An endpoint whose new route cannot be loaded keeps its last good one,
also over a restart (`served.json` holds what was last served), and `status.json` says why.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from stackcanvas.clock import Clock, to_us
from stackcanvas.errors import Corrupt, StackCanvasError, Unavailable
from stackcanvas.serving.server.bundle import Bundle, load_bundle
from stackcanvas.serving.server.choose import Chooser
from stackcanvas.serving.server.documents import EndpointSpec, RouteSpec, decode
from stackcanvas.serving.server.files import replace
from stackcanvas.serving.server.variant import Variant

_json = msgspec.json.Encoder(order="sorted")
MakeVariants = Callable[[str, EndpointSpec, Callable[[str], Bundle]], tuple[list[Variant], list[Variant]]]
"""Builds the variants and the shadows of an endpoint, given its name, its route and a loader of bundles."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint as it is served."""

    name: str
    spec: EndpointSpec
    variants: tuple[Variant, ...]
    shadows: tuple[Variant, ...]
    chooser: Chooser

    def main(self) -> Variant:
        """The variant with the most weight, the first of them when there are several."""
        weights = [one.weight for one in self.spec.variants]
        return self.variants[weights.index(max(weights))]


@dataclass(frozen=True, slots=True)
class Table:
    """All endpoints at one revision, and why some are not at it."""

    revision: int = 0
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class Routes:
    """The endpoints of a folder.

    Args:
        folder: holds `routes.json` and `bundles/`.
        make: builds the variants of an endpoint.
        clock: stamps `status.json`.
    """

    def __init__(self, folder: Path, *, make: MakeVariants, clock: Clock) -> None:
        self._folder = folder
        self._make = make
        self._clock = clock
        self._bundles: dict[str, Bundle] = {}
        self._seen: tuple[int, int, int] | None = None
        self.table = Table()
        self.loaded = False

    def changed(self) -> bool:
        """Whether the document is another file than the one last read."""
        return self._stamp() != self._seen or not self.loaded

    def load(self) -> Table:
        """Read the document and load what it names; nothing is in service yet. Runs beside the event loop."""
        stamp = self._stamp()
        table = self._read()
        self._seen = stamp
        return table

    def put_in_service(self, table: Table) -> None:
        """Serve this table from now on."""
        self.table = table
        self.loaded = True

    def keep(self, table: Table) -> None:
        """Forget bundles that nothing uses, and write down what is served."""
        used = {digest for endpoint in table.endpoints.values() for digest in _digests(endpoint.spec)}
        self._bundles = {digest: bundle for digest, bundle in self._bundles.items() if digest in used}
        served = RouteSpec(table.revision, {name: endpoint.spec for name, endpoint in table.endpoints.items()})
        status = {
            "revision": table.revision,
            "time_us": to_us(self._clock.now()),
            "pid": os.getpid(),
            "endpoints": {
                name: {
                    "state": "ready" if name in table.endpoints else "unavailable",
                    "variants": [one.name for one in table.endpoints[name].variants] if name in table.endpoints else [],
                    "error": table.failures.get(name),
                }
                for name in sorted({*table.endpoints, *table.failures})
            },
        }
        replace(self._folder / "served.json", _json.encode(served))
        replace(self._folder / "status.json", _json.encode(status))

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = (self._folder / "routes.json").stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _read(self) -> Table:
        try:
            wanted = self._document("routes.json")
        except StackCanvasError as error:
            # The whole document is unreadable: everything stays as it is.
            table = self.table if self.loaded else self._build(self._last_served(), {})
            return Table(
                table.revision, table.endpoints, {**dict.fromkeys(table.endpoints, str(error)), "": str(error)}
            )
        return self._build(wanted, self._last_served().endpoints)

    def _document(self, name: str) -> RouteSpec:
        path = self._folder / name
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return RouteSpec()
        except OSError as error:
            raise Unavailable(f"the routes cannot be read: {error.strerror}", where=str(path)) from error
        return decode(data, RouteSpec, where=path)

    def _last_served(self) -> RouteSpec:
        if self.loaded:
            return RouteSpec(self.table.revision, {name: one.spec for name, one in self.table.endpoints.items()})
        try:
            return self._document("served.json")
        except StackCanvasError:
            return RouteSpec()

    def _build(self, wanted: RouteSpec, before: dict[str, EndpointSpec]) -> Table:
        endpoints, failures = {}, {}
        for name, spec in wanted.endpoints.items():
            try:
                endpoints[name] = self._endpoint(name, spec)
            except StackCanvasError as error:
                failures[name] = str(error)
                try:
                    endpoints[name] = self._endpoint(name, before[name])
                except (StackCanvasError, KeyError):
                    continue
        return Table(wanted.revision, endpoints, failures)

    def _endpoint(self, name: str, spec: EndpointSpec) -> Endpoint:
        present = self.table.endpoints.get(name)
        if present is not None and present.spec == spec:
            return present
        where = f"endpoint {name!r}"
        if spec.lookup is not None:
            raise Unavailable("this server cannot look features up by key", where=where)
        weights = [one.weight for one in spec.variants]
        if not weights or any(weight < 0 for weight in weights) or sum(weights) <= 0:
            raise Corrupt(
                "no variant has a share of the rows", where=where, expected="weights from 0 upwards, one above 0"
            )
        variants, shadows = self._make(name, spec, self._bundle)
        outputs = variants[0].signature.outputs
        if any(one.signature.outputs != outputs for one in variants):
            raise Corrupt("the variants answer with different outputs", where=where, expected="the same outputs")
        return Endpoint(name, spec, tuple(variants), tuple(shadows), Chooser(weights, salt=name))

    def _bundle(self, digest: str) -> Bundle:
        if digest not in self._bundles:
            if not digest.isalnum():
                raise Corrupt(f"{digest!r} is not the name of a bundle", where=str(self._folder / "bundles"))
            self._bundles[digest] = load_bundle(self._folder / "bundles" / digest)
        return self._bundles[digest]


def _digests(spec: EndpointSpec) -> list[str]:
    fallback = [spec.fallback.model] if spec.fallback is not None and spec.fallback.model else []
    return [*(one.bundle for one in [*spec.variants, *spec.shadow]), *fallback]
