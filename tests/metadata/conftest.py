from __future__ import annotations

from stackcanvas.testing.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
