"""Drift of fifty columns, forty of numbers and ten of categories, beside exact tests with NumPy and SciPy."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from scipy.stats import chi2_contingency, ks_2samp

from benchmarks.harness import Peer, Row, run
from stackcanvas.statistics import Profile, drift

_NUMERIC, _CATEGORICAL = 40, 10
_SHIFTED = 13
_BATCH_ROWS = 100_000


def make(folder: Path, rows: int) -> None:
    """A reference, and a current table in which ten numeric and three categorical columns have moved."""
    rng = np.random.default_rng(0)
    for name, shift in (("reference", 0.0), ("current", 0.25)):
        columns = {
            f"n{place}": rng.normal(shift if place < _SHIFTED - 3 else 0.0, 1, rows) for place in range(_NUMERIC)
        }
        words = np.array([f"word {number}" for number in range(30)])
        for place in range(_CATEGORICAL):
            weights = 1 / np.arange(1, 31)
            weights[0] *= 1.5 if shift and place < 3 else 1
            columns[f"c{place}"] = rng.choice(words, rows, p=weights / weights.sum())
        pl.DataFrame(columns).write_parquet(folder / f"{name}.parquet")


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ours(tables: tuple[pa.Table, pa.Table]) -> list[str]:
    """Both profiles, gathered batch by batch as a log is read, and the drift between them."""
    before, after = (Profile.of_batches(table.to_batches(_BATCH_ROWS)) for table in tables)
    return drift(before, after).drifted_columns


def exact(tables: tuple[pa.Table, pa.Table]) -> int:
    """The exact tests, which need all rows at once: Kolmogorov-Smirnov, the stability index, chi-square."""
    found = 0
    for name in tables[0].column_names:
        before, after = (table.column(name) for table in tables)
        if pa.types.is_floating(before.type):
            one, two = before.to_numpy(), after.to_numpy()
            edges = np.quantile(one, np.linspace(0, 1, 11)[1:-1])
            shares = [np.bincount(np.searchsorted(edges, values), minlength=10) / len(values) for values in (one, two)]
            index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
            found += ks_2samp(one, two, method="asymp").pvalue < 0.05 and index > 0.02
        else:
            counts = [
                {row["values"]: row["counts"] for row in part.value_counts().to_pylist()} for part in (before, after)
            ]
            names = sorted(counts[0].keys() | counts[1].keys())
            found += chi2_contingency([[part.get(key, 0) for key in names] for part in counts]).pvalue < 0.05
    return found


def rows(stack: ExitStack) -> Sequence[Row]:
    """The work at two sizes, and what is found."""
    made: list[Row] = []
    for size, aim in ((100_000, 0.5), (1_000_000, 4.0)):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make(folder, size)
        tables = tuple(
            pl.read_parquet(folder / f"{name}.parquet").to_arrow(compat_level=pl.CompatLevel.oldest())
            for name in ("reference", "current")
        )
        made.append(_row(folder, size, (tables[0], tables[1]), aim))
    return made


def _row(folder: Path, size: int, tables: tuple[pa.Table, pa.Table], aim: float) -> Row:
    peer = Peer("evidently", ("evidently==0.7.*", "pandas<3", "pyarrow"), "peer_evidently.py", (str(folder),))
    return Row(
        work=f"profiles and drift of 50 columns, {size:,} rows each",
        unit="s",
        us=lambda: seconds(lambda: _checked(ours(tables))),
        floor=lambda: seconds(lambda: exact(tables)),
        peer=peer if size == 100_000 else None,
        aim=aim,
    )


def _checked(found: list[str]) -> None:
    """Fast and wrong would be worth nothing."""
    shifted = {*(f"n{place}" for place in range(_SHIFTED - 3)), *(f"c{place}" for place in range(3))}
    if len(set(found) & shifted) < _SHIFTED - 1 or len(set(found) - shifted) > 1:
        raise SystemExit(f"drift is not found as it should be: {found}")


if __name__ == "__main__":
    run("drift", rows, packages=("numpy", "pyarrow", "scipy"))
