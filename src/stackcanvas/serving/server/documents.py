"""The documents in the server's folder, decoded by type: routes and bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from stackcanvas.errors import Corrupt

Action = Literal["reject", "fallback", "warn"]
Rule = Literal["not_null", "range", "allowed"]


class InputSpec(msgspec.Struct, frozen=True):
    """One input of a model as its signature names it.

    `shape` is `[-1, 1]` unless given; a tensor `[-1, k]` may name its `columns`, and then takes plain records too.
    """

    name: str
    dtype: str
    nullable: bool = False
    shape: tuple[int, ...] | None = None
    columns: list[str] | None = None


class OutputSpec(msgspec.Struct, frozen=True):
    """One output of a model: `[-1]` is a value a row, `[-1, k]` are k, and `classes` says what they stand for."""

    name: str
    dtype: str
    shape: tuple[int, ...] = (-1,)
    classes: list[Any] = []


class SignatureSpec(msgspec.Struct, frozen=True):
    """What a model takes and gives."""

    inputs: list[InputSpec]
    outputs: list[OutputSpec]


class CheckSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule on one column (of the inputs or the outputs) and what happens when a row breaks it."""

    column: str
    rule: Rule
    action: Action = "reject"
    min: float | None = None
    max: float | None = None
    values: list[str | int | float | bool] | None = None


class BundleSpec(msgspec.Struct, frozen=True):
    """`bundle.json`: everything a server needs to answer for one model version."""

    model: str
    signature: SignatureSpec
    files: dict[str, str]
    format: str = "onnx"
    checks: list[CheckSpec] = []
    lookup: dict[str, Any] | None = None
    runtime: dict[str, Any] = {}


class VariantSpec(msgspec.Struct, frozen=True):
    """One model version behind an endpoint, with its share of the rows; of a shadow, the share of requests it sees."""

    name: str
    bundle: str
    model: str = ""
    weight: float = 1.0


class FallbackSpec(msgspec.Struct, frozen=True):
    """What answers when the model cannot: another bundle, or one constant for each output."""

    model: str | None = None
    constant: dict[str, Any] | None = None


class LogSpec(msgspec.Struct, frozen=True):
    """What of an endpoint's rows is kept: columns left out, columns hashed, the share of rows written."""

    drop: list[str] = []
    hash: list[str] = []
    sample: float = 1.0


class EndpointSpec(msgspec.Struct, frozen=True):
    """One endpoint: its variants and how rows come to them."""

    variants: list[VariantSpec]
    shadow: list[VariantSpec] = []
    sticky: str | None = None
    fallback: FallbackSpec | None = None
    lookup: dict[str, Any] | None = None
    log: LogSpec = LogSpec()


class RouteSpec(msgspec.Struct, frozen=True):
    """`routes.json`: every endpoint, at one revision."""

    revision: int = 0
    endpoints: dict[str, EndpointSpec] = {}


_Document = TypeVar("_Document", bound=msgspec.Struct)


def decode(data: bytes, kind: type[_Document], *, where: Path | str) -> _Document:
    """A document of that kind.

    Raises:
        Corrupt: the bytes are not such a document.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Corrupt(f"the document cannot be read: {error}", where=str(where)) from error
