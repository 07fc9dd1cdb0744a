"""The canvas on one page: nothing overflows, nothing is lost, nothing steers the reader's machine."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import typst
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from stackcanvas.canvas import BLOCKS, CREDIT, QUESTION_IDS, loads
from stackcanvas.canvas.render import inline
from stackcanvas.canvas.show import Sheet, markdown, sheet
from stackcanvas.canvas.show.html import html
from stackcanvas.canvas.show.page import data as drawn
from stackcanvas.canvas.show.page import printed
from stackcanvas.canvas.show.terminal import terminal
from stackcanvas.errors import BadInput

_FOLDER = files("stackcanvas.canvas.show")


def page(rest: str = "", *, name: str = "demo") -> Sheet:
    """The page of a small canvas."""
    return sheet(loads(f"stackcanvas: 1\nproject: {{name: {json.dumps(name)}}}\n{rest}\n"))


def long_canvas(text: str) -> str:
    """A canvas whose answers are as long as they may be."""
    said = json.dumps(text, ensure_ascii=False)
    many = json.dumps([f"{text[:40]} {number}" for number in range(200)], ensure_ascii=False)
    return "\n".join(
        [
            f"value: {{goal: {said}, problem: {said}, positioning: {{for: {said}, benefit: {said}}}}}",
            f"data: {{pipeline_tools: {many}}}",
            f"foundations: {{performance_monitoring: {many}, version_control: {{tool: git, branch: {said}}}}}",
            f"pipelines: {{workflow: {{steps: {many}, technology: {said}}}, ci: {{tools: {many}}}}}",
            f"metadata: {{governance: {{regulation: {said}}}, documentation: {{as_code: true, folder: {said}}}}}",
            f"dilemmas: {{platform: {{choice: hybrid, risks: {said}, impact: {said}}}}}",
            "registry: {needed: mandatory}",
        ]
    )


LONG = {
    "words": "An answer that nobody stopped, with a history and some weather. " * 150,
    "one word": "w" * 9000,
    "wide letters": "延误预警系统" * 1500,
    "from the right": "تأخر الرحلات من نيويورك " * 400,
    "an address": "s3://" + "bucket/" * 1200,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_the_printed_page_folds_before_it_overflows(text: str) -> None:
    """However long the answers, a smaller type or a fold fits every cell: nothing had to be cut off."""
    found = page(long_canvas(text), name=text[:200])
    cut = typst.query(
        str(_FOLDER / "page.typ"),
        "<cut>",
        root=str(_FOLDER),
        font_paths=[str(_FOLDER / "vendor" / "source-sans-pro")],
        sys_inputs={"page": drawn(found)},
    )

    assert json.loads(cut) == []


def test_the_printed_page_is_one_sheet_of_a3(flights: str) -> None:
    """PDF, SVG and PNG come out, in landscape, the same each time."""
    found = sheet(loads(flights))
    pdf, svg, png = printed(found, "pdf"), printed(found, "svg").decode(), printed(found, "png")

    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    width, height = (float(one) for one in re.findall(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', svg)[0])
    assert (round(width / 72 * 25.4), round(height / 72 * 25.4)) == (420, 297)
    assert png.startswith(b"\x89PNG")
    assert printed(found, "pdf") == pdf


@pytest.mark.parametrize("width", [40, 79, 120, 130, 160, 211])
@pytest.mark.parametrize("text", ["", *LONG.values()], ids=["empty", *LONG])
def test_every_line_of_the_terminal_fits(width: int, text: str) -> None:
    """No line is wider than the terminal, and all lines of the frame are equally wide."""
    found = terminal(page(long_canvas(text) if text else "", name=text[:200] or "demo"), width=width)
    framed = {cell_len(line) for line in found.splitlines() if line[:1] in set("┌├│└")}

    assert max(cell_len(line) for line in found.splitlines()) <= width
    assert len(framed) == 1


@pytest.mark.parametrize("draw", [terminal, markdown, html], ids=["terminal", "markdown", "html"])
def test_each_page_has_every_block_and_the_credit(flights: str, draw: Callable[[Sheet], str]) -> None:
    """All twelve blocks, their answers, and whose canvas it is."""
    said = " ".join(re.sub(r"[│\\]", " ", draw(sheet(loads(flights)))).split())

    for block in BLOCKS.values():
        assert block.title.split()[0] in said
    assert "needless" in said
    assert CREDIT.split(",")[0] in said


@pytest.mark.parametrize("draw", [terminal, markdown, html], ids=["terminal", "markdown", "html"])
def test_an_empty_canvas_has_a_page_too(draw: Callable[[Sheet], str]) -> None:
    """Where nothing is answered the page says what each block is about."""
    said = " ".join(re.sub(r"[│\\]", " ", draw(page())).split())

    assert "7 of 7 open" in said
    assert "all answered" not in said


def test_answers_steer_neither_terminal_nor_browser_nor_markdown() -> None:
    """Control characters, turned directions, tags and table marks come out as text or not at all."""
    found = page('value: {goal: "\\x9b31m<script>x</script>\\u202e|*a*|"}')

    assert "\x9b" not in terminal(found)
    assert "\u202e" not in terminal(found)
    assert "<script>" not in html(found)
    assert r"\<script\>" in markdown(found)
    assert r"\|\*a\*\|" in markdown(found)


def test_what_reads_from_the_right_is_marked(flights: str) -> None:
    """Arabic and Hebrew stand on their own side."""
    found = page("value: {goal: 'المسافر يعرف', problem: late}").block("value").lines

    assert [line.right_to_left for line in found] == [True, False]


def test_what_is_set_aside_is_not_open() -> None:
    """A block whose questions are answered or do not apply is done."""
    found = page(
        "registry: {needed: optional, versioning: integer, allow_python_models: false}\n"
        "decisions: {registry.storage: {status: not applicable}}"
    )

    assert found.block("registry").state == "all answered"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_canvas_has_a_page(data: st.DataObject, answering: Callable[[str], st.SearchStrategy[Any]]) -> None:
    """Whatever is answered can be drawn."""
    blocks: dict[str, dict[str, Any]] = {}
    for question in data.draw(st.lists(st.sampled_from(QUESTION_IDS), unique=True, max_size=6)):
        block, _, key = question.partition(".")
        blocks.setdefault("dilemmas" if block == "dilemma" else block, {})[key] = data.draw(answering(question))
    try:
        found = page("\n".join(f"{block}: {inline(answers)}" for block, answers in blocks.items()))
    except BadInput:
        return

    lines = terminal(found, width=140).splitlines()
    assert max(cell_len(line) for line in lines) <= 140
    assert printed(found, "svg").startswith(b"<svg")
    assert markdown(found)
    assert html(found)
