"""Feature services: a named list of features, so that a model asks for one name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.features.checks import column_problems, name_problems, names_of


@dataclass(frozen=True, slots=True)
class FeatureService:
    """The features that one use needs, under a name.

    Args:
        name: what it is called.
        features: as `view:feature`, or `view:*` for all of a view.
        description, owner, tags: for those who look for features.

    Raises:
        BadInputs: everything that is wrong with the definition, at once.

    Example:
        >>> FeatureService("delays", features=["weather:*", "planes:plane_seats"]).features
        ('weather:*', 'planes:plane_seats')
    """

    name: str
    features: tuple[str, ...]
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()

    def __init__(
        self, name: str, *, features: Sequence[str], description: str = "", owner: str = "", tags: Sequence[str] = ()
    ) -> None:
        wanted = names_of(features)
        problems = name_problems(name) + column_problems("feature", wanted)
        problems += [f"{one!r} is no view:feature or view:*" for one in wanted if not all(one.partition(":"))]
        if problems:
            raise BadInputs([BadInput(problem, where=f"feature service {name!r}") for problem in problems])
        for field, value in (("name", name), ("features", wanted), ("description", description), ("owner", owner)):
            object.__setattr__(self, field, value)
        object.__setattr__(self, "tags", names_of(tags))
