"""The estimate of a project: its canvas by the price book that ships, under the prices.yaml of its own."""

from __future__ import annotations

from pathlib import Path

from stackcanvas.canvas import Canvas
from stackcanvas.canvas.cost import Estimate, estimate
from stackcanvas.errors import NotFound, Unavailable

PRICES = "prices.yaml"
"""The user's own prices, beside canvas.yaml."""


def cost(
    canvas: Canvas,
    *,
    root: Path,
    prices: Path | None = None,
    book: str | None = None,
    model: str | None = None,
    environment: str | None = None,
    months: int = 12,
) -> Estimate:
    """Reckon what a canvas costs, by the project's own prices where it has any.

    Args:
        canvas: the answers.
        root: the project's folder.
        prices: the user's own prices; `prices.yaml` in the folder by default.
        book: the price book; by default the one of the place where pipelines run.
        model: whose answers to take.
        environment: in which environment.
        months: the horizon over which data grow.

    Raises:
        NotFound: no such file, book, model or environment.
        BadInput: the prices cannot be read.
        Unavailable: the file cannot be read.
    """
    file = prices or root / PRICES
    own = read_own(file) if prices is not None or file.is_file() else None
    return estimate(
        canvas, book=book, prices=own, prices_label=file.name, model=model, environment=environment, months=months
    )


def read_own(file: Path) -> str:
    """The text of a file of the user's own.

    Raises:
        NotFound: there is none.
        Unavailable: it cannot be read as text.
    """
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound("file", str(file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"the file cannot be read ({error})", where=str(file)) from None
