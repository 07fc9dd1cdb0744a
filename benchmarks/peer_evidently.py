"""Evidently on the tables of `bench_drift`: the seconds of its data drift preset, the import not counted."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pandas as pd  # type: ignore[import-not-found,unused-ignore]
from evidently import Report  # type: ignore[import-not-found,unused-ignore]
from evidently.presets import DataDriftPreset  # type: ignore[import-not-found,unused-ignore]

folder = Path(sys.argv[1])
reference, current = (pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "current"))
start = time.perf_counter()
Report([DataDriftPreset()]).run(current, reference).dict()
print(json.dumps({"value": time.perf_counter() - start}))
