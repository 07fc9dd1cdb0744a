"""The main job from the first data version to the figures at the end."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

from stackcanvas.clock import ManualClock
from stackcanvas.errors import Conflict
from stackcanvas.examples.demo.feed import Feed, read_feed
from stackcanvas.examples.demo.replay import HOUR, Means, Replay
from stackcanvas.examples.demo.report import Report, report
from stackcanvas.examples.demo.server import PredictionServer
from stackcanvas.metadata import Event
from stackcanvas.stack import Stack, loop, open  # noqa: A004 - the verb of the package

BEGIN = datetime(2013, 5, 1, tzinfo=UTC)
END = datetime(2013, 8, 1, tzinfo=UTC)
ENVIRONMENT = "replay"
MARK = Path(".stackcanvas") / "demo.json"
_AUTHOR = ("-c", "user.name=stackcanvas demo", "-c", "user.email=demo@example.org")


@dataclass(frozen=True, slots=True)
class Screen:
    """How the demo talks.

    Args:
        say: one line.
        tell: something that happened in the simulated time.
        progress: a bar of a title and a total; advanced by what it gives.
    """

    say: Callable[[str], None]
    tell: Callable[[Event], None]
    progress: Callable[[str, float], AbstractContextManager[Callable[[float], None]]]


def play(root: Path, screen: Screen, *, end: datetime = END) -> Report:
    """Play the demo in a folder; one that was begun there goes on, one that is over tells its figures again.

    Args:
        root: an empty or missing folder, or the project of an earlier demo.
        end: when the replay ends.

    Raises:
        Conflict: the folder holds something else.
    """
    _prepare(root)
    reached = _reached(root)
    clock = ManualClock(reached or BEGIN)
    with open(root, environment=ENVIRONMENT, clock=clock) as stack:
        feed = read_feed(root / "data")
        if reached is None:
            _begin(stack, feed, screen)
            reached = _mark(root, BEGIN)
        if reached < end:
            with PredictionServer(stack.folder) as server:
                replay = Replay(Means(stack, clock, feed, server, screen.tell), BEGIN, reached, end)
                with screen.progress("Replaying May to July", (end - reached) / HOUR) as advance:
                    for hour in replay.hours():
                        _mark(root, hour + HOUR)
                        advance(1)
        return report(stack)


def remove(folder: Path) -> None:
    """Remove the folder of a demo that nobody wants to keep."""
    shutil.rmtree(folder, ignore_errors=True)


def _begin(stack: Stack, feed: Feed, screen: Screen) -> None:
    """January to April: the first versions of the data, the first model, live."""
    with screen.progress("Training on January to April", 4) as advance:
        message = f"As known at {BEGIN:%Y-%m-%d %H:%M} UTC"
        stack.data.commit("weather", feed.observed(BEGIN), message=message)
        stack.data.commit("planes", feed.planes, message="The register")
        flights = stack.data.commit("flights", feed.known(BEGIN), message=message)
        advance(1)
        # The triggers begin here: what is committed above starts nothing.
        stack.scheduler.tick(BEGIN)
        run = stack.pipelines.run("train").check()
        advance(2)
        loop.release(stack, BEGIN)
        loop.crown(stack, BEGIN)
        advance(1)
    made = stack.pipelines.result(run.id)
    screen.say(f"Committed {flights.rows or 0:,} flights of January to April; {made} is trained and live.")


def _prepare(root: Path) -> None:
    """The template in its folder, with a first commit, so that lineage ends at the code."""
    if (root / MARK).exists():
        return
    if root.exists() and any(root.iterdir()):
        raise Conflict(f"{root} holds something else than a demo", fix="Name a folder that does not exist yet")
    root.parent.mkdir(parents=True, exist_ok=True)
    # Made beside its place: a demo that is killed here leaves no half project.
    with tempfile.TemporaryDirectory(prefix=".demo-", dir=root.parent) as beside:
        made = Path(beside) / "project"
        with as_file(files("stackcanvas") / "examples" / "flights") as template:
            shutil.copytree(template, made, ignore=shutil.ignore_patterns("__pycache__", ".stackcanvas"))
        (made / ".gitignore").write_text(".stackcanvas/\n__pycache__/\n", encoding="utf-8")
        (made / MARK).parent.mkdir()
        (made / MARK).write_text("{}", encoding="utf-8")
        if shutil.which("git"):
            for words in (
                ["init", "--quiet", "--initial-branch=main"],
                ["add", "."],
                ["commit", "--quiet", "--message", "The flights template"],
            ):
                subprocess.run(["git", "-C", str(made), *_AUTHOR, *words], check=True, capture_output=True)
        if root.exists():
            root.rmdir()
        made.rename(root)


def _reached(root: Path) -> datetime | None:
    """The first hour that has not been played, None before the first model is live."""
    told = json.loads((root / MARK).read_text(encoding="utf-8"))
    return datetime.fromisoformat(told["hour"]) if "hour" in told else None


def _mark(root: Path, hour: datetime) -> datetime:
    """Remember the first hour that has not been played."""
    fresh = (root / MARK).with_suffix(".tmp")
    fresh.write_text(json.dumps({"hour": hour.isoformat()}), encoding="utf-8")
    fresh.replace(root / MARK)
    return hour
