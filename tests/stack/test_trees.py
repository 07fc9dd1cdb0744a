"""Lineage as a tree."""

from __future__ import annotations

from stackcanvas.clock import ManualClock
from stackcanvas.metadata import Ref, Spine
from stackcanvas.stack.trees import Branch, grow


def did(spine: Spine, clock: ManualClock, kind: str, *, used: tuple[str, ...] = (), made: tuple[str, ...] = ()) -> str:
    """A piece of work with its links; gives its id."""
    clock.advance(seconds_s=60)
    with spine.record(kind) as work:
        for ref in used:
            work.used(Ref.parse(ref), "input")
        for ref in made:
            work.made(Ref.parse(ref))
    return work.id


def lines(branch: Branch, depth: int = 0) -> list[str]:
    """The tree as text, for looking at it."""
    marks = " (told)" * branch.told + " (cut)" * branch.cut
    found = [f"{'  ' * depth}{branch.ref}{marks}"]
    for work in branch.works:
        found.append(f"{'  ' * depth} {work.newest.kind} x{len(work.executions)}")
        for one in work.branches:
            found += lines(one, depth + 1)
    return found


def test_a_thing_stands_under_the_work_that_leads_to_it(spine: Spine, clock: ManualClock) -> None:
    """Upstream to the beginning; what came before is named, not told again."""
    did(spine, clock, "data.commit", made=("data:raw@1",))
    did(spine, clock, "features.build", used=("data:raw@1",), made=("data:train@1",))
    did(spine, clock, "fit", used=("data:train@1", "data:raw@1"), made=("model:m@1",))

    assert lines(grow(spine.lineage.upstream(Ref.parse("model:m@1")))) == [
        "model:m@1",
        " fit x1",
        "  data:raw@1",
        "   data.commit x1",
        "  data:train@1",
        "   features.build x1",
        "    data:raw@1 (told)",
    ]


def test_work_that_is_alike_is_told_once(spine: Spine, clock: ManualClock) -> None:
    """Twenty looks at a model are one line, the newest first."""
    looks = [did(spine, clock, "monitoring.look", used=("model:m@1",)) for _ in range(20)]
    did(spine, clock, "deploy", used=("model:m@1",), made=("deployment:m@1",))
    branch = grow(spine.lineage.downstream(Ref.parse("model:m@1")), down=True)

    assert lines(branch) == ["model:m@1", " monitoring.look x20", " deploy x1", "  deployment:m@1"]
    assert [one.id for one in branch.works[0].executions] == looks[::-1]


def test_a_very_long_way_is_cut_where_it_cannot_be_read(spine: Spine, clock: ManualClock) -> None:
    """Two hundred steps do not overflow anything."""
    did(spine, clock, "data.commit", made=("data:d@0",))
    for step in range(200):
        did(spine, clock, "step", used=(f"data:d@{step}",), made=(f"data:d@{step + 1}",))
    found = lines(grow(spine.lineage.upstream(Ref.parse("data:d@200"))))

    assert found[-1].strip().endswith("(cut)")
    assert len(found) < 200
