"""The questions: each has its words, its typed answer, its place on the printed canvas."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from stackcanvas.canvas import BLOCKS, PHASES, QUESTION_IDS, QUESTIONS, Answers, paths
from stackcanvas.canvas.blocks import BLOCK_ANSWERS, DEFAULTS
from stackcanvas.canvas.questions import AREAS
from stackcanvas.canvas.syntax import read
from stackcanvas.errors import NotFound

WORDS = files("stackcanvas.canvas") / "questions.yaml"
KEYS = {"title", "help", "phases", "level", "configures", "example", "evidence"}


def test_questions_and_typed_answers_are_the_same_set() -> None:
    """Every question of the file has a typed answer, every typed answer its words, in one order."""
    root = read(WORDS.read_text(encoding="utf-8"), label="questions.yaml", problems=[])
    assert root is not None
    words = root.plain()

    assert list(words["questions"]) == list(QUESTION_IDS) == list(QUESTIONS)
    assert list(words["blocks"]) == list(BLOCK_ANSWERS) == list(BLOCKS)
    assert all(question.keys() - {"ours"} == KEYS for question in words["questions"].values())


def test_the_canvas_has_its_questions() -> None:
    """Sixty-one of the canvas in eleven blocks, three dilemmas, five of ours."""
    ours = {question.id for question in QUESTIONS.values() if question.ours}
    dilemmas = {question.id for question in QUESTIONS.values() if question.block == "dilemma"}

    assert ours == {
        "value.positioning",
        "value.payoff",
        "registry.allow_python_models",
        "serving.log",
        "metadata.store",
    }
    assert len(dilemmas) == 3
    assert len(QUESTIONS) - len(ours) - len(dilemmas) == 61
    counts = [sum(not one.ours for one in block.questions) for block in BLOCKS.values()]
    assert counts == [5, 6, 5, 6, 6, 6, 3, 5, 7, 8, 4, 3]


@pytest.mark.parametrize("question", QUESTION_IDS)
def test_each_question_says_enough(question: str) -> None:
    """A title, help of one to three sentences, phases, a level, and an example that is a valid answer."""
    one = QUESTIONS[question]

    assert 15 <= len(one.title) <= 90
    assert 1 <= len(re.findall(r"[.:;](?:\s|$)", one.help)) <= 6
    assert one.help.endswith(".")
    assert one.phases == tuple(sorted(set(one.phases)))
    assert set(one.phases) <= set(PHASES)
    assert one.level in {"tactical", "strategic", "transformational"}
    assert one.configures
    assert one.evidence
    assert paths.errors_of(question, one.example) is None


@pytest.mark.parametrize("question", DEFAULTS)
def test_each_default_is_a_valid_answer(question: str) -> None:
    """What the stack takes where nothing is answered passes the same checks."""
    assert paths.default_of(question) is not None
    assert QUESTIONS[question].has_default


def test_the_printed_canvas_is_covered_once() -> None:
    """Twelve cells fill five columns of six rows and the footer, without overlap."""
    covered: list[tuple[int, int]] = []
    for block in BLOCKS.values():
        cell = block.cell
        covered += [
            (column, row)
            for column in range(cell.column, cell.column + cell.columns)
            for row in range(cell.row, cell.row + cell.rows)
        ]

    assert sorted(covered) == sorted((column, row) for column in range(1, 6) for row in range(1, 8))
    assert [block.number for block in BLOCKS.values()] == [*range(1, 12), 0]
    assert {block.area for block in BLOCKS.values()} == set(AREAS)


def test_the_blocks_stand_where_the_canvas_prints_them() -> None:
    """3 over 4, 2 over 5, 1 over the dilemmas, 6 over 10, 7 over 8 over 9, and 11 below."""
    columns = [
        [block.number for block in sorted(BLOCKS.values(), key=lambda one: one.cell.row) if block.cell.column == column]
        for column in range(1, 6)
    ]

    assert columns == [[3, 4, 11], [2, 5], [1, 0], [6, 10], [7, 8, 9]]
    assert BLOCKS["metadata"].cell.columns == 5


def test_the_file_of_words_names_its_licence_and_source() -> None:
    """CC BY-SA 4.0 and credit to ml-ops.org stand at its head."""
    head = WORDS.read_text(encoding="utf-8")[:900]

    assert "CC BY-SA 4.0" in head
    assert "ml-ops.org" in head


def test_an_unknown_question_or_block_is_not_found() -> None:
    """With the nearest name."""
    with pytest.raises(NotFound, match=r"data\.versioning"):
        QUESTIONS["data.versionning"]
    with pytest.raises(NotFound, match="dilemma"):
        BLOCKS["dilema"]
    assert "x" not in QUESTIONS


def test_environments_change_addresses_replicas_and_policies_only() -> None:
    """The whole list, so that a change of it is seen."""
    assert paths.environment_paths() == (
        "data.storage.lake",
        "data.storage.warehouse",
        "data.storage.objects",
        "data.storage.remote",
        "features.databases.offline",
        "features.databases.online",
        "pipelines.location",
        "pipelines.location.executor",
        "registry.storage.url",
        "registry.allow_python_models",
        "deployment.target.url",
        "deployment.release_policy",
        "deployment.strategy",
        "serving.distributed.replicas",
        "serving.log",
        "monitoring.alerting",
        "metadata.store.url",
        "metadata.governance",
    )


def test_costs_have_units_and_defaults() -> None:
    """Every field that drives cost has a default, so that a cost can always be given."""
    drivers = [
        field
        for question in QUESTIONS.values()
        for field in ((question.shape.items or question.shape).fields)
        if field.unit
    ]

    assert len(drivers) > 40
    assert all(field.default is not None and not field.required for field in drivers)


def test_the_tree_holds_every_block() -> None:
    """Under the key that canvas.yaml uses."""
    assert list(Answers.model_fields) == [block.key for block in BLOCKS.values()]
