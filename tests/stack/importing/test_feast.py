"""What Feast defines becomes features.py that loads, and the rows of its files become versions that join."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.cli.main import main
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.importing import Imported
from stackcanvas.stack.importing.feast.messages import parse
from stackcanvas.stack.importing.feast.writing import write

from .conftest import make


def new(done: Imported) -> dict[str, int]:
    """How many came in, by kind."""
    return {one.kind: one.new for one in done.counts if one.new}


ALL = {"entity": 2, "feature view": 2, "feature service": 1, "data version": 2}


@pytest.mark.parametrize("registry", ["feature_store.yaml", "sql_store.yaml"])
def test_views_services_and_rows(any_stack: Stack, feast_repo: Path, registry: str) -> None:
    """From the registry in a file and the one in a database; a training set joins what came in."""
    done = any_stack.imports.feast(feast_repo / registry)

    assert new(done) == ALL
    assert [left.kind for left in done.left_out] == ["push source", "on-demand view"]
    stats = any_stack.features.get("driver_stats")
    assert (stats.keys, stats.ttl, stats.owner) == (("driver_id",), timedelta(days=2), "ada@example.org")
    assert stats.tags == ('odd=it\'s "quoted"', "team=rides")
    assert any_stack.features.get("bookings").keys == ("driver_id", "customer_id")
    asked = pl.DataFrame({"driver_id": [1, 2], "customer_id": [7, 9], "at": [datetime(2026, 3, 3, 13, tzinfo=UTC)] * 2})
    rows = any_stack.features.join(asked, views=["pricing"], time="at").sort("driver_id")
    assert rows["acc_rate"].to_list() == [0.75, 0.25]
    assert rows["city"].to_list() == ["Basel", None]


def test_again_and_changed(stack: Stack, feast_repo: Path) -> None:
    """A second import changes nothing; new rows make a version, and a plan writes neither."""
    planned = stack.imports.feast(feast_repo, plan=True)
    assert (planned.wrote, (stack.root / "features.py").exists(), stack.data.ls()) == ("features.py", False, [])
    done = stack.imports.feast(feast_repo)
    assert (new(planned), planned.size_bytes) == (new(done), done.size_bytes)
    text = (stack.root / "features.py").read_text()
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", stack.root / "features.py"],
        check=False,
        capture_output=True,
    )
    assert checked.returncode == 0

    again = stack.imports.feast(feast_repo)
    assert (new(again), again.wrote, again.size_bytes) == ({}, None, 0)
    trips = feast_repo / "data" / "trips.parquet"
    pl.read_parquet(trips).head(1).write_parquet(trips)
    assert new(stack.imports.feast(feast_repo)) == {"data version": 1}
    assert [one.rows for one in stack.data.log("trips")] == [1, 4]
    assert (stack.root / "features.py").read_text() == text


def test_a_file_of_ours_is_left_alone(tmp_path: Path, feast_repo: Path) -> None:
    """The definitions stand beside it, one line away; data sets of ours stay as they are too."""
    root = make(tmp_path / "ours")
    (root / "features.py").write_text("# ours\n")
    with open_stack(root) as stack:
        (root / "x.csv").write_text("a\n1\n")
        stack.data.commit("trips", root / "x.csv")

        done = stack.imports.feast(feast_repo)

        assert (done.wrote, (root / "features.py").read_text()) == ("features_feast.py", "# ours\n")
        assert {left.name for left in done.left_out} >= {"features.py", "trips"}
        (root / "features.py").write_text("from features_feast import *\n")
        assert [view.name for view in stack.features.ls()] == ["bookings", "driver_stats"]
        assert len(stack.data.log("trips")) == 1


def test_a_registry_cannot_write_code_or_read_other_files(stack: Stack, feast_repo: Path, tmp_path: Path) -> None:
    """Names and descriptions that try to leave their quotes, code that tries to leave its comment, paths that climb."""
    evil = '"""\nimport os\nos.system("touch hacked")\n"""\r\x0b\u2028\\'
    registry = parse("Registry", b"", where="x")
    entity = registry.entities.add().spec
    entity.name, entity.join_key, entity.description = evil, "id", evil
    view = registry.feature_views.add().spec
    view.name, view.owner, view.description = "good", evil, evil
    view.entities.append(evil)
    view.features.add().name = "x"
    view.batch_source.name, view.batch_source.timestamp_field = "climbing", "at"
    view.batch_source.file_options.uri = "../../secret.parquet"
    pair = view.batch_source.field_mapping.add()
    pair.key, pair.value = evil, evil
    demanded = registry.on_demand_feature_views.add().spec
    demanded.name, demanded.user_defined_function.body_text = evil, evil
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "secret.parquet")
    text = write(registry, None).text
    compiled = compile(text, "features.py", "exec")
    assert "os" not in compiled.co_names
    (feast_repo / "evil.db").write_bytes(registry.SerializeToString())

    done = stack.imports.feast(feast_repo / "evil.db")

    assert any("outside of the repository" in left.why for left in done.left_out)
    assert [entity.description for entity in stack.features.entities()] == [evil]
    assert stack.data.ls() == []
    assert not list(tmp_path.rglob("hacked"))


def test_what_is_no_registry_is_said_plainly(stack: Stack, feast_repo: Path, tmp_path: Path) -> None:
    """Garbage, half a file, another kind, nothing at all."""
    (tmp_path / "garbage.db").write_bytes(b"\xff" * 100)
    half = feast_repo / "data" / "registry.db"
    shutil.copy(half, tmp_path / "whole.db")
    half.write_bytes(half.read_bytes()[:-7])
    for given in (tmp_path / "garbage.db", feast_repo, feast_repo / "data" / "trips.parquet"):
        with pytest.raises(BadInput):
            stack.imports.feast(given)
    (feast_repo / "feature_store.yaml").write_text("project: x\nregistry: {registry_type: snowflake.registry}\n")
    with pytest.raises(BadInput, match="read by Feast only"):
        stack.imports.feast(feast_repo)
    (feast_repo / "feature_store.yaml").write_text("[half")
    with pytest.raises(BadInput):
        stack.imports.feast(feast_repo)
    with pytest.raises(NotFound):
        stack.imports.feast(tmp_path / "nothing")
    assert new(stack.imports.feast(tmp_path / "whole.db"))["feature view"] == 2


def test_the_command(project: Path, feast_repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What came in, what it wrote, and what is left to do."""
    words = ["--project", str(project), "import", "feast", str(feast_repo)]

    assert main([*words, "--plan"]) == 0
    assert "Would write features.py" in capsys.readouterr().err
    assert main(words) == 0
    said = capsys.readouterr()
    assert "feature view" in said.out
    assert "OnDemandView" in said.err
    assert main([*words, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["wrote"] is None
