from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.backends.objects import open_objects
from stackcanvas.metadata import Spine
from stackcanvas.pipelines import step
from stackcanvas.pipelines.cache import Cache, Keys
from stackcanvas.pipelines.encoding import encode
from stackcanvas.pipelines.perform import Kept
from stackcanvas.pipelines.values import Stored, Values


@step
def fit(frame: Any, depth: int = 6) -> Any:
    """Some step."""
    return frame, depth


@step
def other(frame: Any) -> Any:
    """Another one."""
    return frame


def kept(value: object) -> Kept:
    """An argument that is the result of a step."""
    encoded = encode(value)
    return Kept(Stored(encoded.digest, encoded.kind, len(encoded.data), encoded.data))


def key(arguments: dict[str, object], *, environment: str = "here", known: Any = fit) -> str:
    """The key as a run of its own would make it."""

    def digest(leaf: Any) -> str:
        return str(leaf.stored.digest)

    return Keys(environment).of(known.definition, arguments, digest)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(plain, plain)
def test_equal_arguments_have_equal_keys_and_others_do_not(first: object, second: object) -> None:
    """Whether they are given or come from a step."""
    same = encode(first).digest == encode(second).digest

    assert key({"frame": first}) == key({"frame": first})
    assert key({"frame": kept(first)}) == key({"frame": first})
    assert (key({"frame": first}) == key({"frame": second})) == same


@given(st.lists(plain, max_size=4))
def test_handles_inside_containers_count_by_their_values(values: list[object]) -> None:
    """And where they stand counts too."""
    lazy: list[object] = [kept(value) for value in values]

    assert key({"frame": lazy}) == key({"frame": list(lazy)})
    assert key({"frame": [*lazy, kept("x")]}) != key({"frame": [kept("x"), *lazy, kept("y")]})


def test_parameter_names_code_and_environment_are_part_of_the_key() -> None:
    """Each of them alone."""
    keys = {
        key({"frame": 1, "depth": 2}),
        key({"frame": 2, "depth": 1}),
        key({"frame": 1, "depth": 2}, environment="there"),
        key({"frame": 1}, known=other),
        key({"frame": fit, "depth": 2}),
        key({"frame": other, "depth": 2}),
        key({"frame": [other], "depth": 2}),
        key({"frame": len, "depth": 2}),
    }

    assert len(keys) == 8


def test_an_empty_cache_holds_nothing(spine: Spine, tmp_path: Any) -> None:
    """Until this run has made something."""
    cache = Cache(spine, Values(spine, open_objects(tmp_path / "objects")), pipeline="train")
    stored = kept(3).stored

    assert cache.get("key") is None
    assert cache.made("key") is None
    cache.put("key", stored, "execution")
    assert cache.made("key") == (stored, "execution")
