"""What a project defines: views, on-demand views and services, found by name and by words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stackcanvas.errors import BadInput, BadInputs, NotFound
from stackcanvas.features.demand import OnDemandView
from stackcanvas.features.service import FeatureService
from stackcanvas.features.view import FeatureView

Definition = FeatureView | OnDemandView | FeatureService


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for, as views are read.

    Args:
        wanted: view and feature of each column, in the order in which they were asked.
        stored: views that lie in data versions and in the online store, with the features that are needed of each.
        demanded: views whose features are computed when they are asked for.
    """

    wanted: tuple[tuple[str, str], ...]
    stored: tuple[tuple[FeatureView, tuple[str, ...]], ...]
    demanded: tuple[OnDemandView, ...]

    def names(self, *, full: bool) -> list[str]:
        """What the columns are called.

        Raises:
            BadInput: two features have one name, and full names are not asked for.
        """
        names = [column_name(view, feature, full=full) for view, feature in self.wanted]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            of = [f"{view}:{feature}" for view, feature in self.wanted if feature == twice]
            said = f"{of[0]} is asked for twice" if len(set(of)) == 1 else f"{' and '.join(of)} have one name"
            raise BadInput(
                f"a feature is asked for twice: {said}",
                expected="each feature once",
                fix=None if full or len(set(of)) == 1 else "Ask for full names, which hold the view",
            )
        return names


def column_name(view: str, feature: str, *, full: bool) -> str:
    """The name of a feature's column: with its view, as Feast writes it, or without."""
    return f"{view}__{feature}" if full else feature


class Catalog:
    """The definitions of a project.

    Args:
        definitions: in any order.

    Raises:
        BadInputs: names clash, or a definition names what does not exist.
    """

    def __init__(self, definitions: Sequence[Definition]) -> None:
        self.views: dict[str, FeatureView] = {}
        self.demanded: dict[str, OnDemandView] = {}
        self.services: dict[str, FeatureService] = {}
        self.problems: list[BadInput] = []
        for one in definitions:
            if one.name in self.names:
                kinds = "feature views" if isinstance(one, FeatureView | OnDemandView) else "feature definitions"
                self.problems.append(BadInput(f"two {kinds} are called {one.name!r}", fix="Rename one of them"))
                continue
            if isinstance(one, FeatureView):
                self.views[one.name] = one
            elif isinstance(one, OnDemandView):
                self.demanded[one.name] = one
            else:
                self.services[one.name] = one
        self.problems += self._dangling()
        if self.problems:
            raise self.problems[0] if len(self.problems) == 1 else BadInputs(self.problems)

    @property
    def names(self) -> set[str]:
        """Every name that is taken."""
        return {*self.views, *self.demanded, *self.services}

    def ls(self) -> list[FeatureView | OnDemandView]:
        """The views, by name."""
        return sorted([*self.views.values(), *self.demanded.values()], key=lambda view: view.name)

    def get(self, name: str) -> FeatureView | OnDemandView:
        """One view, stored or on demand.

        Raises:
            NotFound: the project has none of that name.
        """
        found = self.views.get(name) or self.demanded.get(name)
        if found is None:
            known = [*self.views, *self.demanded]
            raise NotFound("feature view", name, known=known, fix="Views are defined in features.py")
        return found

    def stored(self, name: str) -> FeatureView:
        """One view that has rows.

        Raises:
            NotFound: the project has none of that name.
            BadInput: it is computed on demand, and has none.
        """
        found = self.get(name)
        if isinstance(found, OnDemandView):
            raise BadInput(f"{name!r} is computed on demand", expected="a view with rows", fix="Leave it out")
        return found

    def service(self, name: str) -> FeatureService:
        """One service.

        Raises:
            NotFound: the project has none of that name.
        """
        if name not in self.services:
            raise NotFound("feature service", name, known=self.services, fix="Services are defined in features.py")
        return self.services[name]

    def select(self, names: Sequence[str]) -> Selection:
        """What is meant by names: `view:feature`, `view:*`, a view, or a service.

        Raises:
            NotFound: there is no such view, feature or service.
        """
        wanted = [pair for name in names for pair in self._pairs(name)]
        demanded = [self.demanded[view] for view in dict.fromkeys(view for view, _ in wanted) if view in self.demanded]
        needed: dict[str, dict[str, None]] = {}
        for view, feature in [*wanted, *(_pair(one) for other in demanded for one in other.inputs)]:
            if view in self.views:
                needed.setdefault(view, {})[feature] = None
        stored = tuple((self.views[view], tuple(features)) for view, features in needed.items())
        return Selection(tuple(wanted), stored, tuple(demanded))

    def search(self, words: str = "", *, tag: str | None = None, owner: str | None = None) -> list[Definition]:
        """Definitions that hold every word somewhere: in names, features, keys, description, owner, tags or source.

        Args:
            words: in any order, upper or lower case; all definitions when empty.
            tag: only those that carry it.
            owner: only theirs.
        """
        found: list[Definition] = [*self.ls(), *sorted(self.services.values(), key=lambda one: one.name)]
        wanted = words.casefold().split()
        return [
            one
            for one in found
            if all(word in _said(one) for word in wanted)
            and (tag is None or tag in one.tags)
            and (owner is None or owner == one.owner)
        ]

    def services_of(self, view: str) -> list[str]:
        """The services that take a feature of a view."""
        return sorted(
            name
            for name, service in self.services.items()
            if any(one.partition(":")[0] == view for one in service.features)
        )

    def _pairs(self, name: str) -> list[tuple[str, str]]:
        view, colon, feature = name.partition(":")
        if not colon:
            if name in self.services:
                return [pair for one in self.services[name].features for pair in self._pairs(one)]
            if name not in self.views and name not in self.demanded:
                known = [*self.views, *self.demanded, *self.services]
                raise NotFound("feature view", name, known=known, fix="Views are defined in features.py")
            feature = "*"
        found = self.get(view)
        if feature == "*":
            return [(view, one) for one in found.features]
        if feature not in found.features:
            raise NotFound("feature", feature, known=found.features, where=f"view {view}")
        return [(view, feature)]

    def _dangling(self) -> list[BadInput]:
        """What definitions name that is not there."""
        found = []
        wants: Mapping[str, Sequence[str]] = {
            **{f"on-demand view {one.name!r}": one.inputs for one in self.demanded.values()},
            **{f"feature service {one.name!r}": one.features for one in self.services.values()},
        }
        for where, features in wants.items():
            for feature in features:
                view, _ = _pair(feature)
                if where.startswith("on-demand") and view in self.demanded:
                    said = f"{feature} is computed on demand, too"
                    found.append(BadInput(said, where=where, expected="features of views with rows"))
                    continue
                try:
                    self._pairs(feature)
                except NotFound as error:
                    found.append(BadInput(error.sentence().rstrip("."), where=where))
        return found


def _pair(name: str) -> tuple[str, str]:
    view, _, feature = name.partition(":")
    return view, feature


def _said(one: Definition) -> str:
    parts = [one.name, one.description, one.owner, *one.tags, *one.features]
    if isinstance(one, FeatureView):
        parts += [one.source, one.entity.name, one.entity.description, *one.keys]
    if isinstance(one, OnDemandView):
        parts += [*one.inputs, *one.request]
    return " ".join(parts).casefold()
