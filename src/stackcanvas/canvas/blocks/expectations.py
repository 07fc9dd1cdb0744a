"""What a team expects of a table, in the canvas and in files of their own alike."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stackcanvas.canvas.answers import Answer, Count, Duration, Share, Text, distinct, distinct_by

Value = bool | int | float | str


class ColumnExpectations(Answer):
    """What is expected of one column, which must be there."""

    name: Text = Field(description="The column.")
    type: Text | None = Field(
        default=None,
        description="integer, number, text, boolean, date or datetime; or the type as `data show` prints it.",
    )
    nulls: Share | None = Field(default=None, description="The largest share of rows without a value; 0% for none.")
    least: Value | None = Field(default=None, description="The smallest value that is right; dates as text.")
    most: Value | None = Field(default=None, description="The largest value that is right.")
    values: tuple[Value, ...] | None = Field(default=None, description="The only values that are right.")
    pattern: Text | None = Field(default=None, description="A regular expression that every text matches.")
    unique: bool = Field(default=False, description="Whether no value may stand in two rows.")


class Freshness(Answer):
    """How new the newest row must be."""

    column: Text = Field(description="The column with the time of a row.")
    within: Duration = Field(description="How long before the commit the newest row may be.")


class Expectations(Answer):
    """What is expected of a table before a version of it is accepted."""

    columns: Annotated[tuple[ColumnExpectations, ...], AfterValidator(distinct_by("name"))] = Field(
        default=(), description="The columns, each with what is expected of it."
    )
    other_columns: bool = Field(default=True, description="Whether there may be columns besides these.")
    unique: tuple[Annotated[tuple[Text, ...], AfterValidator(distinct)], ...] = Field(
        default=(), description="Sets of columns that together stand in one row only."
    )
    rows_least: Count | None = Field(default=None, description="The smallest number of rows that is right.")
    rows_most: Count | None = Field(default=None, description="The largest number of rows that is right.")
    freshness: Freshness | None = Field(default=None, description="How new the newest row must be.")
    broken: Literal["refuse", "mark"] = Field(
        default="refuse", description="Whether a version that breaks one is refused, or kept with a mark."
    )
