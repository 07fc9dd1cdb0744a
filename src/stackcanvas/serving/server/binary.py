"""The binary tensor extension: raw tensors behind the JSON of a request or an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stackcanvas.errors import BadInput

Parameters = dict[str, str | int | float | bool | None]
HEADER_LENGTH = b"inference-header-content-length"


def split_body(body: bytes, headers: Mapping[bytes, bytes]) -> tuple[memoryview, memoryview]:
    """The JSON of a request and the bytes behind it.

    Raises:
        BadInput: the header is not a number, or says more than there is.
    """
    view = memoryview(body)
    told = headers.get(HEADER_LENGTH)
    if told is None:
        return view, view[len(view) :]
    if not told.isdigit() or len(told) > 18 or int(told) > len(body):
        raise BadInput(
            f"Inference-Header-Content-Length is {told[:40].decode('latin-1')!r}",
            expected=f"a number up to the {len(body)} bytes of the body",
        )
    return view[: int(told)], view[int(told) :]


def split_tail(tail: memoryview, sizes: Sequence[tuple[str, object]]) -> dict[str, memoryview]:
    """The bytes of each binary tensor, in order.

    Args:
        tail: all bytes behind the JSON.
        sizes: name and `binary_data_size` of each tensor that has one.

    Raises:
        BadInput: a size is not one, or the sizes do not add up to the bytes that came.
    """
    found, at = {}, 0
    for name, size in sizes:
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise BadInput(f"binary_data_size of {name!r} is {size!r}", expected="a number of bytes")
        if at + size > len(tail):
            raise BadInput(f"the binary data end within {name!r}", expected=f"{at + size} bytes behind the JSON")
        found[name] = tail[at : at + size]
        at += size
    if at != len(tail):
        raise BadInput(f"{len(tail) - at} bytes behind the last tensor belong to none")
    return found


def wants_binary(parameters: Mapping[str, object], *, by_default: bool) -> bool:
    """Whether an output goes back as raw bytes.

    Raises:
        BadInput: the parameter is neither true nor false, or asks for what this server does not do.
    """
    for unsupported in ("classification", "shared_memory_region"):
        if unsupported in parameters:
            raise BadInput(f"the output parameter {unsupported!r} is not supported")
    wanted = parameters.get("binary_data", by_default)
    if not isinstance(wanted, bool):
        raise BadInput(f"binary_data is {wanted!r}", expected="true or false")
    return wanted
