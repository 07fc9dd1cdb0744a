"""The routes of clients that open this stack from another machine: calls and bytes, as `stack/served` sends them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from stackcanvas.errors import BadInput, NotFound, StackCanvasError
from stackcanvas.rest.answers import StackOf, gives
from stackcanvas.rest.errors import FAILURES
from stackcanvas.rest.routers import router_of
from stackcanvas.stack import Stack
from stackcanvas.stack.served.asked import RELEASE, carry_out, failure
from stackcanvas.stack.served.holding import Holding, readable
from stackcanvas.stack.served.link import CONTENT
from stackcanvas.stack.served.link import RELEASE as RELEASE_HEADER
from stackcanvas.stack.served.wire import pack

_PACKED = {CONTENT: {"schema": {"type": "string", "format": "binary"}}}
# Errors travel packed as well, so that the client raises what the block raised.
_FAILURES: dict[int | str, dict[str, Any]] = {
    code: {**told, "content": {**told["content"], **_PACKED}} for code, told in FAILURES.items()
}
router = router_of("/remote", "remote", responses=_FAILURES)
_PAGE = 1000
_LARGEST_PART_BYTES = 64 << 20


@router.post("/call/{part}/{method}", **gives(CONTENT))
async def call(request: Request, stack: StackOf, part: str, method: str) -> Response:
    """Call a method of a part of the stack; only those on the list, each with the role that it needs."""
    body = await request.body()
    return await run_in_threadpool(_told, stack, lambda: carry_out(stack, part, method, body))


@router.get("/objects", **gives(CONTENT))
def listing(
    stack: StackOf,
    prefix: Annotated[str, Query(max_length=1024)],
    after: Annotated[str, Query(max_length=1024)] = "",
) -> Response:
    """A page of the keys that begin with a prefix, with size and time; those after one key."""

    def listed() -> bytes:
        page = []
        for info in stack.objects.list(readable(prefix)):
            if info.key > after:
                page.append((info.key, info.size_bytes, info.modified))
                if len(page) == _PAGE:
                    break
        return pack(page)

    return _told(stack, listed)


@router.get("/size/{key:path}", **gives(CONTENT))
def size(stack: StackOf, key: str) -> Response:
    """The size of an object; nothing when it is missing."""
    return _told(stack, lambda: pack(stack.objects.size(readable(key))))


@router.get("/objects/{key:path}", **gives("application/octet-stream"))
def get(
    stack: StackOf,
    key: str,
    start: Annotated[int, Query(ge=0)] = 0,
    length: Annotated[int, Query(ge=0, le=_LARGEST_PART_BYTES)] = _LARGEST_PART_BYTES,
) -> Response:
    """The bytes of an object, or a part of them; 64 MB at most."""
    try:
        data = stack.objects.get(readable(key), start=start, length=length)
    except StackCanvasError as error:
        return _failed(stack, error)
    return Response(data, media_type="application/octet-stream", headers={RELEASE_HEADER: RELEASE})


@router.put("/objects/{key:path}", **gives(CONTENT))
async def put(request: Request, stack: StackOf, key: str, absent: bool = False) -> Response:
    """Keep bytes, when they are what the key says; with `absent` only where there are none yet."""
    holding = Holding(stack)
    with tempfile.TemporaryDirectory(prefix="stackcanvas-") as folder:
        path = Path(folder) / "sent"
        try:
            largest = await run_in_threadpool(holding.largest, key)
            with path.open("wb") as received:
                async for piece in request.stream():
                    if received.tell() + len(piece) > (largest or received.tell() + len(piece)):
                        raise BadInput(f"these are more than the {largest} bytes that are taken for such a key")
                    await run_in_threadpool(received.write, piece)
        except StackCanvasError as error:
            return _failed(stack, error)

        def kept() -> bytes:
            holding.take(key, path, if_absent=absent)
            return pack(None)

        return await run_in_threadpool(_told, stack, kept)


def _told(stack: Stack, work: object) -> Response:
    assert callable(work)
    try:
        body = work()
    except StackCanvasError as error:
        return _failed(stack, error)
    return Response(body, media_type=CONTENT, headers={RELEASE_HEADER: RELEASE})


def _failed(stack: Stack, error: StackCanvasError) -> Response:
    if isinstance(error, NotFound) and error.where is not None and "://" in error.where:
        error.where = None  # where the server keeps its objects
    told = failure(error, hidden=(str(stack.folder), str(stack.root), tempfile.gettempdir()))
    return Response(told, status_code=error.status, media_type=CONTENT, headers={RELEASE_HEADER: RELEASE})
