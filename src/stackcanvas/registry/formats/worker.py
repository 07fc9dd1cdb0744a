"""The process in which Python models and pickles run: rows come through one pipe, answers go back through another.

Started by `backends/runtimes/isolated.py`. What the model's code prints goes to standard error.
"""

from __future__ import annotations

import importlib
import os
import pickle
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import yaml

from stackcanvas.backends.runtimes.frames import pack, unpack

Array = npt.NDArray[Any]
Predict = Callable[[pl.DataFrame], Any]

_SAFE = ("sklearn.", "numpy.", "scipy.", "lightgbm.", "xgboost.", "collections.", "skops.")


def main() -> int:
    """Answer until the other side is gone."""
    source, target = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # whatever prints must not get between the answers
    threading.Thread(target=_leave_with, args=(os.getppid(), Path.cwd()), daemon=True).start()

    def read(count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            part = os.read(source, min(1 << 20, count - len(found)))
            if not part:
                raise EOFError
            found += part
        return bytes(found)

    predict: Callable[[Mapping[str, Array]], list[tuple[str, Array]]] | None = None
    while True:
        try:
            facts, arrays = unpack(read)
        except EOFError:
            threading.Event().wait()  # until the thread that watches has cleared up
        try:
            if facts["do"] == "load":
                predict = _load(facts)
                answer = pack({"ok": True})
            else:
                assert predict is not None
                answer = pack({"ok": True}, predict(arrays))
        except Exception as error:  # noqa: BLE001 - it is told to the other side, which decides
            answer = pack({"error": _said(error)})
        _write(target, answer)


def _leave_with(parent: int, folder: Path) -> None:
    """End when the other side is gone, also while the model's code reads nothing; the folder is nobody's then."""
    while os.getppid() == parent:
        time.sleep(1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _write(target: int, content: bytes) -> None:
    waiting = memoryview(content)
    while waiting:
        waiting = waiting[os.write(target, waiting[: 1 << 20]) :]


def _said(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:500]}" if lines else type(error).__name__


def _load(facts: Mapping[str, Any]) -> Callable[[Mapping[str, Array]], list[tuple[str, Array]]]:
    folder, runtime = Path(facts["folder"]), facts["runtime"]
    model = _LOADERS[facts["format"]](folder, runtime)
    names: Sequence[str] = facts["inputs"]
    outputs: Sequence[Mapping[str, Any]] = facts["outputs"]
    as_matrix = bool(runtime.get("tensor"))

    def predict(arrays: Mapping[str, Array]) -> list[tuple[str, Array]]:
        columns = _columns(arrays)
        if as_matrix:
            found = model.on_matrix(np.column_stack([columns[name] for name in names]))
        else:
            found = model.on_frame(pl.DataFrame({name: columns[name] for name in names}))
        return _answers(found, outputs)

    return predict


def _columns(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Columns by name; a matrix carries the names of its columns, parted by a character that no name has."""
    found: dict[str, Array] = {}
    for key, array in arrays.items():
        names = key.split("\0")
        for at, name in enumerate(names):
            found[name] = array[:, at] if array.ndim == 2 else array
    return found


class _Estimator:
    """A scikit-learn estimator, asked for what the outputs name."""

    def __init__(self, model: Any, function: str | None) -> None:
        self._model = model
        self._function = function

    def on_frame(self, frame: pl.DataFrame) -> Any:
        return self._answer(_as_trained(self._model, frame))

    def on_matrix(self, matrix: Array) -> Any:
        return self._answer(matrix)

    def _answer(self, rows: Any) -> Any:
        if self._function is not None:  # as MLflow's client asked when it logged the model
            return getattr(self._model, self._function)(rows)
        if not hasattr(self._model, "predict_proba"):
            return {"prediction": self._model.predict(rows)}
        shares = np.asarray(self._model.predict_proba(rows))
        label = np.asarray(self._model.classes_)[shares.argmax(axis=1)]
        return {"label": label, "probability": shares[:, -1], "probabilities": shares}


class _Function:
    """Whatever takes rows and gives answers."""

    def __init__(self, function: Callable[[Any], Any], *, pandas: bool) -> None:
        self._function = function
        self._pandas = pandas

    def on_frame(self, frame: pl.DataFrame) -> Any:
        return self._function(_pandas(frame) if self._pandas else frame)

    def on_matrix(self, matrix: Array) -> Any:
        return self._function(matrix)


def _as_trained(model: Any, frame: pl.DataFrame) -> Any:
    """Named columns for a model that was trained on such, a matrix for others."""
    names = getattr(model, "feature_names_in_", None)
    if names is None and not (hasattr(model, "steps") and not hasattr(model, "n_features_in_")):
        return frame.to_numpy()
    return _pandas(frame)


def _pandas(frame: pl.DataFrame) -> Any:
    """The rows as pandas holds them, where it is installed; clients of MLflow train on that."""
    try:
        pandas = importlib.import_module("pandas")
    except ModuleNotFoundError:
        return frame
    return pandas.DataFrame({name: frame[name].to_numpy() for name in frame.columns})


def _pickled(folder: Path, runtime: Mapping[str, Any]) -> _Estimator:
    _add_code(folder)
    with (folder / runtime["file"]).open("rb") as file:
        return _Estimator(pickle.load(file), runtime.get("function"))  # noqa: S301 - somebody agreed to it


def _skops(folder: Path, runtime: Mapping[str, Any]) -> _Estimator:
    io = importlib.import_module("skops.io")
    path = folder / runtime["file"]
    unknown = io.get_untrusted_types(file=path)
    strange = [name for name in unknown if not name.startswith(_SAFE)]
    if strange:
        raise ValueError(
            f"the model holds {', '.join(strange[:3])}, which is of none of the libraries that are trusted"
        )
    return _Estimator(io.load(path, trusted=unknown), runtime.get("function"))


def _python(folder: Path, runtime: Mapping[str, Any]) -> _Function:
    if not runtime.get("mlflow"):
        sys.path.insert(0, str(folder / "code"))
        found: Any = importlib.import_module(runtime["module"])
        for part in str(runtime["function"]).split("."):
            found = getattr(found, part)
        return _Function(found, pandas=False)
    said = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]["python_function"]
    _add_code(folder, said.get("code"))
    # Relative to the folder of the model, as MLflow's own loaders resolve it.
    data = folder / said["data"] if said.get("data") else folder
    loaded = importlib.import_module(said["loader_module"])._load_pyfunc(str(data))  # noqa: SLF001 - the loader's door
    predict = loaded.predict

    def call(rows: Any) -> Any:
        return predict(rows)

    return _Function(call, pandas=True)


def _add_code(folder: Path, code: str | None = None) -> None:
    place = folder / (code or "code")
    if place.is_dir():
        sys.path.insert(0, str(place))


_LOADERS: Mapping[str, Callable[[Path, Mapping[str, Any]], Any]] = {
    "sklearn": _pickled,
    "skops": _skops,
    "python": _python,
}


def _answers(found: Any, outputs: Sequence[Mapping[str, Any]]) -> list[tuple[str, Array]]:
    """What the model gave as the outputs that its signature names."""
    names = [str(one["name"]) for one in outputs]
    if hasattr(found, "columns") and hasattr(found, "__getitem__") and not isinstance(found, dict):
        columns = [str(name) for name in found.columns]
        if set(names) <= set(columns):
            found = {name: np.asarray(found[name]) for name in names}
        elif len(names) == 1:
            found = np.asarray(found.to_numpy())
        else:
            raise ValueError(f"the model gave the columns {', '.join(columns)} in place of {', '.join(names)}")
    if isinstance(found, dict):
        missing = [name for name in names if name not in found]
        if missing:
            raise ValueError(f"the model did not give {missing[0]!r}")
        return [(name, _array(found[name])) for name in names]
    if len(names) == 1:
        return [(names[0], _array(found))]
    values = _array(found)
    if values.ndim == 2 and values.shape[1] == len(names):
        return [(name, values[:, at]) for at, name in enumerate(names)]
    raise ValueError(f"the model gave one array in place of {', '.join(names)}")


def _array(values: Any) -> Array:
    found = np.asarray(values)
    return found.astype(object) if found.dtype.kind in "USO" else found


if __name__ == "__main__":
    sys.exit(main())
