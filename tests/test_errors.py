"""Errors: the sentence holds the facts, and the facts survive the way to another process."""

from __future__ import annotations

import pickle

import pytest

from stackcanvas.errors import (
    BadInput,
    BadInputs,
    Conflict,
    Corrupt,
    MissingExtra,
    NotFound,
    Refused,
    StackCanvasError,
    Unavailable,
    Usage,
    nearest,
)


def test_the_sentence_says_what_where_expected_and_the_way_out() -> None:
    """All four facts, in the order in which a person needs them."""
    error = BadInput("the column 'dest' is gone", where="flights.csv:1", expected="origin, dest", fix="Add the column")

    assert str(error) == "flights.csv:1: the column 'dest' is gone. Expected: origin, dest. Add the column."
    assert error.to_dict() == {
        "error": str(error),
        "kind": "BadInput",
        "what": "the column 'dest' is gone",
        "where": "flights.csv:1",
        "expected": "origin, dest",
        "fix": "Add the column",
    }


def test_several_problems_are_told_at_once() -> None:
    """One line each, one record each."""
    both = BadInputs([BadInput("a is wrong", where="1:1"), BadInput("b is wrong", where="2:1")])

    assert str(both) == "1:1: a is wrong.\n2:1: b is wrong."
    assert [found["where"] for found in both.to_dict()["errors"]] == ["1:1", "2:1"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error", "status", "exit_code"),
    [
        (Usage("a"), 400, 2),
        (BadInput("a"), 400, 3),
        (Refused("a"), 403, 1),
        (NotFound("run", "a"), 404, 4),
        (Conflict("a"), 409, 5),
        (Unavailable("a"), 503, 6),
        (Corrupt("a"), 500, 70),
    ],
)
def test_each_kind_has_its_status_and_exit_code(error: StackCanvasError, status: int, exit_code: int) -> None:
    """Programs tell errors apart by these."""
    assert (error.status, error.exit_code) == (status, exit_code)


@pytest.mark.parametrize(
    "error",
    [
        BadInput("a", where="b", expected="c", fix="d"),
        NotFound("data set", "flihgts", known=["flights"]),
        MissingExtra("PostgreSQL", "postgres"),
        BadInputs([BadInput("a")]),
    ],
)
def test_an_error_crosses_to_another_process(error: StackCanvasError) -> None:
    """A worker's error reads the same in its parent."""
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert (type(copy), str(copy), copy.to_dict()) == (type(error), str(error), error.to_dict())


def test_a_few_known_names_are_listed_and_many_are_not() -> None:
    """Without a near one, a short list helps and a long one does not."""
    assert str(NotFound("run", "zzz", known=["aaa", "bbb"])).endswith("Known: aaa, bbb.")
    assert str(NotFound("run", "zzz", known=map(str, range(9)))) == "There is no run 'zzz'."


def test_a_far_word_has_no_nearest() -> None:
    """A wrong guess is worse than none."""
    assert nearest("xyz", ["canary", "shadow"]) is None
