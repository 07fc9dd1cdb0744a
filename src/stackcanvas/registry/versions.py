"""Model versions and aliases as rows: found by number, semantic version, alias or stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from stackcanvas.backends.database import Ready
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry.formats.base import Agreement
from stackcanvas.registry.gate import GateResult
from stackcanvas.registry.numbering import is_semantic
from stackcanvas.registry.signature import Signature
from stackcanvas.registry.stages import NO_STAGE, STAGES
from stackcanvas.registry.tables import model, model_alias, model_version, model_version_tag

LATEST = "latest"
# Made once: putting a statement together takes longer than executing it.
_OF_MODEL = model_version.c.name == bindparam("which")
_AT = (_OF_MODEL, model_version.c.number == bindparam("at"))
_KNOWN = Ready(select(model_version.c.number).where(*_AT), ("which", "at"))
_ONE = Ready(select(model_version).where(*_AT), ("which", "at"))
_ORIGIN = Ready(
    select(model_version.c.signature, model_version.c.run, model_version.c.training)
    .where(_OF_MODEL)
    .order_by(model_version.c.number.desc())
    .limit(1),
    ("which",),
)
_ALIASED = Ready(
    select(model_alias.c.number).where(
        model_alias.c.name == bindparam("which"), model_alias.c.alias == bindparam("alias")
    ),
    ("which", "alias"),
)
_ALIASES = Ready(
    select(model_alias.c.alias)
    .where(model_alias.c.name == bindparam("which"), model_alias.c.number == bindparam("at"))
    .order_by(model_alias.c.alias),
    ("which", "at"),
)
_TAGS = Ready(
    select(model_version_tag.c.key, model_version_tag.c.value)
    .where(model_version_tag.c.name == bindparam("which"), model_version_tag.c.number == bindparam("at"))
    .order_by(model_version_tag.c.key),
    ("which", "at"),
)
_ADD = Ready(model_version.insert(), tuple(model_version.c.keys()))
_ADD_TAG = Ready(model_version_tag.insert(), tuple(model_version_tag.c.keys()))
_BATCH = 400  # names in one IN: databases take a few hundred variables a statement without thinking twice


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model version; what it is never changes, only what is said of it.

    Args:
        number: its identity within the model: 1, 2, 3, ...
        version: its semantic version number.
        digest: of files, signature and format together; empty when the stack does not hold its files.
        files: name -> digest of the bytes; none when the model lies elsewhere.
        size_bytes: of all files.
        environment: the Python and the packages that it needs, as `python` and `requirements`.
        runtime: what its format must know to load it: `file`, and how the answers are meant.
        run: the run that trained it.
        training: the version of the data that it was trained on.
        gate: the answer of the gate, where it was asked.
        agreement: how well the kept form agrees with the model that was given.
        source: the address that a client registered it from.
        storage: where the files lie when they are not held here.
        run_link: a page about the run, as a client gave it.
        message: what it is, in a few words; may be changed.
        stage: one of MLflow's stages; may be changed.
    """

    name: str
    number: int
    version: str
    digest: str
    format: str
    signature: Signature
    files: Mapping[str, str]
    size_bytes: int
    environment: Mapping[str, Any]
    runtime: Mapping[str, Any]
    run: Ref | None
    training: Ref | None
    metrics: Mapping[str, float]
    gate: GateResult | None
    agreement: Agreement | None
    created: datetime
    updated: datetime
    actor: str
    message: str | None = ""
    stage: str = NO_STAGE
    source: str | None = None
    storage: str | None = None
    run_link: str | None = None
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        """Pinned: with the number."""
        return Ref("model", self.name, str(self.number))

    @property
    def is_held(self) -> bool:
        """Whether the stack holds its files; without them it can be neither loaded nor deployed."""
        return bool(self.files)

    def to_dict(self) -> dict[str, Any]:
        """The version as programs read it."""
        facts = {one.name: getattr(self, one.name) for one in fields(self)}
        gate = None if self.gate is None else self.gate.to_json()
        return {"ref": str(self.ref), **facts, "signature": self.signature.to_json(), "gate": gate}


class Versions:
    """Reads and writes the rows of versions and aliases."""

    def __init__(self, spine: Spine) -> None:
        self._spine = spine
        # Made once: putting an upsert together takes longer than executing it.
        new = spine.database.insert(model_alias)
        changed = {name: new.excluded[name] for name in ("number", "changed", "actor")}
        changing = new.on_conflict_do_update(index_elements=[model_alias.c.name, model_alias.c.alias], set_=changed)
        self._set_alias = Ready(changing, tuple(model_alias.c.keys()))

    def add(self, tx: Connection, version: ModelVersion) -> None:
        """Write a version inside the caller's transaction."""
        facts = {
            "name": version.name,
            "number": version.number,
            "version": version.version,
            "digest": version.digest,
            "format": version.format,
            "signature": version.signature.to_json(),
            "files": dict(version.files),
            "size_bytes": version.size_bytes,
            "environment": dict(version.environment),
            "runtime": dict(version.runtime),
            "run": None if version.run is None else str(version.run),
            "training": None if version.training is None else str(version.training),
            "metrics": dict(version.metrics),
            "gate": None if version.gate is None else version.gate.to_json(),
            "agreement": None if version.agreement is None else _agreement_json(version.agreement),
            "source": version.source,
            "storage": version.storage,
            "run_link": version.run_link,
            "message": version.message,
            "stage": version.stage,
            "created": version.created,
            "updated": version.updated,
            "actor": version.actor,
        }
        _ADD.run(tx, [facts])
        if version.tags:
            tags = [
                {"name": version.name, "number": version.number, "key": key, "value": value}
                for key, value in version.tags.items()
            ]
            _ADD_TAG.run(tx, tags)

    def last(self, connection: Connection, name: str) -> ModelVersion | None:
        """The version with the greatest number."""
        found = self.find(connection, name, limit=1)
        return found[0] if found else None

    def find(
        self,
        connection: Connection,
        name: str,
        *,
        limit: int | None = None,
        digest: str | None = None,
        version: str | None = None,
        stage: str | None = None,
    ) -> list[ModelVersion]:
        """Versions of a model, newest first."""
        chosen = select(model_version).where(model_version.c.name == name).order_by(model_version.c.number.desc())
        wanted: dict[str, object] = {"digest": digest, "version": version, "stage": stage}
        for column, value in wanted.items():
            if value is not None:
                chosen = chosen.where(model_version.c[column] == value)
        return self.full(connection, connection.execute(chosen.limit(limit)).mappings().all())

    def full(self, connection: Connection, rows: Iterable[Mapping[Any, Any]]) -> list[ModelVersion]:
        """Rows of the table as versions, with their aliases and tags."""
        found = [dict(row) for row in rows]
        names = sorted({row["name"] for row in found})
        only = found[0]["number"] if len(found) == 1 else None
        aliases: dict[tuple[str, int], list[str]] = {}
        tags: dict[tuple[str, int], dict[str, str]] = {}
        for start in range(0, len(names), _BATCH):
            part = names[start : start + _BATCH]
            given = select(model_alias).where(model_alias.c.name.in_(part)).order_by(model_alias.c.alias)
            tagged = (
                select(model_version_tag).where(model_version_tag.c.name.in_(part)).order_by(model_version_tag.c.key)
            )
            if only is not None:
                given = given.where(model_alias.c.number == only)
                tagged = tagged.where(model_version_tag.c.number == only)
            for row in connection.execute(given):
                aliases.setdefault((row.name, row.number), []).append(row.alias)
            for row in connection.execute(tagged):
                tags.setdefault((row.name, row.number), {})[row.key] = row.value
        keys = [(row["name"], row["number"]) for row in found]
        return [_version(row, aliases.get(key, ()), tags.get(key, {})) for row, key in zip(found, keys, strict=True)]

    def get(self, connection: Connection, ref: Ref) -> ModelVersion:
        """The version that a ref names: by number, `vX.Y.Z`, alias, stage, or the newest.

        Raises:
            NotFound: the model or the version does not exist.
        """
        selector = ref.selector
        if selector is None or selector == LATEST:
            found = self.find(connection, ref.name, limit=1)
        elif ref.number is not None:
            found = self._at(connection, ref.name, ref.number)
        elif is_semantic(selector):
            found = self.find(connection, ref.name, version=selector[1:])
        else:
            found = self._named(connection, ref.name, selector)
        if found:
            return found[0]
        if not self._exists(connection, ref.name):
            known = connection.execute(select(model.c.name).order_by(model.c.name).limit(1000)).scalars().all()
            raise NotFound("model", ref.name, known=known, fix="`stackcanvas models ls` lists them")
        if selector is None or selector == LATEST:
            raise NotFound("version of the model", ref.name, fix="It is registered without any version")
        raise NotFound(
            f"version of the model {ref.name}",
            str(selector),
            known=self.aliases(connection, ref.name),
            fix=f"`stackcanvas models versions {ref.name}` lists them",
        )

    @staticmethod
    def has(connection: Connection, name: str, number: int) -> bool:
        """Whether a model has a version of that number."""
        return _KNOWN.first(connection, {"which": name, "at": number}) is not None

    def require(self, connection: Connection, name: str, number: int) -> None:
        """Refuse a version that does not exist, without reading it.

        Raises:
            NotFound: the model or the version does not exist.
        """
        if not self.has(connection, name, number):
            self.get(connection, Ref("model", name, str(number)))

    def origin(self, connection: Connection, name: str) -> tuple[object, ...] | None:
        """What the next number depends on: signature, run and training data of the newest version."""
        return _ORIGIN.first(connection, {"which": name})

    def set_alias(self, tx: Connection, name: str, alias: str, number: int) -> None:
        """Let an alias name a version, whatever it named before."""
        facts = {"changed": self._spine.clock.now(), "actor": self._spine.actor.name}
        self._set_alias.run(tx, [{"name": name, "alias": alias, "number": number, **facts}])

    def drop_alias(self, tx: Connection, name: str, alias: str) -> bool:
        """Take an alias away; whether there was one."""
        gone = delete(model_alias).where(model_alias.c.name == name, model_alias.c.alias == alias)
        return tx.execute(gone).rowcount > 0

    def aliased(self, connection: Connection, name: str, alias: str) -> int | None:
        """The number of the version that an alias names."""
        found = _ALIASED.first(connection, {"which": name, "alias": alias})
        return None if found is None else int(found[0])

    def aliases(self, connection: Connection, name: str) -> dict[str, int]:
        """Alias -> number of the version."""
        chosen = select(model_alias.c.alias, model_alias.c.number).where(model_alias.c.name == name)
        return {row.alias: row.number for row in connection.execute(chosen.order_by(model_alias.c.alias))}

    def _named(self, connection: Connection, name: str, selector: str) -> list[ModelVersion]:
        number = self.aliased(connection, name, selector)
        if number is not None:
            return self._at(connection, name, number)
        # A stage names the newest version in it, where no alias of that name says otherwise.
        stage = STAGES.get(selector.lower())
        return [] if stage in {None, NO_STAGE} else self.find(connection, name, stage=stage, limit=1)

    @staticmethod
    def _at(connection: Connection, name: str, number: int) -> list[ModelVersion]:
        at = {"which": name, "at": number}
        row = _ONE.first(connection, at)
        if row is None:
            return []
        aliases = [alias for (alias,) in _ALIASES.all(connection, at)]
        facts = dict(zip(model_version.c.keys(), row, strict=True))
        return [_version(facts, aliases, dict(_TAGS.all(connection, at)))]

    @staticmethod
    def _exists(connection: Connection, name: str) -> bool:
        return connection.execute(select(model.c.name).where(model.c.name == name)).first() is not None


def check_alias(alias: str) -> None:
    """Refuse an alias that would be read as something else.

    Raises:
        BadInput: it looks like a number, a version number or the newest version.
        Conflict: it is reserved.
    """
    if alias.lower() == LATEST:
        raise Conflict(f"{alias!r} always names the newest version", fix="Choose another alias")
    if not alias or alias.isdigit() or is_semantic(alias) or "@" in alias or not alias.isprintable() or " " in alias:
        raise BadInput(f"{alias!r} cannot be an alias", expected="a word such as champion")


def _agreement_json(agreement: Agreement) -> dict[str, object]:
    return {"rows": agreement.rows, "worst": agreement.worst, "tolerance": agreement.tolerance}


def _version(row: dict[str, Any], aliases: Sequence[str], tags: Mapping[str, str]) -> ModelVersion:
    return ModelVersion(
        **{
            **row,
            "signature": Signature.from_json(row["signature"]),
            "run": row["run"] and Ref.parse(row["run"]),
            "training": row["training"] and Ref.parse(row["training"]),
            "gate": row["gate"] and GateResult.from_json(row["gate"]),
            "agreement": row["agreement"] and Agreement(**row["agreement"]),
        },
        aliases=tuple(aliases),
        tags=tags,
    )
