"""`stackcanvas data query`, `profile` and `compare`: questions to versions of data sets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli import splits
from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options, progress, say, wants_json
from stackcanvas.cli.project import pass_stack
from stackcanvas.errors import BadInput, Usage

if TYPE_CHECKING:
    from stackcanvas.data.analysis import CompareReport, Finding, ProfileReport
    from stackcanvas.stack import Stack

_SHOWN_ROWS = 50
_HTML = click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write it as one page that needs nothing else."
)


@click.command(
    "query",
    cls=Command,
    example=(
        "stackcanvas data query 'select carrier, avg(delay) from flights group by carrier'",
        """stackcanvas data query 'select * from "flights@3" where delay is null' --out missing.csv""",
        "stackcanvas data query 'select distinct flight, delay from flights' --commit clean --key flight",
    ),
)
@click.argument("sql")
@click.option("--limit", type=click.IntRange(min=0), help="No more rows than these; people are shown 50 at first.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the rows to a .csv, .parquet, .json, .jsonl or .arrow file."
)
@click.option("--commit", "name", metavar="NAME", help="Make the rows the newest version of this data set.")
@click.option("--message", "-m", default="", help="Why, in a few words; with --commit.")
@click.option("--key", multiple=True, metavar="COLUMN", help="A column that identifies a row; with --commit.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A name for the version; with --commit.")
@output_options
@pass_stack
def query(  # noqa: PLR0917 - click passes them by name
    stack: Stack,
    sql: str,
    limit: int | None,
    out: Path | None,
    name: str | None,
    message: str,
    key: tuple[str, ...],
    tags: tuple[str, ...],
) -> None:
    """Ask versions of data in SQL (that of Polars), which reads only.

    A table is a version in double quotes, "flights@3", or the name of a data set, for its newest version. Several may
    be joined. SQL is read from stdin when it is given as a dash.
    """
    if out is not None and name is not None:
        raise Usage("--out and --commit exclude each other", fix="Query twice, or check the version out afterwards")
    if limit is not None and (out is not None or name is not None):
        raise Usage("--limit is for rows that are shown", fix="Write a limit into the query")
    if name is None and (message or key or tags):
        raise Usage("--message, --key and --tag say something of a version", fix="Add --commit NAME")
    asked = _statement(sql)
    if out is not None:
        emit_record({"written": stack.analysis.export(asked, out)})
    elif name is not None:
        made = stack.analysis.materialise(asked, name, message=message, key=key, tags=tags)
        emit_record(made, fields=("ref", "rows", "size_bytes", "new_bytes", "digest", "tags"))
    elif wants_json():
        emit_rows(stack.analysis.first(asked, limit).records, columns=())
    else:
        shown = _SHOWN_ROWS if limit is None else limit
        found = stack.analysis.query(asked, limit=shown + (limit is None))
        click.echo(_as_text(found.head(shown)))
        if found.height > shown:
            say(f"These are the first {shown} rows. More: --limit; all: --out FILE")


@click.command(
    "profile",
    cls=Command,
    example=("stackcanvas data profile flights", "stackcanvas data profile flights@3 --html flights.html"),
)
@click.argument("ref")
@_HTML
@output_options
@pass_stack
def profile(stack: Stack, ref: str, html: Path | None) -> None:
    """Show what the values of a version are like: types, missing ones, shapes, what goes together, what is odd."""
    with progress(f"Profiling {ref}") as advance:
        report = stack.analysis.profile(ref, progress=advance)
    _write(report, html)
    if wants_json():
        emit_record(report)
        return
    _tell_findings(report.findings)
    emit_rows(_columns(report), columns=("column", "type", "missing", "different", "shape", "values"))
    close = [pair for pair in report.associations.pairs[:5] if abs(pair.strength) >= 0.5]
    if close:
        say("Goes together:")
        emit_rows(close, columns=("left", "right", "method", "strength"))


@click.command(
    "compare",
    cls=Command,
    example=("stackcanvas data compare flights@1 flights@2", "stackcanvas data compare train test --html drift.html"),
)
@click.argument("before")
@click.argument("after")
@_HTML
@output_options
@pass_stack
def compare(stack: Stack, before: str, after: str, html: Path | None) -> None:
    """Show how far the values of one version are from those of another: columns, shapes, what goes together."""
    with progress("Comparing") as advance:
        report = stack.analysis.compare(before, after, progress=advance)
    _write(report, html)
    if wants_json():
        emit_record(report)
        return
    say(f"{report.before.ref} ({report.drift.rows_before:,} rows) to {report.after.ref} ({report.drift.rows_after:,})")
    _tell_findings(report.findings)
    rows = sorted(report.drift.columns.values(), key=lambda one: (not one.drifted, -one.distance, one.column))
    emit_rows(
        [
            {
                "column": one.column,
                "moved": one.drifted,
                "distance": one.distance,
                "missing before": f"{one.nulls_before:.1%}",
                "missing after": f"{one.nulls_after:.1%}",
                "most": f"{one.where}: {one.before:.1%} to {one.after:.1%}" if one.drifted and one.where else "",
            }
            for one in rows
        ],
        columns=("column", "moved", "distance", "missing before", "missing after", "most"),
        empty="The two have no column in common.",
    )


def _statement(sql: str) -> str:
    if sql != "-":
        return sql
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise BadInput("what came on stdin is not UTF-8", expected="SQL as text") from error


def _as_text(found: Any) -> str:
    """A frame as a table; what could steer the terminal is shown as it is written."""
    config: Any = load("polars:Config")
    with config(
        tbl_rows=-1,
        tbl_cols=-1,
        fmt_str_lengths=80,
        tbl_width_chars=10_000,
        tbl_hide_dataframe_shape=True,
        tbl_formatting="NOTHING",
        fmt_table_cell_list_len=5,
    ):
        lines = str(found).splitlines()
    shown = ["".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line) for line in lines]
    return "\n".join(line.rstrip() for line in shown)


def _write(report: ProfileReport | CompareReport, html: Path | None) -> None:
    if html is None:
        return
    load("stackcanvas.data.analysis.write:write_text")(report.html, html)
    say(f"Written: {html}")


def _tell_findings(found: Sequence[Finding]) -> None:
    for one in found:
        head = f"{one.column} " if one.column is not None else ""
        rows = f" ({one.rows:,} rows)" if one.rows is not None else ""
        say(f"{one.severity:5}  {head}{one.said}{rows}")
    if found:
        say("")


def _columns(report: ProfileReport) -> list[dict[str, object]]:
    view = load("stackcanvas.data.analysis.views:of_profile")(report)
    spark = load("stackcanvas.data.analysis.views:spark")
    return [
        {
            "column": one.name,
            "type": one.type,
            "missing": f"{one.missing:.1%}" if one.missing else "",
            "different": one.distinct,
            "shape": spark(report.profile.columns[one.name]),
            "values": one.summary,
        }
        for one in view.columns
    ]


COMMANDS = (query, profile, compare, *splits.COMMANDS)
