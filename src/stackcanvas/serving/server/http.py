"""Requests read and answers written: the only room that knows ASGI."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from stackcanvas.errors import BadInput, StackCanvasError
from stackcanvas.serving.server.errors import ClientGone, TooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")
_WINDOW_BITS = {b"gzip": 16 + zlib.MAX_WBITS, b"x-gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}


@dataclass(slots=True)
class Answer:
    """What goes back: status, body and the headers beside its length."""

    body: bytes
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [_JSON])


def answer_error(error: StackCanvasError) -> Answer:
    """What goes back for an error: its sentence, and the headers that it may carry."""
    answer = Answer(_encode({"error": error.sentence()}), error.status)
    answer.headers = [_JSON, *getattr(error, "headers", ())]
    return answer


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, *, limit_bytes: int) -> bytes:
    """The whole body, unpacked where it is compressed.

    Raises:
        TooLarge: it has more bytes than the limit, as sent or unpacked.
        BadInput: its encoding is unknown or its bytes are not what the encoding says.
        ClientGone: the client went away.
    """
    length = headers.get(b"content-length")
    if length is not None and length.isdigit() and (len(length) > 18 or int(length) > limit_bytes):
        raise _too_large(limit_bytes)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size_bytes = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
            size_bytes += len(parts[-1])
            if size_bytes > limit_bytes:
                raise _too_large(limit_bytes)
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise ClientGone
    encoding = headers.get(b"content-encoding")
    return body if encoding is None else _unpack(body, encoding.strip().lower(), limit_bytes)


def _unpack(body: bytes, encoding: bytes, limit_bytes: int) -> bytes:
    if encoding == b"identity":
        return body
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise BadInput(f"the content encoding {encoding.decode('latin-1')!r} is unknown", expected="gzip or deflate")
    try:
        return _inflate(body, bits, limit_bytes)
    except zlib.error:
        pass
    if encoding == b"deflate":  # some clients send deflate without its zlib header
        try:
            return _inflate(body, -zlib.MAX_WBITS, limit_bytes)
        except zlib.error:
            pass
    raise BadInput(f"the body is not valid {encoding.decode('latin-1')}")


def _inflate(body: bytes, bits: int, limit_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(bits)
    unpacked = unpacker.decompress(body, limit_bytes + 1)
    if len(unpacked) > limit_bytes:
        raise _too_large(limit_bytes)
    if not unpacker.eof:
        raise BadInput("the compressed body is cut off")
    return unpacked


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge("the body is too large", expected=f"at most {limit_bytes:,} bytes")


def path_of(scope: Scope) -> list[str]:
    """The segments of the path, each decoded by itself, so that a name may hold an encoded slash.

    Raises:
        BadInput: a segment is not UTF-8.
    """
    raw: bytes = scope["raw_path"]
    try:
        text = raw.decode("ascii")
        if "%" not in text:
            return text.split("/")[1:] or [text]  # `OPTIONS *` names no place
        return [unquote_to_bytes(part).decode() for part in text.split("/")[1:]] or [text]
    except UnicodeDecodeError:
        raise BadInput("the path is not UTF-8") from None


async def send_answer(send: Send, answer: Answer) -> None:
    """Write an answer."""
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
