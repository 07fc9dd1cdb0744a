"""Names, words, tags and stages of models; what may be deleted, and who must agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import BadInput, Conflict, NotFound, Refused
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry import Asked, Policy, Registry

Trained = tuple[Any, pl.DataFrame]


def model(name: str, selector: object = None) -> Ref:
    """A ref of the model."""
    return Ref("model", name, None if selector is None else str(selector))


def test_a_model_may_have_no_version(registry: Registry) -> None:
    """It is listed with its description and tags, and asking for a version says that there is none."""
    made = registry.changes.create("delay", description="late?", tags={"team": "risk"})

    assert (made.versions, made.latest, made.description, made.tags) == (0, None, "late?", {"team": "risk"})
    assert [one.name for one in registry.ls()] == ["delay"]
    assert registry.versions("delay") == []
    with pytest.raises(NotFound, match="without any version"):
        registry.get("delay")
    with pytest.raises(Conflict, match="already"):
        registry.changes.create("delay")


def test_what_is_said_of_a_version_changes_and_the_version_does_not(registry: Registry, trained: Trained) -> None:
    """Words, tags, stage and alias; the digest is as before."""
    made = registry.register("delay", trained[0], sample=trained[1])

    registry.changes.describe(made.ref, "second thoughts")
    registry.changes.tag(made.ref, "reviewed", "yes")
    registry.changes.tag(made.ref, "reviewed", "no")
    registry.changes.move(made.ref, "production")
    registry.alias(made.ref, "best")
    found = registry.get("delay@production")

    assert (found.message, found.tags, found.stage, found.aliases) == (
        "second thoughts",
        {"reviewed": "no"},
        "Production",
        ("best",),
    )
    assert found.digest == made.digest
    assert registry.changes.untag(made.ref, "reviewed")
    assert not registry.changes.untag(made.ref, "reviewed")
    with pytest.raises(BadInput, match="must be one of None, Staging"):
        registry.changes.move(made.ref, "shelf")


def test_a_renamed_model_keeps_numbers_and_lineage(
    registry: Registry, trained: Trained, recorded: tuple[Ref, Ref], spine: Spine
) -> None:
    """The new ref leads to the old one and on to the data; the old name gives its numbers to nobody."""
    run, data = recorded
    registry.register("delay", trained[0], sample=trained[1], run=run, training=data)
    registry.changes.create("taken")

    with pytest.raises(Conflict, match="taken"):
        registry.changes.rename("delay", "taken")
    registry.changes.rename("delay", "late")

    assert registry.get("late@1").training == data
    assert {model("delay", 1), data} <= set(spine.lineage.upstream(model("late", 1)).refs)
    assert not registry.has("delay@1")
    assert registry.register("delay", trained[0], sample=trained[1]).number == 2


def test_numbers_of_deleted_versions_are_never_given_again(registry: Registry, trained: Trained) -> None:
    """Neither of one that was the last, nor of a model that was deleted whole."""
    for _ in range(2):
        registry.register("delay", trained[0], sample=trained[1])
    registry.alias("delay@2", "best")

    assert registry.delete("delay@2") == []
    assert registry.model("delay").aliases == {}
    third = registry.register("delay", trained[0], sample=trained[1])
    assert (third.number, third.version) == (3, "1.2.0")
    with pytest.raises(Refused, match="it has 2 versions"):
        registry.delete("delay")
    registry.delete("delay", force=True)
    assert registry.ls() == []
    assert registry.register("delay", trained[0], sample=trained[1]).number == 4


def test_what_is_in_use_is_deleted_by_force_only(spine: Spine, objects: Objects, trained: Trained) -> None:
    """What would break is said first, and is in the audit log afterwards."""
    used: list[Ref] = []
    registry = Registry(spine, objects, lambda _: Policy(), uses=lambda ref: ["it answers"] if ref in used else [])
    made = registry.register("delay", trained[0], sample=trained[1])
    used.append(made.ref)
    registry.alias(made.ref, "champion")

    assert len(registry.changes.breaks(made.ref)) == 2
    for refused in (
        lambda: registry.delete(made.ref),
        lambda: registry.changes.delete_model("delay"),
        lambda: registry.changes.rename("delay", "late"),
    ):
        with pytest.raises(Refused, match="it answers"):
            refused()
    assert registry.has(made.ref)
    broken = registry.delete(made.ref, force=True)

    assert broken[0] == "it answers"
    assert spine.audit.entries(subject=made.ref, limit=1)[0].detail["broke"] == broken
    assert spine.audit.verify() == []


def test_consent_is_counted_by_verified_people_of_the_role(
    make_spine: Callable[..., Spine], objects: Objects, trained: Trained
) -> None:
    """Not by who registered it, not by who is not verified, not by who has not the role; twice by one is once."""
    asked = Asked(minimum=2, role="approver", people=frozenset({"bob", "eve"}), where="canvas.yaml:9:3")
    policy = Policy(consents={"deploy": asked})
    registries = {
        name: Registry(make_spine(name, verified=name != "mallory"), objects, lambda _: policy)
        for name in ("ada", "bob", "eve", "dan", "mallory")
    }
    made = registries["ada"].register("delay", trained[0], sample=trained[1])

    for name, why in (("mallory", "made sure"), ("dan", "no approver")):
        with pytest.raises(Refused, match=why):
            registries[name].consents.give(made.ref, "deploy")
    for note in ("read it", ""):
        registries["bob"].consents.give(made.ref, "deploy", note=note)
    with pytest.raises(Refused, match="1 more approver must agree to deploy model:delay@1; bob did"):
        registries["ada"].consents.require(made.ref, "deploy")
    registries["eve"].consents.give(made.ref, "deploy")

    assert registries["ada"].consents.require(made.ref, "deploy") == made
    given = [(one.actor, one.note) for one in registries["ada"].consents.of(made.ref)]
    assert given == [("bob", "read it"), ("eve", "")]


def test_who_registered_a_version_cannot_consent_to_it(registry: Registry, trained: Trained) -> None:
    """Four eyes see more than two."""
    made = registry.register("delay", trained[0], sample=trained[1])

    with pytest.raises(Refused, match="another person"):
        registry.consents.give(made.ref, "deploy")


def test_deleting_waits_for_consent_where_the_canvas_asks(
    make_spine: Callable[..., Spine], objects: Objects, trained: Trained
) -> None:
    """Force does not stand in for people."""
    policy = Policy(consents={"delete": Asked(where="canvas.yaml:9:3")})
    mine = Registry(make_spine("ada"), objects, lambda _: policy)
    theirs = Registry(make_spine("bob"), objects, lambda _: policy)
    made = mine.register("delay", trained[0], sample=trained[1])

    with pytest.raises(Refused, match=r"canvas\.yaml:9:3"):
        mine.delete(made.ref, force=True)
    theirs.consents.give(made.ref, "delete")
    mine.delete(made.ref)

    assert not mine.has(made.ref)


def test_a_refusal_names_the_line_of_the_canvas(make_registry: Callable[..., Registry], trained: Trained) -> None:
    """So that everybody knows where it was decided."""
    policy = Policy(needs_training=True, places={"needs_training": "canvas.yaml:7:3 (data.versioning)"})

    with pytest.raises(Refused, match=r"canvas\.yaml:7:3 \(data\.versioning\) asks for it"):
        make_registry(policy).register("delay", trained[0], sample=trained[1])
    with pytest.raises(Refused, match=r"canvas\.yaml:7:3"):
        make_registry(policy).adopt("delay", None, source="s3://bucket/model")
