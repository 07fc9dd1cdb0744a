"""The plain form for people: records in, one answer for each record out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np

from stackcanvas.errors import BadInput, nearest
from stackcanvas.serving.server.checks import Mask
from stackcanvas.serving.server.http import Answer
from stackcanvas.serving.server.predictor import Predictor, Request, Result
from stackcanvas.serving.server.routes import Endpoint
from stackcanvas.serving.server.signature import Group, Rows, Signature
from stackcanvas.serving.server.values import BadValue, from_list
from stackcanvas.serving.server.variant import Variant

Record = dict[str, Any]


class RecordsRequest(msgspec.Struct):
    """The body of a records request; `event_time` counts only in a replay."""

    records: list[Record]
    id: str | None = None
    event_time: str | None = None


_decoder = msgspec.json.Decoder(RecordsRequest)
_encode = msgspec.json.Encoder().encode


async def predict(predictor: Predictor, name: str, headers: Mapping[bytes, bytes], body: bytes) -> Answer:
    """Answer one request of records.

    Args:
        predictor: the inside.
        name: of the endpoint.
        headers: of the request, names in lower case.
        body: unpacked.

    Raises:
        StackCanvasError: the request cannot be answered, with the status that says why.
    """
    started_s = time.perf_counter()
    endpoint = predictor.endpoint(name)
    request = _decode(body)
    event_time = request.event_time
    if event_time is None and b"event_time" in headers:
        event_time = headers[b"event_time"].decode("latin-1")
    time_us = predictor.time_us(event_time)
    records = request.records
    if not records:
        return Answer(_encode({"endpoint": name, "id": request.id, "predictions": []}))
    ids = predictor.ids(len(records))
    chosen = _choose(predictor, endpoint, records)
    records, absent = await _looked_up(records, chosen, time_us)
    entities = _entities(records, chosen[0].signature)
    result = await predictor.answer(
        endpoint,
        chosen,
        Request(
            lambda signature, at: rows_of(signature, records if at is None else [records[one] for one in at], at),
            ids,
            time_us,
            started_s,
            request.id,
            entities,
            absent,
        ),
    )
    return Answer(_encode({"endpoint": name, "id": request.id, "predictions": _predictions(result, ids)}))


def _decode(body: bytes) -> RecordsRequest:
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"the body cannot be read: {error}", expected='{"records": [{"FEATURE": value}]}') from None
    except RecursionError:
        raise BadInput("the body is nested too deeply") from None


def rows_of(signature: Signature, records: Sequence[Record], places: Sequence[int] | None = None) -> Rows:
    """Records as a signature lays rows out.

    Args:
        signature: names the columns.
        records: one a row; what they hold beside the columns is left out.
        places: where the records stood in the request, for errors.

    Raises:
        BadInput: a column is missing, or a value does not fit its data type.
    """
    if not signature.takes_records:
        raise BadInput("the model takes whole tensors, not records", fix="Use POST /v2/models/NAME/infer")
    return [_group_rows(group, records, places) for group in signature.groups]


def _group_rows(group: Group, records: Sequence[Record], places: Sequence[int] | None) -> Any:
    names = [column.name for column in group.columns]
    try:
        if len(names) == 1:
            values = [record[names[0]] for record in records]
        else:
            pick = itemgetter(*names)
            values = list(pick(records[0])) if len(records) == 1 else list(chain.from_iterable(map(pick, records)))
    except KeyError as error:
        raise _missing(error.args[0], names, records, places) from None
    try:
        return from_list(values, group.dtype).reshape((len(records), len(names)))
    except BadValue as error:
        at, position = divmod(error.index, len(names))
        raise BadInput(error.what, where=_place(at, places, names[position]), expected=error.expected) from None


def _missing(name: str, names: Sequence[str], records: Sequence[Record], places: Sequence[int] | None) -> BadInput:
    at = next(index for index, record in enumerate(records) if name not in record)
    near = nearest(name, [other for other in records[at] if other not in names])
    return BadInput(
        "the column is missing",
        where=_place(at, places, name),
        fix=f"Perhaps it was sent as {near!r}" if near else None,
    )


def _place(at: int, places: Sequence[int] | None, name: str) -> str:
    return f"record {at if places is None else places[at]}, {name!r}"


def _choose(predictor: Predictor, endpoint: Endpoint, records: Sequence[Record]) -> Sequence[Variant]:
    if endpoint.chooser.only is not None:
        return [predictor.choose(endpoint)]
    sticky = endpoint.spec.sticky
    if sticky is None:
        return [predictor.choose(endpoint) for _ in records]
    try:
        return [predictor.choose(endpoint, record[sticky]) for record in records]
    except KeyError:
        raise _missing(sticky, (), records, None) from None


async def _looked_up(
    records: list[Record], chosen: Sequence[Variant], time_us: int
) -> tuple[list[Record], Mask | None]:
    """The records with the features that they lack, where keys in them say which; and those that have none."""
    absent: Mask | None = None
    for variant in {id(one): one for one in chosen}.values():
        lookup = variant.lookup
        wanted = lookup.wanted(records) if lookup is not None else []
        if lookup is None or not wanted:
            continue
        mine = [
            at
            for at, record in enumerate(records)
            if (len(chosen) == 1 or chosen[at] is variant) and any(name not in record for name in wanted)
        ]
        filled, gone = await lookup.fill([records[at] for at in mine], wanted, now_us=time_us)
        records = list(records)
        for at, record in zip(mine, filled, strict=True):
            records[at] = record
        if gone.any():
            absent = np.zeros(len(records), dtype=np.bool_) if absent is None else absent
            absent[mine] = gone
    return records, absent


def _entities(records: Sequence[Record], signature: Signature) -> list[Record | None] | None:
    """What the records hold beside the model's columns: the keys that labels are joined by."""
    columns = signature.columns
    if all(len(record) == len(columns) for record in records):
        return None  # all columns are there, or decoding the rows will say which is not
    return [{name: value for name, value in record.items() if name not in columns} or None for record in records]


def _predictions(result: Result, ids: Sequence[str]) -> list[Record]:
    variants = result.variants if len(result.variants) > 1 else [result.variants[0]] * len(ids)
    names = [output.name for output in variants[0].signature.outputs]
    columns = [values.tolist() for values in result.outputs]
    predictions: list[Record] = [
        {
            "prediction_id": prediction_id,
            "output": dict(zip(names, values, strict=True)),
            "variant": variant.name,
            "model": variant.model,
        }
        for prediction_id, values, variant in zip(ids, zip(*columns, strict=True), variants, strict=True)
    ]
    for at, prediction in enumerate(predictions):
        prediction["fallback"] = result.fallback[at] if result.fallback is not None else False
        if result.warnings is not None and result.warnings[at]:
            prediction["warnings"] = result.warnings[at]
    return predictions
