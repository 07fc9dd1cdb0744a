"""Which letters of a page no font of this machine is likely to have."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from stackcanvas.canvas.show.page import families
from stackcanvas.canvas.show.sheet import Sheet

# The beginning of a letter's Unicode name, and what fonts that have it are usually called.
_JAPANESE = r"CJK|(MS|Yu) P?Gothic|Mincho|Meiryo|Hiragino|Noto Sans JP"
_SCRIPTS = {
    "CJK": ("Chinese or Japanese", rf"{_JAPANESE}|Han Sans|Hei\b|Song|Ming|KaiTi|YaHei|PingFang|Noto Sans [ST]C"),
    "HIRAGANA": ("Japanese", _JAPANESE),
    "HANGUL": ("Korean", r"CJK|KR|Nanum|Malgun|Batang|Gulim|Gothic Neo"),
    "ARABIC": ("Arabic", r"Arabic|Naskh|Kufi|Amiri|Tahoma|DejaVu|Arial|Segoe UI"),
    "HEBREW": ("Hebrew", r"Hebrew|David|DejaVu|Arial|Segoe UI|Liberation"),
    "THAI": ("Thai", r"Thai|Tahoma|Leelawadee|Sarabun"),
    "DEVANAGARI": ("Devanagari", r"Devanagari|Mangal|Nirmala|Lohit"),
}


def lacking(page: Sheet) -> tuple[str, ...]:
    """The scripts of the page for which this machine seems to have no font."""
    used = dict.fromkeys(unicodedata.name(letter, "").split(" ", 1)[0].split("-", 1)[0] for letter in _letters(page))
    wanted = [_SCRIPTS[script] for script in used if script in _SCRIPTS]
    known_here = families() if wanted else ()
    return tuple(name for name, known in wanted if not any(re.search(known, family) for family in known_here))


def _letters(page: Sheet) -> Iterable[str]:
    texts = [page.project, page.statement, *page.team, *(line.text for block in page.blocks for line in block.lines)]
    return (letter for text in texts for letter in text if ord(letter) > 0x2FF)
