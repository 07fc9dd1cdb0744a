"""Entity keys in place of features: what a record lacks is looked up before the model sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from stackcanvas.backends.keyvalue.rows import EXPIRED, MISSING
from stackcanvas.errors import BadInput, StackCanvasError, Unavailable
from stackcanvas.serving.server.checks import Mask
from stackcanvas.serving.server.features import FeatureStore, Found
from stackcanvas.serving.server.metrics import Metrics

Record = dict[str, Any]


class LookupSpec(msgspec.Struct, frozen=True):
    """What of a model's columns can be looked up.

    Args:
        columns: of the model, each with its feature as `view:feature`.
        definitions: of the views, as the model knows them; values of another definition count as missing.
        missing: what happens to a row whose features are not there or too old: the model gets no value, the request is
            refused, or the fallback answers.
    """

    columns: dict[str, str]
    definitions: dict[str, str] = {}
    missing: Literal["empty", "reject", "fallback"] = "empty"


class Lookup:
    """Completes the records of one model.

    Args:
        spec: of its bundle.
        store: where features are read.
        blanks: by column, what stands in a row that the fallback answers.
    """

    def __init__(
        self,
        spec: LookupSpec,
        store: FeatureStore,
        *,
        blanks: Mapping[str, Any],
        endpoint: str,
        metrics: Metrics,
    ) -> None:
        self._spec = spec
        self._store = store
        self._blanks = blanks
        self._endpoint = endpoint
        self._metrics = metrics

    def wanted(self, records: Sequence[Record]) -> list[str]:
        """The columns that some record lacks and that can be looked up; of views that never came online none can."""
        lacking = [name for name in self._spec.columns if any(name not in record for record in records)]
        return [name for name in lacking if self._is_online(self._spec.columns[name].partition(":")[0])]

    async def fill(self, records: Sequence[Record], wanted: Sequence[str], *, now_us: int) -> tuple[list[Record], Mask]:
        """The records with what was looked up, and which of them the fallback is to answer; what a record says counts.

        Raises:
            BadInput: a record lacks a feature and its key, or the rule refuses rows whose features are missing.
            Unavailable: the online store does not answer, and no fallback is to stand in.
        """
        absent = np.zeros(len(records), dtype=np.bool_)
        pairs = [(view, name) for view, _, name in (self._spec.columns[one].partition(":") for one in wanted)]
        try:
            known = [pair for pair in pairs if self._is_known(pair[0])]
            read = dict(zip(known, await self._store.read(known, records, now_us=now_us), strict=True))
            found = [read.get(pair) or _nothing(pair, len(records)) for pair in pairs]
        except Unavailable:
            if self._spec.missing != "fallback":
                raise
            absent[:] = True
            found = [_nothing(pair, len(records)) for pair in pairs]
        except BadInput as error:
            fix = f"Send {', '.join(wanted[:5])} with each record, or the keys to look them up"
            raise BadInput(error.what, where=error.where, expected=error.expected, fix=fix) from None
        for name, column in zip(wanted, found, strict=True):
            gone = np.array([state in {MISSING, EXPIRED} for state in column.states], dtype=np.bool_)
            gone &= np.array([name not in record for record in records], dtype=np.bool_)
            if gone.any():
                self._metrics.lookup_missing.add((self._endpoint, column.view), int(gone.sum()))
                if self._spec.missing == "reject":
                    raise self._refused(name, column, int(np.flatnonzero(gone)[0]))
                if self._spec.missing == "fallback":
                    absent |= gone
        filled = []
        for at, record in enumerate(records):
            looked = {name: _plain(column.values[at]) for name, column in zip(wanted, found, strict=True)}
            blank = {name: self._blanks[name] for name in looked} if absent[at] else {}
            filled.append({**looked, **blank, **record})
        return filled, absent

    def _views(self, view: str) -> list[str]:
        """The view, or those that it is computed from."""
        demanded = self._store.plan.on_demand.get(view)
        return [view] if demanded is None else [one.partition(":")[0] for one in demanded.inputs]

    def _is_online(self, view: str) -> bool:
        plans = [self._store.plan.views.get(one) for one in self._views(view)]
        return all(plan is not None and (plan.until_us is not None or plan.stream) for plan in plans)

    def _is_known(self, view: str) -> bool:
        """Whether the view, and all that it is computed from, is defined as the model knows it."""
        views = self._views(view)
        known = {name: plan.place.definition for name, plan in self._store.plan.views.items()}
        return all(self._spec.definitions.get(one, known.get(one)) == known.get(one, "") for one in views)

    @staticmethod
    def _refused(name: str, column: Found, at: int) -> StackCanvasError:
        what = "is too old" if column.states[at] == EXPIRED else "is not known"
        return BadInput(
            f"the feature {column.view}:{column.name} of these keys {what}",
            where=f"record {at}, {name!r}",
            fix=f"Send {name!r} with the record, or bring the view online",
        )


def _nothing(pair: tuple[str, str], rows: int) -> Found:
    return Found(*pair, [None] * rows, [MISSING] * rows, [None] * rows)


def _plain(value: Any) -> Any:
    return value.timestamp() if hasattr(value, "tzinfo") else value
