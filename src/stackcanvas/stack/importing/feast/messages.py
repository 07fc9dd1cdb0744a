"""The messages of Feast's registry: those fields of its public protocol that an import reads.

Numbers are those of feast-dev/feast, protos/feast/core; a reader skips all that it does not know, so a registry of a
newer release is read as well.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from stackcanvas.errors import BadInput

# Message -> field -> number and type; a star behind the type stands for many. Maps are many pairs on the wire.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Registry": {
        "entities": (1, "Entity*"),
        "feature_views": (6, "FeatureView*"),
        "feature_services": (7, "FeatureService*"),
        "on_demand_feature_views": (8, "OnDemandView*"),
        "saved_datasets": (11, "Named*"),
        "stream_feature_views": (14, "StreamView*"),
        "label_views": (19, "Named*"),
    },
    "Pair": {"key": (1, "string"), "value": (2, "string")},
    "Duration": {"seconds": (1, "int64"), "nanos": (2, "int32")},
    "Column": {"name": (1, "string")},
    "Named": {"spec": (1, "NamedSpec")},
    "NamedSpec": {"name": (1, "string"), "project": (2, "string")},
    "Entity": {"spec": (1, "EntitySpec")},
    "EntitySpec": {
        "name": (1, "string"),
        "project": (9, "string"),
        "description": (3, "string"),
        "join_key": (4, "string"),
    },
    "Source": {
        "name": (20, "string"),
        "field_mapping": (2, "Pair*"),
        "timestamp_field": (3, "string"),
        "created_timestamp_column": (5, "string"),
        "class_type": (17, "string"),
        "batch_source": (26, "Source"),
        "file_options": (11, "FileOptions"),
    },
    "FileOptions": {"uri": (2, "string")},
    "Function": {"name": (1, "string"), "body_text": (3, "string")},
    "Transformation": {"user_defined_function": (1, "Function")},
    "Window": {"column": (1, "string")},
    "FeatureView": {"spec": (1, "ViewSpec")},
    "ViewSpec": {
        "name": (1, "string"),
        "project": (2, "string"),
        "entities": (3, "string*"),
        "features": (4, "Column*"),
        "tags": (5, "Pair*"),
        "ttl": (6, "Duration"),
        "batch_source": (7, "Source"),
        "stream_source": (9, "Source"),
        "description": (10, "string"),
        "owner": (11, "string"),
        "feature_transformation": (15, "Transformation"),
    },
    "StreamView": {"spec": (1, "StreamSpec")},
    "StreamSpec": {
        "name": (1, "string"),
        "project": (2, "string"),
        "entities": (3, "string*"),
        "features": (4, "Column*"),
        "description": (6, "string"),
        "tags": (7, "Pair*"),
        "owner": (8, "string"),
        "ttl": (9, "Duration"),
        "batch_source": (10, "Source"),
        "stream_source": (11, "Source"),
        "user_defined_function": (13, "Function"),
        "aggregations": (15, "Window*"),
        "feature_transformation": (17, "Transformation"),
    },
    "OnDemandView": {"spec": (1, "OnDemandSpec")},
    "OnDemandSpec": {
        "name": (1, "string"),
        "project": (2, "string"),
        "user_defined_function": (5, "Function"),
        "feature_transformation": (10, "Transformation"),
    },
    "FeatureService": {"spec": (1, "ServiceSpec")},
    "ServiceSpec": {
        "name": (1, "string"),
        "project": (2, "string"),
        "features": (3, "Projection*"),
        "tags": (4, "Pair*"),
        "description": (5, "string"),
        "owner": (6, "string"),
    },
    "Projection": {
        "view": (1, "string"),
        "columns": (2, "Column*"),
        "alias": (3, "string"),
        "join_key_map": (4, "Pair*"),
    },
}
_FIELD = descriptor_pb2.FieldDescriptorProto
_PLAIN = {"string": _FIELD.TYPE_STRING, "int64": _FIELD.TYPE_INT64, "int32": _FIELD.TYPE_INT32}
_PACKAGE = "stackcanvas.feast"


def parse(kind: str, data: bytes, *, where: str) -> Any:
    """A message from its bytes.

    Raises:
        BadInput: they are none of Feast.
    """
    try:
        return _classes()[kind].FromString(data)
    except DecodeError:
        raise BadInput("the registry cannot be read", where=where, expected="what `feast apply` writes") from None


def of_parts() -> Any:
    """An empty registry, to be filled from parts."""
    return _classes()["Registry"]()


@cache
def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="stackcanvas/feast.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            plain = kind.rstrip("*")
            label = _FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if plain in _PLAIN:
                added.type = _PLAIN[plain]
            else:
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }
