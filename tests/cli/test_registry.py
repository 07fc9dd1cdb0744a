"""`stackcanvas models` on a project with a registered model."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import stackcanvas as sc
from stackcanvas.cli.main import main

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two versions of a model, the first of them champion."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    sample = pl.DataFrame({"calls": rng.normal(size=50).astype(np.float32)})
    with sc.open(tmp_path) as stack:
        for strength in (1.0, 2.0):
            model = LogisticRegression(C=strength).fit(sample, sample["calls"].to_numpy() > 0)
            stack.registry.register("churn", model, sample=sample, metrics={"auc": 0.75}, message="by hand")
        stack.registry.alias("churn@1", "champion")
    return tmp_path


def asked(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints."""
    capfd.readouterr()
    assert main(["models", *words]) == code
    return capfd.readouterr().out


def test_ls_and_versions(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As tables for people and whole records for programs."""
    assert "churn" in asked(capfd, "ls")
    assert "1.1.0" in asked(capfd, "versions", "churn")

    listed = json.loads(asked(capfd, "ls", "--format", "json"))
    versions = json.loads(asked(capfd, "versions", "churn", "--format", "json"))

    assert [(one["name"], one["versions"], one["aliases"]) for one in listed] == [("churn", 2, {"champion": 1})]
    assert [one["ref"] for one in versions] == ["model:churn@2", "model:churn@1"]


def test_show(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Everything about a version, by any of its names."""
    shown = asked(capfd, "show", "churn@champion")
    assert "calls  FP32" in shown
    assert "auc 0.75" in shown

    record = json.loads(asked(capfd, "show", "churn@v1.1.0", "--format", "json"))

    assert record["ref"] == "model:churn@2"
    assert record["signature"]["inputs"] == [{"name": "calls", "dtype": "FP32", "nullable": False}]


def test_alias_and_unalias(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Moves the name; the version that had it loses it."""
    moved = json.loads(asked(capfd, "alias", "churn@2", "champion", "--format", "json"))
    assert moved["aliases"] == ["champion"]

    asked(capfd, "unalias", "churn", "champion")

    assert json.loads(asked(capfd, "show", "churn@2", "--format", "json"))["aliases"] == []
    asked(capfd, "unalias", "churn", "champion", code=4)


def test_get_writes_the_files(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Into a folder that is made."""
    asked(capfd, "get", "churn", "--to", "out/model")

    found = sorted(path.name for path in (project / "out" / "model").iterdir())
    assert found == ["input_example.json", "model.onnx", "profile.json"]


def test_verify_says_no_when_a_file_is_not_what_was_registered(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, and the file is named."""
    assert [one["ok"] for one in json.loads(asked(capfd, "verify", "--format", "json"))] == [True, True]

    with sc.open(project) as stack:
        digest = stack.registry.get("churn@1").files["model.onnx"]
        stack.objects.put(f"models/{digest[:2]}/{digest}", b"altered")

    found = json.loads(asked(capfd, "verify", "churn@1", "--format", "json", code=1))
    assert "model.onnx of model:churn@1 is not what was registered" in found[0]["problems"][0]


def test_what_is_not_there(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A sentence with the nearest name, exit code 4."""
    assert main(["models", "show", "chrun"]) == 4

    assert "There is no model 'chrun'" in capfd.readouterr().err


def test_an_empty_registry_says_how_to_fill_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr; programs get an empty list."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    monkeypatch.chdir(tmp_path)

    assert main(["models", "ls"]) == 0


def test_what_is_said_of_a_model_is_said_by_commands(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Description, tags, stage and name."""
    asked(capfd, "create", "empty", "--description", "nothing yet")
    asked(capfd, "describe", "churn@2", "second thoughts")
    asked(capfd, "tag", "churn@2", "reviewed", "yes")
    asked(capfd, "stage", "churn@2", "production", "--archive-others")
    asked(capfd, "rename", "churn", "leaving")
    asked(capfd, "untag", "leaving@2", "none", code=4)

    found = json.loads(asked(capfd, "show", "leaving@production", "--format", "json"))
    assert (found["number"], found["message"], found["tags"]) == (2, "second thoughts", {"reviewed": "yes"})
    asked(capfd, "untag", "leaving@2", "reviewed")
    assert {"empty", "leaving"} <= set(asked(capfd, "ls").split())


def test_deleting_says_what_breaks(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The champion and a model with versions go by force only; another version goes as it is asked."""
    assert asked(capfd, "rm", "churn@1", code=1) == ""
    assert asked(capfd, "rm", "churn", code=1) == ""
    asked(capfd, "rm", "churn@2")
    gone = json.loads(asked(capfd, "rm", "churn@1", "--force", "--format", "json"))

    assert gone["deleted"] == "model:churn@1"
    assert "gate" in gone["broke"][0]
    assert json.loads(asked(capfd, "versions", "churn", "--format", "json")) == []


def test_a_card_a_bill_and_a_folder_are_handed_over(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """On the screen, and as files."""
    card = asked(capfd, "card", "churn@champion")
    asked(capfd, "card", "churn@1", "--as", "html", "--to", "card.html")
    asked(capfd, "bom", "churn@1", "--to", "bom.json")
    asked(capfd, "export", "churn@1", "model")
    asked(capfd, "export", "churn@1", "plain", "--as", "files")

    assert card.startswith("# churn 1.0.0\n")
    assert "| auc | 0.75 |" in card
    assert "<h1>churn 1.0.0</h1>" in (project / "card.html").read_text()
    assert json.loads((project / "bom.json").read_text())["bomFormat"] == "CycloneDX"
    assert {"MLmodel", "model.onnx"} <= {path.name for path in (project / "model").iterdir()}
    assert not (project / "plain" / "MLmodel").exists()


def test_versions_are_signed_and_checked(
    project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key lies in a file of one's own, or in the environment; without one it is a usage error."""
    public = json.loads(asked(capfd, "key", "--to", "key.pem", "--format", "json"))["public"]
    assert (project / "key.pem").stat().st_mode & 0o077 == 0
    asked(capfd, "key", "--to", "key.pem", code=5)

    asked(capfd, "sign", "churn@1", code=2)
    asked(capfd, "sign", "churn@1", "--key", "key.pem")
    monkeypatch.setenv("STACKCANVAS_SIGNING_KEY", (project / "key.pem").read_text())
    asked(capfd, "sign", "churn@2")
    asked(capfd, "check-signature", "churn@1", "--trust", public)
    asked(capfd, "check-signature", "churn@1", "--trust", "another", code=1)


def test_nobody_consents_without_being_known(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A name that git gives is not a name that the stack made sure of."""
    assert asked(capfd, "consent", "churn@1", "deploy", code=1) == ""
