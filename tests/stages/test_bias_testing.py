"""Stage 3 on small projects: who is compared, what counts as how much, and what is said where nothing can be."""

import csv
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from ethics_kit.stages import bias_testing
from ethics_kit.stages.case import Case


def assess(root, *steps):
    """The findings of `steps` by id, and their tables."""
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    case = Case(dossier, "bias_testing", date(2026, 11, 1), root / "reports")
    outcomes = [step(case) for step in steps or bias_testing.STEPS]
    return {f.id: f for o in outcomes for f in o.findings}, {t.id: t for o in outcomes for t in o.tables}


def rewrite(root, table, change):
    """Change the rows of one of the project's tables."""
    path = root / f"parameters/demo/data/{table}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [r for r in map(change, rows) if r is not None]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_two_decisions_of_one_customer_are_not_two_independent_people(project):
    findings, tables = assess(project(), bias_testing.demographic_parity)
    finding = findings["C2.1.gender.selection_rate_difference"]
    table = tables["C2.1.gender.selection_rate"]
    rows = sum(row[1] for row in table.rows)
    assert finding.n < rows
    assert finding.interval
    assert "Rows repeat (" in table.note
    assert all(row[2] <= row[1] for row in table.rows)


def test_one_decision_each_counts_whole(project):
    root = project()
    seen = set()

    def first(row):
        new = row["customer_id"] not in seen
        seen.add(row["customer_id"])
        return row if new else None

    rewrite(root, "decisions", first)
    findings, tables = assess(root, bias_testing.demographic_parity)
    assert findings["C2.1.gender.selection_rate_difference"].n == len(seen)
    assert "Rows repeat" not in tables["C2.1.gender.selection_rate"].note


def test_a_segment_is_no_evidence_towards_people(project, edit):
    root = project()
    assert not [i for i in assess(root)[0] if ".plan." in i]
    edit(root / "parameters/demo/system.yaml", ("attributes", "gender", "class"), "segment")
    finding = assess(root, bias_testing.segment_coverage)[0]["S3.1.gender_covered"]
    assert finding.status == "not_assessed"
    assert "not a segment" in finding.statement


def test_an_attribute_the_policy_names_and_the_system_lacks_is_not_assessed(project, edit):
    root = project()
    edit(root / "parameters/demo/system.yaml", ("attributes", "gender"), ...)
    findings, _ = assess(root, bias_testing.segment_coverage)
    assert findings["S3.1.gender_covered"].status == "not_assessed"
    assert "gender" in findings["S3.1.undeclared_columns"].statement


@pytest.mark.parametrize(
    ("value", "told"),
    [("female", "a second group: every known gender is the same"), ("", "the gender of more rows: 400 of 400")],
    ids=["one group only", "no value at all"],
)
def test_what_cannot_be_compared_is_said(project, value, told):
    root = project()
    rewrite(root, "customers", lambda row: {**row, "gender": value})
    finding = assess(root, bias_testing.demographic_parity)[0]["C2.1.gender.selection_rate_difference"]
    assert finding.status == "not_assessed"
    assert told in finding.statement


def test_without_a_positive_outcome_recall_is_not_estimable_and_never_0(project):
    root = project()
    rewrite(root, "decisions", lambda row: {**row, "churned": "no"})
    findings, _ = assess(root, bias_testing.outcome_equity)
    finding = findings["C2.3.gender.true_positive_rate_difference"]
    assert (finding.status, finding.value) == ("not_assessed", None)
    assert "no row to divide by" in finding.null_reason
    assert findings["C2.3.gender.false_positive_rate_difference"].value is not None


def test_outcomes_that_have_not_matured_are_left_out_and_counted(project, edit):
    root = project()
    edit(root / "parameters/demo/system.yaml", ("outcome", "horizon_days"), 150)
    findings, tables = assess(root, bias_testing.outcome_equity)
    assert "rows are left out of error rates, as their outcome is not known yet" in tables["C2.3.gender.outcomes"].note
    assert findings["C2.3.gender.false_positive_rate_difference"].n < 300


def test_missing_values_are_a_group_of_their_own_with_their_share(project):
    root = project()
    rewrite(root, "customers", lambda row: {**row, "gender": "" if row["customer_id"] < "c040" else row["gender"]})
    findings, tables = assess(root)
    assert " 20.0% of rows" in findings["S3.1.gender_covered"].statement
    assert "rows have no known gender; they are in no comparison" in tables["C2.1.gender.selection_rate"].note


def test_a_small_group_is_withheld_and_neither_accused_nor_cleared(project):
    root = project()
    rewrite(root, "customers", lambda row: {**row, "gender": "other" if row["customer_id"] < "c003" else row["gender"]})
    findings, tables = assess(root, bias_testing.demographic_parity)
    table = tables["C2.1.gender.selection_rate"]
    other = next(row for row in table.rows if row[0] == "other")
    assert table.hidden == 2  # a single one would follow from the others
    assert other[1:-1] == [None] * (len(other) - 2)
    assert findings["C2.1.gender.selection_rate_difference"].status in ("not_assessed", "inconclusive")


def test_an_attribute_with_too_many_groups_is_not_listed(project):
    root = project()
    rewrite(root, "customers", lambda row: {**row, "gender": f"{row['customer_id']}@example.org"})
    findings, tables = assess(root)
    assert "band them" in findings["C2.1.gender.selection_rate_difference"].statement
    assert not [i for i in tables if ".gender." in i]
    assert "@example.org" not in "".join(f.statement for f in findings.values())


def test_rows_without_a_decision_are_counted_and_leave_parity_unassessed(project):
    root = project()
    rewrite(root, "decisions", lambda row: {**row, "flagged": "" if row["sequence"] == "7" else row["flagged"]})
    finding = assess(root, bias_testing.demographic_parity)[0]["C2.1.decisions_blank"]
    assert finding.status == "not_assessed"
    assert "1 rows without one" in finding.statement


def test_a_cluster_finer_than_the_customer_does_not_make_rows_independent(project, edit):
    root = project()
    edit(root / "parameters/demo/system.yaml", ("tables", "decisions", "columns", "cluster"), "decision_id")
    finding = assess(root, bias_testing.demographic_parity)[0]["C2.1.group_comparison"]
    assert "a cluster that holds each customer whole" in finding.statement


def test_old_decisions_do_not_speak_for_the_system(project, edit):
    root = project()
    edit(root / "parameters/policy.yaml", ("records", "data_max_age_days", "value"), 30)
    finding = assess(root, bias_testing.demographic_parity)[0]["C2.1.group_comparison"]
    assert "of the last 30 days before 2026-11-01 (the newest: 2026-0" in finding.statement


def test_without_a_horizon_no_outcome_counts(project, edit):
    root = project()
    edit(root / "parameters/demo/system.yaml", ("outcome", "horizon_days"), None)
    findings, _ = assess(root, bias_testing.outcome_equity)
    assert {f.status for f in findings.values()} == {"not_assessed"}
    assert "outcome.horizon_days" in findings["C2.3.gender.true_positive_rate_difference"].statement
