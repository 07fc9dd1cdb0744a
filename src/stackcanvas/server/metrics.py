"""The few figures of the control server itself, in the text format of Prometheus."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """Counts requests by route and status; nothing that a client sends becomes a label.

    Args:
        started: when the process began.
    """

    def __init__(self, *, started: datetime) -> None:
        self._started = started
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[str, float] = {}

    def count(self, method: str, route: str, status: int, *, took_s: float) -> None:
        """Note one answered request."""
        with self._lock:
            self._requests[method if method in _METHODS else "other", route, status] += 1
            self._seconds[route] = self._seconds.get(route, 0.0) + took_s

    def text(self) -> str:
        """All figures."""
        with self._lock:
            requests, seconds = dict(self._requests), dict(self._seconds)
        lines = [
            "# HELP stackcanvas_control_start_time_seconds When the process began.",
            "# TYPE stackcanvas_control_start_time_seconds gauge",
            f"stackcanvas_control_start_time_seconds {self._started.timestamp():.3f}",
            "# HELP stackcanvas_control_requests_total Requests answered.",
            "# TYPE stackcanvas_control_requests_total counter",
            *(
                f'stackcanvas_control_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
                for (method, route, status), count in sorted(requests.items())
            ),
            "# HELP stackcanvas_control_request_seconds_total Time spent on answering.",
            "# TYPE stackcanvas_control_request_seconds_total counter",
            *(
                f'stackcanvas_control_request_seconds_total{{route="{route}"}} {spent:.6f}'
                for route, spent in sorted(seconds.items())
            ),
        ]
        return "\n".join(lines) + "\n"


class Observer:
    """Counts what the application answers."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count it when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", None) or "pages"
                took_s = time.perf_counter() - begun
                self._metrics.count(scope["method"], route, message["status"], took_s=took_s)
            await send(message)

        await self._app(scope, receive, counted)
