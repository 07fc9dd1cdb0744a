"""`stackcanvas canvas`: the table of its verbs, with a file for each group of them."""

from __future__ import annotations

import click

from stackcanvas.cli.commands import Entry, LazyGroup

_HERE = "stackcanvas.cli.canvas"

SECTIONS = {
    "Answer": {
        "init": Entry(f"{_HERE}.init:init", "Write a canvas to begin with."),
        "ask": Entry(f"{_HERE}.ask:ask", "Ask what is open, one question at a time."),
        "questions": Entry(f"{_HERE}.questions:questions", "List the questions."),
        "about": Entry(f"{_HERE}.questions:about", "Tell about one question."),
        "set": Entry(f"{_HERE}.answering:set_answer", "Answer a question."),
        "unset": Entry(f"{_HERE}.answering:unset_answer", "Take an answer back."),
    },
    "Judge": {
        "check": Entry(f"{_HERE}.check:check", "Find what is wrong, in form and in what is said."),
        "assess": Entry(f"{_HERE}.assess:assess", "Tell how mature it is, what comes first, what can wait."),
    },
    "Weigh": {
        "choose": Entry(f"{_HERE}.choose:choose", "Choose a tool for each block."),
        "compare": Entry(f"{_HERE}.compare:compare", "Show which decisions changed, and what that changes."),
        "cost": Entry(f"{_HERE}.cost:cost", "Reckon what it costs."),
    },
    "Look": {
        "show": Entry(f"{_HERE}.show:show", "Show the answers."),
        "schema": Entry(f"{_HERE}.questions:schema", "Print the JSON Schema of canvas.yaml."),
    },
}


@click.group(
    "canvas", cls=LazyGroup, sections=SECTIONS, example=("stackcanvas canvas check", "stackcanvas canvas show data")
)
def canvas() -> None:
    """The canvas: show, check and answer it."""
