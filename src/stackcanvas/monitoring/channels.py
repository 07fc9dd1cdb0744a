"""The ways to reach people: the log, a file, a web hook."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from stackcanvas.errors import BadInput, Unavailable

_log = logging.getLogger("stackcanvas.alerts")
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}
_TIMEOUT_S = 5.0
_KNOWN = "log:, file:PATH, http://... or https://..."


def send(address: str, message: Mapping[str, Any]) -> None:
    """Hand a message to a channel; errors never repeat the address, which may hold a secret.

    Args:
        address: `log:`, `file:PATH`, or the address of a web hook.
        message: a CloudEvents record (version 1.0) whose data hold `text` and `severity`.

    Raises:
        Unavailable: the channel cannot be reached now.
        BadInput: the address is none of a channel that messages can be sent to.
    """
    scheme = urlsplit(address).scheme
    if scheme == "log":
        data = message["data"]
        _log.log(_LEVELS.get(data["severity"], logging.WARNING), "%s", data["text"])
    elif scheme == "file":
        _append(Path(unquote(urlsplit(address).path)), message)
    elif scheme in {"http", "https"}:
        _post(address, message)
    else:
        raise BadInput(f"nothing can be sent to an address that begins with {scheme}:", expected=_KNOWN)


def _append(path: Path, message: Mapping[str, Any]) -> None:
    line = json.dumps(message, ensure_ascii=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise Unavailable(f"the file {path} cannot be written: {error.strerror}") from error


def _post(address: str, message: Mapping[str, Any]) -> None:
    body = json.dumps(message, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/cloudevents+json", "User-Agent": "stackcanvas"}
    request = urllib.request.Request(address, data=body, headers=headers, method="POST")  # noqa: S310 - checked in send
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310 - see above
            pass
    except urllib.error.HTTPError as error:
        with error:
            raise Unavailable(f"the web hook answered {error.code}") from None
    except (OSError, ValueError) as error:
        # `urllib` wraps what the socket said; the reason alone holds no part of the address.
        reason = getattr(error, "reason", error)
        raise Unavailable(f"the web hook cannot be reached: {type(reason).__name__}") from None
