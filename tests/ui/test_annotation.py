"""The pages on which people label: by forms alone, and with the keyboard in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import polars as pl
import pytest
from playwright.sync_api import Browser

from stackcanvas.server.control import make_app
from stackcanvas.stack import Stack
from stackcanvas.testing.asgi import Answer, Client

HTML = {"accept": "text/html"}


@pytest.fixture
def stack(make_stack: Callable[[str], Stack], canvases: dict[str, str]) -> Stack:
    """A project with queues of every kind."""
    opened = make_stack(canvases["empty"])
    text = "Ada sings 💖 in New York, <script>hurt</script>"
    opened.data.commit("texts", pl.DataFrame({"id": [1, 2, 3], "text": [text, "", "x" * 5000]}), key="id")
    opened.annotation.create("one/mood", "texts", choices=["good", "<b>bad</b>"], wanted=2)
    opened.annotation.create("topics", "texts", kind="choices", choices=["a", "b"])
    opened.annotation.create("stars", "texts", kind="number", low=1, high=5)
    opened.annotation.create("names", "texts", kind="spans", text="text", choices=["person", "place"])
    return opened


class Person:
    """Somebody who fills in forms without scripts."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.client = Client(make_app(stack))
        self.name = name
        self.token = ""

    def get(self, path: str) -> Answer:
        """A page, whose token is kept."""
        page = self.client.get(path, headers=HTML)
        found = re.search(r'name="token" value="(.*?)"', page.text)
        self.token = found[1] if found else self.token
        return page

    def post(self, queue: str, do: str, **fields: object) -> Answer:
        """A form; where it leads on, the place."""
        given = {"token": self.token, "queue": queue, "labeller": self.name, "do": do, **fields}
        body = urlencode(given, doseq=True).encode()
        headers = {**HTML, "content-type": "application/x-www-form-urlencoded"}
        return self.client.post("/annotation", body=body, headers=headers)


def test_from_the_list_to_the_last_item(stack: Stack) -> None:
    """A form gives an item out, the next one takes the answer, and at the end it says so."""
    ada = Person(stack, "ada")
    assert "one/mood" in ada.get("/annotation").text
    ada.get("/annotation?queue=one%2Fmood")
    for number in (1, 2, 3):
        answer = ada.post("one/mood", "next")
        assert answer.status == 303
        assert f"item={number}" in answer.headers["location"]
        page = ada.get(answer.headers["location"])
        assert "&lt;b&gt;bad&lt;/b&gt;" in page.text
        assert "<script>hurt" not in page.text
        ada.post("one/mood", "label", item=number, value="good", note="sure")
    answer = ada.post("one/mood", "next")

    assert "Nothing is left for you here" in ada.get(answer.headers["location"]).text
    assert [view.labels[0].note for view in stack.annotation.items("one/mood")] == ["sure"] * 3


def test_looking_changes_nothing(stack: Stack) -> None:
    """Pages can be asked for, and asked for ahead, without anything being taken."""
    ada = Person(stack, "ada")
    for path in ("/annotation", "/annotation?queue=stars", "/annotation?queue=stars&item=1&labeller=ada"):
        assert ada.get(path).status == 200
        assert ada.client.get(path.replace("/annotation", "/annotation.json")).status == 200
    assert stack.annotation.progress("stars").taken == 0


@pytest.mark.parametrize("token", ["", "x"])
def test_a_form_from_elsewhere(stack: Stack, token: str) -> None:
    """Without the token of our own pages nothing is done; nor for a page of another site."""
    ada = Person(stack, "ada")
    ada.token = token
    assert ada.post("stars", "next").status == 400
    good = Person(stack, "ada")
    good.get("/annotation?queue=stars")
    body = urlencode({"token": good.token, "queue": "stars", "labeller": "ada", "do": "next"}).encode()
    foreign = {**HTML, "content-type": "application/x-www-form-urlencoded", "origin": "http://evil.example"}
    assert good.client.post("/annotation", body=body, headers=foreign).status == 403
    assert stack.annotation.progress("stars").taken == 0


@pytest.mark.parametrize(
    ("queue", "fields", "said"),
    [
        ("stars", {"value": "9"}, "out of bounds"),
        ("stars", {"value": "many"}, "is no number"),
        ("stars", {}, "nothing is said"),
        ("one/mood", {"value": "great"}, "not among the choices"),
        ("topics", {"value": ["a", "c"]}, "not among the choices"),
        ("names", {"span": "0:9999:0"}, "not in the text"),
        ("names", {"span": "0:3:9"}, ""),
    ],
)
def test_what_is_wrong_is_said_on_the_form(stack: Stack, queue: str, fields: dict[str, object], said: str) -> None:
    """The form comes back, and the item stays in hand."""
    ada = Person(stack, "ada")
    ada.get(f"/annotation?queue={queue}")
    ada.post(queue, "next")

    answer = ada.post(queue, "label", item=1, **fields)

    assert answer.status in {400, 422}
    assert said in answer.text
    assert stack.annotation.progress(queue).taken == 1


def test_words_become_spans(stack: Stack) -> None:
    """Ticked neighbours are one span; spans can be removed, and are saved as code points."""
    ada = Person(stack, "ada")
    ada.get("/annotation?queue=names")
    place = ada.post("names", "next").headers["location"]
    page = ada.get(f"{place}&w=15:18&w=19:23&w=0:3&add=0")
    spans = re.findall(r'name="span" value="(.*?)"', page.text)
    assert sorted(set(spans)) == ["0:3:0", "15:23:0"]
    ada.post("names", "label", item=1, span=["0:3:0", "15:23:1"])

    assert stack.annotation.item("names", 1).value == [
        {"start": 0, "end": 3, "label": "person"},
        {"start": 15, "end": 23, "label": "place"},
    ]
    assert "0:3:0" in ada.get("/annotation?queue=names&item=1&labeller=ada").text  # what was said before


def test_skip_stop_and_decide(stack: Stack) -> None:
    """An item is left, given back, or decided by somebody who sees what people said."""
    ada = Person(stack, "ada")
    ada.get("/annotation?queue=one%2Fmood")
    ada.post("one/mood", "next")
    assert "item=2" in ada.post("one/mood", "skip", item=1).headers["location"]
    ada.post("one/mood", "release", item=2)
    assert stack.annotation.progress("one/mood").taken == 0
    for who, value in (("bob", "good"), ("cat", "<b>bad</b>")):
        stack.annotation.label("one/mood", 1, who, value)
    assert "What people said" in ada.get("/annotation?queue=one%2Fmood&item=1&labeller=ada").text
    late = ada.post("one/mood", "label", item=1, value="good")
    assert "item=2" in late.headers["location"]
    assert stack.annotation.item("one/mood", 1).item.given == 2
    ada.post("one/mood", "decide", item=1, value="good")

    assert stack.annotation.item("one/mood", 1).item.final_by == "ada"


@pytest.mark.parametrize(
    "asked", ["queue=none", "queue=stars&item=99", "queue=stars&item=x", "item=1", "queue=names&item=1&span=a:b"]
)
def test_addresses_of_nothing(stack: Stack, asked: str) -> None:
    """They are told so, on a page."""
    answer = Person(stack, "ada").get(f"/annotation?{asked}")
    assert answer.status in {400, 404}
    assert "stackcanvas" in answer.text


def test_the_keyboard_is_enough(stack: Stack, browser: Browser, serve: Callable[[Stack], str]) -> None:
    """A number answers, Enter saves, s skips."""
    address = serve(stack)
    page = browser.new_page()
    page.goto(f"{address}/annotation?queue=one%2Fmood")
    page.fill("input[name=labeller]", "ada")
    page.keyboard.press("Enter")
    page.wait_for_url("**item=1*")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.wait_for_url("**item=2*")
    page.keyboard.press("s")
    page.wait_for_url("**item=3*")
    page.close()

    assert stack.annotation.item("one/mood", 1).labels[0].value == "<b>bad</b>"
    assert stack.annotation.progress("one/mood").people[0].skipped == 1
