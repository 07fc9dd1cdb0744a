"""What holds for one model in one environment, and where each value comes from."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from stackcanvas.canvas import QUESTION_IDS, loads
from stackcanvas.errors import BadInput, BadInputs, NotFound

TEXT = """\
stackcanvas: 1
project: {name: Churn, maturity: {now: tactical}}
features:
  databases: {online_size: 1GB}
deployment:
  strategy: {kind: blue-green, keep: 2h}
serving:
  distributed: {needed: true, replicas: 2}
decisions:
  data.labelling: {status: not applicable, why: outcomes come by themselves}
models:
  churn:
    deployment.strategy: {kind: canary, every: 1h}
    serving.distributed: {needed: true, replicas: 4}
environments:
  production:
    serving.distributed.replicas: 8
    features.databases.online: ${REDIS_URL}
    metadata.store.url: postgresql://stack:${PASSWORD}@db/stack
  test:
    deployment.strategy: {kind: recreate}
"""


def test_answers_by_question_and_part() -> None:
    """Typed, and None where nothing is answered."""
    canvas = loads(TEXT)

    assert canvas.get("serving.distributed").replicas == 2
    assert canvas.get("deployment.strategy.keep") == timedelta(hours=2)
    assert canvas.answers.features.databases is not None
    assert canvas.answers.features.databases.online_size == 10**9
    assert canvas.get("data.storage") is None
    assert canvas.get("data.storage.objects") is None


@pytest.mark.parametrize("path", ["data.stroage", "data", "", "data.storage.x.y", "serving.distributed.replica"])
def test_an_unknown_question_or_part_is_not_found(path: str) -> None:
    """With the nearest name where there is one."""
    canvas = loads(TEXT + "data: {storage: {}}\n")
    with pytest.raises(NotFound):
        canvas.get(path)


def test_answered_and_unanswered() -> None:
    """What was set aside is neither."""
    canvas = loads(TEXT)

    assert canvas.answered == ("features.databases", "deployment.strategy", "serving.distributed")
    assert canvas.not_applicable == ("data.labelling",)
    assert len(canvas.unanswered) == len(QUESTION_IDS) - 4


def test_defaults_hold_where_nothing_is_answered() -> None:
    """The stack runs on an empty canvas."""
    effective = loads(TEXT).effective()

    assert str(effective.get("metadata.store.url")) == "sqlite:///.stackcanvas/metadata.db"
    assert str(effective.get("data.storage.objects")) == ".stackcanvas/objects"
    assert effective.answers.monitoring.skew is not None
    assert effective.get("value.goal") is None
    assert str(effective.origin("metadata.store.url")) == "default"
    assert str(effective.origin("value.goal")) == "none"


@pytest.mark.parametrize(
    ("model", "environment", "kind", "replicas", "origin"),
    [
        (None, None, "blue-green", 2, "canvas.yaml:8:41"),
        ("churn", None, "canary", 4, "canvas.yaml:14:51 (model churn)"),
        ("other", None, "blue-green", 2, "canvas.yaml:8:41"),
        (None, "production", "blue-green", 8, "canvas.yaml:17:35 (environment production)"),
        ("churn", "production", "canary", 8, "canvas.yaml:17:35 (environment production)"),
        ("churn", "test", "recreate", 4, "canvas.yaml:14:51 (model churn)"),
    ],
)
def test_an_environment_covers_a_model_and_a_model_the_canvas(
    model: str | None, environment: str | None, kind: str, replicas: int, origin: str
) -> None:
    """Each value tells where it comes from."""
    effective = loads(TEXT).effective(model=model, environment=environment)

    assert effective.get("deployment.strategy").kind == kind
    assert effective.get("serving.distributed").replicas == replicas
    assert str(effective.origin("serving.distributed.replicas")) == origin


def test_a_part_that_is_not_written_comes_from_the_default() -> None:
    """Within an answer as well."""
    effective = loads(TEXT).effective()

    assert str(effective.origin("features.databases")) == "canvas.yaml:4:14"
    assert str(effective.origin("features.databases.online_size")) == "canvas.yaml:4:28"
    assert str(effective.origin("features.databases.online")) == "default"


def test_an_environment_changes_one_part_and_keeps_the_others() -> None:
    """Only what stands at the path is replaced."""
    effective = loads(TEXT).effective(environment="production")

    assert effective.get("features.databases").online_size == 10**9
    assert str(effective.get("features.databases.online")) == "${REDIS_URL}"


def test_addresses_are_resolved_with_the_environment_s_own() -> None:
    """`${NAME}` from the mapping that is passed, relative to the environment that is asked for."""
    canvas = loads(TEXT)
    environ = {"PASSWORD": "geheim", "REDIS_URL": "redis://cache:6379"}

    assert canvas.resolve("metadata.store.url", environ) == "sqlite:///.stackcanvas/metadata.db"
    found = canvas.resolve("metadata.store.url", environ, environment="production")
    assert found == "postgresql://stack:geheim@db/stack"
    assert canvas.resolve("registry.storage.url", environ) is None
    with pytest.raises(BadInput, match=r"canvas\.yaml:18:32: the environment has no REDIS_URL"):
        canvas.resolve("features.databases.online", {}, environment="production")
    with pytest.raises(NotFound):
        canvas.resolve("serving.distributed", environ)


def test_an_unknown_environment_is_not_found() -> None:
    """With the nearest name."""
    with pytest.raises(NotFound, match="production"):
        loads(TEXT).effective(environment="prodution")


def test_an_environment_is_checked_against_every_model() -> None:
    """A change that fits the common answer but not a model's is told."""
    text = TEXT.replace("    serving.distributed.replicas: 8\n", "    serving.distributed.replicas: 0\n")

    with pytest.raises(BadInputs) as refused:
        loads(text)
    assert [error.where for error in refused.value.errors] == ["canvas.yaml:17:35"]


def test_the_digest_follows_what_is_said_not_how() -> None:
    """Comments, order and style do not change it; an answer does."""
    first = loads("stackcanvas: 1\nproject: {name: x}\ndata: {versioning: optional, storage: {lake: a}}\n")
    same = loads(
        "# note\ndata:\n  storage:\n    lake: 'a'\n  versioning: optional\nproject: {name: x}\nstackcanvas: 1\n"
    )
    other = loads("stackcanvas: 1\nproject: {name: x}\ndata: {versioning: mandatory, storage: {lake: a}}\n")

    assert first.digest == same.digest != other.digest


def test_the_plain_form_holds_what_is_answered(flights: str) -> None:
    """As JSON and YAML write it."""
    plain = loads(flights).to_dict()

    assert plain["deployment"]["strategy"]["steps"] == ["10%", "50%", "100%"]
    assert plain["value"]["positioning"]["for"].startswith("the passenger care")
    assert plain["value"]["payoff"]["outcomes"][0]["worth"] == 14
    assert plain["serving"]["log"]["keep"] == "365d"
    assert plain["environments"]["production"]["metadata.store.url"] == "${STACK_DATABASE_URL}"


def test_the_plain_form_is_a_canvas_again(flights: str) -> None:
    """Nothing that was answered is lost."""
    canvas = loads(flights)

    again = loads(json.dumps(canvas.to_dict()))

    assert again.answers == canvas.answers
    assert again.decisions == canvas.decisions
    assert again.project == canvas.project
    assert again.environments == canvas.environments


def test_the_plain_form_of_models_and_environments() -> None:
    """Overrides as they were written, passwords masked."""
    plain = loads(TEXT.replace("${PASSWORD}", "geheim")).to_dict()

    assert plain["models"]["churn"]["deployment.strategy"] == {"kind": "canary", "every": "1h"}
    assert plain["environments"]["production"]["metadata.store.url"] == "postgresql://stack:***@db/stack"
    assert "geheim" not in repr(plain)


def test_the_effective_answers_in_plain_form() -> None:
    """Each question with its answer and origin."""
    plain = loads(TEXT).effective(model="churn").to_dict()

    assert plain["serving.distributed"] == {
        "answer": {"needed": True, "replicas": 4},
        "origin": "canvas.yaml:14:26 (model churn)",
    }
    assert plain["value.goal"] == {"answer": None, "origin": "none"}
    assert list(plain) == list(QUESTION_IDS)
