"""How busy the machine is while a run goes on, as metrics of the run under the names that tracking clients use."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil

# Of the names of all these metrics.
SYSTEM = "system/"
_MB = 1e6
_GPU = "utilization.gpu,memory.used,memory.total,power.draw"
_GPU_TIMEOUT_S = 5


class SystemMetrics:
    """Samples processor, memory, disk, network and GPUs at an interval, in a thread of its own.

    Args:
        log: takes the values and the number of the sample.
        interval_s: between two samples; the first is taken at once.
        first: the number of the first sample, of a run that is gone on with.
    """

    def __init__(self, log: Callable[[dict[str, float], int], None], *, interval_s: float, first: int = 0) -> None:
        self._log = log
        self._first = first
        self._interval_s = interval_s
        self._ended = threading.Event()
        self._network = psutil.net_io_counters()
        self._has_gpus = shutil.which("nvidia-smi") is not None
        psutil.cpu_percent()  # the first answer of a process means nothing
        self._thread = threading.Thread(target=self._work, name="stackcanvas-system-metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more samples."""
        self._ended.set()
        self._thread.join(_GPU_TIMEOUT_S + 1)

    def sample(self) -> dict[str, float]:
        """The values of now."""
        memory, disk = psutil.virtual_memory(), psutil.disk_usage("/")
        found = {
            "system/cpu_utilization_percentage": psutil.cpu_percent(),
            "system/system_memory_usage_megabytes": memory.used / _MB,
            "system/system_memory_usage_percentage": memory.percent,
            "system/disk_usage_megabytes": disk.used / _MB,
            "system/disk_usage_percentage": disk.percent,
        }
        network = psutil.net_io_counters()
        if network is not None and self._network is not None:
            found["system/network_receive_megabytes"] = (network.bytes_recv - self._network.bytes_recv) / _MB
            found["system/network_transmit_megabytes"] = (network.bytes_sent - self._network.bytes_sent) / _MB
        if self._has_gpus:
            found |= dict(gpu_metrics(_nvidia()))
        return found

    def _work(self) -> None:
        step = self._first
        while True:
            # A sensor that fails must not end the run that it watches.
            with suppress(OSError, psutil.Error):
                self._log(self.sample(), step)
            step += 1
            if self._ended.wait(self._interval_s):
                return


def gpu_metrics(printed: str) -> Iterator[tuple[str, float]]:
    """What `nvidia-smi` printed, a line a GPU, as metrics; what a card does not measure is left out.

    Example:
        >>> dict(gpu_metrics("35, 1024, 4096, [N/A]"))["system/gpu_0_utilization_percentage"]
        35.0
    """
    for number, line in enumerate(printed.strip().splitlines()):
        values: list[float | None] = []
        for text in line.split(","):
            try:
                values.append(float(text))
            except ValueError:
                values.append(None)
        busy, used, total, power = (*values, None, None, None, None)[:4]
        if busy is not None:
            yield f"system/gpu_{number}_utilization_percentage", busy
        if used is not None:
            yield f"system/gpu_{number}_memory_usage_megabytes", used
        if used is not None and total:
            yield f"system/gpu_{number}_memory_usage_percentage", 100 * used / total
        if power is not None:
            yield f"system/gpu_{number}_power_usage_watts", power


def _nvidia() -> str:
    command = ["nvidia-smi", f"--query-gpu={_GPU}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_GPU_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout if said.returncode == 0 else ""
