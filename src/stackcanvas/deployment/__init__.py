"""Model deployment: endpoints, releases, strategies, and the controller that moves traffic."""

from stackcanvas.deployment.deployment import Deployment, Status
from stackcanvas.deployment.health import Health
from stackcanvas.deployment.releases import Release
from stackcanvas.deployment.router import Router, Variant
from stackcanvas.deployment.strategy import Analysis, BlueGreen, Canary, Recreate, Shadow, Strategy

__all__ = [
    "Analysis",
    "BlueGreen",
    "Canary",
    "Deployment",
    "Health",
    "Recreate",
    "Release",
    "Router",
    "Shadow",
    "Status",
    "Strategy",
    "Variant",
]
