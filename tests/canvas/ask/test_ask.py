"""What people type and send becomes answers, and answers become what people can type again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import QUESTION_IDS, QUESTIONS, loads
from stackcanvas.canvas.ask import Back, Entry, Prompt, Skip, entries, item, plan, plan_all, read_form, talk
from stackcanvas.canvas.ask.text import is_leaf, read_text, show_text
from stackcanvas.errors import NotFound


class Script:
    """A person who has written down what to say, and what they expect to be asked."""

    def __init__(self, *lines: str) -> None:
        self._lines = iter(lines)
        self.asked: list[str] = []
        self.told: list[str] = []

    def ask(self, prompt: Prompt) -> str:
        """The next line; `<` goes back."""
        self.asked.append(prompt.path)
        line = next(self._lines)
        if line == "<":
            raise Back
        return line

    def tell(self, sentence: str) -> None:
        """Hear what is wrong."""
        self.told.append(sentence)


def test_only_what_matters_at_the_level_is_asked() -> None:
    """More at higher levels; answered and set aside questions are not asked; the header comes first."""
    counts = {}
    for level in ("tactical", "strategic", "transformational"):
        canvas = loads(f"{{stackcanvas: 1, project: {{name: x, maturity: {{wanted: {level}}}}}}}")
        asked = plan(canvas)
        counts[level] = len(asked)
        assert asked[0].block == "project"
        levels = [QUESTIONS[one.id].level for one in asked if one.block != "project"]
        assert level == "transformational" or "transformational" not in levels
    assert counts["tactical"] < counts["strategic"] < counts["transformational"]

    aside = "decisions: {data.sources: {status: not applicable}}"
    text = f"{{stackcanvas: 1, project: {{name: x}}, data: {{versioning: optional}}, {aside}}}"
    left = {one.id for one in plan(loads(text), block="data", every=True)}
    assert left == {one.id for one in plan_all(block="data")} - {"data.versioning", "data.sources"}
    with pytest.raises(NotFound, match="no block 'dta'"):
        plan_all(block="dta")


@pytest.mark.parametrize("question", QUESTION_IDS)
def test_the_example_of_every_question_survives_its_form(question: str) -> None:
    """Shown as a form, sent as it is shown, it is the same answer, and right."""
    one = item(question)
    example = QUESTIONS[question].example
    sent: dict[str, tuple[str, ...]] = {}
    for entry in every(entries(one.shape, example, label="x")):
        if entry.kind == "many":
            sent[entry.name] = entry.values
        elif entry.kind not in {"group", "list"}:
            sent[entry.name] = (entry.value,)
    found = read_form(one.shape, sent)

    assert one.problems(found) == []
    assert plainer(found) == plainer(example)


def every(entry: Entry) -> Iterator[Entry]:
    """An entry and all within."""
    yield entry
    for inner in entry.inner:
        yield from every(inner)


def plainer(value: Any) -> Any:
    """Tuples as lists; what is empty is left out, as in a form nobody can send it."""
    if isinstance(value, dict):
        return {key: plainer(part) for key, part in value.items() if part not in ([], {}, (), None)}
    return [plainer(part) for part in value] if isinstance(value, list | tuple) else value


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_no_form_breaks_the_reader(data: st.DataObject) -> None:
    """Whatever is sent gives an answer or problems that name a part of it."""
    one = item(data.draw(st.sampled_from(QUESTION_IDS)))
    names = [entry.name for entry in every(entries(one.shape, None, label="x"))]
    words = st.sampled_from(
        ["", "yes", "1", "-1", "a, b", '"', "canary", "10%", "s3://x", "true: 1", "\x00", "é" * 400]
    )
    sent = data.draw(st.dictionaries(st.sampled_from(names), st.tuples(words), max_size=8))
    found = read_form(one.shape, sent)
    if found is not None:
        problems = one.problems(found)
        again = entries(one.shape, found, label="x", problems=tuple(problems))
        shown = " ".join(entry.problem for entry in every(again))
        assert all(problem.sentence in shown for problem in problems)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_what_is_shown_is_read_back(data: st.DataObject, answering: Any) -> None:
    """A line of a leaf means the value that it was made from."""
    leaves = [question for question in QUESTION_IDS if is_leaf(item(question).shape)]
    question = data.draw(st.sampled_from(leaves))
    plain = data.draw(answering(question))
    shape = item(question).shape
    if shape.kind == "text" or (
        isinstance(plain, list) and any("\n" in str(one) or str(one) != str(one).strip() for one in plain)
    ):
        return  # a line holds no line breaks and no blanks at its ends
    assert plainer(read_text(shape, show_text(shape, plain))) == plainer(plain)


def test_a_choice_is_made_by_number_word_or_beginning() -> None:
    """Numbers that are answers themselves are not counted."""
    shape = item("deployment.format").shape
    assert [read_text(shape, text) for text in ("1", "ONNX", "pack", "9")] == ["onnx", "onnx", "package", "9"]
    level = item("data.version_method").shape.field_named("level")
    assert level is not None
    assert read_text(level.shape, "1") == 1


def test_a_conversation_goes_back_through_parts() -> None:
    """Into the part before, out of an entry, and out of the question."""
    port = Script("canary", "<", "shadow", "y", "5%", "<", "10%", "", "", "", "")
    plain = talk(item("deployment.strategy"), port)
    assert plain == {"kind": "shadow", "sample": "10%"}

    with pytest.raises(Back):
        talk(item("registry.needed"), Script("<"))
    with pytest.raises(Skip):
        talk(item("data.sources"), Script("y", ""))


def test_what_is_wrong_is_asked_again_at_once() -> None:
    """Only the part that is wrong; a rule over several parts is told at the end."""
    port = Script("auc", "y", "0.7", "", "", "", "", "", "", "")
    plain = talk(item("monitoring.decay"), port)
    assert plain == {"metric": "auc", "at_least": 0.7}

    port = Script("many", "3", "", "", "", "", "", "")
    talk(item("experiments.training_infrastructure"), port)
    assert port.told == ["Text stands here. Expected: a number, 0 or more."]
    assert port.asked[:2] == ["cpus", "cpus"]
