from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from stackcanvas.errors import Usage
from stackcanvas.pipelines import Context, Step, dataset, map, step, when  # noqa: A004 - as sc.map


@step
def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


@step(name="sum", retries=2, timeout_s=1.5, resources={"cpu": 2})
def add(first: int, second: int = 1) -> int:
    """Both together."""
    return first + second


def test_outside_a_pipeline_a_step_is_the_plain_function() -> None:
    """It is called, and it keeps name and documentation."""
    assert double(21) == 42
    assert add(1, second=2) == 3
    assert double.__name__ == "double"
    assert double.__doc__ == "Twice the number."


def test_options_are_kept() -> None:
    """What the decorator says stands in the definition."""
    known = add.definition

    assert (known.name, known.retries, known.timeout_s, known.resources) == ("sum", 2, 1.5, {"cpu": 2})
    assert known.cache


def test_a_step_travels_by_its_name() -> None:
    """Pickled, it is the same object again."""
    assert pickle.loads(pickle.dumps(double)) is double  # noqa: S301 - made here


def test_a_step_that_asks_for_a_context_is_not_cached_unless_it_says_so() -> None:
    """The parameter is found by its annotation, in text as well."""

    def look(context: Context, depth: int) -> int:
        return depth

    asked = step(look)
    told = step(cache=True)(look)

    assert isinstance(asked, Step)
    assert (asked.definition.context, asked.definition.cache) == ("context", False)
    assert told.definition.cache
    assert asked.definition.bind((), {"depth": 3}) == {"depth": 3}


def test_the_context_is_given_wherever_its_parameter_stands() -> None:
    """First, last or keyword-only."""

    def first(context: Context, number: int) -> tuple[object, int]:
        return context, number

    def last(number: int, *others: int, context: Context) -> tuple[object, int]:
        return context, number + sum(others)

    for function in (first, last):
        known = step(function).definition
        bound = known.bind((5,), {})
        assert known.call(bound, None) == (None, 5)


@pytest.mark.parametrize("name", ["", "a b", "ä/b"])
def test_a_name_that_cannot_stand_in_records_is_refused(name: str) -> None:
    """The message names the line of the function."""
    with pytest.raises(Usage, match=r"test_step\.py") as refused:
        step(name=name or "-x y")(lambda: None)
    assert refused.value.expected


def test_what_is_no_plain_function_is_refused() -> None:
    """Classes, coroutines, generators and unknown resources are named at once."""

    async def later() -> None: ...

    def several() -> Iterator[int]:
        yield 1

    for wrong in (int, later, several):
        with pytest.raises(Usage):
            step(wrong)
    with pytest.raises(Usage, match="ram"):
        step(resources={"ram": 1})(double.definition.function)
    with pytest.raises(Usage):
        step(retries=-1)(double.definition.function)


def test_outside_a_pipeline_map_and_when_do_what_they_say() -> None:
    """So a pipeline can be called as a plain function in a test."""
    assert map(add, (1, 2), second=10) == [11, 12]
    assert when(0, lambda: "yes") is None
    assert when([], lambda: "yes", lambda: "no") == "no"


def test_declared_data_outside_a_pipeline_are_refused() -> None:
    """Nothing reads them there."""
    with pytest.raises(Usage, match="outside a pipeline"):
        double(dataset("flights"))
    with pytest.raises(Usage, match="outside a pipeline"):
        map(double, dataset("flights"))


def test_map_wants_a_step() -> None:
    """The way out is named."""
    with pytest.raises(Usage, match=r"Put @sc\.step above abs"):
        map(abs, [1])  # type: ignore[arg-type]
