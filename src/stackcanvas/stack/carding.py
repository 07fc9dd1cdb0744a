"""The card of a model version: what the records of all blocks say of it, as Markdown or as a page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import NotFound

if TYPE_CHECKING:
    from stackcanvas.registry import ModelVersion
    from stackcanvas.stack.stack import Stack

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with sentences, and a table where there is one."""

    title: str
    text: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: Rows = ()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model version."""

    title: str
    parts: tuple[Part, ...]

    def markdown(self) -> str:
        """The card as a file for the repository."""
        lines = [f"# {_plain(self.title)}", ""]
        for part in self.parts:
            lines += [f"## {part.title}", ""]
            for sentence in part.text:
                lines += [_plain(sentence), ""]
            if part.rows:
                lines.append("| " + " | ".join(part.columns) + " |")
                lines.append("|" + "---|" * len(part.columns))
                lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in part.rows]
                lines.append("")
        return "\n".join(lines).rstrip() + "\n"

    def html(self) -> str:
        """The card as a page that stands alone."""
        body = [f"<h1>{html.escape(self.title)}</h1>"]
        for part in self.parts:
            body.append(f"<h2>{html.escape(part.title)}</h2>")
            body += [f"<p>{html.escape(sentence)}</p>" for sentence in part.text]
            if part.rows:
                head = "".join(f"<th>{html.escape(name)}</th>" for name in part.columns)
                rows = ("".join(f"<td>{html.escape(value)}</td>" for value in row) for row in part.rows)
                body.append(f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>")
        return _PAGE.format(title=html.escape(self.title), body="\n".join(body))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse }}
td, th {{ border: 1px solid #ccc; padding: .2rem .6rem; text-align: left; vertical-align: top }}
</style></head><body>
{body}
</body></html>
"""


def model_card(stack: Stack, ref: str) -> ModelCard:
    """Put the card of a version together; equal records give an equal card.

    Raises:
        NotFound: there is no such version.
    """
    version = stack.registry.get(ref)
    parts = [
        Part("In short", tuple(_short(stack, version))),
        Part("Intended use", tuple(_use(stack, version))),
        _metrics(version),
        _gate(version),
        _data(stack, version),
        _columns(
            "What it takes",
            [(one.name, one.dtype, "yes" if one.nullable else "no") for one in version.signature.inputs],
        ),
        _answers(version),
        Part("How it was made", (), ("", ""), _facts(_made(stack, version))),
        Part("Who agreed", (), ("what", "who", "when", "why"), _consents(stack, version)),
    ]
    title = f"{version.name} {version.version}"
    return ModelCard(title, tuple(part for part in parts if part.text or part.rows))


def _short(stack: Stack, version: ModelVersion) -> Iterable[str]:
    model = stack.registry.model(version.name)
    if model.description:
        yield model.description
    if version.message:
        yield version.message
    names = f", known as {', '.join(version.aliases)}" if version.aliases else ""
    yield (
        f"Version {version.number} of {version.name}{names}, registered by {version.actor} on "
        f"{_day(version.created)}, kept as {version.format}."
    )
    live = [status.endpoint for status in stack.deployment.ls() if status.live == version.ref]
    if live:
        yield f"It answers at {', '.join(live)}."


def _use(stack: Stack, version: ModelVersion) -> Iterable[str]:
    """What the canvas says that the model is for."""
    answers = stack.answers(version.name)
    positioning = answers.get("value.positioning")
    if positioning is not None:
        given = [("For", "for_"), ("who", "who"), ("it is", "category"), ("that", "benefit")]
        said = [f"{word} {value}" for word, name in given if (value := getattr(positioning, name, None))]
        if said:
            yield ", ".join(said) + "."
    regulation = getattr(answers.get("metadata.governance"), "regulation", None)
    if regulation:
        yield f"What applies: {regulation}."


def _metrics(version: ModelVersion) -> Part:
    rows = tuple((name, f"{value:.6g}") for name, value in sorted(version.metrics.items()))
    return Part("Measured", (), ("metric", "value"), rows)


def _gate(version: ModelVersion) -> Part:
    if version.gate is None:
        return Part("Gate", ("No gate was asked.",))
    said = "It passed the gate." if version.gate.passed else "It did not pass the gate."
    rows = tuple((check.metric, "kept" if check.passed else "broken", check.said) for check in version.gate.checks)
    return Part("Gate", (said,), ("metric", "rule", "finding"), rows)


def _data(stack: Stack, version: ModelVersion) -> Part:
    if version.training is None:
        return Part("Training data", ("No version of the training data is recorded.",))
    said = [f"Trained on {version.training}."]
    try:
        data = stack.data.get(version.training)
    except NotFound:
        return Part("Training data", tuple(said))
    if data.rows is not None:
        said.append(f"{data.rows:,} rows, {len(data.columns or ())} columns, committed on {_day(data.created)}.")
    return Part("Training data", tuple(said), ("digest",), ((data.digest,),))


def _columns(title: str, rows: Sequence[tuple[str, ...]]) -> Part:
    return Part(title, (), ("column", "type", "may be missing"), tuple(rows))


def _answers(version: ModelVersion) -> Part:
    rows = tuple(
        (one.name, one.dtype, " x ".join(map(str, one.shape)), ", ".join(map(str, one.classes)))
        for one in version.signature.outputs
    )
    return Part("What it gives", (), ("output", "type", "shape", "classes"), rows)


def _made(stack: Stack, version: ModelVersion) -> dict[str, Any]:
    run = None
    if version.run is not None:
        try:
            run = stack.experiments.get(version.run.name)
        except NotFound:
            run = None
    agreement = version.agreement
    return {
        "ref": version.ref,
        "digest": version.digest,
        "size": f"{version.size_bytes:,} bytes",
        "run": version.run,
        "experiment": run and run.experiment,
        "code": run and run.code.commit,
        "parameters": run and ", ".join(f"{name}={value}" for name, value in sorted(run.parameters.items())),
        "Python": version.environment.get("python"),
        "packages": ", ".join(version.environment.get("requirements", ())),
        "agreement": agreement and f"differs by at most {agreement.worst:.3g} on {agreement.rows:,} rows",
        "source": version.source,
    }


def _facts(given: dict[str, Any]) -> Rows:
    return tuple((name, str(value)) for name, value in given.items() if value not in {None, ""})


def _consents(stack: Stack, version: ModelVersion) -> Rows:
    return tuple((one.action, one.actor, _day(one.time), one.note) for one in stack.registry.consents.of(version.ref))


def _day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}"


def _plain(text: str) -> str:
    """A line of text that Markdown shows as it is."""
    shown = (letter for letter in " ".join(text.split()) if letter.isprintable())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|" else letter for letter in shown)


def _cell(text: str) -> str:
    return _plain(text)
