"""Writes `docs/reference/cli.md` from the commands: `python -m stackcanvas.cli.reference > docs/reference/cli.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import click

from stackcanvas.cli.commands import Command, Group
from stackcanvas.cli.main import SECTIONS, cli

_HEAD = """# Commands

Made from the commands by `python -m stackcanvas.cli.reference`; do not edit.

Results go to stdout, talk and progress to stderr. `--format json` (or `STACKCANVAS_FORMAT=json`) gives records instead
of tables, and an error as one line of JSON on stderr: `{"error": sentence, "kind": name, "exit_code": number, ...}`.

| exit code | meaning |
|---|---|
| 0 | yes |
| 1 | it worked, and the answer is no |
| 2 | the command line is wrong |
| 3 | what was given cannot be used |
| 4 | not found |
| 5 | it clashes with what is there |
| 6 | a service, file or address cannot be used now |
| 70 | a fault of stackcanvas; `STACKCANVAS_DEBUG=1` shows where |
| 130 | interrupted |
"""


def every_command() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each command with its words, groups before their verbs."""
    root = click.Context(cli, info_name="stackcanvas")
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        yield from _walk((name,), command)


def _walk(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=words[-1])
        for name in command.list_commands(context):
            verb = command.get_command(context, name)
            assert verb is not None
            yield from _walk((*words, name), verb)


def reference() -> str:
    """The page."""
    lines = [_HEAD]
    found = dict(every_command())
    for title, entries in SECTIONS.items():
        lines.append(f"## {title}\n")
        lines += ["| command | what it does |", "|---|---|"]
        lines += [f"| [`{name}`](#{name}) | {entry.help} |" for name, entry in entries.items()]
        lines.append("")
        for words, command in found.items():
            if words[0] in entries:
                lines += _describe(words, command)
    return "\n".join(lines).rstrip() + "\n"


def _describe(words: tuple[str, ...], command: click.Command) -> list[str]:
    context = click.Context(command, info_name=" ".join(("stackcanvas", *words)), max_content_width=100)
    heading = "#" * min(2 + len(words), 5)
    usage = command.get_usage(context).removeprefix("Usage: ")
    lines = [f"{heading} {' '.join(words)}\n", inspect.cleandoc(command.help or "") + "\n", f"    {usage}\n"]
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    rows = [record for option in options if (record := option.get_help_record(context)) and option.name != "help"]
    if rows:
        lines += ["| option | |", "|---|---|"]
        lines += [f"| `{_cell(name)}` | {_cell(told)} |" for name, told in rows]
        lines.append("")
    assert isinstance(command, Command | Group)
    lines += [*(f"    $ {example}" for example in command.examples), ""]
    return lines


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
