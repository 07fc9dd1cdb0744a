"""Models kept as they are: trees by their own files, estimators and functions in processes of their own."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import polars as pl
import pytest
import xgboost
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from stackcanvas.backends.objects import Objects
from stackcanvas.backends.runtimes.isolated import IsolatedModel, ModelBroke
from stackcanvas.errors import BadInput, Refused
from stackcanvas.metadata import Spine
from stackcanvas.registry import Policy, Registry

_RNG = np.random.default_rng(3)
SAMPLE = pl.DataFrame(
    {
        "wind": _RNG.normal(size=300).astype(np.float32),
        "rain": _RNG.normal(size=300),
        "month": _RNG.integers(1, 13, 300),
    }
)
ROWS = SAMPLE.to_numpy()
LATE = (ROWS[:, 0] + ROWS[:, 1] > 0).astype(int)
KIND = np.digitize(ROWS[:, 1], [-0.5, 0.5])
Models = Callable[[], Any]


@pytest.fixture
def open_registry(make_registry: Callable[..., Registry]) -> Registry:
    """A registry that lets all Python run."""
    return make_registry(Policy(allows_python=True))


@pytest.mark.parametrize(
    ("format", "make", "output"),
    [
        ("lightgbm", lambda: lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(ROWS, LATE), "probability"),
        ("lightgbm", lambda: lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(ROWS, KIND), "probabilities"),
        ("lightgbm", lambda: lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit(ROWS, ROWS[:, 1]), "prediction"),
        ("xgboost", lambda: xgboost.XGBClassifier(n_estimators=5).fit(ROWS, LATE), "probability"),
        ("xgboost", lambda: xgboost.XGBClassifier(n_estimators=5).fit(ROWS, KIND), "probabilities"),
        ("xgboost", lambda: xgboost.XGBRegressor(n_estimators=5).fit(ROWS, ROWS[:, 1]), "prediction"),
        ("skops", lambda: LogisticRegression().fit(SAMPLE, LATE), "probability"),
        ("sklearn", lambda: HistGradientBoostingClassifier(max_iter=3).fit(ROWS, KIND), "probabilities"),
    ],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_a_model_answers_as_before(open_registry: Registry, format: str, make: Models, output: str) -> None:  # noqa: A002
    """Classes, probabilities and numbers, from the files that are kept."""
    model = make()

    made = open_registry.register("delay", model, sample=SAMPLE, format=format)
    found = open_registry.load(made.ref).predict(SAMPLE)

    rows = SAMPLE if format == "skops" else ROWS
    expected = model.predict(rows) if output == "prediction" else model.predict_proba(rows)
    wanted = expected[:, 1] if output == "probability" else expected
    assert np.allclose(found[output], wanted, atol=1e-5)
    if output != "prediction":
        assert (found["label"] == model.predict(rows)).all()
    assert made.agreement is not None
    assert made.size_bytes > 0
    assert made.environment["requirements"]


def test_a_model_of_another_library_is_refused(registry: Registry) -> None:
    """With its name, and without a traceback."""
    for format_ in ("lightgbm", "xgboost", "python", "skops"):
        with pytest.raises(BadInput, match=r"object|int"):
            registry.register("delay", 7, sample=SAMPLE, format=format_)


def test_python_runs_only_when_somebody_agreed(
    make_spine: Callable[..., Spine], objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function of a module, in a process that prints, and that sees nothing of this one's environment."""
    source = (
        "import os\n"
        "def double(frame):\n    print('noise')\n    return frame['wind'].to_numpy() * 2\n"
        "def secret(frame):\n    return [float('SECRET_TOKEN' in os.environ)] * frame.height\n"
    )
    (tmp_path / "own_functions.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    functions = importlib.import_module("own_functions")
    registry = Registry(make_spine("ada"), objects, lambda _: Policy())

    made = registry.register("delay", functions.double, sample=SAMPLE, format="python")
    with pytest.raises(Refused, match="Python code of model:delay@1"):
        registry.load(made.ref)
    Registry(make_spine("bob"), objects, lambda _: Policy()).consents.give(made.ref, "python")
    assert np.allclose(registry.load(made.ref).predict(SAMPLE)["prediction"], SAMPLE["wind"].to_numpy() * 2)
    with pytest.raises(Refused, match="differ"):  # here it is set, there it is not
        registry.register("leak", functions.secret, sample=SAMPLE, format="python")
    sys.modules.pop("own_functions")


def broken(tmp_path: Path, body: str, **limits: float) -> IsolatedModel:
    """A model whose function does what it should not."""
    source = f"import os, signal, sys, time\ndef predict(frame):\n    {body}\n"
    facts = {
        "format": "python",
        "runtime": {"module": "wild", "function": "predict"},
        "inputs": ["wind"],
        "outputs": [{"name": "prediction"}],
    }
    return IsolatedModel({"code/wild.py": source.encode()}, facts, where="the test's model", **limits)


@pytest.mark.parametrize(
    ("body", "error", "why"),
    [
        ("raise ValueError('too wet')", BadInput, "ValueError: too wet"),
        ("os._exit(3)", ModelBroke, "ended with code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", ModelBroke, "SIGSEGV"),
        ("time.sleep(60)", ModelBroke, "did not answer in 1 s"),
        ("os.write(1, b'x' * 100); return [1.0, 2.0]", None, ""),
        ("return object()", None, ""),
    ],
)
def test_what_breaks_in_a_model_stays_there(tmp_path: Path, body: str, error: type[Exception] | None, why: str) -> None:
    """The error is told, and the next rows are answered by a process that runs."""
    model = broken(tmp_path, f"if frame['wind'][0] < 0: {body}\n    return frame['wind'].to_numpy()", call_s=1.0)
    bad, good = np.array([-1.0, 2.0]), np.array([1.0, 2.0])
    try:
        if error is not None:
            with pytest.raises(error, match=why):
                model.predict([("wind", bad)])
        else:
            model.predict([("wind", bad)])
        model._call_s = 60.0
        assert model.predict([("wind", good)])["prediction"].tolist() == [1.0, 2.0]
    finally:
        model.close()


def test_a_process_ends_with_its_model(tmp_path: Path) -> None:
    """Nothing is left behind: no process, no folder."""
    model = broken(tmp_path, "return frame['wind'].to_numpy()")
    pid, folder = model.pid, model._folder
    assert pid is not None
    del model

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not folder.exists()
