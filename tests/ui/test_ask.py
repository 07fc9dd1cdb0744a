"""Questions as forms: what is sent is written, what is wrong stands beside its field, strangers change nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from stackcanvas.canvas import QUESTION_IDS, load
from stackcanvas.server.control import make_app
from stackcanvas.stack import Stack
from stackcanvas.testing.asgi import Answer, Client

CANVAS = """\
stackcanvas: 1
project: {name: delays, maturity: {wanted: strategic}}  # ours

data:
  versioning: mandatory  # the auditor asks
metadata:
  store: {url: "sqlite:///.stackcanvas/metadata.db?password=geheim"}
"""
FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}


@pytest.fixture
def stack(make_stack: Callable[[str], Stack]) -> Stack:
    """A stack whose canvas has hardly an answer."""
    return make_stack(CANVAS)


@pytest.fixture
def pages(stack: Stack) -> Client:
    """Asks for pages in process."""
    return Client(make_app(stack))


def file_of(stack: Stack) -> Path:
    """The canvas."""
    return stack.root / "canvas.yaml"


def hidden(page: str) -> dict[str, str]:
    """The fields of a form that nobody sees."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def send(pages: Client, question: str, **fields: str | list[str]) -> Answer:
    """Open the form of a question, fill it in and send it."""
    found = pages.get(f"/ask/{question}", headers={"accept": "text/html"})
    assert found.status == 200, found.text
    named = {f"answer.{name}" if name else "answer": value for name, value in fields.items() if name != "do"}
    return raw(pages, question, {**hidden(found.text), **named, "do": fields.get("do", "next")})


def raw(pages: Client, question: str, fields: dict[str, str | list[str]]) -> Answer:
    """Send a form as it is."""
    body = urlencode(fields, doseq=True).encode()
    return pages.post(f"/ask/{question}", body=body, headers=FORM)


def answer(value: str) -> dict[str, str | list[str]]:
    """The only field of a form."""
    return {"": value}


def test_every_question_has_a_form(pages: Client) -> None:
    """Each opens, is labelled, and holds a token."""
    for question in (*QUESTION_IDS, "project.name", "project.regulated"):
        found = pages.get(f"/ask/{question}", headers={"accept": "text/html"})
        assert found.status == 200, question
        assert set(hidden(found.text)) == {"token", "was"}
        labels = set(re.findall(r'<label for="([^"]+)"', found.text))
        assert labels <= set(re.findall(r' id="([^"]+)"', found.text))
    assert pages.get("/ask/data.nothing", headers={"accept": "text/html"}).status == 404


def test_an_answer_is_written_with_comments_kept(pages: Client, stack: Stack) -> None:
    """And the next open question follows."""
    sent = send(pages, "registry.needed", **answer("mandatory"))

    assert sent.status == 303
    assert sent.headers["location"].startswith("/ask/")
    assert sent.headers["location"].endswith("?saved=registry.needed")
    assert load(file_of(stack)).get("registry.needed") == "mandatory"
    assert set(CANVAS.splitlines()) < set(file_of(stack).read_text().splitlines())
    assert "is written into canvas.yaml" in pages.get(sent.headers["location"], headers=FORM).text


def test_parts_entries_and_variants_are_read_back(pages: Client, stack: Stack) -> None:
    """A list of mappings, one of several kinds, boxes to tick."""
    send(pages, "data.sources", **{"0.name": "orders", "0.ownership": "owned", "0.size": "20GB", "1.name": ""})
    send(pages, "deployment.strategy", **{"kind": "canary", "(canary).steps": "10%, 100%", "(shadow).sample": "5%"})
    send(pages, "experiments.frameworks", **{"": ["scikit-learn", "lightgbm"]})

    canvas = load(file_of(stack))
    assert canvas.locate("data", "sources")[0] == ({"name": "orders", "ownership": "owned", "size": "20GB"},)
    assert canvas.locate("deployment", "strategy")[0] == {"kind": "canary", "steps": ("10%", "100%")}
    assert canvas.get("experiments.frameworks") == ("scikit-learn", "lightgbm")


def test_what_is_wrong_stands_beside_its_field(pages: Client, stack: Stack) -> None:
    """Nothing is written, and nothing that was typed is lost."""
    sent = send(pages, "data.sources", **{"0.name": "or/ders", "0.ownership": "owned", "0.size": "huge"})

    assert sent.status == 422
    assert 'id="problem-answer.0.name"' in sent.text
    assert 'id="problem-answer.0.size"' in sent.text
    assert 'id="problem-answer.0.ownership"' not in sent.text
    assert 'value="or/ders"' in sent.text
    assert "is not a size" in unescape(sent.text)
    assert file_of(stack).read_text() == CANVAS


def test_adding_an_entry_writes_nothing(pages: Client, stack: Stack) -> None:
    """The form comes back with one more, and with what was typed."""
    sent = send(pages, "data.sources", **{"0.name": "orders", "do": "add"})

    assert sent.status == 200
    assert 'name="answer.1.name"' in sent.text
    assert 'value="orders"' in sent.text
    assert file_of(stack).read_text() == CANVAS


def test_a_reason_is_kept_and_a_question_can_be_set_aside(pages: Client, stack: Stack) -> None:
    """Under decisions; an answer can be taken back again."""
    found = hidden(pages.get("/ask/features.apis", headers=FORM).text)
    raw(pages, "features.apis", {**found, "do": "aside", "why": "only our own models ask", "owner": "Ada"})
    canvas = load(file_of(stack))
    assert canvas.not_applicable == ("features.apis",)
    assert canvas.decisions["features.apis"].why == "only our own models ask"

    send(pages, "data.versioning", do="clear")
    assert load(file_of(stack)).get("data.versioning") is None


def test_a_form_from_elsewhere_changes_nothing(pages: Client, stack: Stack) -> None:
    """Without the token, from another origin, or sent as another site's browser would."""
    found = hidden(pages.get("/ask/registry.needed", headers=FORM).text)
    fields: dict[str, str | list[str]] = {**found, "answer": "mandatory", "do": "next"}

    assert raw(pages, "registry.needed", {**fields, "token": "guessed"}).status == 422
    assert raw(pages, "registry.needed", {"answer": "mandatory"}).status == 422
    body = urlencode(fields).encode()
    for foreign in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert pages.post("/ask/registry.needed", body=body, headers={**FORM, **foreign}).status == 403
    assert file_of(stack).read_text() == CANVAS
    assert raw(pages, "registry.needed", fields).status == 303


def test_an_answer_changed_meanwhile_is_not_overwritten(pages: Client, stack: Stack) -> None:
    """Whoever comes second is told, and may send again; other answers may change freely."""
    found = hidden(pages.get("/ask/data.versioning", headers=FORM).text)
    file_of(stack).write_text(CANVAS.replace("mandatory", "optional").replace("strategic", "tactical"))
    sent = raw(pages, "data.versioning", {**found, "answer": "mandatory", "do": "next"})
    assert sent.status == 422
    assert "changed elsewhere" in sent.text

    again = raw(pages, "data.versioning", {**hidden(sent.text), "answer": "mandatory", "do": "next"})
    assert again.status == 303
    assert load(file_of(stack)).project.maturity.wanted == "tactical"


def test_a_password_is_neither_shown_nor_lost(pages: Client, stack: Stack) -> None:
    """The form shows it masked; sent back so, it stays as it was."""
    page = pages.get("/ask/metadata.store", headers=FORM).text
    assert "geheim" not in page
    assert "password=***" in page

    shown = {"url": "sqlite:///.stackcanvas/metadata.db?password=***", "executions_per_month": "500"}
    assert send(pages, "metadata.store", **shown).status == 303
    assert "password=geheim" in file_of(stack).read_text()
    assert "500" in file_of(stack).read_text()


def test_a_broken_file_is_told_and_kept(pages: Client, stack: Stack) -> None:
    """The check page says what is wrong where; forms refuse."""
    file_of(stack).write_text(CANVAS.replace("mandatory", "maybe"))
    assert "canvas.yaml:5:15" in pages.get("/check", headers=FORM).text
    assert pages.get("/ask/registry.needed", headers=FORM).status == 400
    assert pages.get("/", headers=FORM).status == 200
    assert "maybe" in file_of(stack).read_text()


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"do=next&answer.99999999.name=x", b"=&&&", b""])
def test_garbage_is_refused_or_ignored(pages: Client, stack: Stack, body: bytes) -> None:
    """A sentence, never a fault of ours, and the file as it was."""
    assert pages.post("/ask/data.sources", body=body, headers=FORM).status in {400, 422}
    assert file_of(stack).read_text() == CANVAS


def test_check_and_maturity_lead_to_the_forms(make_stack: Callable[[str], Stack]) -> None:
    """Each contradiction and each step names answers, and the answers lead to where they are changed."""
    stack = make_stack(CANVAS + "registry: {needed: optional}\ndeployment: {strategy: {kind: shadow, sample: 0%}}\n")
    pages = Client(make_app(stack))
    check = pages.get("/check", headers=FORM).text
    assert 'href="/ask/deployment.strategy"' in check
    assert "2 errors" in check

    maturity = pages.get("/assess?wanted=transformational", headers=FORM).text
    assert "Put the code under version control" in maturity
    assert 'href="/ask/foundations.version_control"' in maturity
    assert pages.get("/assess?wanted=perfect", headers=FORM).status == 404
    assert pages.get("/check.json").json()["findings"][0]["severity"] == "error"
    assert pages.get("/assess.json").json()["level"] == "tactical"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_person_answers_in_a_browser(
    stack: Stack, serve: Callable[[Stack], str], browser: Browser, scripts: bool
) -> None:
    """From the list through two questions, with a mistake on the way; scripts are not needed for it."""
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{serve(stack)}/ask")
    page.get_by_role("link", name="How is code kept?").click()
    page.get_by_label("Tool").select_option("git")
    page.get_by_label("Developers").fill("many")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_text("Expected: a whole number")).to_be_visible()
    page.get_by_label("Developers").fill("3")
    page.keyboard.press("Enter")
    expect(page.get_by_text("foundations.version_control is written")).to_be_visible()
    page.goto(page.url.partition("/ask")[0] + "/ask/deployment.strategy")
    expect(page.get_by_label("Steps", exact=True)).to_be_hidden()
    page.get_by_label("canary").check()
    page.get_by_label("Steps", exact=True).fill("5%, 100%")
    page.get_by_role("button", name="Save and stay").click()
    expect(page.get_by_text("deployment.strategy is written")).to_be_visible()
    context.close()

    canvas = load(file_of(stack))
    assert canvas.get("foundations.version_control.developers") == 3
    assert canvas.get("deployment.strategy").steps == (0.05, 1.0)
