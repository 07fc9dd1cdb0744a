"""The routes of the page on which data are asked; computing begins by a form, never by an address."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from stackcanvas.stack import Stack
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages import query
from stackcanvas.ui.pages.page import Build, Page
from stackcanvas.ui.sent import Fields, answering

Handler = Callable[[Request], Response]


def querying_routes(
    shown: Callable[[Request], tuple[Stack, Links]],
    *,
    as_html: Callable[[Build], Handler],
    as_json: Callable[[Build], Handler],
    draw: Callable[[Page, Request, int], Response],
) -> list[BaseRoute]:
    """The page of questions to data.

    Args:
        shown: gives the stack that a request is for, and the addresses of its pages.
        as_html: makes a handler that draws a page.
        as_json: makes a handler that gives a page's context.
        draw: draws a page as the answer to a request, with a status.
    """
    # A page of another site cannot read it, so it cannot send a form of ours.
    token = secrets.token_urlsafe(24)

    def build(of: Stack, by: Links, asked: Mapping[str, str]) -> Page:
        return query.build(of, by, asked, token=token)

    def handler(send: query.Send) -> Callable[[Request], Awaitable[Response]]:
        def sent(request: Request, fields: Fields) -> tuple[Page, int] | str:
            given = {name: values[-1] for name, values in fields.items()}
            return send(*shown(request), given, token=token)

        return answering(sent, draw)

    return [
        Route("/query.json", as_json(build)),
        Route("/query", as_html(build), methods=["GET"]),
        Route("/query", handler(query.ask), methods=["POST"]),
        Route("/reports", handler(query.report), methods=["POST"]),
    ]
