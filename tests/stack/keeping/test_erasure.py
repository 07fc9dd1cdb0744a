"""One person is erased from everything that lineage leads to, and from the bytes on the disk."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sqlalchemy import update

from stackcanvas.cli.main import main
from stackcanvas.errors import Conflict
from stackcanvas.metadata.tables import execution
from stackcanvas.server.control import make_app
from stackcanvas.server.door import Door
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.fsck import fsck
from stackcanvas.statistics import Profile
from stackcanvas.testing.asgi import Answer, Client
from stackcanvas.testing.prediction_log import LogWriter
from tests.stack.keeping.conftest import START

ADA, BOB = "ada-lovelace-1815", "bob-the-other-one"
FEATURES = """\
from datetime import timedelta

from stackcanvas import FeatureView

orders = FeatureView(
    "orders_view",
    source="orders",
    entity="customer",
    event_time="at",
    features=["amount"],
    stream=True,
)
"""


def orders(number: int) -> pl.DataFrame:
    """Rows of many people, with Ada among them; no two versions alike."""
    rng = np.random.default_rng(number)
    people = [f"someone-{place:05d}" for place in range(3000)] + [ADA, BOB]
    return pl.DataFrame(
        {
            "customer": people,
            "at": [START - timedelta(days=3, minutes=number)] * len(people),
            "amount": rng.random(len(people)),
            "city": rng.choice(["Paris", "London"], len(people)),
        }
    )


def fill(stack: Stack) -> dict[str, Any]:
    """Ada in every place that can hold her."""
    root = stack.root
    (root / "features.py").write_text(FEATURES)
    for number in range(3):
        stack.data.commit("orders", orders(number), key=["customer"])
    csv = root / "raw.csv"
    csv.write_text(f'customer,note\n"{BOB}","a, b"\n{ADA},"two\nlines"\nsomeone, kept as is \n')
    stack.data.commit("raw", csv)
    csv.unlink()
    with stack.spine.record("work.join") as work:
        both = stack.data.scan("orders").join(stack.data.scan("raw"), on="customer", how="left").collect()
        joined = stack.data.commit("joined", both)
        del work
    with stack.experiments.run("look") as looked:
        read = stack.data.read("orders@1")
        looked.log_artifact("sample.csv", f"customer,n\n{ADA},1\n{BOB},2\n".encode())
        looked.log_artifact("sample.parquet", read.head(3002).tail(2))
        split = {"columns": ["n", "customer"], "data": [[1, ADA], [2, BOB]]}
        looked.log_artifact("table.json", json.dumps(split).encode())
        looked.log_artifact("records.json", [{"customer": ADA}, {"customer": BOB}])
        looked.log_artifact("plot.bin", b"\x00\xff\x00")
    run = stack.pipelines.run("count").check()
    sample = pl.DataFrame({"amount": np.linspace(0, 1, 50, dtype=np.float32)})
    model = LogisticRegression().fit(sample, sample["amount"].to_numpy() > 0.5)
    registered = stack.registry.register("churn", model, sample=sample, training=joined.ref)
    stack.deployment.deploy("churn", registered.ref)
    stack.features.materialize()
    pushed = pl.DataFrame({"customer": [ADA, BOB], "at": [START, START], "amount": [1.0, 2.0], "city": ["x", "y"]})
    stack.features.push("orders_view", pushed)
    writer = LogWriter(stack.folder / "predictions")
    ids = writer.write(
        [START, START + timedelta(hours=1)], endpoint="churn", entities=[{"customer": ADA}, {"customer": BOB}]
    )
    stack.monitoring.labels.add(
        "churn", pl.DataFrame({"customer": [ADA, BOB], "event_time": [START, START], "value": [True, False]})
    )
    stack.monitoring.labels.add("churn", pl.DataFrame({"prediction_id": ids, "value": [True, False]}))
    stack.annotation.create("people", "raw", kind="choice", choices=["good", "bad"])
    return {"looked": looked.id, "run": run.id, "model": registered.ref, "digest": stack.data.get("orders@1").digest}


def holders(stack: Stack, text: str) -> list[str]:
    """Every file and object whose bytes hold a text, and every table of the database; packs and Parquet are opened."""
    sought = text.encode()
    found = [str(path) for path in stack.folder.rglob("*") if path.is_file() and sought in path.read_bytes()]
    found += [info.key for info in stack.objects.list() if sought in stack.objects.get(info.key)]
    for version in stack.data.parts.versions.every():
        for file in stack.data.parts.listing(version):
            whole = stack.data.parts.reader.whole(bytes.fromhex(file.digest))
            if file.path.endswith(".parquet"):
                whole = pl.read_parquet(whole).write_csv().encode()
            if sought in whole:
                found.append(f"{version.ref} {file.path}")
    for path in (stack.folder / "predictions").rglob("*.parquet"):
        found += [str(path)] if sought in repr(pl.read_parquet(path).to_dicts()).encode() else []
    for key, _, value in stack.online.scan(b""):
        found += [repr(key)] if sought in key + value else []
    for table in _tables():
        with stack.spine.read() as connection:
            found += [table.name for row in connection.execute(table.select()) if text in repr(row)]
    for reachable in _chunks(stack):
        found += ["a chunk"] if sought in reachable else []
    return sorted(set(found))


def _tables() -> Any:
    from stackcanvas.stack.tables import load

    return load().sorted_tables


def _chunks(stack: Stack) -> list[bytes]:
    """Every chunk that is in a pack, needed or not."""
    index, reader = stack.data.parts.index, stack.data.parts.reader
    index.refresh()
    return [reader.whole(entry.digest) for entries in index.packs().values() for entry in entries]


def test_a_person_is_gone_from_every_place_and_every_byte(stack: Stack) -> None:
    """Told first, then done; others are there as they were, books and seals agree, and a second time is idle."""
    made = fill(stack)
    stack.experiments.files.put(made["looked"], "notes.md", f"I asked {ADA}.".encode())
    stack.experiments.tracking.log(made["looked"], tags={"about": ADA})
    assert len(holders(stack, ADA)) > 10
    told = stack.keeping.erase("orders", key="customer", values=[ADA], plan=True)
    by_place = {one.what: one.rows for one in told.touched}
    assert by_place["data:orders@1"] == by_place["data:orders@3"] == by_place["data:raw@1"] == 1
    assert by_place["data:joined@1"] == by_place["predictions of churn"] == by_place["items of annotation"] == 1
    assert by_place["labels"] == 2
    assert len([place for place, rows in by_place.items() if place.startswith("the file runs/") and rows == 1]) == 4
    assert told.models == (str(made["model"]),)
    said = "\n".join(told.unreached)
    assert f"profile and input example of {made['model']} were made from their rows among others" in said
    assert "artifacts/notes.md holds a value of theirs and is no table" in said
    assert "1 files of runs that read the data cannot be looked into, such as" in said
    assert f"the tag about of run {made['looked']} holds a value of theirs" in said
    before = holders(stack, BOB)
    stack.experiments.files.delete(made["looked"], "notes.md")  # as was said
    stack.experiments.tracking.drop_tag(made["looked"], "about")

    done = stack.keeping.erase("orders", key="customer", values=[ADA])

    assert done.waiting == ()
    assert done.results >= 2
    assert holders(stack, ADA) == []
    assert stack.experiments.files.get(made["looked"], "sample.csv") == f"customer,n\n{BOB},2\n".encode()
    assert [one for one in before if one.startswith("data:") and one not in holders(stack, BOB)] == []
    assert fsck(stack).damage == ()
    assert stack.data.read("orders@1").height == orders(0).height - 1
    assert stack.data.read("orders@1").equals(orders(0).filter(pl.col("customer") != ADA))
    version = stack.data.get("orders@1")
    assert version.digest != made["digest"]
    assert version.erased is not None
    assert "stackcanvas.erased" in stack.registry.get(made["model"]).tags
    again = stack.keeping.erase("orders", key="customer", values=[ADA])
    assert (again.touched, again.results) == ((), 0)
    assert ADA not in repr(stack.spine.audit.entries(limit=1000))
    assert stack.spine.audit.verify() == []
    run = stack.pipelines.run("count").check()
    assert stack.pipelines.result(run.id) is not None
    (raw,) = stack.data.files("raw")
    left = stack.data.parts.reader.whole(bytes.fromhex(raw.digest)).decode()
    assert left == f'customer,note\n"{BOB}","a, b"\nsomeone, kept as is \n'


@pytest.mark.parametrize("root", ["files"], indirect=True)
def test_models_and_copies_that_show_the_person_are_named(stack: Stack) -> None:
    """They are not changed: what to do is said, and what is left of a move is not forgotten."""
    rows = orders(1).with_columns(customer=pl.lit(ADA))
    data = stack.data.commit("orders", rows)
    sample = pl.DataFrame({"amount": np.linspace(0, 1, 50, dtype=np.float32)})
    model = LogisticRegression().fit(sample, sample["amount"].to_numpy() > 0.5)
    profile = Profile.of_arrow(rows.to_arrow())
    stack.registry.register("churn", model, sample=sample, training=data.ref, profile=profile)
    (stack.folder / "metadata.db.moved").write_bytes(b"as it was")
    stack.workspaces.add("trial")

    said = stack.keeping.erase("orders", key="customer", values=[ADA]).unreached

    assert (
        "profile.json of model:churn@1 hold a value of theirs: register another, then: stackcanvas models rm churn@1"
        in said
    )
    assert any("the workspaces trial: run it in each" in one for one in said)
    assert any("metadata.db.moved is a copy of the records from before" in one for one in said)
    assert stack.keeping.erase("orders", key="customer", values=[ADA], plan=True).unreached[: len(said)] == said


def test_columns_are_emptied_where_that_is_asked(stack: Stack) -> None:
    """The rows stay, with their keys; a second time finds nothing to do."""
    fill(stack)
    done = stack.keeping.erase("orders", key="customer", values=[ADA], blank=["city", "note"])

    assert done.waiting == ()
    mine = stack.data.read("joined").filter(pl.col("customer") == ADA)
    assert mine.height >= 1
    assert mine["city"].null_count() == mine["note"].null_count() == mine.height
    assert stack.data.read("raw").filter(pl.col("customer") == ADA)["note"].to_list() == [None]
    assert "two\nlines" not in stack.data.read("raw")["note"].to_list()
    assert stack.data.read("raw").filter(pl.col("customer") == BOB)["note"].to_list() == ["a, b"]
    again = stack.keeping.erase("orders", key="customer", values=[ADA], blank=["city", "note"], plan=True)
    assert [one for one in again.touched if one.what.startswith("data:")] == []
    assert fsck(stack).damage == ()


_ERASE = """
import sys
from stackcanvas.cli.main import main
sys.stdout.write("ready\\n")
sys.stdout.flush()
main(["--project", sys.argv[1], "metadata", "erase", "orders", "--key", "customer", "--value", sys.argv[2]])
"""


@pytest.mark.parametrize("root", ["files"], indirect=True)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak), pytest.param(3, marks=pytest.mark.soak)])
def test_kill_9_in_the_middle_is_gone_on_from(root: Path, seed: int) -> None:
    """Whatever a killed process had done, the same command comes to its end, and the audit log is whole."""
    with open_stack(root) as stack:
        fill(stack)
    chance = random.Random(seed)
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", _ERASE, str(root), ADA], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        timer = threading.Timer(chance.uniform(0.5, 2.5), child.send_signal, [signal.SIGKILL])
        timer.start()
        child.communicate()
        timer.cancel()

    assert main(["--project", str(root), "metadata", "erase", "orders", "--key", "customer", "--value", ADA]) == 0

    with open_stack(root) as stack:
        assert holders(stack, ADA) == []
        assert fsck(stack).damage == ()
        assert [one for one in stack.spine.audit.entries(limit=1000) if one.action == "metadata.erase"]
        assert stack.spine.audit.verify() == []


class KilledError(BaseException):
    """The process ends here."""


def test_killed_again_and_again_the_same_command_goes_on(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person is left, and the models are told, however often it was begun."""
    made = fill(stack)
    real = stack.spine.database.write
    kills = 0
    for step in (1, 3, 5, 7, 9, 11, 14, 18):
        writes = 0

        def counted(last: int = step, **options: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes > last:
                raise KilledError
            return real(**options)

        with monkeypatch.context() as patched:
            patched.setattr(stack.spine.database, "write", counted)
            with suppress(KilledError):
                stack.keeping.erase("orders", key="customer", values=[ADA])
                break
        kills += 1
        with stack.spine.write() as tx:  # what the end of its process would lead to
            tx.execute(update(execution).where(execution.c.state == "running").values(state="lost"))
    stack.keeping.erase("orders", key="customer", values=[ADA])

    assert kills >= 3
    assert holders(stack, ADA) == []
    assert "stackcanvas.erased" in stack.registry.get(made["model"]).tags
    assert fsck(stack).damage == ()


def test_a_lock_file_and_a_reproduction_are_led_to_what_is_left(stack: Stack) -> None:
    """Who knows the version by its old digest finds it, and is told."""
    csv = stack.root / "raw.csv"
    csv.write_text(f"customer,note\n{ADA},x\n{BOB},y\n")
    stack.data.commit("raw", csv)
    lock = (stack.root / "data.lock").read_text()
    stack.keeping.erase("raw", key="customer", values=[ADA])
    digest = stack.data.get("raw").digest
    assert digest in (stack.root / "data.lock").read_text()

    (stack.root / "data.lock").write_text(lock)  # another's working tree
    csv.unlink()
    (restored,) = stack.data.restore()

    assert csv.read_text() == f"customer,note\n{BOB},y\n"
    assert "erased" in restored.said
    assert any(
        "data.csv" in said or "raw.csv" in said
        for said in stack.keeping.erase("raw", key="customer", values=[ADA], plan=True).unreached
    )


def test_over_rest_and_on_its_page(stack: Stack) -> None:
    """Only told unless the plan is left; for administrators alone; what cannot be is said; the page has counts."""
    stack.data.commit("orders", orders(1))
    tokens = {role: stack.tokens.add(role, role=role) for role in ("approver", "admin")}
    client = Client(make_app(stack, door=Door(tokens=True)), host="stack.example.org")

    def ask(who: str, **more: Any) -> Answer:
        asked = {"data": ["orders"], "key": "customer", "values": [ADA], **more}
        headers = {"authorization": f"Bearer {tokens[who]}", "content-type": "application/json"}
        return client.post("/api/v1/metadata/erasure", body=json.dumps(asked).encode(), headers=headers)

    assert ask("approver").status == 403
    told = ask("admin").json()
    assert (told["plan"], [one["what"] for one in told["touched"]]) == (True, ["data:orders@1"])
    assert stack.data.get("orders").erased is None
    assert ask("admin", data=["nothing"], plan=False).status == 404
    assert ask("admin", values=[]).status == 422
    assert ask("admin", mask=["no_such"], plan=False).json()["touched"] == []

    done = ask("admin", plan=False)

    assert (done.status, done.json()["touched"][0]["rows"]) == (200, 1)
    assert ADA not in done.text
    assert holders(stack, ADA) == []
    page = client.get("/blocks/metadata", headers={"authorization": f"Bearer {tokens['approver']}"})
    assert "Rows of persons that were erased" in page.text
    assert ADA not in page.text
    assert "erased in part" in client.get("/blocks/data", headers={"authorization": f"Bearer {tokens['admin']}"}).text


def test_a_running_pipeline_is_not_erased_under(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """It might keep what it has read."""
    stack.data.commit("orders", orders(1))
    monkeypatch.setattr(stack.pipelines.records, "at_work", lambda: {"a run"})
    with pytest.raises(Conflict, match="pipeline is running"):
        stack.keeping.erase("orders", key="customer", values=[ADA])
    assert stack.data.get("orders").erased is None


def test_the_command_tells_what_it_would_do_and_does_it(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """With what it cannot reach; no value is asked for, none is told."""
    stack.data.commit("orders", orders(1))
    project = ["--project", str(stack.root), "metadata", "erase", "orders", "--key", "customer"]

    assert main([*project, "--value", ADA, "--plan"]) == 0
    said = capsys.readouterr()
    assert "data:orders@1" in said.out
    assert "Not reached: backups" in said.err
    assert main(project) == 2
    assert main([*project[:4], "nothing", "--key", "customer", "--value", ADA]) == 4
    capsys.readouterr()
    assert main([*project, "--value", ADA, "--format", "json"]) == 0
    said = capsys.readouterr()
    assert ADA not in said.out
    assert '"rows": 1' in said.out
    assert stack.data.read("orders").height == orders(1).height - 1


@pytest.mark.parametrize(
    ("column", "value"), [("whole", "7"), ("part", "7"), ("text", "007"), ("day", "2026-01-10"), ("flag", "true")]
)
def test_values_are_told_as_they_are_written(stack: Stack, column: str, value: str) -> None:
    """Numbers without a needless fraction, text to the letter."""
    rows = pl.DataFrame(
        {
            "whole": [7, 70, None],
            "part": [7.0, 7.5, None],
            "text": ["007", "7", None],
            "day": [START.date(), (START + timedelta(days=1)).date(), None],
            "flag": [True, False, None],
        }
    )
    stack.data.commit("rows", rows)
    stack.keeping.erase("rows", key=column, values=[value])
    assert stack.data.read("rows").equals(rows.tail(2))
