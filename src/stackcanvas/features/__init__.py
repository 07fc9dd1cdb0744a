"""Features as known at a time: views over data versions, the point-in-time join, training sets and the online store."""

from stackcanvas.backends.keyvalue.formulas import greatest, least, where
from stackcanvas.features.catalog import Definition
from stackcanvas.features.demand import OnDemandView
from stackcanvas.features.features import Features, ViewStatus
from stackcanvas.features.join import Observations, point_in_time
from stackcanvas.features.materialize import FeatureStatistics, Materialized
from stackcanvas.features.service import FeatureService
from stackcanvas.features.training import Rebuilt
from stackcanvas.features.view import Entity, FeatureView

__all__ = [
    "Definition",
    "Entity",
    "FeatureService",
    "FeatureStatistics",
    "FeatureView",
    "Features",
    "Materialized",
    "Observations",
    "OnDemandView",
    "Rebuilt",
    "ViewStatus",
    "greatest",
    "least",
    "point_in_time",
    "where",
]
