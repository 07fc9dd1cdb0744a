"""What names, tags and aliases of the registry may look like to MLflow's clients."""

from __future__ import annotations

import re

from stackcanvas.rest.mlflow import limits
from stackcanvas.rest.mlflow.errors import invalid, missing

_LONGEST_VALUE = 100_000
_PROMPT_TEXT = "mlflow.prompt.text"
_LONGEST_ALIAS = 255
_ALIAS = re.compile(r"[\w\-]*")
_RESERVED = re.compile(r"[vV]\d+")


def check_model(name: str) -> None:
    """Refuse a name that no model may have.

    Raises:
        MlflowError: it is empty, or holds a slash or a colon, or reads as a path.
    """
    if not name.strip():
        raise missing("name")
    check_words(name)
    if limits.is_path(name):
        raise invalid(f"Invalid value {name!r} for parameter 'name' supplied: it reads as a path to something else")


def check_words(name: str) -> None:
    """Refuse the name of a model that clients could not have given.

    Raises:
        MlflowError: it holds a slash or a colon.
    """
    if "/" in name or ":" in name:
        raise invalid(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.")


def check_key(key: str, value: str = "") -> None:
    """Refuse a tag that cannot be kept.

    Raises:
        MlflowError: its key or its value is too long, or the key has other characters than it may have.
    """
    limits.check_key(key, "key")
    if len(value) > _LONGEST_VALUE and key == _PROMPT_TEXT:
        raise invalid(f"Prompt text exceeds max length of {_LONGEST_VALUE} characters.")
    if len(value) > _LONGEST_VALUE:
        raise invalid(f"'value' exceeds the maximum length of {_LONGEST_VALUE} characters")


def check_alias(alias: str, *, new: bool = False) -> None:
    """Refuse an alias that no version may have.

    Args:
        new: it is to be given, so that it must not be one that means something else.

    Raises:
        MlflowError: it has other characters than it may have, is too long, or is reserved.
    """
    if not _ALIAS.fullmatch(alias):
        raise invalid(
            f"Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )
    if len(alias) > _LONGEST_ALIAS:
        raise invalid(f"Registered model alias name exceeds the maximum length of {_LONGEST_ALIAS} characters")
    if new and alias.lower() == "latest":
        raise invalid("'latest' alias name (case insensitive) is reserved.")
    if new and _RESERVED.fullmatch(alias):
        raise invalid(f"Version alias name '{alias}' is reserved.")


def number_of(version: str) -> int:
    """The number of a version; below 0 for what none has.

    Raises:
        MlflowError: it is no whole number, or too large for one.
    """
    try:
        number = int(version)
    except ValueError:
        raise invalid(f"Parameter 'version' must be an integer, got '{version[:100]}'.") from None
    if number >= 1 << 63:
        raise invalid(f"Parameter 'version' must be a number of a version, got '{version[:100]}'.")
    return number
