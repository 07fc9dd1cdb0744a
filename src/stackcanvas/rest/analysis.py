"""Reports on versions, and splits of them, over REST; making them is work for the command line and for pipelines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from stackcanvas.data.analysis.page import policy
from stackcanvas.metadata import Ref
from stackcanvas.rest.answers import StackOf, answer, answer_items, gives

reports_router = APIRouter(prefix="/reports", tags=["data"])
splits_router = APIRouter(prefix="/splits", tags=["data"])


@reports_router.get("")
def reports(stack: StackOf, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """The profiles and comparisons that were made, newest first."""
    return answer_items(stack.analysis.reports(limit=limit))


@reports_router.get("/page", **gives("text/html"))
def page(stack: StackOf, ref: Annotated[str, Query(description="Such as report:profile/flights@ID.")]) -> Response:
    """The page of a report; it may load nothing but its own styles."""
    html = stack.analysis.report(Ref.parse(ref, kind="report"))
    headers = {"content-security-policy": f"{policy()}; frame-ancestors 'none'"}
    return Response(html, media_type="text/html; charset=utf-8", headers=headers)


@splits_router.get("")
def splits(stack: StackOf, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """The splits on record, newest first."""
    return answer_items(stack.splits.ls(limit=limit))


@splits_router.get("/of")
def split_of(stack: StackOf, ref: Annotated[str, Query(description="A part, such as flights/train@1.")]) -> Response:
    """The split that last made a version; null when none did."""
    return answer(stack.splits.of(Ref.parse(ref, kind="data")))
