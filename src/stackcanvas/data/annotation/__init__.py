"""Labelling by people: queues, claims, labels, agreement, decisions."""

from stackcanvas.data.annotation.agreed import Agreement, PairAgreement, Person, Progress
from stackcanvas.data.annotation.annotation import Annotation, Imported, ItemView, Policy
from stackcanvas.data.annotation.kinds import KINDS, Kind, Queue
from stackcanvas.data.annotation.records import Claim, Item, Label
from stackcanvas.data.annotation.sources import Choosing

__all__ = [
    "KINDS",
    "Agreement",
    "Annotation",
    "Choosing",
    "Claim",
    "Imported",
    "Item",
    "ItemView",
    "Kind",
    "Label",
    "PairAgreement",
    "Person",
    "Policy",
    "Progress",
    "Queue",
]
