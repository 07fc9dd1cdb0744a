"""Files that no version holds: what `data.ignore` in the project leaves out, in the words of `.gitignore`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from stackcanvas.errors import BadInput

NAME = "data.ignore"

_LEFT_OUT = (".stackcanvas", ".stackcanvas-writing", ".git")
_TOKEN = re.compile(r"\*\*/|/\*\*|\*|\?|\[[^\]/]+\]|.", re.DOTALL)
_MEANING = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}


class Ignored:
    """Tells which files and folders below a project no version takes in.

    The folders of git and of the stack itself are always among them.

    Args:
        root: the project's folder.
        lines: patterns: without a slash inside of a name anywhere, with one of a path from the project's folder;
            a slash at the end means folders only.

    Example:
        >>> ignored = Ignored(Path("/churn"), ["*.tmp", "/raw/old/"])
        >>> ignored.file("/churn/raw/a.tmp"), ignored.folder("/churn/raw/old"), ignored.file("/churn/raw/old")
        (True, True, False)
    """

    def __init__(self, root: Path, lines: Iterable[str] = ()) -> None:
        self._root = f"{root}/"
        patterns = [line.rstrip() for line in lines if line.strip() and not line.startswith("#")]
        self._files = _any(_regex(pattern) for pattern in patterns if not pattern.endswith("/"))
        self._folders = _any(_regex(pattern.rstrip("/")) for pattern in (*patterns, *_LEFT_OUT))

    @classmethod
    def of(cls, root: Path) -> Ignored:
        """What a project leaves out.

        Raises:
            BadInput: its `data.ignore` cannot be read.
        """
        path = root / NAME
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"the file cannot be read ({error})", where=str(path)) from error
        for number, line in enumerate(lines, 1):
            if line.startswith("!"):
                raise BadInput(
                    "a pattern cannot bring back what another leaves out",
                    where=f"{path}:{number}",
                    fix="Leave out less, or name the files in the commit: those are always taken",
                )
        return cls(root, lines)

    def file(self, path: str) -> bool:
        """Whether a file is left out, by its absolute path."""
        return self._files is not None and self._files.fullmatch(path.removeprefix(self._root)) is not None

    def folder(self, path: str) -> bool:
        """Whether a folder is left out with all below it."""
        return self._folders is not None and self._folders.fullmatch(path.removeprefix(self._root)) is not None


def _any(regexes: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(regexes)
    return re.compile(joined, re.DOTALL) if joined else None


def _regex(pattern: str) -> str:
    anywhere = "" if "/" in pattern else "(?:.*/)?"
    return anywhere + "".join(_meant(token) for token in _TOKEN.findall(pattern.removeprefix("/")))


def _meant(token: str) -> str:
    if len(token) > 1 and token.startswith("["):
        inside = token[1:-1].replace("\\", "\\\\")
        return f"[^{inside[1:]}]" if inside[0] in "!^" and len(inside) > 1 else f"[{inside}]"
    return _MEANING.get(token) or re.escape(token)
