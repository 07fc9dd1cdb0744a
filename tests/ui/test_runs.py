"""The pages of runs: filtered, sorted, paged, beside each other."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

from stackcanvas.experiments import Experiments, Metric
from stackcanvas.experiments.tables import experiment
from stackcanvas.stack import Stack
from stackcanvas.testing.asgi import Client
from tests.ui.test_site import HTML, page


@pytest.fixture
def ids(stack: Stack) -> list[str]:
    """Sixty runs of two experiments; one with a strange name, one inside another, one that runs another again."""
    made: list[str] = []
    for number in range(60):
        name = "churn" if number % 3 else "delay"
        given = {"depth": number % 5, "kind": "ab"[number % 2]}
        with stack.experiments.run(name, name=f"run {number}", parameters=given) as run:
            run.log({"auc": number / 100, "deep/loss`": 1.0})
            run.log({"auc": number / 100}, step=1)
            if number == 59:
                run.log_artifact("plots/a b.txt", "x")
                with stack.experiments.run(name, name="<i>inside</i>", tags={"stackcanvas.reproduces": made[0]}):
                    pass
        made.append(run.id)
    return made


def test_runs_are_filtered_sorted_and_paged(pages: Client, ids: list[str]) -> None:
    """Page after page each run comes once, in order; the head of a column turns the order around."""
    address: str | None = "/runs?" + urlencode({"filter": "metrics.auc < 0.59", "order": "metrics.`auc` desc"})
    seen: list[str] = []
    while address:
        path, _, query = address.partition("?")
        told = pages.get(f"{path}.json?{query}").json()
        seen += [row["id"] for row in told["rows"]]
        assert told["count"] == 59
        address = told["after"]
    assert seen == ids[:59][::-1]

    first = page(pages.get("/runs?order=metrics.%60auc%60%20desc", headers=HTML))
    assert "descending" in list(first.all("th", "aria-sort"))
    turned = [link for link in first.all("a", "href") if "auc" in link and "asc" in link]
    assert "run 0" in page(pages.get(turned[0], headers=HTML)).text
    assert "run 59" not in page(pages.get(turned[0], headers=HTML)).text
    chosen = pages.get("/runs.json?experiment=delay").json()
    assert (chosen["count"], chosen["experiments"]) == (20, ["churn", "delay"])


def test_an_experiment_is_found_by_its_number(pages: Client, stack: Stack, ids: list[str]) -> None:
    """As MLflow's clients name it; a number that there is none of is said."""
    number = stack.experiments.get(ids[1]).experiment_id
    told = pages.get(f"/runs.json?experiment_id={number}").json()
    assert (told["count"], told["experiment"]) == (41, "churn")
    assert "99" in pages.get("/runs.json?experiment_id=99").json()["wrong"]


def test_runs_are_drawn_across_their_parameters(pages: Client, ids: list[str]) -> None:
    """An axis for each that varies, numbers and words; the metric of the order is the last."""
    found = page(pages.get("/runs?order=metrics.auc%20desc", headers=HTML))

    (label,) = [text for text in found.all("svg", "aria-label") if "runs across" in text]
    assert "50 runs across" in label
    assert "depth from 0 to 4" in label
    assert "kind from a to b" in label
    assert label.endswith("auc from 0.1 to 0.59")
    assert "the highest quarter of auc stands out" in found.text
    turned = page(pages.get("/runs?order=metrics.auc%20asc", headers=HTML))
    assert "the lowest quarter of auc stands out" in turned.text


def test_picked_runs_stand_beside_each_other(pages: Client, ids: list[str]) -> None:
    """With their curves and what differs."""
    found = page(pages.get(f"/runs/compare?run={ids[1]}&run={ids[2]}", headers=HTML))

    assert any("auc, from 0.01 to 0.02" in text for text in found.all("svg", "aria-label"))
    assert "parameter.depth" in found.text
    assert "2 runs compared" in found.text
    drawn = pages.get(f"/runs/compare?run={ids[1]}&run={ids[2]}", headers=HTML).body.decode()
    assert drawn.count("parallel__line--3") == 1, "the better one stands out"
    assert "Pick two or more" in page(pages.get("/runs/compare", headers=HTML)).text
    assert pages.get(f"/runs/compare?run={ids[1]}&run=nothing", headers=HTML).status == 404


def test_of_many_metrics_only_those_are_read_that_are_drawn(
    stack: Stack, pages: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve of two runs; a run that logged thousands is a page like another."""
    made = []
    for _ in range(2):
        with stack.experiments.run("wide") as run:
            for step in range(2):
                run.log({f"m{number}": step for number in range(150)}, step=step)
        made.append(run.id)
    read: list[str] = []
    real = type(stack.experiments).outline

    def outline(experiments: Experiments, run_id: str, key: str) -> list[Metric]:
        read.append(key)
        return real(experiments, run_id, key)

    monkeypatch.setattr(type(stack.experiments), "outline", outline)
    told = pages.get(f"/runs/compare?run={made[0]}&run={made[1]}", headers=HTML).body.decode()
    assert told.count('class="chart"') == 12
    assert len(read) == 24


def test_a_run_leads_to_what_belongs_to_it(pages: Client, ids: list[str]) -> None:
    """Runs inside it, runs that repeat it, its files; names are text, never markup."""
    outer, first = (page(pages.get(f"/runs/{run_id}", headers=HTML)) for run_id in (ids[59], ids[0]))

    assert "<i>inside</i>" in outer.text
    assert "Runs inside" in outer.text
    assert "Run again" in first.text
    (file,) = [link for link in outer.all("a", "href") if "artifacts" in link]
    assert pages.get(file).body == b"x"
    (inside,) = [link for link in first.all("a", "href") if link.startswith("/runs/") and ".json" not in link]
    assert {f"/runs/{ids[59]}", f"/runs/{ids[0]}"} <= set(page(pages.get(inside, headers=HTML)).all("a", "href"))


def test_the_room_shows_the_newest_of_many_experiments(stack: Stack, pages: Client) -> None:
    """And leads to all of them."""
    now = stack.spine.clock.now()
    rows = [
        {"name": f"many {n:03}", "lifecycle": "active", "created": now, "updated": now, "id": 100 + n}
        for n in range(201)
    ]
    with stack.spine.write() as tx:
        tx.execute(experiment.insert(), rows)

    told = page(pages.get("/blocks/experiments", headers=HTML)).text
    assert "all 201 experiments" in told
    assert "many 200" in told
    assert "many 000" not in told


def test_a_parameter_of_megabytes_does_not_make_such_a_page(stack: Stack, pages: Client) -> None:
    """A page shows its beginning; the run as JSON has all of it."""
    with stack.experiments.run("long", parameters={"words": "x" * 300_000}, tags={"note": "y" * 300_000}) as run:
        pass

    told = pages.get(f"/runs/{run.id}", headers=HTML)
    assert len(told.body) < 50_000
    assert "x" * 1_999 + "…" in told.body.decode()
    assert pages.get(f"/api/v1/runs/{run.id}").json()["parameters"]["words"] == "x" * 300_000


@pytest.mark.parametrize(
    "query",
    [
        "filter=nonsense",
        "filter=metrics.auc",
        "order=up",
        "experiment=nothing",
        "filter=" + quote("'; DROP TABLE run"),
        "filter=" + quote("<script>"),
    ],
)
def test_a_filter_that_cannot_be_read_stays_to_be_mended(pages: Client, ids: list[str], query: str) -> None:
    """The page says why, and keeps what was written."""
    found = page(pages.get(f"/runs?{query}", headers=HTML))

    assert "alert" in list(found.all("p", "role"))
    assert sum(tag == "script" for tag, _ in found.elements) == 2


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30])
def test_a_page_that_is_none_is_refused(pages: Client, number: str) -> None:
    """Far pages are empty."""
    assert pages.get(f"/runs?page={number}", headers=HTML).status == 400
    assert pages.get("/runs?page=999999", headers=HTML).status == 200


def test_runs_are_files(pages: Client, ids: list[str]) -> None:
    """As the page offers them."""
    told = pages.get("/runs.json?experiment=delay&order=metrics.auc").json()
    lines = pages.get(told["csv"]).text.splitlines()

    assert len(lines) == 21
    assert lines[0].startswith("id,experiment,name")
    assert pages.get(told["arrow"]).body.startswith(b"ARROW1")
