"""Answers that this release reads but does not act on: said plainly, so that nobody counts on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stackcanvas.canvas import Canvas


@dataclass(frozen=True, slots=True)
class Unserved:
    """An answer that changes nothing yet.

    Args:
        question: its id.
        said: what does not happen.
    """

    question: str
    said: str


def unserved(canvas: Canvas) -> list[Unserved]:
    """What of the answers the stack does not do, in the order of the canvas.

    Example:
        >>> from stackcanvas.canvas import loads
        >>> canvas = loads("{stackcanvas: 1, project: {name: demo}, deployment: {target: {where: kubernetes}}}")
        >>> [one.said for one in unserved(canvas)]
        ['Models are served on this machine only.']
    """
    found = []
    for question, (applies, said) in _RULES.items():
        answer = canvas.get(question)
        if answer is not None and applies(answer):
            found.append(Unserved(question, said))
    return found


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "foundations.delivery_metrics": (bool, "Delivery metrics are not measured."),
    "pipelines.distributed_training": (lambda answer: answer.needed, "Training runs on one machine."),
    "pipelines.non_functional": (
        lambda answer: any("serving" in requirement.tested_in for requirement in answer),
        "Requirements are tested in training only.",
    ),
    "deployment.format": (
        lambda answer: answer not in {"onnx", "native"},
        "Models are deployed as files, not as packages or containers.",
    ),
    "deployment.target": (
        lambda answer: answer.where not in {"local", "server"},
        "Models are served on this machine only.",
    ),
    "deployment.release_policy": (
        lambda answer: answer.by not in {"metrics", "hand"},
        "Versions are released by metrics or by hand only.",
    ),
    "serving.mode": (
        lambda answer: (answer.mode, answer.pattern) != ("online", "model as service"),
        "Models are served online, as a service, only.",
    ),
    "serving.distributed": (lambda answer: answer.replicas > 1, "One prediction server answers."),
    "serving.accelerators": (lambda answer: answer.kind != "none", "Predictions run on the processor."),
    "serving.fallback": (lambda answer: answer.timeout is not None, "The fallback does not answer for a slow model."),
    "metadata.documentation": (lambda answer: answer.as_code, "Documents are not generated."),
    "metadata.operational": (bool, "Operational metrics are not measured."),
}
