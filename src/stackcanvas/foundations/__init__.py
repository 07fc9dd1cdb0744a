"""The foundations: what git says of the code, read only."""

from stackcanvas.foundations.changes import Changes
from stackcanvas.foundations.git import Commit, Git

__all__ = ["Changes", "Commit", "Git"]
