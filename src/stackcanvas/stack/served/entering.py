"""What a server does for its clients that no block has a method for: finished work is entered in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stackcanvas.canvas.blocks.expectations import Expectations
from stackcanvas.canvas.document import read_text
from stackcanvas.data import DataVersion
from stackcanvas.data.commit import enter
from stackcanvas.data.drafts import Draft, Wish
from stackcanvas.data.manifest import Manifest
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.experiments.environment import is_whole
from stackcanvas.experiments.experiments import KIND, Start
from stackcanvas.metadata import Ref
from stackcanvas.registry import ModelVersion
from stackcanvas.stack.served.allowed import capabilities
from stackcanvas.stack.served.asked import RELEASE
from stackcanvas.stack.served.changes import Change, Writing
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


@dataclass(frozen=True, slots=True)
class About:
    """What a client must know of the stack that it opens.

    Args:
        canvas: the text of `canvas.yaml`; empty where there is none.
        calls: what may be called, as `part.method`.
        environment: the entry of `environments` that holds there.
        actor: who asks, as the server sees it.
    """

    release: str
    canvas: str
    calls: tuple[str, ...]
    environment: str | None = None
    actor: str = ""
    verified: bool = False


class Entering:
    """Takes in what clients have made.

    Args:
        stack: the server's.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def about(self) -> About:
        """What the stack is, and what may be asked of it."""
        try:
            canvas = read_text(self._stack.root / "canvas.yaml").decode("utf-8", "replace")
        except NotFound:
            canvas = ""
        who = self._stack.spine.actor
        return About(RELEASE, canvas, tuple(capabilities()), self._stack.environment, who.name, who.verified)

    def start(self, run_id: str, start: Start) -> int:
        """Record the start of a run that a client executes; gives the number of its experiment.

        Raises:
            BadInput: it does not say where the run goes on, or its environment is not what its digest says.
            Conflict: the id is that of other work.
        """
        elsewhere = start.elsewhere
        if len(run_id) != 32 or not set(run_id) <= set("0123456789abcdef"):
            raise BadInput(f"{run_id[:60]!r} is no id of a run", expected="32 hexadecimal characters")
        if elsewhere is None or elsewhere.process.count("/") < 2 or not is_whole(elsewhere.environment):
            raise BadInput("a run from afar does not say where it goes on", expected="its host, process and packages")
        with suppress(NotFound):
            known = self._stack.spine.executions.get(run_id)
            if known.kind != KIND:
                raise Conflict(f"{run_id} is the id of other work, a {known.kind}", fix="Let the client make an id")
        number, _ = self._stack.experiments.begin(run_id, start)
        return number

    def write(self, changes: list[Change]) -> None:
        """Write what runs have logged, all of it or nothing."""
        Writing(self._stack.experiments, self._stack.spine).write(changes)

    def commit(
        self,
        name: str,
        manifest: Manifest,
        *,
        profile: str | None,
        new_bytes: int,
        message: str,
        table: bool | None,
        tags: Sequence[str],
        source: Sequence[str],
        expected: Expectations | None = None,
        after: int | None = None,
    ) -> DataVersion:
        """Record a data version whose contents a client has sent.

        Args:
            manifest: what the version consists of; every content that it names must be there.
            profile: of its rows, as `Profile.to_json` writes it.
            new_bytes: what the store grew by.
            table: as it was asked for.
            source: where it came from, for the records.
            expected: what the rows must be like; what the canvas says by default.
            after: the number of the version that must still be the newest.

        Raises:
            Corrupt: a content is missing, or is not what the manifest says.
            ExpectationsBroken: the rows are not as the canvas expects; they are read here, whoever says what.
            Conflict: a tag is taken.
        """
        data, ref = self._stack.data, Ref.parse(name, kind="data")
        asked = data.expected(ref.name, expected)
        wish = Wish(ref.name, message, table, tuple(manifest.key), tuple(tags), lambda _: None, asked, after=after)
        made = Draft(manifest, None if profile is None else Profile.from_json(profile), new_bytes)
        return enter(data.parts, made, wish, list(source))

    def register(self, version: ModelVersion) -> ModelVersion:
        """Number a model version whose files a client has sent; see `Registry.enter`."""
        return self._stack.registry.enter(version)

    def pipelines(self) -> list[dict[str, Any]]:
        """The pipelines of the project, as people read them."""
        return [dict(found.described()) for found in self._stack.pipelines.ls()]

    def parameters(self, name: str, words: Sequence[str]) -> dict[str, Any]:
        """The parameters of a pipeline that words such as `depth=8` give."""
        return dict(self._stack.pipelines.project.pipeline(name).parse(tuple(words)))

    def features(self, words: str = "", *, tag: str | None = None, owner: str | None = None) -> list[str]:
        """The names of views and services that hold every word."""
        return [one.name for one in self._stack.features.search(words, tag=tag, owner=owner)]

    def predictions(self, endpoint: str, *, start: datetime | None = None, end: datetime | None = None) -> Any:
        """The rows of the prediction log between two instants."""
        return self._stack.serving.log.scan(endpoint, start=start, end=end)


def build(stack: Stack) -> Entering:
    """What a server does for the clients of a project."""
    return Entering(stack)
