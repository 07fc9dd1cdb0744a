"""Many people label at once, some are killed, and no item has more labels than are wanted."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import SystemClock
from stackcanvas.data import Data
from stackcanvas.data.annotation import Annotation
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load

_WORKER = Path(__file__).with_name("annotation_worker.py")
_PEOPLE = 4
_WANTED = 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_item_has_more_labels_than_wanted(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Four processes at once, one of them killed: each item ends with just two labels by two people."""
    url = f"sqlite:///{tmp_path}/m.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    database = open_database(url)
    prepare(database, load)
    clock = SystemClock()
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("lead"))
    data = Data(spine, open_objects(tmp_path / "objects"), tmp_path, tmp_path / "cache")
    data.commit("rows", pl.DataFrame({"x": range(60)}))
    annotation = Annotation(data, spine)
    annotation.create("q", "rows", choices=["yes", "no"], wanted=_WANTED, claim_s=10)

    people = [
        subprocess.Popen([sys.executable, str(_WORKER), url, str(tmp_path), f"person{number}"])
        for number in range(_PEOPLE)
    ]
    while annotation.progress("q").labels < 10 and people[0].poll() is None:
        with suppress(subprocess.TimeoutExpired):
            people[0].wait(0.05)
    people[0].kill()
    people[0].wait()
    codes = [person.wait(120) for person in people[1:]]

    assert codes == [0] * (_PEOPLE - 1)
    for view in annotation.items("q"):
        assert view.item.state == "done"
        assert view.item.given == len(view.labels) == len({label.labeller for label in view.labels}) == _WANTED
    assert annotation.progress("q").taken == 0
    data.close()
    database.close()
