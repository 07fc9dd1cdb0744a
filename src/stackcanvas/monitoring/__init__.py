"""Model, data and system monitoring: labels, drift, performance, alerts, incidents."""

from stackcanvas.monitoring.alerts import Alert
from stackcanvas.monitoring.conditions import Condition
from stackcanvas.monitoring.deliveries import Delivery
from stackcanvas.monitoring.drifting import DriftFound
from stackcanvas.monitoring.figures import FIGURES
from stackcanvas.monitoring.incidents import Incident, Incidents
from stackcanvas.monitoring.labels import LabelCounts, Labels, LabelsAdded
from stackcanvas.monitoring.monitoring import Look, Monitoring
from stackcanvas.monitoring.performance import Measured
from stackcanvas.monitoring.policy import Decay, Policy, Rule, Skew, policy_of
from stackcanvas.monitoring.sources import Live, Predictions, Registered

__all__ = [
    "FIGURES",
    "Alert",
    "Condition",
    "Decay",
    "Delivery",
    "DriftFound",
    "Incident",
    "Incidents",
    "LabelCounts",
    "Labels",
    "LabelsAdded",
    "Live",
    "Look",
    "Measured",
    "Monitoring",
    "Policy",
    "Predictions",
    "Registered",
    "Rule",
    "Skew",
    "policy_of",
]
