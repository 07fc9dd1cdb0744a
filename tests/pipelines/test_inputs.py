from __future__ import annotations

import pytest

from stackcanvas.errors import BadInput
from stackcanvas.metadata import Ref
from stackcanvas.pipelines import dataset
from stackcanvas.pipelines.inputs import Pin, pin, pins_from_json, pins_to_json


class Counting:
    """A source whose newest version grows with every question."""

    def __init__(self) -> None:
        self.asked = 0

    def get(self, ref: Ref) -> Pin:
        """The next version."""
        self.asked += 1
        return Pin(ref.at(self.asked), f"digest {self.asked}")

    def read(self, ref: Ref, *, columns: object = None) -> object:
        """Never asked for here."""
        raise NotImplementedError


def test_each_input_is_pinned_once() -> None:
    """What is known stays."""
    source = Counting()
    first = pin([dataset("flights"), dataset("data:flights"), dataset("planes@2")], source, keep=str)
    again = pin([dataset("flights"), dataset("weather")], source, keep=str, known=first)

    assert {asked: str(one.ref) for asked, one in first.items()} == {
        "data:flights": "data:flights@1",
        "data:planes@2": "data:planes@2",
    }
    assert again["data:flights"] == first["data:flights"]
    assert source.asked == 3
    assert pins_from_json(pins_to_json(again)) == again


def test_an_input_names_data() -> None:
    """Nothing else."""
    with pytest.raises(BadInput, match="names a model"):
        dataset("model:delay")
