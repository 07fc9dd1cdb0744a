"""Files that commands write where the user says."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from stackcanvas.errors import Unavailable


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step: what was there stays whole until the new one is.

    Raises:
        Unavailable: the folder cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unavailable(f"the file cannot be written ({error.strerror})", where=str(path)) from None
