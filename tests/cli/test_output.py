"""What commands print: the same records as a table and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from stackcanvas.cli.commands import Command
from stackcanvas.cli.output import answer_no, emit_record, emit_rows, emit_text, output_options, progress, say


@dataclass(frozen=True, slots=True)
class Row:
    """A record with all that a record may hold."""

    name: str
    size_bytes: int
    took_s: float
    created: datetime
    worth: Decimal
    path: Path
    score: float


ROWS = [
    Row("flights", 1536, 0.25, datetime(2026, 11, 23, 9, tzinfo=UTC), Decimal("1.10"), Path("a/b"), math.nan),
    Row("weather", 5, 93.0, datetime(2026, 11, 23, 10, tzinfo=UTC), Decimal(-3), Path("c"), 0.5),
]


def run(body: Callable[[], None], *words: str) -> Result:
    """Run a command with the shared option."""

    @click.command("test", cls=Command, example="stackcanvas test")
    @output_options
    def command() -> None:
        """Run the body."""
        body()

    return CliRunner().invoke(command, list(words))


def test_a_table_shows_the_named_columns_with_their_units() -> None:
    """Headings without units, values with them, the records on one line each."""
    done = run(lambda: emit_rows(ROWS, columns=("name", "size_bytes", "took_s", "created")))

    assert [line.split("  ") for line in done.stdout.splitlines()][1][0] == "flights"
    assert done.stdout.splitlines()[0].split() == ["name", "size", "took", "created"]
    assert "1.5 kB" in done.stdout
    assert "1 min 33 s" in done.stdout
    assert all(line == line.rstrip() for line in done.stdout.splitlines())


def test_json_shows_whole_records() -> None:
    """Money is exact text, instants are UTC, NaN has a name; anything can be read back."""
    done = run(lambda: emit_rows(ROWS, columns=("name",)), "--format", "json")

    first = json.loads(done.stdout)[0]
    assert first == {
        "name": "flights",
        "size_bytes": 1536,
        "took_s": 0.25,
        "created": "2026-11-23T09:00:00Z",
        "worth": "1.10",
        "path": "a/b",
        "score": "NaN",
    }


def test_no_rows_are_said_to_people_and_an_empty_list_to_programs() -> None:
    """The sentence goes to stderr, so that a pipe gets nothing."""
    body = lambda: emit_rows([], columns=("name",), empty="Nothing yet. Run: stackcanvas run train")  # noqa: E731

    told, shown = run(body), run(body, "--format", "json")

    assert (told.stdout, told.stderr) == ("", "Nothing yet. Run: stackcanvas run train\n")
    assert (json.loads(shown.stdout), shown.stderr) == ([], "")


def test_a_record_is_a_line_for_each_field() -> None:
    """Several lines of one value stay under each other."""
    done = run(lambda: emit_record({"name": "x", "text": "one\ntwo"}))

    assert done.stdout == "name  x\ntext  one\n      two\n"


def test_talk_is_silent_for_programs() -> None:
    """With JSON nothing but the result is printed."""

    def body() -> None:
        say("working")
        with progress("Working", total=2) as advance:
            advance(2)
        emit_text("done", data={"done": True})

    assert run(body).stderr == "working\n"
    assert run(body, "--format", "json").stderr == ""


def test_no_is_exit_code_one() -> None:
    """A command that worked and whose answer is no."""
    assert run(answer_no).exit_code == 1


def test_a_wide_table_is_not_cut_when_piped() -> None:
    """Programs that read lines get whole records."""
    wide = {"text": "x" * 5000, "after": "end"}
    done = run(lambda: emit_rows([wide], columns=("text", "after")))

    assert len(done.stdout.splitlines()) == 2
    assert done.stdout.rstrip().endswith("end")


@pytest.mark.parametrize("value", [timedelta(seconds=1), {"a": (1, 2)}, None, True, frozenset({"x"}), b"\x00"])
def test_anything_in_a_record_can_be_shown(value: object) -> None:
    """Both ways, without an error."""
    for words in ((), ("--format", "json")):
        assert run(lambda: emit_record({"value": value}), *words).exit_code == 0


def test_a_person_is_shown_the_first_of_many_and_a_program_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the words that show all; a text that is too long to read is cut for a person alone."""
    many = [{"name": f"run {number}\nof many", "note": "x" * 9_000 * (number == 0)} for number in range(1_000)]
    body = lambda: emit_rows(many, columns=("name", "note"))  # noqa: E731

    piped = run(body).stdout.splitlines()
    assert [line.split("  ")[0].strip() for line in piped] == ["name", *(f"run {n} of many" for n in range(1_000))]
    assert piped[1].endswith("x" * 9_000)
    assert max(map(len, piped[2:])) < 200
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _stream: True, raising=False)
    seen = run(body)
    assert "run 199" in seen.stdout
    assert "run 200" not in seen.stdout
    assert "The first 200 of 1,000." in seen.stderr
    assert "(9,000 characters; all of them: --format json)" in seen.stdout.replace("\n", "")
    assert len(json.loads(run(body, "--format", "json").stdout)) == 1_000


def test_what_a_terminal_would_obey_is_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names come from whoever logged them; those of columns, too."""
    name = "\x1b]0;owned\x07 \x1b[2Jü\x9b"
    row, record = run(lambda: emit_rows([{"a": name}], columns=("a",))), run(lambda: emit_record({"a": name, name: 1}))

    assert row.stdout.splitlines()[1] == "␛]0;owned␇ ␛[2Jü�"
    assert not set("\x1b\x07\x9b") & set(record.stdout)
    strange = "[red]\x1b[2J\nb"
    many = lambda: emit_rows([{strange: 1}], columns=(strange,))  # noqa: E731
    assert run(many).stdout.splitlines() == ["[red]␛[2J b", "          1"]
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _stream: True, raising=False)
    assert run(many).stdout.splitlines()[0].strip() == "[red]␛[2J"


def test_markup_in_a_value_is_text() -> None:
    """Square brackets are no colours."""
    done = run(lambda: emit_rows([{"name": "[bold]x[/bold] [/oops]"}], columns=("name",)))

    assert "[bold]x[/bold] [/oops]" in done.stdout


def test_an_unknown_format_is_refused() -> None:
    """As any wrong option."""
    assert run(lambda: None, "--format", "xml").exit_code == click.UsageError.exit_code
