"""How the cost of a block spreads over the six phases of CRISP-ML(Q)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType


def _shares(**percent: int) -> Mapping[int, Decimal]:
    return MappingProxyType({phase: Decimal(percent.get(f"p{phase}", 0)) / 100 for phase in range(1, 7)})


_EVENLY: Mapping[int, Decimal] = MappingProxyType({phase: Decimal(1) / 6 for phase in range(1, 7)})

SPLIT: Mapping[str, Mapping[int, Decimal]] = MappingProxyType(
    {
        "value": _shares(p1=100),
        "data": _shares(p1=50, p2=40, p6=10),
        "experiments": _shares(p1=30, p2=20, p3=50),
        "features": _shares(p2=60, p5=20, p6=20),
        "foundations": _EVENLY,
        "pipelines": _shares(p3=60, p4=20, p6=20),
        "registry": _shares(p4=70, p5=30),
        "deployment": _shares(p5=100),
        "serving": _shares(p5=30, p6=70),
        "monitoring": _shares(p6=100),
        "metadata": _EVENLY,
        "dilemma": _EVENLY,
    }
)
"""By block and phase: our own reading of where the canvas's page places each block; its shares add up to one."""
