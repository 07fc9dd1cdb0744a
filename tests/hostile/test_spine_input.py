"""Text and values from outside that no database takes as they are."""

from __future__ import annotations

import math

import pytest

from stackcanvas.errors import BadInput
from stackcanvas.metadata import Ref, Spine

_FLIGHTS = Ref.parse("data:flights@1")
_AWKWARD = [
    "NUL \0 inside",
    "half of a pair \udcff",
    "tab\tand\nline",
    "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}",
    "x" * 1_000_000,
    "",
]


@pytest.mark.parametrize("said", _AWKWARD)
def test_an_error_with_any_text_is_recorded(spine: Spine, said: str) -> None:
    """A file name or a library may put anything into an error: the work is failed and says so, not left running."""
    with pytest.raises(RuntimeError), spine.record("data.commit") as work:
        raise RuntimeError(said)

    found = spine.executions.get(work.id)
    assert found.state == "failed"
    assert found.error is not None
    assert found.error.startswith("RuntimeError")


@pytest.mark.parametrize("value", [*_AWKWARD, math.nan, math.inf, -math.inf, 10**400, ("a", 1), None, [[]]])
def test_parameters_payloads_and_details_hold_any_value(spine: Spine, value: object) -> None:
    """What JSON can hold in any of its dialects comes back, and the audit log verifies."""
    with spine.record("data.commit", parameters={"value": value}) as work, spine.write() as tx:
        spine.events.emit(tx, "data.committed", _FLIGHTS, {"value": value})
        spine.audit.add(tx, "data.commit", _FLIGHTS, {"value": value})
        spine.artifacts.add(tx, _FLIGHTS, facts={"value": value})

    plain = list(value) if isinstance(value, tuple) else value
    found = [
        spine.executions.get(work.id).parameters["value"],
        spine.events.after(0)[0].payload["value"],
        spine.audit.entries()[0].detail["value"],
        spine.artifacts.search()[0].facts["value"],
    ]
    assert [repr(one) for one in found] == [repr(plain)] * 4
    assert spine.audit.verify() == []


@pytest.mark.parametrize("value", [{1: "a"}, {"a": {2}}, object()])
def test_what_is_no_document_is_refused(spine: Spine, value: object) -> None:
    """Never stored as something else."""
    with pytest.raises(BadInput), spine.record("data.commit", parameters={"value": value}):
        pass
    with pytest.raises(BadInput), spine.write() as tx:
        spine.events.emit(tx, "data.committed", _FLIGHTS, {"value": value})

    assert spine.events.after(0) == []
    assert spine.executions.search() == []


@pytest.mark.parametrize("selector", ["a\0", "\udcff", " ", "x" * 1000, "a\nb"])
def test_a_selector_that_cannot_be_shown_is_refused(selector: str) -> None:
    """As for names: what is stored and printed is printable."""
    with pytest.raises(BadInput):
        Ref("data", "flights", selector)
