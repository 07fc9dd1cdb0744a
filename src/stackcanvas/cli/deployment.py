"""`stackcanvas deploy` and `stackcanvas deployment`: endpoints, releases and roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, Group, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options, wants_json
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.deployment import Release
    from stackcanvas.stack import Stack

_STATUS = ("endpoint", "state", "live", "live_since", "candidate", "share")
_RELEASE = ("model", "strategy", "state", "step", "started", "ended", "reason")
_STRATEGIES = ("recreate", "canary", "blue-green", "shadow")


@click.command(
    "deploy",
    cls=Command,
    example=("stackcanvas deploy delay@champion", "stackcanvas deploy delay@3 --strategy canary --endpoint delays"),
)
@click.argument("model")
@click.option("--endpoint", help="Where it is to answer; by default as the canvas says, else the model's own name.")
@click.option(
    "--strategy", type=click.Choice(_STRATEGIES), help="How traffic moves to it; by default as the canvas says."
)
@click.option("--reason", default="", help="Why, for the record.")
@output_options
@pass_stack
def deploy(stack: Stack, model: str, endpoint: str | None, strategy: str | None, reason: str) -> None:
    """Bring a model version to an endpoint.

    The first version at an endpoint answers at once; later ones as the strategy says, moved by the worker of
    `stackcanvas up`.
    """
    begin = load("stackcanvas.stack.releasing:begin")
    release: Release = begin(stack, model, endpoint=endpoint, strategy=strategy, reason=reason)
    emit_record(release if wants_json() else _for_people(release))


@click.group("deployment", cls=Group, example=("stackcanvas deployment ls", "stackcanvas deployment rollback delay"))
def deployment() -> None:
    """Endpoints, what answers there, and how it came to be so."""


@deployment.command("ls", example="stackcanvas deployment ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List the endpoints."""
    empty = "Nothing is deployed. Bring a model to an endpoint: stackcanvas deploy MODEL@VERSION"
    emit_rows(stack.deployment.ls(), columns=_STATUS, empty=empty)


@deployment.command("status", example="stackcanvas deployment status delay")
@click.argument("endpoint")
@output_options
@pass_stack
def status(stack: Stack, endpoint: str) -> None:
    """Show what answers at an endpoint, and what is on its way."""
    emit_record(stack.deployment.status(endpoint))


@deployment.command("history", example="stackcanvas deployment history delay --limit 5")
@click.argument("endpoint")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most.")
@output_options
@pass_stack
def history(stack: Stack, endpoint: str, limit: int) -> None:
    """List the releases of an endpoint, newest first."""
    found = stack.deployment.history(endpoint, limit=limit)
    emit_rows(found if wants_json() else [_for_people(release) for release in found], columns=_RELEASE)


@deployment.command(
    "rollback", example=("stackcanvas deployment rollback delay", "stackcanvas deployment rollback delay --reason slow")
)
@click.argument("endpoint")
@click.option("--reason", default="by hand", show_default=True, help="Why, for the record.")
@output_options
@pass_stack
def rollback(stack: Stack, endpoint: str, reason: str) -> None:
    """Go back: out of a release on its way, or from the live version to the one before it."""
    stack.deployment.rollback(endpoint, reason=reason)
    emit_record(stack.deployment.status(endpoint))


def _for_people(release: Release) -> dict[str, object]:
    """The release with its strategy as one word."""
    facts = release.to_dict()
    return {name: facts[name] for name in ("endpoint", *_RELEASE)} | {"strategy": release.strategy.kind}
