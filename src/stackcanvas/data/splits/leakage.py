"""Leakage: what the part to train on knows of the part to test on, or a column of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcanvas.data.analysis.associations import Gathering
from stackcanvas.data.analysis.profiling import profile_of
from stackcanvas.data.splits.assign import keys
from stackcanvas.errors import NotFound
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

LEAK, HINT = "leak", "hint"
TELLING = 0.98
"""From this strength on a column all but tells the target."""

_SHOWN = 3
_MANY_ROWS = 0.01


@dataclass(frozen=True, slots=True)
class Leak:
    """One way in which the answer gets through.

    Args:
        kind: `rows`, `values`, `entity`, `time`, `target` or `columns`.
        severity: `leak`, or `hint` where somebody who knows the data must judge.
        said: a sentence.
        rows: how many rows of the test part it is about.
        examples: a few of the values.
    """

    kind: str
    severity: str
    said: str
    rows: int | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """What to look at.

    Args:
        entity: columns that say who or what a row is about.
        time: the column that says when.
        target: the column that a model is to tell.
        key: columns that merely number the rows.
    """

    entity: tuple[str, ...] = ()
    time: str | None = None
    target: str | None = None
    key: tuple[str, ...] = ()


def leaks(train: pl.LazyFrame, test: pl.LazyFrame, looked: Looked) -> list[Leak]:
    """Every leak between two parts, the sure ones first.

    Args:
        train: what a model learns from.
        test: what it is judged on.

    Raises:
        NotFound: a column that was named is not in both parts.

    Example:
        >>> train = pl.LazyFrame({"user": [1, 2], "bought": [0, 1]})
        >>> [leak.kind for leak in leaks(train, train.head(1), Looked(entity=("user",)))]
        ['rows', 'entity']
    """
    one, two = train.collect_schema(), test.collect_schema()
    both = [name for name in one if name in two]
    for name in (*looked.entity, *filter(None, (looked.time, looked.target))):
        if name not in both:
            raise NotFound("column", name, known=both, where="both parts")
    found = [
        *_columns(one, two),
        *_same_rows(train, test, [name for name in both if one[name] == two[name]], looked),
        *(_same_entity(train, test, looked) if looked.entity else ()),
        *(_time(train, test, looked.time) if looked.time else ()),
        *(_target(train, both, looked) if looked.target else ()),
    ]
    return sorted(found, key=lambda leak: leak.severity != LEAK)


def _columns(one: pl.Schema, two: pl.Schema) -> list[Leak]:
    apart = sorted({name for name in {**one, **two} if one.get(name) != two.get(name)})
    if not apart:
        return []
    shown = ", ".join(apart[:_SHOWN]) + (f" and {len(apart) - _SHOWN} more" if len(apart) > _SHOWN else "")
    return [Leak("columns", HINT, f"The parts do not have the same columns and types: {shown}")]


def _same_rows(train: pl.LazyFrame, test: pl.LazyFrame, both: list[str], looked: Looked) -> list[Leak]:
    """Rows of the test part that are in the training part, whole or but for what numbers them."""
    found = []
    count, rows = _shared(train, test, both)
    if count:
        found.append(Leak("rows", LEAK, f"{count:,} of {rows:,} rows are in the training part, too", count))
    numbering = {*looked.key, *looked.entity}
    rest = [name for name in both if name not in numbering]
    if numbering & set(both) and len(rest) > 1:
        again, rows = _shared(train, test, rest)
        if again > count:
            sure = again / max(1, rows) > _MANY_ROWS and len(rest) > 2
            other = ", ".join(sorted(numbering))
            said = f"{again:,} of {rows:,} rows have the values of a training row under another {other}"
            found.append(Leak("values", LEAK if sure else HINT, said, again))
    return found


def _shared(train: pl.LazyFrame, test: pl.LazyFrame, columns: list[str]) -> tuple[int, int]:
    """How many rows of the test part the training part has, and how many there are; by 64 bits of each row."""
    if not columns:
        return 0, 0
    hashes = [
        pl.concat([part.hash_rows(seed=7).to_frame("h") for part in _parts(rows.select(columns))])
        for rows in (train, test)
    ]
    shared = hashes[1].join(hashes[0].unique(), on="h", how="semi")
    return shared.height, hashes[1].height


def _parts(rows: pl.LazyFrame) -> list[pl.DataFrame]:
    return [rows.collect_schema().to_frame(), *rows.collect_batches(chunk_size=1 << 16)]


def _same_entity(train: pl.LazyFrame, test: pl.LazyFrame, looked: Looked) -> list[Leak]:
    known = keys(train, looked.entity).unique()
    asked = keys(test, looked.entity).to_frame("key")
    shared = asked.join(known.to_frame("key"), on="key", how="semi")
    # What has no entity is nobody in both parts.
    missing = "n" if len(looked.entity) == 1 else None
    shared = shared.filter(pl.col("key") != missing) if missing else shared
    if not shared.height:
        return []
    entities = shared["key"].unique().sort()
    examples = tuple(text[1:] if missing else text for text in entities.head(_SHOWN).to_list())
    name = ", ".join(looked.entity)
    said = f"{len(entities):,} values of {name} are in both parts, in {shared.height:,} of {asked.height:,} test rows"
    return [Leak("entity", LEAK, said, shared.height, examples)]


def _time(train: pl.LazyFrame, test: pl.LazyFrame, time: str) -> list[Leak]:
    last = train.select(pl.col(time).max()).collect(engine="streaming").item()
    first = test.select(pl.col(time).min()).collect(engine="streaming").item()
    if last is None or first is None or last < first:
        return []
    late = train.select((pl.col(time) >= first).sum()).collect(engine="streaming").item()
    rows = train.select(pl.len()).collect(engine="streaming").item()
    said = f"{late:,} of {rows:,} training rows are not before the first test row ({time} {first})"
    early = test.select((pl.col(time) <= last).sum()).collect(engine="streaming").item()
    return [Leak("time", LEAK, said, int(early), (str(first), str(last)))]


def _target(train: pl.LazyFrame, both: Sequence[str], looked: Looked) -> list[Leak]:
    """Columns that all but tell the target, and columns whose gaps do."""
    target = looked.target
    assert target is not None
    others = [name for name in both if name != target]
    nulls = train.select(pl.col(others).null_count()).collect(engine="streaming").row(0) if others else ()
    gaps = {f"{name} is missing": pl.col(name).is_null() for name, count in zip(others, nulls, strict=True) if count}
    # A target of whole numbers with few values is a class, not an amount.
    classes = train.select(pl.col(target).n_unique()).collect(engine="streaming").item() <= 10
    goal = pl.col(target).cast(pl.String) if classes else pl.col(target)
    wide = train.select(*others, goal.alias(target), **gaps)
    gathering = Gathering(profile_of(wide), first=(target,))
    for part in wide.collect_batches(chunk_size=1 << 16):
        gathering.add(part)
    found = []
    for pair in gathering.result().of(target):
        if abs(pair.strength) >= TELLING:
            name = pair.right if pair.left == target else pair.left
            said = f"{name} all but tells {target} ({pair.method} {pair.strength:.3f}): is it known before the answer?"
            found.append(Leak("target", HINT, said))
    return found
