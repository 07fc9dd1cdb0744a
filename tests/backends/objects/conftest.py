"""An S3 endpoint."""

from __future__ import annotations

from stackcanvas.testing.s3 import s3_server, s3_url

__all__ = ["s3_server", "s3_url"]
