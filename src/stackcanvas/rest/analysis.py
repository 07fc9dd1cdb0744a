"""Queries, reports on versions, and splits of them, over REST; what computes does so in a process of its own."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from stackcanvas.data.analysis.page import policy
from stackcanvas.metadata import Ref
from stackcanvas.rest.answers import StackOf, answer, answer_items, gives
from stackcanvas.rest.routers import router_of
from stackcanvas.stack.apart.apart import MOST_ROWS

query_router = router_of("/query", "data")
reports_router = router_of("/reports", "data")
splits_router = router_of("/splits", "data")


class QueryBody(BaseModel):
    """A question in SQL."""

    sql: str = Field(description='One SELECT over versions, such as `select * from "flights@3"`.', max_length=100_000)
    limit: int = Field(default=1000, ge=1, le=MOST_ROWS, description="No more rows than these.")


class ReportBody(BaseModel):
    """What a report is to be about."""

    ref: str = Field(description="A version, such as flights@3.", max_length=500)
    before: str | None = Field(default=None, max_length=500, description="Compare this one with it.")


@query_router.post("")
def query(stack: StackOf, body: QueryBody) -> Response:
    """The first rows of an answer, and the types of its columns; no more time and memory than a request may take."""
    found = stack.apart.query(body.sql, limit=body.limit)
    return answer({"columns": found.columns, "items": found.records, "more": found.more})


@reports_router.post("", status_code=201)
def report(stack: StackOf, body: ReportBody) -> Response:
    """Make a profile of a version, or a comparison with another one."""
    apart = stack.apart
    made = apart.profile(body.ref) if body.before is None else apart.compare(body.before, body.ref)
    return answer(made.to_dict(), status=201)


@reports_router.get("")
def reports(stack: StackOf, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """The profiles and comparisons that were made, newest first."""
    return answer_items(stack.analysis.reports(limit=limit))


@reports_router.get("/page", **gives("text/html"))
def page(stack: StackOf, ref: Annotated[str, Query(description="Such as report:profile/flights@ID.")]) -> Response:
    """The page of a report; it may load nothing but its own styles."""
    html = stack.analysis.report(Ref.parse(ref, kind="report"))
    headers = {"content-security-policy": f"{policy()}; frame-ancestors 'none'; sandbox"}
    return Response(html, media_type="text/html; charset=utf-8", headers=headers)


@splits_router.get("")
def splits(stack: StackOf, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """The splits on record, newest first."""
    return answer_items(stack.splits.ls(limit=limit))


@splits_router.get("/of")
def split_of(stack: StackOf, ref: Annotated[str, Query(description="A part, such as flights/train@1.")]) -> Response:
    """The split that last made a version; null when none did."""
    return answer(stack.splits.of(Ref.parse(ref, kind="data")))
