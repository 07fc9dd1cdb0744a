"""What the prediction server must know of the features: one document, published beside its routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from stackcanvas.backends.keyvalue.rows import Place
from stackcanvas.features.catalog import Catalog


def plan(catalog: Catalog, places: Sequence[tuple[Place, int | None]]) -> dict[str, Any]:
    """The document without the address of the online store.

    Args:
        places: where each view lies, with the kinds of its columns, and until when it has come online, in microseconds.
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
                "until_us": until_us,
            }
            for place, until_us in places
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
