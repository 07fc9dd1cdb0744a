"""Asking: which questions come next, and how what people type or send becomes an answer that can be written."""

from stackcanvas.canvas.ask.form import Entry, entries, read_form
from stackcanvas.canvas.ask.item import Item, Problem, item, plan, plan_all
from stackcanvas.canvas.ask.talk import Back, Port, Prompt, Skip, Stop, talk
from stackcanvas.canvas.ask.text import is_leaf, read_text, show_text, unmasked

__all__ = [
    "Back",
    "Entry",
    "Item",
    "Port",
    "Problem",
    "Prompt",
    "Skip",
    "Stop",
    "entries",
    "is_leaf",
    "item",
    "plan",
    "plan_all",
    "read_form",
    "read_text",
    "show_text",
    "talk",
    "unmasked",
]
