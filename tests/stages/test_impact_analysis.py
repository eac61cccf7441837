"""Stage 1: who is affected, who was heard and answered, who answers for what, and the points behind the level."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.measures.impact import impact_level as level_of
from ethics_kit.project import Project
from ethics_kit.recommendation import requirement_status
from ethics_kit.stages import impact_analysis
from ethics_kit.stages.case import Case
from ethics_kit.stages.impact_analysis.level import thresholds

CHECKOUT = Path(__file__).parents[2]
AS_OF = date(2026, 11, 1)
HEARD = {
    "on": date(2026, 9, 1),
    "how": "interviews",
    "raised": "Calls at night.",
    "answered": "None after six.",
    "answered_on": date(2026, 9, 21),
}
GROUP = {
    "group": "customers_decided_on",
    "name": "Customers",
    "benefit": "A call that helps",
    "harm": "Calls at night",
    "severity": 2,
    "scale": 3,
    "reversible": "yes",
}
RISK = {"id": "X1", "title": "A risk", "owner": "Cy Os", "deputy": "Bo Ek"}
SIGNED = {
    "stakeholder_harms_judged": {
        "value": "yes",
        "by": "Ann Lee",
        "role": "analyst",
        "on": date(2026, 9, 1),
        "evidence": "https://example.org/table",
    }
}


@pytest.fixture(scope="module")
def whole():
    dossier = dossiers.load(Project(CHECKOUT), CHECKOUT / "parameters/health_score", tables=False)
    assert dossier.policy.consultation.max_age_months.value == 18
    groups = dossier.policy.consultation.groups.model_copy(update={"value": ["customers_decided_on"]})
    consultation = dossier.policy.consultation.model_copy(update={"groups": groups})
    return replace(dossier, policy=dossier.policy.model_copy(update={"consultation": consultation}))


@pytest.fixture
def assess(whole, tmp_path):
    """The findings and tables of a step, by id, with this impact analysis in place of the example's."""

    def run(step, system=None, **content):
        stages = {name: answers.model_copy(update={"actions": []}) for name, answers in whole.stages.items()}
        stages["impact_analysis"] = schema.ImpactAnalysis.model_validate(content)
        dossier = replace(whole, stages=stages, system=whole.system.model_copy(update=system or {}))
        outcome = step(Case(dossier, "impact_analysis", AS_OF, tmp_path))
        return {f.id: f for f in outcome.findings}, {t.id: t for t in outcome.tables}

    return run


def rows(table):
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


# --- S1.1 --------------------------------------------------------------------------------------------------------


def test_groups_that_are_described_and_signed_for_are_attested(assess):
    findings, tables = assess(impact_analysis.stakeholder_harms, stakeholders=[GROUP], answers=SIGNED)
    finding = findings["S1.1.groups_described"]
    assert (finding.status, finding.evidence, finding.author) == ("met", "attested", "Ann Lee, analyst")
    assert requirement_status([finding], catalogue.stage_requirements("impact_analysis")["S1.1"]) == "met"
    assert rows(tables["S1.1.stakeholders"])[0]["harm"] == "Calls at night"


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("benefit", None, "benefit"),
        ("harm", None, "harm"),
        ("harm", "TBD", "harm"),
        ("severity", None, "severity"),
        ("scale", None, "scale"),
        ("reversible", None, "reversibility"),
    ],
)
def test_what_a_group_lacks_is_named_and_nothing_is_settled(assess, key, value, told):
    findings, _ = assess(impact_analysis.stakeholder_harms, stakeholders=[GROUP | {key: value}], answers=SIGNED)
    assert findings["S1.1.groups_described"].status == "not_assessed"
    assert f"Missing: Customers: {told}." in findings["S1.1.groups_described"].statement


@pytest.mark.parametrize("groups", [[], [{"group": "staff", "name": "Staff", "not_affected": "They never see it."}]])
def test_a_register_without_an_affected_group_settles_nothing(assess, groups):
    findings, _ = assess(impact_analysis.stakeholder_harms, stakeholders=groups, answers=SIGNED)
    assert findings["S1.1.groups_described"].status == "not_assessed"


def test_a_table_that_nobody_signed_is_not_attested(assess):
    unsigned = {"stakeholder_harms_judged": SIGNED["stakeholder_harms_judged"] | {"by": None}}
    for answers in ({}, unsigned):
        findings, _ = assess(impact_analysis.stakeholder_harms, stakeholders=[GROUP], answers=answers)
        assert findings["S1.1.groups_described"].status == "not_assessed"
        assert "Nobody signed yet" in findings["S1.1.groups_described"].statement


def test_vulnerable_groups_are_named(assess):
    other = GROUP | {"group": "in_debt", "name": "People in debt", "vulnerable": True}
    findings, tables = assess(impact_analysis.stakeholder_harms, stakeholders=[GROUP, other], answers=SIGNED)
    assert "Vulnerable: People in debt." in findings["S1.1.groups_described"].statement
    assert [r["vulnerable"] for r in rows(tables["S1.1.stakeholders"])] == ["no", "yes"]


def test_a_placeholder_is_no_reason_why_a_group_is_not_affected(assess):
    findings, _ = assess(impact_analysis.stakeholder_harms, stakeholders=[GROUP | {"not_affected": "n/a"}])
    assert findings["S1.1.groups_described"].n == 1


# --- S1.4 --------------------------------------------------------------------------------------------------------


def coverage(assess, *consulted, **group):
    findings, tables = assess(
        impact_analysis.consultation_coverage, stakeholders=[GROUP | {"consulted": list(consulted)} | group]
    )
    return findings["S1.4.consultation_coverage"], tables


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "met"),
        ({"answered": "TODO"}, "not_met"),
        ({"raised": "n/a"}, "not_met"),
        ({"answered": None}, "not_met"),
        ({"answered_on": None}, "not_met"),
        ({"answered_on": date(2026, 11, 2)}, "not_met"),
        ({"answered_on": date(2026, 8, 31)}, "not_met"),
        ({"on": date(2026, 11, 2), "answered_on": date(2026, 11, 3)}, "not_met"),
        ({"on": date(2025, 5, 1)}, "not_met"),
        ({"on": date(2025, 5, 2)}, "met"),
    ],
)
def test_a_group_counts_that_was_heard_lately_and_answered_by_now(assess, change, status):
    finding, _ = coverage(assess, HEARD | change)
    assert finding.status == status


def test_one_concern_without_an_answer_leaves_a_group_open_however_many_were_answered(assess):
    early = HEARD | {"on": date(2026, 3, 5), "raised": "The list is secret.", "answered": None, "answered_on": None}
    finding, tables = coverage(assess, HEARD, early, vulnerable=True)
    assert finding.status == "not_met"
    assert "Customers (vulnerable): 1 not answered, open for 241 days" in finding.statement
    assert rows(tables["S1.4.stakeholders"]) == [
        {
            "group": "Customers",
            "vulnerable": "yes",
            "last heard": "2026-09-01",
            "concerns raised": 2,
            "answered": 1,
            "open since": "2026-03-05",
            "state": "1 not answered, open for 241 days",
        }
    ]
    assert [(r["raised"], r["answered on"], r["days open"]) for r in rows(tables["S1.4.concerns"])] == [
        ("The list is secret.", None, 241),
        ("Calls at night.", "2026-09-21", 20),
    ]


def test_a_group_that_was_heard_again_is_up_to_date(assess):
    long_ago = HEARD | {"on": date(2024, 2, 1), "answered_on": date(2024, 3, 1)}
    assert coverage(assess, long_ago)[0].statement.endswith("Customers: heard too long ago.")
    assert coverage(assess, long_ago, HEARD)[0].status == "met"


def test_a_group_nobody_heard_is_named(assess):
    finding, tables = coverage(assess)
    assert finding.status == "not_met"
    assert "Customers: not heard" in finding.statement
    assert tables["S1.4.concerns"].rows == []


def test_a_single_consultation_may_stand_without_a_list():
    row = schema.Stakeholder.model_validate(GROUP | {"consulted": HEARD})
    assert row.consulted == [schema.Consultation.model_validate(HEARD)]


def test_a_group_of_the_policy_that_is_in_no_row_is_asked_for(assess):
    other = GROUP | {"group": "staff", "consulted": [HEARD]}
    findings, _ = assess(impact_analysis.consultation_coverage, stakeholders=[other])
    assert "customers_decided_on" in findings["S1.4.groups_considered"].statement


# --- P4.1 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, None),
        ({"owner": None}, "risk X1 (no owner)"),
        ({"deputy": None}, "risk X1 (no deputy)"),
        ({"deputy": "TBD"}, "risk X1 (no deputy)"),
        ({"owner": None, "deputy": None}, "risk X1 (no owner and no deputy)"),
        ({"deputy": "cy  OS"}, "risk X1 (owner and deputy are one person)"),
    ],
)
def test_a_risk_is_owned_by_two_people(assess, change, told):
    findings, tables = assess(impact_analysis.ownership_coverage, risks=[RISK | change])
    finding = findings["P4.1.ownership_coverage"]
    assert (finding.value, finding.n) == (0.5 if told else 1, 2)
    assert (told in finding.statement) if told else (finding.status == "met")
    assert [r["what"] for r in rows(tables["P4.1.ownership"])] == ["system", "risk X1"]


def test_a_system_whose_deputy_is_its_owner_has_none(assess, whole):
    owner = whole.system.owner
    findings, _ = assess(impact_analysis.ownership_coverage, system={"deputy": owner}, risks=[RISK])
    assert "system (owner and deputy are one person)" in findings["P4.1.ownership_coverage"].statement


def test_an_action_needs_a_deputy_until_it_is_closed(assess):
    action = {"finding": "S1.2", "action": "Treat it.", "owner": "Cy Os", "due": date(2026, 12, 1)}
    for closed, n in ((None, 2), (date(2026, 11, 2), 2), (date(2026, 11, 1), 1)):
        findings, _ = assess(impact_analysis.ownership_coverage, actions=[action | {"closed": closed}])
        assert findings["P4.1.ownership_coverage"].n == n


# --- S1.2 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("maximum", [1, 7, 100, 136])
def test_the_thresholds_are_the_last_points_of_their_levels(maximum):
    for name, most in thresholds(maximum).items():
        assert level_of(most, maximum) == name
        assert level_of(most + 1, maximum) != name


def test_the_points_of_the_areas_add_up_to_those_of_the_level(whole, tmp_path):
    case = Case(whole, "impact_analysis", AS_OF, tmp_path)
    outcome = impact_analysis.impact_level(case)
    found = rows(outcome.tables[0])
    for scale in ("raw", "mitigation"):
        part = [r for r in found if r["scale"] == scale]
        assert sum(r["fewest"] for r in part) == case.level.points[f"{scale}_low"]
        assert sum(r["most"] for r in part) == case.level.points[f"{scale}_high"]
        assert sum(r["maximum"] for r in part) == case.level.points[f"{scale}_max"]
    assert f"{case.level.points['raw_max']} points" in outcome.figures[0].caption


def test_a_register_is_counted_and_not_estimated(assess):
    group = GROUP | {"consulted": [HEARD]}
    rating = {"likelihood": 2, "severity": 2}
    risk = RISK | {"inherent": rating, "residual": rating}
    for step in (
        impact_analysis.risk_register,
        impact_analysis.ownership_coverage,
        impact_analysis.consultation_coverage,
    ):
        shares = [f for f in assess(step, risks=[risk], stakeholders=[group])[0].values() if f.value is not None]
        assert [(f.interval, f.method) for f in shares] == [(None, "count of the register")]
