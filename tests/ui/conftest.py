"""Projects whose canvas is empty, full, or full of answers that are too long; and pages in process or on a port."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from stackcanvas.canvas.questions import QUESTIONS
from stackcanvas.clock import ManualClock
from stackcanvas.server.child import listen
from stackcanvas.server.control import make_app
from stackcanvas.server.door import OPEN, Door
from stackcanvas.server.places import Places
from stackcanvas.stack import Stack, open  # noqa: A004 - the verb of the package
from stackcanvas.testing.asgi import Client

LONG = (
    "an answer that goes on and on, as the answers of real teams do, with a comma here and there; and then some more "
)
WORD = "https://example.org/" + "an-address-without-a-single-blank-" * 5
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = "<script>window.hurt = true</script><img src=x onerror=alert(1)>"

# What points to other answers is left out: an example alone has nothing to point to.
_POINTING = {"monitoring.retraining_trigger"}
# An example shows each field by itself; these need fields that fit together.
_GIVEN = {
    "pipelines.location": "{where: local}",
    "pipelines.non_functional": "[{requirement: efficiency, measure: latency, at_most: 20}]",
    "monitoring.decay": "{metric: auc, at_least: 0.7}",
}


def _canvas(text: Callable[[str], str] | None = None, *, name: str = "Flight delays") -> str:
    """A canvas with an answer to every question.

    Args:
        text: makes the answer of a question that is answered with text; its example unless given.
        name: of the project.
    """
    lines = ["stackcanvas: 1", f"project: {{name: {name!r}, date: 2026-11-23, team: [Ada Lovelace, Grace Hopper]}}"]
    block = ""
    for question in QUESTIONS.values():
        if question.id in _POINTING:
            continue
        key = "dilemmas" if question.block == "dilemma" else question.block
        if key != block:
            block = key
            lines.append(f"{key}:")
        is_text = question.shape.kind == "text"
        answer = (
            f'"{text(question.id)}"'
            if text is not None and is_text
            else _GIVEN.get(question.id, question.shape.example)
        )
        lines.append(f"  {question.key}: {answer}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def canvases() -> dict[str, str]:
    """An empty canvas, a full one, one whose answers are far too long, one whose answers are markup."""
    return {
        "empty": "stackcanvas: 1\nproject: {name: Empty}\n",
        "full": _canvas(),
        "long": _canvas(
            lambda question: LONG * 12 if question == "value.goal" else LONG * 3 + WORD, name=f"{LONG}flights"
        ),
        "hostile": _canvas(lambda _question: HOSTILE, name=HOSTILE),
    }


@pytest.fixture
def make_stack(tmp_path: Path, clock: ManualClock) -> Iterator[Callable[[str], Stack]]:
    """Opens the stack of a project with the given canvas."""
    with ExitStack() as opened:

        def make(text: str) -> Stack:
            root = tmp_path / f"project{len(list(tmp_path.iterdir()))}"
            root.mkdir()
            (root / "canvas.yaml").write_text(text)
            return opened.enter_context(open(root, clock=clock))

        yield make


@pytest.fixture
def stack(make_stack: Callable[[str], Stack], canvases: dict[str, str]) -> Stack:
    """A stack whose canvas is answered in full."""
    return make_stack(canvases["full"])


@pytest.fixture
def pages(stack: Stack) -> Client:
    """Asks for pages in process."""
    return Client(make_app(stack))


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serves a stack on a free port of this machine; gives the address."""
    running: list[tuple[uvicorn.Server, Places, threading.Thread]] = []

    def start(stack: Stack, *, door: Door = OPEN) -> str:
        taken = listen("127.0.0.1", 0, what="the test", option="--port")
        app = make_app(stack, door=door)
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)

        def run() -> None:
            with taken:
                server.run(sockets=[taken])

        thread = threading.Thread(target=run)
        thread.start()
        running.append((server, app.state.places, thread))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"

    yield start
    for server, places, thread in running:
        places.close_streams()
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window; while it is open, nothing else in this thread can run an event loop."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        yield launched
        launched.close()
