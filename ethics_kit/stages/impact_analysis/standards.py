"""S1.3: which laws and standards apply."""

from __future__ import annotations

from ethics_kit.framework import catalogue
from ethics_kit.record import Finding, Table
from ethics_kit.stages.case import Case, Outcome, months_between
from ethics_kit.stages.impact_analysis.register import impact


def standards_applicability(case: Case) -> Outcome:
    """S1.3: for each law and standard of the list, whether it applies, with reason, name and date."""
    own, shared = impact(case).standards, case.dossier.organisation.standards
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
