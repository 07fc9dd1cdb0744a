"""All commands: each has help with an example, each is in the reference, and none is slow to list."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest

from stackcanvas.cli.commands import Command, Group
from stackcanvas.cli.main import SECTIONS, cli
from stackcanvas.cli.reference import every_command, reference

COMMANDS = {" ".join(words): command for words, command in every_command()}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
# What cannot answer in records: they run until they are stopped, or print a file.
WITHOUT_FORMAT = {"up", "canvas schema", "data cat"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_an_example(name: str) -> None:
    """A sentence of help, and an example of that very command that names options which exist."""
    command = COMMANDS[name]
    assert (command.help or "").strip()
    assert isinstance(command, Command | Group)
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for example in command.examples:
        words = shlex.split(example)
        if isinstance(command, Command):
            assert example.startswith(f"stackcanvas {name}"), example
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options | {"--help"}, example


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_programs(name: str) -> None:
    """`--format json` is there, spelt the same everywhere."""
    command = COMMANDS[name]
    formats = [parameter for parameter in command.params if "--format" in parameter.opts]
    if isinstance(command, click.Group) or name in WITHOUT_FORMAT:
        assert formats == []
    else:
        (given,) = formats
        assert isinstance(given.type, click.Choice)
        assert list(given.type.choices) == ["table", "json"]


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_explained(name: str) -> None:
    """No option without a word of help."""
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_the_table_says_what_the_commands_are_called() -> None:
    """A name in the table is the name of its command."""
    for entries in SECTIONS.values():
        for name, entry in entries.items():
            found = cli.get_command(click.Context(cli), name)
            assert found is not None
            assert found.name == name
            assert entry.help.endswith(".")


def test_the_reference_is_up_to_date() -> None:
    """After a change of commands: `python -m stackcanvas.cli.reference > docs/reference/cli.md`."""
    assert PAGE.read_text(encoding="utf-8") == reference()
