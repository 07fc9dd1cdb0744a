"""Libraries that load when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stackcanvas.late import late


def test_a_library_is_imported_when_something_of_it_is_used_and_not_before() -> None:
    """The name alone costs nothing."""
    code = (
        "import sys; from stackcanvas.late import late; one = late('colorsys'); "
        "before = 'colorsys' in sys.modules; one.rgb_to_hsv; print(before, 'colorsys' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "False True"


def test_what_it_gives_is_the_library_s_own() -> None:
    """Classes are the same objects, so that `isinstance` holds."""
    import fractions

    assert late("fractions").Fraction is fractions.Fraction


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="nothing"):
        late("fractions").nothing  # noqa: B018 - asking is the point


def test_a_library_that_is_not_there_says_so_when_it_is_used() -> None:
    """As an import would."""
    absent = late("stackcanvas_absent_library")

    with pytest.raises(ModuleNotFoundError, match="stackcanvas_absent_library"):
        absent.something  # noqa: B018 - asking is the point
