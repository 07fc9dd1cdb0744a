from __future__ import annotations

import json
from pathlib import Path

from stackcanvas.errors import BadInput
from stackcanvas.pipelines.frames import caller, is_users, place, said, user_traceback


def raised(work: object) -> Exception:
    """What a call raises."""
    try:
        work()  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError


def test_a_traceback_shows_the_users_frames_only() -> None:
    """Neither the library's nor ours, but what was raised; causes too."""

    def inner() -> object:
        return json.loads("{")

    def outer() -> None:
        try:
            inner()
        except ValueError as error:
            raise BadInput("the file is no JSON") from error

    text = user_traceback(raised(outer))

    assert "in inner" in text
    assert "in outer" in text
    assert "json/" not in text
    assert "JSONDecodeError" in text
    assert "direct cause" in text
    assert text.endswith("BadInput: the file is no JSON.")


def test_inside_a_project_only_its_files_count() -> None:
    """Others are kept when none of them is the project's."""
    error = raised(lambda: 1 / 0)

    assert "test_frames" in user_traceback(error, root=Path(__file__).parent)
    assert "test_frames" in user_traceback(error, root=Path("/nowhere"))


def test_an_error_has_a_place_and_a_sentence() -> None:
    """A syntax error its own."""
    root = Path(__file__).parent
    error = raised(lambda: 1 / 0)

    assert str(place(error, root=root)).startswith("test_frames.py:")
    assert said(error) == "ZeroDivisionError: division by zero"
    assert said(BadInput("no", fix="Do")) == "no. Do."
    assert said(KeyError()) == "KeyError"
    assert place(raised(lambda: compile("x = (", "file.py", "exec"))) == "file.py:1:5"
    assert str(caller()).startswith(__file__)


def test_installed_packages_and_our_own_code_are_not_the_users() -> None:
    """Wherever they lie."""
    assert is_users(__file__)
    assert not is_users(json.__file__)
    assert not is_users(user_traceback.__code__.co_filename)
    assert not is_users("/project/.venv/lib/python3.11/site-packages/sklearn/base.py")
