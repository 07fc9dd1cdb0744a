"""What may be done with a version: whether its files are here, and whether the people who must agree did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from stackcanvas.errors import Refused
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry.consents import PYTHON, Asked, Consent, Consents, Standing
from stackcanvas.registry.formats.open import RUNS_PYTHON
from stackcanvas.registry.policy import Policy
from stackcanvas.registry.versions import ModelVersion, Versions


class Agreements:
    """Takes consents, and refuses what lacks them."""

    def __init__(self, spine: Spine, versions: Versions, *, policy: Callable[[str], Policy]) -> None:
        self._spine = spine
        self._versions = versions
        self._consents = Consents(spine)
        self._policy = policy

    def give(self, ref: Ref | str, action: str, *, note: str = "") -> list[Standing]:
        """Agree that something may be done with a version.

        Args:
            ref: the version.
            action: `register`, `deploy`, `delete`, or `python` to let its Python code run.
            note: why.

        Returns:
            Who agreed so far, and how many must still.

        Raises:
            Refused: nobody made sure who the actor is, or the actor may not agree to it.
        """
        with self._spine.write() as tx:
            found = self._versions.get(tx, Ref.parse(str(ref), kind="model"))
            asked = self._asked(found)
            self._consents.give(tx, found, action, asked=asked.get(action), note=note)
            return self._consents.standing(tx, found, asked)

    def of(self, ref: Ref | str) -> list[Consent]:
        """What was agreed to about a version, the oldest first."""
        with self._spine.read() as connection:
            return self._consents.of(connection, self._versions.get(connection, Ref.parse(str(ref), kind="model")))

    def standing(self, ref: Ref | str) -> list[Standing]:
        """For each thing that people must agree to: who did, and how many are missing."""
        with self._spine.read() as connection:
            return self.standing_of(connection, self._versions.get(connection, Ref.parse(str(ref), kind="model")))

    def standing_of(self, connection: Connection, version: ModelVersion) -> list[Standing]:
        """The same, inside a transaction."""
        return self._consents.standing(connection, version, self._asked(version))

    def require(self, ref: Ref | str, *actions: str) -> ModelVersion:
        """Refuse a version that the stack does not hold, or that people have not agreed to yet.

        Raises:
            NotFound: there is no such version.
            Refused: with every reason.
        """
        with self._spine.read() as connection:
            found = self._versions.get(connection, Ref.parse(str(ref), kind="model"))
            standing = self.standing_of(connection, found) if actions else []
        if not found.is_held:
            raise Refused(
                f"{found.ref} is only a pointer to {found.source or 'files elsewhere'}",
                fix="Log the model to this server and register that",
            )
        waiting = [one for one in standing if one.action in actions and one.missing]
        if waiting:
            first = waiting[0]
            command = f"stackcanvas models consent {found.name}@{found.number} {first.action}"
            raise Refused(
                "; ".join(one.sentence(found.ref) for one in waiting),
                where=first.asked.where or None,
                fix=f"One {first.asked.role} can: `{command}`",
            )
        return found

    def _asked(self, version: ModelVersion) -> dict[str, Asked]:
        """The consents that a version needs; Python code needs one unless the canvas lets all of it run."""
        policy = self._policy(version.name)
        asked = dict(policy.consents)
        if version.format in RUNS_PYTHON and not policy.allows_python:
            # Whoever may let a version go live may let its code run, unless the canvas names nobody.
            deployers = policy.consents.get("deploy", Asked())
            asked[PYTHON] = replace(deployers, minimum=1, where=policy.places.get("allows_python", ""))
        return asked
