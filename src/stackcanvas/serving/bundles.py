"""Bundles: a model version compiled for the prediction server, named by the digest of all that it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import msgspec
from blake3 import blake3
from sqlalchemy import Connection, select

from stackcanvas.backends.files import make_folder, sync_folder, unavailable
from stackcanvas.clock import Clock
from stackcanvas.errors import BadInput, Corrupt, Refused
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry import EXAMPLE, PROFILE, PYTHON, ModelVersion, Registry
from stackcanvas.serving.policy import Check, Policy
from stackcanvas.serving.server.bundle import LOADERS, load_bundle
from stackcanvas.serving.server.checks import InputChecks, OutputChecks
from stackcanvas.serving.server.documents import BundleSpec, FallbackSpec, SignatureSpec, decode
from stackcanvas.serving.server.fallback import make_fallback
from stackcanvas.serving.server.signature import NUMPY_TYPES, Signature
from stackcanvas.serving.tables import serving_bundle
from stackcanvas.statistics import CategoricalProfile, NumericProfile, Profile

DESCRIPTION = "bundle.json"
_MOST_CATEGORIES = 1000
_LONGEST_CATEGORY = 64


@dataclass(frozen=True, slots=True)
class Bundle:
    """A compiled model version.

    Args:
        digest: of the description, which names the digests of the files.
        model: the version, pinned.
        description: the text of `bundle.json`.
        files: name -> bytes.
    """

    digest: str
    model: Ref
    description: bytes
    files: Mapping[str, bytes]


def compile_bundle(version: ModelVersion, files: Mapping[str, bytes], policy: Policy) -> Bundle:
    """Put together what the prediction server needs for a model version; equal parts give an equal digest.

    Args:
        version: from the registry.
        files: of the version: the model, and the profile of its training data.
        policy: how it is to be served.

    Raises:
        Refused: the version is kept in a format that the prediction server cannot run.
        BadInput: a check or the fallback does not fit the model's columns.
    """
    if version.format not in LOADERS:
        raise Refused(
            f"{version.ref} is kept as {version.format}, which the prediction server cannot run",
            fix=f"Register it in one of these formats: {', '.join(LOADERS)}",
        )
    if not version.signature.inputs:
        raise Refused(
            f"{version.ref} does not say which columns it takes",
            fix="Log it with a signature, or with an input example, of plain columns",
        )
    files = _served(files)
    described = version.signature.to_json()
    signature = Signature(msgspec.convert(described, SignatureSpec), where=str(version.ref))
    checks = [*policy.checks, *(_seen_in_training(signature, files) if policy.watch_profile else [])]
    _require_fit(signature, checks, policy, model=str(version.ref))
    description = _canonical(
        {
            "model": str(version.ref),
            "format": version.format,
            "signature": described,
            "checks": msgspec.to_builtins(checks),
            "files": {name: blake3(content).hexdigest() for name, content in files.items()},
            "lookup": None if policy.lookup is None else dict(policy.lookup),
            "runtime": dict(version.runtime),
        }
    )
    return Bundle(blake3(description).hexdigest(), version.ref, description, dict(files))


def write_bundle(folder: Path, bundle: Bundle) -> Path:
    """Lay a bundle into the folder of all bundles; one that is there and whole stays as it is.

    Raises:
        Unavailable: the disk is full or not writable.
    """
    place = folder / bundle.digest
    if is_whole(place, bundle.description):
        return place
    fresh = folder / f".{bundle.digest}.{os.getpid()}"
    try:
        make_folder(folder)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for name, content in {**bundle.files, DESCRIPTION: bundle.description}.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            with (fresh / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        sync_folder(fresh)
        shutil.rmtree(place, ignore_errors=True)  # a damaged one
        fresh.rename(place)
        sync_folder(folder)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        if is_whole(place, bundle.description):  # another process was faster
            return place
        raise unavailable(error, place) from error
    return place


def is_whole(place: Path, description: bytes) -> bool:
    """Whether every byte of a bundle lies where it belongs."""
    try:
        if (place / DESCRIPTION).read_bytes() != description:
            return False
        spec = decode(description, BundleSpec, where=place)
        return all(blake3((place / name).read_bytes()).hexdigest() == digest for name, digest in spec.files.items())
    except (OSError, Corrupt):
        return False


class Bundles:
    """Compiles bundles, remembers them, and lays them out again when they are lost.

    Args:
        spine: its database holds the descriptions.
        registry: holds the files.
        folder: of all bundles.
    """

    def __init__(self, spine: Spine, registry: Registry, folder: Path) -> None:
        self._spine = spine
        self._registry = registry
        self._folder = folder
        self._clock: Clock = spine.clock

    def prepare(self, model: Ref, policy: Policy) -> str:
        """Compile a version and lay it out, with its fallback; gives its digest, the same each time.

        Raises:
            NotFound: the version, or the model that is its fallback, is not registered.
            Refused: the prediction server cannot run it.
            BadInput: the policy does not fit the model.
        """
        fallback = None
        if policy.fallback_model is not None:
            other = self._registry.consents.require(Ref("model", policy.fallback_model), PYTHON)
            fallback = self._made(compile_bundle(other, self._registry.files(other.ref), Policy()), None)
        version = self._registry.consents.require(model, PYTHON)
        made = compile_bundle(version, self._registry.files(version.ref), policy)
        digest = self._made(made, fallback)
        if fallback is not None:
            self._require_stand_in(made.digest, fallback)
        return digest

    def lay_out(self, digests: Sequence[str]) -> None:
        """Have these bundles in the folder, from the registry where they are lost or damaged."""
        with self._spine.read() as connection:
            chosen = select(serving_bundle).where(serving_bundle.c.digest.in_(sorted(set(digests))))
            rows = connection.execute(chosen).mappings().all()
        for row in rows:
            description = row["description"].encode()
            if not is_whole(self._folder / row["digest"], description):
                model = Ref.parse(row["model"])
                write_bundle(
                    self._folder, Bundle(row["digest"], model, description, _served(self._registry.files(model)))
                )

    def files_of(self, digests: Sequence[str]) -> set[str]:
        """The digests of the files in these bundles, and in those that stand in for them."""
        found: set[str] = set()
        with self._spine.read() as connection:
            chosen = select(serving_bundle.c.digest, serving_bundle.c.fallback, serving_bundle.c.description)
            rows = {row.digest: row for row in connection.execute(chosen)}
        for digest in digests:
            of = rows[digest].fallback if digest in rows else None
            for row in (rows.get(digest), rows.get(of)):
                if row is not None:
                    found.update(
                        decode(row.description.encode(), BundleSpec, where=self._folder / row.digest).files.values()
                    )
        return found

    def fallback_of(self, connection: Connection, digest: str) -> str | None:
        """The bundle that stands in for another."""
        chosen = select(serving_bundle.c.fallback).where(serving_bundle.c.digest == digest)
        found: str | None = connection.execute(chosen).scalar_one_or_none()
        return found

    def _made(self, bundle: Bundle, fallback: str | None) -> str:
        place = write_bundle(self._folder, bundle)
        load_bundle(place)  # what cannot be loaded is found here, not by the server
        new = self._spine.database.insert(serving_bundle).values(
            digest=bundle.digest,
            model=str(bundle.model),
            description=bundle.description.decode(),
            fallback=fallback,
            created=self._clock.now(),
        )
        kept = new.on_conflict_do_update(
            index_elements=[serving_bundle.c.digest], set_={"fallback": new.excluded.fallback}
        )
        with self._spine.write() as tx:
            tx.execute(kept)
        return bundle.digest

    def _require_stand_in(self, digest: str, fallback: str) -> None:
        signature = load_bundle(self._folder / digest).signature
        try:
            make_fallback(
                FallbackSpec(model=fallback),
                signature,
                lambda found: load_bundle(self._folder / found),
                where="serving.fallback",
            )
        except Corrupt as error:
            raise BadInput(error.what, where=error.where) from error


def _served(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that answer: rows of the training data have no business on a server."""
    return {name: content for name, content in files.items() if name != EXAMPLE}


def _canonical(document: object) -> bytes:
    return msgspec.json.encode(document, order="deterministic")


def _require_fit(signature: Signature, checks: Sequence[Check], policy: Policy, *, model: str) -> None:
    """Refuse here what the server would refuse when it loads the bundle."""
    has_way_out = policy.fallback_model is not None or policy.fallback_constant is not None
    for check in checks:
        if check.action == "fallback" and check.column in signature.columns and not has_way_out:
            raise BadInput(
                f"the check of {check.column!r} calls for a fallback, and none is given",
                where="serving.pre_assertion",
                fix="Answer serving.fallback with a model or a constant",
            )
    try:
        InputChecks(signature, checks, where=model)
        OutputChecks(signature, checks, where=model)
        make_fallback(
            FallbackSpec(constant=None if policy.fallback_constant is None else dict(policy.fallback_constant)),
            signature,
            _no_bundle,
            where="serving.fallback",
        )
    except Corrupt as error:
        raise BadInput(error.what, where=error.where, expected=error.expected) from error


def _no_bundle(digest: str) -> NoReturn:
    raise AssertionError(f"a constant needs no bundle {digest}")


def _seen_in_training(signature: Signature, files: Mapping[str, bytes]) -> list[Check]:
    """Warnings of numbers and categories that the training data never had."""
    if PROFILE not in files:
        return []
    known = Profile.from_json(files[PROFILE]).columns
    found = []
    for column in signature.columns.values():
        seen = known.get(column.name)
        kind = NUMPY_TYPES[column.dtype].kind
        if isinstance(seen, NumericProfile) and kind in "fiu" and seen.finite:
            found.append(Check(column.name, "range", "warn", min=seen.minimum, max=seen.maximum))
        elif isinstance(seen, CategoricalProfile) and kind == "O" and seen.exact:
            names = sorted(seen.counts)
            if len(names) <= _MOST_CATEGORIES and all(len(name) < _LONGEST_CATEGORY for name in names):
                found.append(Check(column.name, "allowed", "warn", values=list(names)))
    return found
