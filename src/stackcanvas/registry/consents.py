"""Consents: what people with a name of their own have agreed to, for one version and its very bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from stackcanvas.errors import BadInput, Refused
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry.tables import model_consent
from stackcanvas.registry.versions import ModelVersion

REGISTER, DEPLOY, DELETE, PYTHON = "register", "deploy", "delete", "python"
ACTIONS = (REGISTER, DEPLOY, DELETE, PYTHON)


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody agreed.

    Args:
        action: to what: `register`, `deploy`, `delete`, or `python` to run its Python code.
        digest: of the version as it was then.
    """

    ref: Ref
    action: str
    actor: str
    digest: str
    note: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """How many must agree, and who may.

    Args:
        minimum: how many.
        role: what they must be.
        people: who has the role; None when nobody is named and any verified actor may.
        where: the line of the canvas that asks.
    """

    minimum: int = 1
    role: str = "approver"
    people: frozenset[str] | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a version is from what is asked for an action.

    Args:
        given: who agreed, and counts.
        missing: how many more must.
    """

    action: str
    given: tuple[str, ...]
    missing: int
    asked: Asked = field(default_factory=Asked)

    def sentence(self, ref: Ref) -> str:
        """What is missing."""
        have = f"; {', '.join(self.given)} did" if self.given else ""
        what = f"that the Python code of {ref} runs" if self.action == PYTHON else f"to {self.action} {ref}"
        return f"{self.missing} more {self.asked.role} must agree {what}{have}"


class Consents:
    """Gives consents and tells whether enough are there."""

    def __init__(self, spine: Spine) -> None:
        self._spine = spine

    def give(self, tx: Connection, version: ModelVersion, action: str, *, asked: Asked | None, note: str) -> None:
        """Record that the actor agrees.

        Raises:
            BadInput: there is no such action.
            Refused: nobody made sure who the actor is, or the actor may not agree to it.
        """
        if action not in ACTIONS:
            raise BadInput(f"{action!r} is nothing to agree to", expected=", ".join(ACTIONS))
        actor = self._spine.actor
        if not actor.verified:
            raise Refused(
                f"nobody has made sure that this is {actor.name}, so it cannot be a consent",
                fix="Consent over a served stack, with a token of your own",
            )
        if asked is not None and asked.people is not None and actor.name not in asked.people:
            raise Refused(f"{actor.name} is no {asked.role}", where=asked.where or None)
        if actor.name == version.actor and action != PYTHON:
            raise Refused(f"{actor.name} registered {version.ref}, and another person must agree")
        facts = {"digest": version.digest, "verified": True, "note": note, "time": self._spine.clock.now()}
        new = self._spine.database.insert(model_consent).values(
            name=version.name, number=version.number, action=action, actor=actor.name, **facts
        )
        # Who agrees once more without a word does not take back what was said.
        again = facts if note else {name: value for name, value in facts.items() if name != "note"}
        tx.execute(new.on_conflict_do_update(index_elements=list(model_consent.primary_key.columns), set_=again))
        self._spine.audit.add(tx, "model.consent", version.ref, {"to": action, "digest": version.digest, "note": note})

    def of(self, connection: Connection, version: ModelVersion) -> list[Consent]:
        """What was agreed to, the oldest first."""
        chosen = select(model_consent).where(
            model_consent.c.name == version.name, model_consent.c.number == version.number
        )
        rows = connection.execute(chosen.order_by(model_consent.c.time, model_consent.c.actor)).all()
        return [Consent(version.ref, row.action, row.actor, row.digest, row.note, row.time) for row in rows]

    def standing(self, connection: Connection, version: ModelVersion, asked: Mapping[str, Asked]) -> list[Standing]:
        """For each action for which consent is asked, who gave it and how many are missing."""
        given = [one for one in self.of(connection, version) if one.digest == version.digest]
        found = []
        for action, one in asked.items():
            who = tuple(
                consent.actor
                for consent in given
                if consent.action == action and (one.people is None or consent.actor in one.people)
            )
            found.append(Standing(action, who, max(0, one.minimum - len(who)), one))
        return found
