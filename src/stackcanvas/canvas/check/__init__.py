"""Contradictions between answers: every rule reads what was answered, and says what clashes, why and what mends it.

A question that nobody answered never makes a rule speak, and neither does what the stack takes by default.
"""

from stackcanvas.canvas.check.checking import check, require
from stackcanvas.canvas.check.finding import Finding, Place
from stackcanvas.canvas.check.rule import Clash, Rule, clash, rule
from stackcanvas.canvas.check.rules import RULES

__all__ = ["RULES", "Clash", "Finding", "Place", "Rule", "check", "clash", "require", "rule"]
