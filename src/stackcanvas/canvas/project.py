"""The parts of canvas.yaml beside the blocks: the project, and why each answer was decided."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stackcanvas.canvas.answers import Answer, Day, Text, bad, distinct

VERSION = 1
"""The version of the format, the value of the key `stackcanvas`."""

Level = Literal["tactical", "strategic", "transformational"]


def _currency(code: str) -> str:
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise bad(f"{code[:20]!r} is not a currency", expected="a code of three letters such as EUR or USD")
    return code


class Maturity(Answer):
    """How far the team is, and how far it wants to be."""

    now: Level | None = Field(default=None, description="Where the team stands.")
    wanted: Level | None = Field(default=None, description="Where it wants to stand.")


class Project(Answer):
    """The header of the canvas."""

    name: Text = Field(description="The name of the project.", max_length=250)
    date: Day | None = Field(default=None, description="When the canvas was filled in.")
    team: Annotated[tuple[Text, ...], AfterValidator(distinct)] = Field(default=(), description="Who works on it.")
    currency: Annotated[str, AfterValidator(_currency)] = Field(
        default="EUR", description="In which all money is given."
    )
    regulated: bool = Field(default=False, description="Whether a law or an auditor asks how predictions come about.")
    maturity: Maturity = Field(default_factory=Maturity.model_construct, description="AI readiness.")


class Decision(Answer):
    """Why an answer is what it is."""

    why: Text | None = Field(default=None, description="The reason.")
    owner: Text | None = Field(default=None, description="Who decided.")
    decided: Day | None = Field(default=None, description="When.")
    status: Literal["open", "decided", "not applicable"] = Field(
        default="decided", description="Whether it still holds."
    )
