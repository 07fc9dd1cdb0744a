"""The small language of MLflow's searches: `metrics.auc > 0.7 AND tags.team = 'risk'`, and `metrics.auc DESC`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from stackcanvas.errors import BadInput

Value = str | int | float | tuple[str, ...] | None

EQUAL = frozenset({"=", "!="})
NUMERIC = EQUAL | {">", ">=", "<", "<="}
TEXT = EQUAL | {"LIKE", "ILIKE"}
LISTS = frozenset({"IN", "NOT IN"})
NULLS = frozenset({"IS NULL", "IS NOT NULL"})

ENTITIES: dict[str, str] = {
    **dict.fromkeys(("metric", "metrics"), "metric"),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), "parameter"),
    **dict.fromkeys(("tag", "tags"), "tag"),
    **dict.fromkeys(("attr", "attribute", "attributes", "run"), "attribute"),
    **dict.fromkeys(("dataset", "datasets"), "dataset"),
}

CATALOG_WORDS: Mapping[str, str] = {"attribute": "attribute", "tag": "tag", "tags": "tag"}
"""The words for entities in searches of experiments, registered models and versions, where fewer are known."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison of a filter.

    Args:
        entity: metric, parameter, tag, attribute or dataset.
        operator: in upper case; IN and NOT IN have a tuple as value, IS NULL and IS NOT NULL have None.
    """

    entity: str
    key: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Ordering:
    """By what results are ordered."""

    entity: str
    key: str
    largest_first: bool


@dataclass(frozen=True, slots=True)
class Grammar:
    """What one search understands.

    Args:
        operators: of each entity that can be asked about.
        texts: attributes that are text, with the operators of each where they differ from those of the entity.
        numbers: attributes that are numbers.
        aliases: other names of attributes.
        orders: attributes to order by, beside those to ask about.
        datasets: attributes of data sets.
        words: which entity each word before a key means.
        bare: whether a word or a number may stand for text without quotes, as people write on a command line.
        quoted: whether a number may stand in quotes.
        unread: how an error begins that tells of a filter that cannot be read.
        unfit: how one begins that tells of a comparator which does not fit what is compared.
    """

    operators: Mapping[str, frozenset[str]]
    texts: Mapping[str, frozenset[str]]
    numbers: frozenset[str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    orders: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=lambda: ENTITIES)
    bare: bool = False
    quoted: bool = False
    unread: str = "Invalid clause(s) in filter string"
    unfit: str = "Invalid comparator"

    def parse(self, text: str | None) -> list[Clause]:
        """The clauses of a filter, none of an empty one.

        Raises:
            BadInput: it cannot be read.
        """
        return _Parser(self, text).clauses() if text else []

    def order(self, text: str) -> Ordering:
        """Read `metrics.auc DESC`.

        Raises:
            BadInput: it cannot be read.
        """
        name, largest_first = split_order(text)
        entity, key = self.identifier(name, also=self.orders)
        return Ordering(entity, key, largest_first)

    def identifier(self, name: str, *, also: frozenset[str] = frozenset()) -> tuple[str, str]:
        """The entity and the key of a name such as ``metrics.`a b` ``."""
        head, dot, rest = name.partition(".")
        if not dot:
            head, rest = "attribute", name
        entity = self.words.get(_unquoted(head), "") if dot else head
        if entity not in self.operators:
            words = ", ".join(word for word, meant in self.words.items() if meant in self.operators)
            raise BadInput(f"Invalid entity type {head!r}. Valid values are {words}")
        key = _unquoted(rest)
        if entity == "attribute":
            key = self.aliases.get(key, key)
            known = {*self.texts, *self.numbers, *also}
            if key not in known:
                raise _unknown("attribute", key, known)
        elif entity == "dataset" and key not in self.datasets:
            raise _unknown("dataset", key, self.datasets)
        return entity, key

    def allowed(self, entity: str, key: str) -> frozenset[str]:
        """The operators for a key."""
        if entity != "attribute":
            return self.operators[entity]
        return NUMERIC if key in self.numbers else self.texts.get(key, TEXT)

    def misfit(self, name: str, operator: str, allowed: frozenset[str]) -> BadInput:
        """The error that tells of a comparator which does not fit what is compared."""
        null = [word for word in ("tags", "params") if self.operators.get(ENTITIES[word], frozenset()) >= NULLS]
        if operator in NULLS and null:
            return BadInput(f"IS NULL / IS NOT NULL is only supported for {' and '.join(null)}, not for {name}")
        return BadInput(f"{self.unfit} {operator!r} for {name}, not one of {', '.join(sorted(allowed))}")


def split_order(text: str) -> tuple[str, bool]:
    """The name in `metrics.auc DESC`, and whether the largest comes first.

    Raises:
        BadInput: it cannot be read.

    Example:
        >>> split_order("metrics.auc DESC")
        ('metrics.auc', True)
    """
    found = _ORDERING.fullmatch(text)
    if found is None:
        raise BadInput(
            f"Invalid order_by clause {text!r:.200}. Could not be parsed", expected="such as metrics.auc DESC"
        )
    name, direction = found[1], (found[2] or "asc").lower()
    if direction not in {"asc", "desc"}:
        said = f"Invalid order_by clause. Invalid ordering key in order_by clause {text!r:.200}"
        raise BadInput(said, expected="ASC or DESC")
    return name, direction == "desc"


_PART = r'(?:[^\W\d]\w*|`[^`]*`|"[^"]*")'
_NAME = rf"""{_PART}(?:\.(?:\w+|`[^`]*`|"[^"]*"|'[^']*'))*"""
_DIGITS = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBER = re.compile(_DIGITS)
_LONGEST_NUMBER = 400
_TOKENS = re.compile(
    rf"""\s*(?:
      (?P<text>'(?:''|\\'|[^'])*')
    | (?P<number>{_DIGITS}(?!\w))
    | (?P<name>{_NAME})
    | (?P<operator>[<>=!~]+)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_ORDERING = re.compile(rf"({_NAME}|[^\s`\"']+)(?:\s+(\w+))?")
_TRUTHS = [[("name", word)] for word in ("true", "false", "TRUE", "FALSE")]
_WORDS = {"AND", "IN", "NOT", "LIKE", "ILIKE", "IS", "NULL", "RLIKE"}


class _Parser:
    def __init__(self, grammar: Grammar, text: str) -> None:
        self._grammar = grammar
        self._text = text
        self._tokens = self._split()
        self._next = 0

    def clauses(self) -> list[Clause]:
        found = [self._clause()]
        while self._next < len(self._tokens):
            if self._take() != ("word", "AND"):
                self._fail("clauses are joined by AND only")
            found.append(self._clause())
        return found

    def _split(self) -> Sequence[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        text, at = self._text.rstrip(), 0
        while at < len(text):
            found = _TOKENS.match(text, at)
            if found is None:
                rest = text[at : at + 20].strip()
                if rest.startswith(";"):
                    said = f"Search filter contained multiple expressions: {text[:200]!r}"
                    raise BadInput(said, expected="clauses that are joined by AND")
                self._fail(f"{rest!r} cannot be read")
            kind, value = str(found.lastgroup), found[str(found.lastgroup)]
            if kind == "name" and value.upper() in _WORDS:
                kind, value = "word", value.upper()
            tokens.append((kind, value))
            at = found.end()
        return tokens

    def _clause(self) -> Clause:
        kind, name = self._take()
        if kind in {"number", "text"}:
            raise BadInput(f"Invalid comparison clause. Expected 'Identifier' found {name[:100]!r}")
        if kind != "name":
            self._fail(f"a clause begins with {name!r}" if name else "a clause is missing")
        operator = self._operator()
        if not self._grammar.bare and self._tokens[self._next : self._next + 1] in _TRUTHS:
            self._fail("there are no truth values")
        entity, key = self._grammar.identifier(name)
        allowed = self._grammar.allowed(entity, key)
        if operator not in allowed:
            raise self._grammar.misfit(name, operator, allowed)
        if operator in NULLS:
            return Clause(entity, key, operator, None)
        if operator in LISTS:
            return Clause(entity, key, operator, self._list())
        return Clause(entity, key, operator, self._value(entity, key))

    def _operator(self) -> str:
        kind, said = self._take()
        if kind == "operator":
            return "!=" if said == "<>" and self._grammar.bare else said
        if kind != "word" or said in {"AND", "NULL"}:
            self._fail(f"{said!r} is no comparator")
        if said == "NOT":
            said += " " + self._word("IN")
        elif said == "IS":
            nothing = self._word("NOT", "NULL")
            said += f" {nothing}" if nothing == "NULL" else f" NOT {self._word('NULL')}"
        return said

    def _word(self, *wanted: str) -> str:
        kind, said = self._take()
        if kind != "word" or said not in wanted:
            self._fail(f"{said!r} stands where {' or '.join(wanted)} is expected")
        return said

    def _value(self, entity: str, key: str) -> Value:
        kind, said = self._take()
        if kind not in {"number", "text", "name"}:
            self._fail("the value is missing")
        if entity == "metric" or (entity == "attribute" and key in self._grammar.numbers):
            return self._number(entity, key, kind, said)
        if self._grammar.bare and (kind == "number" or (kind == "name" and not _quoted(said))):
            return said
        if kind == "name" and not _is(said, '"'):
            self._fail(
                "Parameter value is either not quoted or unidentified quote types used for string value "
                f"{said}. Use either single or double quotes"
            )
        if kind not in {"text", "name"}:
            named = "attributes" if entity == "attribute" else f"{entity} (`{key}`)"
            raise BadInput(f"Expected a quoted string value for {named}. Got value {said}")
        return said[1:-1]

    def _number(self, entity: str, key: str, kind: str, said: str) -> int | float:
        plain = said[1:-1].strip() if self._grammar.quoted and kind == "text" else said
        if not _NUMBER.fullmatch(plain) or len(plain) > _LONGEST_NUMBER:
            named = f"numeric attribute: {key}" if entity == "attribute" else f"{entity} (`{key}`)"
            raise BadInput(f"Expected numeric value type for {named}. Found {said[:100]}")
        return int(plain) if re.fullmatch(r"[-+]?\d+", plain) else float(plain)

    def _list(self) -> tuple[str, ...]:
        if self._take() != ("mark", "("):
            self._fail("a list in parentheses is expected")
        values: list[str] = []
        while True:
            kind, said = self._take()
            if kind != "text" and not (kind == "name" and _is(said, '"')):
                self._fail_list(kind, said, is_first=not values)
            values.append(said[1:-1])
            mark = self._take()
            if mark == ("mark", ")"):
                return tuple(values)
            if mark != ("mark", ","):
                self._fail_list(*mark)
            if self._tokens[self._next : self._next + 1] == [("mark", ")")]:
                self._next += 1
                return tuple(values)

    def _fail_list(self, kind: str, said: str, *, is_first: bool = False) -> NoReturn:
        if kind == "end":
            self._fail("a list does not end")
        wanted, found = "a non-empty list of string values", "ill-formed list"
        if kind == "number":
            wanted, found = "string value, punctuation, or whitespace", f"different type in list: {said}"
        elif is_first and said == ")":
            found = "empty list"
        raise BadInput(f"While parsing a list in the query, expected {wanted}, but got {found}")

    def _take(self) -> tuple[str, str]:
        if self._next >= len(self._tokens):
            return "end", ""
        self._next += 1
        return self._tokens[self._next - 1]

    def _fail(self, why: str) -> NoReturn:
        raise BadInput(f"{self._grammar.unread}: {self._text[:200]!r}: {why}")


def _unknown(entity: str, key: str, known: Iterable[str]) -> BadInput:
    return BadInput(f"Invalid {entity} key {key!r} specified. Valid keys are {', '.join(sorted(known))}")


def _is(text: str, quote: str) -> bool:
    return len(text) >= 2 and text[0] == text[-1] == quote


def _quoted(text: str) -> bool:
    return any(_is(text, quote) for quote in "\"'`")


def _unquoted(text: str) -> str:
    return text[1:-1] if _quoted(text) else text
