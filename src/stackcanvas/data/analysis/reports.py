"""Reports: what a profile or a comparison says, as a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stackcanvas.data.analysis import findings
from stackcanvas.data.analysis.associations import Association, Associations
from stackcanvas.data.analysis.findings import Finding
from stackcanvas.data.analysis.profiling import Studied
from stackcanvas.data.versions import DataVersion
from stackcanvas.statistics import DriftReport, Profile, drift
from stackcanvas.statistics.cells import missing

TOGETHER = 0.98
"""From this strength on one column all but tells the other."""

_MOVED = 0.1
_CLOSE_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Args:
        ref: the pinned ref of a version; the name of other rows, such as a prediction log.
    """

    ref: str
    created: datetime | None
    message: str
    size_bytes: int | None

    @classmethod
    def of(cls, version: DataVersion) -> Subject:
        """A version of a data set."""
        return cls(str(version.ref), version.created, version.message, version.size_bytes)


@dataclass(frozen=True, slots=True)
class ProfileReport:
    """What a table is like; in a notebook it shows itself.

    Args:
        findings: what somebody should look at, the worst first.
        made: when, and `by` which release.
        ref: of the report itself, once it is recorded.
        draw: makes the page.
    """

    subject: Subject
    columns: dict[str, str]
    profile: Profile
    associations: Associations
    repeated: int | None
    findings: tuple[Finding, ...]
    made: datetime
    by: str
    ref: str | None = None
    draw: Callable[[Any, bool], str] = field(default=lambda *_: "", compare=False, repr=False)

    @property
    def html(self) -> str:
        """The report as one page that needs nothing else."""
        return self.draw(self, True)

    def _repr_html_(self) -> str:
        return self.draw(self, False)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return {
            "ref": self.ref,
            "subject": self.subject,
            "columns": self.columns,
            "profile": self.profile.to_dict(),
            "associations": self.associations,
            "repeated": self.repeated,
            "findings": self.findings,
            "made": self.made,
        }


@dataclass(frozen=True, slots=True)
class Moved:
    """A pair of columns that goes together otherwise than before."""

    left: str
    right: str
    method: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class CompareReport:
    """How one table differs from another; in a notebook it shows itself.

    Args:
        types: name to (type before, type after) of the columns that differ; None where there is no such column.
        drift: how far the values of the columns that both have are apart.
        moved: pairs whose association changed most.
    """

    before: Subject
    after: Subject
    columns: dict[str, str]
    types: dict[str, tuple[str | None, str | None]]
    profiles: tuple[Profile, Profile]
    drift: DriftReport
    moved: tuple[Moved, ...]
    findings: tuple[Finding, ...]
    made: datetime
    by: str
    ref: str | None = None
    draw: Callable[[Any, bool], str] = field(default=lambda *_: "", compare=False, repr=False)

    @property
    def html(self) -> str:
        """The report as one page that needs nothing else."""
        return self.draw(self, True)

    def _repr_html_(self) -> str:
        return self.draw(self, False)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        names = ("ref", "before", "after", "types", "drift", "moved", "findings", "made")
        return {name: getattr(self, name) for name in names}


def profile_report(subject: Subject, studied: Studied, *, made: datetime, by: str) -> ProfileReport:
    """What a table is like, and what is odd about it."""
    found = [*_of_table(studied), *_close(studied.associations)]
    for name, column in studied.profile.columns.items():
        found += findings.of_column(name, column, now=made)
        found += findings.of_texts(name, studied.texts.get(name, ()))
    return ProfileReport(
        subject, studied.columns, studied.profile, studied.associations, studied.repeated, _ranked(found), made, by
    )


def compare_report(
    subjects: tuple[Subject, Subject], studied: tuple[Studied, Studied], *, made: datetime, by: str
) -> CompareReport:
    """How the second table differs from the first."""
    one, two = studied
    both = [name for name in one.columns if name in two.columns]
    moved = drift(one.profile, two.profile, columns=both)
    types = {
        name: (one.columns.get(name), two.columns.get(name))
        for name in {**one.columns, **two.columns}
        if one.columns.get(name) != two.columns.get(name)
    }
    pairs = _pairs_that_moved(one.associations, two.associations)
    found = [*_of_types(types), *_of_counts(one.profile, two.profile), *_of_drift(moved, types)]
    columns = {name: two.columns.get(name) or one.columns[name] for name in both}
    profiles = one.profile, two.profile
    return CompareReport(*subjects, columns, types, profiles, moved, pairs, _ranked(found), made, by)


def missing_share(profile: Profile) -> float:
    """The share of all cells that hold no value."""
    cells = profile.rows * len(profile.columns)
    return sum(missing(column) for column in profile.columns.values()) / cells if cells else 0.0


_ORDER = {findings.WRONG: 0, findings.ODD: 1, findings.NOTE: 2}


def _ranked(found: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda one: _ORDER[one.severity]))


def _of_table(studied: Studied) -> list[Finding]:
    if not studied.profile.rows:
        return [Finding(None, findings.WRONG, "The table has no rows", 0)]
    if studied.repeated:
        return [
            Finding(None, findings.ODD, "Some rows are there more than once, equal in every column", studied.repeated)
        ]
    return []


def _close(associations: Associations) -> list[Finding]:
    close = [pair for pair in associations.pairs if abs(pair.strength) >= TOGETHER]
    said = [
        Finding(pair.left, findings.NOTE, f"all but tells {pair.right} ({pair.method} {pair.strength:.3f})")
        for pair in close[:_CLOSE_SHOWN]
    ]
    if len(close) > _CLOSE_SHOWN:
        more = len(close) - _CLOSE_SHOWN
        said.append(Finding(None, findings.NOTE, f"{more} more pairs of columns all but tell each other"))
    return said


def _pairs_that_moved(before: Associations, after: Associations) -> tuple[Moved, ...]:
    now: dict[tuple[str, str, str], Association] = {(one.left, one.right, one.method): one for one in after.pairs}
    moved = [
        Moved(one.left, one.right, one.method, one.strength, now[key].strength)
        for one in before.pairs
        if (key := (one.left, one.right, one.method)) in now and abs(now[key].strength - one.strength) >= _MOVED
    ]
    return tuple(sorted(moved, key=lambda one: -abs(one.after - one.before))[:20])


def _of_types(types: dict[str, tuple[str | None, str | None]]) -> list[Finding]:
    found = []
    for name, (was, is_now) in types.items():
        if is_now is None:
            found.append(Finding(name, findings.WRONG, "is gone"))
        elif was is None:
            found.append(Finding(name, findings.ODD, f"is new ({is_now})"))
        else:
            found.append(Finding(name, findings.WRONG, f"was {was} and is {is_now}"))
    return found


def _of_counts(before: Profile, after: Profile) -> list[Finding]:
    if not before.rows or not after.rows:
        return [Finding(None, findings.WRONG, f"The rows went from {before.rows:,} to {after.rows:,}")]
    if not 0.5 <= after.rows / before.rows <= 2:
        return [Finding(None, findings.NOTE, f"The rows went from {before.rows:,} to {after.rows:,}")]
    return []


def _of_drift(moved: DriftReport, types: Mapping[str, object]) -> list[Finding]:
    if not moved.judged:
        rows = min(moved.rows_before, moved.rows_after)
        return [Finding(None, findings.NOTE, f"{rows:,} rows are too few to judge drift")]
    found = []
    for name in moved.drifted_columns:
        if name in types:
            continue
        column = moved.columns[name]
        said = f"has moved (distance {column.distance:.2f})"
        if column.where:
            said += f": {column.where} went from {column.before:.1%} to {column.after:.1%}"
        found.append(Finding(name, findings.ODD, said))
    return found
