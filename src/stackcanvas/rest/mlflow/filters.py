"""The language of searches, as the routes of models know it."""

from stackcanvas.experiments.filters import LISTS, TEXT, Clause, Grammar

__all__ = ["LISTS", "TEXT", "Clause", "Grammar"]
