"""Contradictions about data: versions, sources, labels."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said


@rule("data.versioning", "data.version_method", severity="error")
def versioning_without_versions(said: Said) -> Iterator[Clash]:
    """Data must be versioned, and are kept in no versions."""
    if said.get("data.versioning") == "mandatory" and said.get("data.version_method.level") == 0:
        yield clash(
            "data.versioning",
            "data.version_method.level",
            why="level 0 keeps no version, so every model would be refused at registration",
            mend="Raise the level to 1 (a snapshot for each training) or more, or make versioning optional",
        )


@rule("project.regulated", "data.versioning", severity="warning")
def regulated_but_versions_optional(said: Said) -> Iterator[Clash]:
    """A law asks where predictions come from, and versions of data are a choice."""
    if said.get("project.regulated") and said.get("data.versioning") == "optional":
        yield clash(
            "data.versioning",
            "project.regulated",
            why="an auditor who asks which data made a prediction may find none recorded",
            mend="Make data.versioning mandatory, or say that nothing regulates the project",
        )


@rule("project.regulated", "data.version_method", severity="error")
def regulated_without_versions(said: Said) -> Iterator[Clash]:
    """A law asks where predictions come from, and no version of the data is kept."""
    if said.get("project.regulated") and said.get("data.version_method.level") == 0:
        yield clash(
            "data.version_method.level",
            "project.regulated",
            why="no prediction can be traced to the data behind it when nothing of the data is kept",
            mend="Choose level 1 or more",
        )


@rule("data.version_method", "experiments.metadata", severity="warning")
def versions_named_but_not_kept(said: Said) -> Iterator[Clash]:
    """Runs record which data they used, and nothing of the data is kept."""
    if said.get("data.version_method.level") == 0 and "data" in said.all("experiments.metadata"):
        yield clash(
            "experiments.metadata",
            "data.version_method.level",
            why="what a run records of its data names nothing that could be looked at again",
            mend="Keep a snapshot at each training (level 1), or leave data out of what runs record",
        )


@rule("data.version_method", "foundations.version_control", severity="error")
def data_with_code_without_git(said: Said) -> Iterator[Clash]:
    """Data and code are to be one asset in git, and there is no git."""
    tool = said.get("foundations.version_control.tool")
    if said.get("data.version_method.level") == 2 and tool != "git":
        yield clash(
            "data.version_method.level",
            "foundations.version_control.tool",
            why="level 2 is a lock file in git that names the data of each commit",
            mend="Use git, or choose level 1 or 3",
        )


@rule("data.version_method", "registry.storage", "data.versioning", severity="warning")
def models_outlive_their_data(said: Said) -> Iterator[Clash]:
    """More versions of models are kept than of the data that made them."""
    data, models = said.get("data.version_method.versions_kept"), said.get("registry.storage.versions_kept")
    if said.get("data.versioning") == "mandatory" and data is not None and models is not None and data < models:
        yield clash(
            "data.version_method.versions_kept",
            "registry.storage.versions_kept",
            why="the oldest models would outlive the data that must be shown for them",
            mend=f"Keep at least {models} versions of data, or fewer of models",
        )


@rule("metadata.governance", "experiments.metadata", severity="warning")
def runs_outlive_their_data(said: Said) -> Iterator[Clash]:
    """Runs name data versions that are deleted before them."""
    data, runs = said.get("metadata.governance.retention.data"), said.get("metadata.governance.retention.runs")
    if data is not None and runs is not None and data < runs and "data" in said.all("experiments.metadata"):
        yield clash(
            "metadata.governance.retention.data",
            "metadata.governance.retention.runs",
            why="a run that is still on record could no longer be repeated, because its data are gone",
            mend="Keep data at least as long as runs",
        )


@rule("data.labelling", severity="warning")
def labels_that_nobody_gives(said: Said) -> Iterator[Clash]:
    """Labels are needed, and nobody is there or paid to give them."""
    people, price = said.get("data.labelling.people"), said.get("data.labelling.price_per_label")
    if said.get("data.labelling.needed") and people == 0 and not price:
        given = ("data.labelling.people", *(["data.labelling.price_per_label"] if price is not None else []))
        yield clash(
            *given,
            "data.labelling.needed",
            why="there are neither people who label nor money for others who do",
            mend="Name people or a price for each label, or say that no labelling is needed",
        )


@rule("data.labelling", severity="warning")
def labels_counted_but_not_needed(said: Said) -> Iterator[Clash]:
    """Labels are not needed, and yet counted."""
    for part in ("backlog", "items_per_month", "people"):
        if said.get("data.labelling.needed") is False and said.get(f"data.labelling.{part}"):
            yield clash(
                f"data.labelling.{part}",
                "data.labelling.needed",
                why="what is counted here would never be labelled, and yet be paid for in the estimate",
                mend="Say needed: true, or leave the numbers out",
            )
            return


@rule("data.labelling", severity="warning")
def more_labels_an_item_than_people(said: Said) -> Iterator[Clash]:
    """Each item wants more people than there are."""
    people, each = said.get("data.labelling.people"), said.get("data.labelling.labels_per_item")
    if people and each and each > people and not said.get("data.labelling.price_per_label"):
        yield clash(
            "data.labelling.labels_per_item",
            "data.labelling.people",
            why="the same person would have to label an item twice, which says nothing about agreement",
            mend=f"Ask for at most {people} labels an item, or pay others for the rest",
        )


@rule("data.sources", severity="warning")
def price_against_ownership(said: Said) -> Iterator[Clash]:
    """A source that is paid for costs nothing, or one that is free costs something."""
    for place, source in enumerate(said.all("data.sources")):
        price = said.get(f"data.sources.{place}.price")
        if price is None:
            continue
        if source.ownership == "paid" and price == 0:
            why, mend = "a paid source has a price", "Give the price a month, or say by what right it is free"
        elif source.ownership == "public" and price > 0:
            why, mend = "what is public is not paid for", "Say ownership: paid, or take the price away"
        else:
            continue
        yield clash(f"data.sources.{place}.price", f"data.sources.{place}.ownership", why=why, mend=mend)


@rule("data.sources", "serving.log", severity="warning")
def personal_data_in_the_log(said: Said) -> Iterator[Clash]:
    """Sources tell about persons, and the prediction log drops and hashes nothing."""
    log = said.get("serving.log")
    for place, source in enumerate(said.all("data.sources")):
        if source.personal and not log.drop and not log.hash and log.sample > 0:
            yield clash(
                "serving.log",
                f"data.sources.{place}.personal",
                why="what tells about persons would be kept with every prediction, readable to all who read the log",
                mend="List the columns to drop or to hash in serving.log",
            )
            return


@rule("data.sources", "dilemma.tooling", "metadata.governance", severity="warning")
def personal_data_at_a_vendor(said: Said) -> Iterator[Clash]:
    """A regulation applies, sources tell about persons, and a bought service would hold them."""
    personal = next((place for place, one in enumerate(said.all("data.sources")) if one.personal), None)
    if personal is None or said.get("metadata.governance.regulation") is None:
        return
    holding = {"data", "experiments", "features", "serving", "monitoring"}
    for place, tool in enumerate(said.all("dilemma.tooling")):
        if tool.choice == "buy" and tool.block in holding:
            yield clash(
                f"dilemma.tooling.{place}.choice",
                f"data.sources.{personal}.personal",
                "metadata.governance.regulation",
                why="personal data would lie with a vendor, in a place that the regulation may not allow",
                mend="Name the vendor's place and contract in the risks of this choice, or keep this block at home",
            )
            return


@rule("data.pipeline_tools", severity="warning")
def many_tools_for_one_task(said: Said) -> Iterator[Clash]:
    """More tools prepare data than anyone can keep alive."""
    tools = said.all("data.pipeline_tools")
    if len(tools) > 3:
        yield clash(
            "data.pipeline_tools",
            why=f"{len(tools)} tools for one task must each be learnt, upgraded and paid for",
            mend="Keep one or two of them",
        )
