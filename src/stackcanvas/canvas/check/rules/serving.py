"""Contradictions about serving: patterns, formats, accelerators and what answers when the model cannot."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said

# What can be exported to ONNX with a converter that is kept alive.
_EXPORTED = {
    "scikit-learn", "lightgbm", "xgboost", "catboost", "pytorch", "tensorflow", "keras", "transformers", "other",
}  # fmt: skip
_PATTERN_MODE = {"precompute": "batch", "model as service": "online", "model on demand": "online"}
_MACHINES_OF_ONE = {"sqlite", "file"}


@rule("serving.mode", severity="error")
def pattern_against_mode(said: Said) -> Iterator[Clash]:
    """The pattern answers on request where batches are wanted, or the other way round."""
    pattern, mode = said.get("serving.mode.pattern"), said.get("serving.mode.mode")
    fitting = _PATTERN_MODE.get(pattern or "")
    if fitting is not None and fitting != mode:
        why = {
            "precompute": "precomputed predictions are made in batches and only looked up when asked",
            "model as service": "a service waits for requests, and a batch sends none",
            "model on demand": "a queue answers single requests, one after the other",
        }[pattern]
        yield clash(
            "serving.mode.mode",
            "serving.mode.pattern",
            why=why,
            mend=f"Write mode: {fitting}, or choose another pattern",
        )


@rule("serving.mode", "deployment.format", severity="error")
def format_against_pattern(said: Said) -> Iterator[Clash]:
    """The format cannot be used the way that predictions are asked for."""
    pattern, form = said.get("serving.mode.pattern"), said.get("deployment.format")
    if pattern == "model as dependency" and form == "container":
        why, mend = "an application imports a library, not a container", "Deliver a package, or serve it as a service"
    elif pattern == "hybrid serving" and form in {"container", "native"}:
        why, mend = "devices can run neither containers nor training packages", "Deliver onnx or a package"
    else:
        return
    yield clash("deployment.format", "serving.mode.pattern", why=why, mend=mend)


@rule("serving.mode", "deployment.target", severity="warning")
def devices_without_an_edge(said: Said) -> Iterator[Clash]:
    """Models are trained on devices, and served somewhere else."""
    target = said.get("deployment.target.where")
    if said.get("serving.mode.pattern") == "hybrid serving" and target not in {None, "edge"}:
        yield clash(
            "serving.mode.pattern",
            "deployment.target.where",
            why="hybrid serving runs a model on each user's device",
            mend="Say where: edge, or choose model as service",
        )


@rule("serving.mode", severity="warning", also=("deployment.target",))
def address_of_a_dependency(said: Said) -> Iterator[Clash]:
    """A model inside an application has an address of its own."""
    if said.get("serving.mode.pattern") != "model as dependency":
        return
    for path in ("serving.mode.endpoint", "deployment.target.url"):
        if said.get(path) is not None:
            yield clash(
                path,
                "serving.mode.pattern",
                why="a model that is part of an application is called, not addressed",
                mend="Leave the address out, or serve the model as a service",
            )


@rule("serving.mode", "pipelines.retraining", "deployment.release_policy", severity="error")
def dependency_released_by_itself(said: Said) -> Iterator[Clash]:
    """A model inside an application is to go live without the application."""
    policy = said.get("deployment.release_policy")
    if said.get("serving.mode.pattern") != "model as dependency" or policy.by != "metrics" or not policy.automatic:
        return
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        if trigger.cron is not None or trigger.on is not None:
            yield clash(
                "serving.mode.pattern",
                f"pipelines.retraining.{place}",
                "deployment.release_policy",
                why="a retrained model reaches users only with the next release of the application",
                mend="Release by hand together with the application, or serve the model as a service",
            )
            return


@rule("deployment.format", "experiments.frameworks", severity="error")
def framework_without_an_export(said: Said) -> Iterator[Clash]:
    """No framework of the team can be exported to the format."""
    frameworks = set(said.all("experiments.frameworks"))
    if said.get("deployment.format") == "onnx" and frameworks and not frameworks & _EXPORTED:
        yield clash(
            "deployment.format",
            "experiments.frameworks",
            why=f"no kept converter turns models of {' or '.join(sorted(frameworks))} into ONNX",
            mend="Deliver native or a container, or train with a framework that can be exported",
        )


@rule("deployment.format", "registry.allow_python_models", severity="warning")
def native_models_wait_for_consent(said: Said) -> Iterator[Clash]:
    """Models are delivered in a format that may not be loaded."""
    if said.get("deployment.format") == "native" and said.get("registry.allow_python_models") is False:
        yield clash(
            "deployment.format",
            "registry.allow_python_models",
            why="most native models run Python code when they are opened, so each waits for an approver",
            mend="Deliver onnx, or allow Python models",
        )


@rule("serving.accelerators", severity="error")
def accelerators_that_are_not_counted(said: Said) -> Iterator[Clash]:
    """Accelerators are needed and none is there, or none is needed and some are."""
    kind, count = said.get("serving.accelerators.kind"), said.get("serving.accelerators.count")
    if kind == "none" and count:
        why, mend = "accelerators are counted that no model uses", "Name the kind, or write count: 0"
    elif kind != "none" and count == 0:
        why, mend = "a kind is named, and none is taken", "Say how many, or write kind: none"
    else:
        return
    yield clash("serving.accelerators.count", "serving.accelerators.kind", why=why, mend=mend)


@rule("serving.accelerators", "deployment.target", severity="error")
def accelerator_that_the_target_lacks(said: Said) -> Iterator[Clash]:
    """Predictions need an accelerator that is not found where they are made."""
    kind, where = said.get("serving.accelerators.kind"), said.get("deployment.target.where")
    lacks = {
        "edge": {"cuda", "tensorrt", "rocm", "tpu"},
        "local": {"tpu"},
        "server": {"coreml"},
        "kubernetes": {"coreml"},
    }
    if kind in lacks.get(where or "", set()):
        yield clash(
            "serving.accelerators.kind",
            "deployment.target.where",
            why=f"{kind} is not found at a target of the kind {where}",
            mend="Choose another accelerator or none, or serve where there is one",
        )


@rule("serving.accelerators", "experiments.frameworks", severity="warning")
def accelerator_for_small_models(said: Said) -> Iterator[Clash]:
    """Predictions take an accelerator that no framework of the team uses."""
    small = {"scikit-learn", "statsmodels", "prophet", "r"}
    frameworks = set(said.all("experiments.frameworks"))
    if said.get("serving.accelerators.kind") != "none" and frameworks and frameworks <= small:
        yield clash(
            "serving.accelerators.kind",
            "experiments.frameworks",
            why="models of these frameworks answer in well under a millisecond on a processor",
            mend="Write kind: none, or name the framework that needs it",
        )


@rule("serving.fallback", "serving.mode", severity="warning")
def nothing_answers_instead(said: Said) -> Iterator[Clash]:
    """Users wait for an answer, and nothing answers when the model cannot."""
    fallback = said.get("serving.fallback")
    if said.get("serving.mode.mode") == "online" and fallback.model is None and fallback.constant is None:
        yield clash(
            "serving.fallback",
            "serving.mode.mode",
            why="somebody waits for every answer, and gets an error when the model fails",
            mend="Give a constant or a simpler model",
        )


@rule("serving.fallback", "serving.pre_assertion", severity="error")
def fallback_to_nothing(said: Said) -> Iterator[Clash]:
    """A check of the input leads to a fallback that is not given."""
    fallback = said.get("serving.fallback")
    if fallback.model is not None or fallback.constant is not None:
        return
    for place, rule_ in enumerate(said.get("serving.pre_assertion").rules):
        if rule_.action == "fallback":
            yield clash(
                f"serving.pre_assertion.rules.{place}.action",
                "serving.fallback",
                why="the request would be answered by a fallback, and there is none",
                mend="Give a constant or a model under serving.fallback, or reject the request",
            )


@rule("serving.fallback", "serving.multi_model", severity="warning")
def second_model_in_a_server_of_one(said: Said) -> Iterator[Clash]:
    """The fallback is a second model, and a server holds only one."""
    if said.get("serving.fallback.model") is not None and said.get("serving.multi_model") is False:
        yield clash(
            "serving.fallback.model",
            "serving.multi_model",
            why="the model that answers instead must be loaded beside the first one",
            mend="Say multi_model: true, or answer with a constant",
        )


@rule("serving.pre_assertion", "metadata.collected", severity="warning")
def profile_that_is_not_recorded(said: Said) -> Iterator[Clash]:
    """Input is compared with the training data, whose statistics are not recorded."""
    if said.get("serving.pre_assertion.profile") and "statistics" not in said.all("metadata.collected"):
        yield clash(
            "serving.pre_assertion.profile",
            "metadata.collected",
            why="a value can be called unusual only against recorded statistics of the training data",
            mend="Add statistics to metadata.collected, or say profile: false",
        )


@rule("serving.distributed", severity="error")
def one_server_or_several(said: Said) -> Iterator[Clash]:
    """Serving is spread over one server, or not spread over several."""
    needed, replicas = said.get("serving.distributed.needed"), said.get("serving.distributed.replicas")
    # An environment may have more servers than the answer; only the answer itself can be wrong.
    if said.effective.origin("serving.distributed.replicas").kind == "environment" or replicas is None:
        return
    if needed is False and replicas > 1:
        why, mend = "several servers are paid for that are said not to be needed", "Say needed: true, or replicas: 1"
    elif needed and replicas == 1:
        why, mend = "one server is not several", "Ask for 2 or more, or say needed: false"
    else:
        return
    yield clash("serving.distributed.replicas", "serving.distributed.needed", why=why, mend=mend)


@rule("deployment.target", severity="error", also=("metadata.store", "features.databases", "data.storage"))
def cluster_on_one_file(said: Said) -> Iterator[Clash]:
    """Many machines serve, and share a file that only one of them can open."""
    if said.get("deployment.target.where") != "kubernetes":
        return
    for path in ("metadata.store.url", "features.databases.online", "data.storage.objects"):
        url = said.get(path)
        if url is not None and url.scheme in _MACHINES_OF_ONE:
            yield clash(
                path,
                "deployment.target.where",
                why="the machines of a cluster come and go, and a file of one of them goes with it",
                mend="Give the address of a server that all of them reach",
            )


@rule("pipelines.location", severity="warning", also=("data.storage", "metadata.store"))
def workers_that_share_a_folder(said: Said) -> Iterator[Clash]:
    """Steps run on other machines, and their data lie in a folder of this one."""
    executor = said.get("pipelines.location.executor")
    if executor is None or executor.scheme != "ray":
        return
    for path in ("data.storage.objects", "metadata.store.url"):
        url = said.get(path)
        if url is not None and url.scheme in _MACHINES_OF_ONE:
            yield clash(
                path,
                "pipelines.location.executor",
                why="machines elsewhere cannot open a file of this one",
                mend="Give the address of a store that all of them reach",
            )
