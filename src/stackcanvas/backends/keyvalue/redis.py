"""Keys and values in a Redis or Valkey server, shared by every machine that serves predictions.

An item is one string: its order as 32 hexadecimal digits, then the value. Reading many keys is one MGET. Writing is one
call of a script, which the server runs as a whole: it looks at the order of each key and keeps what is not older, so
that nothing can come between looking and writing. A cluster is not supported, since a batch touches many keys at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from stackcanvas.backends.keyvalue.base import packed, unpacked
from stackcanvas.errors import BadInput, MissingExtra, StackCanvasError, Unavailable

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError as error:
    raise MissingExtra("Redis", "redis") from error

_ORDER_DIGITS = 32
_PAGE = 1000
_CONNECT_S, _ANSWER_S = 2.0, 10.0
# Digits compare the same under every collation that the server may run with; raw bytes would not.
_PUT = f"""
local kept = 0
for i = 1, #KEYS do
  local old = redis.call('GETRANGE', KEYS[i], 0, {_ORDER_DIGITS - 1})
  if old == '' or string.sub(ARGV[i], 1, {_ORDER_DIGITS}) >= old then
    redis.call('SET', KEYS[i], ARGV[i])
    kept = kept + 1
  end
end
return kept
"""
_GLOB = b"*?[]^-\\"


class RedisKeyValue:
    """A key-value store in a Redis server. Nothing is sent before the first use.

    Args:
        url: `redis://` or `rediss://`, with user, password, host, port and number of the database; `?prefix=` changes
            what its keys begin with.
        namespace: what keys begin with where the URL does not say, so that several projects may share a server.

    Raises:
        BadInput: the URL cannot be read.
    """

    def __init__(self, url: str, *, namespace: str = "stackcanvas") -> None:
        self.url = url
        self._where = "the Redis server"
        try:
            parts = urlsplit(url)
            options = dict(parse_qsl(parts.query))
            self._prefix = options.pop("prefix", namespace).encode() + b":"
            self._where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
            plain = urlunsplit((*parts[:3], urlencode(options), ""))
            # A connection that was idle for long may be gone: it is tried once more on a fresh one.
            self._client: Any = redis.Redis.from_url(
                plain, socket_connect_timeout=_CONNECT_S, socket_timeout=_ANSWER_S, retry=Retry(NoBackoff(), 1)
            )
            self._client.connection_pool.make_connection()
        except (ValueError, TypeError) as error:
            raise BadInput(
                f"the address cannot be read: {error}",
                where=self._where,
                expected="redis://user:password@host:6379/0",
            ) from None
        self._put = self._client.register_script(_PUT)
        self._closed = False

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of the keys, in the order of the keys, in one trip."""
        if not keys:
            return []
        prefix = self._prefix
        with self._translated():
            found = self._client.mget([prefix + key for key in keys])
        return [None if item is None else item[_ORDER_DIGITS:] for item in found]

    def put_many(self, items: Sequence[tuple[bytes, int, bytes]]) -> int:
        """Store items of (key, order, value); returns how many were kept."""
        if not items:
            return 0
        prefix = self._prefix
        keys = [prefix + key for key, _, _ in items]
        values = [packed(key, order).hex().encode() + value for key, order, value in items]
        with self._translated():
            return int(self._put(keys=keys, args=values))

    def delete_many(self, keys: Sequence[bytes]) -> None:
        """Remove keys."""
        if keys:
            with self._translated():
                self._client.delete(*[self._prefix + key for key in keys])

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, int, bytes]]:
        """The items whose key begins with `prefix`, in no order."""
        pattern = b"".join(b"\\" + bytes([one]) if one in _GLOB else bytes([one]) for one in self._prefix + prefix)
        seen: set[bytes] = set()  # the server may give a key twice while its table grows
        cursor: int | None = None
        while cursor != 0:
            with self._translated():
                cursor, page = self._client.scan(cursor or 0, match=pattern + b"*", count=_PAGE)
                fresh = [key for key in dict.fromkeys(page) if key not in seen]
                values = self._client.mget(fresh) if fresh else []
            seen.update(fresh)
            for key, item in zip(fresh, values, strict=True):
                if item is not None:
                    order = unpacked(bytes.fromhex(item[:_ORDER_DIGITS].decode()))
                    yield key[len(self._prefix) :], order, item[_ORDER_DIGITS:]

    def close(self) -> None:
        """Give the connections back."""
        self._closed = True
        self._client.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        if self._closed:
            raise BadInput("the key-value store is closed", where=self._where)
        try:
            yield
        except redis.RedisError as error:
            raise self._translate(error) from error

    def _translate(self, error: redis.RedisError) -> StackCanvasError:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        if isinstance(error, redis.AuthenticationError | redis.exceptions.NoPermissionError):
            fix = "Check the user and the password of features.databases.online"
            return Unavailable(f"the Redis server does not let us in: {said}", where=self._where, fix=fix)
        if isinstance(error, redis.TimeoutError):
            return Unavailable(f"the Redis server does not answer: {said}", where=self._where)
        if isinstance(error, redis.ConnectionError):
            fix = "Check that the server runs and the address in features.databases.online"
            return Unavailable(f"the connection to the Redis server failed: {said}", where=self._where, fix=fix)
        if isinstance(error, redis.OutOfMemoryError):
            fix = "Give the server more memory (maxmemory), or the views fewer keys"
            return Unavailable(
                "the memory of the Redis server is full, nothing was written", where=self._where, fix=fix
            )
        return Unavailable(f"the Redis server refused: {said}", where=self._where)
