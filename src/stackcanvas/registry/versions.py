"""Model versions and aliases as rows: written once, found by number, semantic version or alias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.metadata import Ref, Spine
from stackcanvas.metadata.counters import take
from stackcanvas.registry.formats.base import Agreement
from stackcanvas.registry.gate import GateResult
from stackcanvas.registry.numbering import is_semantic
from stackcanvas.registry.signature import Signature
from stackcanvas.registry.tables import model_alias, model_version

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model version; all but its aliases never changes.

    Args:
        number: its identity within the model: 1, 2, 3, ...
        version: its semantic version number.
        digest: of files, signature and format together.
        files: name -> digest of the bytes.
        run: the run that trained it.
        training: the version of the data that it was trained on.
        gate: the answer of the gate, where it was asked.
        agreement: how well the kept form agrees with the model that was given.
    """

    name: str
    number: int
    version: str
    digest: str
    format: str
    signature: Signature
    files: Mapping[str, str]
    run: Ref | None
    training: Ref | None
    metrics: Mapping[str, float]
    gate: GateResult | None
    agreement: Agreement | None
    message: str
    created: datetime
    actor: str
    aliases: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        """Pinned: with the number."""
        return Ref("model", self.name, str(self.number))

    def to_dict(self) -> dict[str, Any]:
        """The version as programs read it."""
        facts = {one.name: getattr(self, one.name) for one in fields(self)}
        gate = None if self.gate is None else self.gate.to_json()
        return {"ref": str(self.ref), **facts, "signature": self.signature.to_json(), "gate": gate}


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model with its versions, in short.

    Args:
        latest: the newest version.
        aliases: alias -> number of the version.
    """

    name: str
    versions: int
    latest: ModelVersion
    aliases: Mapping[str, int]


class Versions:
    """Reads and writes the rows of the registry."""

    def __init__(self, spine: Spine) -> None:
        self._spine = spine

    def next_number(self, tx: Connection, name: str) -> int:
        """The number of the next version; others who register the model wait until the transaction ends."""
        return take(self._spine.database, tx, f"model:{name}")

    def add(self, tx: Connection, version: ModelVersion) -> None:
        """Write a version inside the caller's transaction."""
        tx.execute(
            model_version.insert().values(
                name=version.name,
                number=version.number,
                version=version.version,
                digest=version.digest,
                format=version.format,
                signature=version.signature.to_json(),
                files=dict(version.files),
                run=None if version.run is None else str(version.run),
                training=None if version.training is None else str(version.training),
                metrics=dict(version.metrics),
                gate=None if version.gate is None else version.gate.to_json(),
                agreement=None if version.agreement is None else _agreement_json(version.agreement),
                message=version.message,
                created=version.created,
                actor=version.actor,
            )
        )

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
        number: int | None = None,
        digest: str | None = None,
        version: str | None = None,
    ) -> list[ModelVersion]:
        """Versions of a model, newest first."""
        chosen = select(model_version).where(model_version.c.name == name).order_by(model_version.c.number.desc())
        wanted: dict[str, object] = {"number": number, "digest": digest, "version": version}
        for column, value in wanted.items():
            if value is not None:
                chosen = chosen.where(model_version.c[column] == value)
        rows = connection.execute(chosen.limit(limit)).mappings().all()
        aliases = self._aliases(connection, name)
        return [_version(dict(row), [alias for alias, at in aliases.items() if at == row["number"]]) for row in rows]

    def get(self, connection: Connection, ref: Ref) -> ModelVersion:
        """The version that a ref names: by number, `vX.Y.Z`, alias, or the newest.

        Raises:
            NotFound: the model or the version does not exist.
        """
        selector = ref.selector
        if selector is None or selector == LATEST:
            found = self.find(connection, ref.name, limit=1)
        elif ref.number is not None:
            found = self.find(connection, ref.name, number=ref.number)
        elif is_semantic(selector):
            found = self.find(connection, ref.name, version=selector[1:])
        else:
            number = self._aliases(connection, ref.name).get(selector)
            found = [] if number is None else self.find(connection, ref.name, number=number)
        if found:
            return found[0]
        if self.last(connection, ref.name) is None:
            known = connection.execute(select(model_version.c.name).distinct()).scalars().all()
            raise NotFound("model", ref.name, known=known, fix="`stackcanvas models ls` lists them")
        raise NotFound(
            f"version of the model {ref.name}",
            str(selector),
            known=self._aliases(connection, ref.name),
            fix=f"`stackcanvas models versions {ref.name}` lists them",
        )

    def ls(self, connection: Connection) -> list[RegisteredModel]:
        """Every model, by name."""
        counted = select(model_version.c.name, func.count().label("versions")).group_by(model_version.c.name)
        models = []
        for row in connection.execute(counted.order_by(model_version.c.name)).all():
            latest = self.find(connection, row.name, limit=1)[0]
            models.append(RegisteredModel(row.name, row.versions, latest, self._aliases(connection, row.name)))
        return models

    def set_alias(self, tx: Connection, name: str, alias: str, number: int) -> None:
        """Let an alias name a version, whatever it named before."""
        values = {"number": number, "changed": self._spine.clock.now(), "actor": self._spine.actor.name}
        new = self._spine.database.insert(model_alias).values(name=name, alias=alias, **values)
        tx.execute(new.on_conflict_do_update(index_elements=[model_alias.c.name, model_alias.c.alias], set_=values))

    def drop_alias(self, tx: Connection, name: str, alias: str) -> None:
        """Take an alias away.

        Raises:
            NotFound: the model has no such alias.
        """
        gone = delete(model_alias).where(model_alias.c.name == name, model_alias.c.alias == alias)
        if not tx.execute(gone).rowcount:
            raise NotFound(f"alias of the model {name}", alias, known=self._aliases(tx, name))

    def _aliases(self, connection: Connection, name: str) -> dict[str, int]:
        chosen = select(model_alias.c.alias, model_alias.c.number).where(model_alias.c.name == name)
        return {row.alias: row.number for row in connection.execute(chosen.order_by(model_alias.c.alias))}


def check_alias(alias: str) -> None:
    """Refuse an alias that would be read as something else.

    Raises:
        BadInput: it looks like a number, a version number or the newest version.
        Conflict: it is reserved.
    """
    if alias == LATEST:
        raise Conflict(f"{LATEST!r} always names the newest version", fix="Choose another alias")
    if not alias or alias.isdigit() or is_semantic(alias) or "@" in alias or not alias.isprintable() or " " in alias:
        raise BadInput(f"{alias!r} cannot be an alias", expected="a word such as champion")


def _agreement_json(agreement: Agreement) -> dict[str, object]:
    return {"rows": agreement.rows, "worst": agreement.worst, "tolerance": agreement.tolerance}


def _version(row: dict[str, Any], aliases: Sequence[str]) -> ModelVersion:
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
    )
