"""A Redis server for the tests of this folder."""

from stackcanvas.testing.redis import redis_server, redis_url

__all__ = ["redis_server", "redis_url"]
