"""S3.2: the privacy impact assessment: whether one is due, is whole, speaks of what was measured, and what remains."""

from __future__ import annotations

from collections.abc import Sequence

from ethics_kit import schema
from ethics_kit.record import WEAKEST, Finding, Record, Status, Table
from ethics_kit.schema.privacy import PrivacyAssessment, PrivacyRisk
from ethics_kit.stages.bias_testing.extracts import extract_anonymity
from ethics_kit.stages.bias_testing.membership import membership_inference
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import REGISTER, not_assessed, register_awaits, register_share

NUMBERS = ("C1.1", "C1.2", "C1.3", "C1.4", "P3.1", "P3.2", "P3.3", "P3.4", "S3.2")
"""Requirements whose measured findings an assessment has to speak of: the design review's, extracts and membership."""

ARTICLE = "GDPR Art. 35(7)"
RESIDUAL = "privacy_residual_score"


def privacy_impact_assessment(case: Case) -> Outcome:
    """S3.2: whether the assessment that is due is whole and draws on the numbers found, and what risk remains."""
    name, earlier = "privacy_assessment", case.earlier("impact_analysis")
    tested = next((f for f in earlier.findings if f.id == "S3.2.dpia_threshold"), None) if earlier else None
    if tested is None:
        return Outcome((not_assessed("S3.2", name, "the impact analysis, with the test whether one is due"),))
    assessment = case.dossier.stage(schema.BiasTesting).privacy_assessment
    if tested.status == "met" and (tested.value or 0) < (tested.threshold or 0) and assessment is None:
        return Outcome((_not_due(tested),))
    awaits = register_awaits(case, assessment, "the privacy assessment (privacy_assessment in bias_testing.yaml)")
    if awaits or assessment is None:
        return Outcome((not_assessed("S3.2", name, awaits),))
    review = case.earlier("design_review")
    passed_on = case.taken.get(extract_anonymity.__name__) or extract_anonymity(case)
    own = (*passed_on.findings, *membership_inference(case).findings)
    found = [*(review.findings if review else ()), *own]
    numbers = {r: [f for f in found if f.requirement == r and f.evidence == "measured"] for r in NUMBERS}
    findings = (_whole(case, assessment), _drawn_on(assessment, numbers, review), _remaining(case, assessment))
    return Outcome(findings, (_risk_table(assessment, numbers), _number_table(assessment, numbers, review)))


def _not_due(tested: Finding) -> Finding:
    return Finding(
        id="S3.2.privacy_assessment",
        requirement="S3.2",
        status="met",
        evidence="measured",
        statement=f"No privacy assessment is due: by the impact analysis, {tested.value} of {tested.n} criteria hold.",
        value=tested.value,
        unit="criteria",
        n=tested.n,
        threshold=tested.threshold,
        method="threshold test of the impact analysis",
        source=tested.source,
    )


def _whole(case: Case, assessment: PrivacyAssessment) -> Finding:
    """What GDPR Art. 35 asks of an assessment, and of each risk in it."""
    said = {
        "why the processing is necessary": assessment.necessity,
        "the data protection officer's advice": assessment.advice and assessment.advised_by,
        "the views of the people affected": assessment.views,
        "a risk to people": assessment.risks and "named",
    }
    parts = {part: bool(text) and not schema.placeholder(str(text)) for part, text in said.items()}
    for number, risk in enumerate(assessment.risks, 1):
        parts |= {f"{part} of risk {number}": there for part, there in _parts(case, risk).items()}
    missing = [part for part, there in parts.items() if not there]
    stated = len(parts) - len(missing)
    return register_share(
        case,
        "S3.2",
        "privacy_assessment",
        stated,
        len(parts),
        statement=f"The privacy assessment of {assessment.on} states {stated} of {len(parts)} parts"
        + (f"; missing: {', '.join(missing)}." if missing else "."),
        at_least=1.0,
        unit="share of parts",
        action="State what is missing, and put the measures in place: privacy_assessment in bias_testing.yaml.",
        source=f"{ARTICLE}, 35(2), 35(9)",
    )


def _parts(case: Case, risk: PrivacyRisk) -> dict[str, bool]:
    measures = [text for text in risk.measures if not schema.placeholder(text)]
    return {
        "what could happen": not schema.placeholder(risk.risk),
        "rating before measures": risk.inherent is not None,
        "measures": bool(measures),
        "measures in place": risk.in_place is not None and risk.in_place <= case.as_of,
        "rating after measures": risk.residual is not None,
        "owner": bool(risk.owner) and not schema.placeholder(risk.owner or ""),
    }


def _drawn_on(assessment: PrivacyAssessment, numbers: dict[str, list[Finding]], review: Record | None) -> Finding:
    """Each requirement that is not shown to be met has to be spoken of: what was not measured is a risk as well."""
    name = "privacy_numbers"
    if review is None:
        return not_assessed("S3.2", name, "the design review of this version, whose numbers it has to draw on")
    wanted = [r for r, findings in numbers.items() if findings and _weakest(findings).status not in SETTLED]
    drawn = {r for risk in assessment.risks for r in risk.draws_on}
    left = [r for r in wanted if r not in drawn]
    words = (
        f"Of {len(wanted)} requirements on data that are not shown to be met, {len(wanted) - len(left)} are drawn on"
    )
    return Finding(
        id=f"S3.2.{name}",
        requirement="S3.2",
        status="not_met" if left else "met",
        evidence="measured",
        statement=f"{words} by a risk of the privacy assessment" + (f"; not {', '.join(left)}." if left else "."),
        value=len(left),
        unit="requirements not drawn on",
        n=len(wanted),
        threshold=0,
        method=f"{REGISTER}, beside the design review as of {review.as_of} and membership inference",
        source=f"{ARTICLE}(c)",
        action=f"Say what the numbers on {', '.join(left)} mean for people (draws_on), and what is done."
        if left
        else None,
    )


SETTLED: tuple[Status, ...] = ("met", "not_applicable")


def _weakest(findings: Sequence[Finding]) -> Finding:
    return min(findings, key=lambda f: (WEAKEST.index(f.status), f.id))


def _remaining(case: Case, assessment: PrivacyAssessment) -> Finding:
    """Above the organisation's appetite a risk is high, and the authority has to be consulted first."""
    limit, scores = case.dossier.policy.risk.appetite, [r.residual.score for r in assessment.risks if r.residual]
    if not scores or len(scores) < len(assessment.risks):
        return not_assessed("S3.2", RESIDUAL, "what remains of each risk in the privacy assessment (residual)")
    high = sum(score > limit.value for score in scores)
    asked = assessment.authority_consulted
    consulted = asked is not None and asked <= case.as_of
    statement = f"{high} of {len(scores)} privacy risks remain above {limit.value} of 25; the highest is {max(scores)}."
    if high:
        statement += f" The authority was consulted on {asked}." if consulted else " The authority was not consulted."
    return Finding(
        id=f"S3.2.{RESIDUAL}",
        requirement="S3.2",
        status="not_met" if high and not consulted else "met",
        evidence="measured",
        statement=statement,
        value=max(scores),
        unit="likelihood times severity",
        n=len(scores),
        threshold=limit.value,
        method=REGISTER,
        source=f"GDPR Art. 36(1); limit: {limit.source}",
        action="Reduce the risk, or consult the authority before processing goes on."
        if high and not consulted
        else None,
    )


def _risk_table(assessment: PrivacyAssessment, numbers: dict[str, list[Finding]]) -> Table:
    def speaks(requirement: str) -> str:
        findings = numbers.get(requirement, [])
        return (
            f"{requirement} {_weakest(findings).status.replace('_', ' ')}" if findings else f"{requirement} no number"
        )

    return Table(
        id="S3.2.privacy_risks",
        title="Privacy assessment: risks to people, and what is done",
        requirement="S3.2",
        columns=["risk", "numbers it draws on", "before", "measures", "in place since", "after", "owner"],
        rows=[
            [
                risk.risk,
                "; ".join(map(speaks, risk.draws_on)) or None,
                str(risk.inherent) if risk.inherent else None,
                "; ".join(text.rstrip(".") for text in risk.measures) or None,
                risk.in_place.isoformat() if risk.in_place else None,
                str(risk.residual) if risk.residual else None,
                risk.owner,
            ]
            for risk in assessment.risks
        ],
        note=f"Assessed by {assessment.by}, {assessment.on}. Advice of the data protection officer "
        f"({assessment.advised_by or 'not named'}): {assessment.advice or 'none stated'} "
        f"Views of those affected: {assessment.views or 'none stated'}",
    )


def _number_table(assessment: PrivacyAssessment, numbers: dict[str, list[Finding]], review: Record | None) -> Table:
    weakest = {requirement: _weakest(findings) for requirement, findings in numbers.items() if findings}
    taken = f"design review as of {review.as_of}, record {review.record_id[:12]}" if review else "no design review"
    return Table(
        id="S3.2.privacy_numbers",
        title="Privacy assessment: the numbers it has to draw on",
        requirement="S3.2",
        columns=["requirement", "state", "weakest finding", "says", "risks that draw on it"],
        rows=[
            [
                requirement,
                finding.status.replace("_", " "),
                finding.id,
                finding.statement,
                sum(requirement in risk.draws_on for risk in assessment.risks),
            ]
            for requirement, finding in weakest.items()
        ],
        note=f"From the {taken}; S3.2 is this stage's membership inference.",
    )
