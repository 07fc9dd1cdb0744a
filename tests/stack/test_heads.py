"""A log that was rewritten as a whole is found by the heads that lie elsewhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from stackcanvas.cli.main import main
from stackcanvas.metadata import Ref
from stackcanvas.metadata.tables import audit, counter
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.heads import Heads, published, verify


def decide(stack: Stack, action: str) -> None:
    """An entry of the log."""
    with stack.spine.write() as tx:
        stack.spine.audit.add(tx, action, Ref("model", "delay", "1"))


def test_a_head_a_day_and_one_after_each_consent(project: Path) -> None:
    """Not more, however often the worker looks, or how many do."""
    with open_stack(project) as stack:
        now = stack.spine.clock.now().replace(hour=12)
        heads, others = Heads(stack), Heads(stack)
        decide(stack, "model.registered")

        assert [heads.tick(now), heads.tick(now), others.tick(now)] == [True, False, False]
        decide(stack, "model.registered")
        assert not heads.tick(now)
        decide(stack, "model.consent")
        assert heads.tick(now)
        assert heads.tick(now + timedelta(days=1))
        assert len(published(stack.objects)) == 2
        assert verify(stack) == []


def test_a_log_that_was_written_anew_is_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own seals fit, and the published head does not."""
    with open_stack(project) as stack:
        decide(stack, "model.consent")
        Heads(stack).tick(stack.spine.clock.now())
        with stack.spine.write() as tx:
            tx.execute(delete(audit))
            tx.execute(delete(counter).where(counter.c.name == "audit"))
        for _ in range(5):
            decide(stack, "model.other")
        length = published(stack.objects)[-1][0]

        assert stack.spine.audit.verify() == []
        assert [(one.sequence, one.what) for one in verify(stack)] == [(length, "differs from the published head")]

    assert main(["--project", str(project), "metadata", "audit", "--verify"]) == 1
    assert "differs from the published head" in capsys.readouterr().out


def test_a_log_that_was_cut_is_found(project: Path) -> None:
    """Together with its counter, so that nothing in the database tells."""
    with open_stack(project) as stack:
        decide(stack, "model.registered")
        Heads(stack).tick(stack.spine.clock.now())
        with stack.spine.write() as tx:
            tx.execute(delete(audit))
            tx.execute(delete(counter).where(counter.c.name == "audit"))

        assert stack.spine.audit.verify() == []
        assert "cut off" in verify(stack)[0].what
