"""Model versions: immutable, with signature, lineage, aliases and semantic version numbers."""

from stackcanvas.registry.files import Verification
from stackcanvas.registry.formats.base import Agreement, LoadedModel
from stackcanvas.registry.gate import Check, GateResult, Rule, Scores
from stackcanvas.registry.policy import Policy
from stackcanvas.registry.registry import PROFILE, Registry
from stackcanvas.registry.signature import Input, Output, Signature, tensors
from stackcanvas.registry.versions import ModelVersion, RegisteredModel

__all__ = [
    "PROFILE",
    "Agreement",
    "Check",
    "GateResult",
    "Input",
    "LoadedModel",
    "ModelVersion",
    "Output",
    "Policy",
    "RegisteredModel",
    "Registry",
    "Rule",
    "Scores",
    "Signature",
    "Verification",
    "tensors",
]
