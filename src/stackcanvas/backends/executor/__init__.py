"""Where work runs: in this process, or in warm processes of this machine."""

from stackcanvas.backends.executor.base import Executor, TaskFailed
from stackcanvas.backends.executor.open import open_executor

__all__ = ["Executor", "TaskFailed", "open_executor"]
