"""Label Studio's JSON: tasks with their annotations, read and written.

A task is `{data, annotations: [{completed_by, result: [{from_name, to_name, type, value}]}]}`; see its guide, "Label
Studio task format". Places in a text are code points; releases of Label Studio before 2022 counted UTF-16 units, which
the quoted text gives away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from stackcanvas.data.annotation.kinds import Queue
from stackcanvas.data.annotation.records import Item, Label
from stackcanvas.errors import BadInput
from stackcanvas.plain import plain

_KINDS = {
    "choices": "choice",
    "number": "number",
    "rating": "number",
    "labels": "spans",
    "hypertextlabels": "spans",
}
_CONTROLS = {"choice": "choices", "choices": "choices", "number": "number", "spans": "labels"}


@dataclass(frozen=True, slots=True)
class Brought:
    """One annotation of a task.

    Args:
        skipped: the person did not want to say anything.
        truth: it is the final word.
    """

    labeller: str
    value: Any
    skipped: bool
    truth: bool
    took_s: float | None


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it was read.

    Args:
        item: the number of the item in the queue that exported it.
        score: how sure a model was, where the task has predictions.
    """

    data: dict[str, Any]
    annotations: tuple[Brought, ...]
    item: tuple[str, int] | None
    score: float | None


@dataclass(slots=True)
class Reading:
    """What a file of tasks says.

    Args:
        kind: of all its annotations; None where there are none.
        choices: all that occur, in the order of their first time.
        text: the key of the data that spans lie in.
    """

    tasks: list[Task] = field(default_factory=list)
    kind: str | None = None
    choices: dict[str, None] = field(default_factory=dict)
    text: str | None = None


def read(document: Any) -> Reading:
    """The tasks of a document: a list as an export gives it, or the one task that a file of its storage holds.

    Raises:
        BadInput: it is not Label Studio's JSON, or holds annotations of other kinds; with the place.
    """
    if isinstance(document, Mapping) and "data" in document:
        document = [document]
    if not isinstance(document, list):
        raise BadInput("this is not a list of tasks", expected="the JSON that Label Studio exports")
    reading = Reading()
    for place, task in enumerate(document):
        where = f"task {place + 1}"
        if not isinstance(task, Mapping):
            raise BadInput("this is no task", where=where, expected="{data, annotations}")
        data = task.get("data", task if "annotations" not in task else None)
        if not isinstance(data, Mapping) or not data:
            raise BadInput("the task has no data", where=where, expected='"data": {...}')
        content = {str(name): value for name, value in data.items()}
        given = task.get("annotations", task.get("completions"))
        annotations = [] if given is None else _list(given, where)
        found = tuple(_annotations(reading, annotations, content, where))
        reading.tasks.append(Task(content, found, _item_of(task), _score(task)))
    return reading


def write(queue: Queue, item: Item, labels: Sequence[Label], *, people: dict[str, int]) -> dict[str, Any]:
    """An item as a task.

    Args:
        people: the numbers of labellers, which are added to.
    """
    said: list[tuple[str, Any, float | None, datetime | None, bool]] = [
        (one.labeller, one.value, one.took_s, one.made, False) for one in labels
    ]
    if item.final_by is not None:
        said.append((item.final_by, item.final, None, None, True))
    annotations = []
    for place, (who, value, took_s, made, truth) in enumerate(said):
        number = people.setdefault(who, len(people) + 1)
        annotations.append(
            {
                "id": item.number * 1000 + place,
                "completed_by": {"id": number, "email": who, "first_name": "", "last_name": ""},
                "result": list(_result(queue, value, item.data)),
                "was_cancelled": False,
                "ground_truth": truth,
                "lead_time": took_s,
                **({"created_at": plain(made)} if made is not None else {}),
            }
        )
    meta = {"stackcanvas": {"queue": queue.name, "item": item.number}}
    return {"id": item.number, "data": item.data, "meta": meta, "annotations": annotations, "predictions": []}


def config(queue: Queue, columns: Sequence[str]) -> str:
    """The labelling interface of a queue, as Label Studio takes it.

    Args:
        columns: of the items' data.
    """
    shown = queue.text or (columns[0] if columns else "text")
    lines = ["<View>", f"  <Header value={quoteattr(queue.question or queue.name)}/>"]
    lines.append(f'  <Text name="text" value={quoteattr(f"${shown}")}/>')
    if queue.kind == "number":
        bounds = {"min": queue.low, "max": queue.high}
        said = "".join(f' {name}="{value:g}"' for name, value in bounds.items() if value is not None)
        lines.append(f'  <Number name="label" toName="text"{said}/>')
    else:
        tag, one, more = ("Labels", "Label", "") if queue.kind == "spans" else ("Choices", "Choice", "")
        if queue.kind in {"choice", "choices"}:
            more = f' choice="{"single" if queue.kind == "choice" else "multiple"}"'
        lines.append(f'  <{tag} name="label" toName="text"{more}>')
        lines += [f"    <{one} value={quoteattr(choice)}/>" for choice in queue.choices]
        lines.append(f"  </{tag}>")
    return "\n".join([*lines, "</View>"]) + "\n"


def _result(queue: Queue, value: Any, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    control = {"from_name": "label", "to_name": "text", "type": _CONTROLS[queue.kind]}
    if queue.kind == "spans":
        text = str(data.get(queue.text or "") or "")
        for place, span in enumerate(value):
            inside = {"start": span["start"], "end": span["end"], "text": text[span["start"] : span["end"]]}
            yield {"id": f"span{place}", **control, "value": {**inside, "labels": [span["label"]]}}
    elif queue.kind == "number":
        yield {"id": "label", **control, "value": {"number": value}}
    else:
        yield {"id": "label", **control, "value": {"choices": value if queue.kind == "choices" else [value]}}


def _annotations(
    reading: Reading, annotations: Sequence[Any], data: Mapping[str, Any], where: str
) -> Iterator[Brought]:
    for place, one in enumerate(annotations):
        here = f"{where}, annotation {place + 1}"
        if not isinstance(one, Mapping):
            raise BadInput("this is no annotation", where=here, expected="{completed_by, result}")
        skipped = bool(one.get("was_cancelled"))
        given = [] if skipped else _list(one.get("result") or [], here)
        results = [part for part in given if _is_result(part, here)]
        kind = _kind_of(results, here)
        if kind is not None:
            _join(reading, kind, results, here)
        value = None if skipped else _value(reading, results, data, here)
        took = one.get("lead_time")
        yield Brought(
            labeller=_person(one.get("completed_by")),
            value=value,
            skipped=skipped or value is None,
            truth=bool(one.get("ground_truth")),
            took_s=float(took) if isinstance(took, int | float) and not isinstance(took, bool) else None,
        )


def _is_result(part: Any, where: str) -> bool:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if isinstance(kind, str) and kind not in _KINDS:
        raise BadInput(
            f"annotations of the type {kind[:60]!r} are not read", where=where, expected=f"one of {', '.join(_KINDS)}"
        )
    if kind is None or not isinstance(part, Mapping) or not isinstance(part.get("value"), Mapping):
        raise BadInput("a result has no value", where=where, expected="{from_name, to_name, type, value}")
    return True


def _kind_of(results: Sequence[Mapping[str, Any]], where: str) -> str | None:
    names = sorted({str(part.get("from_name")) for part in results})
    if len(names) > 1:
        raise BadInput(
            f"there are several questions: {', '.join(names)}",
            where=where,
            expected="one question in a queue",
            fix="Export each question by itself",
        )
    return next((_KINDS[str(part["type"])] for part in results), None)


def _join(reading: Reading, kind: str, results: Sequence[Mapping[str, Any]], where: str) -> None:
    """What the results tell of the whole file."""
    if kind == "choice" and (len(results) > 1 or any(len(part["value"].get("choices", ())) != 1 for part in results)):
        kind = "choices"
    if reading.kind is None or (reading.kind, kind) == ("choice", "choices"):
        reading.kind = kind
    elif reading.kind != kind and (reading.kind, kind) != ("choices", "choice"):
        raise BadInput(f"annotations are {reading.kind} and {kind}", where=where, expected="one kind in a queue")


def _value(reading: Reading, results: Sequence[Mapping[str, Any]], data: Mapping[str, Any], where: str) -> Any:
    """The label as we keep it: a list for choices, also of one; None where it says nothing."""
    if not results:
        return [] if reading.kind in {"choices", "spans"} else None
    if reading.kind == "number":
        value = results[0]["value"]
        return value.get("number", value.get("rating"))
    if reading.kind == "spans":
        return [_span(reading, part["value"], data, where) for part in results]
    names = [name for part in results for name in _list(part["value"].get("choices", []), where)]
    reading.choices.update(dict.fromkeys(str(name) for name in names))
    return names


def _span(reading: Reading, value: Mapping[str, Any], data: Mapping[str, Any], where: str) -> dict[str, Any]:
    labels = value.get("labels", value.get("hypertextlabels"))
    start, end = value.get("start"), value.get("end")
    if not isinstance(labels, list) or len(labels) != 1 or not all(isinstance(one, int) for one in (start, end)):
        raise BadInput("a span has no places or not one label", where=where, expected="{start, end, labels: [one]}")
    assert isinstance(start, int)
    assert isinstance(end, int)
    reading.choices[str(labels[0])] = None
    # Some releases quote the end of a line as a backslash with an n.
    quoted = value.get("text")
    quotes = {None} if quoted is None else {str(quoted), str(quoted).replace("\\n", "\n")}
    texts = {name: text for name, text in data.items() if isinstance(text, str)}
    for name in [reading.text] if reading.text is not None else list(texts):
        text = texts.get(name, "")
        for places in ((start, end), _from_utf16(text, start, end)):
            if (
                places is not None
                and 0 <= places[0] < places[1] <= len(text)
                and not quotes.isdisjoint({None, text[slice(*places)]})
            ):
                reading.text = name
                return {"start": places[0], "end": places[1], "label": str(labels[0])}
    raise BadInput(f"the span from {start} to {end} does not hold {str(quoted)[:60]!r}", where=where)


def _from_utf16(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Places in UTF-16 units as places in code points."""
    if not 0 <= start < end:
        return None
    units = text.encode("utf-16-le", "surrogatepass")
    try:
        head, inside = units[: 2 * start].decode("utf-16-le"), units[2 * start : 2 * end].decode("utf-16-le")
    except UnicodeDecodeError:
        return None
    return len(head), len(head) + len(inside)


def _person(completed_by: Any) -> str:
    if isinstance(completed_by, Mapping):
        return str(completed_by.get("email") or completed_by.get("username") or completed_by.get("id") or "unknown")
    return (
        "unknown"
        if completed_by is None
        else f"user {completed_by}"
        if isinstance(completed_by, int)
        else str(completed_by)
    )


def _item_of(task: Mapping[str, Any]) -> tuple[str, int] | None:
    meta = task.get("meta")
    ours = meta.get("stackcanvas") if isinstance(meta, Mapping) else None
    if isinstance(ours, Mapping) and isinstance(ours.get("queue"), str) and isinstance(ours.get("item"), int):
        return ours["queue"], ours["item"]
    return None


def _score(task: Mapping[str, Any]) -> float | None:
    found = task.get("predictions")
    scores = [one.get("score") for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    numbers = [float(score) for score in scores if isinstance(score, int | float) and not isinstance(score, bool)]
    return min(numbers, default=None)


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadInput("a list is expected", where=where, expected="the JSON that Label Studio exports")
    return value
