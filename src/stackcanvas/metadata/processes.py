"""Which process holds a record, told apart from a later one that was given the same number."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path


def mark(pid: int | None = None) -> str:
    """`host/pid/start` of a process, of this one by default."""
    number = os.getpid() if pid is None else pid
    return f"{socket.gethostname()}/{number}/{_start(number) or '0'}"


def own() -> str:
    """The mark of this process; a forked child has another one than its parent."""
    return _mark_of(os.getpid())


@lru_cache(maxsize=2)
def _mark_of(pid: int) -> str:
    return mark(pid)


def is_gone(process: str) -> bool:
    """Whether a marked process has surely ended; one of another host is never sure."""
    host, pid, start = process.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    now = _start(int(pid))
    return now is not None and start not in {"0", now}


def _start(pid: int) -> str | None:
    """When the system started it, in its own ticks; None where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in brackets may hold blanks: fields are counted after it. A zombie has ended.
    fields = stat.rpartition(")")[2].split()
    return "ended" if fields[0] == "Z" else fields[19]
