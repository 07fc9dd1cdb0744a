"""Block 1, value proposition: for whom, what it is worth, and who answers for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from stackcanvas.canvas.answers import Answer, Block, Count, Driver, Email, Money, Share, Text, bad, distinct

Scalar = bool | int | str


class Positioning(Answer):
    """The statement in Geoffrey Moore's form."""

    for_: Text | None = Field(default=None, alias="for", description="For whom the product is.")
    who: Text | None = Field(default=None, description="What they need or cannot do today.")
    product: Text | None = Field(default=None, description="The name of the product.")
    category: Text | None = Field(default=None, description="The kind of thing that it is.")
    benefit: Text | None = Field(default=None, description="What they gain, and from what alternative it differs.")


class Contact(Answer):
    """A person or group that can be reached."""

    name: Text = Field(description="A person or a group.")
    email: Email | None = Field(default=None, description="Where alerts and requests for approval go.")
    role: Text | None = Field(default=None, description="What they are in the organisation.")


class Outcome(Answer):
    """What one kind of prediction is worth once the truth is known."""

    predicted: Scalar = Field(description="What the model said: true or false, a class, or a whole number.")
    actual: Scalar = Field(description="What then happened.")
    worth: Money = Field(description="Money gained (positive) or lost (negative) by one such case.")
    note: Text | None = Field(default=None, description="How the amount was found.")


class Kpi(Answer):
    """The business figure that the model is to move."""

    name: Text = Field(description="What is measured.")
    direction: Literal["higher", "lower"] = Field(default="higher", description="Which way is better.")
    target: float | None = Field(default=None, description="The value to reach.")
    unit: Text | None = Field(default=None, description="What the target counts.")


def _no_outcome_twice(outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    pairs = [(repr(outcome.predicted), repr(outcome.actual)) for outcome in outcomes]
    if len(set(pairs)) < len(pairs):
        raise bad("two outcomes have the same predicted and actual value", expected="each pair once")
    return outcomes


class Payoff(Answer):
    """What right and wrong predictions are worth, in the project's currency."""

    outcomes: Annotated[tuple[Outcome, ...], AfterValidator(_no_outcome_twice)] = Field(
        min_length=1, description="The worth of each pair of prediction and truth; a pair left out is worth nothing."
    )
    threshold: Share | None = Field(
        default=None, description="For a score: from which probability the prediction counts as true."
    )
    kpi: Kpi | None = Field(default=None, description="The business figure and its target.")
    decisions_per_month: Annotated[Count, Driver("decisions a month")] = Field(
        default=1000, description="How many predictions are acted upon."
    )

    @model_validator(mode="after")
    def _threshold_needs_truth(self) -> Payoff:
        if self.threshold is not None and not all(isinstance(outcome.predicted, bool) for outcome in self.outcomes):
            raise bad(
                "a threshold is given, but an outcome is predicted as something other than true or false",
                expected="predicted: true or predicted: false in every outcome, or no threshold",
            )
        return self

    def worth(self, *, predicted: object, actual: object) -> Decimal:
        """The money that one case brought; nothing where the pair is not listed.

        Example:
            >>> payoff = Payoff(outcomes=(Outcome(predicted=True, actual=False, worth=Decimal("-3")),))
            >>> payoff.worth(predicted=True, actual=False), payoff.worth(predicted=True, actual=True)
            (Decimal('-3'), Decimal('0'))
        """
        for outcome in self.outcomes:
            # True equals 1 in Python, but not in an answer.
            same = type(outcome.predicted) is type(predicted) and type(outcome.actual) is type(actual)
            if same and outcome.predicted == predicted and outcome.actual == actual:
                return outcome.worth
        return Decimal(0)


class Value(Block):
    """The answers of block 1."""

    positioning: Positioning | None = None
    goal: Text | None = None
    problem: Text | None = None
    importance: Text | None = None
    persona: (
        Annotated[
            tuple[Literal["ml engineer", "data scientist", "operations", "business"], ...], AfterValidator(distinct)
        ]
        | None
    ) = None
    owner: Contact | None = None
    payoff: Payoff | None = None
