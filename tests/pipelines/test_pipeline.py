from __future__ import annotations

import math

import pytest

from stackcanvas.errors import BadInput, Usage
from stackcanvas.pipelines import pipeline, step


@step
def double(number: int) -> int:
    """Twice."""
    return 2 * number


@pipeline
def train(
    depth: int = 6, rate: float = 0.1, name: str = "gbm", deep: bool = False, tags: list[str] | None = None
) -> int:
    """A body."""
    return double(depth)


@pipeline(name="daily-job")
def needy(day: str) -> str:
    """It must be told the day."""
    return day


def test_a_pipeline_called_directly_is_its_body() -> None:
    """For tests of users."""
    assert train(depth=4) == 8
    assert train.name == "train"
    assert needy.name == "daily-job"


def test_parameters_have_their_defaults() -> None:
    """Only what differs is given."""
    assert train.bind({"depth": 3}) == {"depth": 3, "rate": 0.1, "name": "gbm", "deep": False, "tags": None}


def test_words_of_the_command_line_are_read_by_type() -> None:
    """Numbers, truth, text and JSON."""
    words = ["depth=8", "rate=0.5", "name=12", "deep=yes", 'tags=["a","b"]']

    assert train.parse(words) == {"depth": 8, "rate": 0.5, "name": "12", "deep": True, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["depth"], Usage, "has no value"),
        (["dept=3"], BadInput, "Did you mean 'depth'"),
        (["depth=deep"], BadInput, "no int"),
        (["deep=perhaps"], BadInput, "no bool"),
    ],
)
def test_a_word_that_does_not_fit_is_refused(words: list[str], error: type[Exception], said: str) -> None:
    """With what was expected."""
    with pytest.raises(error, match=said):
        train.parse(words)


def test_an_unknown_or_missing_parameter_is_refused() -> None:
    """The nearest name, or the command that gives it."""
    with pytest.raises(BadInput, match="Did you mean 'rate'"):
        train.bind({"rat": 1})
    with pytest.raises(BadInput, match="stackcanvas run daily-job -p day=VALUE"):
        needy.bind({})


@pytest.mark.parametrize("value", [object(), b"bytes", {1: 2}, (1, 2), {"a": {3}}, math.nan])
def test_a_parameter_that_json_cannot_keep_is_refused(value: object) -> None:
    """It would come back as something else in another process."""
    with pytest.raises(BadInput, match="tags"):
        train.bind({"tags": value})


def test_an_error_in_the_body_names_the_users_line() -> None:
    """Not ours."""

    @pipeline
    def wrong(divisor: int = 0) -> float:
        return 1 / divisor

    with pytest.raises(BadInput, match="ZeroDivisionError") as refused:
        wrong.trace({"divisor": 0})
    assert refused.value.where is not None
    assert refused.value.where.startswith(__file__)
