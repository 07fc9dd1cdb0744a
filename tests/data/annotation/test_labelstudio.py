"""Label Studio's JSON: what it exports comes in, what goes out comes back."""

from __future__ import annotations

import copy
import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from stackcanvas.data.annotation import Annotation, Choosing
from stackcanvas.errors import BadInput
from stackcanvas.plain import plain


def result(kind: str, value: dict[str, Any], name: str = "label") -> dict[str, Any]:
    """One result as Label Studio writes it."""
    return {"id": "x1", "from_name": name, "to_name": "text", "type": kind, "value": value}


def task(data: dict[str, Any], *annotations: list[dict[str, Any]], by: Any = 1, **more: Any) -> dict[str, Any]:
    """A task with an annotation for each list of results."""
    made = [
        {"id": place, "completed_by": by, "result": found, "was_cancelled": False, "lead_time": 4.2, **more}
        for place, found in enumerate(annotations)
    ]
    return {"id": 7, "data": data, "annotations": made, "predictions": [{"score": 0.25, "result": []}]}


@pytest.mark.parametrize(
    ("found", "kind", "value"),
    [
        (result("choices", {"choices": ["good"]}), "choice", "good"),
        (result("choices", {"choices": ["good", "loud"]}), "choices", ["good", "loud"]),
        (result("number", {"number": 3}), "number", 3.0),
        (result("rating", {"rating": 4}), "number", 4.0),
        (
            result("labels", {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}),
            "spans",
            [{"start": 0, "end": 3, "label": "PER"}],
        ),
    ],
)
def test_what_it_exports_comes_in(annotation: Annotation, found: dict[str, Any], kind: str, value: object) -> None:
    """The kind, the choices and the people are told by the tasks themselves."""
    other = result("choices", {"choices": ["bad"]})
    tasks = [task({"text": "Ada sings"}, [found], by={"id": 3, "email": "ada@example.org"})]
    if "choice" in kind:
        tasks.append(task({"text": "no"}, [other]))

    brought = annotation.import_label_studio("q", tasks)

    assert (brought.queue.kind, brought.items, brought.labels) == (kind, len(tasks), len(tasks))
    view = annotation.item("q", 1)
    assert view.value == value
    assert (view.labels[0].labeller, view.labels[0].took_s, view.item.priority) == ("ada@example.org", 4.2, 0.25)


@pytest.mark.parametrize(("start", "end"), [(8, 12), (9, 13)])
def test_places_are_code_points(annotation: Annotation, start: int, end: int) -> None:
    """Those of older releases, which counted UTF-16 units, are told by the text that they quote."""
    found = result("labels", {"start": start, "end": end, "text": "Rome", "labels": ["PLACE"]})
    annotation.import_label_studio("q", [task({"text": "💖 I see Rome"}, [found])])
    assert annotation.item("q", 1).value == [{"start": 8, "end": 12, "label": "PLACE"}]


def test_there_and_back(annotation: Annotation) -> None:
    """Labels, skips and decisions survive a round trip into another queue, and back into their own."""
    annotation.create("a", "reviews", choices=["good", "bad"])
    for person, value in (("ada@example.org", "good"), ("bob", "bad")):
        for number in (1, 2):
            annotation.claim("a", person)
            annotation.label("a", number, person, value, took_s=1.5)
    annotation.decide("a", 2, "bad", by="eve")
    document = json.loads(json.dumps(plain(annotation.export_label_studio("a"))))

    brought = annotation.import_label_studio("b", document, wanted=2)
    again = annotation.import_label_studio("a", document)

    assert (brought.items, brought.labels, brought.decisions) == (5, 4, 1)
    assert (again.items, again.labels, again.decisions) == (0, 4, 1)
    for name in ("a", "b"):
        views = list(annotation.items(name))
        assert [view.value for view in views] == [None, "bad", None, None, None]
        assert [len(view.labels) for view in views] == [2, 2, 0, 0, 0]
        assert views[1].item.final_by == "eve"
    assert annotation.agreement("a").alpha == annotation.agreement("b").alpha


def test_spans_there_and_back(annotation: Annotation) -> None:
    """The text of a span is quoted as it stands, behind letters of any plane."""
    annotation.create("a", "reviews", kind="spans", text="text", choices=["x"], choosing=Choosing(shown=("text",)))
    annotation.label("a", 4, "ada", [{"start": 6, "end": 7, "label": "x"}, {"start": 8, "end": 13, "label": "x"}])
    document = annotation.export_label_studio("a")
    assert [one["value"]["text"] for one in document[3]["annotations"][0]["result"]] == ["💖", "stuff"]

    annotation.import_label_studio("b", json.loads(json.dumps(plain(document))))

    assert annotation.item("b", 4).value == annotation.item("a", 4).value


def test_skipped_and_the_truth(annotation: Annotation) -> None:
    """A cancelled annotation is no label; a ground truth decides."""
    good = result("choices", {"choices": ["good"]})
    skipped, truth = task({"t": 1}, [], was_cancelled=True), task({"t": 2}, [good], ground_truth=True)
    brought = annotation.import_label_studio(
        "q", [task({"t": 3}, [good]), task({"t": 4}, [result("choices", {"choices": ["b"]})]), skipped, truth]
    )

    assert (brought.labels, brought.decisions) == (2, 1)
    assert annotation.item("q", 4).item.final == "good"
    assert [one.skipped for one in annotation.progress("q").people] == [1]


def test_files_from_the_field(annotation: Annotation) -> None:
    """Drafts, nothing where a list may stand, a cancelled mark of another kind, ends of lines, one task by itself."""
    text = {"text": "one\ntwo"}
    old = result("labels", {"start": 0, "end": 7, "text": "one\\ntwo", "labels": ["N"]})
    box = task(text, [result("rectanglelabels", {"x": 1})], was_cancelled=True, by={"id": 2, "email": "b"})[
        "annotations"
    ]
    whole = task(text, [old], drafts=[{"id": 5}]) | {"predictions": None, "drafts": [{"result": [old]}]}
    whole["annotations"] += box
    none = {"data": {"text": "x"}, "annotations": None, "predictions": None}

    brought = annotation.import_label_studio("q", [whole, none])

    assert (brought.items, brought.labels) == (2, 1)
    assert annotation.item("q", 1).value == [{"start": 0, "end": 7, "label": "N"}]
    assert [(one.labeller, one.labels, one.skipped) for one in annotation.progress("q").people] == [
        ("user 1", 1, 0),
        ("b", 0, 1),
    ]
    assert annotation.import_label_studio("p", whole).items == 1


ONE = {"choices": ["a"]}
SPAN = {"start": 1, "end": 3, "labels": ["P"]}


def labelled(*results: dict[str, Any], text: Any = 1) -> dict[str, Any]:
    """A task with one annotation."""
    return task({"t": text}, list(results))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "not a list of tasks"),
        ([1], "task 1: this is no task"),
        ([{"annotations": []}], "task 1: the task has no data"),
        ([task({"t": 1})], "no task has an annotation"),
        ([{"data": {"t": 1}, "annotations": {}}], "task 1: a list is expected"),
        ([{"data": {"t": 1}, "annotations": [1]}], "task 1, annotation 1: this is no annotation"),
        ([labelled({"type": "choices"})], "a result has no value"),
        ([labelled(result("rectanglelabels", {"x": 1}))], "'rectanglelabels' are not read"),
        ([labelled(result("choices", ONE), result("choices", ONE, "b"))], "several questions"),
        ([labelled(result("number", {"number": 1})), labelled(result("choices", ONE), text=2)], "number and choice"),
        ([labelled(result("number", {"number": "x"}))], "task 1: 'x' is no number"),
        ([labelled(result("labels", SPAN | {"text": "Ada"}), text="Ada")], "does not hold 'Ada'"),
        ([labelled(result("labels", SPAN | {"labels": ["P", "Q"]}), text="Ada")], "not one label"),
        ([labelled(result("labels", SPAN | {"start": None}), text="Ada")], "no places"),
        ([labelled(result("choices", ONE))], "only one choice occurs, 'a'"),
        ([labelled({"type": "relation", "from_id": "x", "to_id": "y"})], "'relation' are not read"),
        ([labelled(result("choices", {"choices": [1, "b"]}))], "1 is not among the choices"),
    ],
)
def test_documents_that_are_something_else(annotation: Annotation, document: Any, said: str) -> None:
    """The place is told, and nothing is brought: not even the queue."""
    with pytest.raises(BadInput) as caught:
        annotation.import_label_studio("q", document)
    assert said in caught.value.sentence()
    assert annotation.ls() == []


def test_nothing_is_brought_by_half(annotation: Annotation) -> None:
    """The last task is wrong, so the first is not there either."""
    good = task({"t": 1}, [result("choices", {"choices": ["a"]})])
    annotation.import_label_studio("q", [good, task({"t": 2}, [result("choices", {"choices": ["b"]})])])
    new = copy.deepcopy(good) | {"data": {"t": 3}}

    with pytest.raises(BadInput, match="task 2"):
        annotation.import_label_studio("q", [new, task({"t": 4}, [result("choices", {"choices": ["never"]})])])

    assert annotation.progress("q").items == 2


@pytest.mark.parametrize(
    ("options", "tag"),
    [
        ({"choices": ["a<b", 'c"d']}, "Choices"),
        ({"kind": "choices", "choices": ["a", "b"]}, "Choices"),
        ({"kind": "number", "low": 1, "high": 5}, "Number"),
        ({"kind": "spans", "text": "text", "choices": ["x"]}, "Labels"),
    ],
)
def test_the_interface_is_sound(annotation: Annotation, options: dict[str, Any], tag: str) -> None:
    """Its XML can be read, whatever the choices say."""
    annotation.create("q", "reviews", question='<&">?', **options)
    view = ET.fromstring(annotation.label_studio_config("q"))  # noqa: S314 - our own
    (control,) = view.findall(tag)
    assert control.get("toName") == "text"
    assert [one.get("value") for one in control] == options.get("choices", [])
