"""Pages of what follows from the canvas: cost, tools, plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stackcanvas.server.control import make_app
from stackcanvas.stack import Stack
from stackcanvas.stack.planning import apply
from stackcanvas.testing.asgi import Client

FORM = {"accept": "text/html"}


@pytest.mark.parametrize("address", ["/cost", "/cost?by=phase", "/tools", "/plan"])
@pytest.mark.parametrize("canvas", ["empty", "full", "long", "hostile"])
def test_every_page_is_drawn(
    make_stack: Callable[[str], Stack], canvases: dict[str, str], canvas: str, address: str
) -> None:
    """Whatever the answers; markup in them stays text."""
    pages = Client(make_app(make_stack(canvases[canvas])))

    found = pages.get(address, headers=FORM)

    assert found.status == 200
    assert "<script>window.hurt" not in found.text


def test_a_row_leads_to_its_trace(pages: Client) -> None:
    """From the estimate to the answer and the dated price."""
    assert 'href="/cost?row=experiments.people"' in pages.get("/cost", headers=FORM).text

    found = pages.get("/cost?row=experiments.people", headers=FORM).text
    assert "nobody has answered it" in found
    assert "confidence" in found
    assert pages.get("/cost?row=nothing", headers=FORM).status == 404
    assert pages.get("/cost?by=moon", headers=FORM).status == 400


def test_the_plan_shows_what_is_written_now(stack: Stack, pages: Client) -> None:
    """The page reads the file, not what was read when the process started."""
    apply(stack)
    assert "Nothing changed" in pages.get("/plan", headers=FORM).text

    file = Path(stack.root) / "canvas.yaml"
    file.write_text(file.read_text().replace("Flight delays", "Late flights"))
    assert "Late flights" in pages.get("/plan", headers=FORM).text
    file.write_text("stackcanvas: [")
    assert pages.get("/plan", headers=FORM).status == 400
