"""Which processes of a project run, and where they listen: one small file each under `.stackcanvas/run/`."""

from __future__ import annotations

import json
import os
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from stackcanvas.stack.root import is_of_workspace

NAMES = ("control", "predict", "worker")


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it announced itself.

    Args:
        host: where it listens; None when it listens nowhere.
        alive: whether the system still knows the process.
        tls: whether it speaks TLS.
    """

    name: str
    pid: int
    started: datetime
    host: str | None
    port: int | None
    alive: bool
    tls: bool = False

    @property
    def url(self) -> str | None:
        """Its address, None when it listens nowhere."""
        if self.host is None or self.port is None:
            return None
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def announce(
    folder: Path,
    name: str,
    *,
    started: datetime,
    host: str | None = None,
    port: int | None = None,
    tls: bool = False,
) -> None:
    """Say that this process is ready and where it listens."""
    place = _place(folder, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    facts = {"host": host, "port": port, "pid": os.getpid(), "started": started.isoformat(), "tls": tls}
    # Readers must never see half a file.
    fresh = place.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(facts) + "\n")
    fresh.replace(place)


def beat(folder: Path, name: str) -> None:
    """Say that this process still goes on, without a word more: its file is touched."""
    with suppress(OSError):  # a disk that cannot be written is not a reason to end
        os.utime(_place(folder, name))


def pulse(folder: Path, name: str) -> int | None:
    """A number that changes as long as a process goes on that beats; None where nothing can be told."""
    place = _place(folder, name)
    try:
        return place.stat().st_mtime_ns if os.access(place, os.W_OK) else None
    except OSError:
        return None


def answers(found: Process, path: str, *, patience_s: float = 2.0) -> bool:
    """Whether a process of this machine answers 200 at a path."""
    if found.host is None or found.port is None:
        return False
    connection = connection_to(found, patience_s=patience_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def connection_to(found: Process, *, patience_s: float) -> HTTPConnection:
    """A connection to a process of this machine that listens."""
    assert found.host is not None
    if not found.tls:
        return HTTPConnection(found.host, found.port, timeout=patience_s)
    # It is asked by its number: the name in its certificate is another one.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(found.host, found.port, timeout=patience_s, context=context)


def withdraw(folder: Path, name: str) -> None:
    """Take back what this process announced; what another one said stays."""
    found = process(folder, name)
    if found is not None and found.pid == os.getpid():
        _place(folder, name).unlink(missing_ok=True)


def process(folder: Path, name: str) -> Process | None:
    """What a process announced last, None when there is nothing readable."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        facts = json.loads(_place(folder, name).read_text())
        return Process(
            name=name,
            pid=int(facts["pid"]),
            started=datetime.fromisoformat(facts["started"]),
            host=facts.get("host"),
            port=facts.get("port"),
            alive=is_alive(int(facts["pid"])),
            tls=bool(facts.get("tls")),
        )
    return None


def processes(folder: Path) -> list[Process]:
    """Every process that announced itself and still lives."""
    found = (process(folder, name) for name in NAMES)
    return [one for one in found if one is not None and one.alive]


def is_alive(pid: int) -> bool:
    """Whether the system has a running process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with suppress(OSError):  # an ended process that nobody has waited for still has its number
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _place(folder: Path, name: str) -> Path:
    # The processes of a project are those of its workspaces, too.
    state = folder.parents[1] if is_of_workspace(folder) else folder
    return state / "run" / f"{name}.json"
