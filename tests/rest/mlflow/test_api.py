"""What holds for every path of the API."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

Ask = Callable[..., httpx.Response]


@pytest.mark.parametrize("prefix", ["/api", "/ajax-api"])
def test_the_server_says_what_it_can(ask: Ask, prefix: str) -> None:
    """Clients ask before they use what is new."""
    said = ask("GET", f"{prefix}/3.0/mlflow/server-info")
    assert said.status_code == 200
    assert said.json()["store_type"] == "SqlStore"


@pytest.mark.parametrize("prefix", ["/api/2.0", "/ajax-api/2.0", "/api/2.0/preview"])
def test_every_prefix_leads_to_the_same(ask: Ask, prefix: str) -> None:
    """Browsers, clients of today, and those of years ago."""
    said = ask("GET", f"{prefix}/mlflow/experiments/get", params={"experiment_id": "0"})
    assert said.json()["experiment"]["name"] == "Default"


def test_a_wrong_value_is_told_as_json(ask: Ask) -> None:
    """Clients look for the value and the name of the field."""
    for wrong, told in ((123, "123"), ("5", '"5"'), (9.5, "9.5")):
        said = ask("POST", "/api/2.0/mlflow/experiments/create", json={"name": "a", "tags": wrong})
        assert f"Invalid value {told} for parameter 'tags'" in said.json()["message"]


def test_an_unknown_path_is_an_error_of_the_api(ask: Ask) -> None:
    """Clients read `error_code`."""
    said = ask("GET", "/api/2.0/mlflow/nothing/here")
    assert (said.status_code, said.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_another_method_is_refused(ask: Ask) -> None:
    """A path answers its own methods."""
    assert ask("DELETE", "/api/3.0/mlflow/server-info").status_code == 405


def test_a_body_of_another_type_is_refused(ask: Ask) -> None:
    """In the words that programs look for; also one that does not say what it is."""
    place = "/api/2.0/mlflow/runs/search"
    said_of = {"text/plain": "must be one of ['application/json']", None: "header is missing"}
    for kind, said in said_of.items():
        headers = {"content-type": kind} if kind else {}
        told = ask("POST", place, content=b"{}", headers=headers)
        assert (told.status_code, f"Bad Request. Content-Type {said}" in told.json()["message"]) == (400, True)
