"""Stage 1: who is affected and how much, which risks, who answers for them, who was heard; and the impact level."""

from __future__ import annotations

from typing import Any

from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.record import Finding, Table
from ethics_kit.report import figures
from ethics_kit.stages.case import Case, Outcome, Step, months_between
from ethics_kit.stages.evidence import not_assessed, share_finding

REGISTER = "count of the register"


def _impact(case: Case) -> schema.ImpactAnalysis:
    return case.dossier.stage(schema.ImpactAnalysis)


def _register_share(case: Case, requirement: str, name: str, count: int, n: int, **said: Any) -> Finding:
    """A share of a register's rows. A register is no sample: it has no interval, and one row is enough."""
    found = share_finding(case, requirement, name, count, n, minimum=1, **said)
    return found.model_copy(update={"interval": None, "method": REGISTER})


def _scored(risk: schema.RegisteredRisk) -> bool:
    """Whether a risk is scored, and what lowers its score is named."""
    if not (risk.inherent and risk.residual):
        return False
    treated = risk.treatment is not None and not schema.placeholder(risk.treatment)
    return treated or risk.residual.score >= risk.inherent.score


def _heard(consulted: schema.Consultation) -> bool:
    """Whether a group said something and was answered something."""
    said = (consulted.raised, consulted.answered)
    return all(text and not schema.placeholder(text) for text in said)


def impact_level(case: Case) -> Outcome:
    """S1.2: the impact level from the scored questionnaire, best and worst case over what is unanswered."""
    level = case.level
    points = level.points
    settled = level.value != "undetermined"
    if settled:
        statement = f"Impact level {level.value}: {points['total_worst']} of {points['raw_max']} points."
    else:
        statement = (
            f"Impact level undetermined: {level.unanswered} open answers leave it between {level.best} and "
            f"{level.worst}; the obligations of level {level.worst} hold."
        )
    finding = Finding(
        id="S1.2.impact_level",
        requirement="S1.2",
        status="met" if settled else "not_assessed",
        evidence="measured",
        statement=statement,
        value=points["total_worst"],
        unit="points",
        n=len([q for q in catalogue.questions("impact_analysis").values() if q.scores or q.trigger]),
        method="Canadian Algorithmic Impact Assessment: 25, 50 and 75% of the maximum; mitigation of 80% lowers by 15%",
        source="canada-ca/aia-eia-js v1.0.1",
        action=None if settled else "Answer the open questions of the impact analysis.",
    )
    rows: list[list[str | int | float | None]] = []
    for area in dict.fromkeys(q.area or "other" for q in catalogue.questions("impact_analysis").values() if q.scores):
        scored = [s for s in case.points_answered if s.question.scores and (s.question.area or "other") == area]
        for scale in ("raw", "mitigation"):
            part = [s for s in scored if s.question.scores == scale]
            if part:
                low, high = sum(s.points()[0] for s in part), sum(s.points()[1] for s in part)
                rows.append([area, scale, low, high, sum(s.question.max_points for s in part)])
    table = Table(
        id="S1.2.points",
        title="Points by area",
        requirement="S1.2",
        columns=["area", "scale", "fewest", "most", "maximum"],
        rows=rows,
        note="Fewest and most differ where a question is not answered.",
    )
    return Outcome((finding,), (table,))


def risk_register(case: Case) -> Outcome:
    """S1.2: every risk of the library for this use is scored or ruled out, and none is left above the appetite."""
    impact = _impact(case)
    use = case.dossier.system.use
    expected = {r.id for r in catalogue.risks().values() if use is None or use in r.uses}
    ruled_out = [r for r in impact.risks_ruled_out if r.on <= case.as_of]
    handled = {r.id for r in impact.risks} | {r.id for r in ruled_out}
    scored = [r for r in impact.risks if _scored(r)]
    unscored = sorted({r.id for r in impact.risks} - {r.id for r in scored})
    forgotten = sorted(expected - handled, key=lambda i: int(i[1:]))
    appetite = case.dossier.policy.risk.appetite.value
    above = [r for r in scored if r.residual and r.residual.score > appetite]
    findings = []
    if forgotten or unscored or not impact.risks:
        awaits = []
        if forgotten:
            awaits.append("a score or a reason to rule out for " + ", ".join(forgotten))
        if unscored:
            awaits.append("inherent and residual scores, and what lowers them, of " + ", ".join(unscored))
        findings.append(not_assessed("S1.2", "risk_register", "; ".join(awaits) or "at least one registered risk"))
    if scored:
        named = ", ".join(f"{r.id} ({r.residual.score if r.residual else 0})" for r in above)
        findings.append(
            _register_share(
                case,
                "S1.2",
                "residual_above_appetite",
                len(above),
                len(scored),
                statement=f"{len(above)} of {len(scored)} scored risks stay above the appetite of {appetite}"
                + (f": {named}." if above else "."),
                at_most=0,
                unit="share of risks",
                action="Treat these risks further, or have the policy's owner accept them by a waiver.",
                source=case.dossier.policy.risk.appetite.source,
            )
        )
    table = Table(
        id="S1.2.register",
        title="Risk register",
        requirement="S1.2",
        columns=["risk", "title", "inherent", "residual", "treatment", "owner", "deputy", "due"],
        rows=[
            [
                r.id,
                r.title,
                r.inherent.score if r.inherent else None,
                r.residual.score if r.residual else None,
                r.treatment,
                r.owner,
                r.deputy,
                r.due.isoformat() if r.due else None,
            ]
            for r in impact.risks
        ]
        + [
            [r.id, catalogue.risks()[r.id].title, None, None, f"Ruled out: {r.reason}", r.by, None, None]
            for r in ruled_out
        ]
        + [
            [i, catalogue.risks()[i].title, None, None, "open: score it, or rule it out", *[None] * 3]
            for i in forgotten
        ],
    )
    return Outcome(tuple(findings), (table,), figures.risk_matrix(impact.risks, appetite))


def ownership_coverage(case: Case) -> Outcome:
    """P4.1: the system, every risk and every open action has an owner and a deputy."""
    system = case.dossier.system
    if not (system.owner or system.deputy or _impact(case).risks):
        return Outcome((not_assessed("P4.1", "ownership_coverage", "the owner and the deputy of the system"),))
    things = [("system", bool(system.owner), bool(system.deputy))]
    things += [(r.id, bool(r.owner), bool(r.deputy)) for r in _impact(case).risks]
    for stage in case.dossier.stages.values():
        things += [
            (f"action on {a.finding}", True, bool(a.deputy))
            for a in stage.actions
            if not (a.closed and a.closed <= case.as_of)
        ]
    covered = [t for t in things if t[1] and t[2]]
    missing = [name for name, owner, deputy in things if not (owner and deputy)]
    finding = _register_share(
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
    groups = _impact(case).stakeholders
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
        _register_share(
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


def standards_applicability(case: Case) -> Outcome:
    """S1.3: for each law and standard of the list, whether it applies, with reason, name and date."""
    own, shared = _impact(case).standards, case.dossier.organisation.standards
    settled = {
        name: decision
        for name, decision in {**shared, **own}.items()
        if decision.on <= case.as_of
        and months_between(decision.on, case.as_of) < case.dossier.policy.records.answers_max_age_months.value
    }
    open_ = [s.title.split(",")[0].split(":")[0] for s in catalogue.standards().values() if s.id not in settled]
    total = len(catalogue.standards())
    finding = Finding(
        id="S1.3.applicability_settled",
        requirement="S1.3",
        status="not_assessed" if open_ else "met",
        evidence="attested",
        statement=f"{total - len(open_)} of {total} laws and standards are settled"
        + (f"; open: {', '.join(open_)}." if open_ else "."),
        null_reason="a statement, not a number",
        action="Decide for each open one whether it applies, and why." if open_ else None,
    )
    rows: list[list[str | int | float | None]] = []
    for name, standard in catalogue.standards().items():
        decision = settled.get(name)
        origin = "inherited" if decision and name not in own else ""
        rows.append(
            [standard.title, standard.kind, decision.applies, decision.reason, f"{decision.by}, {decision.on}", origin]
            if decision
            else [standard.title, standard.kind, "open", None, None, None]
        )
    table = Table(
        id="S1.3.applicability",
        title="Laws and standards: does it apply?",
        requirement="S1.3",
        columns=["law or standard", "kind", "applies", "reason", "decided by", "from"],
        rows=rows,
        note="A finding bears on a law or standard; it never says that it is met.",
    )
    return Outcome((finding,), (table,))


STEPS: dict[Step, tuple[str, ...]] = {
    impact_level: ("S1.2",),
    standards_applicability: ("S1.3",),
    risk_register: ("S1.2",),
    ownership_coverage: ("P4.1",),
    consultation_coverage: ("S1.4",),
}
