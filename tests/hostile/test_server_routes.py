"""Every route that a server has, asked by who may not, with paths that climb and bodies that burst."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from stackcanvas.rest.mlflow.every import ROUTES
from stackcanvas.server import access
from stackcanvas.server.control import make_app
from stackcanvas.server.door import Door
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.testing.asgi import Answer, Client
from stackcanvas.ui.site import pages

SECRET = "what-no-route-may-tell"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
# What only reads though it has a body, written down anew: a route that is added must be put here or refuse a reader.
ASKS = {
    "/api/v1/remote/call/{part}/{method}",  # asks for a role by what is called
    "/api/v1/query",
    "/api/2.0/mlflow/experiments/search",
    "/api/2.0/mlflow/experiments/search-datasets",
    "/api/2.0/mlflow/runs/search",
    "/api/3.0/mlflow/traces/search",
    "/api/2.0/mlflow/logged-models/search",
    "/api/2.0/mlflow/registered-models/get-latest-versions",
}
EVIL = (
    "..%2f..%2fsecret.txt",
    "..%252f..%252fsecret.txt",
    "%2fetc%2fpasswd",
    "..%5c..%5csecret.txt",
    "orders%00.txt",
    "%0d%0aX-Evil:%201",
    "%ed%a0%80",
    "9223372036854775808",
    "%2e",
    "x" * 4000,
)


@dataclass(frozen=True)
class Served:
    """A server with something on it.

    Args:
        run: the id of a run.
        tokens: by role; `gone` is one that was revoked.
    """

    app: FastAPI
    client: Client
    run: str
    tokens: dict[str, str]

    def ask(self, method: str, path: str, *, who: str | None, body: bytes = b"{}", **headers: str) -> Answer:
        """Send JSON with a token."""
        given = {"content-type": "application/json", **{name.replace("_", "-"): told for name, told in headers.items()}}
        if who is not None:
            given["authorization"] = f"Bearer {self.tokens[who]}"
        return self.client.ask(method, path, body=body, headers=given)

    def routes(self) -> list[tuple[str, str]]:
        """Method and path of each: those of the schema, of MLflow's API, of pages and of files."""
        schema = self.ask("GET", "/api/v1/openapi.json", who="admin").json()
        found = [(name.upper(), path) for path, ops in schema["paths"].items() for name in ops]
        found += [(route.method, route.path) for route in ROUTES]
        shown = [route for route in pages().routes if isinstance(route, Route)]
        found += [(name, route.path) for route in shown for name in route.methods or ()]
        found += [(name, f"{FILES}/{{path}}") for name in ("GET", "PUT", "DELETE")]
        found += [("GET", f"/get-artifact?run_id={self.run}&path={{path}}")]
        return [one for one in sorted(set(found)) if one[0] != "HEAD" and not one[1].endswith("/events/stream")]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A project beside a file that is nobody's business."""
    root = tmp_path / "churn"
    root.mkdir()
    (root / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: churn}\n")
    for place in (tmp_path, root, root / ".stackcanvas"):
        place.mkdir(exist_ok=True)
        (place / "secret.txt").write_text(SECRET)
    with open_stack(root) as opened:
        yield opened


@pytest.fixture
def served(stack: Stack) -> Served:
    """Its server, as other machines reach it."""
    stack.data.commit("orders", pl.DataFrame({"amount": [1, 2]}))
    with stack.experiments.run("first") as run:
        run.log({"loss": 1.0})
    roles = ("reader", "writer", "approver", "admin")
    tokens = {role: stack.tokens.add(f"{role}-1", role=role) for role in roles}
    tokens["gone"] = stack.tokens.add("gone", role="admin")
    stack.tokens.revoke("gone")
    app = make_app(stack, door=Door(tokens=True))
    return Served(app, Client(app, host="stack.example.org"), run.id, tokens)


def filled(path: str, text: str) -> str:
    """A path with every variable replaced."""
    return re.sub(r"\{[\w:]+\}", lambda _: text, path)


def test_no_route_is_open_to_who_may_not(served: Served) -> None:
    """No token, one in the address, a reader who writes, a writer who rules, a page of another site."""
    routes = served.routes()
    assert len(routes) > 200
    for method, path in routes:
        place = filled(path, "x")
        glue = "&" if "?" in place else "?"
        assert served.ask(method, place, who=None).status == 401, (method, path)
        assert served.ask(method, f"{place}{glue}token={served.tokens['admin']}", who=None).status == 401, path
        if method == "GET":
            continue
        status = served.ask(method, place, who="reader").status
        assert (status != 403) == (path in ASKS), (method, path, status)
        assert served.ask(method, place, who="admin", sec_fetch_site="cross-site").status == 403, path
        if path.startswith(("/api/v1/tokens", "/api/v1/workspaces", "/api/v1/metadata/")):
            assert {served.ask(method, place, who=who).status for who in ("writer", "approver")} == {403}, path
    assert served.ask("GET", "/api/v1/runs", who="gone").status == 401


def test_each_operation_has_a_name_of_its_own(served: Served) -> None:
    """Programs that are made from the schema call them by it."""
    names = [told["operationId"] for ops in served.app.openapi()["paths"].values() for told in ops.values()]
    assert len(set(names)) == len(names)
    for path in ("/health", "/health/ready", "/version"):
        assert served.ask("HEAD", path, who=None).status == 200


def test_no_token_of_one_workspace_opens_another(served: Served, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the project, whatever it may at home; nor does a token of the project open a workspace, but an admin's."""
    monkeypatch.setattr(access, "_WRONG_AT_ONCE", 1_000_000)  # else whoever guesses so often is only told to wait
    served = replace(served, client=Client(make_app(stack, door=Door(tokens=True)), host="stack.example.org"))
    for name in ("first", "second"):
        stack.workspaces.add(name)
        with stack.workspaces.open(name) as inside:
            served.tokens[name] = inside.tokens.add("boss", role="admin")
    assert served.ask("GET", "/w/first/api/v1/runs", who="first").status == 200
    for method, path in served.routes():
        place = filled(path, "x")
        seen = {
            served.ask(method, f"/w/second{place}", who="first").status,
            served.ask(method, place, who="first").status,
            served.ask(method, f"/w/second{place}", who="approver").status,
        }
        assert seen <= {401, 404}, (method, path, seen)
    assert served.ask("GET", "/w/first/api/v1/runs", who="admin").status == 200
    for disguise in ("/w/second%2f..%2ffirst", "/w/first/../second", "/w//second", "/w/first/w/second", "/%77/second"):
        assert served.ask("GET", f"{disguise}/api/v1/runs", who="first").status >= 400, disguise


def test_no_path_leads_out_or_breaks_anything(served: Served, stack: Stack) -> None:
    """Climbing, absolute, cut by NUL, with a line end, encoded twice, too long: told off, nothing is left."""
    before = sorted(info.key for info in stack.objects.list())
    for method, path in served.routes():
        if "{" not in path or method == "PUT":
            continue
        for text in EVIL:
            answered = served.ask(method, filled(path, text), who="admin")
            said = (method, path, text[:30], answered.status, answered.body[:200])
            assert answered.status < 500, said
            assert SECRET.encode() not in answered.body, said
            assert b"Traceback" not in answered.body, said
            assert "x-evil" not in answered.headers, said
    assert sorted(info.key for info in stack.objects.list()) == before


def test_the_files_of_all_are_not_one_file(served: Served) -> None:
    """A dot stands for no file: nobody removes everything at once by it, nor writes over it."""
    kept = f"{FILES}/notes/kept.txt"
    assert served.ask("PUT", kept, who="writer", body=b"kept").status == 200
    for place in (".", "%2e", "./", "%2e/%2e"):
        for method in ("DELETE", "PUT"):
            assert served.ask(method, f"{FILES}/{place}", who="writer").status == 400
    assert served.ask("GET", kept, who="reader").body == b"kept"


def test_bodies_that_burst_are_told_off(served: Served) -> None:
    """Too deep, too large in parts, half a surrogate, no number, no text: 4xx everywhere, in the words of the API."""
    bodies: list[bytes] = [b"[" * 100_000, b"\xff\xfe\x00", b'{"x":1e999999}', b"9" * 20_000, b"null", b'""']
    bodies += [b'{"run_id":"\\ud800"}', b'{"run_id":"\\u0000"}', b"\xdd\xff\xff\xff\xff"]
    for path in ("runs/log-batch", "runs/search", "experiments/create", "registered-models/create"):
        for body in bodies:
            answered = served.ask("POST", f"/api/2.0/mlflow/{path}", who="writer", body=body)
            assert answered.status < 500, (path, body[:20], answered.body[:200])
            assert "error_code" in answered.text or answered.status == 200, (path, body[:20], answered.body[:200])
    for path in ("labels/delay", "models", "features/push", "remote/call/served/about", "annotation/x/label-studio"):
        for body in bodies:
            answered = served.ask("POST", f"/api/v1/{path}", who="admin", body=body)
            assert answered.status < 500, (path, body[:20], answered.body[:200])
    large = served.client.post(
        "/api/2.0/mlflow/runs/search",
        body=[b"x" * 1_000_000] * 34,
        headers={"authorization": f"Bearer {served.tokens['writer']}", "content-type": "application/json"},
    )
    assert (large.status, json.loads(large.body)["error"].split(".")[0]) == (
        413,
        "The body is larger than the 32 MB that are read at once",
    )


def test_a_description_that_bursts_is_refused(served: Served) -> None:
    """An `MLmodel` of brackets, of names that unfold, or that holds itself ends neither the server nor its memory."""
    laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    for name, before in zip("bcdefghij", "abcdefghi", strict=True):
        laughs += f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    flavors = "flavors: {python_function: {loader_module: x, python_version: *j}}\nsignature: {inputs: *j}\n"
    served.ask("POST", "/api/2.0/mlflow/registered-models/create", who="writer", body=b'{"name": "m"}')
    for text in ("[" * 200_000, "{a: " * 100_000, laughs + flavors, "flavors: &f {python_function: *f}"):
        place = f"0/{served.run}/artifacts/model"
        assert served.ask("PUT", f"{FILES}/{place}/MLmodel", who="writer", body=text.encode()).status == 200
        asked = {"name": "m", "source": f"runs:/{served.run}/model", "run_id": served.run}
        body = json.dumps(asked).encode()
        answered = served.ask("POST", "/api/2.0/mlflow/model-versions/create", who="writer", body=body)
        assert (answered.status, "cannot be read as YAML" in answered.text) == (400, True), answered.text


def test_no_address_that_a_writer_gives_is_followed(served: Served) -> None:
    """Where runs or models are said to lie at somebody's address or in a folder of the server, nothing is fetched."""
    for number, place in enumerate(
        ("file:///etc", "/etc", "s3://b/x?endpoint=http://127.0.0.1:9", "http://127.0.0.1:9/")
    ):
        body = json.dumps({"name": f"e{number}", "artifact_location": place}).encode()
        made = served.ask("POST", "/api/2.0/mlflow/experiments/create", who="writer", body=body).json()["experiment_id"]
        body = json.dumps({"experiment_id": made}).encode()
        run = served.ask("POST", "/api/2.0/mlflow/runs/create", who="writer", body=body).json()["run"]["info"]["run_id"]
        for asked in (f"/get-artifact?run_id={run}&path=passwd", f"/api/2.0/mlflow/artifacts/list?run_id={run}"):
            answered = served.ask("GET", asked, who="writer")
            assert answered.status == 400
            assert "does not look" in answered.json()["message"]
