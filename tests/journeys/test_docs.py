"""The documentation names commands that there are, and pages that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from stackcanvas.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def _named(page: Path) -> set[str]:
    """The command lines that a page shows, in blocks and in sentences."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [part.strip() for block in blocks for line in block.splitlines() for part in line.split("&&")]
    lines += [code.strip() for code in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))]
    return {line.split(" | ")[0] for line in lines if re.match(r"stackcanvas [a-z]", line)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists(page: Path) -> None:
    """Noun, verb and every option."""
    unknown = []
    for line in _named(page):
        command: click.Command | None = cli
        context = click.Context(cli, info_name="stackcanvas")
        words = [word for word in shlex.split(line.split("#")[0])[1:] if word]
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            command = command.get_command(context, words.pop(0))
        options = {name for parameter in (command.params if command else []) for name in parameter.opts}
        given = {word.split("=")[0] for word in words if word.startswith("--")} - {"--help", "--format", "--version"}
        if command is None or given - options:
            unknown.append(line)

    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """No page is promised that is not there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
