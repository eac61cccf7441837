"""S1.1 and P4.1: who is affected and how, and who answers for what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.record import Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import attested_finding, not_assessed
from ethics_kit.stages.impact_analysis.register import affected, impact, register_share, said

# --- S1.1 ----------------------------------------------------------------------------------------------------------

ASKED = {
    "benefit": "benefit",
    "harm": "harm",
    "severity": "severity",
    "scale": "scale",
    "reversible": "reversibility",
}


def stakeholder_harms(case: Case) -> Outcome:
    """S1.1: for each affected group its benefit, its harm, how severe, wide and reversible; vulnerable groups named."""
    groups = affected(case)
    lacking = {s.name: missing for s in groups if (missing := _not_told(s))}
    vulnerable = [s.name for s in groups if s.vulnerable]
    signed = _signature(case)
    whole = bool(groups and not lacking and signed)
    if not groups:
        statement = "No affected group is in the register."
    elif lacking:
        told = "; ".join(f"{name}: {', '.join(missing)}" for name, missing in lacking.items())
        statement = f"{len(lacking)} of {len(groups)} affected groups are not described in full. Missing: {told}."
    else:
        statement = f"All {len(groups)} affected groups are described."
    named = f" Vulnerable: {', '.join(vulnerable)}." if vulnerable else " None is marked as vulnerable."
    unsigned = "" if signed else " Nobody signed yet that it is a table of every group."
    finding = attested_finding(
        "S1.1",
        "groups_described",
        "met" if whole else "not_assessed",
        statement + (named if groups else "") + unsigned,
        n=len(groups),
        action=None
        if groups and not lacking and signed
        else "Describe each affected group, and have the table signed.",
        author=signed[0] if signed else None,
        stated_on=signed[1] if signed else None,
    )
    table = Table(
        id="S1.1.stakeholders",
        title="Who is affected, and how",
        requirement="S1.1",
        columns=["group", "vulnerable", "benefit", "harm", "severity", "scale", "reversible"],
        rows=[
            [
                s.name,
                "yes" if s.vulnerable else "no",
                s.benefit,
                f"not affected: {s.not_affected}" if s not in groups else s.harm,
                s.severity,
                s.scale,
                s.reversible,
            ]
            for s in impact(case).stakeholders
        ],
        note="Severity and scale: 1 (lowest) to 5.",
    )
    return Outcome((finding,), (table,))


def _not_told(group: schema.Stakeholder) -> list[str]:
    values = {key: getattr(group, key) for key in ASKED}
    return [ASKED[k] for k, v in values.items() if v is None or (isinstance(v, str) and not said(v))]


def _signature(case: Case) -> tuple[str, date] | None:
    """Who signed, and when, that every group stands in the table."""
    question = catalogue.questions("impact_analysis")["stakeholder_harms_judged"]
    if case.doubt(question):
        return None
    answer = case.given[question.id].answer
    return (f"{answer.by}, {answer.role}", answer.on) if answer.on else None


# --- P4.1 ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Owned:
    """Something a person answers for."""

    name: str
    owner: str | None
    deputy: str | None

    @property
    def lacks(self) -> str | None:
        """What is missing, or None where two people answer for it."""
        missing = [role for role in ("owner", "deputy") if not said(getattr(self, role))]
        if missing:
            return "no " + " and no ".join(missing)
        if schema.same_person(self.owner or "", self.deputy or ""):
            return "owner and deputy are one person"
        return None


def ownership_coverage(case: Case) -> Outcome:
    """P4.1: the system, every risk and every open action has an owner, and another person as deputy."""
    system = case.dossier.system
    if not (system.owner or system.deputy or impact(case).risks):
        return Outcome((not_assessed("P4.1", "ownership_coverage", "the owner and the deputy of the system"),))
    things = list(_things(case))
    open_ = [t for t in things if t.lacks]
    missing = ", ".join(f"{t.name} ({t.lacks})" for t in open_)
    finding = register_share(
        case,
        "P4.1",
        "ownership_coverage",
        len(things) - len(open_),
        len(things),
        statement=f"{len(things) - len(open_)} of {len(things)} (system, risks, open actions) have an owner and, "
        "as another person, a deputy" + (f"; open: {missing}." if open_ else "."),
        at_least=case.dossier.policy.coverage.ownership_min.value,
        unit="share of things owned",
        action="Name an owner and another person as deputy for each.",
        source=case.dossier.policy.coverage.ownership_min.source,
    )
    table = Table(
        id="P4.1.ownership",
        title="Who answers for what",
        requirement="P4.1",
        columns=["what", "owner", "deputy", "open"],
        rows=[[t.name, t.owner, t.deputy, t.lacks] for t in things],
    )
    return Outcome((finding,), (table,))


def _things(case: Case) -> Iterator[Owned]:
    system = case.dossier.system
    owner, deputy = (person.name if person else None for person in (system.owner, system.deputy))
    yield Owned("system", owner, deputy)
    for risk in impact(case).risks:
        yield Owned(f"risk {risk.id}", risk.owner, risk.deputy)
    for stage in case.dossier.stages.values():
        for action in stage.actions:
            if not (action.closed and action.closed <= case.as_of):
                yield Owned(f"action on {action.finding}", action.owner, action.deputy)
