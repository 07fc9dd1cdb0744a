"""Versions before they have a number; and what is asked of one that another machine has made."""

from __future__ import annotations

import re
from datetime import datetime

from stackcanvas.errors import BadInput, Refused
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry.files import ModelFiles, version_digest
from stackcanvas.registry.folders import Found
from stackcanvas.registry.formats.open import exporter
from stackcanvas.registry.versions import ModelVersion

_DIGEST = re.compile(r"[0-9a-f]{64}")
_GATES = 100


def found_in(spine: Spine, files: ModelFiles, version: ModelVersion) -> Found:
    """What a version consists of, as far as this stack can see it itself.

    Raises:
        NotFound: there is no such format.
        BadInput: a file has a name or a digest that none has.
        Refused: the gate gave no such answer here.
    """
    Ref("model", version.name)
    exporter(version.format)
    for file, digest in version.files.items():
        inside = not file.startswith("/") and "\\" not in file and not {"", ".", ".."} & set(file.split("/"))
        if not inside or not _DIGEST.fullmatch(digest):
            raise BadInput(f"{file[:100]!r} is no file of a model", expected="a path inside it, and a BLAKE3 digest")
    sizes = {file: files.size(digest) for file, digest in version.files.items()}
    missing = next((file for file, size in sizes.items() if not size), None)
    if missing is not None or not sizes:
        raise BadInput(f"the file {missing} of the model was not sent", expected="every file, before the version")
    if version.gate is not None:
        asked = spine.audit.entries(subject=Ref("model", version.name), limit=_GATES)
        if not any(entry.action == "model.gate" and entry.detail == version.gate.to_json() for entry in asked):
            raise Refused(
                f"the gate has not said this of {version.name}",
                fix="Ask it first, with stack.registry.gate, and pass what it answers",
            )
    made = (version.format, version.signature, dict(version.files), sum(sizes.values()))
    return Found(*made, dict(version.environment), dict(version.runtime))


def unnumbered(name: str, found: Found, *, now: datetime, actor: str) -> ModelVersion:
    """A version of these files, before it has a number."""
    digest = version_digest(found.format, found.signature, found.files, found.runtime) if found.files else ""
    return ModelVersion(
        name=name,
        number=0,
        version="",
        digest=digest,
        format=found.format,
        signature=found.signature,
        files=found.files,
        size_bytes=found.size_bytes,
        environment=found.environment,
        runtime=found.runtime,
        run=None,
        training=None,
        metrics={},
        gate=None,
        agreement=None,
        created=now,
        updated=now,
        actor=actor,
    )
