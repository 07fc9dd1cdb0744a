"""Routes and errors: whatever comes in, the answer is JSON with a reason, and never the server's fault."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.testing.serving import PredictionProcess

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from(["wind", "month", "carrier", "night", "input", "x", "", "é"])
TENSORS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "shape": st.lists(st.integers(-1, 4) | st.sampled_from([2**31, 2**63, 10**30]), max_size=3),
        "datatype": st.sampled_from(["FP32", "FP64", "INT64", "BYTES", "BOOL", "FP16", "X", ""]),
    },
    optional={
        "data": VALUES | st.lists(st.integers(0, 5) | st.floats() | st.booleans() | st.text(max_size=3), max_size=6),
        "parameters": st.dictionaries(
            st.sampled_from(["binary_data_size", "shared_memory_region"]), VALUES, max_size=2
        ),
    },
)
INFERS = st.fixed_dictionaries(
    {"inputs": st.lists(TENSORS, max_size=5)},
    optional={
        "id": st.text(max_size=5),
        "parameters": st.dictionaries(
            st.sampled_from(["binary_data_output", "event_time", "wind"]), VALUES, max_size=2
        ),
        "outputs": st.lists(st.fixed_dictionaries({"name": NAMES}), max_size=2),
    },
)
RECORDS = st.fixed_dictionaries(
    {"records": st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=3)},
    optional={"id": VALUES, "event_time": VALUES},
)
GOOD_RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "wind": st.none() | st.floats(-1e6, 1e6, width=32),
            "month": st.integers(0, 11),
            "carrier": st.text(max_size=6),
            "night": st.booleans(),
        }
    ),
    max_size=5,
)
BODIES = (
    st.binary(max_size=60)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | INFERS.map(lambda value: json.dumps(value).encode())
    | RECORDS.map(lambda value: json.dumps(value).encode())
)
LOTS = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _is_an_answer(status: int, headers: dict[str, str], body: bytes) -> None:
    # A month beyond the model's table makes the model raise: the one failure that is not the request's shape.
    if status == 500:
        assert json.loads(body)["error"].startswith("the model raised")
        return
    assert 200 <= status < 500
    if status != 200:
        assert headers["content-type"] == "application/json"
        assert set(json.loads(body)) == {"error"}


@LOTS
@given(
    body=BODIES,
    path=st.sampled_from(["/v2/models/delay/infer", "/v1/predict/delay", "/v2/models/matrix/infer", "/v1/predict/log"]),
    headers=st.dictionaries(
        st.sampled_from(["Inference-Header-Content-Length", "Content-Encoding", "event_time"]),
        st.sampled_from(["", "0", "5", "60", "99999999999999999999", "-1", "gzip", "deflate", "br", "now"]),
        max_size=2,
    ),
)
def test_no_body_is_the_servers_fault(
    delays: PredictionProcess, body: bytes, path: str, headers: dict[str, str]
) -> None:
    """Whatever the bytes and the headers, the answer is 2xx or 4xx."""
    _is_an_answer(*delays.ask("POST", path, body, headers))


@pytest.mark.parametrize(
    "body",
    [
        rb'{"records": [{"wind": 1, "month": 1, "night": true, "carrier": "\ud800"}]}',
        b'{"records": [{"wind": 1, "month": 1, "night": true, "carrier": "\xed\xa0\x80"}]}',
        b'{"records": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"records": [{"wind": ' + b"[" * 50_000 + b"]" * 50_000 + b"}]}",
        b'{"records": [{"wind": 1' + b"0" * 5000 + b', "month": 1, "night": true, "carrier": ""}]}',
        b'{"records": [{"wind": 1, "month": 1' + b"0" * 5000 + b', "night": true, "carrier": ""}]}',
    ],
)
def test_bodies_that_break_parsers_are_bad_requests(delays: PredictionProcess, body: bytes) -> None:
    """Half characters, endless nesting and numbers of thousands of digits."""
    status, _, answer = delays.ask("POST", "/v1/predict/delay", body)

    assert (status, list(json.loads(answer))) == (400, ["error"])


@LOTS
@given(records=GOOD_RECORDS)
def test_good_records_are_always_answered(delays: PredictionProcess, records: list[dict[str, Any]]) -> None:
    """Any rows that fit the signature get one answer each, with their own text in it."""
    status, answer = delays.post("/v1/predict/delay", {"records": records})

    assert status == 200
    assert [one["output"]["who"] for one in answer["predictions"]] == [one["carrier"] for one in records]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("OPTIONS", "*", 404),
        ("GET", "/nothing", 404),
        ("GET", "/v2/models", 404),
        ("GET", "/v2/models/nothing", 404),
        ("GET", "/v2/models/delay/versions/9", 404),
        ("POST", "/v2/models/nothing/infer", 404),
        ("POST", "/v1/predict/nothing", 404),
        ("POST", "/v2/repository/nothing", 404),
        ("GET", "/v2/models/delay/config", 404),
        ("GET", "/v2/models/%ff", 400),
        ("GET", "/v2/models/delay/infer", 405),
        ("POST", "/v2/models/delay", 405),
        ("DELETE", "/v2", 405),
        ("GET", "/v1/predict/delay", 405),
        ("POST", "/metrics", 405),
    ],
)
def test_every_error_has_one_shape(delays: PredictionProcess, method: str, path: str, status: int) -> None:
    """Unknown paths, models, versions and methods answer with `{"error": ...}`."""
    found, headers, body = delays.ask(method, path, b"{}" if method == "POST" else None)

    assert found == status
    assert headers["content-type"] == "application/json"
    assert list(json.loads(body)) == ["error"]


@pytest.mark.parametrize(
    "path", ["/v2", "/v2/", "/v2/health/live", "/v2/health/ready/", "/health", "/health/ready", "/metrics"]
)
def test_paths_with_and_without_a_slash(delays: PredictionProcess, path: str) -> None:
    """Clients ask for both."""
    assert delays.ask("GET", path)[0] == 200


def test_a_body_may_be_compressed(delays: PredictionProcess) -> None:
    """gzip, deflate with and without its header, and nothing that only says so."""
    body = b'{"records": []}'
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = {
        "gzip": [gzip.compress(body)],
        "deflate": [zlib.compress(body), raw.compress(body) + raw.flush()],
        "identity": [body],
    }
    for encoding, bodies in packed.items():
        for one in bodies:
            assert delays.ask("POST", "/v1/predict/delay", one, {"Content-Encoding": encoding})[0] == 200
    for encoding, wrong in {"gzip": body, "deflate": b"\xff\xff", "br": body}.items():
        assert delays.ask("POST", "/v1/predict/delay", wrong, {"Content-Encoding": encoding})[0] == 400
    assert delays.ask("POST", "/v1/predict/delay", gzip.compress(body)[:-9], {"Content-Encoding": "gzip"})[0] == 400


def test_huge_bodies_are_refused(delays: PredictionProcess) -> None:
    """Told too large, sent too large or unpacking to too much: 413, and the server goes on."""
    with socket.create_connection(("127.0.0.1", delays.port), timeout=10) as told:
        told.sendall(b"POST /v1/predict/delay HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert told.recv(100).startswith(b"HTTP/1.1 413")
    bomb = gzip.compress(b"0" * (70 << 20))
    assert delays.ask("POST", "/v1/predict/delay", bomb, {"Content-Encoding": "gzip"})[0] == 413
    assert delays.get("/v2/health/live") == (200, {"live": True})


def test_what_is_not_http_is_answered_in_the_same_shape(delays: PredictionProcess) -> None:
    """Even a broken request line gets JSON."""
    with socket.create_connection(("127.0.0.1", delays.port), timeout=10) as broken:
        broken.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        answer = broken.recv(1000)
    assert answer.startswith(b"HTTP/1.1 400")
    assert json.loads(answer.split(b"\r\n\r\n")[1]) == {"error": "Invalid HTTP request received."}


def test_metrics_read_as_prometheus_text(delays: PredictionProcess) -> None:
    """Each family has help and type, counters end in _total, names made up by clients are no labels."""
    delays.post("/v1/predict/delay", {"records": []})
    delays.post("/v1/predict/made-up", {"records": []})
    text = delays.ask("GET", "/metrics")[2].decode()

    families = [line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE")]
    helped = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")]
    assert [name for name, _ in families] == helped
    assert all(name.endswith("_total") for name, kind in families if kind == "counter")
    assert 'requests_total{endpoint="delay",protocol="v1",code="200"}' in text
    assert "made-up" not in text
