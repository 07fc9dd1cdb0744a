"""The supervisor, with real processes that are really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from stackcanvas.errors import Unavailable
from stackcanvas.server.supervisor import ChildEnded, Plan, Supervisor
from stackcanvas.stack.running import is_alive, process

CHILD = """
import sys, threading
from datetime import UTC, datetime
from pathlib import Path
from stackcanvas.server.child import leave_with_parent, on_stop, wait_for
from stackcanvas.stack.running import announce, beat, withdraw
folder, name = Path(sys.argv[1]), sys.argv[2]
leave_with_parent()
stop = threading.Event()
if "deaf" in sys.argv:
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    on_stop(stop.set)
announce(folder, name, started=datetime.now(UTC))
wait_for(stop, meanwhile=lambda: beat(folder, name))
withdraw(folder, name)
"""


def child(folder: Path, name: str, *words: str) -> Plan:
    """A child that announces itself and waits for the end."""
    return Plan(name, lambda _port: [sys.executable, "-c", CHILD, str(folder), name, *words], health=None)


def until(condition: Callable[[], bool], *, patience_s: float = 20.0) -> None:
    """Wait for what other processes do; there is no clock to pass to them."""
    last = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < last, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    """Starts supervisors, watches them in a thread, and stops all at the end."""
    stop = threading.Event()
    started: list[tuple[Supervisor, threading.Thread]] = []

    def start(*plans: Plan) -> Supervisor:
        supervisor = Supervisor(tmp_path, plans, environ=os.environ, ask_every_s=0.5, silent_asks=6)
        supervisor.start(stop)
        thread = threading.Thread(target=supervisor.watch, args=(stop,))
        thread.start()
        started.append((supervisor, thread))
        return supervisor

    yield start
    stop.set()
    for supervisor, thread in started:
        thread.join()
        supervisor.stop()


def pid(folder: Path, name: str) -> int:
    """The process id of a child that runs."""
    found = process(folder, name)
    return found.pid if found and found.alive else 0


def test_a_killed_child_is_started_again(run: Callable[..., Supervisor], tmp_path: Path) -> None:
    """Kill -9 of one child: it comes back as another process, the other one is left alone."""
    run(child(tmp_path, "control"), child(tmp_path, "worker"))
    first, other = pid(tmp_path, "control"), pid(tmp_path, "worker")

    os.kill(first, signal.SIGKILL)
    until(lambda: pid(tmp_path, "control") not in {0, first})

    assert pid(tmp_path, "worker") == other


LISTENING = """
import sys, threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from stackcanvas.server.child import leave_with_parent
from stackcanvas.stack.running import announce

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words):
        pass

leave_with_parent()
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
announce(Path(sys.argv[1]), "control", started=datetime.now(UTC), host="127.0.0.1", port=server.server_port)
server.serve_forever()
"""


def test_a_child_that_lives_but_hangs_is_replaced(
    run: Callable[..., Supervisor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Paused for good, one that answers over HTTP and one that beats; who goes on is left alone."""
    listening = Plan("control", lambda _port: [sys.executable, "-c", LISTENING, str(tmp_path)])
    run(listening, child(tmp_path, "predict"), child(tmp_path, "worker"))
    before = {name: pid(tmp_path, name) for name in ("control", "predict", "worker")}

    for name in ("control", "worker"):
        os.kill(before[name], signal.SIGSTOP)
    until(lambda: all(pid(tmp_path, name) not in {0, before[name]} for name in ("control", "worker")), patience_s=60)

    assert pid(tmp_path, "predict") == before["predict"]
    assert not any(is_alive(before[name]) for name in ("control", "worker"))
    assert "worker lives but has not answered for long; it is ended" in caplog.text


def test_stopping_ends_every_child_and_what_it_announced(tmp_path: Path) -> None:
    """After the stop no process and no run file is left."""
    supervisor = Supervisor(tmp_path, [child(tmp_path, "control"), child(tmp_path, "worker")], environ=os.environ)
    started = supervisor.start(threading.Event())

    supervisor.stop()

    assert not any(is_alive(one.pid) for one in started)
    assert [process(tmp_path, one.name) for one in started] == [None, None]


def test_a_child_that_does_not_go_is_forced(tmp_path: Path) -> None:
    """One that ignores the request is killed after a while."""
    supervisor = Supervisor(tmp_path, [child(tmp_path, "worker", "deaf")], environ=os.environ)
    (started,) = supervisor.start(threading.Event())

    supervisor.stop(patience_s=0.2)

    assert not is_alive(started.pid)


def test_a_child_that_ends_at_its_start_stops_the_rest(tmp_path: Path) -> None:
    """Its exit code becomes that of the whole, and nothing is left running."""
    broken = Plan("control", lambda _port: [sys.executable, "-c", "raise SystemExit(6)"])
    supervisor = Supervisor(tmp_path, [child(tmp_path, "worker"), broken], environ=os.environ)

    with pytest.raises(ChildEnded, match="control ended with code 6") as caught:
        supervisor.start(threading.Event())

    assert caught.value.exit_code == 6
    assert pid(tmp_path, "worker") == 0


def test_a_child_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    """The start fails with a sentence that names it."""
    silent = Plan("control", lambda _port: [sys.executable, "-c", "import time; time.sleep(600)"])
    supervisor = Supervisor(tmp_path, [silent], environ=os.environ)

    with pytest.raises(Unavailable, match="control did not answer in time"):
        supervisor.start(threading.Event(), patience_s=0.3)


PARENT = """
import os, sys, threading
from pathlib import Path
from stackcanvas.server.supervisor import Plan, Supervisor
folder = Path(sys.argv[1])
command = [sys.executable, "-c", sys.argv[2], str(folder), "worker"]
supervisor = Supervisor(folder, [Plan("worker", lambda _port: command, health=None)], environ=os.environ)
supervisor.start(threading.Event())
print("ready", flush=True)
threading.Event().wait()
"""


def test_children_leave_when_their_parent_is_killed(tmp_path: Path) -> None:
    """Kill -9 of the parent: the child ends by itself and takes back what it announced."""
    command: Sequence[str] = [sys.executable, "-c", PARENT, str(tmp_path), CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        orphan = pid(tmp_path, "worker")
        parent.kill()

    until(lambda: not is_alive(orphan))

    assert process(tmp_path, "worker") is None
