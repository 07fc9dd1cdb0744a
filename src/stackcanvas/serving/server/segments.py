"""The prediction log's files: Arrow IPC streams that can be read up to the last whole batch at any moment.

A process holds a lock on the segment that it writes, which the system drops when the process dies however it dies: an
unsealed segment without a lock is an orphan. A sealed one is never written again. Names are
`<process>-<number>.arrow` and `<process>-<number>.sealed.arrow`; a process has its own id, so that a folder opened
again overwrites nothing.

Columns: `prediction_id, row, request_id, time, endpoint, variant, model, entity, features, output, fallback, status,
reason, latency_us`. `features` and `output` are structs with one typed field for each column of the model (missing
values are null), `entity` is the JSON text of what a record carried beside the features (null when nothing).
`status` is `ok`, `warned`, `fallback`, `error` or `shadow`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.late import late

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = late("pyarrow")


OPEN = ".arrow"
SEALED = ".sealed.arrow"
_NEW = ".arrow.new"
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def log_schema(features: list[pa.Field], output: list[pa.Field]) -> pa.Schema:
    """The schema of a segment whose models take and give these columns."""
    return pa.schema(
        [
            pa.field("prediction_id", pa.string(), nullable=False),
            pa.field("row", pa.int32(), nullable=False),
            pa.field("request_id", pa.string()),
            pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("endpoint", pa.string(), nullable=False),
            pa.field("variant", pa.string(), nullable=False),
            pa.field("model", pa.string(), nullable=False),
            pa.field("entity", pa.string()),
            # Parquet knows no struct without fields, which is what is left when a policy drops them all.
            pa.field("features", pa.struct(features) if features else pa.null()),
            pa.field("output", pa.struct(output) if output else pa.null()),
            pa.field("fallback", pa.bool_(), nullable=False),
            pa.field("status", pa.string(), nullable=False),
            pa.field("reason", pa.string()),
            pa.field("latency_us", pa.int64(), nullable=False),
        ]
    )


class Segment:
    """A segment that is being written.

    Args:
        folder: where it goes.
        name: its name without ending; must be new.
        schema: of every batch in it.
    """

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self.path = folder / f"{name}{OPEN}"
        self._sealed = folder / f"{name}{SEALED}"
        fresh = folder / f"{name}{_NEW}"
        self._file = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self.size_bytes = 0
            self._append(schema.serialize())
            # Named only when locked and begun: a compaction never takes it for an orphan.
            fresh.rename(self.path)
        except BaseException:
            os.close(self._file)
            fresh.unlink(missing_ok=True)
            raise

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch; after an error the segment ends where it ended before.

        Raises:
            OSError: the system cannot write it.
        """
        self._append(batch.serialize())

    def seal(self) -> None:
        """End it, give it its last name and let go of it."""
        try:
            with suppress(OSError):  # a stream without its end mark reads just as well
                self._append(_END)
            self.path.rename(self._sealed)
        finally:
            os.close(self._file)

    def _append(self, data: pa.Buffer | bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self.size_bytes)
                os.lseek(self._file, self.size_bytes, os.SEEK_SET)
            raise
        self.size_bytes += len(data)


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The whole batches of a segment; what a dying process left half written at its end is left out.

    Raises:
        FileNotFoundError: the segment is gone, so its rows stand in the compacted files.
    """
    data = path.read_bytes()
    try:
        stream = pa.ipc.open_stream(pa.py_buffer(data))
        while True:
            yield stream.read_next_batch()
    except (StopIteration, pa.ArrowException, OSError, EOFError):
        return


def endpoint_of(path: Path) -> str | None:
    """The endpoint that a segment belongs to, None when even its beginning cannot be read.

    Raises:
        FileNotFoundError: the segment was sealed or compacted meanwhile.
    """
    with path.open("rb") as file, suppress(pa.ArrowException, OSError, EOFError, StopIteration):
        found = pa.ipc.open_stream(file).schema.metadata or {}
        return found[b"endpoint"].decode() if b"endpoint" in found else None
    return None


def is_torn(path: Path) -> bool:
    """Whether a segment ends in the middle of a batch, or in what is none."""
    try:
        pa.ipc.open_stream(pa.py_buffer(path.read_bytes())).read_all()
    except (pa.ArrowException, OSError, EOFError):
        return True
    return False


def is_orphan(path: Path) -> bool:
    """Whether the process that wrote this unsealed segment is gone.

    Raises:
        FileNotFoundError: the segment was sealed or compacted meanwhile.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
