"""The cache: the key of a step from its code, arguments and environment, and what earlier runs kept under it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from blake3 import blake3
from sqlalchemy import FromClause, Select, bindparam, select

from stackcanvas.metadata import Spine
from stackcanvas.pipelines.code import CodeDigests
from stackcanvas.pipelines.definition import Definition
from stackcanvas.pipelines.encoding import encode
from stackcanvas.pipelines.handles import Lazy
from stackcanvas.pipelines.run import FINISHED
from stackcanvas.pipelines.step import Step
from stackcanvas.pipelines.tables import pipeline_cache, pipeline_run, pipeline_step, pipeline_value
from stackcanvas.pipelines.values import Stored, Values

_VERSION = 1
_pack = msgspec.msgpack.Encoder().encode


class Keys:
    """Makes cache keys within one run.

    Args:
        environment: the digest of Python and all packages.
    """

    def __init__(self, environment: str) -> None:
        self._environment = environment
        self._codes = CodeDigests()

    def code(self, definition: Definition) -> str:
        """The digest of a step's code."""
        return self._codes.of(definition.function)

    def of(self, definition: Definition, arguments: Mapping[str, object], digest: Callable[[Lazy], str]) -> str:
        """The key of a step with its arguments.

        Args:
            digest: the digest of the value that stands behind a lazy argument.

        Raises:
            BadInput: an argument cannot be kept.
        """
        described = [[name, self._describe(value, digest)] for name, value in arguments.items()]
        content = [_VERSION, definition.name, self.code(definition), self._environment, described]
        return blake3(_pack(content)).hexdigest()

    def _describe(self, value: object, digest: Callable[[Lazy], str]) -> object:
        if isinstance(value, Lazy):
            return digest(value)
        if isinstance(value, Step):
            return ["code", self.code(value.definition)]
        if callable(value):
            return ["code", self._codes.of(value)]
        if isinstance(value, list | tuple) and _holds(value):
            return [type(value).__name__, *(self._describe(item, digest) for item in value)]
        if isinstance(value, dict) and _holds(value):
            return ["dict", *([encode(key).digest, self._describe(item, digest)] for key, item in value.items())]
        # The digest of a plain argument is that of a step's result with the same value.
        return encode(value).digest


class Cache:
    """What earlier runs have kept.

    Args:
        pipeline: the results of its last finished run are looked up at once.
    """

    def __init__(self, spine: Spine, values: Values, *, pipeline: str) -> None:
        self._spine = spine
        self._values = values
        self._made: dict[str, tuple[Stored, str]] = {}
        self._last = self._load(pipeline)

    def get(self, key: str) -> tuple[Stored, str] | None:
        """The value under a key and the execution that made it, where it can still be read."""
        found = self._last.get(key) or self._find(key)
        return found if found is not None and self._values.is_there(found[0]) else None

    def put(self, key: str, stored: Stored, execution: str) -> None:
        """What this run has made, for other steps of it."""
        self._made[key] = stored, execution

    def made(self, key: str) -> tuple[Stored, str] | None:
        """The value under a key, where this run has it already."""
        return self._made.get(key)

    def _load(self, pipeline: str) -> dict[str, tuple[Stored, str]]:
        last = (
            select(pipeline_run.c.id)
            .where(pipeline_run.c.pipeline == pipeline, pipeline_run.c.state == FINISHED)
            .order_by(pipeline_run.c.requested.desc())
            .limit(1)
            .scalar_subquery()
        )
        both = pipeline_step.join(pipeline_cache, pipeline_cache.c.key == pipeline_step.c.key)
        with self._spine.read() as connection:
            rows = connection.execute(_chosen(both).where(pipeline_step.c.run == last)).all()
        return {key: (Stored(*facts), execution) for key, execution, *facts in rows}

    def _find(self, key: str) -> tuple[Stored, str] | None:
        with self._spine.read() as connection:
            row = connection.execute(_FIND, {"wanted": key}).one_or_none()
        return None if row is None else (Stored(*row[2:]), row[1])


def _chosen(table: FromClause) -> Select[Any]:
    value = pipeline_value.c
    joined = table.join(pipeline_value, value.digest == pipeline_cache.c.value)
    columns = (value.digest, value.kind, value.size_bytes, value.data)
    return select(pipeline_cache.c.key, pipeline_cache.c.execution, *columns).select_from(joined)


# Made once: it is executed for every step that is new.
_FIND = _chosen(pipeline_cache).where(pipeline_cache.c.key == bindparam("wanted"))


def _holds(value: object) -> bool:
    """Whether a container holds something that is no plain data: what is lazy, a step or a function."""
    if isinstance(value, list | tuple):
        return any(_holds(item) for item in value)
    if isinstance(value, dict):
        return any(_holds(item) for item in value.values())
    return isinstance(value, Lazy) or callable(value)
