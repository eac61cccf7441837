"""S1.2: the risk register."""

from __future__ import annotations

from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.record import Table
from ethics_kit.report import figures
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.impact_analysis.register import impact, register_share


def risk_register(case: Case) -> Outcome:
    """S1.2: every risk of the library for this use is scored or ruled out, and none is left above the appetite."""
    register = impact(case)
    use = case.dossier.system.use
    expected = {r.id for r in catalogue.risks().values() if use is None or use in r.uses}
    ruled_out = [r for r in register.risks_ruled_out if r.on <= case.as_of]
    handled = {r.id for r in register.risks} | {r.id for r in ruled_out}
    scored = [r for r in register.risks if _scored(r)]
    unscored = sorted({r.id for r in register.risks} - {r.id for r in scored})
    forgotten = sorted(expected - handled, key=lambda i: int(i[1:]))
    appetite = case.dossier.policy.risk.appetite.value
    above = [r for r in scored if r.residual and r.residual.score > appetite]
    findings = []
    if forgotten or unscored or not register.risks:
        awaits = []
        if forgotten:
            awaits.append("a score or a reason to rule out for " + ", ".join(forgotten))
        if unscored:
            awaits.append("inherent and residual scores, and what lowers them, of " + ", ".join(unscored))
        findings.append(not_assessed("S1.2", "risk_register", "; ".join(awaits) or "at least one registered risk"))
    if scored:
        named = ", ".join(f"{r.id} ({r.residual.score if r.residual else 0})" for r in above)
        findings.append(
            register_share(
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
            for r in register.risks
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
    return Outcome(tuple(findings), (table,), figures.risk_matrix(register.risks, appetite))


def _scored(risk: schema.RegisteredRisk) -> bool:
    """Whether a risk is scored, and what lowers its score is named."""
    if not (risk.inherent and risk.residual):
        return False
    treated = risk.treatment is not None and not schema.placeholder(risk.treatment)
    return treated or risk.residual.score >= risk.inherent.score
