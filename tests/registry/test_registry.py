"""Registering, finding, naming and checking model versions."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import BadInput, Conflict, Corrupt, NotFound, Refused
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry import Policy, Registry, Rule, Scores

Trained = tuple[Any, pl.DataFrame]  # a fitted model and the rows that it was trained on


def register(registry: Registry, trained: Trained, name: str = "delay", **options: Any) -> Ref:
    """Register and give the ref."""
    model, sample = trained
    return registry.register(name, model, sample=sample, **options).ref


def test_a_version_carries_what_it_was_registered_with(
    registry: Registry, trained: Trained, recorded: tuple[Ref, Ref]
) -> None:
    """Signature, lineage, metrics and files are all there, and can be read again."""
    run, data = recorded

    made = registry.register(
        "delay",
        trained[0],
        sample=trained[1],
        run=run,
        training=data,
        metrics={"auc": 0.76},
        message="first try",
    )

    assert made == registry.get("delay")
    assert (made.number, made.version, made.format) == (1, "1.0.0", "onnx")
    assert (made.run, made.training, made.metrics, made.message) == (run, data, {"auc": 0.76}, "first try")
    assert [(one.name, one.dtype) for one in made.signature.inputs] == [("wind", "FP32"), ("rain", "FP32")]
    assert made.agreement is not None
    assert made.agreement.worst <= made.agreement.tolerance
    assert sorted(registry.files(made.ref)) == ["input_example.json", "model.onnx", "profile.json"]
    profile = registry.profile(made.ref)
    assert profile is not None
    assert profile.rows == trained[1].height


def test_a_loaded_version_predicts_what_the_model_predicts(registry: Registry, trained: Trained) -> None:
    """Also when the frame has more columns, in another order."""
    register(registry, trained)
    model, sample = trained
    frame = sample.select(pl.lit("JFK").alias("origin"), "rain", "wind")

    found = registry.load("delay").predict(frame)["probability"]

    assert np.allclose(found, model.predict_proba(sample)[:, 1], atol=1e-6)


def test_numbers_rise_by_one_and_versions_by_what_changed(
    registry: Registry, train: Callable[..., Trained], recorded: tuple[Ref, Ref], spine: Spine
) -> None:
    """Major for another signature, minor for another training, patch for the same training packaged again."""
    run, data = recorded
    with spine.record("experiments.run") as other:
        pass

    register(registry, train(), run=run, training=data)
    register(registry, train(strength=0.01), run=run, training=data)
    register(registry, train(), run=Ref("run", other.id), training=data)
    register(registry, train(columns=("wind", "rain", "fog")), run=Ref("run", other.id))

    assert [(one.number, one.version) for one in registry.versions("delay")] == [
        (4, "2.0.0"),
        (3, "1.1.0"),
        (2, "1.0.1"),
        (1, "1.0.0"),
    ]


def test_registering_the_same_again_makes_no_second_version(
    registry: Registry, trained: Trained, recorded: tuple[Ref, Ref], spine: Spine
) -> None:
    """A step that runs again after a crash finds its version; without a run each call is one of its own."""
    run, data = recorded

    first = register(registry, trained, run=run, training=data)
    again = register(registry, trained, run=run, training=data)

    assert first == again
    assert len(registry.versions("delay")) == 1
    assert len(spine.events.after(0, names=["model.registered"])) == 1
    assert register(registry, trained) != register(registry, trained)


def test_lineage_event_and_audit_name_the_version(
    registry: Registry, trained: Trained, recorded: tuple[Ref, Ref], spine: Spine
) -> None:
    """One walk leads from the version to its run and its data."""
    run, data = recorded

    made = register(registry, trained, run=run, training=data)

    assert {run, data} <= set(spine.lineage.upstream(made).refs)
    assert [(event.name, event.subject) for event in spine.events.after(0)] == [("model.registered", made)]
    assert [entry.action for entry in spine.audit.entries(subject=made)] == ["model.registered"]
    artifact = spine.artifacts.get(made)
    assert artifact is not None
    assert artifact.digest == registry.get(made).digest


@pytest.mark.parametrize(
    ("selector", "number"), [("", 2), ("@1", 1), ("@v1.0.0", 1), ("@v1.1.0", 2), ("@champion", 1), ("@latest", 2)]
)
def test_a_version_is_found_by_any_of_its_names(
    registry: Registry, trained: Trained, selector: str, number: int
) -> None:
    """Number, semantic version, alias, or nothing for the newest."""
    register(registry, trained)
    register(registry, trained)
    registry.alias("delay@1", "champion")

    assert registry.get(f"delay{selector}").number == number
    assert registry.get(f"model:delay{selector}").number == number


def test_an_alias_names_one_version_at_a_time(registry: Registry, trained: Trained, spine: Spine) -> None:
    """Setting it again moves it; each move is in the audit log."""
    register(registry, trained)
    register(registry, trained)

    registry.alias("delay@1", "champion")
    moved = registry.alias("delay@2", "champion")

    assert moved.aliases == ("champion",)
    assert registry.get("delay@1").aliases == ()
    assert registry.ls()[0].aliases == {"champion": 2}
    assert [str(entry.subject) for entry in spine.audit.entries() if entry.action == "model.alias"] == [
        "model:delay@2",
        "model:delay@1",
    ]

    registry.unalias("delay", "champion")

    assert registry.get("delay").aliases == ()
    with pytest.raises(NotFound, match="no alias of the model delay 'champion'"):
        registry.unalias("delay", "champion")


@pytest.mark.parametrize("alias", ["3", "v1.0.0", "", "two words", "a@b", "tab\t"])
def test_an_alias_that_reads_as_something_else_is_refused(registry: Registry, trained: Trained, alias: str) -> None:
    """It could never be found again."""
    register(registry, trained)

    with pytest.raises(BadInput, match="cannot be an alias"):
        registry.alias("delay@1", alias)
    with pytest.raises(Conflict, match="always names the newest"):
        registry.alias("delay@1", "latest")


def test_what_does_not_exist_is_named_with_what_does(registry: Registry, trained: Trained) -> None:
    """The nearest model, the aliases of the model."""
    register(registry, trained)
    registry.alias("delay", "champion")

    with pytest.raises(NotFound, match=r"no model 'dleay'.*Did you mean 'delay'"):
        registry.get("dleay")
    with pytest.raises(NotFound, match=r"no version of the model delay 'champoin'.*Did you mean 'champion'"):
        registry.get("delay@champoin")
    with pytest.raises(NotFound, match="no version of the model delay '9'"):
        registry.get("delay@9")
    with pytest.raises(NotFound, match="no model 'other'"):
        registry.versions("other")
    with pytest.raises(NotFound, match=r"no model format 'onyx'.*'onnx'"):
        register(registry, trained, format="onyx")


def test_lineage_must_exist(registry: Registry, trained: Trained) -> None:
    """A version may not point to a run or to data that nobody recorded."""
    with pytest.raises(NotFound, match="no execution 'nowhere'"):
        register(registry, trained, run=Ref("run", "nowhere"))
    with pytest.raises(NotFound, match="no data version 'rows@7'"):
        register(registry, trained, training=Ref("data", "rows", "7"))
    with pytest.raises(BadInput, match=r"given as data:rows\. Expected"):
        register(registry, trained, training=Ref("data", "rows"))
    assert registry.ls() == []


def test_the_policy_is_held_by_every_registration(
    make_registry: Callable[..., Registry], trained: Trained, recorded: tuple[Ref, Ref], spine: Spine
) -> None:
    """All reasons are said at once, the refusal is on record, and nothing is registered."""
    registry = make_registry(
        Policy(needs_run=True, needs_training=True, needs_gate=True, rules=(Rule("auc", at_least=0.7),))
    )
    run, data = recorded

    with pytest.raises(Refused) as caught:
        register(registry, trained, metrics={"auc": 0.6})

    assert caught.value.what == (
        "the model is not registered: it names no run; it names no version of its training data; "
        "it has not passed the gate; auc is 0.6, less than 0.7"
    )
    assert registry.ls() == []
    assert spine.executions.search(kind="registry.register")[0].state == "failed"

    gate = registry.gate("delay", Scores({"auc": 0.8}))
    register(registry, trained, run=run, training=data, gate=gate)

    assert registry.get("delay").gate == gate
    assert registry.get("delay").metrics == {"auc": 0.8}


def test_bounds_hold_where_nobody_asked_the_gate(make_registry: Callable[..., Registry], trained: Trained) -> None:
    """What the canvas says a version must reach cannot be gone around; rules that only tell do not stop anything."""
    registry = make_registry(
        Policy(rules=(Rule("auc", at_least=0.7, margin=0.1), Rule("brier", at_most=0.1, blocks=False)))
    )

    with pytest.raises(Refused, match="auc was not measured"):
        register(registry, trained)

    assert register(registry, trained, metrics={"auc": 0.7, "brier": 0.3}).number == 1


def test_a_failed_gate_keeps_a_model_out(registry: Registry, trained: Trained, spine: Spine) -> None:
    """The answer is in the audit log, and registering with it is refused with its reasons."""
    gate = registry.gate("delay", Scores({"auc": 0.6}), rules=[Rule("auc", at_least=0.7)])

    with pytest.raises(Refused, match=r"auc is 0\.6, less than 0\.7"):
        register(registry, trained, gate=gate)

    assert [(entry.action, entry.detail["passed"]) for entry in spine.audit.entries()] == [("model.gate", False)]


def test_verify_finds_altered_and_missing_files(registry: Registry, trained: Trained, objects: Objects) -> None:
    """Files are stored under their digest; reading checks it, too."""
    made = registry.get(register(registry, trained))
    keys = {file: f"models/{digest[:2]}/{digest}" for file, digest in made.files.items()}

    assert [one.ok for one in registry.verify()] == [True]

    objects.put(keys["model.onnx"], b"something else")
    objects.delete(keys["profile.json"])

    found = registry.verify(made.ref)[0]
    assert not found.ok
    assert [problem.split(": ")[1] for problem in found.problems] == [
        f"the file model.onnx of {made.ref} is not what was registered.",
        f"the file profile.json of {made.ref} is missing.",
    ]
    with pytest.raises(Corrupt, match="not what was registered"):
        registry.files(made.ref)


def test_altered_bytes_are_mended_when_they_are_registered_again(
    registry: Registry, trained: Trained, objects: Objects
) -> None:
    """A new version never stands on the altered bytes of an old one."""
    made = registry.get(register(registry, trained))
    digest = made.files["model.onnx"]
    objects.put(f"models/{digest[:2]}/{digest}", b"something else")

    register(registry, trained, "late")

    assert [one.ok for one in registry.verify()] == [True, True]


def test_what_people_have_at_hand_is_taken(registry: Registry, trained: Trained, recorded: tuple[Ref, Ref]) -> None:
    """Tables of pandas and Arrow, refs as text, numbers of numpy; what is none of these is named."""
    model, sample = trained
    run, data = recorded

    for table in (sample.to_pandas(), sample.to_arrow()):
        registry.register(
            "delay",
            model,
            sample=table,
            run=str(run),
            training="rows@1",
            metrics={"auc": np.float32(0.5)},  # type: ignore[dict-item]
        )
    made = registry.get("delay")

    assert (made.number, made.run, made.training, dict(made.metrics)) == (1, run, data, {"auc": 0.5})
    with pytest.raises(BadInput, match="a ndarray"):
        registry.register("delay", model, sample=sample.to_numpy())
    with pytest.raises(BadInput, match="'high'"):
        register(registry, trained, metrics={"auc": "high"})


def test_equal_files_are_stored_once(registry: Registry, trained: Trained, objects: Objects) -> None:
    """Two versions of the same model share their bytes."""
    register(registry, trained, "delay")
    register(registry, trained, "late")

    assert len(list(objects.list("models/"))) == 3


def test_writers_at_the_same_time_get_numbers_of_their_own(
    make_registry: Callable[..., Registry], trained: Trained
) -> None:
    """Eight threads register at once; no number is given twice or left out."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            registry = make_registry()
            for _ in range(3):
                register(registry, trained)
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert sorted(one.number for one in make_registry().versions("delay")) == list(range(1, 25))


def test_reading_records_loads_no_model_library() -> None:
    """Listing versions must not wait for scikit-learn or ONNX."""
    asked = "import sys, stackcanvas.registry; print(*{name.partition('.')[0] for name in sys.modules})"
    told = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout

    assert "sqlalchemy" in told.split()
    assert not set(told.split()) & {"sklearn", "skl2onnx", "onnx", "onnxruntime", "pandas"}


def test_the_place_of_the_files_is_beside_other_objects(registry: Registry, trained: Trained, tmp_path: Path) -> None:
    """Under a prefix of the block's own."""
    register(registry, trained)

    assert [path.name for path in (tmp_path / "objects").iterdir() if not path.name.startswith(".")] == ["models"]
