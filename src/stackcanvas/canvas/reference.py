"""The reference of canvas.yaml as Markdown, made from the types and the questions, so that it cannot fall behind."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from stackcanvas.canvas import paths, render, urls
from stackcanvas.canvas.blocks import DEFAULTS
from stackcanvas.canvas.events import EVENTS, SUBJECTS
from stackcanvas.canvas.project import Decision, Project
from stackcanvas.canvas.questions import BLOCKS, CREDIT, PHASES, QUESTIONS, Block, Question
from stackcanvas.canvas.shape import Field, Shape, listed, shape_of_model

_HEAD = """\
# canvas.yaml

<!-- Made by stackcanvas.canvas.reference; do not edit by hand. -->

One file holds the answers of the MLOps Stack Canvas and configures the stack. Every question may stay unanswered; what
is answered must be right, and all mistakes are told at once, each as `canvas.yaml:LINE:COLUMN`. The
[canvas of the flights example](../../src/stackcanvas/examples/flights/canvas.yaml) answers every question.

```yaml
stackcanvas: 1          # the version of this format
project: {name: churn}
data:                   # one mapping for each block; its keys are the questions
  versioning: mandatory
decisions:              # why, by whom and when, by question
  data.versioning: {why: the auditor asks for it, owner: Ada, decided: 2026-11-23}
models:                 # answers that differ by model
  churn:
    deployment.strategy: {kind: canary, steps: [10%%, 100%%], every: 1h}
environments:           # addresses, replicas and policies that differ by environment
  production:
    metadata.store.url: ${STACK_DATABASE_URL}
```

## How values are written

The file is YAML 1.2 (core schema): `true` and `false` are the only booleans, so `on`, `yes` and `no` are text; `012` is
twelve; a key that stands twice is an error; anchors and aliases may be used, merge keys (`<<`) and tags may not.

%s
A number that drives cost has a unit; where it is left out, its default counts as an assumption.
"""

_VALUES = (
    ("length of time", "a number and us, ms, s, m, h, d or w", "`500ms`, `30s`, `15m`, `2h`, `7d`"),
    ("size", "a number and B, KB, MB, GB, TB or PB (powers of 1000)", "`250MB`, `1.5GB`"),
    ("", "a number and KiB, MiB, GiB, TiB or PiB (powers of 1024)", "`64KiB`"),
    ("percentage", "a number and %", "`10%`, `0.5%`"),
    ("money", "a number, in the currency of the project", "`12.50`, `-3`"),
    ("day", "year, month and day", "`2026-11-23`"),
    ("schedule", "five fields: minute, hour, day, month, weekday", "`0 3 * * 1`"),
    ("event", "an event, and the subject that it must happen to", "`drift.found deployment:delay`"),
    ("address", "a path relative to the canvas, or a URL", "`.stackcanvas/objects`, `s3://bucket/raw`"),
    ("", "`${NAME}` is filled from the environment and never shown", "`postgresql://stack:${PASSWORD}@db/stack`"),
)


def markdown() -> str:
    """The whole page.

    Example:
        >>> markdown().splitlines()[0]
        '# canvas.yaml'
    """
    values = _table(("value", "written as", "examples"), _VALUES)
    parts = [_HEAD % values, _events(), _addresses(), _environments(), _header()]
    parts += [_block(block) for block in BLOCKS.values()]
    parts.append(f"## Credit\n\n{CREDIT}.\n")
    return "\n".join(parts)


def _events() -> str:
    known = ", ".join(f"`{name}`" for name in EVENTS)
    kinds = ", ".join(f"`{kind}:NAME`" for kind in SUBJECTS)
    return f"Events: {known}, and `external.NAME`. Subjects: {kinds}.\n"


def _addresses() -> str:
    rows = []
    for question in QUESTIONS.values():
        for name, field in flattened(question.shape):
            if field.shape.role is not None:
                schemes = ", ".join(f"`{scheme}:`" for scheme in urls.ROLES[field.shape.role])
                rows.append((f"`{question.id}`", f"`{name}`", schemes, _default(field)))
    table = _table(("question", "field", "schemes", "default"), rows)
    return f"## Addresses\n\nThe first scheme is the embedded one, or the one that needs nothing.\n\n{table}"


def _environments() -> str:
    known = ", ".join(f"`{path}`" for path in paths.environment_paths())
    return f"## What an environment may change\n\nAddresses, replicas and policies: {known}.\n"


def _header() -> str:
    project, decision = (_fields(shape_of_model(model)) for model in (Project, Decision))
    return (
        f"## project\n\nThe header of the canvas.\n\n{project}\n"
        f"## decisions\n\nBy question: why the answer is what it is.\n\n{decision}"
    )


def _block(block: Block) -> str:
    number = f"{block.number}. " if block.number else ""
    own = " Its answers may differ by model." if block.per_model else ""
    questions = "\n".join(_question(question) for question in block.questions)
    return f"## {number}{block.title}\n\n{block.hint}{own}\n\n{questions}"


def _question(question: Question) -> str:
    phases = ", ".join(PHASES[phase] for phase in question.phases)
    lines = [
        f"### `{question.id}`",
        "",
        f"**{question.title}** {question.help}",
        "",
        f"- Write: {question.shape.expected}",
        f"- Configures: {question.configures}",
        f"- Evidence: {question.evidence}",
        f"- Matters from: {question.level}; in {phases}",
    ]
    if question.has_default:
        lines.append(f"- When unanswered: `{render.inline(DEFAULTS[question.id])}`")
    lines += ["", "```yaml", *render.entry(question.key, question.example), "```"]
    return "\n".join(lines) + "\n" + (f"\n{_fields(question.shape)}" if _has_fields(question.shape) else "")


def _has_fields(shape: Shape) -> bool:
    return any(True for _ in flattened(shape))


def _fields(shape: Shape) -> str:
    rows = [
        (f"`{name}`", _written(field), _default(field), _code(field.shape.example), _meaning(field))
        for name, field in flattened(shape)
    ]
    return _table(("field", "write", "default", "example", "meaning"), rows)


def flattened(shape: Shape, prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Every field of an answer with its path: `outcomes[].worth`, `(canary) steps`."""
    if shape.items is not None:
        yield from flattened(shape.items, f"{prefix}[]." if shape.kind == "list" else f"{prefix}.NAME.")
    for tag, variant in shape.variants.items():
        yield from flattened(variant, f"{prefix}({tag}) ")
    for field in shape.fields:
        name = f"{prefix}{field.name}"
        yield name, field
        inner = field.shape
        joint = name if inner.kind in {"list", "names"} else f"{name}."
        yield from flattened(inner, joint)


def _written(field: Field) -> str:
    return f"one of {_codes(field.shape.choices)}" if field.shape.choices else field.shape.expected


def _default(field: Field) -> str:
    if field.required:
        return "required"
    if field.default is None:
        return "none"
    return _code(field.default if isinstance(field.default, str) else render.inline(field.default))


def _meaning(field: Field) -> str:
    return f"{field.help} Drives cost: {field.unit}." if field.unit else field.help


def _codes(values: Iterable[object]) -> str:
    return ", ".join(f"`{listed([value])}`" for value in values)


def _code(text: str) -> str:
    return f"`{text}`"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(heads), line("---" for _ in heads), *(line(row) for row in rows)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
