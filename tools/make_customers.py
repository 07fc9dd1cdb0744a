"""Make the made-up table of the minimal template: `python tools/make_customers.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

TABLE = Path(__file__).parent.parent / "src/stackcanvas/examples/minimal/data/customers.csv"
ROWS = 600


def main() -> None:
    """Write the table; the same rows each time."""
    rng = np.random.default_rng(7)
    months = rng.integers(1, 60, ROWS)
    calls = rng.poisson(1.5, ROWS)
    plan = rng.choice(["basic", "plus", "family"], ROWS, p=[0.5, 0.3, 0.2])
    spend = np.round(rng.gamma(4, 6, ROWS) + 10 * (plan == "family"), 2)
    leaning = 0.6 * calls - 0.06 * months + 0.8 * (plan == "basic") - 0.4
    left = rng.random(ROWS) < 1 / (1 + np.exp(-leaning))
    table = pl.DataFrame({"months": months, "calls": calls, "spend": spend, "plan": plan, "left": left})
    table.write_csv(TABLE)


if __name__ == "__main__":
    main()
