"""The threshold test of stage 1: nine criteria, the organisation's own limit, and an assessment before first use."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.project import Project
from ethics_kit.stages.case import Case
from ethics_kit.stages.impact_analysis import dpia_threshold

AS_OF = date(2026, 11, 1)
FIRST = date(2026, 2, 1)  # the day of the first decision in the table
BEFORE = FIRST - timedelta(days=30)

NONE_HOLDS = {
    "dpia_scoring": "no",
    "legal_or_similar_effect": "no",
    "people_observed": "unobserved",
    "special_category_data": "no",
    "data_sensitivity": "ordinary",
    "people_affected": "up_to_thousand",
    "data_combined": "single_origin",
    "people_vulnerable": "rarely",
    "children_affected": "no",
    "dpia_new_technology": "no",
    "effect_on_access": "unchanged",
}
TWO_HOLD = NONE_HOLDS | {"dpia_scoring": "yes", "people_observed": "continuous"}
MADE = {"dpia_threshold_tested": "due_and_made", "dpia_made_on": BEFORE, "processing_from": FIRST}
IN_ORDER = TWO_HOLD | MADE


LOADED = {}


@pytest.fixture
def threshold(project):
    """The step on one small project, which is read once: these tests change its answers in memory."""
    if not LOADED:
        root = project()
        LOADED["root"], LOADED["dossier"] = root, dossiers.load(Project(root), root / "parameters/demo")
    root, loaded = LOADED["root"], LOADED["dossier"]

    def step(answers, *, limit=2, events=True, as_of=AS_OF):
        signed = {
            "by": "Ann Lee",
            "role": "privacy counsel",
            "on": date(2026, 9, 1),
            "evidence": "https://example.org/d",
        }
        given = {name: schema.Answer(value=value, **signed) for name, value in answers.items()}
        stage = loaded.stages["impact_analysis"].model_copy(update={"answers": given})
        own = loaded.policy.risk.dpia_criteria.model_copy(update={"value": limit})
        risk = loaded.policy.risk.model_copy(update={"dpia_criteria": own})
        tables = loaded.system.tables if events else {}
        dossier = replace(
            loaded,
            stages={**loaded.stages, "impact_analysis": stage},
            policy=loaded.policy.model_copy(update={"risk": risk}),
            system=loaded.system.model_copy(update={"tables": tables}),
        )
        outcome = dpia_threshold(Case(dossier, "impact_analysis", as_of, root / "reports"))
        return outcome.findings[0], outcome.tables[0]

    return step


def without(answers, *names):
    return {name: value for name, value in answers.items() if name not in names}


@pytest.mark.parametrize(
    ("question", "value", "criterion"),
    [
        ("dpia_scoring", "yes", 0),
        ("legal_or_similar_effect", "yes", 1),
        ("people_observed", "voice_or_face", 2),
        ("people_observed", "continuous", 2),
        ("special_category_data", "yes", 3),
        ("data_sensitivity", "private", 3),
        ("people_affected", "up_to_100_thousand", 4),
        ("data_combined", "own_products", 5),
        ("people_vulnerable", "as_in_public", 6),
        ("children_affected", "yes", 6),
        ("dpia_new_technology", "yes", 7),
        ("effect_on_access", "flagged", 8),
    ],
)
def test_each_criterion_holds_by_its_own_answers(threshold, question, value, criterion):
    finding, table = threshold(NONE_HOLDS | {question: value})
    assert [row[1] for row in table.rows] == ["yes" if i == criterion else "no" for i in range(9)]
    assert (finding.value, finding.n, finding.status) == (1, 9, "met")


def test_the_table_tells_each_criterion_with_its_answer_and_a_real_case(threshold):
    _, table = threshold(without(TWO_HOLD, "special_category_data"))
    assert [row[0] for row in table.rows] == [c.text for c in catalogue.dpia_criteria()]
    assert [row[1] for row in table.rows] == ["yes", "no", "yes", "open", "no", "no", "no", "no", "no"]
    assert table.rows[3][2] == "open; Contact, contract and usage data"
    assert all(row[3] and row[4] for row in table.rows)


def test_below_the_policys_number_none_is_due(threshold):
    finding, _ = threshold(NONE_HOLDS)
    assert (finding.status, finding.value, finding.threshold) == ("met", 0, 2)
    assert finding.statement == "0 of 9 criteria hold; by the policy 2 make an assessment due, so none is."


@pytest.mark.parametrize(("limit", "status"), [(1, "not_met"), (2, "not_met"), (3, "met"), (9, "met")])
def test_the_organisation_sets_the_number(threshold, limit, status):
    finding, _ = threshold(TWO_HOLD | {"dpia_threshold_tested": "due_and_missing"}, limit=limit)
    assert (finding.status, finding.threshold) == (status, limit)


def test_an_assessment_that_came_before_the_first_use_meets_it(threshold):
    finding, _ = threshold(IN_ORDER)
    assert finding.status == "met"
    assert finding.statement == (
        "2 of 9 criteria hold; an assessment is due, and that of 2026-01-02 came before the first use on 2026-02-01."
    )


@pytest.mark.parametrize("tested", ["not_tested", "tested_late", "due_and_missing", "not_due"])
def test_without_an_assessment_on_file_it_is_missed_whatever_else_was_said(threshold, tested):
    finding, _ = threshold(IN_ORDER | {"dpia_threshold_tested": tested})
    assert finding.status == "not_met"
    assert "an assessment is due, and none was made before processing" in finding.statement


@pytest.mark.parametrize("made", [FIRST, FIRST + timedelta(days=1)])
def test_an_assessment_made_on_or_after_the_day_of_the_first_decision_came_late(threshold, made):
    claimed = {"dpia_made_on": made, "processing_from": date(2026, 6, 1)}
    finding, _ = threshold(IN_ORDER | claimed)
    assert finding.status == "not_met"
    assert "did not come before the first use on 2026-02-01" in finding.statement


def test_the_day_said_counts_where_the_table_begins_later(threshold):
    finding, _ = threshold(IN_ORDER | {"processing_from": date(2026, 1, 2)})
    assert (finding.status, "2026-01-02" in finding.statement) == ("not_met", True)


def test_a_first_use_said_to_be_later_than_the_table_shows_is_a_contradiction(threshold):
    finding, _ = threshold(IN_ORDER | {"processing_from": FIRST + timedelta(days=1)})
    assert finding.status == "not_assessed"
    assert "decisions begin on 2026-02-01, although the first use is said to be 2026-02-02" in finding.statement


def test_a_system_in_use_has_to_show_its_table_and_a_planned_one_has_none(threshold):
    assert threshold(IN_ORDER, events=False)[0].status == "not_assessed"
    planned = IN_ORDER | {"processing_from": AS_OF + timedelta(days=30)}
    assert threshold(planned, events=False)[0].status == "met"


def test_decisions_after_the_day_of_the_assessment_do_not_count_yet(threshold):
    """As of a day before the first decision, the table says nothing."""
    early = date(2026, 1, 20)
    finding, _ = threshold(IN_ORDER, as_of=early)
    assert finding.status == "not_assessed"  # answers given later do not count either


@pytest.mark.parametrize("question", IN_ORDER)
def test_one_open_answer_is_never_a_pass(threshold, question):
    finding, _ = threshold(without(IN_ORDER, question))
    assert finding.status == "not_assessed"


def test_nothing_answered_is_not_assessed_between_none_and_nine(threshold):
    finding, table = threshold({})
    assert finding.status == "not_assessed"
    assert finding.statement.startswith("Between 0 and 9 of 9 criteria hold, 9 being open;")
    assert {row[1] for row in table.rows} == {"open"}


def test_what_is_certain_is_missed_with_criteria_still_open(threshold):
    finding, _ = threshold(without(TWO_HOLD, "people_affected") | {"dpia_threshold_tested": "due_and_missing"})
    assert finding.status == "not_met"
    assert finding.statement.startswith("Between 2 and 3 of 9 criteria hold, 1 being open;")


def test_the_policys_default_is_said_to_be_nobodys_rule(threshold):
    default = schema.policy.RiskPolicy.model_fields["dpia_criteria"].default
    assert default.value == 2
    assert default.source == "The kit's default; choose your own."
