"""Answers are written into the file; everything else in it keeps its bytes, and a wrong change changes nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stackcanvas.canvas import QUESTION_IDS, edit, load, loads
from stackcanvas.canvas.blocks import PER_MODEL, place_of
from stackcanvas.canvas.syntax import read
from stackcanvas.errors import BadInput, BadInputs, Conflict, NotFound, Unavailable

FLIGHTS = (files("stackcanvas.examples") / "flights" / "canvas.yaml").read_text(encoding="utf-8")
Answering = Callable[[str], st.SearchStrategy[Any]]

STYLES = {
    "bare": "stackcanvas: 1\nproject: {name: x}\n",
    "no end of line": "stackcanvas: 1\nproject: {name: x}",
    "flow": "{stackcanvas: 1, project: {name: x}, data: {versioning: optional}, deployment: {}}\n",
    "crlf": "stackcanvas: 1\r\nproject: {name: x}\r\ndata:\r\n  versioning: optional # why\r\n\r\n# end\r\n",
    "waiting": "stackcanvas: 1\nproject: {name: x}\ndata:  # later\nvalue:\n  goal:\n  # more\nserving: ~\n",
    "wide": (
        "# head\n\nstackcanvas:   1\nproject:    # ours\n     name:   'x'\n\ndata:\n"
        '    versioning :  "optional"   # law\n    # about sources\n    sources:\n    - name: a   # first\n'
        "      ownership: owned\n    -   {name: b, ownership: public}   # second\n\n\n"
        "# about releases\ndeployment:\n      strategy:   # careful\n         kind: canary\n         # steps\n"
        "         steps:\n         - 10%\n         - 100%   # all\n\n# the end\n"
    ),
    "texts": (
        "stackcanvas: 1\nproject: {name: x}\nvalue:\n  goal: >-\n    one\n    two\n\n    three\n  # note\n"
        "  problem: |\n    a\n\n  importance: 'x''y'  # z\n  owner: {name: |-\n    x\n    }\n"
    ).replace("  owner: {name: |-\n    x\n    }\n", "  owner: {name: x}\n"),
}


def answer_in(text: str, question: str) -> Any:
    """What stands in the text, as YAML holds it."""
    root = read(text, label="x", problems=[])
    assert root is not None
    here = root.plain()
    for key in place_of(question):
        here = (here or {}).get(key)
    return here


def frozen(value: Any) -> Any:
    """With tuples for lists, as a document is read."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def without(text: str, question: str) -> list[str]:
    """The lines of a text that do not belong to an answer."""
    root = read(text, label="x", problems=[])
    assert root is not None
    block, key = place_of(question)
    section = root.value.get(block)
    lines = text.splitlines()
    if section is None or not isinstance(section.node.value, dict) or key not in section.node.value:
        return lines
    entry = section.node.value[key]
    last = text.count("\n", 0, max(entry.node.end, entry.key.end)) + 1
    return lines[: entry.key.line - 1] + lines[last:]


@settings(max_examples=100, deadline=None)
@given(question=st.sampled_from(QUESTION_IDS), data=st.data())
def test_an_answer_that_is_set_is_read_back_and_other_lines_stay(
    answering: Answering, question: str, data: st.DataObject
) -> None:
    """For every question, any valid answer, in a file full of comments."""
    answer = data.draw(answering(question))

    changed = edit.apply(FLIGHTS, [edit.answer(question, answer)])

    assert answer_in(changed, question) == frozen(answer)
    assert without(changed, question) == without(FLIGHTS, question)


@settings(max_examples=250, deadline=None)
@given(style=st.sampled_from(sorted(STYLES)), question=st.sampled_from(QUESTION_IDS), data=st.data())
def test_any_layout_is_kept(answering: Answering, style: str, question: str, data: st.DataObject) -> None:
    """Blocks, brackets, odd indentation, Windows line ends, keys that wait: lines of others stay as they are."""
    text = STYLES[style]
    answer = data.draw(answering(question))

    changed = edit.apply(text, [edit.answer(question, answer)])

    assert answer_in(changed, question) == frozen(answer)
    if style == "flow":
        return
    kept = [line for line in without(text, question) if line.strip()]
    remaining = iter(changed.splitlines())
    # Every line that is not the answer's is still there, in order; an empty section may have lost its placeholder.
    missing = [line for line in kept if line not in remaining and not line.startswith("serving: ~")]
    assert missing == []


@settings(max_examples=100, deadline=None)
@given(question=st.sampled_from(QUESTION_IDS), data=st.data())
def test_setting_and_taking_back_leaves_the_file_as_it_was(
    answering: Answering, question: str, data: st.DataObject
) -> None:
    """An answer that comes and goes leaves no trace but its empty block."""
    text = STYLES["wide"]
    if answer_in(text, question) is not None:
        return
    answer = data.draw(answering(question))

    back = edit.apply(text, [edit.answer(question, answer), edit.unanswer(question)])

    assert answer_in(back, question) is None
    assert [line for line in back.splitlines() if line.strip() and not line.endswith(":")] == [
        line for line in text.splitlines() if line.strip() and not line.endswith(":")
    ]


@settings(max_examples=100, deadline=None)
@given(question=st.sampled_from(QUESTION_IDS), data=st.data())
def test_another_reader_of_yaml_reads_the_same(answering: Answering, question: str, data: st.DataObject) -> None:
    """What is written here is what other programs read."""
    answer = data.draw(answering(question))
    changed = edit.apply(STYLES["wide"], [edit.answer(question, answer)])

    block, key = place_of(question)
    other = YAML(typ="safe", pure=True).load(changed)[block][key]

    assert frozen(other) == frozen(answer)


@settings(max_examples=100, deadline=None)
@given(question=st.sampled_from([one for one in QUESTION_IDS if one.partition(".")[0] in PER_MODEL]), data=st.data())
def test_a_model_gets_its_own_answer(flights: str, answering: Answering, question: str, data: st.DataObject) -> None:
    """Under `models`; the common answer stays."""
    answer = data.draw(answering(question))
    changed = edit.apply(FLIGHTS, [edit.answer(question, answer, model="other model")])

    root = read(changed, label="x", problems=[])
    assert root is not None
    assert root.plain()["models"]["other model"] == {question: frozen(answer)}
    assert answer_in(changed, question) == answer_in(FLIGHTS, question)


def test_comments_inside_an_answer_stay_when_a_part_changes() -> None:
    """Only the part that differs is touched."""
    text = STYLES["wide"]

    changed = edit.apply(
        text, [edit.answer("deployment.strategy", {"kind": "canary", "steps": ["20%", "100%"], "every": "1h"})]
    )

    assert changed == text.replace(
        "         - 10%\n         - 100%   # all\n", "         - 20%\n         - 100%   # all\n         every: 1h\n"
    )


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (
            "data:\n  versioning: optional  # law\n",
            edit.answer("data.versioning", "mandatory"),
            "data:\n  versioning: mandatory  # law\n",
        ),
        ("data:\n  versioning: optional  # law\n", edit.unanswer("data.versioning"), "data:\n"),
        ("data: {versioning: optional}\n", edit.unanswer("data.versioning"), "data: {}\n"),
        ("data: {}\n", edit.answer("data.versioning", "optional"), "data: {versioning: optional}\n"),
        ("data:  # later\n", edit.answer("data.versioning", "optional"), "data:  # later\n  versioning: optional\n"),
        (
            "data:\n  labelling: {needed: false}\n",
            edit.answer("data.versioning", "optional"),
            "data:\n  versioning: optional\n  labelling: {needed: false}\n",
        ),
        (
            "deployment:\n  strategy: {kind: recreate}  # simple\n  # end\n",
            edit.answer("deployment.strategy", {"kind": "shadow", "lasts": "1d", "analysis": {"min_predictions": 5}}),
            "deployment:\n  strategy: {kind: shadow, lasts: 1d, analysis: {min_predictions: 5}}  # simple\n  # end\n",
        ),
        (
            "deployment:\n  strategy:  # careful\n    kind: canary\n    every: 1h  # slow\n  lead_time: 1d\n",
            edit.unanswer("deployment.strategy"),
            "deployment:\n  lead_time: 1d\n",
        ),
        (
            "environments:\n  test:\n    metadata.store.url: sqlite:///x\n",
            edit.answer("features.databases.online", "${REDIS}", environment="test"),
            "environments:\n  test:\n    metadata.store.url: sqlite:///x\n    features.databases.online: ${REDIS}\n",
        ),
    ],
)
def test_how_changes_look(before: str, change: edit.Change, after: str) -> None:
    """As a careful person would have written them."""
    assert edit.apply(STYLES["bare"] + before, [change]) == STYLES["bare"] + after


def test_sections_take_their_place_in_the_order_of_the_canvas() -> None:
    """A new block stands where the canvas has it, with a line between."""
    text = "stackcanvas: 1\nproject: {name: x}\n\nvalue:\n  goal: g\n\nmetadata:\n  collected: [run id]\n"

    changed = edit.apply(text, [edit.answer("serving.multi_model", False), edit.answer("features.apis", True)])

    assert changed == (
        "stackcanvas: 1\nproject: {name: x}\n\nvalue:\n  goal: g\n\nfeatures:\n  apis: true\n\n"
        "serving:\n  multi_model: false\n\nmetadata:\n  collected: [run id]\n"
    )


def test_a_decision_is_written_and_removed() -> None:
    """What is left out stays as it was."""
    text = STYLES["bare"] + "decisions:\n  data.sources:\n    why: free # cheap\n    owner: Ada\n"

    changed = edit.apply(
        text, [*edit.decide("data.sources", why="ours"), *edit.decide("data.versioning", why="law: 3", status="open")]
    )

    assert changed == STYLES["bare"] + (
        'decisions:\n  data.versioning:\n    why: "law: 3"\n    status: open\n'
        "  data.sources:\n    why: ours # cheap\n    owner: Ada\n"
    )
    assert loads(changed).decisions["data.versioning"].status == "open"
    assert edit.apply(changed, [edit.undecide("data.versioning")]) == text.replace("free", "ours")


def test_an_alias_is_replaced_and_an_anchor_is_protected() -> None:
    """A change for one place never changes what stands elsewhere."""
    text = STYLES["bare"] + (
        "deployment: {strategy: &slow {kind: canary, every: 2h}}\nmodels: {a: {deployment.strategy: *slow}}\n"
    )
    changed = loads(edit.apply(text, [edit.answer("deployment.strategy", {"kind": "recreate"}, model="a")]))

    assert changed.models["a"]["deployment.strategy"].kind == "recreate"
    assert changed.answers.deployment.strategy is not None
    assert changed.answers.deployment.strategy.kind == "canary"
    with pytest.raises(BadInput, match="anchor"):
        edit.apply(text, [edit.answer("deployment.strategy", {"kind": "canary", "every": "3h"})])


def test_what_cannot_be_written_is_refused() -> None:
    """Unknown questions, things that YAML does not hold, places that nobody may change."""
    with pytest.raises(NotFound, match=r"data\.versioning"):
        edit.answer("data.versionning", "x")
    with pytest.raises(NotFound):
        edit.decide("data.versioning.x", why="y")
    with pytest.raises(BadInput, match="same for all models"):
        edit.answer("data.versioning", "optional", model="a")
    with pytest.raises(BadInput, match="environment"):
        edit.answer("value.goal", "x", environment="test")
    with pytest.raises(BadInput, match="or for an environment"):
        edit.answer("value.goal", "x", model="a", environment="test")
    for value in (object(), {1: 2}, float("nan"), "\ud800"):
        with pytest.raises(BadInput):
            edit.apply(STYLES["bare"], [edit.answer("value.goal", value)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A canvas in a folder."""
    canvas = tmp_path / "canvas.yaml"
    canvas.write_text(STYLES["wide"])
    return canvas


def test_a_file_is_changed_and_the_new_canvas_given(file: Path) -> None:
    """Several changes are one."""
    canvas = edit.write(file, [edit.answer("data.versioning", "mandatory"), *edit.decide("data.versioning", why="law")])

    assert canvas.digest == load(file).digest
    assert canvas.get("data.versioning") == "mandatory"
    assert [one.name for one in file.parent.iterdir()] == ["canvas.yaml"]


def test_a_change_that_would_be_wrong_changes_nothing(file: Path) -> None:
    """Not even the right one beside it; the error names the line where it would have stood."""
    before = file.read_bytes()

    with pytest.raises(BadInputs, match=r"canvas\.yaml:8:18: 'mandatroy'"):
        edit.write(file, [edit.answer("features.needed", "optional"), edit.answer("data.versioning", "mandatroy")])
    assert file.read_bytes() == before


def test_mode_line_ends_and_byte_order_mark_stay(tmp_path: Path) -> None:
    """The file is the same file to everybody else."""
    file = tmp_path / "canvas.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + STYLES["crlf"].encode())
    file.chmod(0o640)

    edit.write(file, [edit.answer("data.labelling", {"needed": False})])

    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.read_bytes() == b"\xef\xbb\xbf" + STYLES["crlf"].encode().replace(
        b"# why\r\n", b"# why\r\n  labelling: {needed: false}\r\n"
    )


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    """What it points to is changed."""
    link = tmp_path / "sub" / "canvas.yaml"
    link.parent.mkdir()
    link.symlink_to(file)

    edit.write(link, [edit.answer("features.apis", True)])

    assert link.is_symlink()
    assert load(file).get("features.apis") is True


def test_a_canvas_that_changed_meanwhile_is_not_overwritten(file: Path) -> None:
    """Whoever thought of an older canvas is told."""
    digest = load(file).digest
    edit.write(file, [edit.answer("features.apis", True)], digest=digest)

    with pytest.raises(Conflict, match="changed since"):
        edit.write(file, [edit.answer("features.apis", False)], digest=digest)
    assert load(file).get("features.apis") is True


def test_files_that_cannot_be_changed(tmp_path: Path) -> None:
    """A missing file, a broken one, a folder."""
    change = edit.answer("features.apis", True)
    with pytest.raises(NotFound):
        edit.write(tmp_path / "canvas.yaml", [change])
    with pytest.raises(Unavailable):
        edit.write(tmp_path, [change])
    broken = tmp_path / "canvas.yaml"
    broken.write_text("stackcanvas: [")
    with pytest.raises(BadInput, match="not YAML"):
        edit.write(broken, [change])
    assert broken.read_text() == "stackcanvas: ["


_WRITER = """
import sys
from stackcanvas.canvas import edit
for number in range(int(sys.argv[3])):
    edit.write(sys.argv[1], [edit.answer("value.goal", "x" * 2000 + str(number), model=f"{sys.argv[2]} {number}")])
"""


def test_two_writers_lose_nothing(file: Path) -> None:
    """Each waits for the other."""
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(file), name, "15"]) for name in ("ada", "grace")]
    assert [writer.wait(60) for writer in writers] == [0, 0]

    assert sorted(load(file).models) == sorted(f"{name} {number}" for name in ("ada", "grace") for number in range(15))


def test_a_killed_writer_leaves_a_whole_canvas(file: Path) -> None:
    """The old one or the new one, whenever it is killed, and the next writer goes on."""
    for pause_s in (0.0, 0.002, 0.005, 0.011, 0.017):
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(file), f"at {pause_s}", "100000"])
        until = time.monotonic() + 20
        while f"at {pause_s} 0" not in file.read_text() and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(pause_s)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        assert f"at {pause_s} 0" in load(file).models
    assert edit.write(file, [edit.answer("features.apis", True)]).get("features.apis") is True
