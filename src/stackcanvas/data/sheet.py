"""Data sheets: what is known of a data set, in the order of "Datasheets for Datasets"; what is unknown says so.

What the records know is filled in. The rest people answer in a YAML file beside the code, where `unknown` is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from stackcanvas.backends.files import unavailable
from stackcanvas.data.parts import Parts
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, Conflict, nearest
from stackcanvas.metadata import Ref
from stackcanvas.plain import bytes_text
from stackcanvas.yamls import load_yaml

UNKNOWN = "unknown"

QUESTIONS: Mapping[str, Mapping[str, str]] = {
    "Motivation": {
        "purpose": "For which task was it made, and which gap was it to fill?",
        "creators": "Who made it, and for whom?",
        "funding": "Who paid for it?",
    },
    "Composition": {
        "instances": "What does one instance stand for? Are there several kinds?",
        "sample": "Is it all there is, or a sample? How was it drawn, and what does it stand for?",
        "labels": "Does each instance have a label or target? What is it?",
        "missing": "What is missing from instances, and why?",
        "relations": "Are instances related, and does the data set say so?",
        "splits": "Which split into training and test is advised, and why?",
        "noise": "Which errors, noise or repetitions are known?",
        "outside": "Does it depend on anything outside that may change or vanish?",
        "confidential": "Does it hold anything confidential?",
        "harm": "Does it hold anything that may offend or frighten?",
        "people": "Is it about people? Which groups does it tell apart? Can single persons be found in it?",
        "sensitive": "Does it hold sensitive facts on people, such as health, belief, origin or money?",
    },
    "Collection": {
        "acquisition": "How was each instance got: observed, reported, or derived? Was it checked?",
        "mechanism": "With which devices, programs or hands was it collected?",
        "collectors": "Who collected it, and how were they paid?",
        "time": "Over which time was it collected? Is that the time of what it tells?",
        "ethics": "Was there an ethical review?",
        "consent": "Did the people in it know and agree? Can they withdraw?",
    },
    "Preparation": {
        "cleaning": "How was it cleaned, labelled or otherwise prepared?",
        "raw": "Are the raw data kept, and where?",
        "tools": "Which programs did it, and where are they?",
    },
    "Uses": {
        "used": "What has it been used for?",
        "other": "What else could it be used for?",
        "risks": "What in it may lead to unfair or harmful uses? What can be done against that?",
        "unfit": "What should it not be used for?",
    },
    "Distribution": {
        "distribution": "Who outside may have it, how, and since when?",
        "licence": "Under which licence or terms?",
        "restrictions": "Which rights of others, or rules of export, bear on it?",
    },
    "Maintenance": {
        "maintainer": "Who maintains it, and how are they reached?",
        "updates": "Will it be updated? How often, by whom, and how is that told?",
        "retention": "How long may facts on people be kept?",
        "older": "Are older versions kept?",
        "contributions": "Can others add to it, and how is that checked?",
    },
}
"""The questions in our own words, by section; key to question."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The data sheet of a version.

    Args:
        facts: what the records know, by section: lines.
        answers: of people, by key.
    """

    version: Ref
    facts: Mapping[str, Sequence[str]]
    answers: Mapping[str, str]

    @property
    def unanswered(self) -> list[str]:
        """The keys of questions that nobody has answered, not even with `unknown`."""
        return [key for section in QUESTIONS.values() for key in section if key not in self.answers]

    def markdown(self) -> str:
        """The sheet as a page."""
        lines = [f"# Data sheet: {self.version.name}, version {self.version.selector}", ""]
        for section, questions in QUESTIONS.items():
            lines += [f"## {section}", ""]
            lines += [f"- {line}" for line in self.facts.get(section, ())] + [""] * bool(self.facts.get(section))
            for key, question in questions.items():
                lines += [f"**{question}**", "", self.answers.get(key, f"*{UNKNOWN}*"), ""]
        return "\n".join(lines).rstrip() + "\n"


def sheet(parts: Parts, version: DataVersion, about: Mapping[str, object], answers: Path | None) -> Sheet:
    """Put together what is known of a version; see `Data.sheet`."""
    given = _read(answers) if answers is not None else {}
    if about.get("licence"):
        given = {"licence": str(about["licence"]), **given}
    return Sheet(version.ref, _facts(parts, version, about), given)


def blank(path: Path) -> None:
    """Write a file with every question, to be answered.

    Raises:
        Conflict: the file is there already.
    """
    lines = ["# Answers for a data sheet. `unknown` is an answer; a question that is left out stays open.\n"]
    for section, questions in QUESTIONS.items():
        lines.append(f"\n# {section}\n")
        lines += [f"# {question}\n{key}: {UNKNOWN}\n" for key, question in questions.items()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write("".join(lines))
    except FileExistsError:
        raise Conflict("the file is there already", where=str(path), fix="Answer in it, or name another") from None
    except OSError as error:
        raise unavailable(error, path) from error


def _read(path: Path) -> dict[str, str]:
    try:
        found = load_yaml(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise unavailable(error, path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"the answers cannot be read ({str(error).splitlines()[0]})", where=str(path)) from None
    known = [key for section in QUESTIONS.values() for key in section]
    if not isinstance(found, dict):
        raise BadInput("the answers are no mapping", where=str(path), expected="lines such as `purpose: ...`")
    for key in found:
        if key not in known:
            near = nearest(str(key), known)
            fix = f"Did you mean {near!r}?" if near else None
            raise BadInput(
                f"there is no question {key!r}", where=str(path), expected=f"some of {', '.join(known)}", fix=fix
            )
    return {str(key): str(value) for key, value in found.items() if value is not None}


def _facts(parts: Parts, version: DataVersion, about: Mapping[str, object]) -> dict[str, list[str]]:
    composition = [f"{version.files} files, {bytes_text(version.size_bytes)}; digest {version.digest}"]
    profile = version.profile
    if version.columns:
        composition.append(f"{version.rows} rows, {len(version.columns)} columns")
        for name, kind in version.columns.items():
            nulls = profile.columns[name].nulls if profile is not None and name in profile.columns else 0
            composition.append(f"`{name}`: {kind}" + (f", {nulls} without a value" if nulls else ""))
    composition += [f"Not as expected: {broken}" for broken in version.broken]
    if about.get("personal"):
        composition.append("It tells something about persons.")
    collection = [f"Committed on {version.created:%Y-%m-%d} from {', '.join(version.source) or 'rows in memory'}."]
    if about.get("ownership"):
        collection.append(f"The team has it as {about['ownership']} data.")
    log = parts.versions.log(version.name)
    kept = sum(one.forgotten is None for one in log)
    first = log[-1].created
    maintenance = [f"{len(log)} versions since {first:%Y-%m-%d}, of which {kept} are kept."]
    return {"Composition": composition, "Collection": collection, "Maintenance": maintenance}
