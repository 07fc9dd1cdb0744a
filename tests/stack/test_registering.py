"""What the canvas asks of models, through the stack that it configures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import stackcanvas as sc
from stackcanvas.errors import BadInput, Refused
from stackcanvas.metadata import Ref
from stackcanvas.stack import Stack
from stackcanvas.stack.registering import TRAINING, register_logged

CANVAS = """stackcanvas: 1
project: {name: demo}
data:
  versioning: mandatory
metadata:
  governance:
    approvals: [{action: deploy, role: approver, minimum: 1}]
    roles: [{role: admin, people: [bob]}]
"""
SAMPLE = pl.DataFrame({"calls": np.linspace(-1, 1, 50, dtype=np.float32)})


@pytest.fixture
def stack(tmp_path: Path) -> Any:
    """A project that wants data versions, and consent before anything goes live."""
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    with sc.open(tmp_path) as opened:
        yield opened


def register(stack: Stack, **more: Any) -> Any:
    """A small model."""
    model = LogisticRegression().fit(SAMPLE, SAMPLE["calls"].to_numpy() > 0)
    return stack.registry.register("churn", model, sample=SAMPLE, **more)


def test_without_a_data_version_nothing_is_registered(stack: Stack) -> None:
    """By no door; the refusal names the line of the canvas."""
    stack.registry.changes.create("logged")

    with pytest.raises(Refused, match=r"canvas\.yaml:4:15 \(data\.versioning\)"):
        register(stack)
    with pytest.raises(Refused, match=r"canvas\.yaml:4:15"):
        register_logged(stack, "logged", "s3://bucket/model", key_of=str)
    assert stack.registry.versions("logged") == []

    stack.data.commit("rows", SAMPLE)
    tagged = register_logged(stack, "logged", "s3://bucket/model", key_of=str, tags={TRAINING: "data:rows@1"})
    assert tagged.training == Ref("data", "rows", "1")
    assert register(stack, training=Ref("data", "rows", "1")).number == 1


def test_what_must_be_agreed_to_does_not_go_live_before(stack: Stack) -> None:
    """Nor does what is only a pointer."""
    stack.data.commit("rows", SAMPLE)
    made = register(stack, training=Ref("data", "rows", "1"))
    stack.registry.changes.create("logged")
    pointer = register_logged(stack, "logged", "s3://bucket/model", key_of=str, tags={TRAINING: "rows@1"})

    with pytest.raises(Refused, match="1 more approver must agree to deploy"):
        stack.deployment.deploy("churn", made.ref)
    with pytest.raises(Refused, match="only a pointer"):
        stack.deployment.deploy("logged", pointer.ref)
    assert [one.asked.people for one in stack.registry.consents.standing(made.ref)] == [frozenset({"bob"})]


@pytest.mark.parametrize("source", ["/etc/passwd", "file:/etc", "runs:/abc/m", "models:/m-" + "0" * 32, "s3://a/../b"])
def test_what_is_not_the_callers_is_no_source(stack: Stack, source: str) -> None:
    """Whatever it is called."""
    stack.registry.changes.create("logged")

    with pytest.raises(BadInput, match="Invalid model version source"):
        register_logged(stack, "logged", source, key_of=str)


def test_a_live_version_is_deleted_by_force_only(tmp_path: Path) -> None:
    """The endpoint that answers with it is named."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: demo}\n")
    with sc.open(tmp_path) as stack:
        made = register(stack)
        stack.deployment.deploy("churn", made.ref)

        with pytest.raises(Refused, match="the endpoint churn answers with it"):
            stack.registry.delete(made.ref)
