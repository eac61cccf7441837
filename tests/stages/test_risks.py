"""The risk register: which rating counts, what blocks, what is only said."""

from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit import dossier as dossiers
from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.project import Project
from ethics_kit.report import figures
from ethics_kit.stages import impact_analysis
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude
from ethics_kit.stages.impact_analysis.ratings import Judged, typical

CHECKOUT = Path(__file__).parents[2]
AS_OF = date(2026, 11, 1)
LOW, HIGH = {"likelihood": 1, "severity": 2}, {"likelihood": 3, "severity": 4}
SCORED = {
    "id": "X1",
    "title": "A risk",
    "inherent": HIGH,
    "residual": LOW,
    "treatment": "A person looks first.",
    "due": date(2026, 12, 1),
}
ABOVE = "S1.2.residual_above_appetite.X1"
WAIVER = {
    "finding": ABOVE,
    "reason": "The treatment is on its way.",
    "by": "Etta Officer",
    "role": "Ethics officer",
    "on": date(2026, 10, 1),
    "until": date(2026, 12, 1),
}


@pytest.fixture(scope="module")
def whole():
    """The dossier of the example without a fault in its records; its policy's appetite is 9."""
    dossier = dossiers.load(Project(CHECKOUT), CHECKOUT / "parameters/health_score", tables=False)
    assert dossier.policy.risk.appetite.value == 9
    return dossier


@pytest.fixture
def case(whole, monkeypatch, tmp_path):
    """A case with these risks; of the library everything else is ruled out, and no figure is drawn."""
    monkeypatch.setattr(figures, "risk_matrix", lambda *_, **__: ())

    def build(*risks, system=None, **more):
        listed = {r["id"] for r in risks}
        ruled_out = [
            {"id": i, "reason": "Not in this system.", "by": "Ann Lee", "on": date(2026, 9, 1)}
            for i in catalogue.risks()
            if i not in listed
        ]
        stage = schema.ImpactAnalysis.model_validate({"risks": list(risks), "risks_ruled_out": ruled_out} | more)
        dossier = replace(whole, stages={**whole.stages, "impact_analysis": stage})
        if system:
            dossier = replace(dossier, system=dossier.system.model_copy(update=system))
        return Case(dossier, "impact_analysis", AS_OF, tmp_path)

    return build


def found(case):
    return {f.id: f for f in impact_analysis.risk_register(case).findings}


def register(case):
    table = next(t for t in impact_analysis.risk_register(case).tables if t.id == "S1.2.register")
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


# --- which rating counts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "awaits"),
    [
        ({"treatment": None}, "the treatment that lowers it of X1"),
        ({"treatment": "TBD"}, "the treatment that lowers it of X1"),
        ({"due": None}, "the day the treatment is due or was done of X1"),
        ({"residual": None}, "ratings before and after treatment of X1"),
        ({"inherent": None}, "ratings before and after treatment of X1"),
    ],
)
def test_a_rating_that_fell_names_what_lowers_it_and_by_when(case, change, awaits):
    before, after = found(case(SCORED)), found(case(SCORED | change))
    assert "S1.2.risk_register" not in before
    assert after["S1.2.risk_register"].status == "not_assessed"
    assert awaits in after["S1.2.risk_register"].statement


@pytest.mark.parametrize(
    "change", [{"treatment": None}, {"due": None}, {"residual": None}, {"due": date(2026, 10, 31)}]
)
def test_without_a_treatment_in_time_the_rating_before_it_counts(case, change):
    assert found(case(SCORED))["S1.2.residual_above_appetite"].status == "met"
    finding = found(case(SCORED | change))[ABOVE]
    assert (finding.status, finding.value, finding.threshold) == ("not_met", 12, 9)


def test_a_rating_that_did_not_fall_needs_no_treatment(case):
    same = {"likelihood": 3, "severity": 3}
    findings = found(case(SCORED | {"inherent": same, "residual": same, "treatment": None, "due": None}))
    assert {f.status for f in findings.values()} == {"met"}


@pytest.mark.parametrize(
    ("due", "done", "overdue"),
    [
        (date(2026, 11, 1), None, False),
        (date(2026, 10, 31), None, True),
        (date(2026, 10, 31), date(2026, 11, 1), False),
        (date(2026, 10, 31), date(2026, 11, 2), True),
    ],
)
def test_an_overdue_treatment_is_said_until_it_is_done(case, due, done, overdue):
    built = case(SCORED | {"due": due, "done": done})
    assert ("overdue since 2026-10-31" in (register(built)["X1"]["to be said"] or "")) is overdue
    assert (ABOVE in found(built)) is overdue
    if overdue:
        assert "Its treatment is overdue since 2026-10-31." in found(built)[ABOVE].statement


def test_an_overdue_treatment_of_a_small_risk_is_said_beside_the_pass(case):
    small = {"inherent": {"likelihood": 3, "severity": 3}, "due": date(2026, 10, 1)}
    finding = found(case(SCORED | small))["S1.2.residual_above_appetite"]
    assert finding.status == "met"
    assert "treatments overdue: X1" in finding.statement


def test_a_rating_higher_after_treatment_than_before_is_a_contradiction(case):
    findings = found(case(SCORED | {"inherent": LOW, "residual": HIGH}))
    assert findings["S1.2.residual_above_inherent"].status == "not_assessed"
    assert "X1, 2 (1×2) then 12 (3×4)" in findings["S1.2.residual_above_inherent"].statement
    assert findings[ABOVE].status == "not_met"


ratings = st.builds(schema.Rating, likelihood=st.integers(1, 5), severity=st.integers(1, 5))
rows = st.builds(
    schema.RegisteredRisk,
    id=st.sampled_from(["X1", "R5"]),
    title=st.just("A risk"),
    inherent=ratings,
    residual=ratings,
    why_lower=st.none() | st.just("It is rare here."),
    treatment=st.none() | st.just("A person looks first."),
    due=st.none() | st.dates(date(2026, 10, 1), date(2026, 12, 1)),
    done=st.none() | st.dates(date(2026, 10, 1), date(2026, 12, 1)),
)


def doubts(judged):
    return bool(judged.awaits) + judged.unexplained + judged.contradictory


@given(rows, st.sampled_from(["inherent", "residual", "treatment", "due", "done", "why_lower"]))
def test_taking_a_part_of_a_row_away_lowers_nothing_without_a_doubt(row, part):
    whole, cut = Judged(row, AS_OF), Judged(row.model_copy(update={part: None}), AS_OF)
    assert cut.awaits or doubts(cut) >= doubts(whole)
    assert cut.awaits or cut.counts.score >= whole.counts.score


@given(rows)
def test_what_counts_is_one_of_the_two_ratings_and_below_the_first_only_with_a_treatment_in_time(row):
    judged = Judged(row, AS_OF)
    assert judged.counts in (row.inherent, row.residual)
    if judged.counts.score < row.inherent.score:
        assert row.treatment
        assert (row.done and row.done <= AS_OF) or row.due >= AS_OF


# --- beside the library ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("likelihood", "severity", "why", "doubted"),
    [(2, 4, None, True), (3, 3, None, False), (2, 4, "No price depends on area.", False), (2, 4, "tbd", True)],
)
def test_a_rating_at_half_the_typical_one_needs_a_reason(case, likelihood, severity, why, doubted):
    assert typical("R5").score == 16
    rating = {"likelihood": likelihood, "severity": severity}
    row = SCORED | {"id": "R5", "inherent": rating, "residual": rating, "why_lower": why}
    findings = found(case(row))
    assert ("S1.2.rated_far_below_typical" in findings) is doubted
    if doubted:
        assert findings["S1.2.rated_far_below_typical"].status == "not_assessed"
        assert "R5, 8 (2×4) for 16 (4×4)" in findings["S1.2.rated_far_below_typical"].statement


def test_the_register_shows_the_librarys_rating_beside_the_analysts(case):
    row = register(case(SCORED | {"id": "R5"}))["R5"]
    assert (row["typical"], row["before"], row["after"]) == ("16 (4×4)", "12 (3×4)", "2 (1×2)")
    assert register(case(SCORED))["X1"]["typical"] is None


def test_forgotten_risks_are_listed_with_what_the_library_knows_of_them(case):
    built = case(SCORED, risks_ruled_out=[])
    outcome = impact_analysis.risk_register(built)
    library = next(t for t in outcome.tables if t.id == "S1.2.library")
    assert "R2" in [row[0] for row in library.rows]
    assert all(len(row) == len(library.columns) and all(row) for row in library.rows)


@pytest.mark.parametrize(
    ("change", "open_"),
    [
        ({}, False),
        ({"reason": "TBD"}, True),
        ({"on": date(2026, 11, 2)}, True),
        ({"on": date(2025, 11, 1)}, True),
    ],
    ids=["reason", "placeholder", "dated ahead", "stale"],
)
def test_a_risk_is_ruled_out_by_a_reason_in_time(case, change, open_):
    row = {"id": "R2", "reason": "No queue.", "by": "Ann Lee", "on": date(2026, 9, 1)} | change
    statement = found(case(SCORED, risks_ruled_out=[row]))["S1.2.risk_register"].statement
    assert ("R2," in statement) is open_


# --- above the appetite ------------------------------------------------------------------------------------------


def concluded(case):
    outcome = impact_analysis.risk_register(case)
    return conclude(case, {"risk_register": outcome})


def test_a_risk_above_the_appetite_blocks(case):
    record = concluded(case(SCORED | {"residual": HIGH}))
    assert ABOVE in record.recommendation.blocking
    assert record.recommendation.verdict == "reject"


def test_a_plan_does_not_lift_the_block(case):
    plan = {"finding": ABOVE, "action": "Treat it.", "owner": "Cy Os", "due": date(2026, 12, 1)}
    assert ABOVE in concluded(case(SCORED | {"residual": HIGH}, actions=[plan])).recommendation.blocking


@pytest.mark.parametrize(
    ("until", "shown"),
    [(date(2027, 1, 1), "until 2027-01-01"), (date(2026, 10, 1), "lapsed 2026-10-01"), (None, "without an end")],
)
def test_acceptance_in_the_register_is_shown_and_lifts_nothing(case, until, shown):
    built = case(SCORED | {"residual": HIGH, "accepted_by": "Etta Officer", "accepted_until": until})
    record = concluded(built)
    assert ABOVE in record.recommendation.blocking
    assert shown in register(built)["X1"]["to be said"]
    finding = next(f for f in record.findings if f.id == ABOVE)
    assert "Accepted in the register by Etta Officer" in finding.statement
    assert "lowers nothing" in finding.statement


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"role": "team lead"}, "the policy lets ethics officer, "),
        ({"by": "ifeoma  OKAFOR"}, "ifeoma  OKAFOR answers for the system"),
        ({"by": "Luca Ferrante"}, "Luca Ferrante answers for the system"),
    ],
)
def test_only_a_role_with_the_right_waives(case, change, why):
    record = concluded(case(SCORED | {"residual": HIGH}, waivers=[WAIVER | change]))
    finding = next(f for f in record.findings if f.id == ABOVE)
    assert (finding.waiver is None) is bool(why)
    assert (ABOVE in record.recommendation.blocking) is bool(why)
    if why:
        assert f"does not count: {why}" in finding.statement


@pytest.mark.parametrize("part", ["owner", "deputy"])
def test_where_it_is_not_said_who_answers_for_the_system_no_waiver_counts(case, part):
    record = concluded(case(SCORED | {"residual": HIGH}, waivers=[WAIVER], system={part: None}))
    assert ABOVE in record.recommendation.blocking


def test_a_waiver_of_one_risk_never_covers_another(case):
    record = concluded(case(SCORED | {"residual": HIGH}, SCORED | {"id": "X2", "residual": HIGH}, waivers=[WAIVER]))
    assert [i for i in record.recommendation.blocking if "appetite" in i] == ["S1.2.residual_above_appetite.X2"]


@pytest.mark.parametrize(("likelihood", "severity"), [*product(range(1, 6), repeat=2)])
def test_above_is_above_and_not_equal(case, likelihood, severity):
    rating = {"likelihood": likelihood, "severity": severity}
    row = SCORED | {"inherent": rating, "residual": rating}
    assert (ABOVE in found(case(row))) is (likelihood * severity > 9)
