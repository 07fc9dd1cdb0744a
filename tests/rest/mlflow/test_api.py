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


def test_an_unknown_path_is_an_error_of_the_api(ask: Ask) -> None:
    """Clients read `error_code`."""
    said = ask("GET", "/api/2.0/mlflow/nothing/here")
    assert (said.status_code, said.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_another_method_is_refused(ask: Ask) -> None:
    """A path answers its own methods."""
    assert ask("DELETE", "/api/3.0/mlflow/server-info").status_code == 405
