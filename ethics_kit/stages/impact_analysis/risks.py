"""S1.2: the risk register."""

from __future__ import annotations

from collections.abc import Sequence

from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.record import Finding, Table
from ethics_kit.report import figures
from ethics_kit.schema.registers import RuledOut
from ethics_kit.stages.case import Case, Outcome, months_between
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.impact_analysis.ratings import Judged, typical
from ethics_kit.stages.impact_analysis.register import impact, register_share, said

SCORE = "likelihood × severity, 1 to 25"


def risk_register(case: Case) -> Outcome:
    """S1.2: every risk of the library for this use is rated or ruled out, and none is left above the appetite."""
    register = impact(case)
    rows = [Judged(risk, case.as_of) for risk in register.risks]
    ruled_out = [r for r in register.risks_ruled_out if _in_force(case, r)]
    forgotten = _forgotten(case, {r.id for r in register.risks} | {r.id for r in ruled_out})
    findings = [*_gaps(rows, forgotten), *_above_appetite(case, rows)]
    appetite = case.dossier.policy.risk.appetite.value
    tables = [_register(rows, appetite)]
    tables += [_open(forgotten)] if forgotten else []
    tables += [_without(ruled_out)] if ruled_out else []
    after = {r.risk.id: r.counts for r in rows if r.counts}
    before = {r.risk.id: r.risk.inherent for r in rows if r.risk.inherent}
    return Outcome(
        tuple(findings),
        tuple(tables),
        figures.risk_matrix(after, appetite, when="after") + figures.risk_matrix(before, appetite, when="before"),
    )


def _in_force(case: Case, ruled_out: RuledOut) -> bool:
    """Whether a risk was ruled out by now, for a reason, and not longer ago than an answer counts."""
    limit = case.dossier.policy.records.answers_max_age_months.value
    fresh = ruled_out.on <= case.as_of and months_between(ruled_out.on, case.as_of) < limit
    return fresh and said(ruled_out.reason)


def _forgotten(case: Case, handled: set[str]) -> list[str]:
    use = case.dossier.system.use
    expected = {r.id for r in catalogue.risks().values() if use is None or use in r.uses}
    return sorted(expected - handled, key=lambda i: int(i[1:]))


def _gaps(rows: Sequence[Judged], forgotten: Sequence[str]) -> list[Finding]:
    """What keeps the register from being relied on."""
    awaits = [f"a rating, or a reason to rule it out, of {', '.join(forgotten)}"] if forgotten else []
    awaits += [f"{' and '.join(r.awaits)} of {r.risk.id}" for r in rows if r.awaits]
    found = []
    if awaits or not rows:
        found.append(not_assessed("S1.2", "risk_register", "; ".join(awaits) or "at least one registered risk"))
    contradictory = [f"{r.risk.id}, {r.risk.inherent} then {r.risk.residual}" for r in rows if r.contradictory]
    if contradictory:
        told = "a correction of what is rated higher after treatment than before: " + "; ".join(contradictory)
        found.append(not_assessed("S1.2", "residual_above_inherent", told))
    unexplained = [f"{r.risk.id}, {r.risk.inherent} for {typical(r.risk.id)}" for r in rows if r.unexplained]
    if unexplained:
        told = "a reason (why_lower) for ratings far below the library's typical one: " + "; ".join(unexplained)
        found.append(not_assessed("S1.2", "rated_far_below_typical", told))
    return found


def _above_appetite(case: Case, rows: Sequence[Judged]) -> list[Finding]:
    """One finding for each risk above the appetite, so that a waiver of one never covers another."""
    appetite = case.dossier.policy.risk.appetite
    rated = [r for r in rows if r.counts]
    above = [r for r in rated if _above(r, appetite.value)]
    if above:
        return [_one_above(r, r.counts, len(rated), appetite.value, appetite.source) for r in above if r.counts]
    if not rated:
        return []
    overdue = [r.risk.id for r in rated if r.overdue]
    return [
        register_share(
            case,
            "S1.2",
            "residual_above_appetite",
            0,
            len(rated),
            statement=f"0 of {len(rated)} rated risks stay above the appetite of {appetite.value}"
            + (f"; treatments overdue: {', '.join(overdue)}." if overdue else "."),
            at_most=0,
            unit="share of risks",
            action="Treat these risks further, or have somebody with the right to do so waive the finding.",
            source=appetite.source,
        )
    ]


def _above(row: Judged, appetite: int) -> bool:
    return row.counts is not None and row.counts.score > appetite


def _one_above(row: Judged, rating: schema.Rating, n: int, appetite: int, source: str) -> Finding:
    risk = row.risk
    statement = f"{risk.id}, {risk.title}: {rating} stays above the appetite of {appetite}."
    if row.overdue:
        statement += f" Its treatment is overdue since {risk.due}."
    if row.accepted:
        statement += f" Accepted in the register by {row.accepted}, which lowers nothing: only a waiver does."
    return Finding(
        id=f"S1.2.residual_above_appetite.{risk.id}",
        requirement="S1.2",
        status="not_met",
        evidence="measured",
        statement=statement,
        value=rating.score,
        unit=SCORE,
        n=n,
        threshold=appetite,
        method="a person's rating, one of n in the register; no interval",
        source=source,
        action="Treat this risk further, or have somebody with the right to do so waive this finding.",
        owner=risk.owner,
    )


def _register(rows: Sequence[Judged], appetite: int) -> Table:
    return Table(
        id="S1.2.register",
        title="Risk register",
        requirement="S1.2",
        columns=["risk", "title", "typical", "before", "treatment", "after", "owner, deputy", "due", "to be said"],
        rows=[
            [
                r.risk.id,
                r.risk.title,
                _text(typical(r.risk.id)),
                _text(r.risk.inherent),
                r.risk.treatment,
                _text(r.risk.residual),
                f"{r.risk.owner or 'nobody'}, {r.risk.deputy or 'nobody'}",
                _text(r.risk.due),
                "; ".join(["above the appetite"] * _above(r, appetite) + list(r.notes)) or None,
            ]
            for r in rows
        ],
        note="Score (likelihood × severity, each 1 to 5) before and after treatment; typical is the kit's library's "
        "before anything is done. Acceptance in the register lowers no rating and lifts no finding.",
    )


def _without(ruled_out: Sequence[RuledOut]) -> Table:
    return Table(
        id="S1.2.ruled_out",
        title="Risks ruled out",
        requirement="S1.2",
        columns=["risk", "title", "typical", "reason", "by", "on"],
        rows=[
            [r.id, catalogue.risks()[r.id].title, _text(typical(r.id)), r.reason, r.by, r.on.isoformat()]
            for r in ruled_out
        ],
    )


def _open(forgotten: Sequence[str]) -> Table:
    """What the library knows of the risks nobody rated, to pick from and adapt."""
    risks = [catalogue.risks()[i] for i in forgotten]
    return Table(
        id="S1.2.library",
        title="Risks of the library that are open",
        requirement="S1.2",
        columns=["risk", "title", "harmed", "cause, and sign in data", "typical", "because", "treatments", "source"],
        rows=[
            [
                *(r.id, r.title, r.harmed, f"{r.cause} {r.sign}", _text(typical(r.id))),
                *(r.because, " ".join(r.treatments), r.source),
            ]
            for r in risks
        ],
        note="Rate each or rule it out. Adapt what the library says; the system's own risks are X1, X2 and so on.",
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
