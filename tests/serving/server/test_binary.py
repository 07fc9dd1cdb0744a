"""The binary tensor extension, as an existing client speaks it, and as a hostile one does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from stackcanvas.testing.serving import PredictionProcess

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def client(delays: PredictionProcess) -> Iterator[InferenceServerClient]:
    """The client of another project, unchanged."""
    made = InferenceServerClient(f"127.0.0.1:{delays.port}")
    yield made
    made.close()


def inputs(count: int = 3, *, binary: bool = True) -> list[InferInput]:
    """The inputs of the delay model as that client makes them."""
    arrays = {
        "wind": ("FP32", np.arange(count, dtype=np.float32)),
        "month": ("INT64", np.full(count, 6)),
        "carrier": ("BYTES", np.array([f"C{at}é" for at in range(count)], dtype=object)),
        "night": ("BOOL", np.array([at % 2 == 0 for at in range(count)])),
    }
    made = []
    for name, (datatype, values) in arrays.items():
        one = InferInput(name, [count, 1], datatype)
        one.set_data_from_numpy(values.reshape(count, 1), binary_data=binary)
        made.append(one)
    return made


EXPECTED = [1 / (1 + math.exp(-(wind / 10 + 0.5))) for wind in range(3)]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_an_existing_client_works_unchanged(
    client: InferenceServerClient, compression: str | None, *, binary: bool
) -> None:
    """All data types both ways, plain and compressed, JSON and binary."""
    result = client.infer(
        "delay",
        inputs(binary=binary),
        request_id="7",
        request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )

    assert result.as_numpy("probability") == pytest.approx(EXPECTED)
    assert result.as_numpy("label").tolist() == [1, 1, 1]
    assert [one.decode() for one in result.as_numpy("who")] == ["C0é", "C1é", "C2é"]
    assert result.get_response()["id"] == "7"


def test_outputs_as_bytes_or_as_json(client: InferenceServerClient) -> None:
    """Each output goes back as it was asked for."""
    asked = [InferRequestedOutput("who", binary_data=True), InferRequestedOutput("probability", binary_data=False)]
    result = client.infer("delay", inputs(), outputs=asked)

    assert [one["name"] for one in result.get_response()["outputs"]] == ["who", "probability"]
    assert "data" in result.get_output("probability")
    assert "data" not in result.get_output("who")
    assert result.as_numpy("probability") == pytest.approx(EXPECTED)


def test_the_client_reads_everything_else(client: InferenceServerClient) -> None:
    """Health, metadata and the repository, as that client asks for them."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("delay")
    assert client.is_model_ready("delay", "1")
    assert not client.is_model_ready("nothing")
    assert client.get_server_metadata()["name"] == "stackcanvas"
    metadata = client.get_model_metadata("delay")
    assert metadata["versions"] == ["1"]
    assert metadata["inputs"][0] == {"name": "wind", "datatype": "FP32", "shape": [-1, 1]}
    index = client.get_model_repository_index()
    assert {"name": "delay", "version": "1", "state": "READY", "reason": ""} in index
    client.load_model("delay")
    with pytest.raises(InferenceServerException, match="taken out of service by its route"):
        client.unload_model("delay")
    with pytest.raises(InferenceServerException, match="There is no model 'nothing'"):
        client.infer("nothing", inputs())


def test_many_rows_of_a_matrix(client: InferenceServerClient) -> None:
    """A large matrix comes through whole."""
    values = np.random.default_rng(1).normal(size=(5000, 3)).astype(np.float32)
    one = InferInput("input", [5000, 3], "FP32")
    one.set_data_from_numpy(values)
    result = client.infer("matrix", [one])

    assert result.as_numpy("total") == pytest.approx(values.sum(axis=1), abs=1e-5)


def _matrix(shape: list[int], size: object, tail: bytes, told: str | None = None) -> tuple[bytes, dict[str, str]]:
    one = {"name": "input", "shape": shape, "datatype": "FP32", "parameters": {"binary_data_size": size}}
    text = json.dumps({"inputs": [one]}).encode()
    return text + tail, {"Inference-Header-Content-Length": str(len(text)) if told is None else told}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (_matrix([1, 3], 12, b"\0" * 11), "the binary data end within 'input'"),
        (_matrix([1, 3], 12, b"\0" * 13), "belong to none"),
        (_matrix([1, 3], 8, b"\0" * 8), "8 bytes of data do not fill the shape [1, 3]"),
        (_matrix([9, 3], 12, b"\0" * 12), "do not fill the shape"),
        (_matrix([1, 3], -1, b""), "binary_data_size of 'input' is -1"),
        (_matrix([1, 3], "12", b"\0" * 12), "binary_data_size of 'input' is '12'"),
        (_matrix([1, 3], 12, b"\0" * 12, told="99999"), "Inference-Header-Content-Length is '99999'"),
        (_matrix([1, 3], 12, b"\0" * 12, told="x"), "Inference-Header-Content-Length is 'x'"),
        (_matrix([1, 3], 12, b"\0" * 12, told="5"), "not one of the protocol"),
    ],
)
def test_truncated_binary_data_are_bad_requests(
    delays: PredictionProcess, request_: tuple[bytes, dict[str, str]], said: str
) -> None:
    """Sizes that do not add up are 400 and say which."""
    body, headers = request_
    status, _, answer = delays.ask("POST", "/v2/models/matrix/infer", body, headers)

    assert status == 400
    assert said in json.loads(answer)["error"]


@pytest.mark.parametrize("tail", [b"\x05\0\0\0AB", b"\x02\0\0\0\xff\xfe", b"\x02\0", b"\xff\xff\xff\xffAA"])
def test_broken_text_is_a_bad_request(delays: PredictionProcess, tail: bytes) -> None:
    """Text that is cut off or not UTF-8 is 400."""
    given = [
        {"name": "wind", "shape": [1, 1], "datatype": "FP32", "data": [1]},
        {"name": "month", "shape": [1, 1], "datatype": "INT64", "data": [1]},
        {"name": "night", "shape": [1, 1], "datatype": "BOOL", "data": [True]},
        {"name": "carrier", "shape": [1, 1], "datatype": "BYTES", "parameters": {"binary_data_size": len(tail)}},
    ]
    text = json.dumps({"inputs": given}).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))}
    status, _, answer = delays.ask("POST", "/v2/models/delay/infer", text + tail, headers)

    assert status == 400
    assert b"BYTES" in answer


def test_an_infinity_is_refused_and_nan_is_missing(client: InferenceServerClient) -> None:
    """NaN is how raw numbers say that they are missing; infinity says nothing that a model could use."""
    given = inputs()
    given[0].set_data_from_numpy(np.array([[np.nan], [1], [2]], dtype=np.float32))
    assert client.infer("delay", given).as_numpy("probability")[0] == pytest.approx(EXPECTED[0])

    given[0].set_data_from_numpy(np.array([[np.inf], [1], [2]], dtype=np.float32))
    with pytest.raises(InferenceServerException, match="row 0: 'wind' is not a finite number"):
        client.infer("delay", given)
