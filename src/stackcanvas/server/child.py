"""What the processes have in common: stopping on a signal, leaving when the parent is gone, taking a port."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

from stackcanvas.errors import Refused, Unavailable

PARENT = "STACKCANVAS_PARENT"
_LOOK_S = 0.3
_PATIENCE_S = 15.0


def on_stop(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM or SIGINT."""

    def stopped(_number: int, _frame: object) -> None:
        # In a thread: the handler may have interrupted the very lock that `stop` takes.
        threading.Thread(target=stop, name="stop").start()

    signal.signal(signal.SIGTERM, stopped)
    signal.signal(signal.SIGINT, stopped)


def leave_with_parent() -> None:
    """End this process when the supervisor that started it is gone, even when that was killed.

    The supervisor names itself in the environment; without it nothing is watched.
    """
    parent = os.environ.get(PARENT)
    if parent is not None and parent.isdigit():
        threading.Thread(target=_watch, args=(int(parent),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    forever = threading.Event()
    while os.getppid() == parent:
        forever.wait(_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)
    forever.wait(_PATIENCE_S)
    os._exit(1)  # it did not end when asked


def listen(host: str, port: int, *, what: str, option: str) -> socket.socket:
    """A listening socket of this machine.

    Args:
        port: 0 takes a free one.
        what: what wants to listen, for the sentence.
        option: how another port is chosen, for the sentence.

    Raises:
        Refused: the address is not one of this machine alone.
        Unavailable: the port is taken or may not be used.
    """
    family, address = _loopback(host, what)
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((address, port))
        taken.listen(1024)
    except OSError as error:
        taken.close()
        raise _cannot_listen(error, host, port, what, option) from error
    return taken


def _loopback(host: str, what: str) -> tuple[socket.AddressFamily, str]:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        alone = address.is_loopback
    except ValueError:
        alone = False
    if not alone:
        raise Refused(
            f"{what} answers on this machine only, and {host} is not an address of it alone",
            expected="127.0.0.1, ::1 or localhost",
        )
    return (socket.AF_INET6 if address.version == 6 else socket.AF_INET), str(address)


def _cannot_listen(error: OSError, host: str, port: int, what: str, option: str) -> Unavailable:
    if error.errno == errno.EADDRINUSE:
        said = f"the port {port} on {host}, which {what} wants, is taken by another program"
    else:
        said = f"{what} cannot listen on {host} port {port} ({(error.strerror or str(error)).lower()})"
    return Unavailable(said[0].upper() + said[1:], fix=f"Stop that program, or choose another port with {option}")


def log_to_stderr(name: str) -> None:
    """Log warnings and what the processes say of themselves as lines that begin with the process's name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"{name}: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("stackcanvas").setLevel(logging.INFO)
