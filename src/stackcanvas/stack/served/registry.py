"""The registry of a served stack: models are converted and checked here, numbered there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcanvas.backends.objects import Objects
from stackcanvas.metadata import Ref
from stackcanvas.registry import ModelVersion, Policy, Registry
from stackcanvas.registry.entering import measured, ref_of, rows_of
from stackcanvas.registry.files import ModelFiles
from stackcanvas.registry.formats.open import exporter
from stackcanvas.registry.gate import GateResult
from stackcanvas.stack.served.link import Link
from stackcanvas.stack.served.parts import Part, asked, refused
from stackcanvas.stack.served.spine import ServedSpine
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    from collections.abc import Callable


class ServedRegistry(Registry):
    """As `Registry`; models are loaded here, and their bytes come through the server.

    Args:
        link: to the server.
        spine: of the served stack.
        objects: likewise.
        policy: what every registration must keep to; the server holds it against its own.
    """

    get = asked("registry", "get")
    aliased = asked("registry", "aliased")
    has = asked("registry", "has")
    ls = asked("registry", "ls")
    model = asked("registry", "model")
    versions = asked("registry", "versions")
    alias = asked("registry", "alias")
    unalias = asked("registry", "unalias")
    delete = asked("registry", "delete")
    gate = asked("registry", "gate")
    export = asked("registry", "export")
    signatures = asked("registry", "signatures")
    bill = asked("registry", "bill")
    verify = asked("registry", "verify")

    def __init__(  # not the one above: each of its parts is another one here
        self, link: Link, spine: ServedSpine, objects: Objects, policy: Callable[[str], Policy]
    ) -> None:
        parts: dict[str, Any] = {
            "_link": link,
            "_spine": spine,
            "_files": ModelFiles(objects),
            "consents": Part(link, "registry.consents"),
            "search": Part(link, "registry.search"),
            "changes": Part(link, "registry.changes"),
            "policy": policy,
        }
        vars(self).update(parts)

    def register(
        self,
        name: str,
        model: object,
        *,
        sample: Any,
        format: str = "onnx",  # noqa: A002 - the word of the canvas
        run: Ref | str | None = None,
        training: Ref | str | None = None,
        metrics: Mapping[str, float] | None = None,
        gate: GateResult | None = None,
        profile: Profile | None = None,
        message: str = "",
    ) -> ModelVersion:
        """Make a new version: the model is converted and its kept form validated here."""
        run, training = ref_of(run, "run"), ref_of(training, "data")
        rows, judged = rows_of(sample), measured(metrics, gate)
        exported = exporter(format)(model, rows, tolerance=self.policy(name).tolerance)
        kept = self._kept(name, format, exported, sample=rows, profile=profile)
        given = replace(kept, run=run, training=training, metrics=judged, gate=gate, message=message)
        made: ModelVersion = vars(self)["_link"].call("served", "register", given)
        return made

    def adopt(self, *_: Any, **__: Any) -> Any:
        """Not from here: clients of MLflow ask the server itself."""
        raise refused("adopting a folder of MLflow", vars(self)["_link"])

    def sign(self, ref: Ref | str, private: str) -> str:
        """Not from here: a private key does not travel."""
        del ref, private
        raise refused("signing", vars(self)["_link"])
