"""The same requests to MLflow's own server, run by the Python that has it."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
import types
from contextlib import ExitStack
from pathlib import Path


def work() -> types.ModuleType:
    """The requests of `bench_registry.py`, whose other parts need what is not installed here."""
    harness = types.ModuleType("benchmarks.harness")
    for name in ("Peer", "Row", "run"):
        setattr(harness, name, None)
    sys.modules["benchmarks"] = types.ModuleType("benchmarks")
    sys.modules["benchmarks.harness"] = harness
    spec = importlib.util.spec_from_file_location("work", Path(__file__).with_name("bench_registry.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(name: str) -> None:
    """Measure one piece of work."""
    bench = work()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        port = bench.free()
        command = [
            sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/artifacts",
        ]  # fmt: skip
        client = bench.started(stack, command, port)
        bench.prepare(client)
        print(json.dumps({"value": getattr(bench, name)(client)}))


main(sys.argv[1])
