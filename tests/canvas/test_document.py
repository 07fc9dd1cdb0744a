"""A canvas is read whole: every mistake at once, each with its place and what would have been right."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import QUESTION_IDS, load, loads
from stackcanvas.errors import BadInputs, NotFound, Unavailable

HEAD = "stackcanvas: 1\nproject: {name: x}\n"

MISTAKES = """\
stackcanvas: 1
project:
  nme: Churn
  date: 23.11.2026
  regulated: yes
  currency: euro
  maturity: {now: strategy}
valeu: {}
value:
  persona: [buisness]
  owner: {name: Ada, email: ada}
  payoff:
    outcomes:
      - {predicted: true, actual: true, worth: "12"}
      - {predicted: [1], actual: true, worth: 12}
    threshold: 0.5
data:
  versioning: mandatroy
  versioning: optional
  sources:
    - {name: a, ownership: ownd, url: "htps://u:geheim@h/"}
    - {name: b}
  storage: s3://x
  version_method: {level: 4}
  labelling:
features:
  needed: yes
pipelines:
  retraining:
    - {pipeline: train, on: drift.fuond deployment:delay}
    - {pipeline: train, cron: "61 * * * *"}
    - {pipeline: train, cron: "1 * * * *", on: drift.found}
    - {pipeline: train, cron: "1 * * * *", timezone: Europe/Berlni}
  location: {where: moon, executor: "rya://x"}
  non_functional: [{requirement: fairness, measure: auc}]
deployment:
  strategy: {kind: canry, steps: [10%]}
  release_policy: {metric: auc}
  lead_time: 2 hours
serving:
  distributed: {needed: true, replicas: 0}
  pre_assertion: {rules: [{column: a, rule: range}]}
  fallback: {model: a, constant: {x: 1}}
  log: {drop: [a], hash: [a]}
models:
  delay:
    data.versioning: optional
    deployment.strategy: {kind: canary, steps: [50%, 10%, 100%]}
    depolyment.strategy: {}
  a:b: {}
environments:
  production:
    metadata.store: {}
    metadata.store.url: mysql://x
    metadata.stroe.url: sqlite:///x
    value.goal: x
decisions:
  data.versionning: {why: x}
  data.versioning: {status: closed, decided: 2026-13-01, who: me}
"""

FOUND = """\
3:3 name is missing
3:3 the key 'nme' is unknown -> name
4:9 '23.11.2026' is not a day
5:14 text stands here
6:13 'euro' is not a currency
7:19 'strategy' is not one of the answers -> strategic
8:1 the key 'valeu' is unknown -> value
10:13 'buisness' is not one of the answers -> business
11:29 'ada' is not an e-mail address
14:48 text stands here
15:21 a list stands here
16:16 the number 0.5 stands here
18:15 'mandatroy' is not one of the answers -> mandatory
19:3 the key 'versioning' stands here a second time
21:28 'ownd' is not one of the answers -> owned
21:39 the address begins with htps: -> https:
22:7 ownership is missing
23:12 text stands here
24:27 4 is not one of the answers
27:11 'yes' is not one of the answers
30:29 'drift.fuond' is not an event -> drift.found
31:31 '61 * * * *' is not a schedule (Bad minute)
32:7 a trigger has both cron and on
33:54 'Europe/Berlni' is not a time zone -> Europe/Berlin
34:21 'moon' is not a place
34:37 the address begins with rya: -> ray:
35:20 the requirement has no bound
37:20 'canry' is not one of the answers -> canary
38:19 by is missing
39:14 '2 hours' is not a length of time
41:41 0 is out of range
42:27 a range has neither min nor max
43:13 the fallback is a model and a constant
44:8 'a' is dropped and hashed
47:5 the answer of data.versioning is the same for all models
48:48 the steps do not rise
49:5 there is no question 'depolyment.strategy' -> deployment.strategy
50:3 the name 'a:b' cannot be used
53:5 an environment cannot change metadata.store
54:25 the address begins with mysql:
55:5 there is no question 'metadata.stroe.url' -> metadata.store.url
56:5 an environment cannot change value.goal
58:3 there is no question 'data.versionning' -> data.versioning
59:29 'closed' is not one of the answers
59:46 '2026-13-01' is not a day
59:58 the key 'who' is unknown -> why
"""


def test_every_mistake_is_told_at_once_with_its_place() -> None:
    """In the order of lines, each with the nearest word where there is one."""
    with pytest.raises(BadInputs) as refused:
        loads(MISTAKES)

    told = [
        f"{str(error.where).removeprefix('canvas.yaml:')} {error.what}"
        + (f" -> {error.fix.rsplit(' ', 1)[-1]}" if error.fix and error.fix.startswith("Perhaps") else "")
        for error in refused.value.errors
    ]
    assert told == FOUND.splitlines()
    assert all(error.expected for error in refused.value.errors)
    assert "geheim" not in str(refused.value)


def test_what_was_expected_is_told_in_words() -> None:
    """Choices, forms and ways out, not names of types."""
    with pytest.raises(BadInputs) as refused:
        loads(MISTAKES)
    expected = {str(error.where): (error.expected, error.fix) for error in refused.value.errors}

    assert expected["canvas.yaml:5:14"] == ("true or false", "Write true")
    assert expected["canvas.yaml:14:48"] == ("an amount of money such as 12.50 or -3", None)
    assert expected["canvas.yaml:16:16"] == ("a percentage such as 10% or 0.5%", None)
    assert expected["canvas.yaml:38:19"] == ("by: one of metrics, a/b test, bandit, hand", None)
    assert expected["canvas.yaml:53:5"] == ("one of metadata.store.url", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "canvas.yaml:1:1: the canvas is empty"),
        ("# nothing\n", "canvas.yaml:1:1: the canvas is empty"),
        ("- a\n", "canvas.yaml:1:1: the canvas is a list"),
        ("text", "canvas.yaml:1:1: the canvas is a single value"),
        ("project: {name: x}\n", "canvas.yaml:1:1: the key stackcanvas is missing"),
        ("stackcanvas: 1\n", "canvas.yaml:1:1: the key project is missing"),
        ("stackcanvas: 1\nproject:\n", "canvas.yaml:2:9: name is missing"),
        ("stackcanvas: 1\nproject: x\n", "canvas.yaml:2:10: text stands here"),
        ("stackcanvas: 2\nnew: 1\n", "canvas.yaml:1:14: the canvas is of a newer format"),
        ("stackcanvas: '1'\n", "canvas.yaml:1:14: the version of the format is unknown"),
        ("stackcanvas: true\n", "canvas.yaml:1:14: the version of the format is unknown"),
        (b"stackcanvas: 1\nproj\xc3\xa9: \xe9\n", "canvas.yaml:2:8: the file is not UTF-8"),
        (f"{HEAD}data: 3\n", "canvas.yaml:3:7: the number 3 stands here"),
        (f"{HEAD}models: [a]\n", "canvas.yaml:3:9: a list stands here"),
        (f"{HEAD}models: {{a: 3}}\n", "canvas.yaml:3:13: the number 3 stands here"),
        (f"{HEAD}environments: 3\n", "canvas.yaml:3:15: the number 3 stands here"),
        (f"{HEAD}decisions: {{data.versioning: 3}}\n", "canvas.yaml:3:30: the number 3 stands here"),
        (f"{HEAD}value: {{goal: '  '}}\n", "canvas.yaml:3:15: the text is empty"),
        (f'{HEAD}value: {{goal: "a\\0"}}\n', "canvas.yaml:3:15: the text holds a control character"),
        (f"{HEAD}value: {{persona: business}}\n", "canvas.yaml:3:18: text stands here"),
        (f"{HEAD}deployment: {{strategy: {{kind: [a]}}}}\n", "canvas.yaml:3:31: a list stands here"),
        (f"{HEAD}data: {{sources: [null]}}\n", "canvas.yaml:3:18: nothing stands here"),
        (f"{HEAD}monitoring: {{skew: {{bound: .nan}}}}\n", "canvas.yaml:3:28: the number is not finite"),
        (f"{HEAD}metadata: {{store: {{executions_per_month: 1{'0' * 60}}}}}\n", "canvas.yaml:3:42: 1000"),
    ],
)
def test_bad_documents(text: str | bytes, message: str) -> None:
    """One clear sentence each."""
    with pytest.raises(BadInputs) as refused:
        loads(text)

    assert str(refused.value).startswith(message)
    assert len(refused.value.errors) == 1


def test_an_empty_block_or_answer_is_unanswered() -> None:
    """A key that waits for its answer is no mistake."""
    canvas = loads(
        f"{HEAD}data:\nvalue: {{goal: }}\nmodels:\ndecisions: {{data.versioning: }}\nenvironments: {{test: }}\n"
    )

    assert canvas.answered == ()
    assert canvas.unanswered == QUESTION_IDS


def test_an_unanswered_question_is_never_an_error() -> None:
    """The shortest canvas is valid."""
    assert repr(loads(HEAD)) == f"Canvas('x', 0 of {len(QUESTION_IDS)} questions answered)"


def test_anchors_save_writing() -> None:
    """What two places share is written once; a mistake in it is told at the alias too."""
    canvas = loads(
        f"{HEAD}deployment: {{strategy: &slow {{kind: canary, every: 2h}}}}\n"
        "models: {a: {deployment.strategy: *slow}}\n"
    )

    assert canvas.models["a"]["deployment.strategy"] == canvas.answers.deployment.strategy


def test_files(tmp_path: Path) -> None:
    """The errors of files are those of this house."""
    with pytest.raises(NotFound, match=r"stackcanvas init"):
        load(tmp_path / "canvas.yaml")
    with pytest.raises(Unavailable):
        load(tmp_path)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 5_000_000)
    with pytest.raises(BadInputs, match="too large"):
        load(large)
    bom = tmp_path / "bom.yaml"
    bom.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert load(bom).path == bom


def test_errors_name_the_file(tmp_path: Path) -> None:
    """The place begins with the name of the file that was read."""
    file = tmp_path / "other.yaml"
    file.write_text(f"{HEAD}valeu: 1\n")

    with pytest.raises(BadInputs, match=r"^other\.yaml:3:1: "):
        load(file)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9), changes=st.integers(1, 12))
def test_a_damaged_canvas_is_read_or_refused(flights: str, seed: int, changes: int) -> None:
    """Characters lost, doubled or replaced anywhere: a canvas or sentences with places, nothing else."""
    chance = random.Random(seed)
    text = list(flights)
    for _ in range(changes):
        at = chance.randrange(len(text))
        text[at] = chance.choice(
            ["", text[at] * 2, " ", "\n", ":", "-", "[", "}", "'", "#", "&", "*", "!", "%", "\t", "0", "~"]
        )
    with suppress(BadInputs):
        loads("".join(text)).effective(model="delay")
