"""The foundations: what git says of the code, read only."""

from stackcanvas.foundations.git import Commit, Git

__all__ = ["Commit", "Git"]
