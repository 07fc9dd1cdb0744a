"""`canvas ask`: the interview in the terminal; every answer is written at once, so one can stop at any time."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, output_options, wants_json
from stackcanvas.cli.project import canvas_file
from stackcanvas.errors import NotFound

if TYPE_CHECKING:
    from stackcanvas.canvas import Canvas
    from stackcanvas.canvas.ask import Item, Prompt

_ASK = "stackcanvas.canvas.ask"
_BACK, _SKIP, _STOP, _HELP = {"<", "back"}, {"skip"}, {"stop", "quit", "exit"}, {"?", "help"}
_WIDTH = 88


@click.command(
    "ask",
    cls=Command,
    example=(
        "stackcanvas canvas ask",
        "stackcanvas canvas ask --block serving",
        "stackcanvas canvas ask --all --again",
    ),
)
@click.option("--block", metavar="BLOCK", help="Only the questions of one block.")
@click.option("--all", "every", is_flag=True, help="Also what matters only at higher levels of maturity.")
@click.option("--again", is_flag=True, help="Also what is answered already; Enter keeps it.")
@click.option("--why", "reasons", is_flag=True, help="Ask for the reason of each answer, too.")
@output_options
def ask(block: str | None, every: bool, again: bool, reasons: bool) -> None:
    """Ask what is still open, one question at a time, and write each answer into canvas.yaml.

    Only what matters at the wanted level of maturity is asked. Enter skips, ? explains, < goes back, stop ends; what
    was answered stays, and the next time the interview goes on where it stopped.
    """
    file = _file()
    load(f"{_ASK}:plan_all")(block=block)  # a block that there is not is told before anything is asked
    _say(_dim("Enter skips, ? explains, < goes back, stop ends. Every answer is kept at once."))
    interview = _Interview(file, block, every=every, again=again, reasons=reasons)
    try:
        _report(interview.run())
    except KeyboardInterrupt:
        # What was answered is on the disk already, wherever the interrupt came.
        _say("")
        _report(load("stackcanvas.canvas:load")(file))


def _file() -> Path:
    try:
        return canvas_file()
    except NotFound:
        folder: Path = click.get_current_context().find_root().params.get("project") or Path.cwd()
        _say("There is no canvas.yaml here yet; one is begun.")
        load("stackcanvas.cli.canvas.init:begin")(folder)
        return folder / "canvas.yaml"


@dataclass(slots=True)
class _Interview:
    """One sitting: the questions in order, and the way back through them."""

    file: Path
    block: str | None
    every: bool
    again: bool
    reasons: bool
    answered: list[str] = field(default_factory=list)
    told: set[str] = field(default_factory=set)

    def run(self) -> Canvas:
        """Ask until nothing is open or the person stops; gives the canvas as it is then."""
        back, skip, stop = (load(f"{_ASK}:{name}") for name in ("Back", "Skip", "Stop"))
        canvas: Canvas = load("stackcanvas.canvas:load")(self.file)
        self.told = {finding.sentence for finding in load("stackcanvas.canvas.check:check")(canvas)}
        passed: list[Item] = []  # what was asked in this sitting, the way that `back` goes
        seen: set[str] = set()
        ahead: list[Item] = []  # what `back` left behind
        while True:
            one = ahead.pop() if ahead else self._next(canvas, seen)
            if one is None:
                return canvas
            seen.add(one.id)
            try:
                canvas = self._ask(one, canvas, len(passed) + 1, len(ahead) + self._left(canvas, seen))
                passed.append(one)
            except skip:
                passed.append(one)
            except back:
                if not passed:
                    _say(_dim("This is the first question."))
                    ahead.append(one)
                    continue
                ahead += [one, passed.pop()]
            except stop:
                return canvas

    def _open(self, canvas: Canvas) -> tuple[Item, ...]:
        if self.again:
            every: tuple[Item, ...] = load(f"{_ASK}:plan_all")(block=self.block)
            return every
        found: tuple[Item, ...] = load(f"{_ASK}:plan")(canvas, block=self.block, every=self.every)
        return found

    def _next(self, canvas: Canvas, seen: set[str]) -> Item | None:
        return next((one for one in self._open(canvas) if one.id not in seen), None)

    def _left(self, canvas: Canvas, seen: set[str]) -> int:
        return sum(one.id not in seen for one in self._open(canvas))

    def _ask(self, one: Item, canvas: Canvas, number: int, left: int) -> Canvas:
        _say("")
        _say(_dim(f"{one.heading} · question {number}, {left} to come · {one.id}"))
        _say(click.style(textwrap.fill(one.title, _WIDTH), bold=True))
        before = one.current(canvas)
        plain = load(f"{_ASK}:talk")(one, _Terminal(), current=before)
        if plain is None or plain == before:
            return canvas
        changes = [one.change(plain), *self._reason(one)]
        after: Canvas = load("stackcanvas.canvas.edit:write")(self.file, changes)
        if one.id not in self.answered:
            self.answered.append(one.id)
        self._mind(after)
        return after

    def _reason(self, one: Item) -> list[Any]:
        if not self.reasons or one.block == "project":
            return []
        _say(_dim("  Why? (Enter leaves it out)"))
        why = _line()
        return load("stackcanvas.canvas.edit:decide")(one.id, why=why.strip()) if why.strip() else []

    def _mind(self, canvas: Canvas) -> None:
        """Say what the last answer contradicts, once."""
        for finding in load("stackcanvas.canvas.check:check")(canvas):
            if finding.sentence not in self.told:
                self.told.add(finding.sentence)
                tone = "red" if finding.severity == "error" else "yellow"
                _say(click.style(textwrap.fill(f"Mind: {finding.sentence}", _WIDTH), fg=tone))


class _Terminal:
    """Asks on the terminal: prompts on stderr, one line from stdin."""

    def ask(self, prompt: Prompt) -> str:
        """One line, or what the person wants instead."""
        self._show(prompt)
        while True:
            text = _line()
            word = text.strip().lower()
            if word in _HELP:
                self._explain(prompt)
            elif word in _BACK:
                raise load(f"{_ASK}:Back")
            elif word in _SKIP or (not word and not prompt.path and not prompt.default):
                raise load(f"{_ASK}:Skip")
            elif word in _STOP:
                raise load(f"{_ASK}:Stop")
            else:
                return text

    def tell(self, sentence: str) -> None:
        """Say what is wrong."""
        _say(click.style(textwrap.fill(sentence, _WIDTH, initial_indent="  ", subsequent_indent="  "), fg="yellow"))

    def _show(self, prompt: Prompt) -> None:
        if prompt.title != prompt.item.title:
            _say(textwrap.fill(prompt.title, _WIDTH, initial_indent="  ", subsequent_indent="  "))
        numbers = not any(word.isdecimal() for word, _ in prompt.choices)
        for number, (word, meaning) in enumerate(prompt.choices, start=1):
            told = _dim(f"  {meaning}") if meaning else ""
            _say(f"    {f'{number}  ' if numbers else ''}{word}{told}")
        hint = _hint(prompt)
        if hint:
            _say(_dim(textwrap.fill(f"({hint})", _WIDTH, initial_indent="  ", subsequent_indent="  ")))

    def _explain(self, prompt: Prompt) -> None:
        whole = prompt.item
        lines = [whole.help, *([prompt.help] if prompt.help not in {"", whole.help} else [])]
        lines.append(f"Write {_expected(prompt)}.")
        if whole.configures:
            lines.append(f"In the stack: {whole.configures}.")
        for line in lines:
            _say(_dim(textwrap.fill(line, _WIDTH, initial_indent="  ", subsequent_indent="  ")))


def _expected(prompt: Prompt) -> str:
    return "yes or no" if prompt.shape.kind == "yes or no" else prompt.shape.expected


def _hint(prompt: Prompt) -> str:
    parts = ["yes or no"] if prompt.shape.kind == "yes or no" else []
    if prompt.shape.kind == "list":
        parts.append("several, with commas between")
    elif not prompt.choices and prompt.shape.kind not in {"text", "name", "yes or no"}:
        parts.append(prompt.shape.expected)
    if prompt.default:
        parts.append(f"Enter: {prompt.default}")
    elif prompt.left_out:
        parts.append(f"left out: {prompt.left_out}")
    elif prompt.needed:
        parts.append("needed")
    return "; ".join(parts)


def _line() -> str:
    if not wants_json():
        click.echo(click.style("  > ", bold=True), err=True, nl=False)
        sys.stderr.flush()
    text = sys.stdin.readline()
    if not text:
        _say("")  # the end of the input
        raise load(f"{_ASK}:Stop")
    return text


def _report(canvas: Canvas) -> None:
    left: tuple[Item, ...] = load(f"{_ASK}:plan")(canvas)
    findings = load("stackcanvas.canvas.check:check")(canvas)
    if wants_json():
        emit_record(
            {
                "file": canvas.label,
                "answered": len(canvas.answered),
                "open": len(canvas.unanswered),
                "to_ask": [one.id for one in left],
                "findings": [finding.to_dict() for finding in findings],
            }
        )
        return
    _say("")
    rest = (
        f"{len(left)} more matter at this level; `stackcanvas canvas ask` goes on"
        if left
        else "nothing more to ask at this level"
    )
    click.echo(f"{canvas.label}: {len(canvas.answered)} questions answered, {rest}")
    if findings:
        said = "1 contradiction" if len(findings) == 1 else f"{len(findings)} contradictions"
        _say(f"{said} among the answers; see `stackcanvas canvas check`")
    elif not left:
        _say("See what it says: `stackcanvas canvas assess`, `stackcanvas canvas show`, `stackcanvas canvas cost`")


def _say(text: str) -> None:
    if not wants_json():
        click.echo(text, err=True)


def _dim(text: str) -> str:
    return click.style(text, dim=True)
