"""The block `data`: every verb on versions of data sets, as one object."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stackcanvas.backends.files import Scratch
from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.backends.objects import Objects
from stackcanvas.canvas.blocks.expectations import Expectations
from stackcanvas.data.checkout import Checkout, checkout, detach
from stackcanvas.data.clearing import Cleared, clear
from stackcanvas.data.commit import commit
from stackcanvas.data.croissant import croissant
from stackcanvas.data.diff import DataDiff, diff
from stackcanvas.data.drafts import Wish
from stackcanvas.data.expectations import Broken, Given, check, expectations_of
from stackcanvas.data.filecache import FileCache
from stackcanvas.data.forget import forget, forget_old
from stackcanvas.data.ingest import Source, ingest
from stackcanvas.data.lockfile import LockFile
from stackcanvas.data.manifest import DataFile
from stackcanvas.data.parts import Parts, StoredProfile
from stackcanvas.data.places import Places
from stackcanvas.data.read import content, rows_of, scan
from stackcanvas.data.remote import Transfer, pull, push
from stackcanvas.data.restore import Restored, home, restore
from stackcanvas.data.seen import Seen
from stackcanvas.data.sheet import Sheet, sheet
from stackcanvas.data.status import Status, status
from stackcanvas.data.store import ChunkIndex, Reader
from stackcanvas.data.tag import tag
from stackcanvas.data.verify import Verification, verify
from stackcanvas.data.versions import DataVersion, Versions
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.metadata import Ref, Spine

if TYPE_CHECKING:
    import polars as pl


class Data:
    """Versions of data sets: files, folders and tables.

    A data set is named in short (`flights`, `flights@3`, `flights@jan`) or in full (`data:flights@3`); without a number
    or tag, and with `@latest`, its newest version is meant.

    Args:
        spine: where versions, lineage and events are recorded.
        objects: where contents are kept.
        root: the project's folder, with `data.lock`.
        cache: a folder for what can be made again, on the same disk as the project.
        readers: first part of a name to what reads such names: `predictions` for `predictions/delay`.
        remote: the URL of the object store that versions are pushed to and pulled from.
        sources: where data sets come from, by their names.
        about: what the canvas says of data sets, by their names: licence, ownership, whether they are about persons.
        expectations: what tables must be like, by the name of the data set.
    """

    def __init__(
        self,
        spine: Spine,
        objects: Objects,
        root: Path,
        cache: Path,
        *,
        readers: Mapping[str, Callable[[str], pl.LazyFrame]] | None = None,
        remote: str | None = None,
        expectations: Mapping[str, Expectations] | None = None,
        sources: Mapping[str, Callable[[], Source]] | None = None,
        about: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self._remote = remote
        self._about = dict(about or {})
        self._sources = dict(sources or {})
        self._expectations = dict(expectations or {})
        root, cache = root.absolute(), cache.absolute()
        # Two files, because the index of chunks is emptied when packs are lost.
        self._chunks = open_keyvalue(f"sqlite:///{quote(str(cache / 'chunks.db'))}")
        self._local = open_keyvalue(f"sqlite:///{quote(str(cache / 'local.db'))}")
        index = ChunkIndex(objects, self._chunks)
        reader = Reader(objects, index)
        self._parts = Parts(
            spine=spine,
            objects=objects,
            root=root,
            versions=Versions(spine, load_profile=lambda digest: StoredProfile(objects, digest)),
            index=index,
            reader=reader,
            seen=Seen(self._local),
            places=Places(self._local),
            whole=FileCache(cache / "files", reader),
            converted=cache / "converted",
            scratch=Scratch(cache / "writing"),
            readers=dict(readers or {}),
        )

    @property
    def parts(self) -> Parts:
        """The state of the block, for those who work on another stack's records."""
        return self._parts

    def commit(
        self,
        name: str,
        source: Any,
        *,
        message: str = "",
        table: bool | None = None,
        key: Sequence[str] = (),
        tags: Sequence[str] = (),
        expect: Given | None = None,
        origin: str | None = None,
        after: int | None = None,
        created: datetime | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> DataVersion:
        """Make files or rows the newest version of a data set.

        When the latest version is equal, that one is given back and its `existed` is true.

        Args:
            name: of the data set; it begins to exist with its first version.
            source: a file, a folder, several paths, or rows: anything with the Arrow interface, streams too.
            message: why, for people.
            table: keep the rows of the files (CSV, Parquet, Arrow, Feather, JSON Lines) instead of their bytes; small
                edits then cost little.
            key: columns that identify a row; they must.
            tags: names for the version.
            expect: what its rows must be like, a mapping of the same words, or a YAML file that tells; by default what
                the canvas says of the source of this name.
            origin: where the source came from, for the records, when that is not this disk.
            after: the number of the version that must still be the newest, 0 for none: what was made from one version
                does not undo what somebody else committed meanwhile.
            created: when it was made where it comes from; the canvas is then not asked what is expected of it.
            progress: told of bytes as they are done.

        Raises:
            NotFound: a file does not exist.
            BadInput: a file is broken, is no table where one is needed, or the key repeats.
            ExpectationsBroken: the rows are not as expected; the error has those that are not.
            Conflict: a file was changed meanwhile, `after` is not the newest version, a tag is taken, or `data.lock`
                holds the marks of a merge.
            Unavailable: the disk is full, or a file cannot be read. Nothing is half done.
        """
        ref = _ref(name)
        if ref.selector is not None:
            raise BadInput(f"a commit makes a new version: {name!r} names one", fix=f"Say {ref.name!r}")
        advance = progress or (lambda _: None)
        expected = self.expected(ref.name, expect) if created is None else None
        wish = Wish(ref.name, message, table, _words(key), _words(tags), advance, expected, origin, after, created)
        return commit(self._parts, source, wish)

    def ingest(
        self,
        name: str,
        url: str | None = None,
        *,
        query: str | None = None,
        message: str = "",
        table: bool | None = None,
        key: Sequence[str] = (),
        tags: Sequence[str] = (),
        expect: Given | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> DataVersion:
        """Read a source and make what it gives the newest version of a data set; the rest is as in `commit`.

        A Delta Lake table is not copied: the version refers to the table's own.

        Args:
            url: a path, `https://...`, `s3://...` (also `gs`, `az`), `sqlite:///...`, `postgresql://...` and other
                databases of SQLAlchemy, or `delta://TABLE` and `delta://TABLE@VERSION`; by default that of the source
                of this name in the canvas.
            query: for a database, a SELECT statement or the name of a table.

        Raises:
            NotFound: there is no such source, file or table.
            Unavailable: the source does not answer.
        """
        source = Source(url, query) if url is not None else self._source(name)
        advance, expected = progress or (lambda _: None), self.expected(name, expect)
        wish = Wish(_ref(name).name, message, table, _words(key), _words(tags), advance, expected)
        return ingest(self._parts, replace(source, query=query or source.query), wish)

    def check(self, ref: Ref | str, expect: Given | None = None) -> list[Broken]:
        """What a version does not meet of what is expected of it.

        Args:
            expect: as in `commit`.

        Raises:
            BadInput: nothing is said of what is expected, or the version is no table.
        """
        version = self.get(ref)
        expected = self.expected(version.name, expect)
        if expected is None:
            raise BadInput(
                f"nothing is said of what is expected of {version.name}",
                expected="a file with expectations, or expectations of the source of this name in canvas.yaml",
            )
        return check(rows_of(self._parts, version), expected, now=self._parts.spine.clock.now())

    def get(self, ref: Ref | str) -> DataVersion:
        """The version that a ref names.

        Raises:
            NotFound: there is none; the nearest name is offered.
        """
        return self._parts.versions.get(_ref(ref))

    def ls(self) -> list[DataVersion]:
        """The latest version of each data set, sorted by name."""
        return self._parts.versions.latest()

    def log(self, name: str) -> list[DataVersion]:
        """Every version of a data set, newest first.

        Raises:
            NotFound: there is no such data set.
        """
        return self._parts.versions.log(_ref(name).name)

    def files(self, ref: Ref | str) -> list[DataFile]:
        """The files of a version, sorted by path."""
        return self._parts.listing(self.get(ref))

    def content(self, ref: Ref | str, path: str | None = None) -> tuple[DataFile, Iterator[bytes]]:
        """One file of a version, and its bytes piece by piece; `path` may be left out where there is only one.

        Raises:
            NotFound: there is no such version or file.
            Corrupt: its bytes are not what was committed; the iterator raises it last.
        """
        return content(self._parts, _ref(ref), path)

    def read(self, ref: Ref | str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of a version, exactly those that were committed.

        Args:
            columns: only these, in this order.

        Raises:
            NotFound: there is no such version or column.
            BadInput: the version is no table.
            Corrupt: a part of it is damaged.
        """
        rows = self.scan(ref)
        if columns is None:
            return rows.collect()
        known = rows.collect_schema().names()
        for name in columns:
            if name not in known:
                raise NotFound("column", name, known=known, where=str(_ref(ref)))
        return rows.select(columns).collect()

    def scan(self, ref: Ref | str) -> pl.LazyFrame:
        """The rows of a version, read when they are needed; for tables larger than memory.

        Inside recorded work the version is recorded as used.
        """
        return scan(self._parts, _ref(ref))

    def diff(self, before: Ref | str, after: Ref | str, *, key: Sequence[str] = (), samples: int = 5) -> DataDiff:
        """What changed from one version to another.

        Args:
            key: columns that identify a row; by default those of the commit. Without any, whole rows are compared.
            samples: how many rows of each kind to show.

        Raises:
            BadInput: the key is not in both versions, or repeats.
        """
        return diff(self._parts, _ref(before), _ref(after), key=_words(key), samples=samples)

    def checkout(
        self,
        ref: Ref | str,
        target: str | os.PathLike[str] | None = None,
        *,
        only: Sequence[str] = (),
        link: bool = False,
        force: bool = False,
    ) -> Checkout:
        """Bring the files of a version into a folder.

        Args:
            target: the folder; made when it is missing. Nothing outside it is written. By default where the data set
                lies in the project.
            only: some of its files, by path, folder or pattern; what else lies in the folder stays as it is.
            link: hard links to read-only files of the cache instead of copies: fast, and costs no space.
            force: overwrite files that no version holds.

        Raises:
            Conflict: files would be lost that no version holds, or a link leads out of the folder.
            Corrupt: a content is damaged.
        """
        folder = home(self._parts, self.get(ref)) if target is None else Path(target)
        if folder is None:
            raise BadInput(f"{_ref(ref)} does not lie in the project", fix="Name a folder to check it out into")
        return checkout(self._parts, _ref(ref), folder, link=link, force=force, only=_words(only))

    def restore(self, names: Sequence[str] = (), *, link: bool = False, force: bool = False) -> list[Restored]:
        """Bring the versions that `data.lock` names to where they lay: what follows a `git checkout`.

        Args:
            names: only these data sets.
            link: as in `checkout`, as is `force`.

        Raises:
            NotFound: a version is not in this workspace; a remote may have it.
            Conflict: files would be lost, or `data.lock` holds the marks of a merge.
        """
        return restore(self._parts, names, link=link, force=force)

    def detach(self, name: str) -> int:
        """Make the linked files of a data set copies of their own, which may be edited; returns how many there were.

        Raises:
            NotFound: it does not lie in the project.
        """
        return detach(self._parts, _ref(name).name)

    def push(
        self,
        refs: Sequence[Ref | str] = (),
        *,
        to: str | None = None,
        move_tags: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Transfer:
        """Send versions to a remote; what is there already is not sent again.

        Args:
            refs: versions, or names of data sets for all their versions; everything by default.
            to: the URL of an object store, or a folder; by default the remote of the canvas.
            move_tags: give tags that stand for other versions there to these.
            progress: told of bytes as they have arrived.

        Raises:
            Unavailable: the connection stays away; the same call goes on where this one ended.
            Corrupt: a pack of this workspace is damaged; nothing damaged is sent.
        """
        chosen = [_ref(ref) for ref in _several(refs)]
        return push(self._parts, self._at(to), chosen, move_tags=move_tags, advance=progress or (lambda _: None))

    def pull(
        self,
        refs: Sequence[Ref | str] = (),
        *,
        source: str | None = None,
        locked: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Transfer:
        """Bring versions from a remote into this workspace; files in the project are not touched.

        A version keeps its number where that is free here.

        Args:
            refs: as in `push`; numbers and tags are those of the remote.
            source: the URL of the remote, as in `push`.
            locked: only the versions that `data.lock` names.

        Raises:
            NotFound: the remote has no such data set or version.
            Corrupt: something on the remote is damaged; nothing damaged is taken.
        """
        chosen = [_ref(ref) for ref in _several(refs)]
        digests = None
        if locked:
            lines = LockFile(self._parts.root, self._parts.scratch).read()
            digests = {line.digest for line in lines.values()}
            chosen = chosen or [Ref("data", name) for name in lines]
        return pull(self._parts, self._at(source), chosen, digests=digests, advance=progress or (lambda _: None))

    def forget(self, refs: Sequence[Ref | str] = (), *, keep: int | None = None) -> list[DataVersion]:
        """Give up the content of versions; the next `gc` gives their space back, their records stay.

        The newest version, versions with a tag, those that `data.lock` names, and those that a run, a training or any
        other recorded work has read are always kept.

        Args:
            refs: versions; each must be free to go.
            keep: give up all but so many of each data set, as far as they are free to go.

        Raises:
            Conflict: a version is needed.
        """
        if keep is not None:
            return forget_old(self._parts, keep)
        return forget(self._parts, [_ref(ref) for ref in _several(refs)])

    def gc(
        self,
        *,
        dry: bool = False,
        patience: timedelta = timedelta(seconds=60),
        progress: Callable[[int], None] | None = None,
    ) -> Cleared:
        """Give back the space of what no version needs; safe beside commits and reads.

        Args:
            dry: only tell what would be done.
            patience: how long to wait for commits that are at work; when it is over nothing is removed this time.

        Raises:
            Refused: the store is a remote.
            Conflict: somebody is clearing up already.
            Corrupt: what a version needs cannot be told, because it is damaged. Nothing is removed.
        """
        return clear(self._parts, dry=dry, patience=patience, advance=progress or (lambda _: None))

    def status(self) -> list[Status]:
        """Every data set as it lies in the project: unchanged, changed, missing or not here."""
        return status(self._parts)

    def croissant(self, ref: Ref | str) -> dict[str, Any]:
        """A version as Croissant, the JSON-LD by which data sets are described and found; for `json.dump`."""
        version = self.get(ref)
        return croissant(self._parts, version, self._about.get(version.name, {}))

    def sheet(self, ref: Ref | str, answers: str | os.PathLike[str] | None = None) -> Sheet:
        """The data sheet of a version: what the records know, and what people have answered.

        Args:
            answers: a YAML file with their answers; by default `docs/data/NAME.yaml` in the project, when it is there.

        Raises:
            BadInput: the file cannot be read, or answers what nobody asks.
        """
        version = self.get(ref)
        usual = self.sheet_answers(version.name)
        given = Path(answers) if answers is not None else usual if usual.is_file() else None
        return sheet(self._parts, version, self._about.get(version.name, {}), given)

    def sheet_answers(self, name: str) -> Path:
        """Where people answer the questions of the data sheet of a data set."""
        return self._parts.root / "docs" / "data" / f"{name}.yaml"

    def tag(self, ref: Ref | str, name: str, *, move: bool = False) -> DataVersion:
        """Give a version a name.

        Args:
            move: take it from the version that has it.

        Raises:
            Conflict: another version has it.
        """
        return tag(self._parts, _ref(ref), name, move=move)

    def verify(self, ref: Ref | str | None = None, *, progress: Callable[[int], None] | None = None) -> Verification:
        """Read every byte of a version, or of all, and name what is not as it was committed."""
        return verify(self._parts, None if ref is None else _ref(ref), progress or (lambda _: None))

    def close(self) -> None:
        """Close the caches."""
        self._parts.reader.close()
        self._chunks.close()
        self._local.close()

    def _source(self, name: str) -> Source:
        found = self._sources.get(name)
        if found is None:
            raise NotFound(
                "source with an address", name, known=self._sources, fix="Answer data.sources, or give an address"
            )
        return found()

    def expected(self, name: str, given: Given | None = None) -> Expectations | None:
        """What is expected of a data set: as given, else as the canvas says; None when nobody says."""
        return self._expectations.get(name) if given is None else expectations_of(given)

    def _at(self, url: str | None) -> str:
        if (found := url or self._remote) is not None:
            return found
        raise BadInput(
            "no remote is named",
            expected="a folder or the URL of an object store",
            fix="Answer data.storage.remote in canvas.yaml, or name one: --to URL to push, --from URL to pull",
        )


def _words(given: Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _several(refs: Sequence[Ref | str]) -> Sequence[Ref | str]:
    return [refs] if isinstance(refs, str | Ref) else refs


def _ref(ref: Ref | str) -> Ref:
    return ref if isinstance(ref, Ref) else Ref.parse(ref, kind="data")
