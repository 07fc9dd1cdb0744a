"""A real S3 endpoint for tests: the server of `moto` on a free port of this machine.

A suite needs one line in its `conftest.py`:

    from stackcanvas.testing.s3 import s3_server, s3_url  # noqa: F401

`s3_url` is then a fixture: the URL of a fresh bucket, with credentials in the environment for the time of the test.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection

import pytest
from moto.server import ThreadedMotoServer

_REGION = "us-east-1"
_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": _REGION}


class S3Server:
    """A server in threads of this process.

    Attributes:
        port: where it listens on the loopback address.
    """

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        _, self.port = self._server.get_host_and_port()

    def make_bucket(self) -> str:
        """A new bucket; returns its name."""
        name = f"bucket-{secrets.token_hex(6)}"
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("PUT", f"/{name}")
        status = connection.getresponse().status
        connection.close()
        assert status == HTTPStatus.OK
        return name

    def url(self, bucket: str, *, port: int | None = None) -> str:
        """The URL of a folder in a bucket, reached at another port where something stands between."""
        return f"s3://{bucket}/stack?endpoint=http://127.0.0.1:{port or self.port}"

    def close(self) -> None:
        """Stop it."""
        self._server.stop()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One server for all tests of a process."""
    server = S3Server()
    yield server
    server.close()


@pytest.fixture
def s3_url(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a fresh bucket."""
    set_credentials(monkeypatch)
    return s3_server.url(s3_server.make_bucket())


def set_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put credentials into the environment."""
    for name, value in _KEYS.items():
        monkeypatch.setenv(name, value)
