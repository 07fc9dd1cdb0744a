"""Contradictions about records: who may do what, what is kept, what is documented."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said


@rule("metadata.governance", severity="error")
def consent_that_nobody_can_give(said: Said) -> Iterator[Clash]:
    """Consent is needed from more people than have the role."""
    governance = said.get("metadata.governance")
    if not governance.roles:
        return
    people = {member.role: len(set(member.people)) for member in governance.roles}
    for place, approval in enumerate(governance.approvals):
        there = people.get(approval.role, 0)
        if approval.minimum > there:
            yield clash(
                f"metadata.governance.approvals.{place}",
                "metadata.governance.roles",
                why=f"{approval.minimum} must consent as {approval.role}, and {there or 'nobody'} can",
                mend="Give the role to more people, or ask for fewer",
            )


@rule("metadata.governance", "deployment.release_policy", severity="error")
def more_approvers_than_people(said: Said) -> Iterator[Clash]:
    """A release waits for more approvers than there are."""
    policy, roles = said.get("deployment.release_policy"), said.get("metadata.governance").roles
    people = {person for member in roles if member.role in {"approver", "admin"} for person in member.people}
    if roles and policy.by == "hand" and policy.approvers > max(len(people), 0):
        yield clash(
            "deployment.release_policy",
            "metadata.governance.roles",
            why=f"{policy.approvers} must agree to a release, and {len(people) or 'nobody'} may",
            mend="Give the role of approver to more people, or ask for fewer",
        )


@rule("project.regulated", "metadata.governance", severity="warning")
def regulation_of_what_is_not_regulated(said: Said) -> Iterator[Clash]:
    """A regulation applies to a project that nothing regulates."""
    if said.get("project.regulated") is False and said.get("metadata.governance.regulation") is not None:
        yield clash(
            "metadata.governance.regulation",
            "project.regulated",
            why="a regulation is named, and the project is said to have none to answer to",
            mend="Say regulated: true, or write down why the regulation does not reach predictions",
        )


@rule("project.regulated", "metadata.collected", severity="error")
def regulated_without_records(said: Said) -> Iterator[Clash]:
    """A law asks how predictions come about, and what would tell is not recorded."""
    missing = [one for one in ("code", "data", "model") if one not in said.all("metadata.collected")]
    if said.get("project.regulated") and missing:
        yield clash(
            "metadata.collected",
            "project.regulated",
            why=f"without {' and '.join(missing)} on record no prediction can be explained to an auditor",
            mend=f"Add {', '.join(missing)}",
        )


@rule("project.regulated", "metadata.documentation", severity="warning")
def regulated_without_documents(said: Said) -> Iterator[Clash]:
    """A law asks how predictions come about, and documents are not kept like code."""
    if said.get("project.regulated") and said.get("metadata.documentation.as_code") is False:
        yield clash(
            "metadata.documentation.as_code",
            "project.regulated",
            why="documents that are written by hand fall behind what they describe, and an auditor reads them",
            mend="Say as_code: true and choose the documents",
        )


@rule("metadata.documentation", severity="warning")
def documents_chosen_but_not_made(said: Said) -> Iterator[Clash]:
    """Documents are chosen, and not made."""
    chosen = said.all("metadata.documentation.templates")
    if chosen and said.get("metadata.documentation.as_code") is False:
        yield clash(
            "metadata.documentation.templates",
            "metadata.documentation.as_code",
            why="these documents are made from the records only where they are kept as code",
            mend="Say as_code: true, or leave the documents out",
        )


@rule("metadata.documentation", "foundations.version_control", severity="error")
def documents_as_code_without_version_control(said: Said) -> Iterator[Clash]:
    """Documents are kept like code, and code is not kept."""
    none = said.get("foundations.version_control.tool") == "none"
    if said.get("metadata.documentation.as_code") and none:
        yield clash(
            "metadata.documentation.as_code",
            "foundations.version_control.tool",
            why="what is kept like code lies in version control, and there is none",
            mend="Put code and documents under version control, or say as_code: false",
        )


@rule("data.versioning", "metadata.collected", severity="warning")
def records_without_data(said: Said) -> Iterator[Clash]:
    """Data versions are mandatory, and records do not name them."""
    collected = said.all("metadata.collected")
    if said.get("data.versioning") == "mandatory" and collected and "data" not in collected:
        yield clash(
            "metadata.collected",
            "data.versioning",
            why="the versions exist, and no record says which of them was used",
            mend="Add data to metadata.collected",
        )
