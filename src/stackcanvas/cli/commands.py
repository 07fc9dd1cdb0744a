"""The kinds of command this program is made of: each must carry an example, groups can load late."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click

from stackcanvas.errors import nearest

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Command(click.Command):
    """A verb; it cannot be made without an example.

    Args:
        example: a command line that works as it stands, or several.
    """

    def __init__(self, *arguments: Any, example: str | Sequence[str], **options: Any) -> None:
        options.setdefault("context_settings", _SETTINGS)
        options.setdefault("no_args_is_help", False)
        super().__init__(*arguments, **options)
        self.examples = _as_tuple(example)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options."""
        write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """A noun with its verbs, listed in the order in which they were written.

    Args:
        example: a command line that works as it stands, or several.
        meant: what somebody may look for under a name that no verb has, and the verb.
    """

    command_class = Command
    group_class = type

    def __init__(
        self, *arguments: Any, example: str | Sequence[str], meant: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        options.setdefault("context_settings", _SETTINGS)
        super().__init__(*arguments, **options)
        self.examples = _as_tuple(example)
        self.meant = meant or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        """The verbs in the order in which they were written."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or name the nearest one."""
        known = self.list_commands(ctx)
        word = args[0]
        if word not in known and not word.startswith("-") and not ctx.resilient_parsing:
            near = self.meant.get(word) or nearest(word, known)
            said = f"the nearest is '{near}'" if near else f"known are {', '.join(known)}"
            ctx.fail(f"There is no command '{ctx.command_path} {word}'; {said}")
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the commands."""
        write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class Entry(NamedTuple):
    """One line of the table of commands: where the command lies and what it is for."""

    target: str
    help: str


class LazyGroup(Group):
    """A group whose members are imported when they are called, not when they are listed.

    Args:
        sections: title of a section -> name of the command -> its entry.
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, Mapping[str, Entry]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sections = sections
        self.entries = {name: entry for section in sections.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        """Every name of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click calls it so
        """Import the command's module and give the command."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        loaded = load(entry.target)
        if not isinstance(loaded, click.Command):
            raise TypeError(f"{entry.target} is not a command")
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click calls it so
        """Write the sections from the table alone."""
        width = max(len(name) for name in self.entries)
        for title, entries in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), entry.help) for name, entry in entries.items()])


def load(target: str) -> Any:
    """The object that `module:name` names; the one way in which this package imports late."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Write command lines unwrapped, so that they can be copied."""
    if not examples:
        return
    with formatter.section("Examples" if len(examples) > 1 else "Example"):
        for line in examples:
            formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def _as_tuple(example: str | Sequence[str]) -> tuple[str, ...]:
    return (example,) if isinstance(example, str) else tuple(example)
