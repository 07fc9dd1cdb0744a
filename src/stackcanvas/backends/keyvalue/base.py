"""The port of the key-value store: newest value per key, whatever order the writers come in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from stackcanvas.errors import BadInput

_ORDER_LIMIT = 1 << 63


class KeyValue(Protocol):
    """Values under keys, both plain bytes, each with an order (mostly a time in microseconds).

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


def check_orders(items: Sequence[tuple[bytes, int, bytes]]) -> None:
    """Refuse an order that does not fit in 64 bits with a sign, which every store has."""
    for key, order, _ in items:
        if not -_ORDER_LIMIT <= order < _ORDER_LIMIT:
            raise BadInput(f"the order {order} of the key {key!r} does not fit in 64 bits")
