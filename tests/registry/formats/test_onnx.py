"""ONNX export: it answers what the model answers, or it is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest
from onnx import TensorProto, helper
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC

from stackcanvas.errors import BadInput, Refused
from stackcanvas.registry.formats import onnx_convert
from stackcanvas.registry.formats.onnx import export
from stackcanvas.registry.formats.onnx_runtime import load
from stackcanvas.registry.signature import Signature

ROWS = 3000
TOLERANCE = 1e-5


def rows() -> pl.DataFrame:
    """Columns of every kind, with missing values, and values that are no numbers in single precision."""
    rng = np.random.default_rng(11)
    single = rng.normal(size=ROWS).astype(np.float32)
    single[:50] = np.nan
    return pl.DataFrame(
        {
            "single": single,
            "tenths": rng.normal(size=ROWS).round(2),
            "double": rng.normal(size=ROWS),
            "whole": rng.integers(0, 50, ROWS),
            "flag": rng.random(ROWS) < 0.5,
            "text": rng.choice(["AA", "UA", "DL"], ROWS),
        }
    )


def late(frame: pl.DataFrame) -> np.ndarray[Any, Any]:
    """A label that depends on every column."""
    rng = np.random.default_rng(12)
    score = frame.select(
        pl.col("single").fill_nan(0)
        + pl.col("tenths")
        + pl.col("double")
        + pl.col("whole") / 50
        + (pl.col("text") == "AA")
    ).to_series()
    return np.asarray(score.to_numpy() + rng.normal(size=frame.height) > 1)


def boosting(**options: Any) -> HistGradientBoostingClassifier:
    """Small histogram gradient boosting."""
    return HistGradientBoostingClassifier(max_iter=15, random_state=0, **options)


def with_text(model: Any) -> Any:
    """The model behind an encoder of the text column."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_pipeline(ColumnTransformer([("text", encoder, ["text"])], remainder="passthrough"), model)


NUMBERS = ["single", "tenths", "double", "whole", "flag"]
FULL = ["tenths", "double", "whole"]


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (boosting(), ["single"]),
        (boosting(), ["tenths"]),
        (boosting(), NUMBERS),
        (with_text(boosting()), ["single", "whole", "text"]),
        (with_text(boosting()), [*NUMBERS, "text"]),
        (RandomForestClassifier(n_estimators=10, random_state=0), FULL),
        (GradientBoostingClassifier(n_estimators=10, random_state=0), FULL),
        (CalibratedClassifierCV(boosting(), cv=2), NUMBERS),
        (make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), ["single", "double"]),
        (
            make_pipeline(
                ColumnTransformer(
                    [
                        ("text", OneHotEncoder(handle_unknown="ignore"), ["text"]),
                        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["single", "double"]),
                    ]
                ),
                LogisticRegression(),
            ),
            ["single", "double", "text"],
        ),
    ],
    ids=str,
)
def test_a_classifier_answers_as_before(model: Any, columns: list[str]) -> None:
    """On every row, whatever the columns hold; also when it is loaded again."""
    frame = rows().select(columns)
    model.fit(frame, late(rows()))

    made = export(model, frame, tolerance=TOLERANCE)

    found = load(made.files, made.signature, made.runtime).predict(frame)
    assert np.abs(found["probability"] - model.predict_proba(frame)[:, 1]).max() <= TOLERANCE
    assert made.agreement is not None
    assert made.agreement.rows == ROWS
    assert [one.name for one in made.signature.inputs] == columns
    assert made.signature.outputs[1].classes == (False, True)
    assert made.signature.outputs[1].shape == (-1,)


@pytest.mark.parametrize(
    "model", [HistGradientBoostingRegressor(max_iter=10), Ridge(), make_pipeline(StandardScaler(), Ridge())], ids=str
)
def test_a_regressor_answers_as_before(model: Any) -> None:
    """Its output is called prediction."""
    frame = rows().select(FULL)
    model.fit(frame, frame["double"].to_numpy() * 100)

    made = export(model, frame, tolerance=TOLERANCE)

    found = load(made.files, made.signature, made.runtime).predict(frame)["prediction"].ravel()
    assert np.allclose(found, model.predict(frame), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        (boosting(), [True, True, False]),
        (make_pipeline(StandardScaler(), LogisticRegression()), [False, False, False]),
        (make_pipeline(SimpleImputer(), LogisticRegression()), [True, True, False]),
    ],
    ids=str,
)
def test_a_column_may_miss_values_where_the_model_takes_them(model: Any, takes: list[bool]) -> None:
    """Whatever the sample happens to hold: the signature is that of the model."""
    frame = rows().select(FULL)

    made = export(model.fit(frame, late(rows())), frame, tolerance=TOLERANCE)

    assert [one.nullable for one in made.signature.inputs] == takes


def test_classes_may_be_text_or_many() -> None:
    """The signature tells what each column of the probabilities stands for."""
    frame = rows().select(FULL)
    classes = np.random.default_rng(1).choice(["early", "late", "on time"], ROWS)

    made = export(boosting().fit(frame, classes), frame, tolerance=TOLERANCE)

    assert [(one.name, one.dtype) for one in made.signature.outputs] == [("label", "BYTES"), ("probabilities", "FP32")]
    assert made.signature.outputs[1].classes == ("early", "late", "on time")


def test_a_model_fitted_on_an_array_takes_the_columns_in_their_order() -> None:
    """Without names the order of the sample is the order of the training."""
    frame = rows().select(FULL)
    model = boosting().fit(frame.to_numpy(), late(rows()))

    made = export(model, frame, tolerance=TOLERANCE)

    assert [one.name for one in made.signature.inputs] == FULL
    with pytest.raises(BadInput, match="the sample has 2 columns and the model was trained on 3"):
        export(model, frame.drop("whole"), tolerance=TOLERANCE)


def test_columns_come_in_the_order_in_which_the_model_saw_them() -> None:
    """However the sample is ordered."""
    frame = rows().select(FULL)
    model = boosting().fit(frame, late(rows()))

    made = export(model, frame.select(reversed(FULL)), tolerance=TOLERANCE)

    assert [one.name for one in made.signature.inputs] == FULL
    with pytest.raises(BadInput, match="missing: whole; not known to the model: more"):
        export(model, frame.drop("whole").with_columns(more=1.0), tolerance=TOLERANCE)


def test_thresholds_between_neighbours_in_single_precision() -> None:
    """The split lies in the middle of two numbers between which single precision has no other."""
    low = np.float32(1.0)
    high = np.nextafter(low, np.float32(2.0))
    higher = np.nextafter(high, np.float32(2.0))
    values = np.repeat(np.array([low, high, higher], dtype=np.float32), 100)
    frame = pl.DataFrame({"x": values})
    for split in (low, high):
        model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=1).fit(frame, values > split)

        made = export(model, frame, tolerance=TOLERANCE)

        assert made.agreement is not None
        assert made.agreement.worst <= TOLERANCE


def test_what_differs_is_refused_with_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thresholds rounded the wrong way, as a converter might do it, are found out."""
    frame = rows().select("tenths")
    model = boosting().fit(frame, late(rows()))
    rounded = onnx_convert.single
    monkeypatch.setattr(onnx_convert, "single", lambda thresholds, *, down: rounded(thresholds, down=not down))

    with pytest.raises(Refused, match=r"differ by up to 0\.\d+ on \d+ of 3000 rows of the sample; 1e-05 is allowed"):
        export(model, frame, tolerance=TOLERANCE)


def test_the_model_itself_is_left_as_it_was() -> None:
    """Thresholds are rounded in a copy."""
    frame = rows().select(NUMBERS)
    model = boosting().fit(frame, late(rows()))
    before = model.predict_proba(frame)

    export(model, frame, tolerance=TOLERANCE)

    assert np.array_equal(model.predict_proba(frame), before)


def test_the_same_model_gives_the_same_bytes() -> None:
    """So that equal models have equal digests."""
    frame = rows().select(NUMBERS)
    model = boosting().fit(frame, late(rows()))

    assert export(model, frame, tolerance=TOLERANCE).files == export(model, frame, tolerance=TOLERANCE).files


class NotConvertible(LogisticRegression):  # type: ignore[misc]
    """A model of the user's own that no converter knows."""


@pytest.mark.parametrize(
    ("model", "columns", "said"),
    [
        (boosting(), ["single", "text"], "column 'text' of the sample is text, which the model itself cannot take"),
        (LinearSVC(), FULL, "LinearSVC gives no probabilities"),
        (NotConvertible(), FULL, "NotConvertible cannot be converted to ONNX"),
    ],
    ids=str,
)
def test_what_cannot_be_exported_is_refused(model: Any, columns: list[str], said: str) -> None:
    """With what stands in the way."""
    frame = rows().select(columns)
    model.fit(frame.select(column for column in columns if column != "text"), late(rows()))
    if "text" in columns:
        model.feature_names_in_ = np.array(columns, dtype=object)

    with pytest.raises(BadInput, match=said):
        export(model, frame, tolerance=TOLERANCE)


def test_a_model_that_is_none_is_refused() -> None:
    """Also one that was never fitted, and an empty sample."""
    frame = rows().select(FULL)

    with pytest.raises(BadInput, match=r"a builtins\.dict cannot be registered as ONNX"):
        export({}, frame, tolerance=TOLERANCE)
    with pytest.raises(BadInput, match="HistGradientBoostingClassifier cannot be converted to ONNX"):
        export(boosting(), frame, tolerance=TOLERANCE)
    with pytest.raises(BadInput, match="the sample has no rows"):
        export(boosting(), frame.clear(), tolerance=TOLERANCE)
    with pytest.raises(BadInput, match="the column name 'label' is that of an output"):
        export(
            boosting().fit(frame.rename({"whole": "label"}), late(rows())),
            frame.rename({"whole": "label"}),
            tolerance=1,
        )


def graph(*, kind: int = TensorProto.FLOAT, width: int = 1) -> bytes:
    """An ONNX model made by hand: one input doubled."""
    nodes = [helper.make_node("Add", ["x", "x"], ["twice"])]
    given, made = (helper.make_tensor_value_info(name, kind, [None, width]) for name in ("x", "twice"))
    opsets = [helper.make_opsetid("", 18)]
    content: bytes = helper.make_model(
        helper.make_graph(nodes, "twice", [given], [made]), opset_imports=opsets, ir_version=9
    ).SerializeToString()
    return content


def test_onnx_is_taken_as_it_is() -> None:
    """Its signature is read from the graph, and it must run on the sample."""
    frame = pl.DataFrame({"x": [1.5, 2.0]})

    for given in (graph(), onnx.load_from_string(graph())):
        made = export(given, frame, tolerance=TOLERANCE)

        assert made.agreement is None
        assert [(one.name, one.dtype, one.shape) for one in made.signature.outputs] == [("twice", "FP32", (-1, 1))]
        assert load(made.files, made.signature, made.runtime).predict(frame)["twice"].tolist() == [[3.0], [4.0]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no model", "the ONNX model cannot be loaded"),
        (b"", "the ONNX model cannot be loaded"),
        (graph(width=2), r"the ONNX model takes the tensor 'x' of type tensor\(float\) and shape \[None, 2\]"),
        (graph(kind=TensorProto.DOUBLE), r"takes the tensor 'x' of type tensor\(double\)"),
    ],
)
def test_onnx_that_does_not_fit_is_refused(content: bytes, said: str) -> None:
    """Garbage, and graphs that do not take the columns of the sample."""
    with pytest.raises(BadInput, match=said):
        export(content, pl.DataFrame({"x": [1.0]}), tolerance=TOLERANCE)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE])
def test_onnx_that_takes_a_matrix_is_given_the_columns_side_by_side(kind: int) -> None:
    """As PyTorch writes it; it is kept as it is, and text fits none."""
    frame, given = pl.DataFrame({"wind": [1.5, 2.0], "month": [3, 4]}), graph(kind=kind, width=2)

    made = export(given, frame, tolerance=TOLERANCE)

    assert made.files == {"model.onnx": given}
    assert [(one.name, one.dtype) for one in made.signature.inputs] == [("wind", "FP32"), ("month", "INT64")]
    found = load(made.files, made.signature, made.runtime).predict(frame)["twice"]
    assert found.tolist() == [[3.0, 6.0], [4.0, 8.0]]
    with pytest.raises(BadInput, match="one matrix of as many numbers"):
        export(given, frame.cast({"month": pl.String}), tolerance=TOLERANCE)


def test_rows_that_the_graph_cannot_take_are_bad_input() -> None:
    """The runtime's own error becomes a sentence."""
    made = export(graph(), pl.DataFrame({"x": [1.0]}), tolerance=TOLERANCE)
    wrong = Signature((*made.signature.inputs, *made.signature.inputs), made.signature.outputs)

    with pytest.raises(BadInput, match="the model takes the column 'x', which is not there"):
        load(made.files, wrong, made.runtime).predict(pl.DataFrame({"y": [1.0]}))
