"""Profiles, drift, metrics, intervals and sequential tests: pure functions of numbers, no input or output."""

from stackcanvas.statistics.bins import Bins
from stackcanvas.statistics.categorical import CategoricalProfile
from stackcanvas.statistics.distinct import Distinct
from stackcanvas.statistics.drift import ColumnDrift, DriftReport, drift, homogeneity, jensen_shannon
from stackcanvas.statistics.instants import InstantProfile
from stackcanvas.statistics.intervals import Interval, bootstrap, paired_difference, share_difference, wilson
from stackcanvas.statistics.metrics import (
    METRICS,
    Metric,
    accuracy,
    auc,
    brier,
    calibration_error,
    log_loss,
    mae,
    metric,
    precision,
    recall,
    rmse,
)
from stackcanvas.statistics.numeric import NumericProfile
from stackcanvas.statistics.profile import ColumnProfile, OpaqueProfile, Profile
from stackcanvas.statistics.sequential import Comparison, Group, compare

__all__ = [
    "METRICS",
    "Bins",
    "CategoricalProfile",
    "ColumnDrift",
    "ColumnProfile",
    "Comparison",
    "Distinct",
    "DriftReport",
    "Group",
    "InstantProfile",
    "Interval",
    "Metric",
    "NumericProfile",
    "OpaqueProfile",
    "Profile",
    "accuracy",
    "auc",
    "bootstrap",
    "brier",
    "calibration_error",
    "compare",
    "drift",
    "homogeneity",
    "jensen_shannon",
    "log_loss",
    "mae",
    "metric",
    "paired_difference",
    "precision",
    "recall",
    "rmse",
    "share_difference",
    "wilson",
]
