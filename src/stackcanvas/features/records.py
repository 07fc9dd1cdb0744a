"""Views on record: a definition is kept under its ref the first time that it is used."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.exc import IntegrityError

from stackcanvas.features.demand import OnDemandView
from stackcanvas.features.view import FeatureView
from stackcanvas.metadata import Recording, Ref, Spine


def record_view(spine: Spine, view: FeatureView | OnDemandView, work: Recording) -> Ref:
    """The view's ref, with its definition on record."""
    if spine.artifacts.get(view.ref) is None:
        with spine.write() as tx, suppress(IntegrityError), tx.begin_nested():
            spine.artifacts.add(tx, view.ref, digest=view.digest, execution=work.id, facts=view.definition)
    return view.ref
