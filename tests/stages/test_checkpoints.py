"""Stage 2 on small projects: where a person decides, what passes there, and what reviews change."""

import csv
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit import duties
from ethics_kit.project import Project
from ethics_kit.stages import design_review
from ethics_kit.stages.case import Case

BY = {"by": "Ana Ruiz", "on": date(2026, 9, 1)}
DESK = {
    "id": "desk",
    "where": "before the call",
    "who": "retention desk",
    "when": "before",
    "decisions": ["yes", "no"],
    "may_change": "yes",
    "at_timeout": "waits",
    "skippable": "no",
    **BY,
}
APPEAL = DESK | {"id": "appeal", "where": "in the app", "when": "on_request", "decisions": []}
PLAN = {"share": 0.1, **BY}
REVIEWS = {
    "source": "data/human_reviews.csv",
    "columns": {
        "decision": "decision",
        "time": "reviewed_at",
        "reviewer_group": "team",
        "seconds": "seconds",
        "overridden": "overridden",
        "ai_was_right": "right",
    },
}


def write_reviews(root, rows):
    path = root / "parameters/demo/data/human_reviews.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["decision", "reviewed_at", "team", "seconds", "overridden", "right"], *rows])


def reviewed(project, rows, **changes):
    """A project in which these rows of (decision's number, team, seconds, overridden, right) are reviews."""
    changes["system"] = {"tables": {"human_reviews": REVIEWS}} | changes.get("system", {})
    root = project(design_review={"review_plan": PLAN} | changes.pop("design_review", {}), **changes)
    write_reviews(root, [[f"d{i:04d}", "2026-09-01T10:00:00", *rest] for i, *rest in rows])
    return root


def team(name, start, *, kept_right=0, overruled_right=0, kept_wrong=0, overruled_wrong=0, seconds=60):
    kinds = [("no", "yes")] * kept_right + [("yes", "yes")] * overruled_right
    kinds += [("no", "no")] * kept_wrong + [("yes", "no")] * overruled_wrong
    return [(start + i, name, seconds + (i % 3 == 2), *kind) for i, kind in enumerate(kinds)]


def assess(root, step, *, level="III"):
    dossier = dossiers.load(Project(root), root / "parameters/demo", tables=False)
    case = Case(dossier, "design_review", date(2026, 11, 1), root / "reports")
    vars(case)["level"] = duties.UNKNOWN.model_copy(update={"holds": level})
    outcome = step(case)
    return {f.id.split(".", 2)[2]: f for f in outcome.findings}, {t.id: t for t in outcome.tables}


def placed(project, *rows, level="III", **changes):
    root = project(design_review={"checkpoints": list(rows)}, **changes)
    return assess(root, design_review.checkpoints, level=level)


# --- checkpoints by level --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "rows", "status", "told"),
    [
        ("I", [DESK], "met", "may be automatic"),
        ("II", [DESK], "not_met", "a person whom a customer can turn to"),
        ("II", [APPEAL], "met", "appeal to a person"),
        ("II", [APPEAL | {"may_change": "no"}], "not_met", "a person whom a customer can turn to"),
        ("III", [APPEAL], "not_met", "before these decisions take effect: no"),
        ("III", [APPEAL, DESK | {"decisions": ["yes"]}], "not_met", "take effect: no"),
        ("III", [APPEAL, DESK], "met", "2 checkpoints are placed"),
        ("IV", [DESK], "not_met", "a person whom a customer can turn to"),
        ("III", [APPEAL, DESK | {"at_timeout": "goes_through"}], "not_met", "take effect: no"),
        ("III", [APPEAL, DESK | {"skippable": "yes"}], "not_met", "take effect: no"),
        ("III", [APPEAL, DESK | {"when": "after"}], "not_met", "take effect: no"),
        ("III", [APPEAL, DESK, DESK | {"id": "odd", "decisions": ["maybe"]}], "not_met", "maybe never occurs"),
        ("III", [APPEAL, DESK | {"on": date(2026, 12, 1)}], "not_met", "take effect: no"),
    ],
)
def test_each_level_asks_for_its_checkpoints(project, level, rows, status, told):
    finding = placed(project, *rows, level=level)[0]["checkpoints_placed_by_level"]
    assert (finding.status, finding.evidence) == (status, "attested")
    assert told in finding.statement


@pytest.mark.parametrize(("selection_is", "open_"), [("benefit", "no"), ("burden", "yes"), ("mixed", "no, yes")])
def test_which_decisions_weigh_on_the_customer_follows_from_what_being_selected_is(project, selection_is, open_):
    system = {"selection_is": selection_is}
    finding = placed(project, APPEAL, system=system)[0]["checkpoints_placed_by_level"]
    assert f"take effect: {open_}." in finding.statement


def test_where_it_is_not_said_what_being_selected_is_every_decision_weighs(project):
    finding = placed(project, APPEAL, system={"selection_is": ...})[0]["checkpoints_placed_by_level"]
    assert "take effect: no, yes." in finding.statement


def test_no_checkpoints_are_no_answer(project):
    findings, tables = placed(project, level="I")
    assert findings["checkpoints_placed_by_level"].status == "not_assessed"
    assert findings["passed_a_checkpoint"].status == "not_assessed"
    assert tables == {}


def test_a_checkpoint_that_time_alone_passes_does_not_hold_at_any_level(project):
    findings, tables = placed(project, DESK | {"at_timeout": "goes_through"}, level="I")
    assert findings["checkpoints_hold"].status == "not_met"
    assert "desk (without a person's act the result goes through)" in findings["checkpoints_hold"].statement
    assert tables["S2.4.checkpoints"].rows[0][:5] == ["desk", "before the call", "retention desk",
                                                     "before it takes effect", "yes, no"]  # fmt: skip


# --- decisions that passed -------------------------------------------------------------------------------------


def test_decisions_pass_by_a_person_as_the_actor_and_the_worst_value_decides(project):
    rows = [DESK | {"actors": ["scoring"], "decisions": ["yes"]}, APPEAL]
    findings, tables = placed(project, *rows)
    passed = findings["passed_a_checkpoint"]
    by_value = {row[0]: row[1:] for row in tables["S2.4.passed"].rows}
    assert by_value["yes"][0] == by_value["yes"][1] > 0
    assert by_value["no"][0] == 0
    assert (passed.status, passed.value, passed.n) == ("not_met", 0.0, by_value["no"][1])
    assert f"of all that need a person, {by_value['yes'][0]} of 400" in passed.statement
    assert passed.interval.high > 0


def test_at_level_two_only_what_the_design_says_needs_a_person(project):
    rows = [DESK | {"actors": ["scoring"], "decisions": ["yes"]}]
    passed = placed(project, *rows, level="II")[0]["passed_a_checkpoint"]
    assert (passed.status, passed.value) == ("met", 1.0)


def test_a_review_within_the_time_limit_is_a_pass(project):
    root = reviewed(project, team("day", 0, kept_right=40), design_review={"checkpoints": [DESK]})
    found = assess(root, design_review.checkpoints)[1]["S2.4.passed"].rows
    assert sum(row[1] for row in found) == 40
    in_a_day = {"checkpoints": [DESK | {"time_limit_hours": 24}]}
    root = reviewed(project, team("day", 0, kept_right=40), design_review=in_a_day)
    assert sum(row[1] for row in assess(root, design_review.checkpoints)[1]["S2.4.passed"].rows) == 0


def test_without_reviews_or_actors_nothing_is_known_of_what_passed(project):
    passed = placed(project, DESK)[0]["passed_a_checkpoint"]
    assert passed.status == "not_assessed"
    assert "human_reviews" in passed.statement


def test_an_assistant_is_asked_for_a_person(project):
    conversations = {
        "source": "data/conversations.csv",
        "columns": {"customer": "customer", "time": "time", "handover_asked": "asked", "handover_granted": "granted"},
    }
    system = {"kind": "generative", "tables": {"conversations": conversations}, "decision": {"capacity": ...}}
    root = project(system=system, design_review={"checkpoints": [APPEAL]})
    rows = [[f"c{i:03d}", "2026-10-01", "yes", "yes" if i < 180 else "no"] for i in range(200)]
    path = root / "parameters/demo/data/conversations.csv"
    path.write_text("customer,time,asked,granted\n" + "".join(f"{','.join(row)}\n" for row in rows))
    findings, _ = assess(root, design_review.checkpoints)
    assert (findings["handed_over"].status, findings["handed_over"].value) == ("not_met", 0.9)
    assert "a sound checkpoint before anything is done" in findings["checkpoints_placed_by_level"].statement


# --- reviews ---------------------------------------------------------------------------------------------------

LOOKS = team("day", 0, kept_right=60, overruled_right=2, kept_wrong=8, overruled_wrong=40)
SIGNS = team("night", 200, kept_right=60, kept_wrong=40, seconds=3)


def test_a_team_that_looks_is_not_accused(project):
    findings, tables = assess(reviewed(project, LOOKS), design_review.human_oversight)
    assert {name: f.status for name, f in findings.items()} == dict.fromkeys(
        (
            "review_rate",
            "accepted_when_wrong",
            "overridden_when_right",
            "reviews_too_fast",
            "reviews_in_runs",
            "reviews_too_uniform",
        ),
        "met",
    )
    row = dict(zip(tables["P4.4.reviews"].columns, tables["P4.4.reviews"].rows[0], strict=True))
    assert (row["reviews"], row["system wrong"], row["system right"], row["median seconds"]) == (110, 48, 62, 60)


def test_a_team_that_only_signs_is_found_beside_one_that_looks(project):
    findings, _ = assess(reviewed(project, [*LOOKS, *SIGNS]), design_review.human_oversight)
    for name, value in (("accepted_when_wrong", 1.0), ("reviews_too_fast", 1.0), ("reviews_too_uniform", 0.0)):
        assert (findings[name].status, findings[name].value, "night" in findings[name].statement) == (
            "not_met",
            value,
            True,
        )
    assert findings["accepted_when_wrong"].n == 40
    assert "in all 2 teams together 48 of 88" in findings["accepted_when_wrong"].statement


def test_taking_the_teams_away_hides_nobody(project):
    nameless = [(i, "", *rest) for i, _, *rest in [*LOOKS, *SIGNS]]
    findings, _ = assess(reviewed(project, nameless), design_review.human_oversight)
    assert findings["by_team"].status == "not_assessed"
    assert "210 of 210 have none" in findings["by_team"].statement


def test_a_handful_of_reviews_settles_nothing(project):
    few = team("day", 0, kept_right=6, kept_wrong=1, overruled_wrong=3)
    findings, tables = assess(reviewed(project, few), design_review.human_oversight)
    told = {name: f.status for name, f in findings.items()}
    assert told.pop("review_rate") == "not_met"
    assert set(told.values()) == {"inconclusive"}
    assert tables["P4.4.reviews"].rows[0][1] == 10


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("ai_was_right", "accepted_when_wrong"),
        ("ai_was_right", "overridden_when_right"),
        ("seconds", "reviews_too_fast"),
    ],
)
def test_what_a_column_would_tell_is_open_without_it(project, column, name):
    table = REVIEWS | {"columns": {k: v for k, v in REVIEWS["columns"].items() if k != column}}
    root = reviewed(project, LOOKS, system={"tables": {"human_reviews": table}})
    finding = assess(root, design_review.human_oversight)[0][name]
    assert finding.status == "not_assessed"
    assert column in finding.statement


@pytest.mark.parametrize(
    ("plan", "status"), [(PLAN | {"share": 0.275}, "met"), (PLAN | {"share": 0.28}, "not_met"), (None, "not_assessed"),
                         (PLAN | {"on": date(2026, 12, 1)}, "not_assessed")],
)  # fmt: skip
def test_the_protocols_plan_is_held_against_what_was_reviewed(project, plan, status):
    root = reviewed(project, LOOKS, design_review={"review_plan": plan})
    finding = assess(root, design_review.human_oversight)[0]["review_rate"]
    assert finding.status == status
    if status != "not_assessed":
        assert (finding.value, finding.n) == (110 / 400, 400)


def test_reviews_of_other_decisions_are_no_reviews(project):
    stray = [(i + 5000, *rest) for i, *rest in LOOKS]
    finding = assess(reviewed(project, stray), design_review.human_oversight)[0]["review_rate"]
    assert finding.status == "not_assessed"
    assert "110 of 110 match none" in finding.statement


def test_without_the_table_nothing_is_assumed(project):
    findings, _ = assess(project(), design_review.human_oversight)
    assert [f.status for f in findings.values()] == ["not_assessed"]


# --- the constraint --------------------------------------------------------------------------------------------

CHOSEN = {"metric": "equal_opportunity", "attributes": ["gender"], "reason": "A missed leaver loses help.", **BY}
ASIDE = [
    {"metric": "demographic_parity", "reason": "Churn differs between groups."},
    {"metric": "predictive_parity", "reason": "A needless call harms nobody."},
]


@pytest.mark.parametrize(
    ("change", "name", "status", "told"),
    [
        ({}, "alternatives_considered", "met", "Demographic parity, Predictive parity"),
        ({"considered": ASIDE[:1]}, "alternatives_considered", "not_assessed", "nothing is said of Predictive parity"),
        (
            {"considered": [ASIDE[0], ASIDE[1] | {"reason": "TBD"}]},
            "alternatives_considered",
            "not_assessed",
            "Predict",
        ),
        ({}, "constraint_testable", "met", "every attribute it names is held"),
        ({"attributes": ["gender", "plan"]}, "constraint_testable", "not_met", "plan is a segment"),
        ({}, "constraint_chosen", "met", "A missed leaver loses help."),
        ({"reason": "todo"}, "constraint_chosen", "not_assessed", "only holds the place"),
        ({"on": date(2026, 12, 1)}, "constraint_chosen", "not_assessed", "dated 2026-12-01"),
    ],
)
def test_the_constraint_is_stated_testable_and_weighed_against_others(project, change, name, status, told):
    root = project(design_review={"constraint": CHOSEN | {"considered": ASIDE} | change})
    finding = assess(root, design_review.constraint_chosen)[0][name]
    assert (finding.status, finding.evidence) == (status, "attested")
    assert told in finding.statement


def test_an_attribute_that_is_not_held_cannot_be_tested(project):
    why = {"reason": "No basis.", "substitute": "none", "unknown": "All of it.", **BY}
    system = {"attributes": {"gender": {"column": ..., "not_held": why}}}
    root = project(system=system, design_review={"constraint": CHOSEN})
    finding = assess(root, design_review.constraint_chosen)[0]["constraint_testable"]
    assert (finding.status, "gender is not held" in finding.statement) == ("not_met", True)


def test_no_constraint_is_not_assessed(project):
    (finding,) = assess(project(), design_review.constraint_chosen)[0].values()
    assert (finding.status, finding.evidence) == ("not_assessed", "attested")
