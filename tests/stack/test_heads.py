"""A log that was rewritten as a whole is found by the heads that lie elsewhere."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from stackcanvas.cli.main import main
from stackcanvas.metadata import Ref
from stackcanvas.metadata.audit import CUT, _seal
from stackcanvas.metadata.tables import audit, counter
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.doctor import examine
from stackcanvas.stack.fsck import fsck
from stackcanvas.stack.heads import Heads, published, verify
from stackcanvas.stack.moving import move


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


def _resealed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries numbered and sealed as the log itself does it."""
    made: list[dict[str, Any]] = []
    for number, row in enumerate(rows, start=1):
        fresh = {**row, "sequence": number, "previous": made[-1]["hash"] if made else "0" * 64}
        made.append({**fresh, "hash": _seal({name: fresh[name] for name in fresh if name != "hash"})})
    return made


def _forged(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The log as somebody with the database in hand may leave it."""
    mallory = {**rows[2], "actor": "mallory"}
    cut = {"through": 3, "hash": rows[2]["hash"], "entries": 3}
    said = {
        **rows[-1],
        "action": CUT,
        "sequence": len(rows) + 1,
        "detail": json.dumps(cut),
        "previous": rows[-1]["hash"],
    }
    told = {**said, "hash": _seal({name: said[name] for name in said if name != "hash"})}
    return {
        "altered": [*rows[:2], mallory, *rows[3:]],
        "removed": [*rows[:2], *rows[3:]],
        "inserted": [
            *rows[:3],
            {**mallory, "sequence": 4},
            *({**row, "sequence": row["sequence"] + 1} for row in rows[3:]),
        ],
        "the head is cut off": rows[3:],
        "the tail is cut off": rows[:-2],
        "sealed anew": _resealed([*rows[:2], mallory, *rows[3:]]),
        "sealed anew without one": _resealed([*rows[:2], *rows[3:]]),
        "emptied": [],
        "said to have been given up": [*rows[3:], told],
    }


@pytest.mark.parametrize("place", ["file", "server"])
def test_fsck_and_doctor_name_whatever_was_done_to_the_log(
    project: Path, place: str, request: pytest.FixtureRequest
) -> None:
    """On SQLite and on PostgreSQL, the counter set to fit; the log as it was is clean before and after."""
    if place == "server":
        move(project, database=request.getfixturevalue("postgres_url"))
    with open_stack(project) as stack:
        for number in range(6):
            decide(stack, f"model.{number}")
        Heads(stack).tick(stack.spine.clock.now())
        with stack.spine.read() as connection:
            rows = [dict(row) for row in connection.execute(select(audit).order_by(audit.c.sequence)).mappings()]

        def put(log: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
            with stack.spine.write() as tx:
                tx.execute(delete(audit))
                if log:
                    tx.execute(insert(audit), log)
                last = max((row["sequence"] for row in log), default=0)
                tx.execute(update(counter).where(counter.c.name == "audit").values(value=last))
            looked = [one.what for one in examine(project) if one.area == "audit log" and one.level == "bad"]
            return [one.what for one in fsck(stack).damage], looked

        assert put(rows) == ([], [])
        for how, log in _forged(rows).items():
            read, looked = put(log)
            assert read, how
            assert looked == read, how
        assert put(rows) == ([], [])


def test_a_published_head_that_is_none_does_not_hide_the_rest(project: Path) -> None:
    """It is named, and everything else is looked at all the same."""
    with open_stack(project) as stack:
        decide(stack, "model.registered")
        stack.objects.put("audit/heads/2020-01-01", b"{")
        with stack.spine.write() as tx:
            tx.execute(update(audit).values(actor="mallory"))

        said = [one.what for one in fsck(stack).damage]

        assert any("2020-01-01: it is no head" in one for one in said)
        assert any("was altered" in one for one in said)
