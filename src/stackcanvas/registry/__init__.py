"""Model versions: immutable, with signature, lineage, aliases and semantic version numbers."""

from stackcanvas.registry.catalog import RegisteredModel
from stackcanvas.registry.changes import CHAMPION, Uses
from stackcanvas.registry.consents import PYTHON, Asked, Consent, Standing
from stackcanvas.registry.extras import new_key
from stackcanvas.registry.files import Verification
from stackcanvas.registry.folders import Folder, VersionFolder
from stackcanvas.registry.formats.base import Agreement, LoadedModel
from stackcanvas.registry.gate import Check, GateResult, Rule, Scores
from stackcanvas.registry.policy import Policy
from stackcanvas.registry.registry import EXAMPLE, PROFILE, Registry
from stackcanvas.registry.search import Condition
from stackcanvas.registry.signature import Input, Output, Signature, tensors
from stackcanvas.registry.stages import stage_named
from stackcanvas.registry.versions import ModelVersion

__all__ = [
    "CHAMPION",
    "EXAMPLE",
    "PROFILE",
    "PYTHON",
    "Agreement",
    "Asked",
    "Check",
    "Condition",
    "Consent",
    "Folder",
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
    "Standing",
    "Uses",
    "Verification",
    "VersionFolder",
    "new_key",
    "stage_named",
    "tensors",
]
