"""The stream of events."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator

import pytest

from stackcanvas.errors import Unavailable
from stackcanvas.metadata import Ref, Spine
from stackcanvas.server.feed import Feed


def emit(spine: Spine, name: str) -> int:
    """Append an event."""
    with spine.write() as tx:
        return spine.events.emit(tx, name, Ref.parse("data:flights@1"), {"text": "line\nbreak"})


async def next_event(stream: AsyncIterator[bytes]) -> dict[str, object]:
    """The next event of a stream, past what is no event."""
    async for chunk in stream:
        if chunk.startswith(b"id:"):
            lines = chunk.decode().rstrip("\n").split("\n")
            assert [line.split(":")[0] for line in lines] == ["id", "data"]
            found: dict[str, object] = json.loads(lines[1].removeprefix("data: "))
            return found
    raise AssertionError("the stream ended")


def test_a_listener_gets_what_it_missed_and_what_comes(spine: Spine) -> None:
    """From a number on, without a gap, while events are appended."""

    async def play() -> list[object]:
        feed = Feed(after=spine.events.after, head=spine.events.head, period_s=0.01)
        watching = asyncio.create_task(feed.run())
        stream = feed.stream(1)
        seen = [(await next_event(stream))["sequence"]]
        await asyncio.to_thread(emit, spine, "data.third")
        seen.append((await next_event(stream))["sequence"])
        feed.close()
        await watching
        return seen

    emit(spine, "data.first")
    emit(spine, "data.second")

    assert asyncio.run(play()) == [2, 3]


def test_a_new_listener_hears_only_what_is_new(spine: Spine) -> None:
    """Without a number the stream begins now; two listeners hear the same."""

    async def play() -> list[object]:
        feed = Feed(after=spine.events.after, head=spine.events.head, period_s=0.01)
        watching = asyncio.create_task(feed.run())
        streams = [feed.stream(None), feed.stream(None)]
        for stream in streams:
            assert await anext(stream) == b"retry: 1000\n\n"
        await asyncio.to_thread(emit, spine, "data.new")
        seen = [(await next_event(stream))["name"] for stream in streams]
        feed.close()
        await watching
        return seen

    emit(spine, "data.old")

    assert asyncio.run(play()) == ["data.new", "data.new"]


def test_closing_the_feed_ends_every_stream(spine: Spine) -> None:
    """A server that stops does not wait for its listeners."""

    async def play() -> list[bytes]:
        feed = Feed(after=spine.events.after, head=spine.events.head, period_s=0.01)
        watching = asyncio.create_task(feed.run())
        stream = feed.stream(None)
        first = await anext(stream)
        feed.close()
        rest = [chunk async for chunk in stream]
        await watching
        return [first, *rest]

    assert len(asyncio.run(asyncio.wait_for(play(), 10))) <= 2


def test_a_database_that_goes_away_ends_streams_quietly(spine: Spine, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once; listeners come again by themselves, and hear what happened meanwhile."""
    away = threading.Event()

    def head() -> int:
        if away.is_set():
            raise Unavailable("PostgreSQL ended the connection")
        return spine.events.head()

    async def play() -> dict[str, object]:
        feed = Feed(after=spine.events.after, head=head, period_s=0.01)
        watching = asyncio.create_task(feed.run())
        kept = feed.stream(0)
        assert await anext(kept) == b"retry: 1000\n\n"
        away.set()
        assert [chunk async for chunk in feed.stream(None)] == []
        await asyncio.sleep(0.1)
        away.clear()
        await asyncio.to_thread(emit, spine, "data.later")
        found = await next_event(kept)
        feed.close()
        await watching
        return found

    assert asyncio.run(play())["name"] == "data.later"
    assert [record.getMessage() for record in caplog.records] == [
        "the events cannot be read: PostgreSQL ended the connection."
    ]
