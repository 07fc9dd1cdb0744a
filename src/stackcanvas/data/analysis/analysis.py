"""Analysis of versions: queries, profiles and comparisons, each recorded with what it used and made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from stackcanvas.backends.objects import Objects
from stackcanvas.data.analysis import page
from stackcanvas.data.analysis.profiling import Studied, study
from stackcanvas.data.analysis.query import Prepared, prepare, reading
from stackcanvas.data.analysis.reports import (
    CompareReport,
    ProfileReport,
    Subject,
    compare_report,
    profile_report,
)
from stackcanvas.data.analysis.write import check_path, write_rows
from stackcanvas.data.data import Data
from stackcanvas.data.frames import values
from stackcanvas.data.manifest import digest_of
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.late import late
from stackcanvas.metadata import Artifact, Recording, Ref, Spine
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_REPORTS = "reports/"
_LONGEST_SHOWN = 2000

_Report = TypeVar("_Report", ProfileReport, CompareReport)


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as the records name it.

    Args:
        kind: `profile` or `compare`.
        subjects: the refs it is about.
        size_bytes: of its page.
    """

    ref: Ref
    kind: str
    subjects: tuple[str, ...]
    made: datetime
    findings: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The first rows of an answer.

    Args:
        columns: name to type.
        rows: each as its values, in the order of the columns.
        more: whether there are others.
    """

    columns: dict[str, str]
    rows: tuple[tuple[Any, ...], ...]
    more: bool

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows by the names of their columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Analysis:
    """Questions to versions of data.

    Args:
        data: whose versions are asked.
        objects: where reports are kept.
    """

    def __init__(self, data: Data, spine: Spine, objects: Objects) -> None:
        self._data = data
        self._spine = spine
        self._objects = objects

    def query(self, sql: str, *, limit: int | None = None) -> pl.DataFrame:
        """The rows that a statement of SQL gives.

        Args:
            sql: one SELECT over refs in quotes, such as `select count(*) from "flights@3"`, or plain names for the
                newest versions. It reads only.
            limit: no more rows than these.

        Raises:
            BadInput: the statement is wrong; with line and column, where they are known.
            NotFound: there is no such data set or version.
        """
        with self._asked(sql) as prepared:
            rows = prepared.rows if limit is None else prepared.rows.head(limit)
            return rows.collect(engine="streaming")

    def first(self, sql: str, limit: int | None = None) -> Answered:
        """The first rows that a statement gives, as values; all where there is no limit.

        Raises:
            BadInput: the statement is wrong.
            NotFound: there is no such data set or version.
        """
        found = self.query(sql, limit=None if limit is None else limit + 1)
        shown = found if limit is None else found.head(limit)
        columns = {name: str(kind) for name, kind in found.schema.items()}
        return Answered(columns, tuple(values(shown)), found.height > shown.height)

    def export(self, sql: str, path: str | Path) -> Path:
        """Write the rows that a statement gives to a file, in constant memory, whole or not at all.

        Args:
            path: its end says the kind: .csv, .parquet, .json, .jsonl or .arrow.

        Raises:
            BadInput: the statement is wrong, or the rows do not fit the kind of file.
            Unavailable: the file cannot be written.
        """
        target = Path(path)
        check_path(target)
        with self._asked(sql, to=str(target)) as prepared:
            write_rows(prepared.rows, target)
        return target

    def materialise(
        self, sql: str, name: str, *, message: str = "", key: Sequence[str] = (), tags: Sequence[str] = ()
    ) -> DataVersion:
        """Make the rows that a statement gives the newest version of a data set, which leads back to what was asked."""
        with self._asked(sql, to=f"data:{name}") as prepared:
            said = message or " ".join(sql.split())[:_LONGEST_SHOWN]
            return self._data.commit(name, prepared.rows, message=said, key=key, tags=tags)

    def profile(self, ref: Ref | str, *, progress: Callable[[int], None] | None = None) -> ProfileReport:
        """What the values of a version are like: types, missing ones, distributions, what goes together, what is odd.

        The rows are read once, in constant memory.

        Raises:
            NotFound: there is no such version.
            BadInput: it is no table.
        """
        with self._spine.record("data.profile", subject=_ref(ref)) as recording:
            subject, studied = self._studied(ref, progress)
            report = profile_report(subject, studied, made=self._spine.clock.now(), by=_release())
            return self._keep(report, "profile", (subject,), recording)

    def compare(
        self, before: Ref | str, after: Ref | str, *, progress: Callable[[int], None] | None = None
    ) -> CompareReport:
        """How the values of one version differ from those of another: columns, distributions, what goes together.

        Raises:
            NotFound: there is no such version.
            BadInput: one of them is no table.
        """
        asked = {"before": str(_ref(before)), "after": str(_ref(after))}
        with self._spine.record("data.compare", subject=_ref(after), parameters=asked) as recording:
            one, was = self._studied(before, progress)
            two, now = self._studied(after, progress)
            report = compare_report((one, two), (was, now), made=self._spine.clock.now(), by=_release())
            return self._keep(report, "compare", (one, two), recording)

    def reports(self, *, limit: int = 100) -> list[StoredReport]:
        """The reports that were made, newest first."""
        return [_stored(one) for one in self._spine.artifacts.search(kind="report", limit=limit)]

    def report(self, ref: Ref | str) -> str:
        """The page of a report that was made.

        Raises:
            NotFound: there is none.
        """
        wanted = ref if isinstance(ref, Ref) else Ref.parse(ref, kind="report")
        found = self._spine.artifacts.get(wanted)
        if found is None or found.digest is None:
            raise NotFound("report", str(wanted), known=[str(one.ref) for one in self.reports()])
        return self._objects.get(_REPORTS + found.digest).decode()

    @contextmanager
    def _asked(self, sql: str, *, to: str = "") -> Iterator[Prepared]:
        """A statement that is being answered, on record."""
        asked = {"sql": sql.replace("\0", "")[:_LONGEST_SHOWN], **({"to": to} if to else {})}
        with self._spine.record("data.query", parameters=asked):
            prepared = prepare(sql, self._data.scan)
            with reading(sql):
                yield prepared

    def _studied(self, ref: Ref | str, progress: Callable[[int], None] | None) -> tuple[Subject, Studied]:
        advance = progress or (lambda _: None)
        asked = _ref(ref)
        rows = self._data.scan(asked)
        try:
            version = self._data.get(asked)
        except NotFound:  # rows that no version holds, such as a prediction log
            return Subject(str(asked), None, "", None), _guarded(rows, None, advance, str(asked))
        return Subject.of(version), _guarded(rows, version.profile, advance, str(version.ref))

    def _keep(self, report: _Report, kind: str, subjects: tuple[Subject, ...], recording: Recording) -> _Report:
        """Record a report: its page in the object store, then the artifact and the end of the work in one commit."""
        name = Ref.parse(subjects[-1].ref).name
        ref = Ref("report", f"{kind}/{name}", recording.id)
        done = replace(report, ref=str(ref), draw=page.draw)
        html = done.html.encode()
        digest = digest_of(html)
        self._objects.put(_REPORTS + digest, html)
        facts = {
            "kind": kind,
            "subjects": [subject.ref for subject in subjects],
            "findings": len(report.findings),
            "size_bytes": len(html),
        }
        with self._spine.write() as tx:
            self._spine.artifacts.add(tx, ref, digest=digest, execution=recording.id, facts=facts)
            recording.made(ref)
            recording.finish(tx)
        return done


def _guarded(rows: pl.LazyFrame, profile: Profile | None, advance: Callable[[int], None], where: str) -> Studied:
    try:
        return study(rows, profile, progress=advance)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise BadInput(f"the rows cannot be read: {str(error).splitlines()[0]}", where=where) from error


def _stored(found: Artifact) -> StoredReport:
    facts: Mapping[str, Any] = found.facts
    return StoredReport(
        found.ref, facts["kind"], tuple(facts["subjects"]), found.created, facts["findings"], facts["size_bytes"]
    )


def _release() -> str:
    return version_of("stackcanvas")


def _ref(ref: Ref | str) -> Ref:
    return ref if isinstance(ref, Ref) else Ref.parse(ref, kind="data")
