"""Pages asked for in process: what they show, where they lead, and their JSON twins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import quote

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.canvas.questions import BLOCKS, QUESTIONS
from stackcanvas.metadata import Ref
from stackcanvas.server.control import make_app
from stackcanvas.stack import Stack
from stackcanvas.testing.asgi import Answer, Client

HTML = {"accept": "text/html"}


class Page(HTMLParser):
    """A page as its elements: (tag, attributes), and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(  # noqa: D102 - the parser's own name
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:  # noqa: D102 - the parser's own name
        self.text += data

    def all(self, tag: str, attribute: str) -> Iterator[str]:
        """The values of one attribute of one tag."""
        return (
            attributes[attribute] or "" for name, attributes in self.elements if name == tag and attribute in attributes
        )


def record_something(stack: Stack) -> tuple[str, str]:
    """A run and a data version on record; gives the ids of the execution and the run."""
    with stack.spine.record("data.commit", subject=Ref.parse("data:flights")) as work:
        with stack.spine.write() as tx:
            stack.spine.artifacts.add(
                tx, Ref.parse("data:flights@1"), digest="b" * 64, execution=work.id, facts={"rows": 3}
            )
            stack.spine.events.emit(tx, "data.committed", Ref.parse("data:flights@1"), {"rows": 3})
            stack.spine.audit.add(tx, "data.accepted", Ref.parse("data:flights@1"), {"by": "ada"})
        work.made(Ref.parse("data:flights@1"))
    with stack.experiments.run("delay", parameters={"depth": 6}) as run:
        for step in range(5):
            run.log({"auc": 0.5 + step / 20}, step=step)
        run.log({"loss": float("nan")})
    return work.id, run.id


def page(answer: Answer) -> Page:
    """A page that was found."""
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return Page(answer.text)


def test_the_canvas_shows_every_block_and_answer(pages: Client) -> None:
    """All twelve blocks, each leading to its room, in the order of their numbers."""
    found = page(pages.get("/", headers=HTML))

    assert all(block.title in found.text for block in BLOCKS.values())
    headings = [attributes["id"] for tag, attributes in found.elements if tag == "h2"]
    assert headings == [f"title-{block}" for block in BLOCKS]


def test_an_empty_canvas_says_what_is_open(make_stack: Callable[[str], Stack], canvases: dict[str, str]) -> None:
    """Without answers each block shows what it is about and how many questions it has."""
    found = page(Client(make_app(make_stack(canvases["empty"]))).get("/", headers=HTML))

    for block in BLOCKS.values():
        assert block.hint in found.text
    assert "7 of 7 questions open" in found.text


def test_a_room_shows_every_question_of_its_block(pages: Client) -> None:
    """Title, help, answer and what it configures."""
    for block in BLOCKS:
        found = page(pages.get(f"/blocks/{block}", headers=HTML))
        for question in QUESTIONS.values():
            if question.block == block:
                assert question.title in found.text
                assert question.id in list(found.all("article", "id"))


def test_every_link_leads_somewhere(stack: Stack, pages: Client) -> None:
    """From the first page everything is reached, and nothing is missing; fragments exist on their page."""
    record_something(stack)
    ready: dict[str, Page] = {}
    waiting = ["/", "/patterns"]
    while waiting:
        address = waiting.pop()
        path = address.partition("#")[0]
        if path in ready:
            continue
        answer = pages.get(path, headers=HTML)
        assert answer.status == 200, f"{path}: {answer.text[:300]}"
        ready[path] = Page(answer.text if answer.headers["content-type"].startswith("text/html") else "")
        waiting += [link for link in ready[path].all("a", "href") if link.startswith("/")]
        waiting += ready[path].all("script", "src")
        waiting += ready[path].all("link", "href")
    assert len(ready) > 2 * len(BLOCKS)
    for found in ready.values():
        for link in found.all("a", "href"):
            path, _, fragment = link.partition("#")
            if path in ready and fragment:
                assert fragment in {attributes.get("id") for _, attributes in ready[path].elements}, link


@pytest.mark.parametrize(
    ("address", "twin"),
    [("/", "/canvas.json"), ("/blocks/data", "/blocks/data.json"), ("/events", "/events.json")],
)
def test_every_page_has_a_twin(pages: Client, address: str, twin: str) -> None:
    """The page names its JSON twin, and the twin holds what the page shows."""
    found = page(pages.get(address, headers=HTML))

    assert twin in list(found.all("link", "href"))
    assert json.loads(pages.get(twin).body)


def test_a_run_shows_its_metrics_as_lines(stack: Stack, pages: Client) -> None:
    """Metrics with several steps are drawn, all are listed, NaN among them."""
    execution, run = record_something(stack)
    found = page(pages.get(f"/runs/{run}", headers=HTML))

    assert "auc, from 0.5 to 0.7;  last 0.7" in list(found.all("svg", "aria-label"))
    assert "nan" in found.text
    assert pages.get(f"/runs/{run}.json").json()["charts"][0]["first"] == "step 0"
    assert "data:flights@1" in page(pages.get(f"/executions/{execution}", headers=HTML)).text


def test_a_ref_shows_where_it_comes_from(stack: Stack, pages: Client) -> None:
    """A data version leads to the work that made it, and names its events."""
    record_something(stack)
    found = page(pages.get("/ref?name=data:flights@1", headers=HTML))

    assert "data.commit" in found.text
    assert "data.committed" in found.text


VIEW = """
import stackcanvas as sc

usage = sc.FeatureView("usage", entity=["who"], source="calls", event_time="at", features=["calls"], owner="ada")
"""


def test_a_feature_view_has_a_page_before_anybody_uses_it(stack: Stack, pages: Client) -> None:
    """Its definition, then its freshness; what its values are like when that is asked for."""
    (stack.root / "features.py").write_text(VIEW)
    address = f"/ref?name={quote(str(stack.features.get('usage').ref), safe='')}"

    assert "event time" in page(pages.get(address, headers=HTML)).text
    at = stack.spine.clock.now() - timedelta(minutes=1)
    stack.data.commit("calls", pl.DataFrame({"who": [1], "at": [at], "calls": [7]}))
    stack.features.materialize()
    found = page(pages.get(address, headers=HTML))
    assert "models that take it" in found.text
    assert "online until" in found.text
    (measured,) = {str(had["href"]) for _, had in found.elements if "statistics" in str(had.get("href"))}
    assert "Int64" not in found.text
    assert "Int64" in page(pages.get(measured, headers=HTML)).text


def test_answers_are_escaped(make_stack: Callable[[str], Stack], canvases: dict[str, str]) -> None:
    """Markup in an answer is shown, never run: on the canvas, in the room, in the header."""
    client = Client(make_app(make_stack(canvases["hostile"])))
    for address in ("/", "/blocks/value", "/blocks/dilemma", "/events"):
        found = page(client.get(address, headers=HTML))
        assert not list(found.all("img", "src"))
        ours = [source for source in found.all("script", "src") if source.startswith("/static/")]
        assert len(ours) == sum(tag == "script" for tag, _ in found.elements)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nothing", 404),
        ("/blocks/nothing", 404),
        ("/runs/nothing", 404),
        ("/executions/nothing", 404),
        ("/ref?name=data:nothing@1", 404),
        ("/ref?name=nonsense", 400),
        ("/ref", 400),
        ("/events?before=x", 400),
        ("/events?before=99999999999999999999", 400),
    ],
)
def test_what_is_not_there_is_a_page_for_people_and_an_envelope_for_programs(
    pages: Client, address: str, status: int
) -> None:
    """The same error twice: as a page with a way back, and as `{"error": ...}`."""
    shown, told = pages.get(address, headers=HTML), pages.get(address)

    assert (shown.status, told.status) == (status, status)
    assert "/" in list(Page(shown.text).all("a", "href"))
    assert told.json()["error"]


@pytest.mark.parametrize("address", ["/static/../site.py", "/static/nothing.css"])
def test_files_that_are_not_there_are_told_in_one_form(pages: Client, address: str) -> None:
    """They belong to no stack, so there is no page to say it on."""
    for headers in (HTML, {}):
        shown = pages.get(address, headers=headers)
        assert (shown.status, json.loads(shown.text)) == (404, {"error": f"There is nothing at {address}."})


def test_events_are_paged(stack: Stack, pages: Client) -> None:
    """Older events are a link away, none twice, none missing."""
    with stack.spine.write() as tx:
        for _ in range(230):
            stack.spine.events.emit(tx, "external.tick", Ref.parse("pipeline:train"))
    seen: list[str] = []
    address: str | None = "/events.json"
    while address:
        body = pages.get(address).json()
        seen += [row[0]["text"] for row in body["table"]["rows"]]
        address = body["older"].replace("/events", "/events.json") if body["older"] else None

    assert seen == [str(number) for number in range(230, 0, -1)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(text=st.text(max_size=40), kind=st.sampled_from(["", "data:", "model:", "run:", "prediction:", "execution:"]))
def test_no_address_breaks_a_page(pages: Client, text: str, kind: str) -> None:
    """Whatever stands in an address, the answer is a page or says why not."""
    word = quote(text, safe="", errors="surrogatepass")
    for address in (f"/ref?name={kind}{word}", f"/runs/{word}", f"/blocks/{word}", f"/executions/{word}.json"):
        # An address that ends in a slash leads to the one without.
        assert pages.get(address, headers=HTML).status in {200, 307, 400, 404}, address
