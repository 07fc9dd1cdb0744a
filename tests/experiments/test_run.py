from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from stackcanvas.errors import StackCanvasError
from stackcanvas.experiments import Experiments
from stackcanvas.metadata import Spine


def test_metrics_are_written_a_thousand_at_a_time_or_when_asked(experiments: Experiments) -> None:
    """And at the end."""
    run = experiments.start("delay")
    for step in range(1500):
        run.log_metric("loss", step, step=step)
    written = len(experiments.metrics(run.id, "loss"))
    run.flush()

    assert 1000 <= written <= 1500
    assert len(experiments.metrics(run.id, "loss")) == 1500
    run.log_metric("loss", 0, step=1500)
    run.end()
    assert len(experiments.metrics(run.id, "loss")) == 1501


def test_metrics_that_could_not_be_written_are_not_lost(
    experiments: Experiments, spine: Spine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wait for the next time."""
    run = experiments.start("delay")
    run.log_metric("loss", 1.0)

    def full(**_: object) -> None:
        raise StackCanvasError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(spine.database, "write", full)
        with pytest.raises(StackCanvasError):
            run.flush()
    run.flush()

    assert [one.value for one in experiments.metrics(run.id, "loss")] == [1.0]


def test_metrics_are_durable_when_the_process_ends_without_a_word(tmp_path: Path) -> None:
    """A script that never ends its run."""
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from stackcanvas.backends.database import open_database
        from stackcanvas.backends.objects import open_objects
        from stackcanvas.clock import SystemClock
        from stackcanvas.experiments import Experiments
        from stackcanvas.ids import Ids
        from stackcanvas.metadata import Actor, Spine
        from stackcanvas.metadata.migrate import prepare
        from stackcanvas.stack.tables import load
        folder = Path(sys.argv[1])
        database = open_database(f"sqlite:///{folder}/metadata.db")
        prepare(database, load)
        clock = SystemClock()
        spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("ada"))
        experiments = Experiments(spine, open_objects(folder / "objects"))
        if len(sys.argv) > 2:
            print(len(experiments.metrics(sys.argv[2], "loss")))
        else:
            run = experiments.start("delay")
            run.log_metric("loss", 0.5)
            print(run.id)
    """)

    def call(*words: str) -> str:
        command = [sys.executable, "-c", script, str(tmp_path), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout.strip()

    assert call(call()) == "1"
