"""Who may ask the control server: tokens in every form, roles, the login page, and who is named in records."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stackcanvas.server.control import make_app
from stackcanvas.server.door import Door
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.testing.asgi import Answer, Client

HTML = {"accept": "text/html"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """An empty project."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    with open_stack(tmp_path) as opened:
        yield opened


@pytest.fixture
def tokens(stack: Stack) -> dict[str, str]:
    """A token of each role, by the role."""
    return {role: stack.tokens.add(f"{role}-1", role=role) for role in ("reader", "writer", "approver", "admin")}


@pytest.fixture
def client(stack: Stack) -> Client:
    """A client of the server as other machines reach it."""
    return Client(make_app(stack, door=Door(tokens=True)), host="stack.example.org")


def bearer(text: str) -> dict[str, str]:
    """The header of a token."""
    return {"authorization": f"Bearer {text}"}


def post(client: Client, path: str, content: object, headers: dict[str, str]) -> Answer:
    """Send JSON."""
    return client.post(path, body=json.dumps(content).encode(), headers={"content-type": "application/json", **headers})


@pytest.mark.parametrize(
    "path", ["/api/v1/canvas", "/metrics", "/canvas.json", "/api/v1/openapi.json", "/api/v1/events/stream", "/nowhere"]
)
def test_nobody_gets_in_without(client: Client, path: str) -> None:
    """Every path but health, version, login and what the login page looks like."""
    refused = client.get(path)

    assert refused.status == 401
    assert "token" in refused.json()["error"]
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert client.get("/health").status == 200
    assert client.get("/static/style.css").status == 200


def test_the_clients_of_mlflow_are_told_in_their_own_words(client: Client, tokens: dict[str, str]) -> None:
    """The envelope of that API, for no token and for one that may not."""
    path = "/api/2.0/mlflow/experiments/create"
    assert post(client, path, {"name": "x"}, {}).json()["error_code"] == "UNAUTHENTICATED"
    assert post(client, path, {"name": "x"}, bearer(tokens["reader"])).json()["error_code"] == "PERMISSION_DENIED"
    made = post(client, path, {"name": "x"}, bearer(tokens["writer"]))
    assert made.status == 200


def test_a_token_in_each_form(client: Client, tokens: dict[str, str]) -> None:
    """Bearer, the password of Basic, and the cookie of the login page."""
    text = tokens["reader"]
    basic = base64.b64encode(f"anybody:{text}".encode()).decode()
    for headers in (bearer(text), {"authorization": f"Basic {basic}"}, {"cookie": f"a=b; stackcanvas_token={text}"}):
        assert client.get("/api/v1/canvas", headers=headers).status == 200
    for headers in (bearer("sc_guess"), {"authorization": "Basic !!!"}, {"cookie": "stackcanvas_token=x"}):
        assert client.get("/api/v1/canvas", headers=headers).status == 401


def test_roles(client: Client, tokens: dict[str, str]) -> None:
    """A reader asks, also with a body; only an admin makes tokens."""
    asked = {"experiment_ids": ["0"]}
    assert post(client, "/api/2.0/mlflow/runs/search", asked, bearer(tokens["reader"])).status == 200
    assert post(client, "/api/v1/monitoring/incidents", {}, bearer(tokens["reader"])).status == 403
    for role in ("reader", "writer", "approver"):
        assert client.get("/api/v1/tokens", headers=bearer(tokens[role])).status == 403
    new = post(client, "/api/v1/tokens", {"name": "ci", "role": "writer", "days": 30}, bearer(tokens["admin"]))
    assert new.status == 201
    assert client.get("/api/v1/canvas", headers=bearer(new.json()["token"])).status == 200
    assert new.json()["token"] not in client.get("/api/v1/tokens", headers=bearer(tokens["admin"])).text


def test_the_token_stands_as_the_actor(client: Client, stack: Stack, tokens: dict[str, str]) -> None:
    """Over our own API and over MLflow's."""
    post(client, "/api/v1/tokens", {"name": "ci"}, bearer(tokens["admin"]))
    post(client, "/api/2.0/mlflow/experiments/create", {"name": "x"}, bearer(tokens["writer"]))

    assert stack.spine.audit.entries(limit=1)[0].actor in {"admin-1", "writer-1"}
    made = stack.spine.executions.search(kind="metadata.token", limit=1)[0]
    assert (made.actor, made.verified) == ("admin-1", True)


def test_a_person_signs_in(client: Client, tokens: dict[str, str]) -> None:
    """A page leads to the login, the login back to the page, and signing out ends it."""
    led = client.get("/blocks/data?x=1", headers=HTML)
    assert (led.status, led.headers["location"]) == (303, "/login?next=%2Fblocks%2Fdata%3Fx%3D1")
    page = client.get(led.headers["location"], headers=HTML)
    assert 'type="password"' in page.text
    assert "delays" not in page.text

    wrong = client.post(led.headers["location"], body=b"token=sc_wrong", headers=FORM)
    assert wrong.status == 401
    assert "unknown, expired or revoked" in wrong.text
    into = client.post(led.headers["location"], body=f"token={tokens['reader']}".encode(), headers=FORM)
    assert (into.status, into.headers["location"]) == (303, "/blocks/data?x=1")
    cookie = into.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert client.get("/", headers={**HTML, "cookie": cookie.split(";")[0]}).status == 200
    assert "Max-Age=0" in client.post("/logout").headers["set-cookie"]


@pytest.mark.parametrize(
    "where", ["https://evil.example", "//evil.example", "/\\evil.example", "/%5Cevil", "", "x", "/a\nb"]
)
def test_the_login_leads_nowhere_else(client: Client, tokens: dict[str, str], where: str) -> None:
    """An address of another site in the link is not followed."""
    answered = client.post(f"/login?next={where}", body=f"token={tokens['reader']}".encode(), headers=FORM)

    assert answered.headers["location"] == "/"


def test_on_this_machine_nothing_is_asked(stack: Stack, tokens: dict[str, str]) -> None:
    """A token that is given names the actor all the same, and a wrong one is refused."""
    client = Client(make_app(stack))

    assert client.get("/api/v1/canvas").status == 200
    post(client, "/api/v1/tokens", {"name": "ci"}, bearer(tokens["admin"]))
    assert stack.spine.audit.entries(limit=1)[0].actor == "admin-1"
    assert client.get("/api/v1/canvas", headers=bearer("sc_guess")).status == 401


def test_a_revoked_token_is_refused_soon(client: Client, stack: Stack, tokens: dict[str, str]) -> None:
    """A server that has not seen it in the last two seconds asks anew."""
    stack.tokens.revoke("reader-1")
    expired = stack.tokens.add("old", role="reader", lasts=timedelta(microseconds=1))

    assert client.get("/api/v1/canvas", headers=bearer(tokens["reader"])).status == 401
    assert client.get("/api/v1/canvas", headers=bearer(expired)).status == 401


def test_whoever_guesses_has_to_wait(stack: Stack, tokens: dict[str, str]) -> None:
    """Wrong tokens from one address: 429 with the time to wait, for the login too; a token that works goes on."""
    client = Client(make_app(stack, door=Door(tokens=True)), host="stack.example.org")
    assert client.get("/api/v1/canvas", headers=bearer(tokens["reader"])).status == 200

    seen = [client.get("/api/v1/canvas", headers=bearer(f"sc_{number}")) for number in range(25)]
    assert [one.status for one in seen] == [401] * 20 + [429] * 5
    assert int(seen[-1].headers["retry-after"]) >= 1
    assert "Retry-After" in seen[-1].json()["error"]
    assert client.post("/login", body=b"token=sc_x", headers=FORM).status == 429
    told = post(client, "/api/2.0/mlflow/runs/search", {}, bearer("sc_y"))
    assert (told.status, told.json()["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")

    assert client.get("/api/v1/canvas", headers=bearer(tokens["reader"])).status == 200
    assert client.get("/api/v1/canvas").status == 401


def test_one_token_may_ask_so_often(stack: Stack, tokens: dict[str, str]) -> None:
    """The rest waits; another token and a machine that asks nobody do not."""
    client = Client(make_app(stack, door=Door(tokens=True, requests_per_s=0.2)), host="stack.example.org")

    seen = [client.get("/api/v1/canvas", headers=bearer(tokens["writer"])) for _ in range(4)]
    assert [one.status for one in seen] == [200, 200, 429, 429]
    assert client.get("/api/v1/canvas", headers=bearer(tokens["reader"])).status == 200

    local = Client(make_app(stack))
    assert {local.get("/health/ready").status for _ in range(30)} == {200}
    assert {local.get("/api/v1/canvas", headers=bearer(f"sc_{number}")).status for number in range(25)} == {401}
