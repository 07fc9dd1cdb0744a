"""Labels: true outcomes that arrive after the prediction, all of them kept, joined when they can be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Connection, func, select, type_coerce, update
from sqlalchemy import Text as Raw

from stackcanvas.late import late
from stackcanvas.metadata import Ref, Spine, current
from stackcanvas.monitoring.labelling import Label, as_values, read_file, read_labels
from stackcanvas.monitoring.matching import Match, match
from stackcanvas.monitoring.policy import Policy
from stackcanvas.monitoring.sources import SERVED, Predictions, has_rows, output_column
from stackcanvas.monitoring.tables import monitor_label, monitor_window

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

Learned = Callable[[Connection, str, Collection[datetime]], None]

_FIRST_PAUSE = timedelta(minutes=1)
_CHUNK = 500
_MOST_RETRIED = 50_000
PERFORMANCE = "performance"


@dataclass(frozen=True, slots=True)
class LabelsAdded:
    """What became of a frame of labels.

    Attributes:
        added: labels that were new.
        known: labels that said what was known already.
        empty: rows without a value.
        matched: of the new ones, those whose prediction is in the log.
        waiting: of the new ones, those without; they are tried again.
    """

    added: int
    known: int
    empty: int
    matched: int
    waiting: int


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """The labels of an endpoint.

    Attributes:
        labels: all that were ever given.
        matched: whose prediction is known.
        waiting: whose prediction is looked for still.
        unmatched: whose prediction was not found in time.
    """

    labels: int
    matched: int
    waiting: int
    unmatched: int


class Labels:
    """The labels of all endpoints.

    Args:
        spine: where they are recorded.
        predictions: the prediction log.
        policy: of an endpoint.
        learned: told, inside the transaction, of which instants predictions of an endpoint have got their outcome.
    """

    def __init__(
        self, spine: Spine, predictions: Predictions, policy: Callable[[str], Policy], *, learned: Learned
    ) -> None:
        self._spine = spine
        self._predictions = predictions
        self._policy = policy
        self._learned = learned

    def add(self, endpoint: str, frame: Any) -> LabelsAdded:
        """Take labels; the same frame again changes nothing.

        A label is keyed by `prediction_id`, or by entity keys and `event_time`: then it is about the latest
        prediction for that entity at or before that time. Of several values for one prediction the latest observed
        counts, the older ones are kept.

        Args:
            endpoint: whose predictions they are about.
            frame: columns `prediction_id` or entity keys and `event_time`; `value`; `observed_at`, without which a
                value counts as observed now. Anything that Polars takes.

        Raises:
            BadInput: columns are missing, or a key, an instant or a value cannot be used; nothing is taken.

        Example:
            `stack.monitoring.labels.add("delay", [{"prediction_id": "013e...", "value": True}])`
        """
        subject = Ref("deployment", endpoint)
        now = self._spine.clock.now()
        given = read_labels(endpoint, frame, now=now)
        labels = given.labels if given.dated else self._news(endpoint, given.labels)
        labels = self._unknown(labels)
        within = self._policy(endpoint).label_window
        found = match(self._predictions, endpoint, labels, within=within)
        around, code = current(), self._spine.code()
        with self._spine.write() as tx:
            # Start and end are one commit with the labels: there may be thousands of small frames a day.
            work = self._spine.executions.start(
                tx,
                self._spine.ids.new(),
                "monitoring.labels",
                code=around.code if around else code,
                subject=subject,
                parameters={"labels": len(given.labels), "empty": given.empty},
                trigger=around.trigger if around else "manual",
                parent=around.id if around else None,
            )
            # Somebody may have added some of them meanwhile.
            known = _present(tx, [label.id for label in labels])
            new = [label for label in labels if label.id not in known]
            self._insert(tx, endpoint, new, found, now)
            self._mark(tx, endpoint, [found[label.id] for label in new if label.id in found])
            work.finish(tx)
        matched = sum(label.id in found for label in new)
        return LabelsAdded(len(new), len(given.labels) - len(new), given.empty, matched, len(new) - matched)

    def add_file(self, endpoint: str, path: Path) -> LabelsAdded:
        """Take the labels of a file: CSV, Parquet, JSON or JSON lines; see `add`.

        Raises:
            BadInput: the file cannot be read, or its labels cannot be used; nothing is taken.
        """
        return self.add(endpoint, read_file(path))

    def retry(self, now: datetime) -> int:
        """Look again for the predictions of labels that had none; gives how many were found.

        The pauses double. After the label window of the endpoint's policy a label stays unmatched.
        """
        due = monitor_label.c.next_try <= now
        chosen = select(monitor_label).where(due).order_by(monitor_label.c.next_try).limit(_MOST_RETRIED)
        with self._spine.read() as connection:
            rows = connection.execute(chosen).all()
        by_endpoint: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            by_endpoint[row.endpoint].append(row)
        count = 0
        for endpoint, waiting in by_endpoint.items():
            within = self._policy(endpoint).label_window
            labels = [Label(row.id, row.key, row.value, row.observed) for row in waiting]
            found = match(self._predictions, endpoint, labels, within=within)
            with self._spine.write() as tx:
                for row in waiting:
                    tx.execute(_retried(row, found.get(row.id), now=now, within=within))
                self._mark(tx, endpoint, list(found.values()))
            count += len(found)
        return count

    def counts(self, endpoint: str) -> LabelCounts:
        """How many labels an endpoint has, and how many of them found their prediction."""
        matched, waiting = func.count(monitor_label.c.prediction_id), func.count(monitor_label.c.next_try)
        chosen = select(func.count(), matched, waiting).where(monitor_label.c.endpoint == endpoint)
        with self._spine.read() as connection:
            total, joined, pending = connection.execute(chosen).one()
        return LabelCounts(total, joined, pending, total - joined - pending)

    def judged(self, endpoint: str, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """The predictions between two instants whose outcome is known, with that outcome.

        Columns: `prediction_id`, `time`, `model`, `variant`, `status`, `output` (the judged field), `actual` and
        `observed`; a row for each prediction, with the latest observed value.
        """
        rows = self.logged(endpoint, start, end)
        return rows.join(self._outcomes(endpoint, start, end), on="prediction_id")

    def logged(self, endpoint: str, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """The predictions between two instants that somebody got; columns as in `judged`, without the outcome."""
        log = self._predictions.scan(endpoint, start=start, end=end)
        if not has_rows(log):
            return pl.LazyFrame(schema=_logged())
        output = output_column(log, wanted=self._policy(endpoint).output)
        served = log.filter(pl.col("status").is_in(SERVED))
        return served.select("prediction_id", "time", "model", "variant", "status", output)

    def _outcomes(self, endpoint: str, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        """The latest observed value by prediction."""
        label = monitor_label.c
        wanted = [label.endpoint == endpoint, label.predicted.is_not(None)]
        wanted += [] if start is None else [label.predicted >= start]
        wanted += [] if end is None else [label.predicted < end]
        # As stored: a window may hold many thousands, and Polars reads them faster than Python does.
        columns = (label.prediction_id, type_coerce(label.value, Raw()), type_coerce(label.observed, BigInteger()))
        chosen = select(*columns).where(*wanted).order_by(label.observed, label.added, label.id)
        with self._spine.read() as connection:
            rows = [tuple(row) for row in connection.execute(chosen)]
        found = pl.DataFrame(
            rows, schema={"prediction_id": pl.String(), "actual": pl.String(), "observed": pl.Int64()}, orient="row"
        )
        latest = found.unique("prediction_id", keep="last", maintain_order=True)
        instants = pl.col("observed").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return latest.lazy().select("prediction_id", pl.lit(as_values(latest["actual"])).alias("actual"), instants)

    def _news(self, endpoint: str, labels: Sequence[Label]) -> list[Label]:
        """Labels without a date whose value is not the latest one already."""
        latest: dict[str, Any] = {}
        label = monitor_label.c
        with self._spine.read() as connection:
            for keys in _chunks([one.key for one in labels]):
                chosen = select(label.key, label.value).where(label.endpoint == endpoint, label.key.in_(keys))
                rows = connection.execute(chosen.order_by(label.observed, label.added, label.id))
                latest |= {row.key: row.value for row in rows}
        return [one for one in labels if one.key not in latest or not _same(latest[one.key], one.value)]

    def _unknown(self, labels: Sequence[Label]) -> list[Label]:
        with self._spine.read() as connection:
            known = _present(connection, [label.id for label in labels])
        return [label for label in labels if label.id not in known]

    def _mark(self, tx: Connection, endpoint: str, found: Sequence[Match]) -> None:
        """What was measured of these predictions before has to be measured again."""
        if found:
            _mark_stale(tx, endpoint, found)
            self._learned(tx, endpoint, {time for _, time in found})

    def _insert(
        self, tx: Connection, endpoint: str, labels: Sequence[Label], found: dict[str, Match], now: datetime
    ) -> None:
        rows = []
        for label in labels:
            prediction, predicted = found.get(label.id, (None, None))
            rows.append(
                {
                    "id": label.id,
                    "endpoint": endpoint,
                    "key": label.key,
                    "value": label.value,
                    "observed": label.observed,
                    "added": now,
                    "prediction_id": prediction,
                    "predicted": predicted,
                    "next_try": None if prediction else now + _FIRST_PAUSE,
                    "tries": 1,
                }
            )
        if rows:
            self._spine.database.bulk(tx, monitor_label, rows)


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """No more at a time than any database takes as parameters."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def _present(connection: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for chunk in _chunks(ids):
        found.update(connection.execute(select(monitor_label.c.id).where(monitor_label.c.id.in_(chunk))).scalars())
    return found


def _mark_stale(tx: Connection, endpoint: str, found: Sequence[Match]) -> None:
    """Windows of performance in which a prediction has got its label have to be measured again."""
    window = monitor_window.c
    first, last = min(time for _, time in found), max(time for _, time in found)
    touched: list[ColumnElement[bool]] = [window.endpoint == endpoint, window.kind == PERFORMANCE]
    touched += [window.window_start <= last, window.window_end > first]
    tx.execute(update(monitor_window).where(*touched).values(stale=True))


def _retried(row: Any, found: Match | None, *, now: datetime, within: timedelta) -> Any:
    values: dict[str, Any] = {"tries": row.tries + 1}
    if found:
        values |= {"prediction_id": found[0], "predicted": found[1], "next_try": None}
    else:
        pause = _FIRST_PAUSE * 2 ** min(row.tries, 20)
        values["next_try"] = now + pause if now + pause <= row.added + within else None
    return update(monitor_label).where(monitor_label.c.id == row.id).values(values)


def _same(first: Any, second: Any) -> bool:
    # True equals 1 in Python, but it is another answer.
    return isinstance(first, bool) == isinstance(second, bool) and first == second


def _logged() -> dict[str, pl.DataType]:
    """The columns of predictions where there are none."""
    return {
        "prediction_id": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "model": pl.String(),
        "variant": pl.String(),
        "status": pl.String(),
        "output": pl.Float64(),
    }
