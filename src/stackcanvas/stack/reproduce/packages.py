"""The environment of a run, made again from its lock: by uv where there is one, by pip otherwise."""

from __future__ import annotations

import fcntl
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from stackcanvas.errors import Unavailable
from stackcanvas.experiments import Environment

_HERE = "Use the environment of this process: --here"


def python_of(recorded: Environment, folder: Path, *, tell: Callable[[str], None]) -> Path:
    """The interpreter of an environment with the recorded packages, made at the first use.

    Args:
        folder: where environments lie, each under its digest.
        tell: is told what takes long.

    Raises:
        Unavailable: a package or the version of Python cannot be had.
    """
    place = folder / recorded.digest[:16]
    python, ready = place / "bin" / "python", place / "ready"
    folder.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # another process may be at it
        if not (ready.exists() and python.exists()):
            _make(recorded, place, python, tell)
            ready.touch()
    return python


def _make(recorded: Environment, place: Path, python: Path, tell: Callable[[str], None]) -> None:
    if recorded.lock is None:
        raise Unavailable("the run recorded no lock of its packages", fix=_HERE)
    uv = _uv()
    if uv is None and _minor(recorded.python) != _minor(platform.python_version()):
        said = f"the run used Python {recorded.python}, this is {platform.python_version()}"
        raise Unavailable(said, fix=f"Install uv, which brings other versions of Python. {_HERE}")
    tell(f"Making an environment of Python {_minor(recorded.python)} and {len(recorded.packages)} packages")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    wanted = place / "requirements.txt"
    if uv is not None:
        wanted.write_text(recorded.lock, encoding="utf-8")
        _call([uv, "venv", "--quiet", "--allow-existing", "--python", _minor(recorded.python), str(place)], place)
        _call(
            [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), "--requirements", str(wanted)],
            place,
        )
    else:
        wanted.write_text(for_pip(recorded.lock), encoding="utf-8")
        _call([sys.executable, "-m", "venv", str(place)], place)
        install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        _call([*install, "--requirement", str(wanted)], place)


def for_pip(lock: str) -> str:
    r"""A lock as pip reads it: once one line has a hash it wants them on all, so then they are left out.

    Example:
        >>> for_pip("a==1 --hash=sha256:00\nb==2\n")
        'a==1\nb==2\n'
    """
    lines = lock.splitlines()
    if all("--hash=" in line for line in lines):
        return lock
    return "".join(f"{line.partition(' --hash=')[0]}\n" for line in lines)


def _uv() -> str | None:
    found = shutil.which("uv")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, check=False)
    return found if said.returncode == 0 else None


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _call(command: list[str], place: Path) -> None:
    said = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    if said.returncode != 0:
        lines = [line.strip() for line in (said.stderr or said.stdout).splitlines() if line.strip()]
        # The first says what was wanted, the last why it could not be had.
        reason = " ".join([*lines[:1], *lines[1:][-2:]]) or f"it ended with {said.returncode}"
        name = "uv" if "uv" in Path(command[0]).name else "pip"
        raise Unavailable(f"{name} cannot make the environment: {reason}", where=str(place), fix=_HERE)
