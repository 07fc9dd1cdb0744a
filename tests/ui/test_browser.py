"""Pages in a real browser: nothing overflows, nothing is loaded from elsewhere, all of it works by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from stackcanvas.metadata import Ref
from stackcanvas.server.door import Door
from stackcanvas.stack import Stack

WIDTHS = (1440, 1024, 768, 390)
Scheme = Literal["light", "dark"]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages; at the end none has complained or asked another server."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def make(url: str, *, width: int = 1440, scheme: Scheme = "light", scripts: bool = True) -> Page:
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, java_script_enabled=scripts)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        server = url.partition("/#")[0]
        page.on("request", lambda asked: None if asked.url.startswith(server) else complaints.append(asked.url))
        page.goto(url)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def overflowing(page: Page) -> list[str]:
    """What sticks out of the page or of its own cell, measured in the page."""
    found: list[str] = page.evaluate(
        """() => {
            const out = [];
            const wide = document.documentElement.scrollWidth - window.innerWidth;
            if (wide > 0) out.push(`page by ${wide}`);
            for (const block of document.querySelectorAll(".block, .question, .facts > div, .head, .bar")) {
                const box = block.getBoundingClientRect();
                if (block.scrollWidth > block.clientWidth + 1) out.push(`${block.className} inside`);
                if (box.right > window.innerWidth + 1) out.push(`${block.className} outside`);
            }
            return out;
        }"""
    )
    return found


@pytest.mark.parametrize("kind", ["empty", "full", "long"])
def test_nothing_overflows_at_any_width(
    make_stack: Callable[[str], Stack],
    serve: Callable[[Stack], str],
    opened: Callable[..., Page],
    canvases: dict[str, str],
    kind: str,
) -> None:
    """The canvas and a room, from a wide screen to a telephone, in light and in dark."""
    stack = make_stack(canvases[kind])
    url = serve(stack)
    page = opened(url)
    for path in ("/", "/blocks/value", "/patterns", "/blocks/metadata"):
        page.goto(f"{url}{path}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert overflowing(page) == [], f"{path} at {width}"


def test_the_canvas_has_its_printed_layout(
    stack: Stack, serve: Callable[[Stack], str], opened: Callable[..., Page]
) -> None:
    """Five columns, 3 over 4, 2 over 5, 1 over the dilemmas, 6 over 10, 7 8 9; the metadata store below all."""
    page = opened(serve(stack))
    places: dict[str, list[float]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".sheet > .block")].map(block => {
            const box = block.getBoundingClientRect();
            return [block.querySelector("h2").id.replace("title-", ""), [box.left, box.top, box.right, box.bottom]];
        }))"""
    )
    columns = [
        ["experiments", "features"],
        ["data", "foundations"],
        ["value", "dilemma"],
        ["pipelines", "monitoring"],
        ["registry", "deployment", "serving"],
    ]
    for column in columns:
        assert len({round(places[block][0]) for block in column}) == 1
        tops = [places[block][1] for block in column]
        assert tops == sorted(tops)
        assert places[column[-1]][3] <= places["metadata"][1]
    lefts = [places[column[0]][0] for column in columns]
    assert lefts == sorted(lefts)


def test_on_a_telephone_the_blocks_come_in_their_order(
    stack: Stack, serve: Callable[[Stack], str], opened: Callable[..., Page]
) -> None:
    """One column: 1, 2, 3 and so on, the dilemmas last."""
    page = opened(serve(stack), width=390)
    numbers: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(".sheet > .block")]
            .sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)
            .map(block => block.querySelector(".block__number").textContent)"""
    )

    assert numbers == [*(str(number) for number in range(1, 12)), "0"]


def test_the_canvas_is_walked_by_keyboard(
    stack: Stack, serve: Callable[[Stack], str], opened: Callable[..., Page]
) -> None:
    """The first stop skips to the page; behind the three printed forms is the first block, and opens with Enter."""
    page = opened(serve(stack))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in ("PDF", "SVG", "HTML", "the first block"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("Value proposition")


def test_pages_work_without_scripts(stack: Stack, serve: Callable[[Stack], str], opened: Callable[..., Page]) -> None:
    """Canvas, room and back, with JavaScript switched off."""
    page = opened(serve(stack), scripts=False)
    page.click("#title-data a")
    expect(page.locator("h1")).to_have_text("Data sources and data versioning")
    page.click("a[rel=next]")
    page.click(".bar__home")

    expect(page.locator(".sheet > .block")).to_have_count(12)


@pytest.mark.parametrize("tokens", [False, True])
def test_addresses_that_clients_print_lead_to_the_run(
    stack: Stack, serve: Callable[..., str], opened: Callable[..., Page], tokens: bool
) -> None:
    """As MLflow's clients print them at the end of a run; after the sign in, where there is one."""
    with stack.experiments.run("printed", name="calm-otter") as run:
        pass
    url = serve(stack, door=Door(tokens=tokens))
    page = opened(f"{url}/#/experiments/1/runs/{run.id}")
    if tokens:
        page.wait_for_url("**/login?next=%2Fruns%2F*")
        page.get_by_label("Your token").fill(stack.tokens.add("ada", role="reader"))
        page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_contain_text("calm-otter")
    assert page.url == f"{url}/runs/{run.id}"


def test_a_page_follows_what_happens(stack: Stack, serve: Callable[[Stack], str], opened: Callable[..., Page]) -> None:
    """An event appears on a page that is open, without loading it again."""
    url = serve(stack)
    page = opened(url)
    page.goto(f"{url}/events")
    expect(page.locator("#live-state")).to_have_text("live")
    page.evaluate("() => { window.stillTheSamePage = true; }")

    with stack.spine.write() as tx:
        stack.spine.events.emit(tx, "external.bell", Ref.parse("pipeline:train"))

    expect(page.locator("#live-events td").first).to_have_text("1")
    assert page.evaluate("() => window.stillTheSamePage")


def test_hostile_answers_do_nothing(
    make_stack: Callable[[str], Stack],
    serve: Callable[[Stack], str],
    opened: Callable[..., Page],
    canvases: dict[str, str],
) -> None:
    """Scripts in answers are text."""
    url = serve(make_stack(canvases["hostile"]))
    page = opened(url)
    for path in ("/", "/blocks/value"):
        page.goto(f"{url}{path}")
        assert page.evaluate("() => window.hurt") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable(
    stack: Stack, serve: Callable[[Stack], str], opened: Callable[..., Page], scheme: Scheme
) -> None:
    """Every text on the canvas stands out from its ground at 4.5 to 1, the ratio of WCAG."""
    page = opened(serve(stack), scheme=scheme)
    weak: list[str] = page.evaluate(
        """() => {
            const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
            const rgb = colour => {
                canvas.clearRect(0, 0, 1, 1);
                canvas.fillStyle = colour;
                canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data];
            };
            const light = ([r, g, b]) => [r, g, b]
                .map(v => v / 255)
                .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
            const ground = element => {
                for (let at = element; at; at = at.parentElement) {
                    const colour = rgb(getComputedStyle(at).backgroundColor);
                    if (colour[3] === 255) return colour;
                }
                return rgb(getComputedStyle(document.documentElement).backgroundColor);
            };
            const weak = [];
            for (const element of document.querySelectorAll("main dt, main dd, main a, main p, .bar a")) {
                if (!element.textContent.trim() || element.closest(".bar__title")) continue;
                const [one, other] = [light(rgb(getComputedStyle(element).color)), light(ground(element))];
                const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
                if (ratio < 4.5) weak.push(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
            }
            return [...new Set(weak)];
        }"""
    )

    assert weak == []
