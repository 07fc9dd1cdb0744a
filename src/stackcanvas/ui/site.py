"""All pages as one application: addresses, JSON twins, error pages, static files."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from ipaddress import ip_address

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from stackcanvas.errors import StackCanvasError
from stackcanvas.plain import plain
from stackcanvas.stack import Stack
from stackcanvas.ui.context import ErrorPage
from stackcanvas.ui.frame import shell
from stackcanvas.ui.labelling import labelling_routes
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages import (
    ask,
    assess,
    block,
    canvas,
    check,
    compared,
    events,
    execution,
    patterns,
    ref,
    run,
    runs,
    weigh,
)
from stackcanvas.ui.pages.page import Build, Page
from stackcanvas.ui.querying import querying_routes
from stackcanvas.ui.render import render
from stackcanvas.ui.sent import Fields, answering

_PAGES: tuple[tuple[str, str, Build], ...] = (
    ("/", "/canvas.json", canvas.build),
    ("/blocks/{block}", "/blocks/{block}.json", block.build),
    ("/ask", "/ask.json", ask.build_list),
    ("/check", "/check.json", check.build),
    ("/assess", "/assess.json", assess.build),
    ("/cost", "/cost.json", weigh.build_cost),
    ("/tools", "/tools.json", weigh.build_tools),
    ("/plan", "/plan.json", weigh.build_plan),
    ("/ref", "/ref.json", ref.build),
    ("/runs", "/runs.json", runs.build),
    ("/runs/compare", "/runs/compare.json", compared.build),
    ("/runs/{id}", "/runs/{id}.json", run.build),
    ("/executions/{id}", "/executions/{id}.json", execution.build),
    ("/events", "/events.json", events.build),
    ("/patterns", "/patterns.json", patterns.build),
)


def pages() -> Starlette:
    """The application that shows the stack that each request says in its scope that it is for."""
    site = _Site()
    routes: list[BaseRoute] = []
    for path, twin, build in _PAGES:
        # The twin first: `/blocks/{block}` would match it, too.
        routes.append(Route(twin, site.as_json(build)))
        routes.append(Route(path, site.as_html(build)))
    routes.append(Route("/ask/{item}.json", site.as_json(site.form)))
    routes.append(Route("/ask/{item}", site.as_html(site.form), methods=["GET"]))
    routes.append(Route("/ask/{item}", answering(site.answer, site.draw), methods=["POST"]))
    routes += labelling_routes(shown, as_html=site.as_html, as_json=site.as_json, draw=site.draw)
    routes += querying_routes(shown, as_html=site.as_html, as_json=site.as_json, draw=site.draw)
    routes.append(Mount("/static", StaticFiles(packages=[("stackcanvas.ui", "static")])))
    return Starlette(
        routes=routes,
        exception_handlers={StackCanvasError: site.failed, HTTPException: site.missing, Exception: site.broken},
    )


def _asked(request: Request) -> dict[str, str]:
    """What stands in query and path; what is given several times is parted by commas."""
    query = request.query_params
    return {**{name: ",".join(query.getlist(name)) for name in query}, **request.path_params}


def _is_here(host: str) -> bool:
    """Whether a request comes from this machine; others get a patch to look at, never a write."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def shown(request: Request) -> tuple[Stack, Links]:
    """The stack that a request is for, and the addresses of its pages."""
    return request.scope["stack"], Links(request.scope.get("root_path", ""))


class _Site:
    """Handlers of pages."""

    def __init__(self) -> None:
        # A page of another site cannot read it, so it cannot send a form of ours.
        self._token = secrets.token_urlsafe(24)

    def form(self, stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
        """The form of one question."""
        return ask.build(stack, links, asked, token=self._token)

    def answer(self, request: Request, fields: Fields) -> tuple[Page, int] | str:
        """Write what a form was sent with, and go on to the next question."""
        sender = request.client.host if request.client else ""
        sent = ask.Sent(request.path_params["item"], fields, self._token, may_write=_is_here(sender))
        followed = ask.send(*shown(request), sent)
        return followed if isinstance(followed, str) else (followed, 200 if sent.value("do") == "add" else 422)

    def as_html(self, build: Build) -> Callable[[Request], Response]:
        """A handler that draws the page; a plain function, so that it runs in the thread pool."""

        def handle(request: Request) -> Response:
            page = build(*shown(request), _asked(request))
            return self._draw(page, request)

        return handle

    def as_json(self, build: Build) -> Callable[[Request], Response]:
        """A handler that gives the page's context."""

        def handle(request: Request) -> Response:
            page = build(*shown(request), _asked(request))
            body = json.dumps(plain(page.context), ensure_ascii=False, allow_nan=False)
            return Response(body, media_type="application/json")

        return handle

    def failed(self, request: Request, error: Exception) -> Response:
        """An error of ours, as a page for a browser and in the envelope for a program."""
        assert isinstance(error, StackCanvasError)
        return self._error(request, error.status, error.sentence(), error.to_dict())

    def missing(self, request: Request, error: Exception) -> Response:
        """An address where nothing is."""
        assert isinstance(error, HTTPException)
        path = request.url.path
        said = f"There is nothing at {path}." if error.status_code == 404 else str(error.detail)
        return self._error(request, error.status_code, said, {"error": said})

    def broken(self, request: Request, error: Exception) -> Response:
        """A fault of ours; the server's log has it with its traceback."""
        said = f"Something went wrong inside stackcanvas ({type(error).__name__}). The server's log says where."
        return self._error(request, 500, said, {"error": said, "kind": "StackCanvasError"})

    def draw(self, page: Page, request: Request, status: int) -> Response:
        """A page as the answer to a request."""
        return self._draw(page, request, status=status)

    def _error(self, request: Request, status: int, sentence: str, envelope: dict[str, object]) -> Response:
        # Files that pages load are given to everybody, and belong to no stack.
        wants_page = (
            "stack" in request.scope
            and "text/html" in request.headers.get("accept", "")
            and not request.url.path.endswith(".json")
        )
        if not wants_page:
            return Response(json.dumps(envelope), status_code=status, media_type="application/json")
        page = Page("error.html", "Not found" if status == 404 else "Error", ErrorPage(status, sentence))
        return self._draw(page, request, status=status)

    def _draw(self, page: Page, request: Request, *, status: int = 200) -> HTMLResponse:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        stack, links = shown(request)
        around = shell(stack, links, title=page.title, here=here)
        html = render(page.template, page=page.context, shell=around, links=links)
        return HTMLResponse(html, status_code=status, headers={"cache-control": "no-store"})
