"""A stack whose objects lie behind a URL."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import polars as pl

import stackcanvas as sc
from stackcanvas.testing.s3 import s3_server, s3_url

__all__ = ["s3_server", "s3_url"]


def test_versions_in_a_bucket(tmp_path: Path, s3_url: str) -> None:
    """The canvas names a bucket, and a remote: data go there, and come back where nothing is cached."""
    canvas = (files("stackcanvas") / "examples" / "minimal" / "canvas.yaml").read_text()
    storage = f'\ndata:\n  storage: {{objects: "{s3_url}", remote: "{s3_url.replace("/stack", "/remote")}"}}\n'
    root = tmp_path / "project"
    root.mkdir()
    (root / "canvas.yaml").write_text(canvas.replace("\ndata:\n", storage))
    rows = pl.DataFrame({"id": [1, 2], "fare": [2.5, None]})

    with sc.open(root) as stack:
        stack.data.commit("fares", rows)
        assert stack.data.push().versions
        assert stack.objects.url.startswith("s3://")

    (root / ".stackcanvas" / "cache").rename(tmp_path / "lost")
    with sc.open(root) as stack:
        assert stack.data.read("fares").equals(rows)
        assert stack.data.verify().sound
        assert stack.data.gc().removed == 0
        assert not (root / ".stackcanvas" / "objects").exists()
