"""One envelope for every error, whoever raises it."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from stackcanvas.errors import BadInput, BadInputs, Conflict, Corrupt, NotFound, Refused, Unavailable
from stackcanvas.rest.errors import install_errors
from stackcanvas.testing.asgi import Client

ERRORS = {
    "bad": (BadInput("the port is text", where="canvas.yaml:3:7"), 400),
    "bads": (BadInputs([BadInput("one"), BadInput("two")]), 400),
    "refused": (Refused("The gate says no"), 403),
    "missing": (NotFound("model", "delai", known=["delay"]), 404),
    "conflict": (Conflict("It exists"), 409),
    "away": (Unavailable("The store is away"), 503),
    "corrupt": (Corrupt("The bytes differ"), 500),
}


@pytest.fixture
def client() -> Client:
    """An application whose routes raise."""
    app = FastAPI()
    install_errors(app)

    @app.get("/raise/{name}")
    def fail(name: str) -> None:
        raise ERRORS[name][0]

    @app.get("/number/{number}")
    def take(number: int, size: int) -> int:
        return number + size

    return Client(app)


@pytest.mark.parametrize("name", ERRORS)
def test_our_errors_carry_their_status(client: Client, name: str) -> None:
    """The sentence, the kind and the facts."""
    error, status = ERRORS[name]
    answered = client.get(f"/raise/{name}")

    assert answered.status == status
    assert answered.json() == error.to_dict()


def test_a_request_that_does_not_fit(client: Client) -> None:
    """Each field that is wrong, in one sentence a line."""
    answered = client.get("/number/x")

    assert answered.status == 422
    assert [line.split(":")[0] for line in answered.json()["error"].splitlines()] == ["path.number", "query.size"]


def test_an_address_where_nothing_is(client: Client) -> None:
    """The same envelope."""
    assert client.get("/nothing").json() == {"error": "There is nothing at /nothing."}
    assert client.post("/number/1").status == 405
    assert "error" in client.post("/number/1").json()


def test_what_nobody_expected(client: Client) -> None:
    """A sentence without the inside of the server; the error goes on to the server's log."""
    with pytest.raises(KeyError):
        client.get("/raise/unexpected")
