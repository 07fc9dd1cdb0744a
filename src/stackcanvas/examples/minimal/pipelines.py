"""Train a model that says which customers will leave; the table in `data/` is made up, put your own in its place."""

from __future__ import annotations

import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import stackcanvas as sc
from stackcanvas.registry import Scores

NUMBERS = ["months", "calls", "spend"]
TEXT = ["plan"]
FEATURES = [*NUMBERS, *TEXT]


@sc.step
def customers(context: sc.Context) -> dict[str, object]:
    """Commit the table as it is now; one that has not changed keeps its version."""
    data = context.stack.data
    version = data.commit("customers", context.stack.root / "data" / "customers.csv")
    return {"ref": str(version.ref), "rows": data.read(version.ref)}


@sc.step
def split(rows: pl.DataFrame, share: float, seed: int) -> dict[str, pl.DataFrame]:
    """Some rows are held out to judge the model on."""
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=seed)
    size = round(rows.height * share)
    return {"fit": shuffled.tail(-size), "holdout": shuffled.head(size)}


@sc.step
def fit(rows: pl.DataFrame) -> Pipeline:
    """A linear model over numbers of one scale and the kinds of plan."""
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), NUMBERS), ("text", OneHotEncoder(handle_unknown="ignore"), TEXT)]
    )
    return make_pipeline(columns, LogisticRegression()).fit(rows.select(FEATURES), rows["left"].to_numpy())


@sc.step
def register(context: sc.Context, model: Pipeline, parts: dict[str, pl.DataFrame], training: str) -> str:
    """Judge the model on the rows that it has not seen, and register it."""
    holdout = parts["holdout"]
    predictions = model.predict_proba(holdout.select(FEATURES))[:, 1]
    scores = Scores.of(holdout["left"], predictions, metrics=["auc", "accuracy"])
    context.run.log(scores.metrics)
    made = context.stack.registry.register(
        "churn",
        model,
        sample=parts["fit"].select(FEATURES),
        run=context.run.ref,
        training=sc.Ref.parse(training),
        metrics=scores.metrics,
    )
    return str(made.ref)


@sc.pipeline
def train(share: float = 0.25, seed: int = 7) -> str:
    """From the table to a registered model."""
    table = customers()
    parts = split(table["rows"], share=share, seed=seed)
    return register(fit(parts["fit"]), parts, training=table["ref"])
