"""A server that answers canned bytes: what is left is the floor of the client that asks.

python stub_tracking.py UPSTREAM PORT    answers each request as UPSTREAM did when the same was asked first
"""

from __future__ import annotations

import asyncio
import re
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import uvicorn

# What differs from one request to the next: ids, values, times, steps.
_CHANGING = re.compile(rb'[0-9a-f]{32}|-?\d+(\.\d+)?([eE][-+]?\d+)?|"run_name": "[^"]*"')
_CANNED: dict[tuple[str, str, bytes], tuple[int, bytes]] = {}


def main(upstream: str, port: int) -> None:
    """Serve until killed."""

    def fetched(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        connection = HTTPConnection(urlsplit(upstream).netloc, timeout=300)
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - as ASGI has it
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        path = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        reads = scope["method"] == "GET" or path.endswith("/search")
        key = (scope["method"], path, body if reads else _CHANGING.sub(b"", body[:2000]))
        if key not in _CANNED:
            _CANNED[key] = await asyncio.to_thread(fetched, scope["method"], path, body)
        status, said = _CANNED[key]
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(said)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": said})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
