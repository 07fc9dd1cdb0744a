"""Retraining has one definition: monitoring only points to it."""

from __future__ import annotations

import pytest

from stackcanvas.canvas import loads
from stackcanvas.errors import BadInputs

HEAD = "stackcanvas: 1\nproject: {name: x}\n"


def canvas(entries: str, pointers: str) -> str:
    """A canvas with triggers and what monitoring says of them."""
    return f"{HEAD}pipelines: {{retraining: {entries}}}\nmonitoring: {{retraining_trigger: {pointers}}}\n"


@pytest.mark.parametrize(
    ("entries", "pointers"),
    [
        ("[{pipeline: train, on: drift.found}]", "[{pipeline: train, on: drift.found}]"),
        ("[{pipeline: train, on: drift.found}]", "[{pipeline: train, on: 'drift.found deployment:delay'}]"),
        ("[{pipeline: train, cron: '0 3 * * 1'}]", "[{pipeline: train, cron: '0 3 * * 1'}]"),
        ("[{pipeline: train}]", "[{pipeline: train}]"),
        ("[{pipeline: train}]", "[]"),
    ],
)
def test_pointing_and_narrowing_are_fine(entries: str, pointers: str) -> None:
    """The same entry, or the same event of one subject only."""
    assert loads(canvas(entries, pointers)).get("monitoring.retraining_trigger") is not None


@pytest.mark.parametrize(
    ("entries", "pointers"),
    [
        ("[]", "[{pipeline: train, on: drift.found}]"),
        ("[{pipeline: train, on: drift.found}]", "[{pipeline: train, on: decay.found}]"),
        ("[{pipeline: train, on: drift.found}]", "[{pipeline: other, on: drift.found}]"),
        ("[{pipeline: train, on: 'drift.found deployment:delay'}]", "[{pipeline: train, on: drift.found}]"),
        ("[{pipeline: train, cron: '0 3 * * 1'}]", "[{pipeline: train, cron: '0 4 * * 1'}]"),
        ("[{pipeline: train, on: drift.found}]", "[{pipeline: train}]"),
    ],
)
def test_a_second_definition_is_an_error(entries: str, pointers: str) -> None:
    """The error stands at the entry of monitoring and lists what there is."""
    with pytest.raises(BadInputs) as refused:
        loads(canvas(entries, pointers))

    assert [error.where for error in refused.value.errors] == ["canvas.yaml:4:35"]
    assert "no entry of pipelines.retraining" in refused.value.errors[0].what


def test_each_model_is_judged_by_its_own_triggers() -> None:
    """An override may bring its own entries, or lose those that monitoring points to."""
    text = canvas("[{pipeline: train, on: drift.found}]", "[{pipeline: train, on: drift.found}]")
    own = text + "models: {a: {pipelines.retraining: [{pipeline: train, cron: '0 3 * * 1'}]}}\n"

    with pytest.raises(BadInputs, match="retraining_trigger"):
        loads(own)
    assert loads(own.replace("]}}\n", "], monitoring.retraining_trigger: []}}\n")).models["a"]
