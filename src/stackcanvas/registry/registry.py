"""The registry block: what code and doors call."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import polars as pl
from blake3 import blake3

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import BadInput, NotFound, Refused
from stackcanvas.metadata import Recording, Ref, Spine
from stackcanvas.registry.files import ModelFiles, Verification
from stackcanvas.registry.formats.base import Exported, LoadedModel
from stackcanvas.registry.formats.open import exporter, loader
from stackcanvas.registry.gate import GateResult, Rule, Scores, judge
from stackcanvas.registry.numbering import next_version
from stackcanvas.registry.policy import Policy
from stackcanvas.registry.signature import Signature
from stackcanvas.registry.versions import ModelVersion, RegisteredModel, Versions, check_alias
from stackcanvas.statistics import Profile

PROFILE = "profile.json"


class Registry:
    """Model versions: immutable, with digest, signature, lineage, aliases and semantic version numbers.

    Args:
        spine: records, lineage, events, audit.
        objects: where the files of models lie.
        policy: what every registration of a model must keep to, by the model's name.
    """

    def __init__(self, spine: Spine, objects: Objects, policy: Callable[[str], Policy]) -> None:
        self._spine = spine
        self._files = ModelFiles(objects)
        self._versions = Versions(spine)
        self.policy = policy

    def register(
        self,
        name: str,
        model: object,
        *,
        sample: pl.DataFrame,
        format: str = "onnx",  # noqa: A002 - the word of the canvas
        run: Ref | None = None,
        training: Ref | None = None,
        metrics: Mapping[str, float] | None = None,
        gate: GateResult | None = None,
        profile: Profile | None = None,
        message: str = "",
    ) -> ModelVersion:
        """Make a new version; a model that was registered from the same run and data already is given back.

        Args:
            name: of the model.
            model: a fitted scikit-learn estimator or pipeline, or ONNX bytes.
            sample: features as trained on; the signature is inferred from them and the kept form validated on them.
            format: how it is kept.
            run: the run that trained it.
            training: the data version it was trained on, with its number.
            metrics: what it was judged by; those of the gate are added.
            gate: the answer of `gate`, when it was asked.
            profile: of the training data; that of the sample unless given.
            message: why, in a few words.

        Raises:
            Refused: the gate or the policy says no, or the kept form gives other answers than the model.
            BadInput: the model or the sample cannot be used.
            NotFound: the run or the training data are not recorded, or the format is not known.
        """
        subject = Ref("model", name)
        measured = dict(metrics or {})
        if gate is not None:
            measured |= {check.metric: check.candidate for check in gate.checks if check.candidate is not None}
        with self._spine.record("registry.register", subject=subject, parameters={"format": format}) as recording:
            for ref, role in ((run, "run"), (training, "training")):
                if ref is not None:
                    recording.used(ref, role)
            policy = self.policy(name)
            self._require(policy, run, training, gate=gate, metrics=measured)
            exported = exporter(format)(model, sample, tolerance=policy.tolerance)
            kept = self._kept(name, format, exported, profile or Profile.of_arrow(sample.to_arrow()))
            given = replace(kept, run=run, training=training, metrics=measured, gate=gate, message=message)
            return self._add(recording, given)

    def gate(
        self,
        name: str,
        candidate: Scores,
        *,
        champion: Scores | None = None,
        rules: Sequence[Rule] | None = None,
        seed: int = 0,
    ) -> GateResult:
        """Ask whether a candidate may become a version of the model; the answer goes into the audit log.

        Args:
            name: of the model.
            candidate: how it did on rows that it was not trained on.
            champion: how the one in use did on the same rows; None when there is none.
            rules: what is asked; the rules of the policy unless given.
            seed: for the bootstrap.
        """
        result = judge(self.policy(name).rules if rules is None else rules, candidate, champion=champion, seed=seed)
        with self._spine.write() as tx:
            self._spine.audit.add(tx, "model.gate", Ref("model", name), result.to_json())
        return result

    def get(self, ref: Ref | str) -> ModelVersion:
        """The version that a ref names: `delay`, `delay@3`, `delay@v1.2.0`, `delay@champion`.

        Raises:
            NotFound: the model or the version does not exist.
        """
        with self._spine.read() as connection:
            return self._versions.get(connection, _ref(ref))

    def has(self, ref: Ref | str) -> bool:
        """Whether the version that a ref names exists."""
        try:
            self.get(ref)
        except NotFound:
            return False
        return True

    def ls(self) -> list[RegisteredModel]:
        """Every model, by name."""
        with self._spine.read() as connection:
            return self._versions.ls(connection)

    def versions(self, name: str) -> list[ModelVersion]:
        """The versions of a model, newest first.

        Raises:
            NotFound: there is no such model.
        """
        with self._spine.read() as connection:
            self._versions.get(connection, Ref("model", name))
            return self._versions.find(connection, name)

    def alias(self, ref: Ref | str, alias: str) -> ModelVersion:
        """Let an alias name a version, whatever it named before.

        Raises:
            NotFound: the version does not exist.
            BadInput: the alias would be read as a number or a version number.
        """
        check_alias(alias)
        with self._spine.write() as tx:
            found = self._versions.get(tx, _ref(ref))
            self._versions.set_alias(tx, found.name, alias, found.number)
            self._spine.audit.add(tx, "model.alias", found.ref, {"alias": alias})
            return self._versions.get(tx, found.ref)

    def unalias(self, name: str, alias: str) -> None:
        """Take an alias away.

        Raises:
            NotFound: the model has no such alias.
        """
        with self._spine.write() as tx:
            self._versions.drop_alias(tx, name, alias)
            self._spine.audit.add(tx, "model.unalias", Ref("model", name), {"alias": alias})

    def files(self, ref: Ref | str) -> dict[str, bytes]:
        """The files of a version, checked against their digests.

        Raises:
            Corrupt: a file is missing or altered.
        """
        found = self.get(ref)
        return {file: self._files.read(found, file) for file in found.files}

    def file(self, ref: Ref | str, name: str) -> bytes:
        """One file of a version, checked against its digest.

        Raises:
            NotFound: the version has no such file.
            Corrupt: the file is missing or altered.
        """
        found = self.get(ref)
        if name not in found.files:
            raise NotFound("file", name, known=found.files, where=str(found.ref))
        return self._files.read(found, name)

    def profile(self, ref: Ref | str) -> Profile:
        """The profile of the data that a version was trained on."""
        return Profile.from_json(self.file(ref, PROFILE).decode())

    def load(self, ref: Ref | str) -> LoadedModel:
        """A version that can predict here."""
        found = self.get(ref)
        return loader(found.format)(self.files(found.ref), found.signature)

    def verify(self, ref: Ref | str | None = None) -> list[Verification]:
        """Read the files of a version, or of all versions, and compare them with their digests."""
        if ref is not None:
            chosen = [self.get(ref)]
        else:
            chosen = [version for model in self.ls() for version in self.versions(model.name)]
        return [self._files.verify(version) for version in chosen]

    def _require(
        self,
        policy: Policy,
        run: Ref | None,
        training: Ref | None,
        *,
        gate: GateResult | None,
        metrics: Mapping[str, float],
    ) -> None:
        """Hold the registration against the policy."""
        reasons = policy.against(run=run, training=training, gate=gate, metrics=metrics)
        if reasons:
            raise Refused(f"the model is not registered: {'; '.join(reasons)}")
        if run is not None:
            self._spine.executions.get(run.name)
        if training is not None:
            if training.kind != "data" or training.number is None:
                raise BadInput(
                    f"the training data are given as {training}", expected="a pinned ref such as data:rows@3"
                )
            if self._spine.artifacts.get(training) is None:
                raise NotFound("data version", f"{training.name}@{training.number}")

    def _kept(self, name: str, format: str, exported: Exported, profile: Profile) -> ModelVersion:  # noqa: A002 - see above
        """The version with its files stored, before it has a number."""
        contents = {**exported.files, PROFILE: profile.to_json().encode()}
        files = {file: self._files.put(content) for file, content in sorted(contents.items())}
        return ModelVersion(
            name=name,
            number=0,
            version="",
            digest=_digest(format, exported.signature, files),
            format=format,
            signature=exported.signature,
            files=files,
            run=None,
            training=None,
            metrics={},
            gate=None,
            agreement=exported.agreement,
            message="",
            created=self._spine.clock.now(),
            actor=self._spine.actor.name,
        )

    def _add(self, recording: Recording, version: ModelVersion) -> ModelVersion:
        """Number a version and write it with lineage, audit and event, in one commit."""
        spine, versions = self._spine, self._versions
        with spine.write() as tx:
            for same in versions.find(tx, version.name, digest=version.digest):
                # A step that was interrupted after its registration and runs again must not register twice.
                if same.run is not None and (same.run, same.training) == (version.run, version.training):
                    recording.finish(tx)
                    return same
            last = versions.last(tx, version.name)
            numbered = replace(
                version,
                number=versions.next_number(tx, version.name),
                version=_number(last, version),
            )
            versions.add(tx, numbered)
            facts = {"version": numbered.version, "format": numbered.format, "metrics": dict(numbered.metrics)}
            spine.artifacts.add(tx, numbered.ref, digest=numbered.digest, execution=recording.id, facts=facts)
            spine.events.emit(tx, "model.registered", numbered.ref, facts)
            spine.audit.add(tx, "model.registered", numbered.ref, {"digest": numbered.digest})
            recording.made(numbered.ref, "model")
            recording.finish(tx)
        return numbered


def _ref(ref: Ref | str) -> Ref:
    return ref if isinstance(ref, Ref) else Ref.parse(ref, kind="model")


def _number(last: ModelVersion | None, new: ModelVersion) -> str:
    if last is None:
        return next_version(None, same_signature=False, same_origin=False)
    origin = (new.run, new.training)
    again = any(origin) and (last.run, last.training) == origin
    return next_version(last.version, same_signature=last.signature == new.signature, same_origin=again)


def _digest(format: str, signature: Signature, files: Mapping[str, str]) -> str:  # noqa: A002 - the word of the canvas
    """Of all that makes a version behave as it does."""
    whole = {"format": format, "signature": signature.to_json(), "files": dict(files)}
    return blake3(json.dumps(whole, sort_keys=True).encode()).hexdigest()
