"""A bounded load generator: so many connections, each asking again as soon as it has its answer, for so long.

It talks to 127.0.0.1 only, in plain sockets, so that it takes as little as it can of the core it shares.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from dataclasses import dataclass, field

_MOST_CLIENTS = 256
_MOST_SECONDS_S = 120.0
_MOST_REQUESTS = 5_000_000


@dataclass(slots=True)
class Load:
    """What a run of the generator saw."""

    requests: int = 0
    seconds_s: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    longest_gap_s: float = 0.0
    broken: int = 0

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds_s if self.seconds_s else 0.0

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of the requests stayed under."""
        ordered = sorted(self.latencies_s)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


class _Client:
    __slots__ = ("answer", "begun_s", "socket", "wanted")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.answer = b""
        self.wanted = 0
        self.begun_s = 0.0


def post(path: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """The bytes of a request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def run(port: int, request: bytes, *, clients: int, seconds_s: float, most_requests: int = _MOST_REQUESTS) -> Load:
    """Ask the same thing over so many connections until the time or the number of requests is used up.

    Args:
        port: of 127.0.0.1.
        request: as `post` makes it.
    """
    if clients > _MOST_CLIENTS or seconds_s > _MOST_SECONDS_S:
        raise ValueError(f"at most {_MOST_CLIENTS} clients for {_MOST_SECONDS_S:g} s")
    load = Load()
    with selectors.DefaultSelector() as selector:
        begun_s = time.perf_counter()
        open_clients = 0
        for _ in range(clients):
            client = _Client(port)
            selector.register(client.socket, selectors.EVENT_READ, client)
            _ask(client, request)
            open_clients += 1
        last_s = begun_s
        while open_clients:
            ready = selector.select(timeout=5)
            if not ready:
                raise TimeoutError("no answer within 5 s")
            for key, _ in ready:
                client = key.data
                status = _read(client)
                if status is None:
                    continue
                now_s = time.perf_counter()
                load.statuses[status] += 1
                if status:
                    load.requests += 1
                    load.latencies_s.append(now_s - client.begun_s)
                    load.longest_gap_s = max(load.longest_gap_s, now_s - last_s)
                    last_s = now_s
                else:
                    load.broken += 1
                if not status or now_s - begun_s >= seconds_s or load.requests + open_clients > most_requests:
                    selector.unregister(client.socket)
                    client.socket.close()
                    open_clients -= 1
                else:
                    _ask(client, request)
        load.seconds_s = time.perf_counter() - begun_s
    return load


def _ask(client: _Client, request: bytes) -> None:
    client.begun_s = time.perf_counter()
    sent = client.socket.send(request)
    while sent < len(request):  # only for large bodies, when the socket's buffer is full
        try:
            sent += client.socket.send(request[sent:])
        except BlockingIOError:
            time.sleep(0.0001)


def _read(client: _Client) -> int | None:
    """The status of the answer when it is whole; 0 when the connection broke; None when more is to come."""
    try:
        got = client.socket.recv(262_144)
    except BlockingIOError:
        return None
    except OSError:
        return 0
    if not got:
        return 0
    client.answer = answer = client.answer + got if client.answer else got
    if not client.wanted:
        head = answer.find(b"\r\n\r\n")
        if head < 0:
            return None
        at = answer.lower().find(b"content-length:", 0, head)
        end = answer.find(b"\r\n", at)
        client.wanted = head + 4 + int(answer[at + 15 : end])
    if len(answer) < client.wanted:
        return None
    client.answer, client.wanted = b"", 0
    return int(answer[9:12])
