"""Makes the repository of Feast that the tests import; run it with an environment that holds feast.

    PYTHON make_feast.py FOLDER

writes FOLDER/feast_repo.zip: feature_store.yaml, a registry in a file, one in a database, and the Parquet files of the
sources. The one beside this file was made with feast 0.67.0.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64, String

STORE = """\
project: rides
registry: {registry}
provider: local
online_store: {{type: sqlite, path: data/online.db}}
entity_key_serialization_version: 3
"""


def apply(registry: str) -> None:
    """Everything of the repository into one registry."""
    Path("feature_store.yaml").write_text(STORE.format(registry=registry))
    store = FeatureStore(repo_path=".")
    driver = Entity(name="driver", join_keys=["driver_id"], description="Who drives.", owner="ada@example.org")
    customer = Entity(name="customer", join_keys=["customer_id"])
    trips = FileSource(
        name="trips",
        path="data/trips.parquet",
        timestamp_field="happened",
        created_timestamp_column="written",
        field_mapping={"acc": "acc_rate"},
    )
    pushed = PushSource(name="trips_push", batch_source=trips)
    stats = FeatureView(
        name="driver_stats",
        entities=[driver],
        ttl=timedelta(days=2),
        schema=[Field(name="trips_today", dtype=Int64), Field(name="acc_rate", dtype=Float64)],
        source=pushed,
        description="How a driver did.",
        owner="ada@example.org",
        tags={"team": "rides", "odd": 'it\'s "quoted"'},
    )
    bookings = FeatureView(
        name="bookings",
        entities=[driver, customer],
        ttl=timedelta(0),
        schema=[Field(name="city", dtype=String)],
        source=FileSource(name="bookings_source", path="data/bookings.parquet", timestamp_field="at"),
    )
    asked = RequestSource(name="asked", schema=[Field(name="distance", dtype=Float64)])

    @on_demand_feature_view(sources=[stats, asked], schema=[Field(name="expected", dtype=Float64)])
    def expectation(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"expected": inputs["acc_rate"] * inputs["distance"]})

    service = FeatureService(
        name="pricing", features=[stats[["acc_rate"]], bookings], description="What prices need.", tags={"tier": "1"}
    )
    store.apply([driver, customer, trips, pushed, stats, bookings, asked, expectation, service])


def main() -> None:
    """Both registries of one repository."""
    target = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "repo"
        (home / "data").mkdir(parents=True)
        os.chdir(home)
        at = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in range(1, 5)]
        facts = {"driver_id": [1, 2, 1, 2], "trips_today": [3, 4, 5, 6], "acc": [0.5, 0.25, 0.75, 1.0]}
        pd.DataFrame({**facts, "happened": at, "written": at}).to_parquet("data/trips.parquet")
        both = {"driver_id": [1, 2], "customer_id": [7, 8], "city": ["Basel", "Uri"], "at": at[:2]}
        pd.DataFrame(both).to_parquet("data/bookings.parquet")
        apply("{registry_type: sql, path: 'sqlite:///data/registry_sql.db', cache_ttl_seconds: 0}")
        shutil.copy("feature_store.yaml", "sql_store.yaml")
        apply("data/registry.db")
        Path("data/online.db").unlink(missing_ok=True)
        shutil.make_archive(str(target / "feast_repo"), "zip", home)


if __name__ == "__main__":
    main()
