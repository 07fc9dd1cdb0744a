"""What code hands over to be kept with a run, as the bytes of a file: text, JSON, tables, figures, images."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.late import late
from stackcanvas.plain import plain

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")
    pl = late("polars")


def files_of(path: str, content: Any) -> Iterator[tuple[str, bytes | Path]]:
    """Each file that a content makes, with where it goes.

    Args:
        path: where the content goes; below it, when the content is a folder.
        content: bytes, text, the path of a file or folder, a table (anything with the Arrow interface), a figure
            (anything with `savefig`), an image (an array, or anything with `save`), or what JSON can hold.

    Raises:
        NotFound: there is no such file.
        BadInput: the content is of no kind that can be kept at this path.

    Example:
        >>> list(files_of("scores.json", {"auc": 0.7}))
        [('scores.json', b'{"auc": 0.7}')]
    """
    if isinstance(content, Path):
        if content.is_dir():
            found = sorted(file for file in content.rglob("*") if file.is_file())
            yield from ((f"{path}/{file.relative_to(content).as_posix()}", file) for file in found)
        elif content.is_file():
            yield path, content
        else:
            raise NotFound("file", str(content))
    else:
        yield path, _bytes_of(path, content)


def _bytes_of(path: str, content: Any) -> bytes:
    if isinstance(content, str | bytes | bytearray | memoryview):
        return _text(path, content) if isinstance(content, str) else bytes(content)
    suffix = PurePosixPath(path).suffix.lower()
    if hasattr(content, "__arrow_c_stream__"):
        return _table(content, suffix)
    if isinstance(content, np.ndarray):
        return _image(content)
    save = getattr(content, "savefig", getattr(content, "save", None))  # of figures, of images
    if callable(save):
        kind = suffix[1:] or "png"
        return _written(lambda file: save(file, format="jpeg" if kind == "jpg" else kind))
    try:
        return _text(path, json.dumps(plain(content), ensure_ascii=False))
    except TypeError:
        kinds = "bytes, text, a path, a table, a figure, an image, or what JSON can hold"
        raise BadInput(f"{type(content).__name__} cannot be kept at {path!r}", expected=kinds) from None


def _written(write: Any) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _table(content: Any, suffix: str) -> bytes:
    try:
        rows = pl.DataFrame(content)
    except pl.exceptions.PolarsError as error:  # a column alone has the interface, too
        raise BadInput(f"{type(content).__name__} is no table: {error}", expected="columns with names") from None
    writers = {
        ".parquet": rows.write_parquet,
        ".csv": rows.write_csv,
        ".arrow": rows.write_ipc,
        ".json": rows.write_json,
    }
    if suffix not in writers:
        raise BadInput(
            f"a table cannot be kept as {suffix or 'a file without an ending'!r}", expected=", ".join(writers)
        )
    try:
        return _written(writers[suffix])
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"the table cannot be kept as {suffix}: {error}", expected=", ".join(writers)) from None


def _text(path: str, content: str) -> bytes:
    try:
        return content.encode()
    except UnicodeEncodeError:
        said = f"the text for {path!r} holds half of a surrogate pair"
        raise BadInput(said, expected="text that UTF-8 can hold") from None


def _image(pixels: np.ndarray[Any, Any]) -> bytes:
    """An array of height by width, or by 1, 3 or 4 channels, as PNG; real numbers go from 0 to 1."""
    shape = "an array of height by width, or height by width by 1, 3 or 4, of bytes or of numbers from 0 to 1"
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    colours = {1: 0, 3: 2, 4: 6}
    if pixels.ndim != 3 or pixels.shape[2] not in colours or not pixels.size:
        raise BadInput(f"an array of the shape {pixels.shape} is no image", expected=shape)
    if pixels.dtype.kind == "f" and np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1:
        pixels = np.rint(pixels * 255).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise BadInput(f"an array of {pixels.dtype} is no image", expected=shape)
    height, width, channels = pixels.shape
    lines = np.ascontiguousarray(pixels).reshape(height, width * channels)
    # Each line begins with the number of its filter; 0 is none.
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, colours[channels], 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
