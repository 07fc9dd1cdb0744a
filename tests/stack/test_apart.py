"""Questions that requests ask: answered in a process of its own, which is ended when it takes too much."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.errors import BadInput, NotFound, Unavailable
from stackcanvas.metadata import Actor
from stackcanvas.metadata.actors import acting
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.apart import Apart, Limits


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A project with one table."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    with open_stack(tmp_path) as opened:
        rows = {"id": [1, 2, 3], "day": [date(2026, 1, 1), None, None], "price": [Decimal("1.10")] * 3}
        opened.data.commit("flights", pl.DataFrame(rows))
        yield opened


def test_values_come_as_they_are_and_who_asked_is_on_record(stack: Stack) -> None:
    """Types survive the way between the processes; there are more rows than were asked for."""
    with acting(Actor("ada", verified=True)):
        found = stack.apart.query("select id, day, price from flights order by id", limit=2)

    assert found.rows == ((1, date(2026, 1, 1), Decimal("1.10")), (2, None, Decimal("1.10")))
    assert (list(found.columns), found.more) == (["id", "day", "price"], True)
    (asked,) = stack.spine.executions.search(kind="data.query")
    assert (asked.actor, asked.state) == ("ada", "done")


def test_a_workspace_is_asked_for_its_own_data(stack: Stack) -> None:
    """Also where its canvas was taken away while it was open: never those of its project."""
    stack.workspaces.make("red")
    with stack.workspaces.open("red") as red:
        red.data.commit("flights", pl.DataFrame({"id": [9]}))
        (red.root / "canvas.yaml").unlink()

        assert red.apart.query("select id from flights").rows == ((9,),)


def test_what_is_wrong_is_said_in_the_same_words(stack: Stack) -> None:
    """The error of the other process is raised here, with its kind and its place."""
    with pytest.raises(NotFound, match="query:1:15") as caught:
        stack.apart.query("select * from fligths")

    assert caught.value.near == "flights"


MUCH = "select count(*), sum(a.n * b.n * c.n) from many a cross join many b cross join many c order by 1"


def test_nobody_waits_for_it_when_the_server_ends(stack: Stack) -> None:
    """Closing the stack ends what is being answered, and tells so."""
    stack.data.commit("many", pl.DataFrame({"n": range(3000)}))
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(stack.apart.query, MUCH)
        while not stack.spine.executions.search(kind="data.query"):
            assert not asked.done()
            time.sleep(0.05)
        stack.apart.close()

        with pytest.raises(Unavailable, match="the server ends"):
            asked.result(20)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(time_s=1.5), "longer than 1.5 s"),
        (Limits(memory_bytes=300 << 20), "more than 0.293 GB of memory"),
        (Limits(answer_bytes=10), "its answer is larger"),
    ],
)
def test_what_takes_too_much_is_ended(stack: Stack, limits: Limits, said: str) -> None:
    """Time, memory and answer each have an end."""
    stack.data.commit("many", pl.DataFrame({"n": range(3000)}))

    with pytest.raises(BadInput, match=said):
        Apart(stack, limits).query("select 1 as one" if limits.answer_bytes == 10 else MUCH)
