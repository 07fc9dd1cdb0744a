"""What a canvas costs: sums, ranges, traces."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import BLOCKS, Canvas, loads
from stackcanvas.canvas.cost import Estimate, difference, estimate
from stackcanvas.canvas.render import inline
from stackcanvas.errors import BadInput, NotFound


def canvas(rest: str, *, currency: str = "USD") -> Canvas:
    """A small canvas."""
    return loads(f"stackcanvas: 1\nproject: {{name: demo, currency: {currency}}}\n{rest}\n")


LABELS = "data: {labelling: {needed: true, backlog: 1000, labels_per_item: 3, price_per_label: 0.1}}"
TRAINING = (
    "experiments: {training_infrastructure: {cpus: 4, memory: 8GB, time_per_run: 30m, runs_per_month: 10, people: 0}}"
)


def test_money_is_exact() -> None:
    """Ten cents three thousand times are three hundred, to the cent, with no spread."""
    found = estimate(canvas(LABELS))

    assert found.rows[0].cost.typical == Decimal(300)
    assert found.total.once.p10 == found.total.once.p90 == Decimal("300.00")
    assert found.total.monthly.p50 == 0


def test_a_row_tells_its_answer_its_arithmetic_and_its_price() -> None:
    """Hours times cores times the price of a book, with the place of each answer and the date of the price."""
    found = estimate(canvas(TRAINING), book="aws").row("experiments.compute")

    assert found.quantity.typical == Decimal(20)
    assert found.cost.typical == Decimal("0.816")
    places = [
        TRAINING.index(written) + len(written) + 1 for written in ("runs_per_month: ", "time_per_run: ", "cpus: ")
    ]
    assert [driver.origin for driver in found.drivers] == [f"canvas.yaml:3:{column}" for column in places]
    assert (found.price.id, found.price.date) == ("aws.ec2_m7g_large_hour", "2026-06")
    assert "1/2 of a machine hour" in str(found.price.note)


def test_memory_beyond_four_gigabytes_a_core_is_paid_for() -> None:
    """A machine with much memory has the cores that come with it."""
    text = TRAINING.replace("8GB", "64GB")
    found = estimate(canvas(text), book="generic").row("experiments.compute")

    assert found.drivers[2].amount.typical == 16
    assert found.drivers[2].path == "experiments.training_infrastructure.memory"


def test_what_is_left_out_is_an_assumption_with_a_range() -> None:
    """A default counts, marked, between half and double of it; what is written does not spread."""
    found = estimate(canvas("serving: {volume: {predictions: 1000000}}"), book="generic")
    servers, traffic = found.row("serving.servers"), found.row("serving.traffic")

    assert servers.assumed
    size = next(driver for driver in traffic.drivers if "request_size" in driver.path)
    assert (size.amount.low, size.amount.high) == (size.amount.typical / 2, size.amount.typical * 2)
    predictions = next(driver for driver in traffic.drivers if driver.path.endswith("predictions"))
    assert predictions.amount.sure
    assert not predictions.assumed


def test_what_nobody_answered_is_in_no_sum() -> None:
    """An empty canvas costs nothing; what would cost stands beside the estimate."""
    found = estimate(canvas(""))

    assert found.rows == ()
    assert found.total.monthly.high == found.first_year.p90 == 0
    assert "experiments.training_infrastructure" in {row.question for row in found.open}


def test_what_is_set_aside_costs_nothing() -> None:
    """A question that does not apply has no row at all."""
    text = f"{TRAINING}\ndecisions: {{experiments.training_infrastructure: {{status: not applicable}}}}"
    found = estimate(canvas(text))

    assert not [row for row in (*found.rows, *found.open) if row.block == "experiments"]


def test_the_place_chooses_the_price_book() -> None:
    """Pipelines in a cloud are paid by its list; models in its objects, too, wherever pipelines run."""
    location = (
        "pipelines: {location: {where: cloud azure}}\nregistry: {storage: {versions_kept: 10, version_size: 1GB}}"
    )
    objects = "data: {storage: {objects: 's3://bucket/x'}}"

    found = estimate(canvas(f"{location}\n{objects}"))

    assert found.row("pipelines.host").price.id == "azure.d2_v2_linux_hour"
    assert found.row("registry.storage").price.id == "aws.s3_standard_gb_month"
    assert found.row("registry.storage").cost.typical == Decimal("0.23")


def test_own_prices_are_laid_over_the_shipped_ones() -> None:
    """A file of the user's own changes a price, adds a rate and a book; what it does not name stays."""
    own = """
rates: {JPY: {value: 150, date: 2026-11, source: our bank}}
prices: {lab.hour: {value: 0.5, unit: core hour, date: 2026-11, source: the lab}}
books: {lab: {title: our lab, core_hour: {price: lab.hour}}}
"""
    found = estimate(canvas(TRAINING, currency="JPY"), book="lab", prices=own)

    assert found.book == "our lab"
    assert found.row("experiments.compute").cost.typical == Decimal(1500)
    assert found.row("experiments.compute").price.source == "the lab"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("prices: {a.b: {value: -3}}", "a.b is -3"),
        ("prices: {a.b: {low: 3, high: 1}}", "not in order"),
        ("prices: {a.b: soon}", "no mapping"),
        ("price: {}", "unknown"),
        ("rates: [1]", "no mapping"),
        ("prices: {a.b: {value: .nan}}", "a.b is nan"),
        ("prices: {a.b: {value: 1, confidence: total}}", "confidence"),
        ("a: [", "prices.yaml:2"),
    ],
)
def test_own_prices_that_are_no_prices(own: str, said: str) -> None:
    """What cannot be a price is told in a sentence, not taken."""
    text = f"{own}\nbooks: {{lab: {{core_hour: {{price: a.b}}}}}}" if own.startswith("prices") else own
    with pytest.raises(BadInput, match=said):
        estimate(canvas(TRAINING), book="lab" if own.startswith("prices") else None, prices=text)


def test_a_currency_without_a_rate_is_refused_with_the_way_out() -> None:
    """Nobody guesses an exchange rate."""
    with pytest.raises(BadInput, match=r"rates: \{XTS"):
        estimate(canvas(TRAINING, currency="XTS"))


def test_a_converted_price_tells_its_rate() -> None:
    """Between dollars and euros stands a dated rate, and the trace has it; a price of the market itself needs none."""
    found = estimate(canvas(f"{TRAINING}\n{LABELS}", currency="EUR"), book="aws")

    assert "USD at 0.82" in str(found.row("experiments.compute").price.note)
    assert found.row("experiments.people").price.note is None


def test_an_unknown_book_model_or_row() -> None:
    """Each is named with what there is."""
    text = f"{TRAINING}\nmodels: {{delay: {{serving.volume: {{predictions: 5}}}}}}"
    with pytest.raises(NotFound, match="aws"):
        estimate(canvas(TRAINING), book="awz")
    with pytest.raises(NotFound, match="delay"):
        estimate(canvas(text), model="delya")
    with pytest.raises(NotFound, match=r"experiments\.people"):
        estimate(canvas(text)).row("experiments.peeple")


def test_a_model_has_its_own_estimate() -> None:
    """The volume of one model is its own; the trace names the model."""
    text = "serving: {volume: {predictions: 10}}\nmodels: {delay: {serving.volume: {predictions: 5000000}}}"
    common, own = (estimate(canvas(text), model=model, book="aws") for model in (None, "delay"))

    assert common.row("serving.traffic").drivers[0].amount.typical == 10
    assert own.row("serving.traffic").drivers[0].amount.typical == 5_000_000
    assert "model delay" in own.row("serving.traffic").drivers[0].origin


def test_absurd_figures_are_reckoned(flights: str) -> None:
    """As much of everything as can be written has a sum, and nothing of it has none."""
    text = """
value: {payoff: {outcomes: [{predicted: true, actual: true, worth: 0.000001}], decisions_per_month: 1000000000000000}}
data:
  sources: [{name: a, ownership: paid, size: 1000PB, growth: 999PB, price: 999999999}]
  version_method: {level: 1, versions_kept: 1000000000000000}
  labelling: {needed: true, backlog: 1000000000000000, labels_per_item: 1000000000000000, price_per_label: 999999999}
experiments:
  training_infrastructure: {memory: 1000PB, gpus: 1000000000000000, gpu: quantum, time_per_run: 1000d}
serving: {volume: {predictions: 1000000000000000, per: hour}, distributed: {needed: true, replicas: 1000000000000000}}
dilemmas: {skills: {choice: hire, hires: 1000000000000000, salary: 999999999}}
"""
    found = estimate(canvas(text))

    assert found.total.monthly.p50 > Decimal(10) ** 23
    assert found.worth is not None
    assert all(total.monthly.p90 >= 0 for total in found.by("phase"))
    assert difference(found, estimate(loads(flights))).rows
    assert difference(found, estimate(canvas(text))).monthly.high == 0


def test_the_same_canvas_gives_the_same_percentiles(flights: str) -> None:
    """The simulation has a fixed seed."""
    first, second = (estimate(loads(flights)) for _ in range(2))

    assert first.to_dict() == second.to_dict()
    assert (
        first.first_year.low
        < first.first_year.p10
        < first.first_year.p50
        < first.first_year.p90
        < first.first_year.high
    )


@pytest.mark.parametrize("what", ["block", "area", "phase", "kind"])
def test_every_sum_adds_up_to_the_total(flights: str, what: str) -> None:
    """Low and high of the parts are low and high of the whole, to a cent a part."""
    found = estimate(loads(flights))

    for paid in ("monthly", "once"):
        for bound in ("low", "high"):
            parts = sum(getattr(getattr(total, paid), bound) for total in found.by(what))
            whole = getattr(getattr(found.total, paid), bound)
            assert abs(parts - whole) <= Decimal("0.06")


def test_one_tool_for_several_blocks_is_set_up_once() -> None:
    """Two blocks served by one tool share its set-up; two tools do not."""
    one, two = (
        estimate(
            canvas(
                "dilemmas: {tooling: [{block: features, choice: embedded, tool: a},"
                f" {{block: serving, choice: embedded, tool: {tool}}}]}}"
            )
        )
        for tool in ("a", "b")
    )

    setup = [sum(row.cost.typical for row in found.rows if row.id.endswith(".setup")) for found in (one, two)]
    assert setup[1] == 2 * setup[0]


def test_value_against_cost() -> None:
    """The share of decisions that must end best to pay for a month; a payoff that brings nothing never pays."""
    payoff = "value: {payoff: {outcomes: [{predicted: true, actual: true, worth: %s}], decisions_per_month: 1000}}"
    skills = "dilemmas: {skills: {choice: hire, hires: 1, salary: 120000}}"

    gains, loses = (estimate(canvas(f"{payoff % worth}\n{skills}")).worth for worth in ("20", "-1"))

    assert gains is not None
    assert (gains.cost_per_decision, gains.break_even) == (Decimal(10), Decimal("0.5"))
    assert loses is not None
    assert loses.break_even is None


def test_a_difference_is_not_blurred_by_what_both_share() -> None:
    """Ten people more or less uncertain in both canvases leave a small exact change exact."""
    people = "experiments: {training_infrastructure: {people: 10}}"
    tool = "dilemmas: {tooling: [{block: features, choice: buy, tool: x, licences: %s, upkeep: 0}]}"

    found = difference(*(estimate(canvas(f"{people}\n{tool % fee}")) for fee in (100, 150)))

    assert found.monthly.p10 == found.monthly.p50 == found.monthly.p90 == Decimal("50.00")
    assert [(row.id, row.change) for row in found.rows] == [("features.licences", Decimal("50.00"))]
    assert found.before.p10 < found.before.p90


def test_one_uncertain_price_is_one_chance() -> None:
    """An unsure salary in two rows is as unsure as in one: the spread does not average out."""
    two = "[{block: features, choice: buy, upkeep: 4}, {block: serving, choice: buy, upkeep: 4}]"
    one = "[{block: features, choice: buy, upkeep: 8}]"
    spreads = [estimate(canvas(f"dilemmas: {{tooling: {tooling}}}")).total.monthly for tooling in (one, two)]

    assert spreads[0].p10 < spreads[0].p90
    assert abs(spreads[0].p10 - spreads[1].p10) + abs(spreads[0].p90 - spreads[1].p90) <= Decimal("0.02")


def test_different_currencies_are_not_compared() -> None:
    """Euros are not subtracted from dollars."""
    with pytest.raises(BadInput, match="EUR"):
        difference(estimate(canvas(LABELS)), estimate(canvas(LABELS, currency="EUR")))


@pytest.mark.parametrize("book", ["generic", "aws", "gcp", "azure", "on-premises"])
def test_every_book_prices_a_full_canvas(flights: str, book: str) -> None:
    """No book lacks a need that a full canvas has, nor a date or a source for it."""
    found = estimate(loads(flights), book=book)

    assert all(row.price.date and row.price.source for row in found.rows)
    assert found.total.monthly.p50 > 0


COSTLY = [
    "data.sources",
    "data.labelling",
    "data.version_method",
    "experiments.training_infrastructure",
    "features.infrastructure",
    "features.databases",
    "foundations.ci_cd",
    "foundations.version_control",
    "pipelines.retraining",
    "pipelines.distributed_training",
    "pipelines.location",
    "registry.storage",
    "deployment.target",
    "deployment.strategy",
    "serving.mode",
    "serving.distributed",
    "serving.accelerators",
    "serving.volume",
    "metadata.store",
    "dilemma.tooling",
    "dilemma.skills",
    "value.payoff",
]


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_canvas_is_too_absurd(data: st.DataObject, answering: Callable[[str], st.SearchStrategy[Any]]) -> None:
    """Whatever is answered, bounds are in order and nothing fails."""
    blocks: dict[str, dict[str, Any]] = {}
    for question in data.draw(st.lists(st.sampled_from(COSTLY), unique=True, max_size=8)):
        block, _, key = question.partition(".")
        blocks.setdefault("dilemmas" if block == "dilemma" else block, {})[key] = data.draw(answering(question))
    try:
        found_canvas = canvas("\n".join(f"{block}: {inline(answers)}" for block, answers in blocks.items()))
    except BadInput:
        return

    found: Estimate = estimate(found_canvas)

    for row in (*found.rows, *found.open):
        assert row.block in BLOCKS
        assert row.cost.low <= row.cost.typical <= row.cost.high
    found.to_dict()
