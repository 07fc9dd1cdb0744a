"""The addresses in a canvas: checked by scheme, filled from the environment on demand, printed without secrets.

Each field that takes an address plays a role, and each role knows its schemes, the embedded one first.
A path without a scheme is read as a file where the role has `file`; it is relative to the folder of the canvas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from stackcanvas.errors import BadInput, nearest

ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "database": ("sqlite", "postgresql"),
        "objects": ("file", "s3", "gs", "az"),
        "online store": ("sqlite", "redis", "rediss"),
        "executor": ("inline", "processes", "ray"),
        "lake": ("file", "s3", "gs", "az", "abfss", "hdfs"),
        "warehouse": (
            "sqlite",
            "postgresql",
            "duckdb",
            "mysql",
            "mssql",
            "clickhouse",
            "snowflake",
            "bigquery",
            "redshift",
            "databricks",
        ),
        "source": (
            "file",
            "s3",
            "gs",
            "az",
            "abfss",
            "hdfs",
            "https",
            "http",
            "sqlite",
            "postgresql",
            "duckdb",
            "mysql",
            "mssql",
            "snowflake",
            "bigquery",
            "redshift",
            "kafka",
            "delta",
        ),
        "repository": ("file", "https", "http", "ssh", "git"),
        "channel": ("log", "https", "http", "mailto"),
        "web": ("https", "http"),
    }
)
EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "database": "sqlite:///.stackcanvas/metadata.db",
        "objects": ".stackcanvas/objects",
        "online store": "sqlite:///.stackcanvas/online/features.db",
        "executor": "processes:",
        "lake": "s3://bucket/raw",
        "warehouse": "postgresql://reader:${DWH_PASSWORD}@dwh/sales",
        "source": "data/flights.csv",
        "repository": "https://example.org/team/churn",
        "channel": "mailto:oncall@example.org",
        "web": "https://example.org",
    }
)
"""One address for each role, for errors and documentation."""

_NAME = r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}"
_VARIABLE = re.compile(_NAME)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_SECRET_OPTION = re.compile(r"(?i)([?&;][^=&;]*(?:pass|pwd|secret|token|key|sig|credential)[^=&;]*=)([^&;#]*)")
_LONGEST = 2000
_WITHOUT_HOST = frozenset({"file", "inline", "processes", "log", "mailto"})


@dataclass(frozen=True, slots=True, repr=False)
class Url:
    """An address as the canvas writes it; passwords never appear in what it prints.

    Args:
        text: as written; may hold `${NAME}`, which `resolve` fills from the environment.
        role: which kind of address it is, one of `ROLES`.

    Raises:
        BadInput: no scheme, a scheme that the role does not know, or text that no address can hold.

    Example:
        >>> url = Url("postgresql://stack:${DB_PASSWORD}@db/stack", role="database")
        >>> print(url)
        postgresql://stack:***@db/stack
        >>> url.resolve({"DB_PASSWORD": "geheim"})
        'postgresql://stack:geheim@db/stack'
    """

    text: str
    role: str

    def __post_init__(self) -> None:
        _check(self.text, role=self.role)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names that the environment must give, in order."""
        return tuple(dict.fromkeys(_VARIABLE.findall(self.text)))

    @property
    def scheme(self) -> str | None:
        """The scheme; `file` for a bare path, None when the environment gives the whole address."""
        return _scheme(self.text)

    @property
    def path(self) -> str | None:
        """For a file: its path, absolute or relative to the folder of the canvas; else None."""
        if self.scheme != "file":
            return None
        if not self.text.startswith("file:"):
            return self.text
        rest = self.text.removeprefix("file:")
        return unquote(rest.removeprefix("//") if rest.startswith("///") else rest)

    def resolve(self, environ: Mapping[str, str], *, where: str | None = None) -> str:
        """The whole address, secrets included: hand it to what opens it, never to a log.

        Raises:
            BadInput: the environment lacks a name, or what it gives is not such an address.
        """
        missing = [name for name in self.variables if not environ.get(name)]
        if missing:
            raise BadInput(
                f"the environment has no {' and no '.join(missing)}",
                where=where,
                fix=f"Run: export {missing[0]}=...",
            )
        if not self.variables:
            return self.text
        whole = _VARIABLE.sub(lambda found: environ[found[1]], self.text)
        try:
            _check(whole, role=self.role)
        except BadInput:
            # The sentence of that error may hold the value, so it is not passed on.
            raise BadInput(
                f"with {' and '.join(self.variables)} from the environment this is not {expected(self.role)}",
                where=where,
            ) from None
        return whole

    def __str__(self) -> str:
        return mask(self.text)

    def __repr__(self) -> str:
        return f"Url({str(self)!r}, role={self.role!r})"


@dataclass(frozen=True, slots=True)
class Role:
    """Marks a field as an address of a role and teaches pydantic to read, check and print it."""

    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": pattern(self.name), "maxLength": _LONGEST}

    def _read(self, value: object) -> Url:
        if isinstance(value, Url) and value.role == self.name:
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("wrong_type", "not text")
        try:
            return Url(value, role=self.name)
        except BadInput as error:
            raise PydanticCustomError(
                "bad_input", "{what}", {"what": error.what, "expected": error.expected, "fix": error.fix}
            ) from None


DatabaseUrl = Annotated[Url, Role("database")]
ObjectsUrl = Annotated[Url, Role("objects")]
OnlineStoreUrl = Annotated[Url, Role("online store")]
ExecutorUrl = Annotated[Url, Role("executor")]
LakeUrl = Annotated[Url, Role("lake")]
WarehouseUrl = Annotated[Url, Role("warehouse")]
SourceUrl = Annotated[Url, Role("source")]
RepositoryUrl = Annotated[Url, Role("repository")]
ChannelUrl = Annotated[Url, Role("channel")]
WebUrl = Annotated[Url, Role("web")]


def pattern(role: str) -> str:
    r"""What an editor can check of an address: its scheme.

    Example:
        >>> pattern("database")
        '^(sqlite:|postgresql:|\\$\\{)'
    """
    known = [*(f"{scheme}:" for scheme in ROLES[role]), r"\$\{"]
    if "file" in ROLES[role]:
        known.append("[^:]*$")
    return f"^({'|'.join(known)})"


def expected(role: str) -> str:
    """What a field of this role takes, in words.

    Example:
        >>> expected("executor")
        'an address that begins with inline:, processes: or ray:'
    """
    schemes = [f"{scheme}:" for scheme in ROLES[role]]
    listed = schemes[0] if len(schemes) == 1 else f"{', '.join(schemes[:-1])} or {schemes[-1]}"
    address = f"an address that begins with {listed}"
    return f"a path, or {address}" if "file" in ROLES[role] else address


def _scheme(text: str) -> str | None:
    if text.startswith("${"):
        return None
    found = _SCHEME.match(text)
    return found[1].lower() if found else "file"


def _check(text: str, *, role: str) -> None:
    known = ROLES[role]
    if not text or text != text.strip() or not text.isprintable() or len(text) > _LONGEST:
        raise BadInput(
            "the address is empty, padded, too long or holds unprintable characters", expected=expected(role)
        )
    if "${" in _VARIABLE.sub("", text):
        raise BadInput("a ${ is not followed by a name and }", expected="${NAME}")
    scheme = _scheme(text)
    if scheme is None:
        return
    if scheme in known:
        # Without // nothing tells where a password would stand, so it could not be hidden.
        if scheme not in _WITHOUT_HOST and not text[len(scheme) + 1 :].startswith("//"):
            raise BadInput(f"the address has no // behind {scheme}:", expected=f"{scheme}://...")
        return
    if scheme == "file":
        raise BadInput("the address has no scheme", expected=expected(role))
    near = nearest(scheme, known)
    raise BadInput(
        f"the address begins with {scheme}:",
        expected=expected(role),
        fix=f"Perhaps you meant {near}:" if near else None,
    )


def mask(text: str) -> str:
    """An address without its password.

    Example:
        >>> mask("postgresql://stack:geheim@db/stack")
        'postgresql://stack:***@db/stack'
    """
    head, separator, rest = text.partition("://")
    if separator and head not in {"file", "sqlite", "duckdb"}:
        authority, tail = _split_authority(rest)
        user, at, host = authority.rpartition("@")
        if at:
            name, colon, _ = user.partition(":")
            # A user without a password is a token where web pages ask for one.
            user = f"{name}:***" if colon else ("***" if head in {"http", "https"} else name)
            authority = f"{user}@{host}"
        text = f"{head}://{authority}{tail}"
    return _SECRET_OPTION.sub(r"\1***", text)


def _split_authority(rest: str) -> tuple[str, str]:
    # A password may hold a slash by mistake: the host begins after the last @ before the query.
    question = min((rest.find(mark) for mark in "?#" if mark in rest), default=len(rest))
    at = rest.rfind("@", 0, question)
    slash = rest.find("/", at + 1)
    if slash == -1 or slash > question:
        slash = question
    return rest[:slash], rest[slash:]
