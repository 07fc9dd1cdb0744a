"""One question in a process of its own: `python -m stackcanvas.stack.apart.child`, asked on stdin by `Apart`."""

from __future__ import annotations

import os
import sys
import threading

from stackcanvas.errors import StackCanvasError
from stackcanvas.metadata.actors import acting
from stackcanvas.stack.apart.apart import LENGTH
from stackcanvas.stack.opening import open as open_stack
from stackcanvas.stack.served.asked import failure
from stackcanvas.stack.served.wire import pack, unpack

_POLITE = 10


def main() -> int:
    """Answer on stdout what was asked on stdin."""
    asked = sys.stdin.buffer
    question = asked.read(LENGTH.unpack(asked.read(LENGTH.size))[0])
    threading.Thread(target=_leave_with_asker, daemon=True).start()
    # Libraries may print: only the answer goes where the answer is awaited.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.nice(_POLITE)
    with answer:
        answer.write(_answer(question))
    return 0


def _answer(question: bytes) -> bytes:
    root, workspace, environment, actor, method, *given = unpack(question, trusted=True)
    try:
        with open_stack(root, workspace=workspace, environment=environment) as stack, acting(actor):
            return pack([False, getattr(stack.analysis, method)(*given)])
    except StackCanvasError as error:
        return pack([True, failure(error)])


def _leave_with_asker() -> None:
    """End when the one who asked does not wait any more."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
