"""S3.4: sessions planted by group; which of them count, what settles a limit, and what is waited for."""

from datetime import date

import pytest

from ethics_kit.stages.bias_testing import user_acceptance
from ethics_kit.stages.case import Outcome
from tests.stages.planted_rows import LIMIT, case_of, line, people, planted, write

ROLES = ("session", "task", "group", "success", "time", "model_version", "sus", "understood", "blocking_defect")
ITEMS = tuple(f"sus_{i}" for i in range(1, 11))
ONE = {"task": "find the reason", "time": "2026-05-04", "model_version": "m-1", "sus": 80, "blocking_defect": "no"}
EVENTS = people(1, decision=1)


def group(name, n, *, success, understood, **more):
    return [
        {
            **ONE,
            "group": name,
            "success": "yes" if i < success else "no",
            "understood": "yes" if i < understood else "no",
        }
        | {"sus": 78 + i % 5}
        | more
        for i in range(n)
    ]


GOOD = [*group("agents", 50, success=48, understood=47), *group("customers", 50, success=47, understood=46)]


@pytest.fixture
def assess(project):
    """What the step finds in sessions: findings by id, and tables. `columns` are those the dossier names."""

    def assess(sessions, *, columns=ROLES, policy=None, dated=None):
        held = {role: role for role in columns if not (role == "time" and dated)}
        table = {"source": "data/sessions.csv", "columns": held} | ({"dated": dated} if dated else {})
        root = planted(project, EVENTS, tables={"acceptance_sessions": table})
        rows = [{"session": f"s{i:03d}", **row} for i, row in enumerate(sessions)]
        write(root / "parameters/demo/data/sessions.csv", [{c: r[c] for c in r if c in held} for r in rows])
        if policy:
            text = (root / "parameters/policy.yaml").read_text()
            limits = "".join(
                f"  {k}: {{value: {v}, rationale: {LIMIT['rationale']}, source: x}}\n" for k, v in policy.items()
            )
            (root / "parameters/policy.yaml").write_text(f"{text}\nacceptance:\n{limits}")
        outcome: Outcome = user_acceptance(case_of(root))
        return {f.id.removeprefix("S3.4."): f for f in outcome.findings}, {t.id: t for t in outcome.tables}

    return assess


def test_good_sessions_meet_every_limit(assess):
    found, tables = assess(GOOD)
    assert {f.status for f in found.values()} == {"met"}
    assert (found["success"].value, found["success"].n, found["success"].threshold) == (0.95, 100, 0.78)
    assert found["usability"].value == 80
    assert line(tables["S3.4.groups"], "understanding", "customers")[:2] == [50, 0.92]
    assert line(tables["S3.4.groups"], "success", "agents")[:2] == [50, 0.96]


def test_the_group_that_does_worst_is_named_and_judged(assess):
    found, _ = assess([*GOOD, *group("newcomers", 20, success=9, understood=19)])
    assert found["success"].status == "met"
    worst = found["success_weakest_group"]
    assert (worst.status, worst.value, worst.n) == ("not_met", 0.45, 20)
    assert "9 of 20 sessions of newcomers (45%) completed the task" in worst.statement


def test_understanding_that_differs_between_groups_is_a_disparity(assess):
    found, tables = assess([*GOOD, *group("newcomers", 40, success=38, understood=19)])
    gap = found["group.understood_difference"]
    assert gap.status == "not_met"
    assert gap.value == pytest.approx(19 / 40 - 93 / 100)
    assert line(tables["S3.4.understood"], "newcomers")[-1] == "disparity"
    assert gap.threshold == 0.15


def test_too_few_sessions_are_inconclusive_and_say_how_many_would_be_enough(assess):
    found, _ = assess(group("agents", 12, success=11, understood=12))
    assert found["success"].status == "inconclusive"
    assert "about 36 sessions like these would be enough" in found["success"].statement
    assert found["blocking_defects"].status == "inconclusive"
    assert "30 would be enough" in found["blocking_defects"].statement
    assert found["group.understood_difference"].status == "not_assessed"


def test_one_open_blocking_defect_is_not_met_whatever_the_version_of_its_session(assess):
    old = group("agents", 1, success=1, understood=1, model_version="m-0", blocking_defect="yes")
    found, _ = assess([*GOOD, *old])
    assert (found["blocking_defects"].status, found["blocking_defects"].value) == ("not_met", 1)
    assert found["success"].n == 100


def test_a_defect_nobody_tells_of_is_not_assessed(assess):
    found, _ = assess([*GOOD[:-1], GOOD[-1] | {"blocking_defect": ""}])
    assert found["blocking_defects"].status == "not_assessed"
    assert "1 sessions that do not say" in found["blocking_defects"].statement


def test_sessions_of_another_version_too_old_or_after_the_day_do_not_count(assess):
    wrong = [{"model_version": "m-0"}, {"model_version": ""}, {"time": "2025-10-31"}, {"time": "2026-11-02"}]
    found, tables = assess([*GOOD, *[row | change for change in wrong for row in GOOD[:7]]])
    assert found["success"].n == 100
    assert tables["S3.4.understood"].note.startswith("21 sessions with another version, or too old")


def test_without_a_session_that_counts_nothing_is_assessed_but_defects(assess):
    found, _ = assess([row | {"model_version": "m-0"} for row in GOOD])
    assert {k: f.status for k, f in found.items()} == {"sessions": "not_assessed", "blocking_defects": "inconclusive"}
    assert "sessions with m-1 of the last" in found["sessions"].statement


def test_columns_that_are_missing_are_waited_for(assess):
    found, _ = assess(GOOD, columns=["session", "task", "success", "time", "model_version"])
    assert found["success"].status == "met"
    awaited = {
        "understood": "the column for understood",
        "blocking_defects": "the column for blocking_defect",
        "usability": "the columns for sus_1 to sus_10, or sus",
        "success_weakest_group": "the group of each tester",
        "group.understood_difference": "rows with a known group",
    }
    assert {f.status for name, f in found.items() if name != "success"} == {"not_assessed"}
    for name, words in awaited.items():
        assert words in found[name].statement


def test_without_the_version_of_each_session_none_counts(assess):
    found, _ = assess(GOOD, columns=[role for role in ROLES if role != "model_version"])
    assert list(found) == ["sessions", "blocking_defects"]
    assert "the column for model_version" in found["sessions"].statement
    assert found["blocking_defects"].status == "not_assessed"


def test_the_ten_items_are_scored_in_place_of_a_score(assess):
    best = {item: 5 if i % 2 == 0 else 1 for i, item in enumerate(ITEMS)}
    rows = [row | best | ({"sus_1": 3} if i % 2 else {}) for i, row in enumerate(GOOD)]
    found, _ = assess(rows, columns=[*(r for r in ROLES if r != "sus"), *ITEMS])
    assert (found["usability"].status, found["usability"].value) == ("met", 97.5)


def test_answers_that_cannot_be_leave_usability_unassessed(assess):
    rows = [row | dict.fromkeys(ITEMS, 3) for row in GOOD]
    rows[0]["sus_4"], rows[1]["sus_5"], rows[2]["sus_6"] = 0, 6, ""
    found, _ = assess(rows, columns=[*(r for r in ROLES if r != "sus"), *ITEMS])
    assert found["usability"].status == "not_assessed"
    assert "2 sessions with other numbers" in found["usability"].statement


def test_low_usability_is_not_met(assess):
    found, _ = assess([row | {"sus": row["sus"] - 25} for row in GOOD])
    assert (found["usability"].status, found["usability"].value) == ("not_met", 55)


def test_a_small_group_is_withheld(assess):
    found, tables = assess([*GOOD, *group("auditors", 4, success=1, understood=4)])
    worst = found["success_weakest_group"]
    assert (worst.status, worst.value, worst.n) == ("inconclusive", None, None)
    assert line(tables["S3.4.groups"], "success", "auditors") == [None] * 4
    assert "1 of 4" not in worst.statement


def test_the_policy_sets_the_limits(assess):
    found, _ = assess(GOOD, policy={"success_min": 0.99, "sus_min": 90.0})
    assert (found["success"].status, found["usability"].status) == ("not_met", "not_met")


def test_a_table_of_one_day_says_it_in_dated(assess):
    assert assess(GOOD, dated=date(2026, 5, 4))[0]["success"].status == "met"
    assert assess(GOOD, dated=date(2025, 5, 4))[0]["sessions"].status == "not_assessed"
