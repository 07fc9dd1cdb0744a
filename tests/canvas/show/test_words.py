"""Answers as a cell of the canvas shows them."""

from __future__ import annotations

import pytest

from stackcanvas.canvas.show.words import label, short, statement


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("mandatory", "mandatory"),
        (True, "yes"),
        ({"needed": False}, "no"),
        (["python", "sql"], "python, sql"),
        ({"level": 3, "versions_kept": 24}, "level 3, versions kept 24"),
        ([{"name": "flights", "kind": "public"}, {"name": "weather"}], "flights; weather"),
        (
            [{"pipeline": "train", "on": "drift.found"}, {"pipeline": "train", "cron": "0 3 * * 1"}],
            "train, on drift.found; train, cron 0 3 * * 1",
        ),
        ("two\nlines", "two lines"),
    ],
)
def test_an_answer_is_one_line(answer: object, line: str) -> None:
    """What tells it from another comes first; the rest stands in the room."""
    assert short(answer) == line


def test_a_long_answer_is_cut() -> None:
    """The room shows it whole."""
    assert len(short("word " * 500)) <= 240


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ""),
        ({"product": "Delay Watch"}, "Delay Watch."),
        ({"for": "passengers"}, "For passengers."),
        ({"for": "For all", "who": "who fly", "category": "app"}, "For all who fly, an app."),
        ({"product": "X", "category": "tool", "benefit": "it saves time."}, "X is a tool. It saves time."),
    ],
)
def test_the_positioning_reads_as_far_as_it_is_given(given: dict[str, object], said: str) -> None:
    """No part leaves a hole."""
    assert statement(given) == said


def test_labels_keep_their_abbreviations() -> None:
    """Short headings from the keys of canvas.yaml."""
    assert [label(key) for key in ("ci_cd", "apis", "lead_time")] == ["CI CD", "APIs", "Lead time"]
