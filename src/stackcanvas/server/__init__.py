"""The processes of `stackcanvas up`: control, predict and worker, and the parent that keeps them running."""
