"""The model registry as MLflow's own client meets it: a real server process, SQLite and PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any

import pytest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import httpx
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"
Ask = Callable[..., httpx.Response]

# The client itself warns of its own stages and of its own plans.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a control server over a fresh project."""
    folder = tmp_path_factory.mktemp("project")
    canvas = MINIMAL.read_text()
    if request.param == "postgresql":
        shared = request.getfixturevalue("postgres_server")
        canvas += f"\nmetadata: {{store: {{url: '{shared}&schema=registry_client'}}}}\n"
    (folder / "canvas.yaml").write_text(canvas)
    command = [sys.executable, "-m", "stackcanvas.server.control", "--project", str(folder), "--port", "0"]
    process = subprocess.Popen(command)
    told = folder / ".stackcanvas" / "run" / "control.json"
    end = time.monotonic() + 60
    while not told.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{json.loads(told.read_text())['port']}"
    process.send_signal(signal.SIGTERM)
    process.wait(20)


@pytest.fixture
def client(server: str) -> MlflowClient:
    """MLflow's client."""
    return MlflowClient(tracking_uri=server, registry_uri=server)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A model name of the test's own."""
    return str(request.node.name).split("[")[0]


def said(call: Callable[..., Any], *words: Any, **more: Any) -> str:
    """The code of the error that a call raises."""
    with pytest.raises(MlflowException) as caught:
        call(*words, **more)
    return str(caught.value.error_code)


def test_a_name_is_registered_described_renamed_and_deleted(client: MlflowClient, name: str) -> None:
    """Before it has any version; its tags and its description go with it."""
    made = client.create_registered_model(name, tags={"team": "risk"}, description="late flights")
    assert (made.name, made.description, made.tags) == (name, "late flights", {"team": "risk"})
    assert said(client.create_registered_model, name) == "RESOURCE_ALREADY_EXISTS"

    client.update_registered_model(name, "delays")
    client.set_registered_model_tag(name, "owner", "ada")
    client.delete_registered_model_tag(name, "team")
    client.rename_registered_model(name, f"{name}2")
    found = client.get_registered_model(f"{name}2")
    assert (found.description, found.tags, found.latest_versions) == ("delays", {"owner": "ada"}, [])
    assert said(client.get_registered_model, name) == "RESOURCE_DOES_NOT_EXIST"

    client.delete_registered_model(f"{name}2")
    assert said(client.get_registered_model, f"{name}2") == "RESOURCE_DOES_NOT_EXIST"


def test_versions_count_up_and_a_number_is_never_given_again(client: MlflowClient, name: str) -> None:
    """Also after the last one is deleted, which takes its aliases along."""
    client.create_registered_model(name)
    first = client.create_model_version(name, "s3://bucket/one", tags={"a": "b"}, description="first")
    second = client.create_model_version(name, "s3://bucket/two")
    client.set_registered_model_alias(name, "champ", second.version)

    assert [first.version, second.version] == ["1", "2"]
    assert (first.tags, first.description, first.status, first.current_stage) == ({"a": "b"}, "first", "READY", "None")
    assert client.get_model_version_download_uri(name, "1") == "s3://bucket/one"
    client.delete_model_version(name, "2")
    assert said(client.get_model_version, name, "2") == "RESOURCE_DOES_NOT_EXIST"
    assert said(client.get_model_version_by_alias, name, "champ") == "INVALID_PARAMETER_VALUE"
    assert client.create_model_version(name, "s3://bucket/three").version == "3"
    client.update_model_version(name, "3", "third")
    assert client.get_model_version(name, "3").description == "third"


def test_aliases_tags_and_stages_of_versions(client: MlflowClient, name: str) -> None:
    """An alias moves; a stage archives who was there before."""
    client.create_registered_model(name)
    for place in ("one", "two", "three"):
        client.create_model_version(name, f"s3://bucket/{place}")
    client.set_registered_model_alias(name, "best", "1")
    client.set_registered_model_alias(name, "best", "2")
    assert client.get_model_version_by_alias(name, "best").version == "2"
    assert client.get_model_version_by_alias(name, "latest").version == "3"
    assert client.get_registered_model(name).aliases == {"best": "2"}
    client.delete_registered_model_alias(name, "best")
    client.delete_registered_model_alias(name, "best")

    client.set_model_version_tag(name, "1", "k", "v")
    client.set_model_version_tag(name, "1", "gone", "v")
    client.delete_model_version_tag(name, "1", "gone")
    assert client.get_model_version(name, "1").tags == {"k": "v"}

    client.transition_model_version_stage(name, "1", "production")
    client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    stages = {one.version: one.current_stage for one in client.search_model_versions(f"name='{name}'")}
    assert stages == {"1": "Archived", "2": "Production", "3": "None"}
    assert [one.version for one in client.get_latest_versions(name, ["Production"])] == ["2"]


def test_searches_filter_order_and_page(client: MlflowClient, name: str) -> None:
    """Names, tags, runs and sources, in pages that leave nothing out."""
    for letter in "abcde":
        client.create_registered_model(f"{name}_{letter}", tags={"first": str(letter in "ab")})
        client.create_model_version(f"{name}_{letter}", f"s3://bucket/{letter}", tags={"t": letter})
    mine = f"name LIKE '{name}%'"

    assert [one.name[-1] for one in client.search_registered_models(mine, order_by=["name DESC"])] == list("edcba")
    both = f"{mine} AND tags.first = 'True'"
    assert [one.name[-1] for one in client.search_registered_models(both)] == ["a", "b"]
    page = client.search_registered_models(mine, max_results=2)
    rest = client.search_registered_models(mine, max_results=10, page_token=page.token)
    assert [one.name[-1] for one in [*page, *rest]] == list("abcde")
    assert not rest.token
    found = client.search_model_versions(f"{mine} AND tags.t != 'a' AND version_number = 1", order_by=["name ASC"])
    assert [one.name[-1] for one in found] == list("bcde")
    assert [one.name[-1] for one in client.search_model_versions("source_path = 's3://bucket/c'")] == ["c"]
    listed = f"name IN ('{name}_a', '{name}_d')"
    assert len(client.search_model_versions(listed)) == 2


@pytest.mark.parametrize(
    "filter_string", ["nme = 'x'", "name = 5", "tags.a > 'b'", "name = 'a' OR name = 'b'", "version_number = 'x'", "'"]
)
def test_a_filter_that_cannot_be_read_is_said(client: MlflowClient, filter_string: str) -> None:
    """Never a crash, never everything."""
    assert said(client.search_model_versions, filter_string) == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("bad", ["", "  ", "a/b", "a:b", "..", "x" * 600, "a\nb"])
def test_names_that_cannot_be_carried_are_refused(client: MlflowClient, bad: str) -> None:
    """Empty ones, paths, and what no terminal shows."""
    assert said(client.create_registered_model, bad) == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd", "file:///etc", "runs:/abc/model", "mlflow-artifacts:/7/x", "s3://a/../b", "models:/",
        "mlflow-artifacts:/..%2f..%2f", "models:/m-00000000000000000000000000000000", "s3://a/%2e%2e/b",
    ],
)  # fmt: skip
def test_a_version_is_made_of_nothing_that_is_not_its_own(client: MlflowClient, server: str, source: str) -> None:
    """Paths of the server, other people's runs, and ways upward."""
    name = f"sources_{abs(hash(source))}"
    client.create_registered_model(name)
    assert said(client.create_model_version, name, source) == "INVALID_PARAMETER_VALUE"
    assert client.search_model_versions(f"name = '{name}'") == []


def test_aliases_that_mean_something_else_are_refused(client: MlflowClient, name: str) -> None:
    """What is missing is told apart from what is wrong."""
    client.create_registered_model(name)
    client.create_model_version(name, "s3://bucket/one")
    for alias in ("latest", "Latest", "v1", "a b"):
        assert said(client.set_registered_model_alias, name, alias, "1") == "INVALID_PARAMETER_VALUE"
    assert said(client.set_registered_model_alias, name, "best", "9") == "RESOURCE_DOES_NOT_EXIST"
    assert said(client.get_model_version_by_alias, name, "none") == "INVALID_PARAMETER_VALUE"
    assert said(client.get_model_version_by_alias, f"{name}9", "none") == "RESOURCE_DOES_NOT_EXIST"


def test_many_clients_at_once_get_numbers_of_their_own(client: MlflowClient, name: str) -> None:
    """Eight threads register twenty versions each; a logged model knows all that were made of it."""
    client.create_registered_model(name)
    model = client.create_logged_model("0").model_id

    def register(at: int) -> int:
        made = client.create_model_version(name, f"s3://bucket/{at}", model_id=model if at % 4 == 0 else None)
        return int(made.version)

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(register, range(160)))
    assert sorted(numbers) == list(range(1, 161))
    told = json.loads(client.get_logged_model(model).tags["mlflow.modelVersions"])
    assert sorted(one["version"] for one in told) == sorted(numbers[::4])


def test_prompts_are_kept_and_are_no_models(client: MlflowClient, server: str, name: str) -> None:
    """MLflow keeps prompts among the models; they are found only when they are asked for."""
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    text = {"key": "mlflow.prompt.text", "value": "Hello"}
    with httpx.Client(base_url=f"{server}/api/2.0/mlflow", timeout=30) as web:
        web.post("registered-models/create", json={"name": name, "tags": tags}).raise_for_status()
        asked = {"name": name, "source": "dummy-source", "tags": [*tags, text]}
        web.post("model-versions/create", json=asked).raise_for_status()

    assert client.search_registered_models(f"name = '{name}'") == []
    assert client.search_model_versions(f"name = '{name}'") == []
    wanted = f"name = '{name}' AND tags.`mlflow.prompt.is_prompt` = 'true'"
    assert [one.name for one in client.search_registered_models(wanted)] == [name]


def test_a_body_of_garbage_is_answered(server: str) -> None:
    """Every route of the registry answers what it cannot read with a code, and none with a crash."""
    bodies: list[Any] = [b"", b"{", b"[]", b'{"name": 7}', b'{"name": {"a": 1}, "version": []}', b'{"name": "\\u0000"}']
    with httpx.Client(base_url=f"{server}/api/2.0/mlflow", timeout=30) as web:
        for place in ("registered-models/create", "model-versions/create", "registered-models/alias",
                      "model-versions/transition-stage", "registered-models/rename"):  # fmt: skip
            for body in bodies:
                found = web.post(place, content=body, headers={"content-type": "application/json"})
                assert found.status_code in {400, 404}, (place, body, found.text)
                assert found.json()["error_code"] in {
                    "INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST",
                }  # fmt: skip
