"""The routes of the pages on which people label; what changes something is sent by a form, never by an address."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from stackcanvas.stack import Stack
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages import annotation
from stackcanvas.ui.pages.page import Build, Page
from stackcanvas.ui.sent import Fields, answering

Handler = Callable[[Request], Response]


def labelling_routes(
    shown: Callable[[Request], tuple[Stack, Links]],
    *,
    as_html: Callable[[Build], Handler],
    as_json: Callable[[Build], Handler],
    draw: Callable[[Page, Request, int], Response],
) -> list[BaseRoute]:
    """The pages of annotation.

    Args:
        shown: gives the stack that a request is for, and the addresses of its pages.
        as_html: makes a handler that draws a page.
        as_json: makes a handler that gives a page's context.
        draw: draws a page as the answer to a request, with a status.
    """
    # A page of another site cannot read it, so it cannot send a form of ours.
    token = secrets.token_urlsafe(24)

    def build(of: Stack, by: Links, asked: Mapping[str, str]) -> Page:
        if "item" in asked:
            return annotation.build_item(of, by, asked, token=token)
        if "queue" in asked:
            return annotation.build_queue(of, by, asked, token=token)
        return annotation.build_list(of, by, asked)

    def send(request: Request, fields: Fields) -> tuple[Page, int] | str:
        found = annotation.send(*shown(request), fields, token=token)
        return found if isinstance(found, str) else (found, 422)

    return [
        Route("/annotation.json", as_json(build)),
        Route("/annotation", as_html(build), methods=["GET"]),
        Route("/annotation", answering(send, draw), methods=["POST"]),
    ]
