"""Names for what nobody named: two words and a number, which people can say and remember."""

from __future__ import annotations

_HOW = tuple(
    """
    able agreeable amusing big bold bright calm capable carefree caring charming colorful fearless gentle gifted
    handsome kindly learned nimble orderly peaceful persistent polite rare resilient serious silent sincere skillful
    thoughtful unique wise
    """.split()  # noqa: SIM905 - one word a line reads worse
)
_WHAT = tuple(
    """
    alder aspen badger beech birch brook cedar comet delta dune falcon fern fjord glacier harbor heron island juniper
    kestrel lagoon larch maple meadow orchid otter pine raven river spruce tern valley willow
    """.split()  # noqa: SIM905 - one word a line reads worse
)


def spoken(identity: str) -> str:
    """The name of a thing by its id, the same whenever it is asked for.

    Args:
        identity: an id that ends in twelve hexadecimal digits.

    Example:
        >>> spoken("0199f3a2c4d17e55a1b2c3d4e5f60718")
        'resilient-otter-809'
    """
    number, how = divmod(int(identity[-12:], 16), len(_HOW))
    number, what = divmod(number, len(_WHAT))
    return f"{_HOW[how]}-{_WHAT[what]}-{number % 1000}"
