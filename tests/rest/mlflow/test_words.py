"""Programs compare what errors say, read the names of downloads, ask for heads: in the words and forms they know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Ask = Callable[..., httpx.Response]
Call = Callable[..., tuple[int, Any]]
FILES = "/api/2.0/mlflow-artifacts/artifacts"
NOW = 1_780_000_000_000
POINT = {"key": "a", "value": 1, "timestamp": 1}
TEXT = "x" * 100_001


@pytest.fixture
def run(call: Call) -> str:
    """The id of a run that has a parameter."""
    return _run(call)


def _run(call: Call) -> str:
    made = str(call("runs/create", experiment_id="0", start_time=NOW)[1]["run"]["info"]["run_id"])
    call("runs/log-parameter", run_id=made, key="depth", value="6")
    return made


@pytest.mark.parametrize(
    ("place", "fields", "said"),
    [
        ("experiments/create", {}, "Missing value for required parameter 'name'. See the API docs"),
        ("experiments/create", {"name": 7}, "Invalid value 7 for parameter 'name' supplied"),
        ("experiments/create", {"name": "a", "artifact_location": "runs:/b"}, "cannot be a runs:/ URI. Given:"),
        ("experiments/create", {"name": "a", "artifact_location": "s3://b#c"}, "can't include fragments or params"),
        ("experiments/delete", {"experiment_id": "77"}, "No Experiment with id=77 exists"),
        ("experiments/search", {"max_results": 0}, "supplied. It must be a positive integer"),
        ("experiments/search", {"max_results": 50_001}, "supplied. It must be at most 50000"),
        ("runs/update", {"run_id": "beef", "status": "FINISHED"}, "Run with id=beef not found"),
        ("runs/log-parameter", {"key": "depth", "value": "7"}, "Changing param values is not allowed. Param with key="),
        ("runs/log-metric", {"key": "../a", "value": 1, "timestamp": 1}, "This name would resolve to '../a'"),
        ("runs/delete-tag", {"key": "none"}, "No tag with name: none in run with id "),
        ("runs/log-metric", {"key": "a" * 251, "value": 1, "timestamp": 1}, "'Metric name' exceeds the maximum length"),
        ("runs/log-metric", {"key": "a", "value": "", "timestamp": 1}, "Missing value for required parameter 'value'."),
        ("runs/log-parameter", {"key": "a" * 251, "value": "1"}, "'Param key' exceeds the maximum length of 250 char"),
        ("runs/log-batch", {"tags": {"a": 1}}, """value {"a":1} for parameter 'tags' supplied: expected `array`"""),
        ("runs/log-metric", {"key": "a", "value": 1, "timestamp": 1, "dataset_name": "b"}, "Both dataset_name and"),
        ("runs/log-batch", {"metrics": [POINT, {**POINT, "dataset_digest": "b"}]}, "Both dataset_name and dataset_dig"),
        ("runs/log-inputs", {"datasets": [{"dataset": {"name": "a" * 501}}]}, "'name' exceeds the maximum length"),
        ("runs/log-batch", {"tags": "é"}, "Hint: Value was of type 'str'. See the API docs for more information about"),
        ("experiments/update", {"experiment_id": "0", "new_name": "a" * 501}, "'name' exceeds the maximum length of"),
        ("experiments/create", {"name": "a", "artifact_location": "s3://" + TEXT}, "cannot be greater than 2048 char"),
        ("logged-models", {"experiment_id": "0", "name": "a%b"}, "Invalid model name ('a%b') provided. Model name"),
        ("runs/log-batch", {"params": [{"key": "a"}, {"key": "a"}]}, "keys have been submitted: ['a']."),
        ("runs/outputs", {}, "Missing value for required parameter 'models'."),
        ("runs/search", {"experiment_ids": ["0"], "page_token": "x"}, "Invalid page token, could not base64-decode"),
        ("runs/search", {"experiment_ids": ["x"]}, "Invalid experiment ID 'x'. Experiment ID must be a valid integer"),
        ("runs/search", {"experiment_ids": ["0"], "filter": "a.b = 'c'"}, "Invalid entity type 'a'. Valid values"),
        ("runs/search", {"experiment_ids": ["0"], "filter": "run.b = 'c'"}, "Invalid attribute key 'b' specified."),
        ("logged-models/search", {"filter": "name = 'a'"}, "Missing value for required parameter 'experiment_ids'."),
        ("experiments/search", {"max_results": 1, "filter": "attr.name = 'a'"}, "Invalid entity type 'attr'."),
        ("model-versions/search", {"method": "GET", "filter": "run.name = 'a'"}, "Invalid entity type 'run'."),
        ("runs/search", {"experiment_ids": ["0"], "filter": " "}, "Invalid clause(s) in filter string"),
        ("runs/search", {"experiment_ids": ["0"], "filter": "metrics.a > " + "1" * 5000}, "Expected numeric"),
        ("metrics/get-history-bulk", {"run_id": "beef"}, "request must specify a metric_key."),
        ("metrics/get-history-bulk-interval", {"metric_key": "a"}, "Missing value for required parameter 'run_ids'."),
        ("experiments/search-datasets", {}, "request must specify at least one experiment_id."),
        ("traces/search", {}, "This server keeps no traces"),
        ("registered-models/get", {"name": " "}, "Missing value for required parameter 'name'."),
        ("model-versions/get", {"name": " ", "version": "1"}, "Missing value for required parameter 'name'."),
        ("registered-models/search", {"method": "GET", "order_by": ["tags.a"]}, "order by key 'tags.a' specified."),
        ("model-versions/delete", {"method": "DELETE", "name": "a/b", "version": "1"}, "cannot contain '/' or ':'."),
        ("registered-models/set-tag", {"name": "a:b", "key": "c"}, "Names cannot contain '/' or ':'."),
        ("model-versions/transition-stage", {"name": "a", "version": "1", "stage": "b"}, "Model Version stage: b."),
        ("model-versions/create", {"name": "a", "source": "C:\\b"}, "To use a local path as a model version source"),
        ("registered-models/set-tag", {"name": "a", "key": "mlflow.prompt.text", "value": TEXT}, "Prompt text exceeds"),
        ("model-versions/create", {"name": "none", "source": "s3://a/b"}, "Registered Model with name=none not found"),
        ("model-versions/create", {"name": "none", "source": "s3:a/b"}, "Please provide an absolute path"),
        ("model-versions/create", {"name": "a", "source": "models://h/a/1"}, "must use the active model registry"),
        ("model-versions/search", {"method": "GET", "filter": "run_id IN (1)"}, "but got different type in list"),
        ("model-versions/search", {"method": "GET", "filter": "run_id IN ()"}, "values, but got empty list"),
        ("model-versions/search", {"method": "GET", "filter": "run_id IN ('a',,'b')"}, "but got ill-formed list"),
        ("model-versions/search", {"method": "GET", "filter": "run_id IN ("}, "Invalid clause(s) in filter string"),
        ("model-versions/search", {"method": "GET", "order_by": ["run_id"]}, "attribute key 'run_id' specified"),
        ("registered-models/search", {"method": "GET", "filter": "name != a"}, "types used for string value a."),
        ("registered-models/search", {"method": "GET", "filter": "a = true"}, "Invalid clause(s) in filter string"),
        ("registered-models/search", {"method": "GET", "order_by": ["name a b"]}, "Invalid order_by clause 'name a b'"),
        ("registered-models/search", {"method": "GET", "order_by": ["name a"]}, "ordering key in order_by clause"),
    ],
)  # fmt: skip
def test_errors_say_what_programs_look_for(call_shared: Call, place: str, fields: dict[str, Any], said: str) -> None:
    """Within the same sentence as the clients' own server."""
    run = {"run_id": _run(call_shared)} if place.startswith("runs/") else {}
    told = call_shared(place, **run | fields)[1]
    assert said in told["message"]
    assert not told["message"].endswith("exists.")


def test_keys_are_quoted_in_any_way(call: Call, run: str) -> None:
    """In back, double and single quotes; a run may begin with tags that are called anything."""
    made = call("runs/create", experiment_id="0", start_time=NOW, tags=[{"key": "a$ b", "value": "c"}])
    for quote in "`\"'":
        found = call("runs/search", experiment_ids=["0"], filter=f"tags.{quote}a$ b{quote} = 'c'")[1]
        assert [one["info"]["run_id"] for one in found["runs"]] == [made[1]["run"]["info"]["run_id"]]


def test_an_experiment_and_a_logged_model_have_every_field_that_clients_read(call: Call) -> None:
    """Those that are empty, too; a tag that a model does not have is told as such."""
    assert call("experiments/get", experiment_id="0")[1]["experiment"]["workspace"] == "default"
    model = call("logged-models", experiment_id="0", name="a")[1]["model"]["info"]
    assert model["source_run_id"] == ""
    for where in ("source_run_id = ''", "source_run_id NOT IN ('b')", "model_type != 'b'", "model_type LIKE '%'"):
        assert "models" in call("logged-models/search", experiment_ids=["0"], filter=where)[1], where
    said = call(f"logged-models/{model['model_id']}/tags/b", method="DELETE")
    assert said[0] == 404
    assert said[1]["message"] == f"No tag with key 'b' found for model with ID '{model['model_id']}'."
    assert "models" not in call("logged-models/search", experiment_ids=["0"], filter="experiment_id = 'x'")[1]


def test_traces_are_not_kept_and_none_is_found(ask: Ask) -> None:
    """In the older and in the newer search, so that a program that looks for them goes on."""
    found = [ask("GET", "/api/2.0/mlflow/traces"), ask("POST", "/api/3.0/mlflow/traces/search", json={})]
    assert [(one.status_code, one.json()) for one in found] == [(200, {})] * 2
    assert ask("POST", "/api/3.0/mlflow/traces", json={}).json()["error_code"] == "ENDPOINT_NOT_FOUND"


def test_what_data_were_read_for_is_told_once_and_in_order(call: Call) -> None:
    """As it was first said."""
    for context in ("training", "evaluation", "training"):
        made = call("runs/create", experiment_id="0", start_time=NOW)[1]["run"]["info"]["run_id"]
        data = {"name": "flights", "digest": "d", "source_type": "local", "source": "s"}
        tags = [{"key": "mlflow.data.context", "value": context}]
        call("runs/log-inputs", run_id=made, datasets=[{"tags": tags, "dataset": data}])
    found = call("experiments/search-datasets", experiment_ids=["0"])[1]["dataset_summaries"]
    assert [one["context"] for one in found] == ["training", "evaluation"]


def test_an_end_in_1970_is_no_end(call: Call, run: str) -> None:
    """As clients tell that a run goes on."""
    call("runs/update", run_id=run, end_time=5)
    assert call("runs/get", run_id=run)[1]["run"]["info"]["end_time"] == 5
    call("runs/update", run_id=run, end_time=0)
    assert "end_time" not in call("runs/get", run_id=run)[1]["run"]["info"]


def test_a_metric_of_a_model_that_is_not_here_is_kept_nowhere(call: Call, run: str) -> None:
    """Neither with the model nor with the run."""
    values = [{"key": "a", "value": 1, "timestamp": NOW}, {"key": "b", "value": 1, "timestamp": NOW, "model_id": "m-1"}]
    status, said = call("runs/log-batch", run_id=run, metrics=values)
    assert (status, said["message"]) == (404, "Logged model with ID 'm-1' not found.")
    assert "metrics" not in call("runs/get", run_id=run)[1]["run"]["data"]


def test_a_number_of_a_version_may_stand_in_quotes(call: Call) -> None:
    """Unlike those of other searches."""
    call("registered-models/create", name="delay")
    for _ in range(2):
        call("model-versions/create", name="delay", source="s3://bucket/model")

    def versions(where: str) -> object:
        found = call("model-versions/search", method="GET", filter=f"version_number {where}")
        return [one["version"] for one in found[1]["model_versions"]] if found[0] == 200 else found[0]

    assert [versions(where) for where in ("= '1'", "> 1", "= 'a'", "= '1.5'")] == [["1"], ["2"], 400, 400]


def test_the_stages_of_a_model_come_in_the_order_of_their_oldest_versions(call: Call) -> None:
    """The newest version of each; a word is no truth value in a body."""
    call("registered-models/create", name="delay")
    for number, stage in enumerate(("Archived", "Production", "None", "Archived"), 1):
        call("model-versions/create", name="delay", source="s3://bucket/model")
        call("model-versions/transition-stage", name="delay", version=str(number), stage=stage)
    found = call("registered-models/get", name="delay")[1]["registered_model"]["latest_versions"]
    assert [one["version"] for one in found] == ["4", "2", "3"]
    move = {"name": "delay", "version": "3", "stage": "Production"}
    assert call("model-versions/transition-stage", **move, archive_existing_versions="true")[0] == 400
    assert call("model-versions/transition-stage", **move, archive_existing_versions=True)[0] == 200
    assert call("model-versions/get", name="delay", version="2")[1]["model_version"]["current_stage"] == "Archived"


@pytest.mark.parametrize(("name", "version", "status"), [("a/b", "1", 400), ("a", "1", 404), ("delay", "-1", 404)])
def test_what_no_version_is_called_is_no_version(call: Call, name: str, version: str, status: int) -> None:
    """A name that clients cannot give is told as such."""
    call("registered-models/create", name="delay")
    for place in ("model-versions/get", "model-versions/transition-stage", "registered-models/alias"):
        assert call(place, name=name, version=version, stage="Staging", alias="champion")[0] == status


def test_a_name_is_of_a_model_or_of_a_prompt(call: Call) -> None:
    """Which of them has it is said to who wants it for the other."""
    prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    call("registered-models/create", name="hello", tags=prompt)
    call("registered-models/create", name="delay")
    for name, tags, taken in (("hello", [], "by a prompt"), ("delay", prompt, "by a registered model")):
        status, said = call("registered-models/create", name=name, tags=tags)
        assert (status, said["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")
        assert taken in said["message"]
    assert (
        "Prompt (name=hello) already exists"
        in call("registered-models/create", name="hello", tags=prompt)[1]["message"]
    )
    call("model-versions/create", name="hello", source="dummy-source", tags=prompt)
    status, said = call("model-versions/create", name="delay", source="models:/hello/1")
    assert (status, "Prompt versions cannot be used" in said["message"]) == (400, True)


def test_an_alias_that_a_model_does_not_have_is_no_source(call: Call) -> None:
    """As where it is asked for."""
    call("registered-models/create", name="delay")
    call("model-versions/create", name="delay", source="s3://bucket/model")
    status, said = call("model-versions/create", name="delay", source="models:/delay@champion")
    assert (status, said["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    call("registered-models/alias", name="delay", alias="champion", version="1")
    status, said = call("model-versions/create", name="delay", source="models:/delay@champion")
    assert (status, said["model_version"]["source"]) == (200, "models:/delay/1")


def test_parts_of_a_path_that_mean_nothing_are_left_out(ask: Ask, run: str) -> None:
    """Clients download `.`, and put paths together with two slashes."""
    ask("PUT", f"{FILES}/0/{run}/artifacts/plots//roc.txt", content=b"x")
    for path, told in ((".", "./plots"), ("plots", "plots/roc.txt"), ("./plots/", "./plots/roc.txt")):
        said = ask("GET", "/api/2.0/mlflow/artifacts/list", params={"run_id": run, "path": path})
        assert [one["path"] for one in said.json()["files"]] == [told]
    said = ask("GET", FILES, params={"path": f"0/{run}/artifacts/./plots/."})
    assert [one["path"] for one in said.json()["files"]] == ["roc.txt"]
    assert ask("GET", "/get-artifact", params={"run_id": run, "path": "./plots/./roc.txt"}).content == b"x"


def test_a_folder_is_no_file(ask: Ask, call: Call, run: str) -> None:
    """Neither to read nor to write, in a run or a version; where the store lies is not told."""
    ask("PUT", f"{FILES}/0/{run}/artifacts/model/sub/notes.md", content=b"")
    call("registered-models/create", name="delay")
    call("model-versions/create", name="delay", source=f"runs:/{run}/model", run_id=run)
    for said in (
        ask("GET", f"{FILES}/0/{run}/artifacts/model"),
        ask("GET", "/get-artifact", params={"run_id": run, "path": "model"}),
        ask("GET", "/get-artifact", params={"run_id": run, "path": "."}),
        ask("GET", f"{FILES}/registry/delay/1/sub"),
        ask("GET", f"{FILES}/registry/delay/1"),
    ):
        assert (said.status_code, "refers to a directory" in said.json()["message"]) == (400, True)
    for path in ("model", "model/sub/notes.md/below", "model/"):
        said = ask("PUT", f"{FILES}/0/{run}/artifacts/{path}", content=b"x")
        assert (said.status_code, "file://" in said.text) == (400, False)
    listed = call("artifacts/list", run_id=run, path="model/sub")[1]["files"]
    assert listed == [{"path": "model/sub/notes.md", "is_dir": False}]
    assert ask("GET", FILES, params={"path": "/"}).status_code == 400


def test_a_name_may_look_encoded(ask: Ask, run: str) -> None:
    """As those under which clients before the third release log images do."""
    name = "loss%step%3%timestamp%1796055878382%0a.png"
    for quoted in (name.replace("%", "%25"), "a%2520b"):
        assert ask("PUT", f"{FILES}/0/{run}/artifacts/images/{quoted}", content=b"x").status_code == 200
    said = ask("GET", "/api/2.0/mlflow/artifacts/list", params={"run_id": run, "path": "images"})
    assert [one["path"] for one in said.json()["files"]] == ["images/a%20b", f"images/{name}"]
    assert ask("GET", f"{FILES}/0/{run}/artifacts/images/{name.replace('%', '%25')}").content == b"x"


def test_a_path_that_leads_elsewhere_is_told_in_two_words(ask: Ask, run: str) -> None:
    """Nothing of where it would have led."""
    for path in ("../a", "/etc/passwd", "a/%2e%2e/%2e%2e/b"):
        for place in ("/api/2.0/mlflow/artifacts/list", "/get-artifact"):
            said = ask("GET", place, params={"run_id": run, "path": path})
            assert (said.status_code, said.json()["message"]) == (400, "Invalid path")


@pytest.mark.parametrize(
    ("name", "kind", "called"),
    [
        ("a.txt", "text/plain", "filename=a.txt"),
        ("MLmodel", "text/plain", "filename=MLmodel"),
        ("conda.yaml", "text/plain", "filename=conda.yaml"),
        ("page.html", "text/plain", "filename=page.html"),
        ("b.pkl", "application/octet-stream", "filename=b.pkl"),
        ("c.png", "image/png", "filename=c.png"),
        ("step+20.png", "image/png", "filename=step+20.png"),
        ("two words.pdf", "application/pdf", 'filename="two words.pdf"'),
        ('a"b.bin', "application/octet-stream", 'filename="a\\"b.bin"'),
        ("é.txt", "text/plain", "filename=.txt; filename*=UTF-8''%C3%A9.txt"),
    ],
)
def test_a_download_has_a_type_and_a_name(ask: Ask, run: str, name: str, kind: str, called: str) -> None:
    """The same by its path and as a file of its run; nothing that a browser would run."""
    ask("PUT", f"{FILES}/0/{run}/artifacts/{name}", content=b"x")
    for said in (
        ask("GET", f"{FILES}/0/{run}/artifacts/{name}"),
        ask("GET", "/get-artifact", params={"run_id": run, "path": name}),
    ):
        assert said.content == b"x"
        assert said.headers["content-type"] == kind
        assert said.headers["content-disposition"] == f"attachment; {called}"
        assert said.headers["x-content-type-options"] == "nosniff"


def test_a_head_has_no_body(ask: Ask, run: str) -> None:
    """Load balancers and download managers ask so."""
    ask("PUT", f"{FILES}/0/{run}/artifacts/a.txt", content=b"12345")
    said = ask("HEAD", f"{FILES}/0/{run}/artifacts/a.txt")
    assert (said.status_code, said.headers["content-length"], said.content) == (200, "5", b"")
    assert ask("HEAD", f"{FILES}/0/{run}/artifacts/b.txt").status_code == 404
    assert ask("HEAD", "/api/2.0/mlflow/runs/get", params={"run_id": run}).status_code == 200
    assert [ask("HEAD", path).status_code for path in ("/health", "/version")] == [200, 200]


@pytest.mark.parametrize("place", ["mpu/create", "mpu/complete", "mpu/abort"])
def test_a_client_hears_that_files_come_in_one_piece(ask: Ask, place: str) -> None:
    """By the words after which it sends them so."""
    said = ask("POST", f"/api/2.0/mlflow-artifacts/{place}/0/a", json={"path": "b", "num_parts": 2})
    assert (said.status_code, said.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert said.json()["message"].startswith("Multipart upload is not supported for the current artifact repository")


def test_the_file_of_a_version_is_given(ask: Ask, call: Call, run: str) -> None:
    """By the model's name and number; also where base and path were put together with two slashes."""
    ask("PUT", f"{FILES}/0/{run}/artifacts/model/notes.md", content=b"# notes")
    call("registered-models/create", name="delay")
    call("model-versions/create", name="delay", source=f"runs:/{run}/model", run_id=run)
    asked = {"name": "delay", "version": "1", "path": "notes.md"}
    for place in ("/model-versions/get-artifact", "//model-versions/get-artifact"):
        said = ask("GET", f"http://127.0.0.1{place}", params=asked)
        assert (said.status_code, said.content) == (200, b"# notes")
    for changed, status in (
        ({"path": "../x"}, 400),
        ({"path": "x"}, 404),
        ({"version": "2"}, 404),
        ({"name": ""}, 400),
    ):
        assert ask("GET", "/model-versions/get-artifact", params={**asked, **changed}).status_code == status


def test_the_file_of_a_logged_model_is_given(ask: Ask, call: Call) -> None:
    """Below the address of the model."""
    model = call("logged-models", experiment_id="0")[1]["model"]["info"]["model_id"]
    ask("PUT", f"{FILES}/0/models/{model}/artifacts/notes.md", content=b"# notes")
    place = f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files"
    said = ask("GET", place, params={"artifact_file_path": "notes.md"})
    assert (said.status_code, said.content) == (200, b"# notes")
    for path, status in (("../x", 400), ("", 400), (".", 400), ("x", 404)):
        assert ask("GET", place, params={"artifact_file_path": path}).status_code == status


def test_files_on_the_disk_of_clients_are_versions_of_their_run(call: Call) -> None:
    """Where the experiment keeps them; this server neither opens the path nor takes another for it."""
    made = call("experiments/create", name="shared", artifact_location="file:///mnt/shared")[1]["experiment_id"]
    run = call("runs/create", experiment_id=made, start_time=NOW)[1]["run"]["info"]["run_id"]
    call("registered-models/create", name="delay")
    below = f"/mnt/shared/{run}/artifacts"
    for source in (f"file://{below}", f"{below}/model", f"file://{below}/model/.."):
        status, said = call("model-versions/create", name="delay", source=source, run_id=run)
        assert (status, said["model_version"]["source"]) == (200, source)
    for source in (
        f"{below}/..",
        f"{below}2",
        f"file://{below}/%2e%2e/x",
        "model",
        f"{below}/\0",
    ):
        status, said = call("model-versions/create", name="delay", source=source, run_id=run)
        assert (status, "To use a local path as a model version source" in said["message"]) == (400, True)
    assert call("model-versions/create", name="delay", source=below)[0] == 400
    status, said = call("model-versions/create", name="delay", source=f"file://host{below}", run_id=run)
    assert (status, "is not a valid remote uri" in said["message"]) == (500, True)


def test_an_address_that_cannot_be_read_is_refused_at_once(call: Call) -> None:
    """Not when the first run begins; the same address as a version's source."""
    assert call("experiments/create", name="a", artifact_location="s3://[a/b")[0] == 400
    call("registered-models/create", name="delay")
    assert call("model-versions/create", name="delay", source="s3://[a/b")[0] == 400


def test_two_slashes_open_no_other_door(ask: Ask) -> None:
    """Only paths of this API are read so: who may do what is decided by the path as it came."""
    assert ask("GET", "http://127.0.0.1//api/v1/tokens").status_code == 404


@pytest.mark.parametrize("source", ["runs:/elsewhere/model", "s3://bucket/model"])
def test_a_version_may_come_from_a_run_of_another_server(call: Call, source: str) -> None:
    """It is kept as a pointer, with the name of the run; such a run counts as none where one must be given."""
    call("registered-models/create", name="delay")
    for run in ("elsewhere", "another"):
        status, said = call("model-versions/create", name="delay", source=source, run_id=run)
        assert status == 200, said
        assert (said["model_version"]["run_id"], said["model_version"]["source"]) == (run, source)
    found = call("model-versions/search", method="GET", filter="run_id = 'another'")[1]["model_versions"]
    assert [one["version"] for one in found] == ["2"]


def test_a_model_may_keep_its_name(call: Call) -> None:
    """Renaming it to what it is called changes nothing."""
    call("registered-models/create", name="delay")
    status, said = call("registered-models/rename", name="delay", new_name="delay")
    assert (status, said["registered_model"]["name"]) == (200, "delay")


def test_a_small_file_of_a_run_is_uploaded_by_its_page(ask: Ask, run: str) -> None:
    """In the place where clients find it; nothing without a run, a plain path and bytes."""
    place = "/ajax-api/2.0/mlflow/upload-artifact"
    assert ask("POST", place, params={"run_uuid": run, "path": "a/b.txt"}, content=b"x").status_code == 200
    assert ask("GET", "/get-artifact", params={"run_uuid": run, "path": "a/b.txt"}).content == b"x"
    for asked, content, wrong in (
        ({}, b"x", "Request must specify run_uuid."),
        ({"run_uuid": run, "path": ""}, b"x", "Request must specify path."),
        ({"run_uuid": run, "path": "../b"}, b"x", "Invalid path"),
        ({"run_uuid": run, "path": "."}, b"x", "Invalid path"),
        ({"run_uuid": run, "path": "b"}, b"", "Request must specify data."),
        ({"run_uuid": run, "path": "b"}, b"x" * (10 << 20) + b"x", "Artifact size is too large. Max size is 10MB."),
    ):  # fmt: skip
        said = ask("POST", place, params=asked, content=content)
        assert (said.status_code, said.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert wrong.startswith(said.json()["message"].rstrip("."))
    assert ask("POST", place, params={"run_uuid": "beef", "path": "b"}, content=b"x").status_code == 404


def test_a_logged_model_tells_which_versions_were_made_of_it(call: Call) -> None:
    """In a tag that pages of clients read."""
    model = call("logged-models", experiment_id="0", name="a")[1]["model"]["info"]
    call("registered-models/create", name="delay")
    for _ in range(2):
        made = call("model-versions/create", name="delay", source=model["artifact_uri"], model_id=model["model_id"])
        assert made[0] == 200, made
    found = call(f"logged-models/{model['model_id']}", method="GET")[1]["model"]["info"]
    told = '[{"name": "delay", "version": 1}, {"name": "delay", "version": 2}]'
    assert found["tags"] == [{"key": "mlflow.modelVersions", "value": told}]


def test_a_prompt_that_a_page_tries_is_a_run_with_a_table(ask: Ask, call: Call) -> None:
    """What was asked and what was answered; what lacks is told by its name, one after the other."""
    said = {"prompt_parameters": [{"key": "who", "value": 7}], "model_output_parameters": [{"key": "ms", "value": 100}]}
    asked: dict[str, Any] = {"run_name": "first", "model_output": "hi", "start_time": 456, **said}
    needed = ("experiment_id", "prompt_template", "model_route", "model_input", "mlflow_version")
    for name in needed:
        status, told = call("runs/create-promptlab-run", **asked)
        assert (status, told["message"].rstrip(".")) == (400, f"CreatePromptlabRun request must specify {name}")
        asked[name] = "0" if name == "experiment_id" else name
    asked["model_parameters"] = [{"key": "temperature", "value": 0.1}]
    run = call("runs/create-promptlab-run", **asked)[1]["run"]
    info, parameters = run["info"], {one["key"]: one["value"] for one in run["data"]["params"]}
    assert (info["status"], info["start_time"], info["user_id"]) == ("FINISHED", 456, "unknown")
    assert parameters == {"temperature": "0.1", "model_route": "model_route", "prompt_template": "prompt_template"}
    assert {"key": "mlflow.runSourceType", "value": "PROMPT_ENGINEERING"} in run["data"]["tags"]
    table = ask("GET", "/get-artifact", params={"run_id": info["run_id"], "path": "eval_results_table.json"}).json()
    assert table == {"columns": ["who", "prompt", "output", "ms"], "data": [["7", "model_input", "hi", "100"]]}
    assert call("runs/create-promptlab-run", **{**asked, "experiment_id": "77"})[0] == 404
    elsewhere = call("experiments/create", name="a", artifact_location="s3://bucket")[1]["experiment_id"]
    run = call("runs/create-promptlab-run", **{**asked, "experiment_id": elsewhere})[1]["run"]
    assert run["info"]["status"] == "FAILED"
