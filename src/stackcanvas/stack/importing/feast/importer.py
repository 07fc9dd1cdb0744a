"""From a registry of Feast into this project: `features.py`, and the rows of its file sources as data versions."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from stackcanvas.backends.files import unavailable
from stackcanvas.errors import BadInput, NotFound, StackCanvasError, Unavailable
from stackcanvas.features import FeatureService, FeatureView
from stackcanvas.metadata import Ref
from stackcanvas.pipelines import Definitions
from stackcanvas.stack.importing.feast.registry import Found, read_registry
from stackcanvas.stack.importing.feast.writing import MARK, Written, write
from stackcanvas.stack.importing.report import NEW, SAME, Advance, Imported, Tally

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_FILE, _OTHER = "features.py", "features_feast.py"
_ORIGIN = "feast:"


def import_feast(stack: Stack, place: str | Path, *, plan: bool = False, advance: Advance = lambda _: None) -> Imported:
    """Take over what a registry of Feast defines; see `Imports.feast`."""
    found = read_registry(place)
    tally = Tally(found.address, plan=plan, advance=advance)
    written = write(found.content, found.project)
    _check(written.text)
    target, known = _target(stack.root, written.text)
    for kind, name, why in written.told:
        if why:
            tally.leave(kind, name[:200], why)
        else:
            tally.count(kind, SAME if known else NEW)
    if plan:
        _sources(stack, found, written, tally)
    else:
        with stack.spine.record("import.feast", parameters={"source": found.address}) as recording:
            _sources(stack, found, written, tally)
            if not known:
                _put(target, written.text)
            with stack.spine.write() as tx:
                counts = {one.kind: one.new for one in tally.done().counts}
                stack.spine.audit.add(tx, "import.feast", recording.ref, {"from": found.address, **counts})
                recording.finish(tx)
    if not known:
        tally.wrote = target.name
    if target.name == _OTHER:
        tally.leave("file", _FILE, f"it is yours and stays as it is: add `from {target.stem} import *` to it")
    return tally.done()


def _check(text: str) -> None:
    """Load the text as the project will.

    Raises:
        BadInput: the definitions are none that can stand here.
    """
    with tempfile.TemporaryDirectory(prefix="stackcanvas-") as room:
        (Path(room) / _FILE).write_text(text, encoding="utf-8")
        definitions = Definitions(Path(room))
        try:
            definitions.find("features", FeatureView)
            definitions.find("features", FeatureService)
        finally:
            definitions.forget()


def _target(root: Path, text: str) -> tuple[Path, bool]:
    """The file to write, and whether it holds the text already."""
    for name in (_FILE, _OTHER):
        path = root / name
        there = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
        if there == text:
            return path, True
        if there is None or MARK in there.splitlines()[:5]:
            return path, False
    raise BadInput(
        f"{_FILE} and {_OTHER} are both yours", where=str(root), fix=f"Rename {_OTHER}, so that it can be written"
    )


def _put(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise unavailable(error, path) from error


def _sources(stack: Stack, found: Found, written: Written, tally: Tally) -> None:
    for name, source in sorted(written.sources.items()):
        try:
            _source(stack, found, name, source, tally)
        except Unavailable:
            raise
        except StackCanvasError as error:
            tally.leave("data version", name[:200], error.sentence())


def _source(stack: Stack, found: Found, name: str, source: Any, tally: Tally) -> None:
    """Commit the rows of a source, where they lie in files of the repository."""
    uri = source.file_options.uri
    if not uri:
        kind = source.class_type.rpartition(".")[2] or "another store"
        raise BadInput(f"its rows lie in {kind}", fix=f"Bring them with `stackcanvas data ingest {name} URL`")
    if urlsplit(uri).scheme not in {"", "file"}:
        raise BadInput(f"its rows lie at {uri[:200]}", fix=f"Bring them with `stackcanvas data ingest {name} URL`")
    path = (found.home / (unquote(urlsplit(uri).path) if uri.startswith("file:") else uri)).resolve()
    if not path.is_relative_to(found.home.resolve()):
        raise BadInput(
            "its file lies outside of the repository, and is not read unasked",
            where=str(path),
            fix=f"Bring it with `stackcanvas data commit {name} FILE`",
        )
    if not path.exists():
        raise NotFound("file of the source", str(path))
    try:
        versions = stack.data.log(Ref("data", name).name)
    except NotFound:
        versions = []
    if versions and not any(said.startswith(_ORIGIN) for one in versions for said in one.source):
        raise BadInput("a data set of that name is here already, and did not come from Feast")
    size_bytes = sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    if tally.plan:
        tally.count("data version", NEW)
        tally.carried(size_bytes)
        return
    made = stack.data.commit(
        name,
        path,
        message=f"rows of the source {name}",
        origin=f"{_ORIGIN}{found.project or 'registry'}:{path.relative_to(found.home.resolve())}",
        created=datetime.fromtimestamp(path.stat().st_mtime, UTC),
    )
    tally.count("data version", SAME if made.existed else NEW)
    tally.carried(0 if made.existed else size_bytes)
