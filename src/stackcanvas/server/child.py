"""What the processes have in common: stopping on a signal, leaving when the parent is gone, taking a port."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import json
import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stackcanvas.errors import Conflict, Refused, Unavailable
from stackcanvas.stack.running import process

PARENT = "STACKCANVAS_PARENT"
_LOOK_S = 0.3
_PATIENCE_S = 15.0


def on_stop(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM, at SIGINT, and when the terminal is closed."""

    def stopped(_number: int, _frame: object) -> None:
        # In a thread: the handler may have interrupted the very lock that `stop` takes.
        threading.Thread(target=stop, name="stop").start()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stopped)


def wait_for(stop: threading.Event, *, meanwhile: Callable[[], object] | None = None) -> None:
    """Wait in the main thread until an event is set; looks up now and then.

    The system may hand a signal to any thread, and only the main one runs its handler: one that slept for good would
    never hear of it.

    Args:
        meanwhile: called at each look.
    """
    while not stop.wait(_LOOK_S):
        if meanwhile is not None:
            meanwhile()


@contextmanager
def only_one(folder: Path, name: str) -> Iterator[None]:
    """Hold a lock of a project's folder, so that there is one process of a kind.

    Raises:
        Conflict: another process holds it.
    """
    place = folder / "run" / f"{name}.lock"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a+") as lock:
        try:
            # The system gives the lock back when its holder dies, however it dies.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _runs_already(folder, name, place) from error
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid()}))
        lock.flush()
        yield


def _runs_already(folder: Path, name: str, place: Path) -> Conflict:
    try:
        pid = json.loads(place.read_text())["pid"]
    except (OSError, ValueError, KeyError):
        pid = None
    found = process(folder, "control")
    at = f" at {found.url}" if found is not None and found.alive else ""
    stop = f"Stop it with Ctrl-C where it runs, or with `kill {pid}`" if pid else "Stop it with Ctrl-C where it runs"
    return Conflict(
        f"This project runs already{at}" if name == "up" else f"A {name} of this project runs already", fix=stop
    )


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


def listen(host: str, port: int, *, what: str, option: str, anywhere: bool = False) -> socket.socket:
    """A listening socket of this machine.

    Args:
        port: 0 takes a free one.
        what: what wants to listen, for the sentence.
        option: how another port is chosen, for the sentence.
        anywhere: whether other machines may be listened to as well.

    Raises:
        Refused: the address is not one of this machine alone.
        Unavailable: the port is taken or may not be used.
    """
    family, address = _address(host, what, anywhere=anywhere)
    # Each connection is an open file, and the usual thousand are soon taken by who means no good.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((address, port))
        taken.listen(1024)
    except OSError as error:
        taken.close()
        raise _cannot_listen(error, host, port, what, option) from error
    return taken


def is_loopback(host: str) -> bool:
    """Whether an address is one of this machine alone.

    Example:
        >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(host: str, what: str, *, anywhere: bool) -> tuple[socket.AddressFamily, str]:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not (anywhere or address.is_loopback):
        raise Refused(
            f"{host} is not an address"
            if address is None
            else f"{what} answers on this machine only, and {host} is not an address of it alone",
            expected="an address such as 0.0.0.0" if anywhere else "127.0.0.1, ::1 or localhost",
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
