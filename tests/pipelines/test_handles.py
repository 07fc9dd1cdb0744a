from __future__ import annotations

import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import Usage
from stackcanvas.pipelines.handles import Handle, Lazy, leaves, replace
from stackcanvas.pipelines.inputs import dataset

LOOKS: list[Callable[[Handle], object]] = [
    bool,
    list,
    len,
    lambda handle: 3 in handle,
    lambda handle: operator.eq(handle, 3),
    lambda handle: operator.ne(handle, 3),
    lambda handle: handle < 3,  # type: ignore[operator]
    lambda handle: 3 + handle,  # type: ignore[operator]
    operator.neg,
    float,
    lambda handle: handle.shape,
    lambda handle: handle(),
    lambda handle: handle[1.5],  # type: ignore[index]
]


@pytest.mark.parametrize("look", LOOKS)
def test_looking_into_a_handle_is_refused_with_the_line_and_the_way_out(look: Callable[[Handle], object]) -> None:
    """Whatever would need the value says where it stands, what it is, and what to do instead."""
    with pytest.raises(Usage) as refused:
        look(Handle("fit"))

    assert refused.value.where is not None
    assert refused.value.where.startswith(__file__)
    assert "the result of fit" in refused.value.what
    assert refused.value.fix


def test_an_if_points_to_when_and_an_iteration_to_map() -> None:
    """The two ways out are named."""
    with pytest.raises(Usage, match=r"sc\.when"):
        bool(Handle("fit"))
    with pytest.raises(Usage, match=r"sc\.map"):
        list(Handle("split"))


def test_a_part_of_a_handle_knows_its_path() -> None:
    """Indexing goes on to the part, however deep."""
    part = Handle("split")[0]["train"]

    assert str(part) == "split[0]['train']"
    assert part.path == (0, "train")


def test_an_input_is_as_lazy_as_a_handle() -> None:
    """Declared data cannot be looked into either."""
    flights = dataset("flights@3", columns=["carrier"])

    assert isinstance(flights, Lazy)
    with pytest.raises(Usage, match="the data of data:flights@3"):
        operator.getitem(flights, "carrier")
    with pytest.raises(Usage):
        bool(flights)


@given(
    st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner))
)
def test_replacing_nothing_gives_an_equal_structure(structure: object) -> None:
    """Structures without handles come back as they were."""
    assert list(leaves(structure)) == []
    assert replace(structure, lambda leaf: leaf) == structure


def test_handles_are_found_and_replaced_at_every_depth() -> None:
    """Lists, tuples and dictionaries are walked."""
    structure = {"a": [Handle("x"), (Handle("y")[0], 3)]}

    assert [str(leaf) for leaf in leaves(structure)] == ["x", "y[0]"]
    assert replace(structure, str) == {"a": ["x", ("y[0]", 3)]}
