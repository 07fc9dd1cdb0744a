"""Questions to versions of data: queries in SQL, profiles, comparisons."""

from stackcanvas.data.analysis.analysis import Analysis, Answered, StoredReport
from stackcanvas.data.analysis.associations import Association, Associations
from stackcanvas.data.analysis.findings import Finding
from stackcanvas.data.analysis.reports import CompareReport, Moved, ProfileReport, Subject

__all__ = [
    "Analysis",
    "Answered",
    "Association",
    "Associations",
    "CompareReport",
    "Finding",
    "Moved",
    "ProfileReport",
    "StoredReport",
    "Subject",
]
