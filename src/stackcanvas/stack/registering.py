"""A model that a client of MLflow has logged becomes a version: found by its address, copied, tied to its run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, unquote_plus, urlsplit

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.metadata import Ref
from stackcanvas.registry import VersionFolder

if TYPE_CHECKING:
    from stackcanvas.backends.objects import Objects
    from stackcanvas.experiments.facts import RunFacts
    from stackcanvas.registry import Folder, ModelVersion
    from stackcanvas.stack.stack import Stack

TRAINING = "stackcanvas.training"
"""The tag of a version, or of its run, that names the data version it was trained on."""

REGISTRY = "registry"
"""Below this folder of the artifact store clients find the files of versions, as they were registered."""

_PROMPT = "mlflow.prompt.is_prompt"
_PROMPT_SOURCES = frozenset({"dummy-source", "prompt-template"})
_PROXY = re.compile(r"/api/2\.0/mlflow-artifacts/artifacts/(.*)")
_PART = 8 * 1024 * 1024
_MODEL_ID = re.compile(r"m-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class _Source:
    """What an address stands for.

    Args:
        address: as it is kept.
        storage: where a client finds the files when they are not held here.
        folder: the files, where they are within reach.
        run: the id of the run that logged them.
    """

    address: str
    storage: str
    folder: Folder | None = None
    run: str | None = None


def register_logged(
    stack: Stack,
    name: str,
    source: str,
    *,
    key_of: Callable[[str], str],
    run_id: str | None = None,
    model_id: str | None = None,
    run_link: str | None = None,
    description: str | None = "",
    tags: Mapping[str, str] | None = None,
) -> ModelVersion:
    """Make a version of what lies at an address.

    Args:
        source: `runs:/ID/path`, `models:/m-ID`, `models:/NAME/3`, an address in the stack's artifact store, or one
            elsewhere, which becomes a mere pointer.
        key_of: which object, or folder of objects, a path below the artifact server means.
        run_id: the run that logged it.
        model_id: the logged model that it is.

    Raises:
        NotFound: the model, or what the address names, does not exist.
        BadInput: the address is a path on the server, or is not what the run or logged model holds.
        Refused: the canvas says no.
    """
    given, finder = tags or {}, _Finder(stack, key_of)
    found = _prompt(source) if is_prompt(given) else finder.find(source, run_id=run_id, model_id=model_id)
    run = Ref("run", run_id or found.run or "") if run_id or found.run else None
    return stack.registry.adopt(
        name,
        found.folder,
        source=found.address,
        storage=found.storage,
        run=run,
        training=_training(stack, None if run is None else finder.run(run.name), given),
        run_link=run_link,
        message=description,
        tags=given,
    )


def is_prompt(tags: Mapping[str, str]) -> bool:
    """Whether tags are those of a prompt.

    Example:
        >>> is_prompt({"mlflow.prompt.is_prompt": "True"}), is_prompt({})
        (True, False)
    """
    return tags.get(_PROMPT, "").lower() == "true"


def find_logged(stack: Stack, address: str) -> Folder | None:
    """The files that `runs:/ID/path`, `models:/m-ID` or `models:/NAME/3` stands for; None where they lie elsewhere.

    Raises:
        NotFound: there is no such model.
        BadInput: the address is none of these, or nothing that is here.
    """
    path = urlsplit(address).path.strip("/")
    head = path.partition("/")[0]
    is_run = urlsplit(address).scheme == "runs"
    finder = _Finder(stack, str)
    if not is_run and _MODEL_ID.fullmatch(head) and head != path:  # a folder of a logged model
        place, _ = finder.logged(head, address)
        return finder.below(place, path.removeprefix(f"{head}/"))
    return finder.find(address, run_id=head if is_run else None, model_id=None if is_run else path).folder


def address_of(version: ModelVersion) -> str:
    """Where a client finds the files of a version."""
    if version.is_held:
        return f"mlflow-artifacts:/{REGISTRY}/{quote(version.name, safe='')}/{version.number}"
    return version.storage or version.source or ""


@dataclass(frozen=True, slots=True)
class _StoredFolder:
    """A folder in the object store."""

    objects: Objects
    place: str

    def walk(self) -> Iterator[tuple[str, int]]:
        """Path and size of each file."""
        prefix = f"{self.place}/"
        return ((found.key.removeprefix(prefix), found.size_bytes) for found in self.objects.list(prefix))

    def parts(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, in parts."""
        at = 0
        while True:
            part = self.objects.get(f"{self.place}/{path}", start=at, length=_PART)
            yield part
            at += len(part)
            if len(part) < _PART:
                return


def _prompt(source: str) -> _Source:
    if source not in _PROMPT_SOURCES:
        raise BadInput(f"Invalid prompt source: {source!r}", expected=" or ".join(sorted(_PROMPT_SOURCES)))
    return _Source(source, source)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds what an address stands for.

    Args:
        key_of: which object, or folder of objects, a path below the artifact server means.
    """

    stack: Stack
    key_of: Callable[[str], str]
    _runs: dict[str, RunFacts | None] = field(default_factory=dict)

    def find(self, source: str, *, run_id: str | None, model_id: str | None) -> _Source:
        """What an address stands for, where the run or the logged model that is named holds it."""
        try:
            address = urlsplit(source)
        except ValueError as error:
            raise BadInput(f"Invalid model version source: {source!r:.300}. {error}") from None
        if _is_local(address):
            return self._on_disk(source, run_id=run_id, model_id=model_id)
        _check_path(source)
        if address.scheme == "models":
            return self._model(source, address.path.strip("/"), run_id=run_id, model_id=model_id)
        if address.scheme == "runs":
            found_run, _, path = address.path.strip("/").partition("/")
            place = self._run_place(found_run)
            # What lies with a run of elsewhere is a mere pointer, and older clients name any run beside it.
            if address.netloc or model_id or not run_id or (place and found_run != run_id):
                raise _not_of(source, "model_id" if model_id else "run_id")
            return _Source(source, source, self.below(place, path) if place else None, found_run)
        inside = self._inside(source)
        if inside is None:
            return self._elsewhere(source, model_id)
        root, run = self._root(source, run_id=run_id, model_id=model_id)
        if root is None or not f"{inside}/".startswith(f"{root}/"):
            raise _not_of(source, "model_id" if model_id else "run_id")
        return _Source(source, source, _StoredFolder(self.stack.objects, inside), run)

    def _root(self, source: str, *, run_id: str | None, model_id: str | None) -> tuple[str | None, str | None]:
        """The place of the run or of the logged model that is named, and the run."""
        if model_id:
            place, run = self.logged(model_id, source)
            return self._key(place), run
        place_of_run = self._run_place(run_id) if run_id else None
        return (self._key(place_of_run) if place_of_run else None), run_id

    def _model(self, source: str, name: str, *, run_id: str | None, model_id: str | None) -> _Source:
        """A logged model by its id, or another registered version, pinned."""
        if _MODEL_ID.fullmatch(name):
            if name != model_id:
                raise _not_of(source, "model_id")
            place, run = self.logged(name, source)
            return _Source(source, place, self.below(place, ""), run)
        head, at, selector = name.rpartition("@")
        if not at:
            head, _, selector = name.partition("/")
        if not head or not selector:
            raise _not_of(source, "model_id")
        if urlsplit(source).netloc:
            raise BadInput(
                f"Invalid model version source: {source!r}. Registered model sources must use the active model registry"
            )
        registry = self.stack.registry
        their, picked = unquote(head), unquote(selector)
        if is_prompt(registry.model(their).tags):
            raise BadInput(
                f"Invalid model version source: {source!r}. Prompt versions cannot be used as model version sources"
            )
        version = registry.aliased(their, picked) if at else registry.get(Ref("model", their, picked))
        if version is None:
            raise BadInput(f"Registered model alias {picked} not found")
        theirs = version.run.name if version.run is not None else ""
        if model_id or (run_id is not None and run_id != theirs):
            raise BadInput(
                f"Invalid model version source: {source!r}. The run_id and model_id request parameters must match the "
                "referenced model version"
            )
        folder = VersionFolder(version, registry.file) if version.is_held else None
        address = f"models:/{version.name}/{version.number}"
        return _Source(address, address_of(version), folder, theirs or None)

    def logged(self, model_id: str, source: str) -> tuple[str, str | None]:
        """Where the files of a logged model lie, and the run that made it."""
        try:
            found = self.stack.experiments.models.get(model_id)
        except NotFound:
            raise _not_of(source, "model_id") from None
        return found.artifact_location, found.source_run

    def run(self, run_id: str) -> RunFacts | None:
        """A run as it is recorded here, None where it is not; read once."""
        if run_id not in self._runs:
            try:
                self._runs[run_id] = self.stack.experiments.tracking.get(run_id)
            except NotFound:
                self._runs[run_id] = None
        return self._runs[run_id]

    def _run_place(self, run_id: str) -> str | None:
        found = self.run(run_id)
        return None if found is None else found.artifact_location

    def below(self, place: str, path: str) -> Folder | None:
        """The folder below a place, where the stack itself keeps it."""
        inside = self._key(place)
        if inside is None:
            return None
        return _StoredFolder(self.stack.objects, "/".join(part for part in (inside, path.strip("/")) if part))

    def _key(self, place: str) -> str | None:
        """The key of a place of a run or a logged model; its own place is one already."""
        return self._inside(place) if ":" in place else place.strip("/")

    def _inside(self, address: str) -> str | None:
        """The key in the stack's own store that an address of its artifact server means."""
        found = urlsplit(address)
        if found.scheme == "mlflow-artifacts":
            return self.key_of(unquote(found.path).strip("/"))
        proxied = _PROXY.search(found.path) if found.scheme in {"http", "https"} else None
        return self.key_of(unquote(proxied[1]).strip("/")) if proxied else None

    def _on_disk(self, source: str, *, run_id: str | None, model_id: str | None) -> _Source:
        """A path on the clients' disk, where they keep the files of the run or logged model; nothing is opened here."""
        place, run = self._run_place(run_id) if run_id else None, run_id
        if model_id:
            place, run = self.logged(model_id, source)
        root, path = (_disk_path(one) if one else None for one in (place, source))
        if root is None or path is None or not f"{path}/".startswith(f"{root.rstrip('/')}/"):
            named = "model_id" if model_id else "run_id"
            raise BadInput(
                f"Invalid model version source: {source!r}. To use a local path as a model version source, the {named} "
                "request parameter has to be specified and the local path has to be contained within the artifact "
                f"directory of the run specified by the {named}"
            )
        return _Source(source, source, None, run)

    def _elsewhere(self, source: str, model_id: str | None) -> _Source:
        """A place that is not ours."""
        run = self.logged(model_id, source)[1] if model_id else None
        return _Source(source, source, None, run)


def _is_local(address: SplitResult) -> bool:
    """Whether an address is a path on a disk; one letter before a colon is a drive."""
    is_web = address.scheme in {"http", "https"}
    is_here = not is_web and address.hostname in {"localhost", "127.0.0.1"}
    return len(address.scheme) < 2 or address.scheme == "file" or is_here


def _disk_path(source: str) -> str | None:
    """The whole path that a local address means; None where it is none."""
    address = urlsplit(source)
    path = unquote(address.path) if address.scheme == "file" else source
    if address.scheme not in {"", "file"} or address.netloc or not path.startswith("/") or "\0" in path:
        return None
    return posixpath.normpath(path)


def _check_path(source: str) -> None:
    """Refuse an address that climbs out of where it begins, or has no path from a root."""
    clear = source
    while (plainer := unquote_plus(clear)) != clear:
        clear = plainer
    path = urlsplit(clear).path
    if "\0" in clear or ".." in clear.split("/") or "." in path.split("/") or not path.rstrip("/").startswith("/"):
        raise BadInput(
            f"Invalid model version source: {source[:200]!r}. If supplying a source as an http, https, local file "
            "path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path "
            "references present. Please provide an absolute path"
        )


def _not_of(source: str, parameter: str) -> BadInput:
    return BadInput(
        f"Invalid model version source: {source!r}. The {parameter} request parameter must identify the resource that "
        "contains the source"
    )


def _training(stack: Stack, run: RunFacts | None, tags: Mapping[str, str]) -> Ref | None:
    """The data version that a model was trained on: as a tag says it, or the one data version that its run read."""
    if TRAINING in tags:
        return _pinned(stack, tags[TRAINING])
    if run is None:
        return None
    said = {key: value for _, key, value in run.tags}
    if TRAINING in said:
        return _pinned(stack, said[TRAINING])
    read = [one.source for one in run.inputs if one.source.startswith("data:")]
    pinned = [ref for ref in map(Ref.parse, read) if ref.number is not None]
    return pinned[0] if len(set(pinned)) == 1 else None


def _pinned(stack: Stack, text: str) -> Ref:
    ref = Ref.parse(text, kind="data")
    return ref if ref.number is not None else Ref("data", ref.name, str(stack.data.get(ref).number))
