"""Tables of the value block."""

from __future__ import annotations

from sqlalchemy import Column, Table

from stackcanvas.backends.database.types import Integer, Text
from stackcanvas.metadata.schema import schema

# What a version earned on a day, under the payoff of that digest. Days are text, as in 2013-05-01; so is money.
value_day = Table(
    "value_day",
    schema,
    Column("endpoint", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("decisions", Integer, nullable=False),
    Column("worth", Text, nullable=False),
    Column("payoff", Text, nullable=False),
    # A later payoff under which the day could not be counted anew, because its predictions are no longer kept.
    Column("not_under", Text),
)

# Days whose outcomes are known better than they were counted. Each mark is another, so that a count knows what it saw.
value_stale = Table(
    "value_stale",
    schema,
    Column("endpoint", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("mark", Text, nullable=False),
)
