"""Queries and reports over REST, computed in a process of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack


def test_ask_and_report(project: Path, asking: Callable[[Stack], Any]) -> None:
    """Rows with their types; a report that is on record; what is wrong is a sentence with its status."""
    with open_stack(project) as stack:
        ask = asking(stack)
        evil = "</td><script>alert(1)</script>"
        for shift in (0.0, 9.0):
            stack.data.commit("flights", pl.DataFrame({"id": range(100), "x": [shift + n % 3 for n in range(100)]}))
        stack.data.commit("odd", pl.DataFrame({evil: [evil, None]}))

        found = ask("POST", "/query", json={"sql": 'select id, x from "flights@1" order by id', "limit": 2})
        assert found.json() == {
            "columns": {"id": "Int64", "x": "Float64"},
            "items": [{"id": 0, "x": 0.0}, {"id": 1, "x": 1.0}],
            "more": True,
        }
        wrong = ask("POST", "/query", json={"sql": "select y from flights"})
        assert (wrong.status_code, "no column 'y'" in wrong.json()["error"]) == (400, True)
        assert ask("POST", "/query", json={"sql": "select 1", "limit": 10**9}).status_code == 422

        made = ask("POST", "/reports", json={"ref": "flights@2", "before": "flights@1"})
        assert made.status_code == 201
        assert made.json()["drift"]["columns"]["x"]["drifted"]
        assert ask("POST", "/reports", json={"ref": "flight"}).status_code == 404

        odd = ask("POST", "/reports", json={"ref": "odd"}).json()
        page = ask("GET", "/reports/page", params={"ref": odd["ref"]})
        assert "<script>" not in page.text
        assert "&lt;script&gt;" in page.text
        assert page.headers["content-security-policy"].endswith("; sandbox")
        assert [one["kind"] for one in ask("GET", "/reports").json()["items"]] == ["profile", "compare"]
