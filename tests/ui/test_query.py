"""The page on which data are asked: forms that work without scripts, values that stay values."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import polars as pl
import pytest

from stackcanvas.server.control import make_app
from stackcanvas.stack import Stack
from stackcanvas.testing.asgi import Answer, Client

HTML = {"accept": "text/html"}
FORM = {**HTML, "content-type": "application/x-www-form-urlencoded"}
EVIL = "<script>hurt</script>"


@pytest.fixture
def client(make_stack: Callable[[str], Stack], canvases: dict[str, str]) -> Client:
    """The pages of a project with one table."""
    stack = make_stack(canvases["empty"])
    stack.data.commit("texts", pl.DataFrame({"id": [1, 2], EVIL: [EVIL, None]}))
    return Client(make_app(stack))


def test_ask_and_report(client: Client) -> None:
    """From the room to the form, to the rows, to a report; a mistake leaves what was written in its place."""
    assert "/query?ref=data%3Atexts%401" in client.get("/blocks/data", headers=HTML).text
    first = client.get("/query?ref=data%3Atexts%401", headers=HTML).text
    assert "from &#34;texts@1&#34;" in first
    found = re.search(r'name="token" value="(.*?)"', first)
    assert found is not None

    def post(path: str, **fields: str) -> Answer:
        return client.post(path, body=urlencode({"token": found[1], **fields}).encode(), headers=FORM)

    rows = post("/query", sql='select * from "texts@1"')
    assert rows.status == 200
    assert EVIL not in rows.text
    assert rows.text.count("&lt;script&gt;hurt&lt;/script&gt;") >= 2
    assert "null" in rows.text
    wrong = post("/query", sql="select nothing from texts")
    assert (wrong.status, "no column &#39;nothing&#39;" in wrong.text) == (400, True)
    assert "select nothing from texts" in wrong.text
    made = post("/reports", ref="texts@1")
    assert made.status == 303
    assert made.headers["location"].startswith("/api/v1/reports/page?ref=report%3Aprofile%2Ftexts")
    assert post("/reports", ref="none").status == 404
    assert client.post("/query", body=b"sql=select+1", headers=FORM).status == 403
