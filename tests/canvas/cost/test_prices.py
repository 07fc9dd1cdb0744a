"""The price book that ships: every entry dated, sourced, in order."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from stackcanvas.canvas.cost import price_book
from stackcanvas.canvas.syntax import read

_ROOT = read(
    files("stackcanvas.canvas.cost").joinpath("prices.yaml").read_text(encoding="utf-8"), label="prices", problems=[]
)
PLAIN = _ROOT.plain() if _ROOT is not None else {}


@pytest.mark.parametrize("identity", PLAIN["prices"])
def test_every_price_has_a_date_a_source_and_a_unit(identity: str) -> None:
    """And its bounds are in order."""
    found = price_book(currency="USD").price(identity)

    assert re.match(r"20\d\d(-\d\d)?$", found.date)
    assert found.source
    assert found.unit or identity == "own.nothing"
    assert 0 <= found.amount.low <= found.amount.typical <= found.amount.high


@pytest.mark.parametrize("name", PLAIN["books"])
@pytest.mark.parametrize("need", [need for need in PLAIN["books"]["generic"] if need != "title"])
def test_every_book_answers_every_need(name: str, need: str) -> None:
    """From its own entries or the generic ones."""
    assert price_book(name, currency="USD").need(need).amount.high >= 0


@pytest.mark.parametrize("currency", PLAIN["rates"])
def test_there_and_back_is_not_sure_but_centred(currency: str) -> None:
    """A rate and its inverse multiply to one at their typical values; an unsure rate stays unsure."""
    there = price_book(currency=currency).rate("USD")
    back = price_book(currency="USD").rate(currency)

    assert abs(there.typical * back.typical - 1) < 1e-20
    assert there.sure == (currency == "USD")


def test_gpus_go_by_their_model() -> None:
    """However it is written; an unknown one costs anything from cheap to dear."""
    book = price_book("aws", currency="USD")

    assert book.gpu("NVIDIA H100").amount.typical == 68 / 8
    assert book.gpu("a10g").id == "aws.ec2_g5_xlarge_hour"
    assert book.gpu("quantum").amount.high >= 12
    assert price_book("on-premises", currency="USD").gpu("H100").id == "own.gpu_hour"
