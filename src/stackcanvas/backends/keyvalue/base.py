"""The port of the key-value store: newest value per key, whatever order the writers come in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from stackcanvas.errors import BadInput

_BIAS = 1 << 127


class KeyValue(Protocol):
    """Values under keys, both plain bytes, each with an order (a whole number of 128 bits, mostly made of times).

    What every adapter promises:

    - **Older never overwrites newer.** An item is kept only when its order is at least that of the stored one; within a
      batch the items count one after the other.
    - **A batch is one transaction**: a reader sees all of a `put_many` or nothing of it, and so does whoever comes
      after a killed writer.
    - **Durable** against the kill of any process. The last moments before a power cut may be missing: what stands here
      can be materialised again.
    - **Thread safe**, and several processes may use one store at once; writers wait for each other.
    - A missing key reads as None and may be deleted. A store that cannot answer raises `Unavailable`.
    """

    url: str

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of the keys, in the order of the keys; None for a missing one."""
        ...

    def put_many(self, items: Sequence[tuple[bytes, int, bytes]]) -> int:
        """Store items of (key, order, value); returns how many were kept."""
        ...

    def delete_many(self, keys: Sequence[bytes]) -> None:
        """Remove keys, with their orders: an older item may be stored afterwards."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, int, bytes]]:
        """The items whose key begins with `prefix`, in no promised order.

        An item that is there during the whole scan comes exactly once; one written or deleted meanwhile may or may not.
        """
        ...

    def close(self) -> None:
        """Give back what is held; a second time is fine."""
        ...


def packed(key: bytes, order: int) -> bytes:
    """An order as 16 bytes that compare as the numbers do.

    Raises:
        BadInput: it does not fit in 128 bits with a sign.

    Example:
        >>> packed(b"a", -1) < packed(b"a", 0) < packed(b"a", 2**64)
        True
    """
    try:
        return (order + _BIAS).to_bytes(16, "big")
    except OverflowError:
        raise BadInput(f"the order {order} of the key {key!r} does not fit in 128 bits") from None


def unpacked(order: bytes) -> int:
    """The number that was packed."""
    return int.from_bytes(order, "big") - _BIAS
