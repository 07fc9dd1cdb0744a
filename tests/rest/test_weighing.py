"""What follows from the canvas, over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import stackcanvas as sc
from stackcanvas.stack import Stack

Ask = Callable[..., httpx.Response]
CANVAS = """\
stackcanvas: 1
project: {name: demo, currency: USD}
data: {labelling: {needed: true, backlog: 1000, price_per_label: 0.1}}
serving: {log: {keep: 90d}}
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A project that costs something."""
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    with sc.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def ask(stack: Stack, asking: Callable[[Stack], Ask]) -> Ask:
    """Sends requests to its routes."""
    return asking(stack)


def test_cost(ask: Ask) -> None:
    """Rows and sums; other answers and other books; what is unknown is told."""
    found = ask("GET", "/canvas/cost").json()
    assert found["total"]["once"]["p50"] == "100.00"
    assert found["rows"][0]["drivers"][0]["origin"].startswith("canvas.yaml:3")

    tried = ask("GET", "/canvas/cost", params={"what_if": "data.labelling.backlog=10x"}).json()
    assert tried["total"]["once"]["p50"] == "1000.00"
    assert ask("GET", "/canvas/cost", params={"book": "mars"}).status_code == 404
    assert ask("GET", "/canvas/cost", params={"what_if": "nonsense"}).status_code == 400


def test_tools(ask: Ask) -> None:
    """A choice for each block."""
    found = ask("GET", "/canvas/tools").json()

    assert len(found["choices"]) == 10


def test_plan_and_compare(ask: Ask, stack: Stack) -> None:
    """Nothing was applied yet; files cannot be compared from afar."""
    assert ask("GET", "/canvas/plan").json()["applied"] is None
    assert ask("GET", "/canvas/compare", params={"before": str(stack.root)}).status_code == 404


@pytest.mark.parametrize(
    ("kind", "start"), [("pdf", b"%PDF"), ("svg", b"<svg"), ("png", b"\x89PNG"), ("html", b"<!do"), ("md", b"# demo")]
)
def test_the_page(ask: Ask, kind: str, start: bytes) -> None:
    """In every form, with its type."""
    found = ask("GET", f"/canvas/page.{kind}")

    assert found.content.startswith(start)
    assert found.status_code == 200
    assert ask("GET", "/canvas/page.doc").status_code in {400, 404, 422}
