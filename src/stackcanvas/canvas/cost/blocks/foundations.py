"""Block 5: hosted repositories and the minutes of CI."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.blocks.foundations import CodeDelivery, VersionControl
from stackcanvas.canvas.cost.asking import Asking
from stackcanvas.canvas.cost.figures import Row

_HOSTED = ("github", "gitlab", "bitbucket", "azure devops", "circleci", "circle ci", "travis")


def rows(ask: Asking) -> Iterator[Row]:
    """What hosted code and hosted checks cost; a CI of one's own runs on machines that are there."""
    delivery = ask.get("foundations.ci_cd")
    control = ask.get("foundations.version_control")
    tools = " ".join(delivery.tools).lower() if isinstance(delivery, CodeDelivery) else ""
    hosted = any(name in tools for name in _HOSTED)
    if isinstance(delivery, CodeDelivery) and hosted:
        path = "foundations.ci_cd"
        minutes = ask.driver("minutes a month", f"{path}.minutes_per_month", delivery.minutes_per_month, unit="minutes")
        yield ask.row("foundations.ci", "hosted CI", "infrastructure", path, (minutes,), ask.book.price("ci.minute"))
    if isinstance(control, VersionControl) and hosted:
        path = "foundations.version_control"
        people = ask.driver("developers", f"{path}.developers", control.developers, unit="people")
        yield ask.row(
            "foundations.seats",
            "seats of the hosted repository",
            "licences",
            path,
            (people,),
            ask.book.price("ci.seat_month"),
        )
