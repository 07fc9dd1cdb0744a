"""What names and values of runs may look like, and how much one request may hold."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from stackcanvas.clock import from_us, to_us
from stackcanvas.experiments import Condition
from stackcanvas.rest.mlflow.errors import invalid

LONGEST_PARAMETER = 6_000
LONGEST_TAG = 8_000
LONGEST_EXPERIMENT_TAG = 20_000
LONGEST_KEY = 250
_LONGEST_EXPERIMENT = 500
_LONGEST_LOCATION = 2_048
MOST_METRICS = 1_000
_MOST_PAIRS = 100
_MOST_ENTITIES = 1_000
_KEY = re.compile(r"[/\w.\- :]*")
_RUN = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_LATEST_MS = to_us(datetime.max.replace(tzinfo=UTC)) // 1000
_EARLIEST_MS = to_us(datetime.min.replace(tzinfo=UTC)) // 1000 + 1
_LARGEST = 1.7976931348623157e308


def check_key(key: str, place: str, *, called: str | None = None) -> None:
    """Refuse the name of a metric, parameter or tag that files could not have.

    Args:
        place: where it stands in the request.
        called: what it is called where it is too long; without, its place.

    Raises:
        MlflowError: it is too long, has other characters than it may have, or reads as a path to something else.
    """
    if len(key) <= LONGEST_KEY and _is_name(key):
        return
    if not _KEY.fullmatch(key):
        raise invalid(
            f"Invalid value {_shown(key)} for parameter '{place}' supplied: Names may only contain alphanumerics, "
            "underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)"
        )
    if is_path(key):
        raise invalid(
            f"Invalid value {_shown(key)} for parameter '{place}' supplied: Names may be treated as files in certain "
            "cases, and must not resolve to other names when treated as such. This name would resolve to "
            f"{posixpath.normpath(key)[:300]!r}"
        )
    check_length(key, called or place)


def check_length(key: str, place: str) -> None:
    """Refuse a name that is too long."""
    if len(key) > LONGEST_KEY:
        raise invalid(f"'{place}' exceeds the maximum length of {LONGEST_KEY} characters")


@lru_cache(maxsize=4_096)
def _is_name(key: str) -> bool:
    """Whether a name is as it must be; clients send the same ones again and again."""
    return _KEY.fullmatch(key) is not None and not is_path(key)


def is_path(name: str) -> bool:
    """Whether a name would lead elsewhere if it were a path.

    Example:
        >>> is_path("a/../b"), is_path("a b")
        (True, False)
    """
    plain = posixpath.normpath(name)
    return plain != name or plain == "." or plain.startswith(("..", "/"))


def _shown(text: str) -> str:
    return json.dumps(text[:300], ensure_ascii=False)


def check_run_id(run_id: str) -> None:
    """Refuse what can be the id of no run."""
    if not _RUN.fullmatch(run_id):
        raise invalid(f"Invalid value {_shown(run_id)} for parameter 'run_id' supplied.")


def check_experiment_name(name: str) -> None:
    """Refuse a name that is too long."""
    if len(name) > _LONGEST_EXPERIMENT:
        raise invalid(f"'name' exceeds the maximum length of {_LONGEST_EXPERIMENT} characters")


def check_location(location: str) -> None:
    """Refuse an address below which no files may lie."""
    if location.startswith("runs:"):
        raise invalid(f"Artifact location cannot be a runs:/ URI. Given: {location!r:.300}")
    if "#" in location or "\\" in location:
        raise invalid("'artifact_location' URL can't include fragments or params.")
    if len(location) > _LONGEST_LOCATION:
        raise invalid(
            "Invalid artifact path length. The length of the artifact path cannot be greater than "
            f"{_LONGEST_LOCATION} characters."
        )


def check_amounts(*, metrics: Sequence[object], parameters: Sequence[object], tags: Sequence[object]) -> None:
    """Refuse a batch that holds too much."""
    entities = len(metrics) + len(parameters) + len(tags)
    for what, most, found in (
        ("metrics", MOST_METRICS, len(metrics)),
        ("params", _MOST_PAIRS, len(parameters)),
        ("tags", _MOST_PAIRS, len(tags)),
        ("metrics, params, and tags", _MOST_ENTITIES, entities),
    ):
        if found > most:
            raise invalid(
                f"A batch logging request can contain at most {most} {what}. Got {found} {what}. Please split up "
                f"{what} across multiple requests and try again."
            )


def check_page(size: int, most: int) -> None:
    """Refuse a page that is empty or too large."""
    if size <= 0:
        raise invalid(f"Invalid value {size} for parameter 'max_results' supplied. It must be a positive integer.")
    if size > most:
        raise invalid(f"Invalid value {size} for parameter 'max_results' supplied. It must be at most {most}")


def number_of(experiment_id: str | None) -> int:
    """The number of an experiment; without one, that of `Default`.

    Raises:
        MlflowError: it is no number.
    """
    if not experiment_id:
        return 0
    try:
        number = int(experiment_id)
    except ValueError:
        raise invalid(f"Invalid experiment ID '{experiment_id:.100}'. Experiment ID must be a valid integer.") from None
    return min(max(number, -1), (1 << 63) - 1)  # what no experiment can have is not found


def numbers_of(experiment_ids: Sequence[str]) -> list[int]:
    """The numbers of experiments; each must be given."""
    return [number_of(one or "''") for one in experiment_ids]


def instant(milliseconds_ms: int, parameter: str) -> datetime:
    """The instant of a timestamp.

    Raises:
        MlflowError: it lies beyond the years 1 to 9999.
    """
    if not _EARLIEST_MS <= milliseconds_ms <= _LATEST_MS:
        raise invalid(f"Invalid value {milliseconds_ms} for parameter '{parameter}' supplied: no such year is known")
    return from_us(milliseconds_ms * 1000)


def check_time(milliseconds_ms: int, place: str) -> None:
    """Refuse the timestamp of a metric that is negative or lies beyond the year 9999."""
    if not 0 <= milliseconds_ms <= _LATEST_MS:
        raise invalid(
            f"Invalid value {milliseconds_ms} for parameter '{place}' supplied: Timestamp must be a nonnegative long "
            "(64-bit integer): milliseconds since 1970, up to the year 9999"
        )


def time_conditions(key: str, operator: str, milliseconds_ms: float) -> list[Condition]:
    """The conditions of a comparison with a timestamp; what is recorded finer counts as its millisecond."""
    whole = isinstance(milliseconds_ms, int)
    begin, end = _bounded(milliseconds_ms), _bounded(milliseconds_ms + 1 if whole else milliseconds_ms)
    if operator == "!=":
        return [Condition("attribute", key, "OUTSIDE", (begin, end))]
    both = {"=": [(">=", begin), ("<", end)], ">": [(">=", end)], "<=": [("<", end)]}
    return [Condition("attribute", key, one, value) for one, value in both.get(operator, [(operator, begin)])]


def _bounded(milliseconds_ms: float) -> datetime:
    """The instant to compare with; beyond what is known, the first or the last."""
    return from_us(round(min(max(milliseconds_ms, _EARLIEST_MS), _LATEST_MS) * 1000))


def finite(value: float) -> float:
    """Infinity as the largest number, as clients of the API expect it back."""
    return min(max(value, -_LARGEST), _LARGEST) if value == value else value  # noqa: PLR0124 - NaN stays
