"""Workspaces behind one server: apart from each other, made by asking, each with tokens of its own."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.cli.main import main
from stackcanvas.stack.running import process

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from mlflow import MlflowClient

CANVAS = "stackcanvas: 1\nproject: {name: flights}\n"
PAGE = {"accept": "text/html"}
Open = Callable[..., "Served"]


@dataclass
class Served:
    """A server process of a project.

    Args:
        root: the project's folder.
        environ: what its database needs to be found.
    """

    root: Path
    environ: dict[str, str]
    options: tuple[str, ...] = ()
    url: str = ""
    running: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "stackcanvas.server.control", "--project", str(self.root), "--port", "0"]
        self.running = subprocess.Popen([*command, *self.options], env=self.environ)
        last = time.monotonic() + 120
        while (found := process(self.root / ".stackcanvas", "control")) is None or found.pid != self.running.pid:
            assert self.running.poll() is None
            assert time.monotonic() < last
            time.sleep(0.05)
        assert found.url is not None
        self.url = found.url

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it."""
        if self.running is not None:
            self.running.send_signal(number)
            self.running.wait(60)

    def ask(
        self, method: str, path: str, content: object = None, *, token: str | None = None, **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request exactly as written; gives status, headers and body."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)
        given = {"content-type": "application/json", **headers}
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        body = content if content is None or isinstance(content, str) else json.dumps(content)
        try:
            connection.request(method, path, body=body, headers=given)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def mlflow(self, workspace: str, place: str, **fields: Any) -> tuple[int, Any]:
        """A call of MLflow's API in a workspace."""
        status, _, body = self.ask("POST", f"/w/{workspace}/api/2.0/mlflow/{place}", fields)
        return status, json.loads(body)

    def cli(self, *words: str, **environ: str) -> tuple[int, str, str]:
        """A command in the project's folder; gives its exit code and what it said to stdout and stderr."""
        said, talked = io.StringIO(), io.StringIO()
        with contextlib.ExitStack() as kept:
            patch = kept.enter_context(pytest.MonkeyPatch.context())
            for key, value in {**self.environ, **environ}.items():
                patch.setenv(key, value)
            patch.chdir(self.root)
            kept.enter_context(contextlib.redirect_stdout(said))
            kept.enter_context(contextlib.redirect_stderr(talked))
            code = main(words)
        return code, said.getvalue(), talked.getvalue()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Makes projects on each database and starts their servers."""
    made: list[Served] = []

    def one(*options: str, start: bool = True) -> Served:
        root = tmp_path_factory.mktemp("project")
        canvas, environ = CANVAS, {**os.environ, "XDG_CACHE_HOME": str(root / "cache")}
        if request.param == "postgresql":
            schema = f"w_{secrets.token_hex(6)}"
            environ["STACK_DATABASE_URL"] = f"{request.getfixturevalue('postgres_server')}&schema={schema}"
            canvas += "metadata: {store: {url: '${STACK_DATABASE_URL}'}}\n"
        (root / "canvas.yaml").write_text(canvas)
        made.append(Served(root, environ, options))
        if start:
            made[-1].start()
        return made[-1]

    yield one
    for served in made:
        served.stop()


@pytest.fixture(scope="module")
def server(make: Open) -> Served:
    """A server that asks for no tokens."""
    return make()


@pytest.fixture
def name() -> str:
    """A fresh name."""
    return f"fresh-{secrets.token_hex(4)}"


def test_a_client_of_mlflow_works_in_a_workspace_that_it_makes(server: Served, name: str, tmp_path: Path) -> None:
    """Experiments, runs, files, registry and search; the server looks empty from every other address."""
    client = MlflowClient(f"{server.url}/w/{name}")
    assert [one.name for one in client.search_experiments()] == ["Default"]
    experiment = client.create_experiment("depths")
    run = client.create_run(experiment).info
    client.log_metric(run.run_id, "auc", 0.8)
    (tmp_path / "weights.bin").write_bytes(b"0123")
    client.log_artifact(run.run_id, str(tmp_path / "weights.bin"))
    client.create_registered_model("delay")
    client.create_model_version("delay", f"runs:/{run.run_id}/", run.run_id)
    client.set_registered_model_alias("delay", "champion", "1")

    assert [one.info.run_id for one in client.search_runs([experiment], "metrics.auc > 0.5")] == [run.run_id]
    assert [one.path for one in client.list_artifacts(run.run_id)] == ["weights.bin"]
    assert Path(client.download_artifacts(run.run_id, "weights.bin", str(tmp_path))).read_bytes() == b"0123"
    assert client.get_model_version_by_alias("delay", "champion").version == "1"
    for other in (server.url, f"{server.url}/w/{name}-2"):
        there = MlflowClient(other)
        assert there.get_experiment_by_name("depths") is None
        assert list(there.search_registered_models()) == []
        assert server.ask("GET", f"{urlsplit(other).path}/get-artifact?run_id={run.run_id}&path=weights.bin")[0] == 404
    assert (server.root / ".stackcanvas" / "workspaces" / name / "objects" / "runs" / run.run_id).is_dir()


def test_our_own_client_and_commands_work_in_a_workspace(
    server: Served, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By address, by variable, and on the server's machine by name; the project keeps nothing of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with sc.open(f"{server.url}/w/{name}") as stack:
        stack.data.commit("flights", pl.DataFrame({"delay": [1, 2]}), message="two")
        with stack.experiments.run("depths") as run:
            run.log(auc=0.8)
    here = server.cli("--workspace", name, "data", "ls", "--format", "json")
    afar = server.cli("data", "ls", "--format", "json", STACKCANVAS_URL=f"{server.url}/w/{name}")
    inside = server.cli("--project", str(server.root / ".stackcanvas" / "workspaces" / name), "data", "ls")
    project = server.cli("data", "ls", "--format", "json")

    assert "flights" in here[1]
    assert here == afar
    assert "flights" in inside[1]
    assert "flights" not in project[1]
    monkeypatch.setattr(os, "environ", server.environ)
    with sc.open(server.root, workspace=name) as stack:
        assert len(stack.experiments.search(where="metrics.auc > 0.5")) == 1
        names = {event.name for event in stack.spine.events.after(0)}
    assert "data.committed" in names
    with sc.open(server.root) as stack:
        assert all(event.name != "data.committed" for event in stack.spine.events.after(0))


def test_pages_keep_their_links_in_the_workspace(server: Served, name: str) -> None:
    """Every link, the stream of events and the form of answers; the project's own name leads to the project."""
    server.mlflow(name, "experiments/create", name="depths")
    status, _, body = server.ask("GET", f"/w/{name}/", **PAGE)
    page = body.decode()

    assert status == 200
    assert f">{name}</a>" in page
    assert f'data-stream="/w/{name}/api/v1/events/stream"' in page
    links = [part.partition('"')[0] for part in page.split('href="')[1:]]
    assert len(links) > 20
    assert [link for link in links if not link.startswith((f"/w/{name}/", "#", "https:"))] == []
    for path in ("/blocks/data", "/runs", "/plan", "/ask", "/events", "/canvas.json", "/static/style.css"):
        assert server.ask("GET", f"/w/{name}{path}", **PAGE)[0] == 200
    assert ">flights</a>" in server.ask("GET", "/w/flights/", **PAGE)[2].decode()
    moved = server.ask("GET", f"/w/{name}/api/v1/data/")
    assert moved[0] != 307 or f"/w/{name}/" in moved[1]["location"]


def test_a_person_who_mistypes_makes_nothing(server: Served, name: str) -> None:
    """The page of an unknown workspace says how to make it; a page of another site makes none either."""
    status, _, body = server.ask("GET", f"/w/{name}/", **PAGE)

    assert status == 404
    assert f"stackcanvas workspaces add {name}" in body.decode()
    assert server.ask("GET", f"/w/{name}/api/v1/events", **{"sec-fetch-site": "cross-site"})[0] == 404
    assert name not in server.cli("workspaces", "ls")[1]


def test_many_first_requests_make_one_workspace(server: Served, name: str) -> None:
    """All of them land in it, also where eight workspaces are made at once."""
    names = [f"{name}-{number}" for number in range(8)]

    def create(number: int) -> tuple[int, Any]:
        return server.mlflow(names[number % 8], "experiments/create", name=f"e{number}")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(create, range(48)))

    assert [status for status, _ in answers] == [200] * 48
    for number, one in enumerate(names):
        _, found = server.mlflow(one, "experiments/search", max_results=100)
        known = {experiment["name"] for experiment in found["experiments"]}
        assert known == {"Default", *(f"e{other}" for other in range(number, 48, 8))}


@pytest.fixture(scope="module")
def guarded(make: Open) -> Served:
    """A server that asks for tokens, with a workspace `churn`."""
    served = make("--tokens", start=False)
    served.tokens = {"admin": served.cli("tokens", "add", "ada", "--role", "admin")[1].strip()}
    assert served.cli("workspaces", "add", "churn")[0] == 0
    served.start()
    for role in ("reader", "writer"):
        served.tokens[role] = served.cli("tokens", "add", role, "--role", role)[1].strip()
        own = served.cli("tokens", "add", role, "--role", role, "--workspace", "churn")[1].strip()
        served.tokens[f"{role} of churn"] = own
    return served


@pytest.mark.parametrize(
    ("who", "statuses"),
    [
        (None, (401, 401, 401)),
        ("admin", (200, 200, 200)),
        ("writer", (200, 404, 404)),
        ("reader", (200, 404, 404)),
        ("writer of churn", (401, 200, 401)),
        ("reader of churn", (401, 200, 401)),
    ],
)
def test_tokens_enter_their_own_workspace(
    guarded: Served, name: str, who: str | None, statuses: tuple[int, ...]
) -> None:
    """Administrators of the project enter all; to others it is not even told which workspaces there are."""
    token = None if who is None else guarded.tokens[who]
    for start, status in zip(("", "/w/churn", f"/w/{name}"), statuses, strict=True):
        assert guarded.ask("GET", f"{start}/api/v1/events", token=token)[0] == status, start
        assert guarded.ask("GET", f"{start}/api/2.0/mlflow/experiments/get?experiment_id=0", token=token)[0] == status
        assert guarded.ask("POST", f"{start}/api/v1/remote/call/spine.events/head", token=token)[0] in {status, 400}
    assert guarded.ask("GET", "/w/churn/health")[0] == 200


def test_roles_hold_in_a_workspace(guarded: Served) -> None:
    """A reader of it does not write; only administrators make workspaces and see tokens, each of their own."""
    create = "/w/churn/api/2.0/mlflow/experiments/create"
    assert guarded.ask("POST", create, {"name": "no"}, token=guarded.tokens["reader of churn"])[0] == 403
    assert guarded.ask("POST", create, {"name": "yes"}, token=guarded.tokens["writer of churn"])[0] == 200
    for who in ("writer", "reader"):
        assert guarded.ask("GET", "/api/v1/workspaces", token=guarded.tokens[who])[0] == 403
        assert guarded.ask("GET", "/w/churn/api/v1/workspaces", token=guarded.tokens[f"{who} of churn"])[0] == 403
    admin = guarded.tokens["admin"]
    assert guarded.ask("GET", "/w/churn/api/v1/workspaces", token=admin)[0] == 403
    made = json.loads(guarded.ask("GET", "/api/v1/workspaces", token=admin)[2])["items"]
    assert "churn" in {one["name"] for one in made}
    inside = json.loads(guarded.ask("GET", "/w/churn/api/v1/tokens", token=admin)[2])["items"]
    assert {one["name"] for one in inside} == {"reader", "writer"}
    # Below a workspace there is no other: else a path would be checked as one thing and answered as another.
    nested = "/w/churn/w/churn/api/v1/tokens"
    assert guarded.ask("GET", nested, token=guarded.tokens["reader of churn"])[0] == 404


def test_a_person_signs_in_to_a_workspace(guarded: Served) -> None:
    """The cookie is of its path, and stands beside that of the project."""
    led = guarded.ask("GET", "/w/churn/blocks/data?x=1", **PAGE)
    assert (led[0], led[1]["location"]) == (303, "/w/churn/login?next=%2Fw%2Fchurn%2Fblocks%2Fdata%3Fx%3D1")
    page = guarded.ask("GET", led[1]["location"], **PAGE)[2].decode()
    action = page.partition('action="')[2].partition('"')[0]
    assert action == led[1]["location"].replace("%2F", "/")

    def sign_in(text: str, where: str) -> tuple[int, Mapping[str, str], bytes]:
        return guarded.ask("POST", where, f"token={text}", **{"content-type": "application/x-www-form-urlencoded"})

    assert sign_in(guarded.tokens["reader"], action)[0] == 401
    status, headers, _ = sign_in(guarded.tokens["reader of churn"], action)
    assert (status, headers["location"]) == (303, "/w/churn/blocks/data?x=1")
    assert "Path=/w/churn;" in headers["set-cookie"]
    outside = sign_in(guarded.tokens["reader of churn"], "/w/churn/login?next=/blocks/data")
    assert outside[1]["location"] == "/w/churn/"
    own, project = (f"stackcanvas_token={guarded.tokens[who]}" for who in ("reader of churn", "reader"))
    assert guarded.ask("GET", "/w/churn/", cookie=f"{own}; {project}", **PAGE)[0] == 200
    assert guarded.ask("GET", "/", cookie=project, **PAGE)[0] == 200
    assert guarded.ask("GET", "/w/churn/", cookie=project, **PAGE)[0] == 303


def test_an_administrator_works_on_workspaces_from_afar(guarded: Served, name: str) -> None:
    """Makes one, gives a token of it, removes it; who is none is refused."""
    there = {"STACKCANVAS_URL": guarded.url, "STACKCANVAS_TOKEN": guarded.tokens["admin"]}
    assert guarded.cli("workspaces", "add", name, **there)[0] == 0
    token = guarded.cli("tokens", "add", "bob", "--workspace", name, **there)[1].strip()
    assert guarded.ask("GET", f"/w/{name}/api/v1/events", token=token)[0] == 200
    assert guarded.ask("GET", "/w/churn/api/v1/events", token=token)[0] == 401
    assert guarded.cli("workspaces", "add", name, **there)[0] == 5
    assert guarded.cli("workspaces", "rm", name, **there)[0] == 1
    assert guarded.cli("workspaces", "rm", name, "--yes", **there)[0] == 0
    assert guarded.ask("GET", f"/w/{name}/api/v1/events", token=token)[0] == 401
    refused = guarded.cli("workspaces", "ls", **{**there, "STACKCANVAS_TOKEN": guarded.tokens["writer"]})
    assert (refused[0], "needs an admin" in refused[2]) == (1, True)
    unknown = guarded.cli("--workspace", "nowhere", "data", "ls", **{**there, "STACKCANVAS_TOKEN": token})
    assert unknown[0] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/w/",
        "/w//",
        "/w/../api/v1/events",
        "/w/../../etc/api/v1/events",
        "/w/%2e%2e/api/v1/events",
        "/w/%2e%2e%2f%2e%2e/api/v1/events",
        "/w/..%2f..%2fout/api/v1/events",
        "/w/a%2fb/api/v1/events",
        "/w/%61/api/v1/events",
        "/w/a%00b/api/v1/events",
        "/w/A/api/v1/events",
        "/w/.hidden/api/v1/events",
        "/w/caf%C3%A9/api/v1/events",
        "/w/%F0%9F%92%A9/api/v1/events",
        f"/w/{'a' * 51}/api/v1/events",
        f"/w/{'a' * 5000}/api/v1/events",
        "/w/a%20b/api/v1/events",
        "/w/a%5c..%5cb/api/v1/events",
        "/w//api/v1/events",
        "//w/b/api/v1/events",
        "/w/..",
        "/w",
    ],
)
def test_names_that_are_no_names_are_refused(server: Served, path: str) -> None:
    """With a sentence, and nothing appears anywhere."""

    def listed() -> list[str]:
        folder = server.root / ".stackcanvas" / "workspaces"
        return sorted(str(one) for one in (*server.root.glob("*"), *server.root.parent.glob("*"), *folder.glob("*")))

    before = listed()
    for accept in ("*/*", "text/html"):
        status, _, body = server.ask("GET", path, accept=accept)
        assert 400 <= status < 500
        assert body
    assert listed() == before


def test_events_of_a_workspace_are_told_to_who_listens_there(
    server: Served, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And to nobody else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = urlsplit(server.url)
    with contextlib.ExitStack() as kept:
        stack = kept.enter_context(sc.open(f"{server.url}/w/{name}"))
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        kept.callback(connection.close)
        connection.request("GET", f"/w/{name}/api/v1/events/stream?after=0")
        answer = kept.enter_context(connection.getresponse())
        stack.data.commit("flights", pl.DataFrame({"delay": [1, 2]}))
        told = [answer.readline().decode() for _ in range(5)]
    assert any("data.committed" in line and "data:flights@1" in line for line in told)
    assert json.loads(server.ask("GET", f"/w/{name}-2/api/v1/events")[2])["items"] == []
