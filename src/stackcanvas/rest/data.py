"""Versions of data sets over REST."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from stackcanvas.data.frames import records
from stackcanvas.errors import BadInput
from stackcanvas.metadata import Ref
from stackcanvas.rest.answers import StackOf, answer, answer_items, gives
from stackcanvas.rest.routers import router_of

router = router_of("/data", "data")


class TagBody(BaseModel):
    """Which version a tag is to name."""

    version: str = Field(description="A number or another tag.")
    move: bool = Field(default=False, description="Take the tag from the version that has it.")


@router.get("")
def data(stack: StackOf) -> Response:
    """The newest version of each data set, by name."""
    return answer_items(stack.data.ls())


@router.post("/{name:path}/versions", status_code=201)
async def commit(  # noqa: PLR0917 - FastAPI passes them by name
    request: Request,
    stack: StackOf,
    name: str,
    file: Annotated[str, Query(description="The name of the file, which tells its format.", max_length=255)],
    message: Annotated[str, Query(description="Why, in a few words.")] = "",
    key: Annotated[list[str] | None, Query(description="Columns that identify a row.")] = None,
    table: Annotated[bool, Query(description="Keep the rows instead of the bytes.")] = False,
) -> Response:
    """Make the body, one file, the newest version of a data set; 200 when the latest version was equal."""
    if not file or file in {".", ".."} or set(file) & set("/\\\0"):
        raise BadInput(f"{file!r} is no name of a file", expected="a name without slashes, such as flights.csv")
    with tempfile.TemporaryDirectory(prefix="stackcanvas-") as folder:
        path = Path(folder) / file
        with path.open("wb") as received:
            async for piece in request.stream():
                await run_in_threadpool(received.write, piece)
        try:
            made = await run_in_threadpool(
                stack.data.commit,
                name,
                path,
                message=message,
                key=key or (),
                table=table or None,
                origin=f"REST: {file}",
            )
        except BadInput as error:  # the sender knows the file by its name, not by where it lay for a moment
            if error.where is None:
                raise
            where = error.where.replace(str(path), file)
            raise BadInput(error.what, where=where, expected=error.expected, fix=error.fix) from error
    return answer(made, status=200 if made.existed else 201)


@router.get("/{name:path}/versions")
def versions(stack: StackOf, name: str) -> Response:
    """The versions of a data set, newest first."""
    return answer_items(stack.data.log(name))


@router.get("/{name:path}/versions/{selector}")
def version(stack: StackOf, name: str, selector: str) -> Response:
    """One version, by number, tag or `latest`."""
    return answer(stack.data.get(Ref("data", name, selector)))


@router.get("/{name:path}/versions/{selector}/profile")
def profile(stack: StackOf, name: str, selector: str) -> Response:
    """What the values of a version are like, column by column; null when its files are no table."""
    return answer(stack.data.get(Ref("data", name, selector)).profile)


@router.get("/{name:path}/versions/{selector}/files")
def files(stack: StackOf, name: str, selector: str) -> Response:
    """The files of a version, by path."""
    return answer_items(stack.data.files(Ref("data", name, selector)))


@router.get("/{name:path}/versions/{selector}/content", **gives("application/octet-stream"))
def content(
    stack: StackOf,
    name: str,
    selector: str,
    path: Annotated[str | None, Query(description="Of one file; may be left out where there is only one.")] = None,
) -> Response:
    """The bytes of one file of a version."""
    file, pieces = stack.data.content(Ref("data", name, selector), path)
    headers = {
        "content-length": str(file.size_bytes),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.path.rpartition('/')[2], safe='')}",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(pieces, media_type="application/octet-stream", headers=headers)


@router.get("/{name:path}/versions/{selector}/rows")
def rows(stack: StackOf, name: str, selector: str, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
    """The first rows of a version."""
    return answer_items(records(stack.data.scan(Ref("data", name, selector)).head(limit).collect()))


@router.get("/{name:path}/versions/{selector}/croissant")
def croissant(stack: StackOf, name: str, selector: str) -> Response:
    """A version as Croissant, the JSON-LD by which data sets are described and found."""
    return answer(stack.data.croissant(Ref("data", name, selector)))


@router.get("/{name:path}/versions/{selector}/sheet", **gives("text/markdown"))
def sheet(stack: StackOf, name: str, selector: str) -> Response:
    """The data sheet of a version, as Markdown."""
    return Response(stack.data.sheet(Ref("data", name, selector)).markdown(), media_type="text/markdown")


@router.get("/{name:path}/versions/{selector}/verify")
def verify(stack: StackOf, name: str, selector: str) -> Response:
    """Whether every byte of a version is as it was committed."""
    found = stack.data.verify(Ref("data", name, selector))
    return answer({"sound": found.sound, "files": found.files, "problems": found.problems})


@router.get("/{name:path}/diff")
def diff(  # noqa: PLR0917 - FastAPI passes them by name
    stack: StackOf,
    name: str,
    before: Annotated[str, Query(description="A number or tag.")],
    after: Annotated[str, Query(description="A number or tag.")] = "latest",
    key: Annotated[list[str] | None, Query(description="Columns that identify a row.")] = None,
    samples: Annotated[int, Query(ge=0, le=100)] = 5,
) -> Response:
    """What changed from one version to another: files, columns, rows and values."""
    refs = Ref("data", name, before), Ref("data", name, after)
    return answer(stack.data.diff(*refs, key=key or (), samples=samples))


@router.put("/{name:path}/tags/{tag}")
def tag(stack: StackOf, name: str, tag: str, body: TagBody) -> Response:
    """Give a version a name."""
    return answer(stack.data.tag(Ref("data", name, body.version), tag, move=body.move))
