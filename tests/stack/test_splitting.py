"""A split from the data to the record of the run that was trained on a part of it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import polars as pl

from stackcanvas.stack import open  # noqa: A004 - the verb of the package

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"
CODE = """
import stackcanvas as sc

@sc.step
def parts(rows) -> int:
    found = sc.split(rows, method="group", by="x", seed=1)
    return found["train"].height

@sc.step
def made(context: sc.Context) -> str:
    return str(context.stack.splits.make("rides", name="inside")["test"])

@sc.pipeline
def train():
    return parts(sc.dataset("rides/train")), made()
"""


def test_the_run_names_the_split_of_its_data(tmp_path: Path) -> None:
    """An input that is a part of a split says of which; a step may split for itself, and its record says so."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    (tmp_path / "pipelines.py").write_text(CODE)
    with open(tmp_path) as stack:
        stack.data.commit("rides", pl.DataFrame({"x": range(10)}))
        split = stack.splits.make("rides")

        run = stack.pipelines.run("train")

        assert run.state == "finished"
        (given,) = [one for one in stack.experiments.get(run.id).inputs if one.source == "data:rides/train@1"]
        assert given.tags == {"split": str(split.ref)}
        inside = stack.splits.of("inside/test")
        assert inside is not None
        work = stack.spine.executions.get(inside.ref.selector or "")
        assert stack.spine.executions.get(work.parent or "").kind == "pipelines.step"
