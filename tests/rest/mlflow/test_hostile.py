"""What no well-meaning client sends is answered with a code and a sentence, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from stackcanvas.stack import Stack

Ask = Callable[..., httpx.Response]
Call = Callable[..., tuple[int, Any]]
FILES = "/api/2.0/mlflow-artifacts/artifacts"
NOW = 1_780_000_000_000


@pytest.fixture
def run(call: Call) -> str:
    """The id of a run."""
    return str(call("runs/create", experiment_id="0", start_time=NOW)[1]["run"]["info"]["run_id"])


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "../up", "value": 1, "timestamp": NOW},
        {"key": "/root", "value": 1, "timestamp": NOW},
        {"key": "a\x00b", "value": 1, "timestamp": NOW},
        {"key": "x" * 251, "value": 1, "timestamp": NOW},
        {"key": "😀", "value": 1, "timestamp": NOW},
        {"key": "a", "value": "high", "timestamp": NOW},
        {"key": "a", "value": [], "timestamp": NOW},
        {"key": "a", "value": 1},
        {"key": "a", "value": 1, "timestamp": -1},
        {"key": "a", "value": 1, "timestamp": 1 << 62},
        {"key": "a", "value": 1, "timestamp": 1 << 70},
        {"key": "a", "value": 1, "timestamp": NOW, "step": 1 << 64},
        {"key": "a", "value": 1, "timestamp": NOW, "step": 1.5},
    ],
)
def test_a_strange_metric_is_refused(call: Call, run: str, fields: dict[str, Any]) -> None:
    """And the run is as it was."""
    status, said = call("runs/log-metric", run_id=run, **fields)
    assert (status, said["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), said
    assert "metrics" not in call("runs/get", run_id=run)[1]["run"]["data"]


def test_numbers_at_the_edges_are_kept(call: Call, run: str) -> None:
    """Infinity as the largest number, NaN as the word, steps of 64 bits, times long past."""
    for key, value in (("inf", "Infinity"), ("nan", "NaN"), ("small", 5e-324), ("large", 1.7976931348623157e308)):
        edges = {"timestamp": 0, "step": -(1 << 63)}
        assert call("runs/log-metric", run_id=run, key=key, value=value, **edges)[0] == 200
    told = {one["key"]: one["value"] for one in call("runs/get", run_id=run)[1]["run"]["data"]["metrics"]}
    assert told == {
        "inf": 1.7976931348623157e308,
        "nan": "NaN",
        "small": 5e-324,
        "large": 1.7976931348623157e308,
    }


def test_clocks_may_differ(call: Call, run: str) -> None:
    """The latest value is the one of the highest step, whatever its time; a run may end before it began."""
    for step, time in ((1, NOW), (2, NOW - 3_600_000)):
        call("runs/log-metric", run_id=run, key="a", value=step, timestamp=time, step=step)
    told = call("runs/get", run_id=run)[1]["run"]["data"]["metrics"]
    assert [(one["value"], one["timestamp"]) for one in told] == [(2.0, NOW - 3_600_000)]
    status, said = call("runs/update", run_id=run, status="FINISHED", end_time=NOW - 1)
    assert (status, said["run_info"]["end_time"]) == (200, NOW - 1)


def test_a_batch_that_is_too_large_is_refused(call: Call, run: str) -> None:
    """A thousand entities fit."""
    metrics = [{"key": "a", "value": at, "timestamp": NOW, "step": at} for at in range(1001)]
    assert call("runs/log-batch", run_id=run, metrics=metrics)[0] == 400
    assert call("runs/log-batch", run_id=run, metrics=metrics[:1000])[0] == 200
    pairs = [{"key": f"p{at}", "value": "x"} for at in range(101)]
    assert call("runs/log-batch", run_id=run, params=pairs)[0] == 400
    assert call("runs/log-batch", run_id=run, tags=pairs)[0] == 400
    assert call("runs/log-batch", run_id=run, params=pairs[:100])[0] == 200
    assert call("runs/log-batch", run_id=run, params=[pairs[0], pairs[0]])[0] == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"7", b"{", b"\xff\xfe", b'{"experiment_ids":' + b"[" * 50_000, b'{"filter": {"a": 1}}', b'"[1]"'],
)
def test_what_is_no_request_is_refused(ask: Ask, body: bytes) -> None:
    """Never with a traceback."""
    headers = {"content-type": "application/json"}
    said = ask("POST", "/api/2.0/mlflow/runs/log-metric", content=body, headers=headers)
    assert said.status_code == 400
    assert set(said.json()) == {"error_code", "message"}


def test_a_form_of_another_site_changes_nothing(ask: Ask) -> None:
    """A browser sends it without asking; its type tells."""
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        said = ask(
            "POST", "/api/2.0/mlflow/experiments/create", content=b'{"name": "x"}', headers={"content-type": kind}
        )
        assert said.status_code == 400


def test_deep_documents_are_text(call: Call, run: str) -> None:
    """A tag that holds JSON of any depth is just kept."""
    deep = "[" * 3000 + "]" * 3000
    assert call("runs/set-tag", run_id=run, key="deep", value=deep)[0] == 200
    tags = {one["key"]: one["value"] for one in call("runs/get", run_id=run)[1]["run"]["data"]["tags"]}
    assert tags["deep"] == deep


@pytest.mark.parametrize(
    "path",
    [
        "../canvas.yaml",
        "a/../../canvas.yaml",
        "%2e%2e/canvas.yaml",
        "%252e%252e/canvas.yaml",
        "..%2fcanvas.yaml",
        "a%5c..%5cb",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "a//b",
        "C:/x",
        "a%00b",
        ".writing/x",
    ],
)
def test_no_path_leaves_its_place(ask: Ask, stack: Stack, path: str) -> None:
    """However often it is encoded; what is beside the files of runs is not seen."""
    before = {found.key for found in stack.objects.list()}
    # The test's own client would tidy the path.
    url = httpx.URL("http://127.0.0.1").copy_with(raw_path=f"{FILES}/{path}".encode())
    for method in ("GET", "PUT", "DELETE"):
        said = ask(method, str(url), content=b"x" if method == "PUT" else None)
        # Some are tidied to paths that are fine, or to no path of these at all.
        assert said.status_code in {200, 400, 404, 405}, said.text
        assert b"stackcanvas" not in said.content
    assert {key for key in {found.key for found in stack.objects.list()} - before if ".." in key} == set()
    assert all(key.startswith("artifacts/") for key in {found.key for found in stack.objects.list()} - before)
    assert ask("GET", FILES, params={"path": path}).status_code in {200, 400}


def test_what_else_the_store_holds_cannot_be_reached(ask: Ask, stack: Stack) -> None:
    """Packs of data and files of models lie beside the files of runs."""
    stack.objects.put("data/packs/secret", b"rows")
    assert ask("GET", f"{FILES}/data/packs/secret").status_code == 404
    assert ask("PUT", f"{FILES}/data/packs/secret", content=b"other").status_code == 200
    assert ask("DELETE", f"{FILES}/data/packs/secret").status_code == 200
    assert stack.objects.get("data/packs/secret") == b"rows"


def test_a_run_elsewhere_is_not_read_here(call: Call) -> None:
    """A location that a client names is the client's to read: the server does not open addresses for others."""
    made = call("experiments/create", name="elsewhere", artifact_location="file:///etc")
    run = call("runs/create", experiment_id=made[1]["experiment_id"], start_time=NOW)[1]["run"]["info"]
    assert run["artifact_uri"] == f"file:///etc/{run['run_id']}/artifacts"
    assert call("artifacts/list", run_id=run["run_id"])[0] == 400


def test_a_large_file_is_taken_and_given_in_pieces(ask: Ask, stack: Stack) -> None:
    """Larger than any other body may be; half a file is none."""
    large = bytes(range(256)) * (1 << 17)  # 32 MB
    assert ask("PUT", f"{FILES}/large.bin", content=large).status_code == 200
    said = ask("GET", f"{FILES}/large.bin")
    assert said.content == large
    assert "attachment" in said.headers["content-disposition"]
    assert ask("GET", f"{FILES}/nothing.bin").json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert list(Path(stack.folder / "uploads").iterdir()) == []


def test_pages_are_told_apart_from_garbage(call: Call) -> None:
    """A token of somebody else is refused."""
    for token in ("garbage", "e30=", "eyJvZmZzZXQiOiAtMX0=", "9" * 5000):
        assert call("runs/search", experiment_ids=["0"], page_token=token)[0] == 400


def test_a_name_with_everything_in_it_comes_back(call: Call) -> None:
    """Quotes, percent signs, other alphabets."""
    name = 'it\'s 100% "größer" \\ 語 😀 _%'
    number = call("experiments/create", name=name, tags=[{"key": "k", "value": name}])[1]["experiment_id"]
    assert call("experiments/get-by-name", experiment_name=name)[1]["experiment"]["experiment_id"] == number
    assert call("experiments/create", name="a\x00b")[0] == 400


@pytest.mark.soak
def test_a_gigabyte_goes_through_in_constant_memory(server: str, tmp_path: Path) -> None:
    """Up and down again; the server's memory does not know how large it was."""
    piece = bytes(range(256)) * 4096
    size = 1 << 30

    def pieces() -> Iterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece

    with httpx.Client(base_url=server, timeout=600) as client:
        pid = next(int(found.pid) for found in _servers(server))
        before = _resident_bytes(pid)
        assert client.put(f"{FILES}/large.bin", content=pieces()).status_code == 200
        with client.stream("GET", f"{FILES}/large.bin") as answer:
            assert sum(map(len, answer.iter_bytes())) == size
        assert _resident_bytes(pid) - before < 100 << 20
        assert client.delete(f"{FILES}/large.bin").status_code == 200


def _servers(url: str) -> Iterator[psutil.Process]:
    port = httpx.URL(url).port
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if any(found.laddr.port == port and found.status == "LISTEN" for found in one.net_connections("tcp")):
                yield one


def _resident_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


@pytest.mark.parametrize("size_bytes", [(4 << 20) - 1, 9 << 20])
def test_no_download_is_put_together_from_two_writes(
    ask: Ask, stack: Stack, monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    """What fits into one piece is one write or the other; a larger file that changes meanwhile breaks off."""
    place = f"{FILES}/written.bin"
    assert ask("PUT", place, content=b"a" * size_bytes).status_code == 200
    get, pieces = stack.objects.get, []

    def after_a_write(key: str, *, start: int = 0, length: int | None = None) -> bytes:
        if start or size_bytes < 4 << 20:
            stack.objects.put(key, b"b" * (size_bytes + 1))
        pieces.append(get(key, start=start, length=length))
        return pieces[-1]

    monkeypatch.setattr(stack.objects, "get", after_a_write)
    if size_bytes < 4 << 20:
        said = ask("GET", place)
        assert said.content == b"b" * (size_bytes + 1)
        assert int(said.headers["content-length"]) == len(said.content)
    else:
        with pytest.raises(AssertionError):  # of the client that waits for the rest
            ask("GET", place)
    assert len(pieces) == -(-size_bytes // (4 << 20))
