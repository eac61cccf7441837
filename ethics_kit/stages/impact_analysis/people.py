"""P4.1 and S1.4: who answers for the system, and who was heard."""

from __future__ import annotations

from ethics_kit import schema
from ethics_kit.record import Table
from ethics_kit.stages.case import Case, Outcome, months_between
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.impact_analysis.register import impact, register_share


def ownership_coverage(case: Case) -> Outcome:
    """P4.1: the system, every risk and every open action has an owner and a deputy."""
    system = case.dossier.system
    if not (system.owner or system.deputy or impact(case).risks):
        return Outcome((not_assessed("P4.1", "ownership_coverage", "the owner and the deputy of the system"),))
    things = [("system", bool(system.owner), bool(system.deputy))]
    things += [(r.id, bool(r.owner), bool(r.deputy)) for r in impact(case).risks]
    for stage in case.dossier.stages.values():
        things += [
            (f"action on {a.finding}", True, bool(a.deputy))
            for a in stage.actions
            if not (a.closed and a.closed <= case.as_of)
        ]
    covered = [t for t in things if t[1] and t[2]]
    missing = [name for name, owner, deputy in things if not (owner and deputy)]
    finding = register_share(
        case,
        "P4.1",
        "ownership_coverage",
        len(covered),
        len(things),
        statement=f"{len(covered)} of {len(things)} (system, risks, open actions) have an owner and a deputy"
        + (f"; missing: {', '.join(missing)}." if missing else "."),
        at_least=case.dossier.policy.coverage.ownership_min.value,
        unit="share of things owned",
        action="Name an owner and a deputy for each.",
        source=case.dossier.policy.coverage.ownership_min.source,
    )
    return Outcome((finding,))


def consultation_coverage(case: Case) -> Outcome:
    """S1.4: every affected group was heard lately, and what it raised was answered. S1.1's table comes with it."""
    policy = case.dossier.policy.consultation
    groups = impact(case).stakeholders
    forgotten = [g for g in policy.groups.value if g not in {s.group for s in groups}]
    affected = [s for s in groups if not s.not_affected]
    heard = [
        s
        for s in affected
        if s.consulted
        and s.consulted.on <= case.as_of
        and months_between(s.consulted.on, case.as_of) < policy.max_age_months.value
        and _heard(s.consulted)
    ]
    open_ = [s.name for s in affected if s not in heard]
    findings = []
    if forgotten:
        findings.append(
            not_assessed("S1.4", "groups_considered", "a row (or why it is not affected) for " + ", ".join(forgotten))
        )
    findings.append(
        register_share(
            case,
            "S1.4",
            "consultation_coverage",
            len(heard),
            len(affected),
            statement=f"{len(heard)} of {len(affected)} affected groups were heard in the last "
            f"{policy.max_age_months.value} months and answered" + (f"; open: {', '.join(open_)}." if open_ else "."),
            at_least=1.0,
            unit="share of groups",
            action="Hear the open groups and answer what they raise.",
            source=policy.groups.source,
        )
    )
    table = Table(
        id="S1.4.stakeholders",
        title="Who is affected, and who was heard",
        requirement="S1.4",
        columns=[
            "group",
            "benefit",
            "harm",
            "severity",
            "scale",
            "reversible",
            "heard on",
            "raised",
            "answered",
        ],
        rows=[
            [
                s.name,
                s.benefit,
                s.not_affected or s.harm,
                s.severity,
                s.scale,
                s.reversible,
                s.consulted.on.isoformat() if s.consulted else None,
                s.consulted.raised if s.consulted else None,
                s.consulted.answered if s.consulted else None,
            ]
            for s in groups
        ],
    )
    return Outcome(tuple(findings), (table,))


def _heard(consulted: schema.Consultation) -> bool:
    """Whether a group said something and was answered something."""
    said = (consulted.raised, consulted.answered)
    return all(text and not schema.placeholder(text) for text in said)
