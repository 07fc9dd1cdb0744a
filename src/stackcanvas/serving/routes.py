"""Routes: which variants answer at each endpoint, as records, and as the document that the servers read.

The records are the truth. The document is made from them under a lock of the folder, so that of two publishers the
later one writes what the records say later, and it is written only when it differs.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection, select

from stackcanvas.backends.files import make_folder, unavailable
from stackcanvas.metadata import Ref, Spine
from stackcanvas.metadata.counters import take
from stackcanvas.serving.bundles import Bundles
from stackcanvas.serving.policy import Policy
from stackcanvas.serving.server.files import replace
from stackcanvas.serving.tables import serving_route


class Variant(Protocol):
    """One model version that answers at an endpoint, as a deployment names it."""

    @property
    def name(self) -> str:
        """How the log and the metrics call it."""
        ...

    @property
    def model(self) -> Ref:
        """The version, pinned."""
        ...

    @property
    def bundle(self) -> str:
        """The digest of its compiled form."""
        ...

    @property
    def weight(self) -> float:
        """Its share of the rows."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """What answers at an endpoint, as recorded.

    Args:
        variants: name, model, bundle and weight of each.
        shadow: those that see copies only.
        revision: of all routes, when this one was written.
    """

    endpoint: str
    variants: tuple[Mapping[str, Any], ...]
    shadow: tuple[Mapping[str, Any], ...]
    revision: int
    changed: datetime


class Routes:
    """Writes routes, reads them, and hands them to the servers.

    Args:
        spine: its database holds the records.
        bundles: that routes name.
        folder: where the servers look.
    """

    def __init__(self, spine: Spine, bundles: Bundles, folder: Path) -> None:
        self._spine = spine
        self._bundles = bundles
        self._folder = folder

    def write(
        self,
        tx: Connection,
        endpoint: str,
        variants: Sequence[Variant],
        *,
        shadow: Sequence[Variant],
        policy: Policy,
    ) -> int:
        """Record inside the caller's transaction what answers at an endpoint; gives the revision of all routes."""
        revision = take(self._spine.database, tx, "serving_route")
        facts = {
            "route": self._route(tx, variants, shadow, policy),
            "revision": revision,
            "changed": self._spine.clock.now(),
        }
        new = self._spine.database.insert(serving_route).values(endpoint=endpoint, **facts)
        tx.execute(new.on_conflict_do_update(index_elements=[serving_route.c.endpoint], set_=facts))
        return revision

    def ls(self) -> list[Route]:
        """Every route, by endpoint."""
        with self._spine.read() as connection:
            rows = connection.execute(select(serving_route).order_by(serving_route.c.endpoint)).mappings().all()
        return [
            Route(
                row["endpoint"],
                tuple(row["route"]["variants"]),
                tuple(row["route"]["shadow"]),
                row["revision"],
                row["changed"],
            )
            for row in rows
        ]

    def publish(self) -> int:
        """Hand the recorded routes to the servers, with the bundles that they name; gives the revision.

        Doing it again changes nothing; a folder that was lost or damaged is made anew.

        Raises:
            Unavailable: the folder cannot be written.
        """
        place = self._folder / "routes.json"
        with self._locked():
            revision, document, digests = self._document()
            if not digests and not place.exists():
                return revision  # nothing was ever deployed
            present = _read(place)
            if present == document and all((self._folder / "bundles" / digest).is_dir() for digest in digests):
                return revision
            self._bundles.lay_out(digests)
            if present != document:
                try:
                    replace(place, document)
                except OSError as error:
                    raise unavailable(error, place) from error
        return revision

    def _route(
        self, tx: Connection, variants: Sequence[Variant], shadow: Sequence[Variant], policy: Policy
    ) -> dict[str, Any]:
        fallback: dict[str, Any] | None = None
        if policy.fallback_constant is not None:
            fallback = {"constant": dict(policy.fallback_constant)}
        elif policy.fallback_model is not None:
            fallback = {"model": self._bundles.fallback_of(tx, variants[0].bundle)}
        return {
            "variants": [_facts(variant) for variant in variants],
            "shadow": [_facts(variant) for variant in shadow],
            "sticky": policy.sticky,
            "fallback": fallback,
            "lookup": None,
            "log": {"drop": list(policy.drop), "hash": list(policy.hash), "sample": policy.sample},
        }

    def _document(self) -> tuple[int, bytes, list[str]]:
        with self._spine.read() as connection:
            rows = connection.execute(select(serving_route).order_by(serving_route.c.endpoint)).mappings().all()
        routes = {row["endpoint"]: row["route"] for row in rows}
        revision = max((row["revision"] for row in rows), default=0)
        digests = [one["bundle"] for route in routes.values() for one in [*route["variants"], *route["shadow"]]]
        digests += [
            route["fallback"]["model"]
            for route in routes.values()
            if route["fallback"] and route["fallback"].get("model")
        ]
        document = {"revision": revision, "endpoints": routes}
        return revision, msgspec.json.encode(document, order="deterministic"), digests

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One publisher at a time; the system frees the lock of one that is killed."""
        try:
            make_folder(self._folder)
            handle = os.open(self._folder / "publish.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise unavailable(error, self._folder) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _read(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise unavailable(error, place) from error


def _facts(variant: Variant) -> dict[str, Any]:
    return {"name": variant.name, "model": str(variant.model), "bundle": variant.bundle, "weight": variant.weight}
