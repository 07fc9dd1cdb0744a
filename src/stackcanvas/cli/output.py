"""What commands print: results on stdout as tables or JSON, talk and progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import click

from stackcanvas.plain import cell, plain, title

_KEY = "stackcanvas.format"
# What a person reads of a list, and of a text; a program gets all of it.
_MOST_ROWS, _LONGEST = 200, 2_000
# Beyond this a column is not lined up: one long text would make every line as long.
_WIDEST = 120
# What a terminal would obey, as signs for it: names come from whoever logged them.
_SIGNS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | dict.fromkeys(
    range(127, 160), "\ufffd"
)
_Function = TypeVar("_Function", bound=Callable[..., Any])


def output_options(function: _Function) -> _Function:
    """Give a command the shared `--format table|json`; the emit functions below obey it.

    Example:
        >>> @output_options
        ... def ls() -> None: ...
    """
    return click.option(
        "--format",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        envvar="STACKCANVAS_FORMAT",
        expose_value=False,
        is_eager=True,
        callback=_remember,
        help="Tables for people, JSON for programs.",
    )(function)


def _remember(context: click.Context, _parameter: click.Parameter, value: str) -> None:
    context.meta[_KEY] = value


def wants_json() -> bool:
    """Whether the running command was asked for JSON."""
    context = click.get_current_context(silent=True)
    return context is not None and context.meta.get(_KEY) == "json"


def emit_rows(rows: Sequence[object], *, columns: Sequence[str], empty: str = "Nothing yet.") -> None:
    """Print records: as a table of the named columns, or whole as a JSON array.

    In a terminal the first of many are shown, with the words that show all; what is piped or written to a file is
    whole, a line a record.

    Args:
        rows: frozen dataclasses or mappings.
        columns: names of fields or properties; a name's unit (`_bytes`, `_s`, `_us`) decides how it is shown.
        empty: what is said to a person when there are none, best with the command that makes the first one.
    """
    if wants_json():
        _print_json(rows)
    elif not rows:
        say(empty)
    elif sys.stdout.isatty():
        _print_table(rows[:_MOST_ROWS], columns)
        if len(rows) > _MOST_ROWS:
            say(f"The first {_MOST_ROWS} of {len(rows):,}. All of them: the same with `| less`, or --format json")
    else:
        _print_lines(rows, columns)


def emit_record(record: object, *, fields: Sequence[str] | None = None, named: bool = True) -> None:
    """Print one record: a line for each field, or whole as a JSON object.

    Args:
        record: a frozen dataclass or a mapping.
        fields: what to show to a person; every plain field when None.
        named: the names are ours, and say units; a user's own stand as they are.
    """
    if wants_json():
        _print_json(record)
        return
    names = list(fields) if fields is not None else list(plain(record))
    titles = {name: _text(title(name) if named else name) for name in names}
    width = max(map(len, titles.values()), default=0)
    for name in names:
        shown = _text(cell(_value(record, name), name=name if named else ""))
        first, *others = shown.splitlines() or [""]
        click.echo(f"{click.style(titles[name].ljust(width), dim=True)}  {first}".rstrip())
        for line in others:
            click.echo(f"{'':{width}}  {line}")


def emit_text(text: str, *, data: object) -> None:
    """Print text made for people, or the same content as JSON."""
    if wants_json():
        _print_json(data)
    else:
        click.echo(text)


def say(text: str) -> None:
    """Talk to a person on stderr; programs that asked for JSON hear nothing."""
    if not wants_json():
        click.echo(text, err=True)


def answer_no() -> NoReturn:
    """End the command with exit code 1: it worked, and the answer is no."""
    raise click.exceptions.Exit(1)


@contextmanager
def progress(what: str, *, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show a bar on stderr while work goes on, only when a person looks at it.

    Args:
        what: what is being done, as two or three words.
        total: how much there is; a moving bar when None.

    Example:
        >>> with progress("Committing", total=10) as advance:
        ...     advance(10)
    """
    if wants_json() or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _step: None
        return
    from rich.console import Console  # noqa: PLC0415 - 35 ms, for long work only
    from rich.progress import Progress  # noqa: PLC0415 - see above

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda step: bar.advance(task, step)


def _print_json(value: object) -> None:
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def _print_table(rows: Sequence[object], columns: Sequence[str]) -> None:
    """Fitted to the terminal: what is too wide goes on below."""
    from rich.console import Console  # noqa: PLC0415 - 35 ms, for tables only
    from rich.table import Table  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    drawn = _columns(rows, columns)
    for name, number, _ in drawn:
        table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
    for line in zip(*(shown for _, _, shown in drawn), strict=True):
        table.add_row(*map(Text, line))
    console = Console(highlight=False)
    with console.capture() as captured:
        console.print(table)
    for printed in captured.get().splitlines():
        click.echo(printed.rstrip())


def _print_lines(rows: Sequence[object], columns: Sequence[str]) -> None:
    """Each record on one line, uncut, as grep and awk want it; to draw thousands would take seconds."""
    padded = []
    for name, number, shown in _columns(rows, columns):
        texts = [text.replace("\n", " ") for text in (name, *shown)]
        width = min(max(map(len, texts)), _WIDEST)
        padded.append([text.rjust(width) if number else text.ljust(width) for text in texts])
    click.echo("\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True)))


def _columns(rows: Sequence[object], names: Sequence[str]) -> list[tuple[str, bool, list[str]]]:
    """Of each column the heading, whether it is of numbers, and what it says of each record."""
    found = []
    for name in names:
        values = [_value(row, name) for row in rows]
        number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        found.append((_text(title(name)), number, [_text(cell(value, name=name)) for value in values]))
    return found


def _text(shown: str) -> str:
    if len(shown) > _LONGEST and sys.stdout.isatty():
        shown = f"{shown[:_LONGEST]}… ({len(shown):,} characters; all of them: --format json)"
    return shown if shown.isprintable() else shown.translate(_SIGNS)


def _value(record: object, name: str) -> Any:
    if isinstance(record, Mapping):
        return record.get(name)
    return getattr(record, name)
