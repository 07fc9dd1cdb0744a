"""The backends of a stack, from the URLs of the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.backends.executor import Executor, open_executor
from stackcanvas.backends.keyvalue import KeyValue, open_keyvalue
from stackcanvas.backends.objects import Objects, open_objects

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def objects(stack: Stack) -> Objects:
    """Where bytes lie."""
    return open_objects(stack.settings.objects)


def online(stack: Stack) -> KeyValue:
    """Where features lie for prediction."""
    return open_keyvalue(stack.settings.online, namespace=stack.settings.namespace)


def executor(stack: Stack) -> Executor:
    """What runs the steps of pipelines."""
    return open_executor(stack.settings.executor)
