"""B3: the bias profile: what was considered about bias, and which finding shows it."""

from __future__ import annotations

from collections.abc import Iterable

from ethics_kit.record import Finding, Table
from ethics_kit.stages import refused
from ethics_kit.stages.bias_testing.alike import individual_fairness
from ethics_kit.stages.bias_testing.cells import intersectional_bias
from ethics_kit.stages.bias_testing.coverage import paired_swaps, segment_coverage
from ethics_kit.stages.bias_testing.equity import equitable_treatment
from ethics_kit.stages.bias_testing.mitigations import mitigation
from ethics_kit.stages.bias_testing.outcomes import outcome_equity
from ethics_kit.stages.bias_testing.parity import demographic_parity
from ethics_kit.stages.case import Case, Outcome

ITEMS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("who influences the system and who is affected", "stakeholder identification (6)", ("S1.1", "S1.4")),
    ("risks of bias, scored", "risk assessment (number not verified)", ("S1.2",)),
    ("groups covered, and rows for each", "data representation (7)", ("S3.1",)),
    ("selection and treatment by group", "evaluation (number not verified)", ("C2.1", "P2.2")),
    ("errors and results by group", "evaluation (number not verified)", ("C2.3",)),
    ("combinations of attributes", "evaluation (number not verified)", ("C2.4", "S3.1")),
    ("people who are alike", "evaluation (number not verified)", ("C2.2", "S3.1")),
    ("what was done about bias found", "bias profile (4)", ("P2.1", "P2.2")),
)
"""What a profile holds, the core clause of IEEE 7003-2024 it bears on, and the requirements that show it."""

LOOKED_AT = ("met", "not_met", "inconclusive")


def bias_profile(case: Case) -> Outcome:
    """B3: the parts of a bias profile, each with the findings that show it."""
    earlier = case.earlier("impact_analysis")
    found: dict[str, list[Finding]] = {}
    steps = (segment_coverage, paired_swaps, demographic_parity, outcome_equity, equitable_treatment)
    own = [
        f
        for step in (*steps, individual_fairness, intersectional_bias, mitigation)
        for f in refused.outcome(step, case).findings
    ]
    for finding in [*own, *(earlier.findings if earlier else ())]:
        found.setdefault(finding.requirement, []).append(finding)
    rows = [_row(part, clause, [f for r in served for f in found.get(r, ())]) for part, clause, served in ITEMS]
    open_ = [str(row[0]) for row in rows if row[3] == "not shown"]
    shown = len(rows) - len(open_)
    finding = Finding(
        id="B3.bias_profile",
        requirement="B3",
        status="not_assessed" if open_ else "met",
        evidence="measured",
        statement=f"{shown} of {len(rows)} parts of the bias profile are shown by findings"
        + (f"; not shown: {'; '.join(open_)}." if open_ else "."),
        value=shown,
        unit="parts shown",
        n=len(rows),
        threshold=len(rows),
        method="parts with at least one finding that was looked at, in this record or the impact analysis",
        source="parts after IEEE 7003-2024, whose core clauses were read of, not read",
        action="Supply what the parts not shown await; each requirement's own findings say what." if open_ else None,
    )
    table = Table(
        id="B3.bias_profile",
        title="Bias profile",
        requirement="B3",
        columns=["part", "bears on (IEEE 7003-2024)", "findings", "state"],
        rows=rows,
        note="A finding bears on a clause; it does not claim conformity with the standard.",
    )
    return Outcome((finding,), (table,))


def _row(part: str, clause: str, findings: Iterable[Finding]) -> list[str | int | float | None]:
    looked_at = [f for f in findings if f.status in LOOKED_AT]
    count = f"{len(looked_at)} of {', '.join(sorted({f.requirement for f in looked_at}))}" if looked_at else "none"
    return [part, clause, count, "shown" if looked_at else "not shown"]
