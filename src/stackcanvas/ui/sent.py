"""What a form was sent with, and how it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stackcanvas.errors import BadInput
from stackcanvas.ui.pages.page import Page

Fields = dict[str, tuple[str, ...]]

_MOST_FIELDS = 5000


def fields_of(body: bytes) -> Fields:
    """The values of each field.

    Raises:
        BadInput: these are no fields.

    Example:
        >>> fields_of(b"a=1&b=&a=2")
        {'a': ('1', '2'), 'b': ('',)}
    """
    values: Fields = {}
    try:
        for name, value in parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS):
            values[name] = (*values.get(name, ()), value)
    except ValueError:
        raise BadInput("the form cannot be read", expected="fields in UTF-8, as a browser sends them") from None
    return values


def answering(
    send: Callable[[Request, Fields], tuple[Page, int] | str], draw: Callable[[Page, Request, int], Response]
) -> Callable[[Request], Awaitable[Response]]:
    """A handler of a form, which does its work in a thread.

    Args:
        send: gives a page with its status, or the address that the form leads to.
        draw: draws a page as the answer to a request, with a status.
    """

    def answer(request: Request, body: bytes) -> Response:
        found = send(request, fields_of(body))
        if isinstance(found, str):
            return RedirectResponse(found, status_code=303)
        return draw(found[0], request, found[1])

    async def handle(request: Request) -> Response:
        return await run_in_threadpool(answer, request, await request.body())

    return handle
