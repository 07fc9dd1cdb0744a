"""The registry block: what code and doors call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import BadInput, NotFound, Refused
from stackcanvas.metadata import Recording, Ref, Spine
from stackcanvas.registry import extras
from stackcanvas.registry.agreements import Agreements
from stackcanvas.registry.catalog import Catalog, RegisteredModel
from stackcanvas.registry.changes import Changes, Uses, no_uses
from stackcanvas.registry.consents import PYTHON
from stackcanvas.registry.entering import found_in, measured, ref_of, rows_of, unnumbered
from stackcanvas.registry.files import ModelFiles, Verification
from stackcanvas.registry.folders import Folder, Found, read_folder
from stackcanvas.registry.formats.base import Exported, LoadedModel
from stackcanvas.registry.formats.environment import needed
from stackcanvas.registry.formats.open import exporter, loader
from stackcanvas.registry.gate import GateResult, Rule, Scores, judge
from stackcanvas.registry.mlfolder import folder_files
from stackcanvas.registry.numbering import next_version
from stackcanvas.registry.policy import Policy
from stackcanvas.registry.search import Search
from stackcanvas.registry.taking import Taking
from stackcanvas.registry.versions import ModelVersion, Versions
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    import polars as pl

    from stackcanvas.registry.signing import SignatureCheck

PROFILE = "profile.json"
EXAMPLE = "input_example.json"
_EXAMPLE_ROWS = 5


class Registry:
    """Model versions: immutable, with digest, signature, lineage, aliases and semantic version numbers.

    Args:
        spine: records, lineage, events, audit.
        objects: where the files of models lie.
        policy: what every registration of a model must keep to, by the model's name.
        uses: what answers with a version, so that nobody deletes it unawares.
    """

    def __init__(
        self, spine: Spine, objects: Objects, policy: Callable[[str], Policy], *, uses: Uses = no_uses
    ) -> None:
        self._spine = spine
        self._files = ModelFiles(objects)
        self._versions = Versions(spine)
        self._catalog = Catalog(spine, self._versions)
        self.consents = Agreements(spine, self._versions, policy=policy)
        self.search = Search(spine, self._catalog, self._versions)
        self.changes = Changes(spine, self._catalog, self._versions, consents=self.consents, uses=uses)
        self.policy = policy
        self.taking = Taking(
            *(spine, self._catalog, self._versions, self._files),
            policy=policy,
            new=self._new,
            following=self._next,
        )

    def register(
        self,
        name: str,
        model: object,
        *,
        sample: Any,
        format: str = "onnx",  # noqa: A002 - the word of the canvas
        run: Ref | str | None = None,
        training: Ref | str | None = None,
        metrics: Mapping[str, float] | None = None,
        gate: GateResult | None = None,
        profile: Profile | None = None,
        message: str = "",
    ) -> ModelVersion:
        """Make a new version; a model that was registered from the same run and data already is given back.

        Args:
            name: of the model.
            model: a fitted scikit-learn estimator or pipeline, a LightGBM or XGBoost model, ONNX bytes, or a function.
            sample: features as trained on, a table of Polars, pandas or Arrow; the signature is inferred from them and
                the kept form validated on them.
            format: how it is kept: `onnx`, `lightgbm`, `xgboost`, `skops`, `sklearn` or `python`.
            run: the run that trained it.
            training: the data version it was trained on, with its number, such as `data:flights@3`.
            metrics: what it was judged by; those of the gate are added.
            gate: the answer of `gate`, when it was asked.
            profile: of the training data; that of the sample unless given.
            message: why, in a few words.

        Raises:
            Refused: the gate or the policy says no, or the kept form gives other answers than the model.
            BadInput: the model, the sample or a metric cannot be used.
            NotFound: the run or the training data are not recorded, or the format is not known.
        """
        subject = Ref("model", name)
        run, training = ref_of(run, "run"), ref_of(training, "data")
        rows, judged = rows_of(sample), measured(metrics, gate)
        with self._spine.record("registry.register", subject=subject, parameters={"format": format}) as recording:
            _link(recording, run, training)
            policy = self.policy(name)
            self._require(policy, run, training, gate=gate, metrics=judged)
            if run is not None:
                self._spine.executions.get(run.name)
            exported = exporter(format)(model, rows, tolerance=policy.tolerance)
            kept = self._kept(name, format, exported, sample=rows, profile=profile)
            given = replace(kept, run=run, training=training, metrics=judged, gate=gate, message=message)
            return self._add(recording, given)

    def enter(self, version: ModelVersion) -> ModelVersion:
        """Number a version that was made on another machine, whose files have been stored; `register` ends so.

        Raises:
            Refused: the policy says no, or the gate was not asked here.
            BadInput: a file is not there.
        """
        found = found_in(self._spine, self._files, version)
        said = {name: getattr(version, name) for name in ("run", "training", "metrics", "gate", "message")}
        subject, asked = Ref("model", version.name), {"format": version.format}
        of = version.run, version.training
        with self._spine.record("registry.register", subject=subject, parameters=asked) as recording:
            _link(recording, *of)
            self._require(self.policy(version.name), *of, gate=version.gate, metrics=version.metrics)
            made = replace(self._new(version.name, found), agreement=version.agreement, **said)
            return self._add(recording, made)

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

    def adopt(
        self,
        name: str,
        folder: Folder | None,
        *,
        source: str | None = None,
        storage: str | None = None,
        run: Ref | None = None,
        training: Ref | None = None,
        metrics: Mapping[str, float] | None = None,
        run_link: str | None = None,
        message: str | None = "",
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        """Make a new version of a model that a client of MLflow has logged.

        The files are copied: what is in the folder later changes nothing here.

        Args:
            name: of the model, which must exist.
            folder: where its files lie; None when they are out of reach, and the version is a mere pointer.
            source: the address that the client gave.
            storage: where a client finds files that are not held here.
            run: the run that trained it; one that is not recorded here is kept as a name and counts as none.
            training: the data version it was trained on, with its number.
            metrics: what it was judged by.
            run_link: a page about the run.
            message: what it is, in a few words.
            tags: key -> value.

        Raises:
            Refused: the policy says no.
            NotFound: there is no such model.
            BadInput: the folder's description cannot be read.
        """
        judged = measured(metrics, None)
        self._require(self.policy(name), self._recorded(run), training, gate=None, metrics=judged)
        found = read_folder(folder, self._files)
        version = replace(
            self._new(name, found),
            run=run,
            training=training,
            metrics=judged,
            message=message,
            source=source,
            storage=storage,
            run_link=run_link,
            tags=tags or {},
        )
        with self._spine.write() as tx:
            return self._number(tx, version, execution=run.name if run is not None else None)

    def get(self, ref: Ref | str) -> ModelVersion:
        """The version that a ref names: `delay`, `delay@3`, `delay@v1.2.0`, `delay@champion`.

        Raises:
            NotFound: the model or the version does not exist.
        """
        with self._spine.read() as connection:
            return self._versions.get(connection, _ref(ref))

    def aliased(self, name: str, alias: str) -> ModelVersion | None:
        """The version that an alias names, None when the model has no such alias.

        Raises:
            NotFound: there is no such model.
        """
        with self._spine.read() as connection:
            self._catalog.require(connection, name)
            number = self._versions.aliased(connection, name, alias)
            return None if number is None else self._versions.get(connection, Ref("model", name, str(number)))

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
            return self._catalog.find(connection)

    def model(self, name: str) -> RegisteredModel:
        """One model.

        Raises:
            NotFound: there is none of that name.
        """
        with self._spine.read() as connection:
            self._catalog.require(connection, name)
            return self._catalog.find(connection, [name])[0]

    def versions(self, name: str) -> list[ModelVersion]:
        """The versions of a model, newest first.

        Raises:
            NotFound: there is no such model.
        """
        with self._spine.read() as connection:
            self._catalog.require(connection, name)
            return self._versions.find(connection, name)

    def alias(self, ref: Ref | str, alias: str) -> ModelVersion:
        """Let an alias name a version, whatever it named before.

        Raises:
            NotFound: the version does not exist.
            BadInput: the alias would be read as a number or a version number.
        """
        return self.changes.alias(_ref(ref), alias)

    def unalias(self, name: str, alias: str) -> None:
        """Take an alias away.

        Raises:
            NotFound: the model has no such alias.
        """
        self.changes.unalias(name, alias)

    def delete(self, ref: Ref | str, *, force: bool = False) -> list[str]:
        """Delete a version; by its name alone, the model. What the audit log and the lineage say of it stays.

        Args:
            force: also when something answers with it, it is the champion, or it is a model with versions.

        Returns:
            What it breaks, a sentence each.

        Raises:
            NotFound: there is no such version, or no such model.
            Refused: something would break, or people must agree first.
        """
        return self.changes.delete(_ref(ref), force=force)

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

    def export(self, ref: Ref | str) -> dict[str, str]:
        """The files of a version as a model folder of MLflow: path -> key in the object store.

        What stands there beside the registered files is made from the records, and is the same each time.

        Raises:
            Refused: it is only a pointer.
        """
        found = self.consents.require(ref)
        made = folder_files(found, example=EXAMPLE if EXAMPLE in found.files else None)
        digests = {**found.files, **{path: self._files.put(content) for path, content in made.items()}}
        return {path: self._files.key(digest) for path, digest in sorted(digests.items())}

    def profile(self, ref: Ref | str) -> Profile | None:
        """The profile of the data that a version was trained on; None where it came without one."""
        return Profile.from_json(self.file(ref, PROFILE).decode()) if PROFILE in self.get(ref).files else None

    def load(self, ref: Ref | str) -> LoadedModel:
        """A version that can predict here; Python code runs in a process of its own, and only when it may.

        Raises:
            Refused: it is only a pointer, or nobody agreed that its Python code runs.
        """
        found = self.consents.require(ref, PYTHON)
        if not found.signature.inputs:
            raise Refused(
                f"{found.ref} does not say which columns it takes",
                fix="Log it with a signature, or with an input example, of plain columns",
            )
        return loader(found.format)(self.files(found.ref), found.signature, found.runtime)

    def sign(self, ref: Ref | str, private: str) -> str:
        """Sign a version with an ed25519 key; gives the public key in base64.

        Args:
            private: the private key as PEM; it is not kept.

        Raises:
            MissingExtra: the package for signing is not installed.
            BadInput: the key cannot be read.
        """
        return extras.sign(self._spine, self.consents.require(ref), private)

    def signatures(self, ref: Ref | str, *, trusted: list[str] | None = None) -> list[SignatureCheck]:
        """Every signature of a version, checked; none holds where the files are not those that were registered.

        Args:
            trusted: public keys in base64; without any, whose key it is remains the caller's to judge.

        Raises:
            MissingExtra: the package for signing is not installed.
            NotFound: it is not signed.
        """
        version = self.get(ref)
        found = extras.signatures(self._spine, version, trusted=trusted)
        return found if self._files.verify(version).ok else [replace(one, holds=False) for one in found]

    def bill(self, ref: Ref | str) -> str:
        """The bill of materials of a version, as CycloneDX JSON.

        Raises:
            MissingExtra: the package for it is not installed.
        """
        return extras.bill(self.consents.require(ref))

    def verify(self, ref: Ref | str | None = None) -> list[Verification]:
        """Read the files of a version, or of all versions, and compare them with their digests."""
        if ref is not None:
            chosen = [self.get(ref)]
        else:
            chosen = [version for model in self.ls() for version in self.versions(model.name)]
        return [self._files.verify(version) for version in chosen]

    def _recorded(self, run: Ref | None) -> Ref | None:
        """The run, where it is recorded here: clients may name one of another server."""
        return run if run is not None and self._spine.executions.known(run.name) else None

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
        if training is not None:
            if training.kind != "data" or training.number is None:
                raise BadInput(
                    f"the training data are given as {training}", expected="a pinned ref such as data:rows@3"
                )
            if self._spine.artifacts.get(training) is None:
                raise NotFound("data version", f"{training.name}@{training.number}")

    def _kept(
        self,
        name: str,
        format: str,  # noqa: A002 - see above
        exported: Exported,
        *,
        sample: pl.DataFrame,
        profile: Profile | None,
    ) -> ModelVersion:
        """The version with its files stored, before it has a number."""
        profile = profile or Profile.of_arrow(sample.to_arrow())
        example = sample.head(_EXAMPLE_ROWS).write_json().encode()
        contents = {**exported.files, PROFILE: profile.to_json().encode(), EXAMPLE: example}
        files = {file: self._files.put(content) for file, content in sorted(contents.items())}
        size = sum(map(len, contents.values()))
        found = Found(format, exported.signature, files, size, needed(format), exported.runtime)
        return replace(self._new(name, found), agreement=exported.agreement)

    def _new(self, name: str, found: Found) -> ModelVersion:
        """A version of these files, before it has a number."""
        return unnumbered(name, found, now=self._spine.clock.now(), actor=self._spine.actor.name)

    def _add(self, recording: Recording, version: ModelVersion) -> ModelVersion:
        """Number a version and write it with lineage, audit and event, in one commit."""
        with self._spine.write() as tx:
            self._catalog.ensure(tx, version.name)
            for same in self._versions.find(tx, version.name, digest=version.digest):
                # A step that was interrupted after its registration and runs again must not register twice.
                if same.run is not None and (same.run, same.training) == (version.run, version.training):
                    recording.finish(tx)
                    return same
            numbered = self._number(tx, version, execution=None, recording=recording)
            recording.finish(tx)
        return numbered

    def _number(
        self, tx: Connection, version: ModelVersion, *, execution: str | None, recording: Recording | None = None
    ) -> ModelVersion:
        """Give the next number, and write the version with what everybody must hear of it."""
        spine = self._spine
        last = self._catalog.require(tx, version.name)
        number = last.number + 1
        said = self._next(last.version, self._versions.origin(tx, version.name), version, number=number)
        numbered = replace(version, number=number, version=said)
        self._files.require(numbered)
        self._versions.add(tx, numbered)
        self._catalog.advance(tx, version.name, number=number, version=said, now=version.created)
        facts = {"version": said, "format": numbered.format, "metrics": dict(numbered.metrics)}
        if recording is not None:
            recording.made(numbered.ref, "model")
            execution = recording.id
        elif execution is not None and not spine.executions.link(tx, execution, "made", numbered.ref, "model"):
            execution = None
        if numbered.is_held:
            spine.artifacts.add(tx, numbered.ref, digest=numbered.digest, execution=execution, facts=facts)
        spine.events.emit(tx, "model.registered", numbered.ref, facts)
        spine.audit.add(tx, "model.registered", numbered.ref, {"digest": numbered.digest})
        return numbered

    def _next(self, last: str | None, origin: tuple[object, ...] | None, new: ModelVersion, *, number: int) -> str:
        if not self.policy(new.name).semantic:
            return f"{number}.0.0"
        if origin is None:
            return next_version(last, same_signature=True, same_origin=False)
        signature, run, training = origin
        mine = tuple(None if one is None else str(one) for one in (new.run, new.training))
        return next_version(
            last,
            same_signature=signature == new.signature.to_json(),
            same_origin=any(mine) and (run, training) == mine,
        )


def _link(recording: Recording, run: Ref | None, training: Ref | None) -> None:
    for ref, role in ((run, "run"), (training, "training")):
        if ref is not None:
            recording.used(ref, role)


def _ref(ref: Ref | str) -> Ref:
    return ref if isinstance(ref, Ref) else Ref.parse(ref, kind="model")
