"""A network that fails: a proxy between a client and a server on this machine, told which connections to spoil."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

_PIECE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a connection.

    Args:
        after_sent: so many bytes of the request go through before it breaks; None for all of them.
        after_answered: so many bytes of the answer go through; None for all of them.
        stall: nothing more goes through, and the connection stays open, instead of breaking.
        at_most: how many connections it happens to.
    """

    after_sent: int | None = None
    after_answered: int | None = None
    stall: bool = False
    at_most: int = 1


class FaultyNetwork:
    """Passes bytes on in both directions until a fault is due; a context manager.

    Args:
        port: of the server, on the loopback address.

    Attributes:
        port: where clients connect.
        struck: how many connections were spoilt.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._fault: Fault | None = None
        self._left = 0
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.struck = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.hang_up()

    def strike(self, fault: Fault | None) -> None:
        """Spoil the next connections; what is open is closed, so that none is used again."""
        with self._lock:
            self._fault, self._left = fault, fault.at_most if fault else 0
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection."""
        with self._lock:
            ending, self._open = self._open, []
        for one in ending:
            _break(one)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                fault = self._next()
                with self._lock:
                    self._open += [client, server]
                sent = fault.after_sent if fault else None
                answered = fault.after_answered if fault else None
                stall = fault is not None and fault.stall
                for one, other, limit in ((client, server, sent), (server, client, answered)):
                    threading.Thread(target=self._pass_on, args=(one, other, limit, stall), daemon=True).start()

    def _next(self) -> Fault | None:
        with self._lock:
            if not self._left:
                return None
            self._left -= 1
            self.struck += 1
            return self._fault

    def _pass_on(self, one: socket.socket, other: socket.socket, limit: int | None, stall: bool) -> None:
        left = limit
        with suppress(OSError):
            while piece := one.recv(_PIECE_BYTES):
                if left is not None:
                    piece, left = piece[:left], left - len(piece[:left])
                other.sendall(piece)
                if left == 0:
                    if stall:
                        threading.Event().wait(60)
                    break
            else:
                other.shutdown(socket.SHUT_WR)  # a side that has said all: what is on its way still arrives
                return
        _break(one)
        _break(other)


def _break(one: socket.socket) -> None:
    """Close at once, as when a cable is pulled: the other side sees a reset."""
    actions: list[Callable[[], object]] = [
        lambda: one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
        lambda: one.shutdown(socket.SHUT_RDWR),
        one.close,
    ]
    for action in actions:
        with suppress(OSError):
            action()
