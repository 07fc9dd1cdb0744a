"""A model that runs in a process of its own: what it prints, leaks or breaks stays there.

The process gets the files of the model in a folder that is its own, rows through a pipe, and none of this process's
environment but what finding Python and its packages takes. It is no sandbox against code that means harm: whether
Python code may run at all is decided before.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from stackcanvas.backends.runtimes.frames import Broken, pack, unpack
from stackcanvas.errors import BadInput, Unavailable

Array = npt.NDArray[Any]

WORKER = "stackcanvas.registry.formats.worker"
"""The module that the process runs; by name, since this side must not import it."""

_LOAD_S = 120.0
_CALL_S = 60.0
_PART = 1 << 20
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


class ModelBroke(Unavailable):
    """The process of a model ended, or did not answer in time."""


class IsolatedModel:
    """Runs a model in its own process, and starts that again when it has ended.

    Args:
        files: path -> bytes.
        facts: what the process must know: `format`, `runtime`, `inputs`, `outputs`.
        where: the model, named in errors.
        load_s: how long loading may take.
        call_s: how long an answer may take.

    Raises:
        BadInput: the model cannot be loaded; what its code said is told.
        ModelBroke: the process ended while loading.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        facts: Mapping[str, Any],
        *,
        where: str,
        load_s: float = _LOAD_S,
        call_s: float = _CALL_S,
    ) -> None:
        self._facts = dict(facts)
        self._where = where
        self._load_s = load_s
        self._call_s = call_s
        self._lock = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="stackcanvas-model-"))
        self._process: list[subprocess.Popen[bytes]] = []
        self._ends = weakref.finalize(self, _end, self._folder, self._process)
        for path, content in files.items():
            target = self._folder / "files" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        with self._lock:
            self._start()

    @property
    def pid(self) -> int | None:
        """The id of the process, None while there is none."""
        return self._process[0].pid if self._process else None

    def predict(self, arrays: Sequence[tuple[str, Array]]) -> dict[str, Array]:
        """The outputs by name for rows that are given as columns or as matrices of columns.

        Raises:
            BadInput: the model's code raised on these rows.
            ModelBroke: the process ended or took too long; the next call starts another.
        """
        with self._lock:
            if not self._process or self._process[0].poll() is not None:
                self._stop()
                self._start()
            _, answered = self._ask({"do": "predict"}, arrays, self._call_s)
            return answered

    def close(self) -> None:
        """End the process and remove its files."""
        self._ends()

    def _start(self) -> None:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        scratch = str(self._folder)
        environment = {**kept, "HOME": scratch, "TMPDIR": scratch, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=scratch,
            bufsize=0,
            start_new_session=True,  # a Ctrl-C in the terminal is not for it
        )
        self._process.append(process)
        try:
            self._ask({"do": "load", **self._facts, "folder": str(self._folder / "files")}, (), self._load_s)
        except BaseException:
            self._stop()
            raise

    def _ask(
        self, facts: Mapping[str, Any], arrays: Sequence[tuple[str, Array]], limit_s: float
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        process = self._process[0]
        end_s = time.monotonic() + limit_s
        try:
            self._send(process, pack(facts, arrays), end_s)
            said, answered = unpack(lambda count: self._receive(process, count, end_s))
        except (Broken, EOFError, BrokenPipeError, TimeoutError) as error:
            self._stop()
            raise ModelBroke(self._end_of(process, error, limit_s), where=self._where) from error
        if "error" in said:
            raise BadInput(str(said["error"]), where=self._where)
        return said, answered

    @staticmethod
    def _end_of(process: subprocess.Popen[bytes], error: Exception, limit_s: float) -> str:
        if isinstance(error, TimeoutError):
            return f"the model's process did not answer in {limit_s:g} s and was ended"
        if isinstance(error, Broken):
            return "the model's process answered with something that is no answer, and was ended"
        code = process.returncode
        if code is not None and code < 0 and code != -signal.SIGKILL:
            return f"the model's process ended by {signal.Signals(-code).name}"
        return "the model's process ended" if not code or code < 0 else f"the model's process ended with code {code}"

    @staticmethod
    def _send(process: subprocess.Popen[bytes], message: bytes, end_s: float) -> None:
        assert process.stdin is not None
        target = process.stdin.fileno()
        os.set_blocking(target, False)
        waiting = memoryview(message)
        while waiting:
            _wait(target, select.POLLOUT, end_s)
            try:
                waiting = waiting[os.write(target, waiting[:_PART]) :]
            except BlockingIOError:
                continue

    @staticmethod
    def _receive(process: subprocess.Popen[bytes], count: int, end_s: float) -> bytes:
        assert process.stdout is not None
        source = process.stdout.fileno()
        found = bytearray()
        while len(found) < count:
            _wait(source, select.POLLIN, end_s)
            part = os.read(source, min(_PART, count - len(found)))
            if not part:
                process.wait(5)
                raise EOFError
            found += part
        return bytes(found)

    def _stop(self) -> None:
        _kill(self._process)


def _wait(number: int, event: int, end_s: float) -> None:
    poll = select.poll()
    poll.register(number, event)
    left_s = end_s - time.monotonic()
    if left_s <= 0 or not poll.poll(left_s * 1000):
        raise TimeoutError


def _kill(processes: list[subprocess.Popen[bytes]]) -> None:
    while processes:
        process = processes.pop()
        if process.poll() is None:
            process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _end(folder: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    _kill(processes)
    shutil.rmtree(folder, ignore_errors=True)
