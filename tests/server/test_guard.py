"""What a foreign page cannot do through a person's browser."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from stackcanvas.server.guard import Guard
from stackcanvas.testing.asgi import Client


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def client() -> Client:
    """A client of a guarded application that tells how much it was sent."""
    app = Guard(Starlette(routes=[Route("/", _echo, methods=["GET", "POST"])]), largest_bytes=1024 * 1024)
    return Client(app)


@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost:8700", "localhost", "[::1]:8700", "LocalHost:1"])
def test_names_of_this_machine_are_answered(client: Client, host: str) -> None:
    """Loopback by any of its names, on any port."""
    assert client.get("/", headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8700", "", "localhost.evil.example", "10.0.0.7"]
)
def test_other_names_are_refused(client: Client, host: str) -> None:
    """A name that somebody's DNS points to this machine gets no answer, nor is the page's policy lost."""
    refused = client.get("/", headers={"host": host})

    assert refused.status == 421
    assert "error" in refused.json()
    assert refused.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_site_cannot_change_anything(client: Client, headers: dict[str, str]) -> None:
    """A form or script of another origin may not post."""
    assert client.post("/", headers=headers).status == 403


def test_own_pages_and_programs_can_post(client: Client) -> None:
    """The server's own origin is accepted, and so are programs, which send none."""
    own = {"origin": "http://127.0.0.1:8700", "sec-fetch-site": "same-origin"}

    assert client.post("/", headers=own, body=b"abc").text == "3"
    assert client.post("/", body=b"abcd").text == "4"


def test_a_large_body_is_refused_by_its_length(client: Client) -> None:
    """What says that it is too large is not read."""
    assert client.post("/", body=b"x" * (1024 * 1024)).status == 200
    assert client.post("/", body=b"x" * (1024 * 1024 + 1)).status == 413


def test_a_large_body_without_a_length_is_cut_off(client: Client) -> None:
    """A body in parts is counted as it comes."""
    small, large = [b"x" * 1024] * 3, [b"x" * 300_000] * 4

    assert client.post("/", body=small).text == "3072"
    assert client.post("/", body=large).status == 413


def test_pages_may_load_only_from_here(client: Client) -> None:
    """Every answer carries the policy."""
    policy = client.get("/").headers["content-security-policy"]

    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
