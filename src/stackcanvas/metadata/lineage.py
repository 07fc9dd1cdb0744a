"""Lineage: the links between executions and what they used and made, walked both ways."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select

from stackcanvas.backends.database import Database, Ready
from stackcanvas.metadata.executions import Execution, Executions
from stackcanvas.metadata.refs import Ref
from stackcanvas.metadata.tables import artifact, execution, link

_BATCH = 500

# Made once: it is asked at the end of every run, and putting it together takes longer than executing it.
_OF_WORK = (execution.c.id == bindparam("work")) | (execution.c.parent == bindparam("work"))
_DATA_OF = Ready(
    select(link.c.ref, link.c.role, artifact.c.digest)
    .select_from(execution)
    .join(link, link.c.execution == execution.c.id)
    .join(artifact, artifact.c.ref == link.c.ref)
    .where(_OF_WORK, link.c.direction == "used")
    .order_by(link.c.ref, link.c.role),
    ("work",),
)
_MADE = Ready(
    select(link.c.ref)
    .join(execution, link.c.execution == execution.c.id)
    .where(_OF_WORK, link.c.direction == "made", link.c.ref != bindparam("itself"))
    .limit(1),
    ("work", "itself"),
)


@dataclass(frozen=True, slots=True)
class Edge:
    """An execution used or made a thing.

    Args:
        direction: `used` or `made`.
    """

    execution: str
    direction: str
    ref: Ref
    role: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Graph:
    """What was reached from a ref: things, the executions between them, and the links.

    Args:
        root: where the walk began.
        refs: in the order in which the walk met them.
        executions: in the same order.
    """

    root: Ref
    refs: tuple[Ref, ...]
    executions: tuple[Execution, ...]
    edges: tuple[Edge, ...]

    def execution(self, execution_id: str) -> Execution:
        """One of the executions by its id."""
        return next(found for found in self.executions if found.id == execution_id)


class Lineage:
    """Walks from a thing to what it came from, or to what came of it."""

    def __init__(self, database: Database, executions: Executions) -> None:
        self._database = database
        self._executions = executions

    def upstream(self, ref: Ref, *, depth: int | None = None) -> Graph:
        """What the thing was made from.

        Args:
            ref: pinned: with a number or an id as its selector.
            depth: how many executions to walk back; None walks to the beginning.
        """
        return self._walk(ref, "made", "used", depth)

    def downstream(self, ref: Ref, *, depth: int | None = None) -> Graph:
        """What was made from the thing."""
        return self._walk(ref, "used", "made", depth)

    def of(self, execution_id: str) -> list[Edge]:
        """What one execution used and made."""
        with self._database.read() as connection:
            chosen = select(link).where(link.c.execution == execution_id).order_by(link.c.time, link.c.ref)
            rows = connection.execute(chosen).mappings().all()
        return [Edge(**{**row, "ref": Ref.parse(row["ref"])}) for row in rows]

    def data_of(self, connection: Connection, execution_id: str) -> list[tuple[Ref, str, str]]:
        """The versions of data that a piece of work and its parts read: ref, role, digest."""
        rows = _DATA_OF.all(connection, {"work": execution_id})
        # Told apart here: asked for the kind, the database would begin with all data that there is.
        return [(Ref.parse(ref), role, digest or "") for ref, role, digest in rows if ref.startswith("data:")]

    def has_made(self, connection: Connection, execution_id: str, *, itself: Ref) -> bool:
        """Whether a piece of work or its parts made anything else than the thing that stands for the work."""
        return _MADE.first(connection, {"work": execution_id, "itself": str(itself)}) is not None

    def behind(self, refs: Collection[Ref]) -> set[str]:
        """The ids of the work that made things, and of all work that this was a part of."""
        found: set[str] = set()
        with self._database.read() as connection:
            texts = sorted({str(ref) for ref in refs})
            made = select(link.c.execution).where(link.c.direction == "made")
            new = set(_in_batches(connection, made, link.c.ref, texts))
            while new:
                found |= new
                around = select(execution.c.parent).where(execution.c.parent.is_not(None))
                new = set(_in_batches(connection, around, execution.c.id, sorted(new))) - found
        return found

    def beside(self, ref: Ref, *, kind: str) -> Ref | None:
        """What else, of one kind, the last work that made a thing made with it: the split beside its parts.

        Args:
            ref: pinned.
        """
        together = link.alias()
        chosen = (
            select(together.c.ref)
            .join(link, link.c.execution == together.c.execution)
            .where(link.c.ref == str(ref), link.c.direction == "made")
            .where(together.c.direction == "made", together.c.ref.like(f"{kind}:%"))
            .order_by(together.c.time.desc(), together.c.execution.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            found = connection.execute(chosen).scalar_one_or_none()
        return None if found is None else Ref.parse(found)

    def _walk(self, root: Ref, arrive: str, leave: str, depth: int | None) -> Graph:
        refs: dict[str, None] = {str(root): None}
        executions: dict[str, None] = {}
        edges: list[Edge] = []
        frontier, level = [str(root)], 0
        with self._database.read() as connection:
            while frontier and (depth is None or level < depth):
                arrived = _links(connection, "ref", frontier, arrive)
                edges += arrived
                new = list(dict.fromkeys(edge.execution for edge in arrived if edge.execution not in executions))
                executions.update(dict.fromkeys(new))
                left = _links(connection, "execution", new, leave)
                edges += left
                frontier = list(dict.fromkeys(str(edge.ref) for edge in left if str(edge.ref) not in refs))
                refs.update(dict.fromkeys(frontier))
                level += 1
        return Graph(
            root=root,
            refs=tuple(Ref.parse(text) for text in refs),
            executions=tuple(self._executions.get(found) for found in executions),
            edges=tuple(dict.fromkeys(edges)),
        )


def _in_batches(
    connection: Connection, chosen: Select[Any], column: ColumnElement[Any], values: Sequence[str]
) -> Iterator[str]:
    for start in range(0, len(values), _BATCH):
        yield from connection.execute(chosen.where(column.in_(values[start : start + _BATCH]))).scalars()


def _links(connection: Connection, column: str, values: list[str], direction: str) -> list[Edge]:
    found: list[Edge] = []
    for start in range(0, len(values), _BATCH):
        wanted = link.c[column].in_(values[start : start + _BATCH])
        chosen = select(link).where(wanted, link.c.direction == direction).order_by(link.c.time, link.c.ref)
        found += [Edge(**{**row, "ref": Ref.parse(row["ref"])}) for row in connection.execute(chosen).mappings()]
    return found
