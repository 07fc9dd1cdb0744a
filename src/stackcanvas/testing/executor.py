"""What every executor must do: subclass `ExecutorSuite` and give it one.

class TestInline(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return InlineExecutor()
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import wait

import pytest

from stackcanvas.backends.executor import Executor, TaskFailed
from stackcanvas.errors import BadInput, NotFound, Unavailable

_HERE = "stackcanvas.testing.executor"


class ExecutorSuite:
    """The promises of `Executor`, each as a test."""

    @pytest.fixture
    def executor(self) -> Executor:
        """To be overridden: an open executor; the suite closes it where it must."""
        raise NotImplementedError

    def test_result(self, executor: Executor) -> None:
        """The future gives what the function returned."""
        assert executor.submit("operator:add", 1, 2).result(60) == 3
        assert executor.submit(f"{_HERE}:Nested.join", "a", "b").result(60) == "ab"
        assert executor.submit(f"{_HERE}:echo").result(60) == ()

    def test_many_tasks(self, executor: Executor) -> None:
        """Each of many tasks has its own result, large ones too."""
        futures = [executor.submit(f"{_HERE}:echo", number, bytes(10_000)) for number in range(200)]

        assert [future.result(60) for future in futures] == [(number, bytes(10_000)) for number in range(200)]
        assert executor.submit(f"{_HERE}:echo", bytes(5_000_000)).result(60) == (bytes(5_000_000),)

    def test_submitted_from_threads(self, executor: Executor) -> None:
        """Several threads may submit at once."""
        results: list[object] = []

        def use(number: int) -> None:
            results.append(executor.submit("operator:mul", number, 2).result(60))

        threads = [threading.Thread(target=use, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(results, key=str) == sorted(range(0, 40, 2), key=str)

    def test_what_the_function_raises(self, executor: Executor) -> None:
        """An exception comes back with its class, its message and the user's frames, none of ours."""
        error = executor.submit(f"{_HERE}:fail", "no rows").exception(60)

        assert isinstance(error, TaskFailed)
        assert (error.function, error.kind, error.said) == (f"{_HERE}:fail", "ValueError", "no rows")
        assert "in fail" in error.traceback
        assert "in _fail_deeper" in error.traceback
        assert "backends/executor" not in error.traceback
        assert str(error) == f"'{_HERE}:fail' raised ValueError: no rows."

    def test_our_own_errors_stay_themselves(self, executor: Executor) -> None:
        """One of our errors keeps its class and its facts."""
        error = executor.submit(f"{_HERE}:miss").exception(60)

        assert isinstance(error, NotFound)
        assert error.near == "flights"

    @pytest.mark.parametrize("function", ["fail_strangely", "leave"])
    def test_exceptions_that_do_not_travel(self, executor: Executor, function: str) -> None:
        """An exception that cannot be pickled, or ends a process, is a failed task like any other."""
        assert isinstance(executor.submit(f"{_HERE}:{function}").exception(60), TaskFailed)
        assert executor.submit("operator:add", 1, 2).result(60) == 3

    @pytest.mark.parametrize(
        "function", ["no_such_module:f", f"{_HERE}:no_such", f"{_HERE}:Nested.no", f"{_HERE}:_HERE"]
    )
    def test_a_function_that_is_not_there(self, executor: Executor, function: str) -> None:
        """A function that cannot be found fails its own task only."""
        with pytest.raises(BadInput):
            executor.submit(function).result(60)

    @pytest.mark.parametrize("function", ["", "f", "module:", ":f", "a b:c", "module:f()"])
    def test_a_name_that_is_none(self, executor: Executor, function: str) -> None:
        """What is no name of a function is refused at once."""
        with pytest.raises(BadInput, match="module:qualname"):
            executor.submit(function)

    def test_finished_tasks_cannot_be_cancelled(self, executor: Executor) -> None:
        """Cancelling comes too late for a task that is done."""
        future = executor.submit("operator:add", 1, 2)
        wait([future], 60)

        assert future.cancel() is False
        assert future.result() == 3

    def test_close(self, executor: Executor) -> None:
        """A closed executor takes no tasks, and is closed twice without harm."""
        executor.submit("operator:add", 1, 2).result(60)
        executor.close()
        executor.close()

        with pytest.raises(Unavailable, match="closed"):
            executor.submit("operator:add", 1, 2)


class Nested:
    """Holds a function with a qualified name."""

    @staticmethod
    def join(first: str, second: str) -> str:
        """Both texts in one."""
        return first + second


class StrangeError(Exception):
    """Cannot be pickled, and not be made again from its arguments."""

    def __init__(self, one: int, *, other: int) -> None:
        super().__init__("strange")
        self.function = lambda: one + other


def echo(*args: object) -> tuple[object, ...]:
    """The arguments."""
    return args


def fail(message: str) -> None:
    """Raises a ValueError one frame further down."""
    _fail_deeper(message)


def _fail_deeper(message: str) -> None:
    raise ValueError(message)


def fail_strangely() -> None:
    """Raises what cannot be pickled."""
    raise StrangeError(1, other=2)


def leave() -> None:
    """Asks the process to end."""
    sys.exit(3)


def miss() -> None:
    """Raises one of our errors."""
    raise NotFound("data set", "flihgts", known=["flights"])
