"""Work in this process."""

from __future__ import annotations

import signal

import pytest

from stackcanvas.backends.executor import Executor
from stackcanvas.backends.executor.inline import InlineExecutor
from stackcanvas.testing.executor import ExecutorSuite


class TestInlineExecutor(ExecutorSuite):
    @pytest.fixture
    def executor(self) -> Executor:
        """An inline executor."""
        return InlineExecutor()


def test_done_when_submit_returns() -> None:
    """The task has run before the future is given, with the very objects."""
    marker = object()

    future = InlineExecutor().submit("stackcanvas.testing.executor:echo", marker)

    assert future.done()
    assert future.result() == (marker,)


def test_ctrl_c_reaches_the_caller() -> None:
    """An interrupt during the task is the caller's, not the task's."""
    # A shell starts what runs in its background with interrupts ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            InlineExecutor().submit("_thread:interrupt_main").result()
    finally:
        signal.signal(signal.SIGINT, before)
