"""Which stacks a server has open: so many and no more, and none is closed under a request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from stackcanvas.errors import Unavailable
from stackcanvas.server.places import Place, Places
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """An empty project."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    with open_stack(tmp_path) as opened:
        yield opened


def test_those_asked_for_least_are_closed_and_opened_again(stack: Stack) -> None:
    """What is in use stays; when all are, one more is refused for the moment."""

    async def story() -> None:
        places = Places(stack, most=2)
        async with AsyncExitStack() as kept:
            first = await kept.enter_async_context(places.using("a", make=True))
            for name in ("b", "c", "d"):
                async with places.using(name, make=True) as place:
                    assert place is not None
                    assert place.stack.workspace == name
            async with places.using("a", make=False) as again:
                assert again is first
            await kept.enter_async_context(places.using("b", make=False))
            with pytest.raises(Unavailable, match="in use"):
                async with places.using("c", make=False):
                    pass
        async with places.using("c", make=False) as place:
            assert place is not None
        assert await missing(places, "e") is None
        places.close()

    asyncio.run(story())


async def missing(places: Places, name: str) -> Place | None:
    """The place of a workspace that nobody made."""
    async with places.using(name, make=False) as place:
        return place


def test_one_that_was_made_again_or_has_another_canvas_is_opened_anew(stack: Stack) -> None:
    """By whichever process."""

    async def story() -> None:
        places = Places(stack)
        async with places.using("a", make=True) as place:
            assert place is not None
            before = place.stack
        stack.workspaces.rm("a")
        assert await missing(places, "a") is None
        async with places.using("a", make=True) as place:
            assert place is not None
            assert place.stack is not before
            before = place.stack
        (before.root / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: other}\n")
        async with places.using("a", make=False) as place:
            assert place is not None
            assert place.stack.canvas.project.name == "other"
        places.close()

    asyncio.run(story())
