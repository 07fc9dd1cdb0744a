"""Labelling by people, as one object: queues, claims, labels, agreement, decisions, versions of what was labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from stackcanvas.data.annotation import labelstudio
from stackcanvas.data.annotation.agreed import Agreement, Progress, agreement_of, progress_of
from stackcanvas.data.annotation.exporting import exported
from stackcanvas.data.annotation.kinds import Queue, decided
from stackcanvas.data.annotation.records import CLOSED, OPEN, Claim, Item, Label, Records, check_labeller
from stackcanvas.data.annotation.sources import Choosing, chosen, key_of
from stackcanvas.data.data import Data
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.late import late
from stackcanvas.metadata import Recording, Ref, Spine
from stackcanvas.metadata.refs import check_name

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_BATCH = 1000
_CLAIM_S = 900


@dataclass(frozen=True, slots=True)
class Policy:
    """What the canvas says of labelling.

    Args:
        wanted: how many people label each item.
        price: of one label, in `currency`.
    """

    wanted: int = 1
    price: Decimal = Decimal(0)
    currency: str = ""


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item with everything that was said of it, and what that comes to (None: undecided)."""

    item: Item
    labels: tuple[Label, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought."""

    queue: Queue
    items: int
    labels: int
    decisions: int


class Annotation:
    """Queues of items that people label.

    Args:
        data: where items come from and labelled ones go.
        policy: what holds for a queue that says nothing else.
    """

    def __init__(self, data: Data, spine: Spine, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self._data = data
        self._spine = spine
        self._records = Records(spine)

    def create(
        self,
        name: str,
        source: Ref | str | None = None,
        *,
        kind: str = "choice",
        choices: Sequence[str] = (),
        question: str = "",
        text: str | None = None,
        low: float | None = None,
        high: float | None = None,
        wanted: int | None = None,
        claim_s: int = _CLAIM_S,
        price: Decimal | None = None,
        choosing: Choosing | None = None,
    ) -> Queue:
        """Make a queue, and fill it with the rows of a version.

        Args:
            source: a data version, or a prediction log (`predictions/ENDPOINT`); rows come by `add` when not given.
            kind: `choice`, `choices`, `number` or `spans`.
            text: the column that spans are marked in.
            wanted: how many people label each item; what the canvas says by default.
            claim_s: how long an item is kept for a person who has taken it.
            price: of one label; what the canvas says by default.
            choosing: which rows, which columns, which first.

        Raises:
            BadInput: the queue does not fit together, or a row cannot be shown. Nothing is made then.
            Conflict: there is a queue of that name.
            NotFound: there is no such version or column.
        """
        check_name(name, kind="queue")
        queue = Queue(
            name=name,
            kind=kind,
            question=question,
            choices=tuple(choices),
            low=low,
            high=high,
            text=text,
            wanted=self.policy.wanted if wanted is None else wanted,
            claim_s=claim_s,
            price=self.policy.price if price is None else price,
            state=OPEN,
            sources=(),
            created=self._spine.clock.now(),
        )
        asked = {"kind": kind, "source": str(source) if source else None, "wanted": queue.wanted}
        with self._spine.record("annotation.create", subject=_ref(name), parameters=asked) as recording:
            items = [] if source is None else self._rows(queue, source, choosing or Choosing())
            with self._spine.write() as tx:
                self._add_queue(tx, queue, recording)
                if source is not None:
                    self._records.add_items(tx, name, items, self._pinned(source))
                recording.finish(tx)
        return self.get(name)

    def add(self, name: str, source: Ref | str, *, choosing: Choosing | None = None) -> int:
        """Add the rows of a version that a queue does not have yet; returns how many.

        Raises:
            NotFound: there is no such queue, version or column.
        """
        queue = self.get(name)
        with self._spine.record("annotation.add", subject=_ref(name), parameters={"source": str(source)}) as recording:
            items = self._rows(queue, source, choosing or Choosing())
            with self._spine.write() as tx:
                added = self._records.add_items(tx, name, items, self._pinned(source))
                recording.made(_ref(name))
                recording.finish(tx)
        return added

    def ls(self) -> list[Queue]:
        """Every queue, by name."""
        return self._records.queues()

    def get(self, name: str) -> Queue:
        """A queue.

        Raises:
            NotFound: there is none of that name.
        """
        return self._records.queue(name)

    def person(self, asked: str | None = None) -> str:
        """Who labels: the actor whom the stack made sure of; else the name that is given, else the actor.

        Raises:
            BadInput: the name cannot be one.
        """
        actor = self._spine.actor
        return check_labeller(actor.name if actor.verified or not asked else asked)

    def claim(self, name: str, labeller: str) -> Claim | None:
        """Take the next item in hand: the one that this person has already, else the first that wants another label.

        The same item is never in more hands than labels are wanted. After a while it goes back by itself.

        Returns:
            None when there is nothing left for this person.

        Raises:
            Conflict: the queue is closed.
        """
        person = check_labeller(labeller)
        with self._spine.write() as tx:
            queue = self._records.queue(name, tx)
            if queue.state == CLOSED:
                raise Conflict(f"the queue {name!r} is closed", fix=f"Run: stackcanvas annotation open {name}")
            return self._records.take(tx, queue, person)

    def label(
        self, name: str, number: int, labeller: str, value: Any, *, note: str = "", took_s: float | None = None
    ) -> Item:
        """Say what an item is; said again by the same person, the last word counts.

        Raises:
            BadInput: the value is not what the queue asks for.
            Conflict: the item is decided, enough others have labelled it, or the queue is closed.
        """
        new = Label(number, check_labeller(labeller), value, note, took_s, self._spine.clock.now())
        with self._spine.write() as tx:
            return self._records.say(tx, self._records.queue(name, tx), new)

    def skip(self, name: str, number: int, labeller: str, *, note: str = "") -> None:
        """Leave an item to others for good."""
        with self._spine.write() as tx:
            self._records.skip(tx, name, number, check_labeller(labeller), note)

    def release(self, name: str, number: int, labeller: str) -> None:
        """Give an item back for now."""
        with self._spine.write() as tx:
            self._records.release(tx, name, number, check_labeller(labeller))

    def item(self, name: str, number: int) -> ItemView:
        """An item with its labels.

        Raises:
            NotFound: there is none of that number.
        """
        with self._spine.read() as connection:
            queue = self._records.queue(name, connection)
            found = self._records.item(name, number, connection)
            return _view(queue, found, self._records.labels(connection, name, [number]).get(number, []))

    def items(self, name: str, *, undecided: bool = False, limit: int | None = None) -> Iterator[ItemView]:
        """Items by number, each with its labels.

        Args:
            undecided: only those that have their labels and come to nothing: for somebody to decide.
        """
        queue = self.get(name)
        after, given = 0, 0
        while True:
            with self._spine.read() as connection:
                found = self._records.items(connection, name, after=after, limit=_BATCH)
                labels = self._records.labels(connection, name, [one.number for one in found]) if found else {}
            for one in found:
                view = _view(queue, one, labels.get(one.number, []))
                if undecided and not (one.state != OPEN and view.value is None):
                    continue
                if limit is not None and given >= limit:
                    return
                given += 1
                yield view
            if len(found) < _BATCH:
                return
            after = found[-1].number

    def decide(self, name: str, number: int, value: Any, *, by: str) -> Item:
        """Settle an item, whatever its labels say.

        Raises:
            BadInput: the value is not what the queue asks for.
        """
        person = check_labeller(by)
        with self._spine.write() as tx:
            found = self._records.decide(tx, self._records.queue(name, tx), number, value, person)
            self._spine.audit.add(
                tx, "annotation.decide", _ref(name), {"item": number, "value": found.final, "by": person}
            )
            return found

    def close(self, name: str) -> Queue:
        """Give no more items out."""
        return self._set_state(name, CLOSED)

    def open(self, name: str) -> Queue:
        """Give items out again."""
        return self._set_state(name, OPEN)

    def progress(self, name: str) -> Progress:
        """How far a queue is, who has done what, and what it cost."""
        with self._spine.read() as connection:
            queue = self._records.queue(name, connection)
            labels = self._records.labels(connection, name)
            counts, skips = self._records.counts(connection, name), self._records.skips(connection, name)
        return progress_of(queue, counts, labels, skips, currency=self.policy.currency)

    def agreement(self, name: str) -> Agreement:
        """How far people agree, beyond chance."""
        with self._spine.read() as connection:
            queue = self._records.queue(name, connection)
            labels = self._records.labels(connection, name)
        return agreement_of(queue, labels)

    def export(self, name: str, to: str, *, each: bool = False, message: str = "") -> DataVersion:
        """Make what was labelled the newest version of a data set, which leads back to where the items came from.

        The columns of the items, of their own types, and beside them `annotation` (what the labels come to, or what was
        decided), `annotation_labels`, `annotation_agreement` and `annotation_by`.

        Args:
            to: the data set.
            each: a row for each label in place of one for each decided item.

        Raises:
            BadInput: nothing is decided yet.
        """
        queue = self.get(name)
        with self._spine.record(
            "annotation.export", subject=_ref(name), parameters={"to": to, "each": each}
        ) as recording:
            recording.used(_ref(name))
            rows = exported(queue, list(self.items(name)), self._choosing(queue), self._data.scan, each=each)
            said = message or f"{rows.height} {'labels' if each else 'items'} of the annotation queue {name}"
            return self._data.commit(to, rows, message=said)

    def export_label_studio(self, name: str) -> list[dict[str, Any]]:
        """The queue as tasks of Label Studio, labels included."""
        queue = self.get(name)
        people: dict[str, int] = {}
        return [labelstudio.write(queue, one.item, one.labels, people=people) for one in self.items(name)]

    def label_studio_config(self, name: str) -> str:
        """The labelling interface of a queue, as Label Studio takes it."""
        first = next(self.items(name, limit=1), None)
        return labelstudio.config(self.get(name), list(first.item.data) if first else [])

    def import_label_studio(self, name: str, document: Any, *, wanted: int | None = None) -> Imported:
        """Bring tasks of Label Studio and their annotations into a queue, which is made where there is none.

        Raises:
            BadInput: the document is not Label Studio's JSON, or does not fit the queue; with the place. Nothing is
                brought then.
        """
        reading = labelstudio.read(document)
        asked = {"tasks": len(reading.tasks)}
        with self._spine.record("annotation.import", subject=_ref(name), parameters=asked) as recording:
            with self._spine.write() as tx:
                try:
                    queue = self._records.queue(name, tx)
                except NotFound:
                    queue = self._queue_for(name, reading, wanted)
                    self._add_queue(tx, queue, recording)
                items, labels, decisions = self._bring(tx, queue, reading)
                recording.made(_ref(name))
                recording.finish(tx)
            return Imported(queue, items, labels, decisions)

    def _bring_one(self, tx: Connection, queue: Queue, number: int, one: labelstudio.Brought) -> None:
        person, value = check_labeller(one.labeller), one.value
        if queue.kind == "choice" and isinstance(value, list) and len(value) == 1:
            value = value[0]
        if one.skipped:
            self._records.skip(tx, queue.name, number, person, "")
        elif one.truth:
            self._records.decide(tx, queue, number, value, person)
        else:
            said = Label(number, person, value, "", one.took_s, self._spine.clock.now())
            self._records.bring(tx, queue, said)

    def _add_queue(self, tx: Connection, queue: Queue, recording: Recording) -> None:
        self._records.add_queue(tx, queue)
        facts = {"kind": queue.kind, "wanted": queue.wanted}
        self._spine.artifacts.add(tx, _ref(queue.name), execution=recording.id, facts=facts)
        self._spine.audit.add(tx, "annotation.create", _ref(queue.name), facts)
        recording.made(_ref(queue.name))

    def _queue_for(self, name: str, reading: labelstudio.Reading, wanted: int | None) -> Queue:
        """A queue that fits what the tasks say."""
        check_name(name, kind="queue")
        if reading.kind is None:
            raise BadInput(
                "no task has an annotation that tells what is asked",
                fix="Make the queue first with its kind and choices, then import into it",
            )
        if reading.kind in {"choice", "choices"} and len(reading.choices) == 1:
            raise BadInput(
                f"only one choice occurs, {next(iter(reading.choices))!r}",
                expected="at least two",
                fix="Make the queue first with all its choices, then import into it",
            )
        return Queue(
            name=name,
            kind=reading.kind,
            question="",
            choices=() if reading.kind == "number" else tuple(reading.choices),
            low=None,
            high=None,
            text=reading.text if reading.kind == "spans" else None,
            wanted=self.policy.wanted if wanted is None else wanted,
            claim_s=_CLAIM_S,
            price=self.policy.price,
            state=OPEN,
            sources=(),
            created=self._spine.clock.now(),
        )

    def _bring(self, tx: Connection, queue: Queue, reading: labelstudio.Reading) -> tuple[int, int, int]:
        fresh = [task for task in reading.tasks if task.item is None or task.item[0] != queue.name]
        new = ((key_of(task.data), task.data, task.score if task.score is not None else 0.0) for task in fresh)
        items = self._records.add_items(tx, queue.name, new, "")
        numbers = self._records.numbers(tx, queue.name, [key_of(task.data) for task in fresh])
        labels = decisions = 0
        for place, task in enumerate(reading.tasks):
            ours = task.item if task.item is not None and task.item[0] == queue.name else None
            number = ours[1] if ours else numbers[key_of(task.data)]
            for one in task.annotations:
                try:
                    self._bring_one(tx, queue, number, one)
                except BadInput as error:
                    where = f"task {place + 1}"
                    raise BadInput(error.what, where=where, expected=error.expected, fix=error.fix) from error
                labels += not one.skipped and not one.truth
                decisions += one.truth and not one.skipped
        return items, labels, decisions

    def _rows(self, queue: Queue, source: Ref | str, choosing: Choosing) -> list[tuple[str, dict[str, Any], float]]:
        ref = source if isinstance(source, Ref) else Ref.parse(source, kind="data")
        rows = self._data.scan(ref)
        if queue.text is not None and queue.text not in rows.collect_schema():
            raise NotFound("column", queue.text, known=rows.collect_schema().names())
        try:
            found = list(chosen(rows, self._completed(ref, choosing)))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise BadInput(f"the rows cannot be read: {str(error).splitlines()[0]}", where=str(ref)) from error
        if queue.text is not None and found and queue.text not in found[0][1]:
            raise BadInput(f"the text {queue.text!r} is not shown", fix=f"Add --show {queue.text}")
        return found

    def _completed(self, ref: Ref, choosing: Choosing) -> Choosing:
        try:
            key = self._data.get(ref).key
        except NotFound:
            key = ()
        return Choosing(choosing.shown, key, choosing.confidence, choosing.probability, choosing.below, choosing.limit)

    def _choosing(self, queue: Queue) -> Callable[[str], Choosing]:
        first = next(self.items(queue.name, limit=1), None)
        shown = tuple(first.item.data) if first else ()

        def choosing(source: str) -> Choosing:
            return self._completed(Ref.parse(source), Choosing(shown=shown))

        return choosing

    def _pinned(self, source: Ref | str) -> str:
        ref = source if isinstance(source, Ref) else Ref.parse(source, kind="data")
        try:
            return str(self._data.get(ref).ref)
        except NotFound:
            return str(ref)

    def _set_state(self, name: str, state: str) -> Queue:
        with self._spine.write() as tx:
            self._records.queue(name, tx)
            self._records.set_state(tx, name, state)
            self._spine.audit.add(tx, f"annotation.{'close' if state == CLOSED else 'open'}", _ref(name), {})
        return self.get(name)


def _view(queue: Queue, item: Item, labels: Sequence[Label]) -> ItemView:
    said = [one.value for one in labels]
    value = item.final if item.final_by is not None else decided(queue.kind, said, choices=queue.choices)
    return ItemView(item, tuple(labels), value)


def _ref(name: str) -> Ref:
    return Ref("annotation", name)
