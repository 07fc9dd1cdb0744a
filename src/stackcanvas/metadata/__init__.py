"""The spine: refs, executions, artifacts, lineage, events, audit log, leases, actors, migrations."""

from stackcanvas.metadata.actors import Actor, CodeState, acting
from stackcanvas.metadata.artifacts import Artifact
from stackcanvas.metadata.audit import AuditEntry, AuditProblem
from stackcanvas.metadata.events import Event
from stackcanvas.metadata.executions import Execution, Recording
from stackcanvas.metadata.leases import Lease
from stackcanvas.metadata.lineage import Edge, Graph
from stackcanvas.metadata.refs import KINDS, Ref
from stackcanvas.metadata.spine import Spine, current, within
from stackcanvas.metadata.taken import Entry

__all__ = [
    "KINDS",
    "Actor",
    "Artifact",
    "AuditEntry",
    "AuditProblem",
    "CodeState",
    "Edge",
    "Entry",
    "Event",
    "Execution",
    "Graph",
    "Lease",
    "Recording",
    "Ref",
    "Spine",
    "acting",
    "current",
    "within",
]
