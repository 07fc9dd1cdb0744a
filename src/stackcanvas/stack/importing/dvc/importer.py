"""From a repository of DVC into this stack: each commit that changed a content makes a version of its data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.backends.files import Scratch
from stackcanvas.data.tag import check_tag
from stackcanvas.errors import BadInput, Conflict, NotFound, StackCanvasError, Unavailable
from stackcanvas.foundations import Git
from stackcanvas.foundations.git import Commit
from stackcanvas.metadata import Ref
from stackcanvas.stack.importing.dvc.cache import Cache
from stackcanvas.stack.importing.dvc.outs import Out, is_dvc, outs_of
from stackcanvas.stack.importing.report import NEW, SAME, Advance, Imported, Tally

if TYPE_CHECKING:
    from stackcanvas.data import DataVersion
    from stackcanvas.stack.stack import Stack

_PATTERNS = (":(glob)**/*.dvc", ":(glob)**/dvc.lock")
_ORIGIN = "dvc:"


def import_dvc(
    stack: Stack,
    place: str | Path,
    *,
    revisions: Sequence[str] = (),
    remote: str | None = None,
    plan: bool = False,
    advance: Advance = lambda _: None,
) -> Imported:
    """Take over the versions of a repository of DVC; see `Imports.dvc`."""
    root = Path(place).absolute()
    if not (root / ".dvc").is_dir():
        raise BadInput("the folder is no repository of DVC", where=str(root), expected="the folder that holds .dvc")
    tally = Tally(str(root), plan=plan, advance=advance)
    job = _Import(stack, root, tally, Cache(root, remote))
    commits = job.commits(revisions)
    if plan:
        job.run(commits)
        return tally.done()
    with stack.spine.record("import.dvc", parameters={"source": str(root)}) as recording:
        job.run(commits)
        with stack.spine.write() as tx:
            counts = {one.kind: one.new for one in tally.done().counts}
            stack.spine.audit.add(tx, "import.dvc", recording.ref, {"from": str(root), **counts})
            recording.finish(tx)
    return tally.done()


class _Import:
    """One import; a version and the tag that names its commit are written together, so nothing comes twice."""

    def __init__(self, stack: Stack, root: Path, tally: Tally, cache: Cache) -> None:
        self._stack = stack
        self._root = root
        self._tally = tally
        self._cache = cache
        self._git = Git(root)
        self._scratch = Scratch(stack.folder / "importing")
        self._blobs: dict[tuple[str, str], list[Out]] = {}
        self._foreign: dict[str, bool] = {}

    def commits(self, revisions: Sequence[str]) -> list[Commit]:
        """The commits that changed what DVC keeps, the oldest first."""
        found: dict[str, Commit] = {}
        for revision in revisions or ("HEAD",):
            found |= {one.digest: one for one in self._git.history(_PATTERNS, revision=revision)}
        return list(found.values())

    def run(self, commits: Sequence[Commit]) -> None:
        """Every version, then the tags of git."""
        for name, why in self._cache.problems:
            self._tally.leave("remote", name, why)
        last: dict[str, str] = {}
        made: dict[tuple[str, str], str] = {}
        for commit in commits:
            for out in self._outs(commit.digest):
                if last.get(out.path) == out.md5:
                    continue
                last[out.path] = out.md5
                if self._version(commit, out):
                    made[out.path, out.md5] = _tag_of(commit)
        if not self._tally.plan:
            self._tags(made)

    def _outs(self, digest: str) -> list[Out]:
        found: list[Out] = []
        for path, blob in self._git.listing(digest).items():
            if not is_dvc(path):
                continue
            if (path, blob) not in self._blobs:
                known = self._blobs[path, blob] = []
                for one in outs_of(path, self._git.text(blob)):
                    if isinstance(one, Out):
                        known.append(one)
                    else:
                        self._tally.leave("out", one[0], one[1])
            found += self._blobs[path, blob]
        return found

    def _version(self, commit: Commit, out: Out) -> bool:
        """Make one version; whether it is here."""
        said = f"{out.path}@{commit.digest[:12]}"
        try:
            here = self._here(out.path, _tag_of(commit))
            if here is None and self._is_foreign(out.path):
                raise Conflict("a data set of that name is here already, and did not come from DVC")
            if here is not None:
                self._tally.count("data version", SAME)
                return True
            with self._scratch.room() as room:
                existed = self._look(out, room) if self._tally.plan else self._commit(commit, out, room)
        except Unavailable:
            raise
        except StackCanvasError as error:
            self._tally.leave("data version", said, error.sentence())
            return False
        except OSError as error:  # a manifest that names a file and a folder alike, or names that no disk holds
            self._tally.leave("data version", said, f"its files cannot be laid out ({error.strerror})")
            return False
        self._tally.count("data version", SAME if existed else NEW)
        return True

    def _look(self, out: Out, room: Path) -> bool:
        """Whether all contents are there, without reading them."""
        for path, md5 in self._cache.files(out, room):
            size_bytes = self._cache.size(md5)
            if size_bytes is None:
                raise NotFound("content in the cache or a remote, of md5", md5, where=path or None)
            self._tally.carried(size_bytes)
        return False

    def _commit(self, commit: Commit, out: Out, room: Path) -> bool:
        source = room / "content" / out.path.rpartition("/")[2]
        if out.md5.endswith(".dir"):
            source.mkdir(parents=True)
        size_bytes = 0
        for path, md5 in self._cache.files(out, room):
            size_bytes += self._cache.bring(md5, source / path if path else source, legacy=out.legacy)
        version = self._stack.data.commit(
            out.path,
            source,
            message=commit.subject,
            tags=[_tag_of(commit)],
            origin=f"{_ORIGIN}{self._root.name}@{commit.digest}:{out.path}",
            created=commit.time,
        )
        self._foreign[out.path] = False
        self._tally.carried(size_bytes)
        return version.existed

    def _tags(self, made: dict[tuple[str, str], str]) -> None:
        """Give versions the tags that git has for their commits, or for later ones that did not change them."""
        for name, digest in sorted(self._git.tags().items()):
            for out in self._outs(digest):
                own = made.get((out.path, out.md5))
                if own is None or self._here(out.path, name) is not None:
                    continue
                try:
                    check_tag(name)
                    self._stack.data.tag(Ref("data", out.path, own), name)
                except StackCanvasError as error:
                    self._tally.leave("tag", f"{out.path}@{name}", error.sentence())
                else:
                    self._tally.count("tag", NEW)

    def _here(self, name: str, tag: str) -> DataVersion | None:
        try:
            return self._stack.data.get(Ref("data", name, tag))
        except NotFound:
            return None

    def _is_foreign(self, name: str) -> bool:
        if name not in self._foreign:
            try:
                versions = self._stack.data.log(name)
            except NotFound:
                versions = []
            own = any(source.startswith(_ORIGIN) for one in versions for source in one.source)
            self._foreign[name] = bool(versions) and not own
        return self._foreign[name]


def _tag_of(commit: Commit) -> str:
    return f"git-{commit.digest[:12]}"
