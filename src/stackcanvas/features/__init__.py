"""Features as known at a time: views over data versions, the point-in-time join, training sets and the online store."""

from stackcanvas.features.features import Features, Materialized, ViewStatus
from stackcanvas.features.join import Observations, point_in_time
from stackcanvas.features.view import Entity, FeatureView

__all__ = ["Entity", "FeatureView", "Features", "Materialized", "Observations", "ViewStatus", "point_in_time"]
