"""The user's code: `pipelines.py` and `features.py`, or packages of these names, beside `canvas.yaml`.

They are loaded under a name that carries the project, so that two projects in one process do not mix, with the
project's folder on the path, so that they can import their neighbours. What they define is found in their globals.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from blake3 import blake3

from stackcanvas.errors import BadInput, NotFound, StackCanvasError
from stackcanvas.pipelines.frames import is_users, place, said, user_traceback
from stackcanvas.pipelines.pipeline import Pipeline

_PREFIX = "stackcanvas_project_"
_LOCK = threading.RLock()

T = TypeVar("T")


@dataclass(slots=True)
class _Files:
    """What is known of the files of one folder.

    Args:
        before: the modules that were there before the first of the folder was loaded.
        stamps: the files that were loaded, as they were then.
    """

    before: frozenset[str] | None = None
    stamps: dict[str, tuple[int, int] | None] = field(default_factory=dict)


_FILES: dict[tuple[str, str], _Files] = {}


class Definitions:
    """What the user's code defines; read when first asked for, and again when a file has changed.

    Args:
        root: the folder of the code.
        identity: the folder of the project, where the code lies elsewhere, as in a work tree of an older commit;
            objects that were pickled in one are read in the other.
    """

    def __init__(self, root: Path, *, identity: Path | None = None) -> None:
        self.root = root.resolve()
        self.identity = (identity or root).resolve()
        self.package = _PREFIX + blake3(str(self.identity).encode()).hexdigest(length=6)
        # Modules belong to the process: all that look at one folder share what is known of its files.
        self._files = _FILES.setdefault((self.package, str(self.root)), _Files())

    def pipelines(self) -> dict[str, Pipeline[..., Any]]:
        """The pipelines of `pipelines.py`, by name.

        Raises:
            BadInput: the code cannot be loaded, or two pipelines have one name.
        """
        found: dict[str, Pipeline[..., Any]] = {}
        for defined in self.find("pipelines", Pipeline):
            other = found.setdefault(defined.name, defined)
            if other is not defined:
                raise BadInput(
                    f"two pipelines are called {defined.name!r}",
                    where=defined.where,
                    fix=f"Name one of them: @sc.pipeline(name=...); the other stands at {other.where}",
                )
        return found

    def pipeline(self, name: str) -> Pipeline[..., Any]:
        """One pipeline.

        Raises:
            NotFound: there is none of that name.
            BadInput: the code cannot be loaded.
        """
        known = self.pipelines()
        if name not in known:
            fix = None if known else f"Write one in {self.root / 'pipelines.py'}: a function with @sc.pipeline"
            if self.root != self.identity:
                fix = "Commit it: queued runs execute the last commit, not the files that somebody edits"
            raise NotFound("pipeline", name, known=known, fix=fix)
        return known[name]

    def find(self, room: str, kind: type[T]) -> list[T]:
        """Everything of a type that the globals of a module hold, once each, in the order of the file.

        Args:
            room: `pipelines` or `features`; one that does not exist holds nothing.
        """
        module = self.module(room)
        if module is None:
            return []
        found = [value for value in vars(module).values() if isinstance(value, kind)]
        return list({id(value): value for value in found}.values())

    def has(self, room: str) -> bool:
        """Whether there is a module of a name, whatever is in it."""
        return self._file(room).is_file()

    def module(self, room: str) -> ModuleType | None:
        """The loaded module, None when the project has none of that name.

        Raises:
            BadInput: a syntax error, or an error while it was imported; with file, line and the user's frames.
        """
        with _LOCK:
            if self._is_stale():
                self.forget()
            name = f"{self.package}.{room}"
            loaded = sys.modules.get(name)
            return loaded if loaded is not None and self._lies_here(loaded) else self._load(room, name)

    def forget(self) -> None:
        """Drop what was loaded from the project's folder, so that it is read again."""
        with _LOCK:
            for name in self._loaded():
                del sys.modules[name]
            self._files.stamps.clear()
            importlib.invalidate_caches()

    def rename(self, module: str) -> str:
        """The module of today for one that a pickle names: the project may lie in another folder now."""
        head, dot, rest = module.partition(".")
        return f"{self.package}.{rest}" if dot and head.startswith(_PREFIX) else module

    def _file(self, room: str) -> Path:
        module = self.root / f"{room}.py"
        return module if module.is_file() else self.root / room / "__init__.py"

    def _load(self, room: str, name: str) -> ModuleType | None:
        path = self._file(room)
        if not path.is_file():
            return None
        if self._files.before is None:
            self._files.before = frozenset(sys.modules)
        # Read by libraries such as scikit-learn when the user's code imports them: otherwise threads that wait for each
        # other spin, and on cores that others use, too, a fit takes ten times as long.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        folders = [str(path.parent)] if path.name == "__init__.py" else None
        spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
        if spec is None or spec.loader is None:
            raise BadInput("the file cannot be loaded as Python", where=str(path))
        parent = sys.modules.setdefault(self.package, ModuleType(self.package))
        parent.__path__ = []
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            self.forget()
            if isinstance(error, Exception):
                raise self._cannot_load(path, error) from error
            raise
        self._files.stamps = self._read_stamps()
        return module

    def _cannot_load(self, path: Path, error: Exception) -> BadInput:
        if isinstance(error, StackCanvasError):
            what = error.sentence().rstrip(".")
        elif isinstance(error, SyntaxError):
            what = f"the file is no valid Python: {error.msg}"
        else:
            what = f"the file failed while it was imported: {said(error)}"
        refused = BadInput(what, where=place(error, root=self.root) or path.name)
        refused.add_note(user_traceback(error, root=self.root))
        return refused

    def _loaded(self) -> list[str]:
        """The modules of the project that were imported since the first of them was loaded here."""
        before = self._files.before or frozenset()
        found = [(name, module) for name, module in list(sys.modules.items()) if name not in before]
        return [name for name, module in found if self._lies_here(module)]

    def _lies_here(self, module: ModuleType) -> bool:
        path = getattr(module, "__file__", None)
        return path is not None and path.startswith(f"{self.root}/") and is_users(path)

    def _is_stale(self) -> bool:
        return any(_stamp(path) != stamp for path, stamp in self._files.stamps.items())

    def _read_stamps(self) -> dict[str, tuple[int, int] | None]:
        paths = [str(sys.modules[name].__file__) for name in self._loaded()]
        return {path: _stamp(path) for path in paths}


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        facts = Path(path).stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size
