"""One person who labels as fast as possible, leaving now and then; run by the tests beside it.

python annotation_worker.py DATABASE FOLDER PERSON
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import SystemClock
from stackcanvas.data import Data
from stackcanvas.data.annotation import Annotation
from stackcanvas.errors import Conflict
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine


def work(database: str, folder: Path, person: str) -> None:
    """Label until there is nothing left, and nothing in anybody's hands."""
    clock = SystemClock()
    spine = Spine(open_database(database), clock=clock, ids=Ids(clock.now), actor=Actor(person))
    annotation = Annotation(Data(spine, open_objects(folder / "objects"), folder, folder / person), spine)
    turn = 0
    while True:
        claim = annotation.claim("q", person)
        if claim is None:
            if not annotation.progress("q").taken:
                return
            time.sleep(0.02)
            continue
        turn += 1
        if turn % 7 == 0:
            annotation.release("q", claim.item.number, person)
            continue
        try:
            annotation.label("q", claim.item.number, person, "yes" if turn % 2 else "no")
        except Conflict:
            continue


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
