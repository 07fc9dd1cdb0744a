"""Tokens are checked by their text, kept as digests, and end when they expire or are revoked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from stackcanvas.clock import ManualClock
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.metadata import Actor, Spine, acting
from stackcanvas.metadata.tables import token
from stackcanvas.metadata.tokens import ROLES, Tokens


def test_a_token_is_known_by_its_text_alone(spine: Spine) -> None:
    """Its text is nowhere in the database."""
    text = Tokens(spine).add("ada", role="writer")

    found = Tokens(spine).check(text)

    assert found is not None
    assert (found.name, found.role, found.creator) == ("ada", "writer", "ada")
    with spine.read() as connection:
        assert text not in repr(connection.execute(select(token)).all())
    assert Tokens(spine).check("sc_other") is None
    assert Tokens(spine).check(text + " ") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(text=st.text(max_size=60))
def test_no_other_text_is_one(spine: Spine, text: str) -> None:
    """Whatever it holds."""
    assert Tokens(spine).check(text) is None


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_the_ones_before_it_may(spine: Spine, role: str) -> None:
    """And no more."""
    found = Tokens(spine).check(Tokens(spine).add("ada", role=role))

    assert found is not None
    assert [one for one in ROLES if found.may(one)] == list(ROLES[: ROLES.index(role) + 1])


def test_it_ends(spine: Spine, clock: ManualClock) -> None:
    """At its time, or at once when it is revoked; both stay as records."""
    short = Tokens(spine).add("short", role="reader", lasts=timedelta(days=1))
    long = Tokens(spine).add("long", role="reader")
    clock.advance(seconds_s=24 * 3600)

    assert Tokens(spine).check(short) is None
    assert Tokens(spine).check(long) is not None
    assert Tokens(spine).revoke("long").revoked == clock.now()
    assert Tokens(spine).check(long) is None
    assert [one.name for one in Tokens(spine).ls()] == ["long", "short"]


def test_a_name_is_given_once(spine: Spine) -> None:
    """A name in old records must not become another person's."""
    Tokens(spine).add("ada", role="reader")
    Tokens(spine).revoke("ada")

    with pytest.raises(Conflict):
        Tokens(spine).add("ada", role="admin")


@pytest.mark.parametrize("name", ["", " ada", "a b", "ä", "x" * 101, "-x", "a/b", "a\n"])
def test_names_that_cannot_be(spine: Spine, name: str) -> None:
    """Nothing is made."""
    with pytest.raises(BadInput):
        Tokens(spine).add(name, role="reader")
    with pytest.raises(NotFound):
        Tokens(spine).revoke(name)
    assert Tokens(spine).ls() == []


def test_roles_that_are_none(spine: Spine) -> None:
    """The nearest is named."""
    with pytest.raises(BadInput, match="writer"):
        Tokens(spine).add("ada", role="writter")


def test_what_is_done_names_who_asked(make_spine: Callable[..., Spine]) -> None:
    """In executions, events and the audit log, only within the block of code."""
    spine = make_spine("process", verified=False)
    with acting(Actor("ada", verified=True)):
        Tokens(spine).add("bob", role="reader")
    with spine.record("test.after"):
        pass

    last, first = spine.executions.search(limit=2)
    assert (first.actor, last.actor) == ("ada", "process")
    assert [(one.actor, one.verified) for one in spine.audit.entries()] == [("ada", True)]
