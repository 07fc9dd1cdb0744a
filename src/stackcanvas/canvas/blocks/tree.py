"""All answers in one tree, in the canvas's order, and what the stack takes where a question is not answered."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field

from stackcanvas.canvas.answers import Answer, Block
from stackcanvas.canvas.blocks.data import Data
from stackcanvas.canvas.blocks.deployment import Deployment
from stackcanvas.canvas.blocks.dilemma import Dilemma
from stackcanvas.canvas.blocks.experiments import Experiments
from stackcanvas.canvas.blocks.features import Features
from stackcanvas.canvas.blocks.foundations import Foundations
from stackcanvas.canvas.blocks.metadata import Metadata
from stackcanvas.canvas.blocks.monitoring import Monitoring
from stackcanvas.canvas.blocks.pipelines import Pipelines
from stackcanvas.canvas.blocks.registry import Registry
from stackcanvas.canvas.blocks.serving import Serving
from stackcanvas.canvas.blocks.value import Value


class Answers(BaseModel):
    """The typed answers by block; a question that is not answered is None."""

    model_config = ConfigDict(**{**Answer.model_config, "defer_build": False})

    # `model_construct`, because a plain call would first build a validator for each block alone.
    value: Value = Field(default_factory=Value.model_construct)
    data: Data = Field(default_factory=Data.model_construct)
    experiments: Experiments = Field(default_factory=Experiments.model_construct)
    features: Features = Field(default_factory=Features.model_construct)
    foundations: Foundations = Field(default_factory=Foundations.model_construct)
    pipelines: Pipelines = Field(default_factory=Pipelines.model_construct)
    registry: Registry = Field(default_factory=Registry.model_construct)
    deployment: Deployment = Field(default_factory=Deployment.model_construct)
    serving: Serving = Field(default_factory=Serving.model_construct)
    monitoring: Monitoring = Field(default_factory=Monitoring.model_construct)
    metadata: Metadata = Field(default_factory=Metadata.model_construct)
    dilemmas: Dilemma = Field(default_factory=Dilemma.model_construct)


BLOCK_ANSWERS: Mapping[str, type[Block]] = MappingProxyType(
    {
        "value": Value,
        "data": Data,
        "experiments": Experiments,
        "features": Features,
        "foundations": Foundations,
        "pipelines": Pipelines,
        "registry": Registry,
        "deployment": Deployment,
        "serving": Serving,
        "monitoring": Monitoring,
        "metadata": Metadata,
        "dilemma": Dilemma,
    }
)
"""Block id to its answers, in the canvas's order."""

PER_MODEL = ("experiments", "features", "pipelines", "registry", "deployment", "serving", "monitoring", "value")
"""The blocks whose answers `models` may change."""

DEFAULTS: Mapping[str, object] = MappingProxyType(
    {
        "data.storage": {},
        "features.databases": {},
        "pipelines.retraining": (),
        "pipelines.location": {},
        "registry.storage": {},
        "registry.versioning": "semantic",
        "registry.allow_python_models": False,
        "deployment.target": {},
        "deployment.release_policy": {"by": "hand"},
        "deployment.strategy": {"kind": "recreate"},
        "serving.mode": {"mode": "online"},
        "serving.distributed": {"needed": False},
        "serving.pre_assertion": {},
        "serving.fallback": {},
        "serving.accelerators": {"kind": "none"},
        "serving.log": {},
        "monitoring.skew": {},
        "monitoring.alerting": {},
        "metadata.store": {},
        "metadata.governance": {},
    }
)
"""What the stack takes for a question that is not answered; a question that is not listed then configures nothing."""

_KEYS: Mapping[str, str] = MappingProxyType({"dilemma": "dilemmas"})

QUESTION_IDS: tuple[str, ...] = tuple(
    f"{block}.{field}" for block, answers in BLOCK_ANSWERS.items() for field in answers.model_fields
)
"""Every question, in the canvas's order."""


def key_of(block: str) -> str:
    """The key of a block in canvas.yaml; its id, but for the dilemmas.

    Example:
        >>> key_of("data"), key_of("dilemma")
        ('data', 'dilemmas')
    """
    return _KEYS.get(block, block)


def place_of(question: str) -> tuple[str, str]:
    """Where the answer of a question stands: the key of its block, and its key there.

    Example:
        >>> place_of("dilemma.skills")
        ('dilemmas', 'skills')
    """
    block, _, field = question.partition(".")
    return key_of(block), field
