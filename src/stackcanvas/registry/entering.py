"""Versions before they have a number; and what is asked of one that another machine has made."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput, Refused
from stackcanvas.late import late
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry.files import ModelFiles, version_digest
from stackcanvas.registry.folders import Found
from stackcanvas.registry.formats.open import exporter
from stackcanvas.registry.gate import GateResult
from stackcanvas.registry.versions import ModelVersion

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_DIGEST = re.compile(r"[0-9a-f]{64}")
_GATES = 100


def rows_of(sample: Any) -> pl.DataFrame:
    """The sample as a frame.

    Raises:
        BadInput: it is no table.
    """
    if isinstance(sample, pl.DataFrame):
        return sample
    if not hasattr(sample, "__arrow_c_stream__"):
        named = 'polars.DataFrame(rows, schema=["age", "calls"])'
        raise BadInput(
            f"the sample is a {type(sample).__name__}", expected=f"a table with named columns, such as {named}"
        )
    return pl.DataFrame(sample)


def measured(metrics: Mapping[str, float] | None, gate: GateResult | None) -> dict[str, float]:
    """What a model was judged by, and what the gate saw, as plain numbers.

    Raises:
        BadInput: a value is no number.

    Example:
        >>> measured({"auc": 1}, None)
        {'auc': 1.0}
    """
    found = {}
    for name, value in (metrics or {}).items():
        try:
            found[str(name)] = float(value)
        except (TypeError, ValueError, OverflowError):
            raise BadInput(f"the metric {name!r} was given {reprlib.repr(value)}", expected="a number") from None
    checks = gate.checks if gate is not None else ()
    return found | {check.metric: check.candidate for check in checks if check.candidate is not None}


def ref_of(ref: Ref | str | None, kind: str) -> Ref | None:
    """A ref that may be given as text, with its kind or without."""
    return Ref.parse(ref, kind=kind) if isinstance(ref, str) else ref


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
