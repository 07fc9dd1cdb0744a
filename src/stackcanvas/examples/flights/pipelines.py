"""Train the model that says which flights will be late, hold it against the one in use, and register it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
from features import FEATURES, OBSERVED, VIEWS, departures, outcomes
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

import stackcanvas as sc
from stackcanvas.registry import Scores
from stackcanvas.statistics import auc
from stackcanvas.value import on_same_rows

MODEL = "delay"
CHAMPION = f"{MODEL}@champion"
TEXT = ["carrier", "origin", "dest"]
SMALLEST_SLICE = 500  # below that, how well the flights of one carrier are told is chance


def probability(model: Pipeline, rows: pl.DataFrame) -> Any:
    """How probable it is for each flight that it will be late."""
    return model.predict_proba(rows.select(FEATURES))[:, 1]


@sc.step
def training_set(context: sc.Context, flights: pl.DataFrame, days: int) -> dict[str, Any]:
    """The flights that landed in the last days with all that was known of them two hours ahead, as a data version."""
    key = ["carrier", "flight", "scheduled"]
    landed = outcomes(flights.lazy()).select(*key, "landed", "late")
    since = pl.col("landed").max() - timedelta(days=days)
    labelled = departures(flights.lazy()).join(landed, on=key, maintain_order="left").filter(pl.col("landed") > since)
    made = context.stack.features.training_set("training", labelled.collect(), views=VIEWS, time="time")
    return {"ref": str(made.ref), "rows": context.stack.data.read(made.ref)}


@sc.step
def split(rows: pl.DataFrame, holdout_days: int) -> dict[str, pl.DataFrame]:
    """The last days are held out: a model is judged on what came after all that it has seen."""
    held_out = pl.col("scheduled") > pl.col("scheduled").max() - timedelta(days=holdout_days)
    return {"fit": rows.filter(~held_out), "holdout": rows.filter(held_out)}


@sc.step
def fit(rows: pl.DataFrame) -> Pipeline:
    """Gradient boosting over all features; a missing value is a branch of its own."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        ColumnTransformer([("codes", codes, TEXT)], remainder="passthrough"),
        HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=150, max_leaf_nodes=15, min_samples_leaf=200, random_state=0
        ),
    )
    return model.fit(rows.select(FEATURES), rows["late"].to_numpy())


@sc.step
def evaluate(context: sc.Context, model: Pipeline, holdout: pl.DataFrame) -> dict[str, Any]:
    """How well the model and the one in use tell late flights, on the same rows that neither has seen."""
    scored = holdout.select("late", "carrier", score=pl.Series(probability(model, holdout)))
    blind = holdout.with_columns(pl.lit(None, dtype=pl.Float32).alias(name) for name in OBSERVED)
    large = [part for part in scored.partition_by("carrier") if part.height >= SMALLEST_SLICE]
    payoff = context.stack.value.payoff(MODEL)
    metrics = {
        **Scores.of(scored["late"], scored["score"], metrics=["auc", "brier"]).metrics,
        "auc_by_carrier": min(auc(part["late"], part["score"]) for part in large),
        "auc_without_weather": auc(holdout["late"], probability(model, blind)),
        "worth_per_flight": float(
            on_same_rows(scored.rename({"late": "actual"}), {MODEL: "score"}, payoff)[0].each or 0
        ),
    }
    context.run.log(metrics)
    champion = None
    if context.stack.registry.has(CHAMPION):
        outputs = context.stack.registry.load(CHAMPION).predict(holdout)
        champion = outputs["probability"]
    return {"metrics": metrics, "late": scored["late"], "score": scored["score"], "champion": champion}


@sc.step
def register(
    context: sc.Context, model: Pipeline, rows: pl.DataFrame, training: str, scores: dict[str, Any]
) -> str | None:
    """Ask the gate, whose rules stand in the canvas, and register what passes."""
    registry = context.stack.registry
    candidate = Scores(scores["metrics"], scores["late"], scores["score"])
    champion = None
    if scores["champion"] is not None:
        champion = Scores.of(scores["late"], scores["champion"], metrics=["auc", "brier"])
    gate = registry.gate(MODEL, candidate, champion=champion)
    if not gate.passed:
        context.run.set_tag("gate", "; ".join(gate.reasons))
        return None
    made = registry.register(
        MODEL,
        model,
        sample=rows.select(FEATURES),
        run=context.run.ref,
        training=sc.Ref.parse(training),
        metrics=scores["metrics"],
        gate=gate,
    )
    return str(made.ref)


@sc.pipeline
def train(days: int = 120, holdout_days: int = 14) -> str | None:
    """From the flights of the last days to a registered version; None when the gate says no."""
    known = training_set(sc.dataset("flights"), days=days)
    parts = split(known["rows"], holdout_days=holdout_days)
    model = fit(parts["fit"])
    scores = evaluate(model, parts["holdout"])
    return register(model, parts["fit"], training=known["ref"], scores=scores)
