"""Block 3, data analysis and experiment management."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stackcanvas.canvas.answers import (
    Amount,
    Answer,
    Block,
    Count,
    Driver,
    Duration,
    Name,
    Size,
    Text,
    distinct,
    distinct_by,
)

Language = Literal["python", "r", "scala", "julia", "sql", "other"]
Framework = Literal[
    "scikit-learn",
    "lightgbm",
    "xgboost",
    "catboost",
    "pytorch",
    "tensorflow",
    "keras",
    "jax",
    "transformers",
    "statsmodels",
    "prophet",
    "spark",
    "r",
    "other",
]
RunMetadata = Literal["code", "data", "parameters", "metrics", "artifacts", "environment", "seeds", "hardware", "notes"]


class TrainingInfrastructure(Answer):
    """What one training needs, and how often it happens while people try things."""

    cpus: Annotated[Amount, Driver("cores")] = Field(default=2.0, description="Processor cores of one run.")
    memory: Annotated[Size, Driver("of one run")] = Field(default=8 * 10**9, description="Memory of one run.")
    gpus: Annotated[Count, Driver("GPUs")] = Field(default=0, description="Accelerators of one run.")
    gpu: Text | None = Field(default=None, description="The accelerator's model, such as L4 or H100.")
    time_per_run: Annotated[Duration, Driver("a run")] = Field(
        default=dt.timedelta(minutes=30), description="How long one run takes."
    )
    runs_per_month: Annotated[Count, Driver("runs a month")] = Field(default=50, description="Runs that people start.")
    people: Annotated[Amount, Driver("people, full time")] = Field(default=1.0, description="Who works on experiments.")


class Metric(Answer):
    """A figure by which models are judged."""

    name: Name = Field(description="As the runs log it.")
    kind: Literal["model", "business"] = Field(default="model", description="A figure of the model or of the business.")
    direction: Literal["higher", "lower"] = Field(description="Which way is better.")
    threshold: float | None = Field(default=None, description="What a version must reach to be registered.")


class Experiments(Block):
    """The answers of block 3."""

    languages: Annotated[tuple[Language, ...], AfterValidator(distinct)] | None = None
    training_infrastructure: TrainingInfrastructure | None = None
    metrics: Annotated[tuple[Metric, ...], AfterValidator(distinct_by("name"))] | None = None
    metadata: Annotated[tuple[RunMetadata, ...], AfterValidator(distinct)] | None = None
    frameworks: Annotated[tuple[Framework, ...], AfterValidator(distinct)] | None = None
