"""A stack opened from afar does what one that is here does; the server believes nothing."""

from __future__ import annotations

import http.client
import random
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import polars as pl
import pytest
from blake3 import blake3
from polars.testing import assert_frame_equal
from sklearn.linear_model import LogisticRegression

from stackcanvas.data.manifest import Manifest
from stackcanvas.data.store.packs import Entry, encode_index, index_key, pack_key
from stackcanvas.errors import BadInput, Conflict, Corrupt, NotFound, Refused, StackCanvasError, Unavailable
from stackcanvas.metadata import Ref
from stackcanvas.registry import Rule, Scores
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.served.allowed import capabilities
from stackcanvas.stack.served.asked import carry_out
from stackcanvas.stack.served.changes import Change
from stackcanvas.stack.served.link import Address
from stackcanvas.stack.served.wire import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .conftest import Server

ROWS = pl.DataFrame({"distance": np.arange(200.0), "hour": np.arange(200.0)[::-1] % 24})


def ask(url: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    """A request as any program sends it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request(method, f"/api/v1/remote{path}", body=body, headers=headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    return answer.status, said


def test_a_run_from_afar_is_as_one_from_here(server: Server, served: Stack) -> None:
    """Parameters, metrics with their steps, tags, files, inputs, lineage, environment; the actor is the token's."""
    version = served.data.commit("flights", ROWS)
    with served.experiments.run(
        "first", name="try", parameters={"depth": 6, "on": True}, tags={"team": 3}, seed=7
    ) as run:
        assert served.data.read("flights").height == 200
        for step in range(20):
            run.log({"auc": step / 20, "loss": float("nan")}, step=step)
        run.log_parameters({"rate": 0.1})
        run.log_artifact("notes/plan.md", "more trees")
        run.set_tag("team", 4)

    there = server.stack.experiments.get(run.id)
    assert (there.status, there.actor, there.name, there.seed) == ("finished", "writer-1", "try", 7)
    assert there.parameters == {"depth": "6", "on": "True", "rate": "0.1"}
    assert there.tags == {"team": "4"}
    assert [one.source for one in there.inputs] == [str(version.ref)]
    assert len(server.stack.experiments.metrics(run.id, "auc")) == 20
    assert repr(served.experiments.get(run.id)) == repr(there)  # NaN differs from itself
    assert served.experiments.files.get(run.id, "notes/plan.md") == b"more trees"
    assert served.experiments.environment(there.environment or "").packages["polars"]
    origin = served.experiments.origins.get(run.id)
    assert origin is not None
    assert origin.hardware
    made = server.stack.spine.executions.get(run.id)
    assert (made.state, made.actor, made.verified, made.kind) == ("done", "writer-1", True, "experiments.run")
    assert version.ref in served.spine.lineage.upstream(run.ref).refs
    assert_frame_equal(served.experiments.frame("first"), server.stack.experiments.frame("first"))


def test_a_run_that_fails_and_one_that_goes_on(server: Server, served: Stack) -> None:
    """The error is kept; the same run can be taken up again; a parameter is written once."""
    with pytest.raises(ZeroDivisionError), served.experiments.run("first") as run:
        run.log(auc=0.5)
        _ = 1 / 0
    assert server.stack.experiments.get(run.id).status == "failed"
    assert "ZeroDivisionError" in (server.stack.spine.executions.get(run.id).error or "")

    with served.experiments.run(id=run.id) as again:
        again.log_parameters({"depth": 1})
        with pytest.raises(Conflict, match="depth"):
            again.log_parameters({"depth": 2})
    assert server.stack.experiments.get(run.id).status == "finished"
    child = served.experiments.run("first", parent=run.id)
    child.end()
    assert [one.id for one in served.experiments.children(run.id)] == [child.id]


def test_many_threads_lose_nothing(server: Server, served: Stack) -> None:
    """Sixteen log at once, to one run and to runs of their own."""
    shared = served.experiments.run("many")
    own: list[str] = []

    def work(number: int) -> None:
        with served.experiments.run("many") as run:
            own.append(run.id)
            for step in range(50):
                run.log(loss=step, step=step)
                shared.log({f"loss_{number}": step}, step=step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared.end()

    assert len(own) == 16
    assert all(len(server.stack.experiments.metrics(run_id, "loss")) == 50 for run_id in own)
    assert all(len(server.stack.experiments.metrics(shared.id, f"loss_{number}")) == 50 for number in range(16))


def test_data_from_afar_are_as_those_from_here(server: Server, served: Stack, tmp_path: Path) -> None:
    """Files, folders and rows; read, listed, compared and checked out again, byte for byte."""
    folder = tmp_path / "photos"
    folder.mkdir()
    big = np.random.default_rng(0).bytes(9_000_000)
    (folder / "big.bin").write_bytes(big)
    (folder / "small.txt").write_text("hello")
    first = served.data.commit("photos", folder, message="why", tags=["raw"])
    (folder / "big.bin").write_bytes(big[:4_000_000] + b"!" + big[4_000_000:])
    second = served.data.commit("photos", folder)

    assert (first.number, second.number, first.tags) == (1, 2, ("raw",))
    assert second.new_bytes < 1_000_000
    assert server.stack.data.verify().sound
    assert served.data.commit("photos", folder).existed
    served.data.checkout("photos@raw", tmp_path / "out")
    assert (tmp_path / "out" / "big.bin").read_bytes() == big
    server.stack.data.checkout("photos@2", tmp_path / "there")
    assert (tmp_path / "there" / "big.bin").stat().st_size == 9_000_001
    rows = served.data.commit("rows", ROWS, key=["distance"])
    assert_frame_equal(served.data.read("rows"), ROWS)
    assert_frame_equal(server.stack.data.read("rows"), ROWS)
    assert rows.profile == server.stack.data.get("rows").profile
    assert [one.ref for one in served.data.ls()] == [one.ref for one in server.stack.data.ls()]
    assert served.data.log("photos") == server.stack.data.log("photos")
    assert served.data.files("photos@1") == server.stack.data.files("photos@1")
    assert served.data.diff("photos@1", "photos@2").changed == ("big.bin",)
    assert served.data.tag("photos@1", "first").tags == ("first", "raw")
    with pytest.raises(NotFound, match="Did you mean 'photos'"):
        served.data.read("photo")


def test_reports_from_afar_are_made_there(server: Server, served: Stack) -> None:
    """They are whole where they were asked for, and kept where the data are; a reader may not make them."""
    served.data.commit("rows", ROWS)
    served.data.commit("rows", ROWS.with_columns(pl.col("hour") + 30))

    profile, compared = served.analysis.profile("rows@1"), served.analysis.compare("rows@1", "rows@2")

    assert profile.profile == server.stack.data.get("rows@1").profile
    assert profile.html == server.stack.analysis.report(str(profile.ref))
    assert compared.html == server.stack.analysis.report(str(compared.ref))
    assert compared.drift.drifted_columns == ["hour"]
    assert [one.ref for one in served.analysis.reports()] == [one.ref for one in server.stack.analysis.reports()]
    assert served.analysis.report(str(profile.ref)) == profile.html
    with pytest.raises(Refused):
        server.connect("reader").analysis.profile("rows@1")


def test_a_model_from_afar_is_as_one_from_here(server: Server, served: Stack) -> None:
    """Converted here, numbered there, loaded here again; the gate answers there."""
    model = LogisticRegression().fit(ROWS.to_numpy(), np.arange(200) > 100)
    run = served.experiments.run("first")
    run.end()
    data = served.data.commit("rows", ROWS)
    made = served.registry.register("delay", model, sample=ROWS, run=run.ref, training=data.ref, metrics={"auc": 0.9})

    assert made == server.stack.registry.get("delay@1")
    assert (made.actor, made.metrics, made.training) == ("writer-1", {"auc": 0.9}, data.ref)
    served.registry.alias("delay@1", "champion")
    served.registry.changes.tag(Ref("model", "delay"), "team", "a")
    assert served.registry.get("delay@champion").aliases == ("champion",)
    predicted = served.registry.load("delay@champion").predict(ROWS.head(3))
    assert predicted["label"].tolist() == [False, False, False]
    assert served.registry.verify("delay@1")[0].ok
    assert served.registry.file("delay@1", "model.onnx") == server.stack.registry.file("delay@1", "model.onnx")
    assert data.ref in served.spine.lineage.upstream(made.ref).refs
    again = served.registry.register("delay", model, sample=ROWS, run=run.ref, training=data.ref)
    assert again.number == 1


def test_the_gate_is_asked_at_the_server(server: Server, served: Stack) -> None:
    """What it says is in the audit log; an answer that it did not give is not believed."""
    model = LogisticRegression().fit(ROWS.to_numpy(), np.arange(200) > 100)
    scores = Scores.of(np.arange(200) > 100, model.predict_proba(ROWS.to_numpy())[:, 1], metrics=["auc"])
    asked = served.registry.gate("delay", scores, rules=[Rule("auc", at_least=0.7)])
    assert asked.passed
    refused = served.registry.gate("delay", scores, rules=[Rule("auc", at_least=1.1)])
    assert not refused.passed

    assert served.registry.register("delay", model, sample=ROWS, gate=asked).metrics["auc"] > 0.9
    with pytest.raises(Refused, match="gate has not said this"):
        served.registry.register("late", model, sample=ROWS, gate=asked)
    assert [entry.actor for entry in server.stack.spine.audit.entries(subject=Ref("model", "late"))] == []


def test_roles_hold_at_the_server(server: Server) -> None:
    """A reader reads, a writer writes, an approver agrees, an admin makes tokens."""
    reader, writer = server.connect("reader"), server.connect("writer")
    writer.data.commit("rows", ROWS)
    assert reader.data.read("rows").height == 200
    for refused in (
        lambda: reader.data.commit("rows", ROWS.head(3)),
        lambda: reader.experiments.run("x"),
        lambda: reader.data.tag("rows@1", "good"),
        lambda: reader.objects.put("models/aa", b""),
        lambda: reader.objects.put("models/aa", bytes(30_000_000)),
        writer.tokens.ls,
        lambda: writer.registry.consents.give("delay@1", "deploy"),
        writer.data.gc,
    ):
        with pytest.raises(Refused, match=r"and this needs an? (writer|admin|approver)"):
            refused()
    assert [one.name for one in server.connect("admin").tokens.ls()] == ["admin-1", "reader-1", "writer-1"]


def test_without_a_token_nothing_is_told(server: Server) -> None:
    """A sentence that names the variable; a wrong token and a revoked one are refused."""
    with pytest.raises(Refused, match="STACKCANVAS_TOKEN"):
        open_stack(server.url, environ={})
    with pytest.raises(Refused, match="unknown, expired or revoked"):
        open_stack(server.url, environ={"STACKCANVAS_TOKEN": "sc_guess"})
    with pytest.raises(BadInput, match="no token"):
        open_stack(server.url, environ={"STACKCANVAS_TOKEN": "sc_\nx: y"})


@pytest.mark.parametrize(
    "call",
    [
        ("spine", "write"),
        ("spine.audit", "add"),
        ("spine.executions", "end"),
        ("experiments", "close"),
        ("registry", "__class__"),
        ("registry._spine", "write"),
        ("data", "commit"),
        ("data", "checkout"),
        ("data.parts", "objects"),
        ("registry", "sign"),
        ("objects", "delete"),
        ("served", "__init__"),
        ("experiments.files", "delete"),
        ("..", "x"),
    ],
)
def test_only_what_is_on_the_list_can_be_called(server: Server, call: tuple[str, str]) -> None:
    """Whatever the role, whatever the words."""
    part, method = call
    token = server.token("admin")
    status, said = ask(server.url, "POST", f"/call/{part}/{method}", b"\x80", authorization=f"Bearer {token}")
    assert status in {400, 404}
    assert b"Traceback" not in said


def test_arguments_are_held_against_their_types(served: Stack) -> None:
    """Too many, unknown ones, of the wrong kind: a sentence, and nothing is done."""
    link = served.link
    given: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("delay",), {}),
        (("delay@1", "champion", "more"), {}),
        (("delay@1", 3), {}),
        (("delay@1", ["champion"]), {}),
        (("delay@1", "champion"), {"force": True}),
        ((), {"ref": {"kind": "model"}, "alias": "x"}),
    ]
    for args, named in given:
        with pytest.raises(StackCanvasError) as found:
            link.call("registry", "alias", *args, **named)
        assert found.value.exit_code != 70


def test_nobody_speaks_for_another(server: Server, served: Stack) -> None:
    """Names of actors and labellers that a client sends are not believed."""
    model = LogisticRegression().fit(ROWS.to_numpy(), np.arange(200) > 100)
    made = served.registry.register("delay", model, sample=ROWS)
    assert made.actor == "writer-1"
    approver = server.connect("approver")
    approver.registry.consents.give("delay@1", "python")
    assert [one.actor for one in server.stack.registry.consents.of("delay@1")] == ["approver-1"]
    served.data.commit("rows", ROWS)
    served.annotation.create("moods", "rows", choices=["a", "b"])
    claim = served.annotation.claim("moods", "somebody else")
    assert claim is not None
    served.annotation.label("moods", claim.item.number, "somebody else", "a")
    assert [one.labeller for one in server.stack.annotation.item("moods", claim.item.number).labels] == ["writer-1"]


def test_bytes_are_held_against_their_digest(server: Server, served: Stack) -> None:
    """Of models, manifests, packs and their indexes; other keys are not for clients."""
    objects, zero = served.objects, "0" * 64
    for key in (f"models/00/{zero}", f"data/manifests/{zero}", pack_key(bytes(32))):
        with pytest.raises(BadInput, match="digest"):
            objects.put(key, b"forged")
        assert server.stack.objects.size(key) is None
    digest = blake3(b"true").hexdigest()
    with pytest.raises(BadInput, match="folder of its digest"):
        objects.put(f"models/zz/{digest}".replace("zz", "00" if digest[:2] != "00" else "11"), b"true")
    for key in ("audit/heads/1", "data/profiles/x", f"runs/{'0' * 32}/artifacts/x", "data/condemned/x", "anything"):
        with pytest.raises((Refused, NotFound)):
            objects.put(key, b"forged")
        with pytest.raises((Refused, NotFound)):
            objects.get(key)
    with pytest.raises(Refused):
        list(objects.list(""))
    with pytest.raises(Refused, match="gc"):
        objects.delete(f"models/{digest[:2]}/{digest}")
    token = server.token("writer")
    for path in ("..%2f..%2fcanvas.yaml", "data/packs/..%2f..%2f..%2fcanvas.yaml", "%2fetc%2fpasswd", "runs/../../x"):
        for method in ("GET", "PUT"):
            status, _ = ask(server.url, method, f"/objects/{path}", b"x", authorization=f"Bearer {token}")
            assert status in {400, 403, 404}


def test_an_index_that_lies_is_refused(server: Server, served: Stack) -> None:
    """It could give other people's data another content."""
    victim = b"what the others have committed"
    payload = b"what the attacker would like them to read"
    pack = blake3(payload).digest()
    served.objects.put(pack_key(pack), payload)

    def entry(
        digest: bytes, *, offset: int = 0, size: int = len(payload), length: int = len(payload), level: int = 0
    ) -> Entry:
        return Entry(digest, offset, size, length, level, packed=False)

    true = blake3(payload).digest()
    for lie in (
        entry(blake3(victim).digest()),
        entry(blake3(victim).digest(), level=1),
        entry(true, offset=10),
        entry(true, size=10_000),
        entry(true, length=1 << 31),
        entry(true, level=9),
    ):
        with pytest.raises(BadInput, match="does not fit its pack"):
            served.objects.put(index_key(pack), encode_index([lie]))
    with pytest.raises(BadInput):
        served.objects.put(index_key(bytes(32)), encode_index([entry(true)]))
    served.objects.put(index_key(pack), encode_index([entry(true)]))
    assert server.stack.objects.size(index_key(pack))


def test_a_version_whose_contents_are_not_there_is_refused(server: Server, served: Stack) -> None:
    """Neither data nor a model begins to exist by a claim."""
    link = served.link
    version = served.data.commit("rows", ROWS)
    manifest = server.stack.data.parts.objects.get(f"data/manifests/{version.digest}")
    true = Manifest.from_bytes(manifest, where="test")
    facts: dict[str, Any] = {"profile": None, "new_bytes": 0, "message": "", "table": None, "tags": [], "source": []}
    for lie in (replace(true, listing="0" * 64), replace(true, size_bytes=1), replace(true, listing="zz")):
        with pytest.raises(StackCanvasError):
            link.call("served", "commit", "rows", lie, **facts)
    assert len(server.stack.data.log("rows")) == 1
    model = LogisticRegression().fit(ROWS.to_numpy(), np.arange(200) > 100)
    made = served.registry.register("delay", model, sample=ROWS)
    lies: dict[str, Any]
    for lies in (
        {"files": {"model.onnx": "0" * 64}},
        {"files": {"../x": "0" * 64}},
        {"files": {}},
        {"format": "pickle"},
    ):
        with pytest.raises(StackCanvasError):
            link.call("served", "register", replace(made, **lies))
    assert len(server.stack.registry.versions("delay")) == 1


def test_what_is_written_to_runs_is_all_or_nothing(server: Server, served: Stack) -> None:
    """A batch with one bad change leaves nothing; executions that are no runs cannot be ended."""
    link = served.link
    run = served.experiments.run("first")
    version = served.data.commit("rows", ROWS)
    good = Change(run.id, "tags", {"tags": {"a": "b"}})
    for bad in (
        Change(run.id, "points", {"rows": [["auc", "x", 0, 1.0]]}),
        Change(run.id, "delete"),
        Change("0" * 32, "tags", {"tags": {"a": "b"}}),
        Change(run.id, "status", {"status": "great"}),
        Change(version.execution, "end", {"state": "failed"}),
        Change(run.id, "end", {"state": "running"}),
    ):
        with pytest.raises(StackCanvasError):
            link.call("served", "write", [good, bad])
    assert server.stack.experiments.get(run.id).tags == {}
    run.end()


def test_the_id_of_other_work_is_not_taken_for_a_run(server: Server, served: Stack) -> None:
    """Nobody opens again by it what has ended."""
    version = served.data.commit("rows", ROWS)
    ids = served.spine.ids
    ids.new = lambda: version.execution  # type: ignore[method-assign]
    with pytest.raises(Conflict, match=r"other work, a data\.commit"):
        served.experiments.run("first")
    assert server.stack.spine.executions.get(version.execution).state == "done"


def test_what_makes_no_sense_from_afar_is_said(served: Stack) -> None:
    """By name, with where it can be done."""
    for refused in (
        lambda: served.worker,
        lambda: served.online,
        lambda: served.scheduler,
        lambda: served.registry.sign("delay@1", "key"),
        served.data.pull,
        lambda: served.pipelines.run("train"),
        lambda: served.deployment.tick,
        served.ticks,
    ):
        with pytest.raises(Refused, match="of another machine"):
            refused()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://stack.example.org", "https://"),
        ("https://ada:secret@stack.example.org", "STACKCANVAS_TOKEN"),
        ("https://", "no address"),
        ("https://stack.example.org:port", "no address"),
        ("https://stack.example.org?token=x", "no address"),
    ],
)
def test_addresses_that_cannot_be(url: str, said: str) -> None:
    """A token never travels where others can read it, nor stands in an address."""
    with pytest.raises(BadInput, match=said) as found:
        Address.parse(url)
    assert "secret" not in str(found.value)


def test_nobody_there() -> None:
    """One sentence that says what to do."""
    with pytest.raises(Unavailable, match=r"nothing answers there.*stackcanvas up"):
        open_stack("http://127.0.0.1:9", environ={})


def test_a_server_without_tls_that_is_asked_with_it() -> None:
    """Not a word of the library's own."""
    taken = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        one, _ = taken.accept()
        one.recv(1000)
        one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        one.close()

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(Unavailable, match="does not speak TLS"):
        open_stack(f"https://127.0.0.1:{taken.getsockname()[1]}", environ={})
    thread.join()
    taken.close()


def test_garbage_to_every_call_is_a_sentence(server: Server) -> None:
    """Whatever an administrator's client sends, the server says what is wrong with it, and goes on."""
    stack, rng = server.stack, random.Random(7)
    odd: list[Any] = [
        None,
        True,
        -1,
        1 << 62,
        0.5,
        float("nan"),
        "",
        "x",
        "a@b@c",
        "\x00",
        b"\xff",
        [],
        ["x"],
        {},
        {"x": 1},
    ]
    odd += [
        Ref("model", "x"),
        Ref("data", "x", "1"),
        (1, 2),
        ROWS.head(2),
        {1: 2},
        datetime(1, 1, 1, tzinfo=UTC),
        [[[]]],
    ]
    seen: set[str] = set()
    for name in capabilities():
        part, _, method = name.rpartition(".")
        for _ in range(12):
            count = rng.randrange(4)
            named = {} if rng.random() < 0.7 else {rng.choice(["limit", "name", "endpoint", "ref"]): rng.choice(odd)}
            body = pack({"args": [rng.choice(odd) for _ in range(count)], "named": named})
            try:
                carry_out(stack, part, method, body)
            except StackCanvasError as error:
                if error.exit_code == 70 and error.status == 500 and not isinstance(error, Corrupt):
                    seen.add(f"{name}: {error}")
            except Exception as error:  # noqa: BLE001 - what it is to find
                seen.add(f"{name}: {type(error).__name__} {error}")
    assert sorted(seen) == []
