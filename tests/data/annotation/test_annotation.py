"""Labelling by people: items go out, labels come in, and what they come to goes on as data."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.data.annotation import Annotation, Choosing
from stackcanvas.errors import BadInput, Conflict, NotFound, StackCanvasError
from stackcanvas.metadata import Spine

MOODS = ("good", "bad")

both = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)


def work(annotation: Annotation, name: str, person: str, value: str) -> list[int]:
    """Label all that one person gets, and give the numbers."""
    done = []
    while claim := annotation.claim(name, person):
        annotation.label(name, claim.item.number, person, value, took_s=2.0)
        done.append(claim.item.number)
    return done


@both
def test_the_way_of_a_queue(annotation: Annotation, data: Data, spine: Spine) -> None:
    """Make it, label it, see agreement and cost, settle what is undecided, and take the rows on, with their types."""
    annotation.create("moods", "reviews", choices=MOODS, question="What is the mood?")
    assert work(annotation, "moods", "ada", "good") == [1, 2, 3, 4, 5]
    for number, value in enumerate(["good", "bad", "good", "good"], start=1):
        claim = annotation.claim("moods", "bob")
        assert claim is not None
        assert claim.item.number == number
        annotation.label("moods", number, "bob", value)
    annotation.skip("moods", 5, "bob", note="not mine")
    assert annotation.claim("moods", "bob") is None

    progress = annotation.progress("moods")
    assert (progress.items, progress.done, progress.labels, progress.wanted) == (5, 4, 9, 10)
    assert (progress.cost, progress.expected_cost, progress.currency) == (Decimal("0.90"), Decimal("1.00"), "EUR")
    assert [(one.labeller, one.labels, one.skipped, one.median_s) for one in progress.people] == [
        ("ada", 5, 0, 2.0),
        ("bob", 4, 1, 0.0),
    ]
    agreed = annotation.agreement("moods")
    assert (agreed.items, agreed.same) == (4, 0.75)
    assert agreed.pairs[0].kappa == 0

    assert [one.item.number for one in annotation.items("moods", undecided=True)] == [2]
    annotation.decide("moods", 2, "bad", by="eve")
    version = annotation.export("moods", "labelled")

    rows = data.read("labelled")
    assert rows.schema["id"] == pl.Int64
    assert rows["annotation"].to_list() == ["good", "bad", "good", "good", "good"]
    assert rows["annotation_by"].to_list() == ["people", "eve", "people", "people", "people"]
    assert rows["annotation_agreement"].to_list() == [1.0, 0.5, 1.0, 1.0, 1.0]
    upstream = {str(ref) for ref in spine.lineage.upstream(version.ref).refs}
    assert upstream >= {"data:reviews@1", "annotation:moods"}
    assert spine.audit.verify() == []
    each = data.read(annotation.export("moods", "each", each=True).ref)
    assert each.height == 9
    assert set(each["annotation_by"]) == {"ada", "bob"}


@both
def test_an_item_comes_back_when_a_person_leaves(annotation: Annotation, clock: ManualClock) -> None:
    """It is kept for its time, then given to others; whoever comes back too late hears that it is taken."""
    annotation.create(
        "moods", "reviews", choices=MOODS, wanted=1, claim_s=60, choosing=Choosing(limit=1, confidence="score")
    )
    first = annotation.claim("moods", "ada")
    assert first is not None
    assert first.item.data["id"] == 5  # the least sure
    assert annotation.claim("moods", "bob") is None
    again = annotation.claim("moods", "ada")
    assert again is not None
    assert again.item.number == first.item.number

    clock.advance(seconds_s=61)
    assert annotation.claim("moods", "bob") is not None
    with pytest.raises(Conflict, match="enough others"):
        annotation.label("moods", 1, "ada", "good")
    annotation.label("moods", 1, "bob", "bad")
    annotation.label("moods", 1, "bob", "good")  # the last word counts, and once

    assert annotation.item("moods", 1).item.given == 1
    assert annotation.item("moods", 1).value == "good"


def test_given_back_and_closed(annotation: Annotation) -> None:
    """What is given back goes to others at once; a closed queue gives nothing out and takes nothing."""
    annotation.create("moods", "reviews", choices=MOODS, wanted=1)
    annotation.claim("moods", "ada")
    annotation.release("moods", 1, "ada")
    claim = annotation.claim("moods", "bob")
    assert claim is not None
    assert claim.item.number == 1

    annotation.close("moods")
    for refused in (lambda: annotation.claim("moods", "eve"), lambda: annotation.label("moods", 1, "bob", "bad")):
        with pytest.raises(Conflict, match="is closed"):
            refused()
    annotation.open("moods")
    annotation.label("moods", 1, "bob", "bad")


@both
@pytest.mark.parametrize("kind", ["choice", "spans"])
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_item_is_in_more_hands_than_wanted(
    annotation: Annotation, clock: ManualClock, kind: str, draw: st.DataObject
) -> None:
    """Whatever people do in whatever order: hands and labels together never pass what is wanted, and none is lost."""
    name = f"q{clock.now().timestamp()}{kind}"
    clock.advance(seconds_s=1)
    wanted = draw.draw(st.integers(1, 3))
    annotation.create(
        name,
        "reviews",
        kind=kind,
        choices=() if kind == "number" else MOODS,
        wanted=wanted,
        claim_s=100,
        text="text" if kind == "spans" else None,
    )
    value = {"choice": "good", "choices": ["bad"], "number": 2, "spans": [{"start": 0, "end": 2, "label": "good"}]}[
        kind
    ]
    people = "abcde"
    held: dict[str, int] = {}
    until: dict[str, datetime] = {}
    said: set[tuple[int, str]] = set()
    for _ in range(draw.draw(st.integers(5, 40))):
        person = draw.draw(st.sampled_from(people))
        match draw.draw(st.sampled_from(["claim", "claim", "label", "label", "skip", "release", "wait"])):
            case "claim":
                claim = annotation.claim(name, person)
                if claim is not None:
                    assert (claim.item.number, person) not in said
                    held[person] = claim.item.number
                    until[person] = claim.expires
            case "label" if person in held:
                number = held.pop(person)
                try:
                    annotation.label(name, number, person, value)
                    said.add((number, person))
                except Conflict:
                    assert sum(item == number for item, _ in said) <= wanted
            case "skip" if person in held:
                annotation.skip(name, held.pop(person), person)
            case "release" if person in held:
                annotation.release(name, held.pop(person), person)
            case "wait":
                clock.advance(seconds_s=draw.draw(st.sampled_from([1, 101])))
            case _:
                pass
        progress = annotation.progress(name)
        assert progress.labels == len(said)
        for number in range(1, 6):
            hands = sum(item == number and until[who] > clock.now() for who, item in held.items())
            assert hands + sum(item == number for item, _ in said) <= wanted
    for one in annotation.items(name):
        assert one.item.given == len(one.labels) <= wanted
        assert (one.item.state == "done") == (one.item.given >= wanted)


@both
def test_what_is_unsure_comes_first(annotation: Annotation, data: Data) -> None:
    """By confidence, by probability, below a bound, inside records; what says nothing is least sure of all."""
    unsure = annotation.create(
        "a", "reviews", choices=MOODS, choosing=Choosing(probability="score", below=0.9, limit=3)
    )
    assert unsure.sources == ("data:reviews@1",)
    order = []
    while claim := annotation.claim("a", "ada"):
        annotation.label("a", claim.item.number, "ada", "good")
        order.append(claim.item.data["id"])
    assert order == [3, 2, 5]
    data.commit("log", pl.DataFrame({"x": [1, 2, 3], "output": [{"p": 0.8}, {"p": None}, {"p": 0.1}]}))
    annotation.create("b", "log", choices=MOODS, choosing=Choosing(confidence="output.p", shown=("x",)))
    claim = annotation.claim("b", "ada")
    assert claim is not None
    assert claim.item.data == {"x": 2}
    with pytest.raises(BadInput, match="number from 0 to 1"):
        annotation.create("c", "log", choices=MOODS, choosing=Choosing(confidence="x"))


@both
def test_more_rows_are_added_once(annotation: Annotation, data: Data) -> None:
    """By key: what is there already stays as it is, with its labels."""
    annotation.create("moods", "reviews", choices=MOODS)
    annotation.claim("moods", "ada")
    annotation.label("moods", 1, "ada", "good")
    more = pl.concat([data.read("reviews"), pl.DataFrame({"id": [9], "text": ["new"], "score": [0.1]})])
    data.commit("reviews", more, key="id")

    assert annotation.add("moods", "reviews") == 1
    assert annotation.add("moods", "reviews") == 0
    assert annotation.progress("moods").items == 6
    assert annotation.get("moods").sources == ("data:reviews@1", "data:reviews@2")
    assert annotation.export("moods", "out").rows == 1


def test_everything_that_data_can_hold(annotation: Annotation, data: Data) -> None:
    """Rows of any type can be labelled and come back as they were."""
    rows = pl.DataFrame(
        {
            "when": pl.Series([0, None]).cast(pl.Datetime("us", "UTC")),
            "bytes": [b"\0", None],
            "list": [[1], []],
            "record": [{"a": None}, {"a": "x"}],
            "nan": [float("nan"), float("inf")],
            "text": ["\0<b>\u202e", "💖"],
            "when2": pl.Series([1, 2]).cast(pl.Time),
            "none": [None, None],
        }
    )
    data.commit("odd", rows)
    annotation.create("odd", "odd", choices=MOODS, wanted=1)
    assert work(annotation, "odd", "ada", "bad") == [1, 2]

    back = data.read(annotation.export("odd", "odd-labelled").ref)

    assert back.select(rows.columns).equals(data.read("odd"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "colour", "choices": MOODS}, "is no kind of label"),
        ({}, "there are 0 choices"),
        ({"choices": ["a", "a"]}, "given twice"),
        ({"choices": ["a", " b"]}, "cannot be a choice"),
        ({"choices": ["a", "b\n"]}, "cannot be a choice"),
        ({"kind": "number", "choices": MOODS}, "not chosen"),
        ({"kind": "number", "low": 2, "high": 1}, "no number lies"),
        ({"kind": "number", "low": float("nan")}, "not finite"),
        ({"kind": "spans", "choices": MOODS}, "column of their text"),
        ({"kind": "spans", "choices": MOODS, "text": "txt"}, "no column 'txt'"),
        ({"kind": "spans", "choices": MOODS, "text": "text", "choosing": Choosing(shown=("id",))}, "is not shown"),
        ({"choices": MOODS, "wanted": 0}, "0 people"),
        ({"choices": MOODS, "claim_s": 1}, "kept for 1 s"),
        ({"choices": MOODS, "price": Decimal("NaN")}, "costs NaN"),
        ({"choices": MOODS, "choosing": Choosing(shown=("nope",))}, "no column 'nope'"),
        ({"choices": MOODS, "choosing": Choosing(below=0.5)}, "how sure"),
    ],
)
def test_queues_that_do_not_fit(annotation: Annotation, options: dict[str, object], said: str) -> None:
    """The error says why, and nothing is made."""
    with pytest.raises(StackCanvasError, match=said):
        annotation.create("q", "reviews", **options)  # type: ignore[arg-type]
    assert annotation.ls() == []


@pytest.mark.parametrize(
    ("kind", "wrong", "right", "kept"),
    [
        ("choice", ["nope", None, 1, ["good"], ""], "good", "good"),
        ("choices", ["good", ["nope"], [1], None], ["bad", "good", "bad"], ["good", "bad"]),
        ("number", ["1", True, float("nan"), 11, -1, None], 7, 7.0),
        (
            "spans",
            ["x", [{"start": 0}], [{"start": 5, "end": 5, "label": "good"}], [{"start": 0, "end": 99, "label": "good"}],
             [{"start": 0, "end": 1, "label": "x"}], [{"start": 0.0, "end": 1, "label": "good"}]],
            [{"start": 2, "end": 6, "label": "bad"}, {"start": 0, "end": 1, "label": "good"}],
            [{"start": 0, "end": 1, "label": "good"}, {"start": 2, "end": 6, "label": "bad"}],
        ),
    ],
)  # fmt: skip
def test_labels_that_are_not_asked_for(
    annotation: Annotation, kind: str, wrong: list[object], right: object, kept: object
) -> None:
    """Each is refused with what was expected, the item stays in hand, and the right one is kept in order."""
    options = {"low": 0, "high": 10} if kind == "number" else {"choices": MOODS}
    text = "text" if kind == "spans" else None
    annotation.create("q", "reviews", kind=kind, text=text, **options)
    annotation.claim("q", "ada")
    for value in wrong:
        with pytest.raises(BadInput):
            annotation.label("q", 1, "ada", value)
    annotation.label("q", 1, "ada", right)

    assert annotation.item("q", 1).value == kept


def test_names_that_are_not_there(annotation: Annotation) -> None:
    """The nearest name is offered; people need a name."""
    annotation.create("moods", "reviews", choices=MOODS)
    with pytest.raises(NotFound, match="Did you mean 'moods'"):
        annotation.claim("mood", "ada")
    with pytest.raises(NotFound, match="no item 'moods 99'"):
        annotation.label("moods", 99, "ada", "good")
    with pytest.raises(Conflict, match="already"):
        annotation.create("moods", "reviews", choices=MOODS)
    for name in ("", "  ", "a\nb", "x" * 201):
        with pytest.raises(BadInput, match="name of a person"):
            annotation.claim("moods", name)
    with pytest.raises(BadInput, match="nothing of the queue"):
        annotation.export("moods", "out")
    with pytest.raises(BadInput):
        annotation.claim("moods", "a\0b")
