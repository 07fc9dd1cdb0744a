"""Requests that wait together run together, in order, whatever their sizes."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcanvas.serving.server.batch import Batcher, Item


def item(values: list[float]) -> Item:
    """A request of so many rows."""
    rows = [np.array(values).reshape(-1, 1)]
    return Item(rows, [str(value) for value in values], 0, 0.0)


class Doubler:
    """A model that doubles, and remembers the batches it saw."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: list[str] = []

    def __call__(self, items: list[Item]) -> None:
        """Run one batch."""
        self.batches.append([one.count for one in items])
        self.threads.append(threading.current_thread().name)
        for one in items:
            one.outputs = [one.rows[0][:, 0] * 2]


def run(sizes: list[int], **options: Any) -> tuple[Doubler, list[Item]]:
    """Submit requests of these sizes in one turn of the loop, and wait for all."""
    model = Doubler()

    async def ask() -> list[Item]:
        with ThreadPoolExecutor(1, thread_name_prefix="aside") as pool:
            batcher = Batcher(model, pool=pool, **options)
            items = [item([100.0 * at + row for row in range(size)]) for at, size in enumerate(sizes)]
            for running in [batcher.submit(one) for one in items]:
                if running is not None:
                    await running
        return items

    return model, asyncio.run(ask())


@settings(deadline=None, max_examples=60)
@given(sizes=st.lists(st.integers(1, 30), max_size=25), most=st.integers(1, 50), inline=st.integers(1, 60))
def test_every_request_gets_its_own_answers(sizes: list[int], most: int, inline: int) -> None:
    """Mixed sizes stay right, batches keep to the cap and to the order of arrival."""
    model, items = run(sizes, most_rows=most, inline_rows=inline)

    for one in items:
        assert one.outputs[0].tolist() == (one.rows[0][:, 0] * 2).tolist()
    assert [size for batch in model.batches for size in batch] == sizes
    assert all(sum(batch) <= most or len(batch) == 1 for batch in model.batches)


def test_what_waits_in_one_turn_is_one_batch() -> None:
    """Nothing is run alone that could run together, and small batches never leave the event loop."""
    model, _ = run([1] * 16)

    assert model.batches == [[1] * 16]
    assert model.threads == ["MainThread"]


@settings(deadline=None, max_examples=40)
@given(sizes=st.lists(st.integers(1, 30), max_size=12), answers=st.lists(st.booleans(), min_size=12, max_size=12))
def test_a_request_alone_does_not_wait(sizes: list[int], answers: list[bool]) -> None:
    """With nothing else under way a request runs at once; the answers are the same either way."""
    model, items = run(sizes, alone=iter(answers).__next__, inline_rows=20)

    for one in items:
        assert one.outputs[0].tolist() == (one.rows[0][:, 0] * 2).tolist()
    assert sorted(size for batch in model.batches for size in batch) == sorted(sizes)
    assert run([3], alone=lambda: True)[1][0].done is None


def test_a_large_batch_runs_aside() -> None:
    """The event loop goes on while a large batch runs; what comes meanwhile runs after it."""
    model, _ = run([5000, 1, 2])

    assert model.batches == [[5000], [1, 2]]
    assert [name.partition("_")[0] for name in model.threads] == ["aside", "MainThread"]


def test_an_error_reaches_every_request_of_its_batch() -> None:
    """A model that breaks leaves nobody waiting."""

    def broken(_: list[Item]) -> None:
        raise RuntimeError("broken")

    async def ask() -> list[Item]:
        with ThreadPoolExecutor(1) as pool:
            batcher = Batcher(broken, pool=pool)
            items = [item([1.0]), item([2.0])]
            for running in [batcher.submit(one) for one in items]:
                if running is not None:
                    await running
        return items

    assert [str(one.error) for one in asyncio.run(ask())] == ["broken", "broken"]


def test_a_slow_model_leaves_the_event_loop() -> None:
    """A model whose last batch took long runs beside the loop from then on."""
    threads: list[str] = []

    def slow(items: list[Item]) -> None:
        threads.append(threading.current_thread().name)
        threading.Event().wait(0.02)
        for one in items:
            one.outputs = [one.rows[0]]

    async def ask() -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="aside") as pool:
            batcher = Batcher(slow, pool=pool)
            for _ in range(3):
                one = item([1.0])
                running = batcher.submit(one)
                assert running is not None
                await running

    asyncio.run(ask())
    assert threads[0] == "MainThread"
    assert all(name.startswith("aside") for name in threads[1:])


@pytest.mark.parametrize("gone", [True, False])
def test_a_client_that_left_breaks_nothing(*, gone: bool) -> None:
    """A request whose waiter was cancelled is run and forgotten."""
    model = Doubler()

    async def ask() -> None:
        with ThreadPoolExecutor(1) as pool:
            batcher = Batcher(model, pool=pool)
            first, second = item([1.0]), item([2.0])
            waiting = [batcher.submit(first), batcher.submit(second)]
            assert waiting[0] is not None
            assert waiting[1] is not None
            if gone:
                waiting[0].cancel()
            await waiting[1]

    asyncio.run(ask())
    assert model.batches == [[1, 1]]
