"""Requests are decoded as protobuf's JSON is, and wrong ones name the field."""

from __future__ import annotations

from typing import ClassVar

import msgspec
import pytest

from stackcanvas.rest.mlflow.errors import MlflowError
from stackcanvas.rest.mlflow.messages import Int64, Message, Pair, from_body, from_query


class Asked(Message):
    """A message with a field of each kind."""

    needed: ClassVar[tuple[str, ...]] = ("name",)
    name: str = ""
    count: Int64 | None = None
    value: float | None = None
    flag: bool = False
    many: list[str] = msgspec.field(default_factory=list)
    pairs: list[Pair] = msgspec.field(default_factory=list)
    place: str = ""


def test_numbers_come_as_numbers_or_as_text() -> None:
    """int64 is text in protobuf's JSON, and plain clients send numbers."""
    for body in (b'{"name":"a","count":7,"value":1.5}', b'{"name":"a","count":"7","value":"1.5"}'):
        found = from_body(Asked, body, path={})
        assert (found.count, found.value) == (7, 1.5)


@pytest.mark.parametrize("said", [b'"NaN"', b"NaN"])
def test_nan_comes_as_text_or_as_a_word(said: bytes) -> None:
    """Both forms are sent by clients."""
    found = from_body(Asked, b'{"name":"a","value":' + said + b"}", path={})
    assert found.value != found.value


def test_unknown_fields_and_nulls_are_left_out() -> None:
    """Newer clients send more than we know."""
    found = from_body(Asked, b'{"name":"a","new":{"x":[1]},"count":null,"pairs":[{"key":"k","value":null}]}', path={})
    assert found.count is None
    assert found.pairs == [Pair("k", "")]


def test_a_body_encoded_twice_is_read() -> None:
    """Some old clients send their JSON as a JSON string."""
    assert from_body(Asked, msgspec.json.encode('{"name": "a"}'), path={}).name == "a"


def test_a_query_repeats_the_names_of_lists() -> None:
    """A list in a query is its key several times, or once."""
    found = from_query(Asked, b"name=a%20b&many=x&many=y&count=3&flag=true", path={"place": "p"})
    assert (found.name, found.many, found.count, found.flag, found.place) == ("a b", ["x", "y"], 3, True, "p")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{}", "required parameter 'name'"),
        (b'{"name":""}', "required parameter 'name'"),
        (b'{"name":5}', "parameter 'name'"),
        (b'{"name":"a","count":"x"}', "parameter 'count'"),
        (b'{"name":"a","count":9223372036854775808}', "parameter 'count'"),
        (b'{"name":"a","pairs":[{"key":"k"},{"key":7}]}', "parameter 'pairs[1].key'"),
        (b"[1]", "not a JSON object"),
        (b'{"name":', "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"x":' + b"[" * 100_000, "not JSON"),
    ],
)
def test_a_wrong_body_is_refused(body: bytes, named: str) -> None:
    """The answer says which field is wrong."""
    with pytest.raises(MlflowError) as told:
        from_body(Asked, body, path={})
    assert named in str(told.value)
    assert told.value.status == 400
