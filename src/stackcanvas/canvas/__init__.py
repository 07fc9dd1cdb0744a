"""The canvas: the document `canvas.yaml`, its questions, and the answers that configure the stack.

Rooms that are used now and then are imported by their own name: `edit` (writing), `schema` (for editors),
`reference` (the documentation).
"""

from stackcanvas.canvas.answered import Canvas, Effective, Origin
from stackcanvas.canvas.blocks import QUESTION_IDS, Answers
from stackcanvas.canvas.document import load, loads
from stackcanvas.canvas.events import EventPattern
from stackcanvas.canvas.questions import AREAS, BLOCKS, CREDIT, PHASES, QUESTIONS, Block, Cell, Question
from stackcanvas.canvas.units import (
    format_duration,
    format_share,
    format_size,
    parse_duration,
    parse_share,
    parse_size,
)
from stackcanvas.canvas.urls import Url

__all__ = [
    "AREAS",
    "BLOCKS",
    "CREDIT",
    "PHASES",
    "QUESTIONS",
    "QUESTION_IDS",
    "Answers",
    "Block",
    "Canvas",
    "Cell",
    "Effective",
    "EventPattern",
    "Origin",
    "Question",
    "Url",
    "format_duration",
    "format_share",
    "format_size",
    "load",
    "loads",
    "parse_duration",
    "parse_share",
    "parse_size",
]
