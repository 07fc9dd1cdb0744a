"""Where data come from: files and folders, databases, addresses of the web, object stores, Delta Lake tables."""

from stackcanvas.data.sources.files import SCRATCH, Gathered, as_paths, gather

__all__ = ["SCRATCH", "Gathered", "as_paths", "gather"]
