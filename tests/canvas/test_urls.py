"""Addresses are checked by scheme, filled on demand, and never show a password."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.canvas import Url, loads
from stackcanvas.canvas.urls import EXAMPLES, ROLES
from stackcanvas.errors import BadInput, BadInputs

SECRET = "geheim"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://stack:{SECRET}@db:5432/stack?schema=main",
        f"postgresql://stack:{SECRET}@db",
        f"postgresql://stack:a/{SECRET}@db/stack",
        f"postgresql://stack:a@{SECRET}@db/stack",
        f"postgresql://db/stack?user=x&password={SECRET}",
        f"postgresql://db/stack?sslkey={SECRET}&x=1",
    ],
)
def test_no_print_of_an_address_shows_its_password(text: str) -> None:
    """Neither str nor repr nor an f-string holds it; a copy and a pickled one neither."""
    url = Url(text, role="database")

    for one in (url, copy.deepcopy(url), pickle.loads(pickle.dumps(url))):  # noqa: S301 - our own bytes
        assert SECRET not in f"{one} {one!r} {[one]}"
        assert one.text == text


def test_a_token_before_the_host_is_hidden() -> None:
    """Web addresses carry tokens where others carry a user."""
    assert str(Url(f"https://{SECRET}@example.org/x", role="web")) == "https://***@example.org/x"
    assert str(Url(f"https://hooks.example.org/?token={SECRET}", role="web")) == "https://hooks.example.org/?token=***"


def test_a_harmless_address_is_shown_whole() -> None:
    """Nothing is hidden that is not a secret."""
    for role, text in EXAMPLES.items():
        if "@" not in text:
            assert str(Url(text, role=role)) == text


def test_the_environment_fills_an_address_on_demand() -> None:
    """Names stand in the canvas, values do not."""
    url = Url("postgresql://${USER_NAME}:${PASSWORD}@db/${USER_NAME}", role="database")

    assert url.variables == ("USER_NAME", "PASSWORD")
    assert url.resolve({"USER_NAME": "ada", "PASSWORD": SECRET}) == f"postgresql://ada:{SECRET}@db/ada"


def test_a_missing_name_is_told() -> None:
    """The error names the variable and the place, and how to set it."""
    with pytest.raises(BadInput) as refused:
        Url("${STACK_URL}", role="database").resolve({}, where="canvas.yaml:3:5")

    assert str(refused.value) == "canvas.yaml:3:5: the environment has no STACK_URL. Run: export STACK_URL=...."


def test_a_wrong_value_from_the_environment_is_not_shown() -> None:
    """The value may be the secret itself."""
    with pytest.raises(BadInput) as refused:
        Url("${STACK_URL}", role="database").resolve({"STACK_URL": f"mysql://x:{SECRET}@h"})

    assert SECRET not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert "STACK_URL" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("", "web"),
        (" https://x", "web"),
        ("https:x", "web"),
        ("ftp://x", "web"),
        ("x", "web"),
        ("postgresql:/u:p@h", "database"),
        ("postgres://h", "database"),
        ("https://${", "web"),
        ("https://${1X}", "web"),
        ("https://x\n", "web"),
        ("https://" + "x" * 3000, "web"),
    ],
)
def test_what_is_no_such_address_is_refused(text: str, role: str) -> None:
    """The expected schemes are told."""
    with pytest.raises(BadInput) as refused:
        Url(text, role=role)
    assert refused.value.expected


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (".stackcanvas/objects", ".stackcanvas/objects"),
        ("file:data/raw", "data/raw"),
        ("file:///srv/my%20data", "/srv/my data"),
        ("/srv/objects", "/srv/objects"),
        ("s3://bucket/x", None),
        ("${OBJECTS}", None),
    ],
)
def test_the_path_of_a_file(text: str, path: str | None) -> None:
    """A bare path is a file; other stores have none."""
    assert Url(text, role="objects").path == path


def test_every_role_has_schemes_and_an_example() -> None:
    """The tables agree."""
    assert ROLES.keys() == EXAMPLES.keys()
    for role, text in EXAMPLES.items():
        assert Url(text, role=role).scheme in ROLES[role]


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    """No text makes the reader fail in another way, and what is accepted can be printed."""
    for role in ROLES:
        try:
            url = Url(text, role=role)
        except BadInput:
            continue
        assert isinstance(str(url), str)


def test_a_canvas_never_shows_a_password() -> None:
    """Not in its print, its plain form, its answers, its errors."""
    text = f"stackcanvas: 1\nproject: {{name: x}}\nmetadata: {{store: {{url: 'postgresql://u:{SECRET}@h/db'}}}}\n"
    canvas = loads(text)

    effective = canvas.effective()
    assert SECRET not in f"{canvas!r}{canvas.to_dict()}{canvas.answers!r}{canvas.digest}"
    assert SECRET not in f"{effective!r}{effective.get('metadata.store')}{effective.answers.model_dump_json()}"
    with pytest.raises(BadInputs) as wrong:
        loads(text.replace("postgresql", "postgres"))
    assert SECRET not in f"{wrong.value!r}{wrong.value.to_dict()}"
