"""Work in warm processes of this machine.

The pool of the standard library is not used: when one of its workers is killed it fails every task and cannot be used
again, its workers outlive a killed parent, and it imports the caller's main script once more in each of them. Here each
worker is a fresh interpreter in a session of its own behind one socket, and one thread of ours feeds it.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from stackcanvas.backends.executor.call import check_name
from stackcanvas.errors import BadInput, StackCanvasError, Unavailable

_BOOT = (
    "import sys; handle, *sys.path = sys.argv[1:]; "
    "from stackcanvas.backends.executor.worker import main; sys.argv[1:] = []; main(int(handle))"
)


class ProcessExecutor:
    """Runs tasks in processes that start when first needed and stay.

    Args:
        workers: how many at most; one for each core that this process may use when None.

    Example:
        >>> pool = ProcessExecutor(1)
        >>> pool.submit("operator:add", 1, 2).result()
        3
        >>> pool.close()
    """

    def __init__(self, workers: int | None = None) -> None:
        self.url = "processes:" if workers is None else f"processes:{workers}"
        self._limit = workers or _cores()
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._feeders: list[threading.Thread] = []
        self._workers: set[_Worker] = set()
        self._closed = False

    def submit(self, function: str, /, *args: object) -> Future[object]:
        """Run the function in a worker."""
        check_name(function)
        task = _Task(Future(), function, _pickled(function, args))
        with self._lock:
            self._refuse_closed()
            self._tasks.put(task)
            if not self._idle.acquire(blocking=False) and len(self._feeders) < self._limit:
                feeder = threading.Thread(target=self._feed, name="stackcanvas-worker", daemon=True)
                self._feeders.append(feeder)
                feeder.start()
        return task.future

    def close(self) -> None:
        """Cancel what has not started, stop what runs, end the workers."""
        with self._lock:
            self._closed = True
            for task in self._drain():
                task.future.cancel()
                task.future.set_running_or_notify_cancel()
            for _ in self._feeders:
                self._tasks.put(None)
            for worker in self._workers:
                worker.kill()
        for feeder in self._feeders:
            feeder.join()

    def _drain(self) -> list[_Task]:
        tasks = []
        with suppress(queue.Empty):
            while True:
                task = self._tasks.get_nowait()
                if task is not None:
                    tasks.append(task)
        return tasks

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Unavailable("the executor is closed")

    def _feed(self) -> None:
        """One feeder: gives tasks to its worker, and a new worker when the old one died."""
        worker: _Worker | None = None
        while (task := self._next()) is not None:
            if not task.future.set_running_or_notify_cancel():
                continue
            try:
                if worker is None or not worker.alive():
                    self._retire(worker)
                    worker = self._start()
                result = worker.run(task)
            except StackCanvasError as error:
                task.future.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - a future that never ends would be worse
                task.future.set_exception(error)
            else:
                task.future.set_result(result)
        self._retire(worker)

    def _next(self) -> _Task | None:
        try:
            return self._tasks.get_nowait()
        except queue.Empty:
            self._idle.release()
            return self._tasks.get()

    def _start(self) -> _Worker:
        with self._lock:
            self._refuse_closed()
            worker = _Worker()
            self._workers.add(worker)
        return worker

    def _retire(self, worker: _Worker | None) -> None:
        if worker is not None:
            with self._lock:
                self._workers.discard(worker)
            worker.end()


@dataclass(frozen=True, slots=True)
class _Task:
    future: Future[object]
    function: str
    payload: bytes


class _Worker:
    """A process and the socket to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            handle = theirs.fileno()
            # A session of its own: Ctrl-C reaches only the parent, which decides what becomes of its workers.
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, str(handle), *sys.path],
                pass_fds=[handle],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())

    def alive(self) -> bool:
        return self._process.poll() is None

    def run(self, task: _Task) -> object:
        try:
            self._connection.send_bytes(task.payload)
            done, answer = pickle.loads(self._connection.recv_bytes())  # noqa: S301 - our own worker wrote it
        except (EOFError, OSError):
            raise self._death(task.function) from None
        if not done:
            raise answer
        try:
            return pickle.loads(answer)  # noqa: S301 - our own worker wrote it
        except Exception as error:
            raise BadInput(f"the result of {task.function!r} cannot be read here: {error}") from error

    def kill(self) -> None:
        if self._process.returncode is None:  # later the number may belong to somebody else
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        self.kill()
        self._process.wait()
        self._connection.close()

    def _death(self, function: str) -> Unavailable:
        self.kill()  # whatever its task had started; its own exit code is fixed already
        code = self._process.wait()
        if code < 0:
            return Unavailable(
                f"the worker process that ran {function!r} was killed by {signal.Signals(-code).name}",
                fix="If memory ran out, give it less data or use fewer workers",
            )
        return Unavailable(f"the worker process that ran {function!r} ended with exit code {code}")


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _pickled(function: str, args: tuple[object, ...]) -> bytes:
    try:
        arguments = pickle.dumps(args, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise BadInput(f"the arguments of {function!r} cannot be pickled: {error}") from error
    return pickle.dumps((function, arguments), protocol=pickle.HIGHEST_PROTOCOL)
