"""The readiness of control: told by part, asked once however many want to know, held up by nothing."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from stackcanvas.errors import Unavailable
from stackcanvas.metadata import Spine
from stackcanvas.server.readiness import Readiness


def test_a_part_that_fails_is_named_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    """Everybody may ask, so the page names the part; the log says the rest, once, and when it is over."""
    away = [True]

    def objects() -> None:
        if away:
            raise Unavailable("nothing answers", where="s3://secret-bucket")

    async def look() -> list[dict[str, str | None]]:
        ready = Readiness({"database": int, "object store": objects}, holds_s=0)
        found = [await ready.look() for _ in range(3)]
        away.clear()
        return [*found, await ready.look()]

    with caplog.at_level(logging.INFO, "stackcanvas.control"):
        *bad, good = asyncio.run(look())

    assert bad == [{"database": None, "object store": "it cannot be used"}] * 3
    assert good == {"database": None, "object store": None}
    assert [record.getMessage() for record in caplog.records] == [
        "not ready, the object store: s3://secret-bucket: nothing answers.",
        "the object store answers again",
    ]


def test_a_part_that_hangs_holds_up_nobody(spine: Spine) -> None:
    """One thread waits for it, however often the page is asked, and the other parts are told."""
    free, waiting = threading.Event(), []

    def hang() -> None:
        waiting.append(threading.current_thread())
        free.wait(60)

    async def look() -> list[dict[str, str | None]]:
        ready = Readiness({"database": spine.events.head, "object store": hang}, patience_s=0.05, holds_s=0)
        found = [await ready.look() for _ in range(3)]
        free.set()
        return found

    found = asyncio.run(look())

    assert found == [{"database": None, "object store": "it does not answer"}] * 3
    assert len(waiting) == 1
