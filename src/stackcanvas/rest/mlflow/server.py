"""What the server says of itself."""

from __future__ import annotations

from stackcanvas.rest.mlflow.messages import Nothing
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.stack import Stack


def _info(_stack: Stack, _asked: Nothing) -> dict[str, object]:
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": False,
        "features_enabled": {"gateway": False},
    }


ROUTES = (Route("GET", "server-info", Nothing, _info, version="3.0"),)
