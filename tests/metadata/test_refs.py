"""Refs: what is written is read back, and what cannot be a ref is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput
from stackcanvas.metadata import KINDS, Ref

PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)
NAMES = PRINTABLE.filter(lambda name: all(part not in {"", ".", ".."} for part in name.split("/")))


@given(st.sampled_from(KINDS), NAMES, st.none() | PRINTABLE)
def test_a_ref_reads_back_from_its_text(kind: str, name: str, selector: str | None) -> None:
    """Whatever characters a name holds, the full form leads back to it."""
    ref = Ref(kind, name, selector)

    assert Ref.parse(str(ref)) == ref


@pytest.mark.parametrize(
    ("text", "kind", "full", "number"),
    [
        ("flights", "data", "data:flights", None),
        ("flights@3", "data", "data:flights@3", 3),
        ("data:flights@latest", "data", "data:flights@latest", None),
        ("delay@v1.2.0", "model", "model:delay@v1.2.0", None),
        ("predictions/delay", "data", "data:predictions/delay", None),
        ("model:odd:name@2", None, "model:odd:name@2", 2),
        ("delay@٣", "model", "model:delay@٣", None),
    ],
)
def test_the_short_form_is_completed(text: str, kind: str | None, full: str, number: int | None) -> None:
    """Where the verb fixes the kind it need not be written."""
    ref = Ref.parse(text, kind=kind)

    assert (str(ref), ref.number) == (full, number)


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("flights@3", None, "'flights@3' is not a ref"),
        ("dta:flights", None, "not a ref"),
        ("model:delay", "data", "names a model"),
        ("data:", None, "is empty"),
        ("data:a//b", None, "between slashes"),
        ("data:../etc", None, "between slashes"),
        ("data:flights@", None, "ends in @"),
        ("data: flights", None, "begins or ends with a blank"),
        ("data:fli\nghts", None, "cannot be printed"),
        (f"data:{'x' * 501}", None, "501 characters"),
    ],
)
def test_what_is_no_ref_is_refused(text: str, kind: str | None, sentence: str) -> None:
    """The sentence says what is wrong with it."""
    with pytest.raises(BadInput, match=sentence):
        Ref.parse(text, kind=kind)


def test_an_unknown_kind_offers_the_nearest() -> None:
    """A slip of the pen gets a helping hand."""
    with pytest.raises(BadInput, match="Did you mean 'model'"):
        Ref("modle", "delay")
