"""What the prediction server must know of the features: one document, published beside its routes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from stackcanvas.backends.keyvalue.rows import Place
from stackcanvas.clock import to_us
from stackcanvas.features.catalog import Catalog


def plan(catalog: Catalog, places: Sequence[tuple[Place, datetime | None]]) -> dict[str, Any]:
    """The document without the address of the online store.

    Args:
        places: where each view lies, with the kinds of its keys, and until when it has come online.
    """
    return {
        "views": {
            place.name: {
                "place": msgspec.to_builtins(place),
                "event_time": catalog.views[place.name].event_time,
                "known_time": catalog.views[place.name].known_time,
                "timezone": catalog.views[place.name].timezone,
                "stream": catalog.views[place.name].stream,
                "source": catalog.views[place.name].source,
                "until_us": None if until is None else to_us(until),
            }
            for place, until in places
        },
        "on_demand": {
            view.name: {"inputs": list(view.inputs), "request": list(view.request), "formulas": dict(view.formulas)}
            for view in catalog.demanded.values()
        },
        "services": {
            service.name: [f"{view}:{feature}" for view, feature in catalog.select([service.name]).wanted]
            for service in catalog.services.values()
        },
    }
