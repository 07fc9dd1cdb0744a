"""Contradictions about features: whether they are needed, how they come about, where they are kept."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said

_MADE = {"buy": {"buy"}, "open source": {"open source", "embedded"}, "make": {"build"}}


@rule("features.needed", "project.maturity.now", severity="warning", also=("project.maturity.wanted",))
def feature_store_too_early(said: Said) -> Iterator[Clash]:
    """A first, small project makes a feature store mandatory."""
    wanted = said.get("project.maturity.wanted")
    tactical = said.get("project.maturity.now") == "tactical" and wanted in {None, "tactical"}
    if tactical and said.get("features.needed") == "mandatory":
        yield clash(
            "features.needed",
            "project.maturity.now",
            why="a feature store pays when several models share features, which a first project has not yet shown",
            mend="Make it optional until a second model asks for the same features, or say that more is wanted",
        )


@rule("features.needed", "features.computation", severity="error")
def feature_store_without_views(said: Said) -> Iterator[Clash]:
    """Training sets must come from feature views, and there is none."""
    if said.get("features.needed") == "mandatory" and not said.all("features.computation"):
        yield clash(
            "features.computation",
            "features.needed",
            why="no training set could be made, because they come from views only and no view is listed",
            mend="List the views, or make the feature store optional",
        )


@rule("features.needed", "features.apis", severity="warning")
def feature_interface_without_store(said: Said) -> Iterator[Clash]:
    """Others are to reach features that need not be in a store."""
    if said.get("features.needed") == "optional" and said.get("features.apis"):
        yield clash(
            "features.apis",
            "features.needed",
            why="others would ask an interface for features that may lie outside of it",
            mend="Make the feature store mandatory, or say apis: false",
        )


@rule("features.computation", "serving.mode", severity="error")
def online_answers_from_training_features(said: Said) -> Iterator[Clash]:
    """Predictions are asked for online, and features are computed in training only."""
    for place, view in enumerate(said.all("features.computation")):
        never = said.get(f"features.computation.{place}.refreshes_per_day") == 0 and view.mode == "batch"
        if never and said.get("serving.mode.mode") == "online":
            yield clash(
                f"features.computation.{place}.refreshes_per_day",
                "serving.mode.mode",
                why=f"the view {view.view} is never brought up to date, so answers use the values of training day",
                mend="Say how often it is refreshed, or compute it from a stream or on demand",
            )


@rule("features.computation", "serving.mode", severity="error")
def on_demand_features_without_a_request(said: Said) -> Iterator[Clash]:
    """Features wait for a request that never comes, because predictions are made in batches."""
    mode, pattern = said.get("serving.mode.mode"), said.get("serving.mode.pattern")
    for place, view in enumerate(said.all("features.computation")):
        if view.mode == "on demand" and (mode == "batch" or pattern == "precompute"):
            yield clash(
                f"features.computation.{place}.mode",
                "serving.mode.mode",
                why=f"the view {view.view} takes values from a request, and a batch has none",
                mend="Compute the view in batches, or serve online",
            )


@rule("features.computation", "data.sources", severity="warning")
def stream_from_no_stream(said: Said) -> Iterator[Clash]:
    """Features come from a stream, and no source is one."""
    sources = said.all("data.sources")
    streams = any(one.kind == "stream" or (one.url is not None and one.url.scheme == "kafka") for one in sources)
    for place, view in enumerate(said.all("features.computation")):
        if view.mode == "streaming" and sources and not streams:
            yield clash(
                f"features.computation.{place}.mode",
                "data.sources",
                why=f"the view {view.view} wants events as they come, and no source brings any",
                mend="List the stream among the sources, or compute the view in batches",
            )
            return


@rule("features.databases", "serving.mode", severity="warning")
def online_store_for_batches(said: Said) -> Iterator[Clash]:
    """A server keeps the newest values ready, and only batches ask for them."""
    online = said.get("features.databases.online")
    if said.get("serving.mode.mode") == "batch" and online is not None and online.scheme not in {"sqlite", None}:
        yield clash(
            "features.databases.online",
            "serving.mode.mode",
            why="a batch reads features from their history, so the online store runs all day for nobody",
            mend="Leave the online store out, or serve online",
        )


@rule("features.buy_or_make", "dilemma.tooling", severity="error")
def feature_store_decided_twice(said: Said) -> Iterator[Clash]:
    """The block and the dilemma decide differently about the feature store."""
    wanted = _MADE[said.get("features.buy_or_make")]
    for place, tool in enumerate(said.all("dilemma.tooling")):
        if tool.block == "features" and tool.choice not in wanted:
            yield clash(
                "features.buy_or_make",
                f"dilemma.tooling.{place}.choice",
                why="the same decision is written down twice, and differently",
                mend="Let both say the same",
            )
