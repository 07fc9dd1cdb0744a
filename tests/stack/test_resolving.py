"""Whether packages fit together, asked of the real resolver over packages made for the test."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from stackcanvas.errors import Unavailable
from stackcanvas.stack.resolving import clash, resolve


def wheel(folder: Path, name: str, version: str, *needs: str) -> None:
    """A package that holds nothing but its name and its needs."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        lines = "".join(f"Requires-Dist: {need}\n" for need in needs)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{lines}")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Packages of which some clash."""
    for version in ("3.0", "4.0", "5.0"):
        wheel(tmp_path, "wire", version)
    wheel(tmp_path, "tracker", "2.0", "wire>=4")
    wheel(tmp_path, "trainer", "1.6", "wire>=3,<4")
    wheel(tmp_path, "trainer", "0.1")
    wheel(tmp_path, "server", "1.0", "wire")
    wheel(tmp_path, "broken", "1.0", "nowhere>=1")
    return tmp_path


def test_packages_that_fit(index: Path) -> None:
    """The number of packages, and no clash."""
    found = resolve({"Tracker": ["tracker>=2.0"], "Server": ["server"]}, folder=index)

    assert found.fits
    assert found.packages == 3
    assert found.clash == ()


def test_the_two_that_clash_are_named_with_their_requirements(index: Path) -> None:
    """Of three tools two clash over one package; the third is not accused."""
    wanted = {"Server": ["server"], "Tracker": ["tracker>=2.0"], "Trainer": ["trainer>=1.6"]}
    found = resolve(wanted, folder=index)

    assert not found.fits
    assert set(found.clash) == {"Tracker", "Trainer"}
    assert found.between is not None
    assert {one.what for one in found.between} == {"wire"}
    assert {one.who for one in found.between} == {"tracker", "trainer>=1.6"}


def test_without_a_bound_a_resolver_would_go_back_for_years(index: Path) -> None:
    """The old release would fit: that is why the current one is asked for."""
    assert resolve({"Tracker": ["tracker"], "Trainer": ["trainer"]}, folder=index).fits


def test_what_does_not_even_stand_alone_is_set_apart(index: Path) -> None:
    """A tool that is broken by itself is no clash with another."""
    found = resolve({"Broken": ["broken"], "Server": ["server"], "Tracker": ["tracker"]}, folder=index)

    assert list(found.alone) == ["Broken"]
    assert found.clash == ()
    assert not found.fits


def test_a_requirement_of_the_choice_itself_goes_by_its_tool(index: Path) -> None:
    """Where one side of the clash is asked for directly, the tool that asks is named."""
    found = resolve({"Old": ["wire<4"], "Tracker": ["tracker>=2.0"]}, folder=index)

    assert found.between is not None
    assert {one.who.split("=")[0].split(">")[0] for one in found.between} == {"tracker", "Old"}


def test_words_that_cannot_be_read_are_left_as_they_are() -> None:
    """No guess is made of an explanation of another form."""
    assert clash("The moon is in the wrong phase.") is None
    assert clash("Because a>=1 depends on c<3 and a>=1 depends on d, we conclude nothing.") is None


def test_without_uv_there_is_a_way_out(monkeypatch: pytest.MonkeyPatch, index: Path) -> None:
    """Nothing on the path, nothing installed: the command that mends it."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(Unavailable, match="pip install uv"):
        resolve({"Server": ["server"]}, folder=index)
