"""The reference page is what the types and questions say now."""

from __future__ import annotations

from pathlib import Path

from stackcanvas.canvas import BLOCKS, QUESTION_IDS, QUESTIONS
from stackcanvas.canvas.reference import flattened, markdown

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "canvas.md"


def test_the_page_in_the_documentation_is_up_to_date() -> None:
    """Made again, it is the same."""
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_every_question_and_field_is_documented() -> None:
    """None is left out."""
    page = markdown()

    for question in QUESTION_IDS:
        assert f"### `{question}`" in page
        for name, field in flattened(QUESTIONS[question].shape):
            assert f"`{name}`" in page
            assert field.help in page
    for block in BLOCKS.values():
        assert block.title in page


def test_no_table_is_broken() -> None:
    """Every row of a table has as many cells as its head."""
    cells = 0
    for line in markdown().splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        count = line.replace("\\|", "").count("|")
        assert count == (cells or count)
        cells = count
