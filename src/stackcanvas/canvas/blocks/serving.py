"""Block 9, prediction serving: the pattern, the checks around a prediction, and what is kept of it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from stackcanvas.canvas.answers import (
    Amount,
    Answer,
    Block,
    Count,
    Driver,
    Duration,
    Name,
    PerEnvironment,
    Positive,
    Share,
    Size,
    bad,
    distinct,
)

Constant = bool | int | float | str


class Mode(Answer):
    """How predictions are asked for."""

    mode: Literal["online", "batch"] = Field(description="One at a time when asked, or many at a time on a schedule.")
    pattern: Literal["model as service", "model as dependency", "precompute", "model on demand", "hybrid serving"] = (
        Field(default="model as service", description="Where the model runs and how it is reached.")
    )
    endpoint: Name | None = Field(default=None, description="The address clients use; left out, the name of the model.")


class Distributed(Answer):
    """Serving by several processes or machines."""

    needed: bool = Field(description="Whether one process is not enough.")
    replicas: Annotated[Positive, Driver("replicas"), PerEnvironment()] = Field(
        default=1, description="How many prediction servers share the load."
    )


class Check(Answer):
    """A rule on one column of the input or output."""

    column: Name = Field(description="The column.")
    rule: Literal["not_null", "range", "allowed"] = Field(description="What is checked.")
    min: float | None = Field(default=None, description="For range: the smallest value that passes.")
    max: float | None = Field(default=None, description="For range: the largest value that passes.")
    values: tuple[Constant, ...] | None = Field(default=None, description="For allowed: the values that pass.")
    action: Literal["reject", "fallback", "warn"] = Field(
        default="warn", description="Refuse the request, answer with the fallback, or answer and count."
    )

    @model_validator(mode="after")
    def _has_what_its_rule_needs(self) -> Check:
        if self.rule == "range":
            if self.min is None and self.max is None:
                raise bad("a range has neither min nor max", expected="min, max or both")
            if self.min is not None and self.max is not None and self.min > self.max:
                raise bad("min is greater than max", expected="a range that some value can lie in")
        elif self.min is not None or self.max is not None:
            raise bad(f"min or max is given for the rule {self.rule}", expected="min and max with rule: range only")
        if self.rule == "allowed" and not self.values:
            raise bad("no values are allowed", expected="values: [...]")
        if self.rule != "allowed" and self.values is not None:
            raise bad(f"values are given for the rule {self.rule}", expected="values with rule: allowed only")
        return self


class PreAssertion(Answer):
    """What is checked before a prediction."""

    signature: bool = Field(default=True, description="Refuse columns and types that the model does not know.")
    profile: bool = Field(default=True, description="Warn of values that the training data never had.")
    rules: tuple[Check, ...] = Field(default=(), description="Further rules.")


class Fallback(Answer):
    """What happens when the model fails or its output is inadequate."""

    rules: tuple[Check, ...] = Field(
        default=(), description="What the output must satisfy; columns are those of the output."
    )
    model: Name | None = Field(default=None, description="A simpler model of the registry that answers instead.")
    constant: dict[str, Constant] | None = Field(default=None, description="The output that is answered instead.")
    timeout: Duration | None = Field(default=None, description="After which time the fallback answers.")

    @model_validator(mode="after")
    def _one_way_out(self) -> Fallback:
        if self.model is not None and self.constant is not None:
            raise bad("the fallback is a model and a constant", expected="model or constant")
        if self.model is None and self.constant is None:
            needs = self.timeout is not None or any(rule.action == "fallback" for rule in self.rules)
            if needs:
                raise bad("a rule or time-out leads to a fallback that is not given", expected="model or constant")
        return self


class Accelerators(Answer):
    """Hardware beside the processor."""

    kind: Literal["none", "cuda", "tensorrt", "rocm", "openvino", "coreml", "tpu"] = Field(
        description="How the model reaches it."
    )
    count: Annotated[Count, Driver("accelerators")] = Field(default=0, description="How many.")


class Volume(Answer):
    """How much is asked, and how fast the answer must be."""

    predictions: Annotated[Count, Driver("predictions")] = Field(default=100_000, description="How many predictions.")
    per: Literal["hour", "day", "month"] = Field(default="month", description="In which time.")
    peak_per_second: Annotated[Amount, Driver("requests a second")] = Field(
        default=5.0, description="Requests in the busiest second."
    )
    latency_p99: Duration = Field(
        default=dt.timedelta(milliseconds=100), description="The time in which 99 of 100 requests are answered."
    )
    request_size: Annotated[Size, Driver("a prediction")] = Field(
        default=2000, description="Input and output together."
    )

    @property
    def per_month(self) -> int:
        """Predictions a month, of 730 hours."""
        return self.predictions * {"hour": 730, "day": 30, "month": 1}[self.per]


class Log(Answer):
    """What is kept of each prediction."""

    drop: Annotated[tuple[Name, ...], AfterValidator(distinct)] = Field(
        default=(), description="Columns that are not kept."
    )
    hash: Annotated[tuple[Name, ...], AfterValidator(distinct)] = Field(
        default=(), description="Columns of which only a hash is kept."
    )
    sample: Share = Field(default=1.0, description="The share of predictions that is kept.")
    keep: Annotated[Duration, Driver("kept")] = Field(
        default=dt.timedelta(days=90), description="How long they are kept."
    )

    @model_validator(mode="after")
    def _dropped_or_hashed(self) -> Log:
        both = sorted(set(self.drop) & set(self.hash))
        if both:
            raise bad(f"{both[0]!r} is dropped and hashed", expected="each column in one list")
        return self


class Serving(Block):
    """The answers of block 9."""

    mode: Mode | None = None
    distributed: Distributed | None = None
    multi_model: bool | None = None
    pre_assertion: PreAssertion | None = None
    fallback: Fallback | None = None
    accelerators: Accelerators | None = None
    volume: Volume | None = None
    log: Annotated[Log | None, PerEnvironment()] = None
