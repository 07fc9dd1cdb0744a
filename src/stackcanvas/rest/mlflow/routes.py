"""The shape of a route, and finding the one that a path means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stackcanvas.rest.mlflow.messages import Message
from stackcanvas.stack import Stack

PREFIXES = ("/api", "/ajax-api")


@dataclass(frozen=True, slots=True)
class Route:
    """One path of the API.

    Args:
        method: of HTTP; a GET is read from its query, all others from their bodies.
        place: below the prefix, such as `runs/create` or `logged-models/{model_id}`.
        message: what is asked; variables of the path become its fields.
        answer: gives what is answered: a dictionary, or an `Answer` where it is not JSON of its own.
        version: of the API.
        reads: it changes nothing though it is no GET, as searches are.
        slow: it moves files, so that others do not wait behind it.
    """

    method: str
    place: str
    message: type[Message]
    answer: Callable[[Stack, Any], object]
    version: str = "2.0"
    reads: bool = False
    slow: bool = False

    @property
    def writes(self) -> bool:
        """Whether it may change records."""
        return self.method != "GET" and not self.reads

    @property
    def path(self) -> str:
        """The path under the first prefix, as metrics name it."""
        return f"{PREFIXES[0]}/{self.version}/mlflow/{self.place}"


def _paths(route: Route) -> list[str]:
    """Every path of a route; old clients write `preview` into it."""
    below = [f"{route.version}/mlflow", *(["2.0/preview/mlflow"] if route.version == "2.0" else [])]
    return [f"{prefix}/{one}/{route.place}" for prefix in PREFIXES for one in below]


class Table:
    """Finds routes: plain paths by one look-up, those with variables by their patterns."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._plain: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for route in routes:
            for path in _paths(route):
                if "{" in path:
                    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
                    self._patterns.append((re.compile(pattern), route))
                else:
                    self._plain.setdefault(path, {})[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route | None, Mapping[str, str], bool]:
        """The route, the variables in its path, and whether the path exists under any method."""
        known = self._plain.get(path)
        if known is not None:
            return known.get(method), {}, True
        exists = False
        for pattern, route in self._patterns:
            found = pattern.fullmatch(path)
            if found:
                exists = True
                if route.method == method:
                    return route, found.groupdict(), True
        return None, {}, exists
