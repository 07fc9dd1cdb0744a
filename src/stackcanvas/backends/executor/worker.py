"""The worker's side: a fresh interpreter that runs one task after the other until its parent is gone."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue

from stackcanvas.backends.executor.call import call, failure
from stackcanvas.errors import BadInput, StackCanvasError


def main(handle: int) -> None:
    """Serve tasks from the socket with this file descriptor."""
    connection = Connection(handle)
    inbox: SimpleQueue[bytes] = SimpleQueue()
    # Reading goes on while a task runs: the end of the stream means that the parent is gone or has closed.
    threading.Thread(target=_read, args=(connection, inbox), daemon=True).start()
    while True:
        answer = _answer(inbox.get())
        with suppress(OSError, ValueError):  # what the task printed, though somebody may have closed the stream
            sys.stdout.flush()
        connection.send_bytes(answer)


def _read(connection: Connection, inbox: SimpleQueue[bytes]) -> None:
    try:
        while True:
            inbox.put(connection.recv_bytes())
    except (EOFError, OSError):
        _end_group()


def _end_group() -> None:
    """End this worker at once, with the processes that its task may have started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _answer(payload: bytes) -> bytes:
    function = "task"
    try:
        function, arguments = pickle.loads(payload)  # noqa: S301 - our own parent wrote it
        args = _unpickled(function, arguments)
        return pickle.dumps((True, _sendable(function, call(function, args))))
    except StackCanvasError as error:
        return pickle.dumps((False, error))
    except BaseException as error:  # noqa: BLE001 - whatever happens, the parent gets an answer
        return pickle.dumps((False, failure(function, error)))


def _unpickled(function: str, arguments: bytes) -> tuple[object, ...]:
    try:
        args: tuple[object, ...] = pickle.loads(arguments)  # noqa: S301 - our own parent wrote it
    except Exception as error:
        raise BadInput(f"the arguments of {function!r} cannot be read in a worker: {error}") from error
    return args


def _sendable(function: str, result: object) -> bytes:
    try:
        return pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise BadInput(f"the result of {function!r} cannot be pickled: {error}") from error
