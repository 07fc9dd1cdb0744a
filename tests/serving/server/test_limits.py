"""How often somebody may ask."""

from __future__ import annotations

from stackcanvas.serving.server.limits import Limit


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """The time it shows."""
        return self.now_s


def test_what_was_used_comes_back_with_time() -> None:
    """A burst, then as many as the rate gives, and never more than the burst at once."""
    seconds = Seconds()
    limit = Limit(burst=3, per_s=2, now_s=seconds)

    assert [limit.wait_s("a", take=True) for _ in range(4)] == [0, 0, 0, 0.5]
    seconds.now_s += 0.5
    assert [limit.wait_s("a", take=True) for _ in range(2)] == [0, 0.5]
    seconds.now_s += 3600
    assert [limit.wait_s("a", take=True) for _ in range(4)] == [0, 0, 0, 0.5]


def test_each_caller_has_a_bucket() -> None:
    """What one uses is not missing to another, and looking takes nothing."""
    limit = Limit(burst=1, per_s=1, now_s=Seconds())

    assert limit.wait_s("a", take=True) == 0
    assert limit.wait_s("a") == 1
    assert [limit.wait_s("b") for _ in range(3)] == [0, 0, 0]


def test_callers_that_are_made_up_take_no_memory_without_end() -> None:
    """However many addresses there are, the table stays small."""
    limit = Limit(burst=1, per_s=1, now_s=Seconds())

    for number in range(25_000):
        limit.wait_s(str(number), take=True)

    assert len(limit._left) <= 10_000
