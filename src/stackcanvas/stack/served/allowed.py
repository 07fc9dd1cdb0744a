"""What may be called from afar, and the role that each call needs. What is not on this list cannot be called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stackcanvas.metadata.tokens import ADMIN, APPROVER, READER, WRITER


@dataclass(frozen=True, slots=True)
class Call:
    """How a method may be called.

    Args:
        role: what who asks must be at least.
        again: asked twice it does no more than once, so that a client repeats it when the connection breaks.
        person: the argument that names who does it; whoever the token says is put there.
    """

    role: str
    again: bool = False
    person: str | None = None


def _read(names: str) -> dict[str, Call]:
    return dict.fromkeys(names.split(), Call(READER, again=True))


def _write(names: str, *, again: bool = False, role: str = WRITER) -> dict[str, Call]:
    return dict.fromkeys(names.split(), Call(role, again=again))


_PARTS: dict[str, dict[str, Call]] = {
    "spine.executions": _read("get search counts"),
    "spine.artifacts": _read("get search"),
    "spine.lineage": _read("upstream downstream of"),
    "spine.events": _read("after latest head"),
    "spine.audit": _read("entries head verify"),
    "spine.heartbeats": _read("ls"),
    "served": _read("about pipelines parameters features predictions")
    | _write("start write", again=True)
    | _write("commit register"),
    "data": _read("check croissant verify") | _write("tag forget") | _write("gc", role=ADMIN),
    "data.parts.versions": _read("get log latest every by_digest"),
    "experiments": _read("get search count metrics outline experiments overview environment")
    | _write("reap", again=True),
    "experiments.catalog": _read("get ls search") | _write("create change tag"),
    "experiments.origins": _read("get"),
    "experiments.models": _read("get search")
    | _write("create")
    | _write("finish delete add_parameters set_tags drop_tag", again=True),
    "registry": _read("get aliased has ls model versions signatures bill verify export")
    | _write("gate")
    | _write("alias unalias delete", again=False),
    "registry.changes": _read("breaks") | _write("create describe tag untag move rename delete_model"),
    "registry.search": _read("models versions newest_by_stage"),
    "registry.consents": _read("of standing require") | _write("give", role=APPROVER),
    "features": _read("status describe statistics materialized online rows_online waiting_since")
    | _write("push fold materialize"),
    "deployment": _read("status ls history") | _write("deploy rollback"),
    "serving": _read("routes served counts"),
    "serving.log": _read("endpoints tail get counts"),
    "monitoring": _read("drift drift_history performance conditions alerts deliveries unknown_figures"),
    "monitoring.incidents": _read("get ls") | _write("open close"),
    "monitoring.labels": _read("counts judged logged") | _write("add", again=True),
    "value": _read("earned totals balance payoff"),
    "pipelines": _read("describe logs get runs steps") | _write("queue cancel"),
    "annotation": _read("ls get item items person progress agreement export_label_studio label_studio_config")
    | _write("create add close open export import_label_studio")
    | {
        "claim": Call(WRITER, person="labeller"),
        "label": Call(WRITER, person="labeller"),
        "skip": Call(WRITER, person="labeller"),
        "release": Call(WRITER, person="labeller"),
        "decide": Call(WRITER, person="by"),
    },
    "foundations": _read("log"),
    "splits": _read("ls"),
    "analysis": _read("report"),
    "apart": _write("profile compare"),
    "workspaces": {name: Call(ADMIN, again=name == "ls") for name in ("ls", "add", "rm")},
    "tokens": _read("") | {name: Call(ADMIN, again=name == "ls") for name in ("ls", "add", "revoke")},
}


def call(part: str, method: str) -> Call | None:
    """How a method may be called; None when it may not.

    Example:
        >>> call("registry", "alias"), call("spine", "write")
        (Call(role='writer', again=False, person=None), None)
    """
    return _PARTS.get(part, {}).get(method)


def capabilities() -> list[str]:
    """Every method that may be called, as `part.method`."""
    return sorted(f"{part}.{method}" for part, methods in _PARTS.items() for method in methods)


def parts_below(part: str) -> Iterable[str]:
    """The parts that a part has, such as `registry.changes`."""
    return (name for name in _PARTS if name.startswith(f"{part}."))
