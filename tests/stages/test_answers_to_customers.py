"""Stage 4 on small projects: appeals, reported errors and feedback against what was promised."""

import csv
from datetime import date, datetime, timedelta

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.errors import InputError
from ethics_kit.project import Project
from ethics_kit.stages.case import Case
from ethics_kit.stages.deployment_signoff import appeals, error_correction, feedback

START = datetime.fromisoformat("2026-03-01T10:00:00")
PROMISES = {"appeal_days": 30, "error_days": 30, "answer_days": 30, "by": "Ana Ruiz", "on": date(2026, 9, 1)}
COLUMNS = {
    "appeals": ("customer", "time", "decision", "resolved", "overturned"),
    "error_reports": ("id", "time", "corrected", "repeat_of"),
    "feedback": ("customer", "time", "rating", "topic", "answered"),
}


def spec(table, *without):
    kept = [c for c in COLUMNS[table] if c not in without]
    return {"source": f"data/{table}.csv", "columns": {c: c for c in kept}}


def assess(project, step, table, rows, *, promises=PROMISES, without=()):
    """What a step finds in `rows` of the table (mappings; every time is days after 1 March 2026)."""
    root = project(
        system={"tables": {table: spec(table, *without)}}, deployment_signoff={"promises": promises} if promises else {}
    )
    with (root / f"parameters/demo/data/{table}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS[table])
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {k: START + timedelta(days=v) if k in TIMES and v is not None else v for k, v in row.items()}
            )
    dossier = dossiers.load(Project(root), root / "parameters/demo", tables=False)
    outcome = step(Case(dossier, "deployment_signoff", date(2026, 11, 1), root))
    return {f.id.split(".", 2)[2]: f for f in outcome.findings}, {t.id: t for t in outcome.tables}, outcome.figures


TIMES = ("time", "resolved", "corrected", "answered")


def filed(n, *, days=5, overturned="no", start=0, **more):
    """`n` appeals of as many customers, a day apart, each resolved after `days` (None: open)."""
    return [
        {
            "customer": f"c{start + i:03d}",
            "time": i % 100,
            "resolved": None if days is None else i % 100 + days,
            "overturned": None if days is None else overturned,
            **more,
        }
        for i in range(n)
    ]


# --- appeals ---------------------------------------------------------------------------------------------------


def test_appeals_in_time_are_met_and_open_ones_are_late_not_left_out(project):
    found, tables, drawn = assess(project, appeals, "appeals", filed(100))
    assert (found["resolved_in_time"].status, found["resolved_in_time"].value) == ("met", 1.0)
    assert found["resolved_in_time"].interval.low == pytest.approx(0.963, abs=0.001)  # Wilson, 100 of 100
    assert tables["C3.3.filed"].rows[0][:3] == [100, 100, 400]
    assert "still open: 0% after 30 days" in drawn[0].caption
    found, tables, drawn = assess(project, appeals, "appeals", filed(80) + filed(20, days=None, start=80))
    assert (found["resolved_in_time"].status, found["resolved_in_time"].value) == ("not_met", 0.8)
    assert "20 are open past the promise" in found["resolved_in_time"].statement
    assert "still open: 20% after 30 days" in drawn[0].caption


@pytest.mark.parametrize(
    ("promises", "told"),
    [
        (None, "the promise appeal_days to customers"),
        ({"error_days": 5, "by": "Ana Ruiz", "on": date(2026, 9, 1)}, "the promise appeal_days to customers"),
        (PROMISES | {"on": date(2026, 12, 1)}, "this one is dated 2026-12-01"),
        (PROMISES | {"on": date(2025, 1, 1)}, "this one is dated 2025-01-01"),
    ],
    ids=["none", "another one", "later", "stale"],
)
def test_without_a_promise_in_force_nobody_is_in_time(project, promises, told):
    found, _, _ = assess(project, appeals, "appeals", filed(100), promises=promises)
    assert found["resolved_in_time"].status == "not_assessed"
    assert told in found["resolved_in_time"].statement
    assert not [name for name, f in found.items() if "in_time" in name and f.status == "met"]


def test_many_overturned_appeals_speak_against_the_decisions(project):
    found, _, _ = assess(project, appeals, "appeals", filed(60) + filed(40, overturned="yes", start=60))
    assert (found["overturned"].status, found["overturned"].value, found["overturned"].n) == ("not_met", 0.4, 100)
    found, _, _ = assess(project, appeals, "appeals", filed(20))
    assert found["overturned"].status == "inconclusive"
    found, _, _ = assess(project, appeals, "appeals", filed(60) + filed(40, overturned=None, start=60))
    assert found["overturned"].status == "not_assessed"
    assert "40 of 100 resolved ones do not say" in found["overturned"].statement


def test_appeals_of_nobody_known_and_a_missing_table_or_column_settle_nothing(project):
    strangers = [row | {"customer": f"x{row['customer']}"} for row in filed(100)]
    found, _, _ = assess(project, appeals, "appeals", strangers)
    assert {f.status for f in found.values()} == {"not_assessed"}
    assert "100 of 100 match none decided on" in found["resolved_in_time"].statement
    found, _, _ = assess(project, appeals, "appeals", filed(100), without=("resolved",))
    assert {f.status for f in found.values()} == {"not_assessed"}
    found, _, _ = assess(project, appeals, "appeals", filed(100), without=("overturned",))
    assert found["overturned"].status == "not_assessed"
    assert not [name for name in found if name.endswith("overturned_difference")]


def test_a_group_that_waits_too_long_is_found_and_small_groups_are_withheld(project):
    root = project()
    with (root / "parameters/demo/data/customers.csv").open() as file:
        gender = {row["customer_id"]: row["gender"] for row in csv.DictReader(file)}
    rows = []
    for i, customer in enumerate(gender):
        late = gender[customer] == "female" and i % 2
        rows.append(
            {"customer": customer, "time": i % 100, "resolved": i % 100 + (60 if late else 5), "overturned": "no"}
        )
    found, tables, _ = assess(project, appeals, "appeals", rows)
    assert found["gender.resolved_in_time_difference"].status == "not_met"
    assert found["gender.overturned_difference"].status == "met"
    assert "Log-rank test that groups wait alike, p: gender 0.000" in tables["C3.3.times"].note
    few = [row for row in rows if gender[row["customer"]] == "male"] + [
        row for row in rows if gender[row["customer"]] == "female"
    ][:4]
    found, tables, _ = assess(project, appeals, "appeals", few)
    assert found["gender.resolved_in_time_difference"].status == "inconclusive"
    assert found["gender.resolved_in_time_difference"].value is None
    assert [row[2] for row in tables["C3.3.by_gender"].rows if "within the promise" in row[0]] == [None, None]
    assert [row[2:] for row in tables["C3.3.times"].rows if row[0] == "gender"] == [[None] * 6] * 2


OF = ("of customers who appealed", "with all appeals resolved within the promise")


def test_who_appeals_more_than_once_is_one_customer_and_in_time_where_all_were(project):
    twice = filed(100) + filed(100, days=60)
    found, tables, _ = assess(project, appeals, "appeals", twice)
    assert (found["resolved_in_time"].value, found["resolved_in_time"].n) == (0.5, 200)
    rows = {row[0]: row for row in tables["C3.3.by_gender"].rows if row[1] == "female"}
    label = "Share with all appeals resolved within the promise"
    assert rows[label][2] == round(
        rows["Share of customers who appealed"][2] * rows["Share of customers who appealed"][3]
    )
    assert rows[label][3] == 0


# --- errors ----------------------------------------------------------------------------------------------------


def errors(n, *, days=5, repeats=0):
    return [
        {
            "id": f"e{i}",
            "time": i % 90,
            "corrected": None if days is None else i % 90 + days,
            "repeat_of": f"e{i + 1}" if i < repeats else None,
        }
        for i in range(n)
    ]


def test_errors_corrected_late_or_reported_again_are_not_met(project):
    found, tables, _ = assess(project, error_correction, "error_reports", errors(120))
    assert {f.status for f in found.values()} == {"met"}
    assert sum(row[1] for row in tables["P4.3.by_period"].rows) == 120
    found, _, _ = assess(project, error_correction, "error_reports", errors(120, days=31, repeats=20))
    assert {f.status for f in found.values()} == {"not_met"}
    assert "the longest chain has 21 reports" in found["repeat_errors"].statement


def test_few_errors_are_inconclusive_and_none_at_all_are_not_assessed(project):
    found, _, _ = assess(project, error_correction, "error_reports", errors(20))
    assert {f.status for f in found.values()} == {"inconclusive"}
    tomorrow = [{"id": "e1", "time": 246}]
    found, _, drawn = assess(project, error_correction, "error_reports", tomorrow)
    assert {f.status for f in found.values()} == {"not_assessed"}
    assert drawn == ()


def test_without_a_column_for_repeats_or_with_ids_of_nowhere_repeats_are_not_known(project):
    found, _, _ = assess(project, error_correction, "error_reports", errors(40), without=("repeat_of",))
    assert found["repeat_errors"].status == "not_assessed"
    nowhere = [row | {"repeat_of": "zz"} for row in errors(40)]
    found, _, _ = assess(project, error_correction, "error_reports", nowhere)
    assert found["repeat_errors"].status == "not_assessed"
    assert "40 of 40 name none that is there" in found["repeat_errors"].statement


# --- feedback --------------------------------------------------------------------------------------------------


def wrote(n, *, days=5, rating=lambda i: 3 + i % 3, topic=lambda i: ("praise", "waiting")[i % 2], last=240):
    return [
        {
            "customer": f"c{i % 150:03d}",
            "time": last - i % 100,
            "rating": rating(i),
            "topic": topic(i),
            "answered": None if days is None else last - i % 100 + days,
        }
        for i in range(n)
    ]


def test_feedback_that_comes_in_and_is_answered_is_met(project):
    found, tables, _ = assess(project, feedback, "feedback", wrote(400))
    assert {n: f.status for n, f in found.items() if "difference" not in n} == {
        "received": "met",
        "rating": "met",
        "answered_in_time": "met",
    }
    assert found["rating"].value == pytest.approx(4, abs=0.01)
    assert tables["S4.3.topics"].rows == [["praise", 200], ["waiting", 200]]
    assert sum(row[1] for row in tables["S4.3.by_month"].rows) == 400


def test_low_ratings_no_answers_and_an_old_table_are_not(project):
    found, _, _ = assess(project, feedback, "feedback", wrote(400, days=None, rating=lambda i: 1 + i % 3, last=-200))
    assert {found[name].status for name in ("received", "rating", "answered_in_time")} == {"not_met"}
    found, _, _ = assess(project, feedback, "feedback", wrote(15))
    assert found["received"].status == "inconclusive"


@pytest.mark.parametrize(
    ("rating", "told"),
    [(lambda i: 3 + i % 4, "with other numbers"), (lambda i: 5, "differ from one another"), (lambda i: None, "differ")],  # noqa: ARG005
    ids=["off the scale", "all alike", "none"],
)
def test_ratings_that_cannot_be_or_say_nothing_are_not_assessed(project, rating, told):
    found, _, _ = assess(project, feedback, "feedback", wrote(400, rating=rating))
    assert found["rating"].status == "not_assessed"
    assert told in found["rating"].statement


def test_topics_that_few_wrote_of_are_gathered_without_their_words(project):
    rows = wrote(400, topic=lambda i: "praise" if i % 4 else f"Jane Roe {i} was rude")
    _, tables, _ = assess(project, feedback, "feedback", rows)
    assert tables["S4.3.topics"].rows == [["praise", 300], ["(100 other topics)", 100]]
    assert "Jane" not in repr(tables)


# --- the dossier -----------------------------------------------------------------------------------------------


def test_promises_that_are_none_are_refused_all_at_once(project):
    promises = {"appeal_days": 0, "human_minutes": -1, "error_days": "soon", "by": "Ana Ruiz"}
    root = project(deployment_signoff={"promises": promises})
    with pytest.raises(InputError) as refused:
        dossiers.load(Project(root), root / "parameters/demo")
    keys = {p.key for p in refused.value.problems}
    assert keys == {f"promises.{name}" for name in ("appeal_days", "human_minutes", "error_days", "on")}
