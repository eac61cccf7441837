"""C3.1, C3.2, C3.4, P1.1, P1.3 and P4.2 on small projects: what they find, and that silence is never a pass."""

import csv
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.errors import InputError
from ethics_kit.project import Project
from ethics_kit.stages import deployment_signoff as stage
from ethics_kit.stages.case import Case

AS_OF, STAGE = date(2026, 11, 1), "deployment_signoff"
SAID = {"by": "Ann Lee", "on": date(2026, 9, 1)}
OFF = {"choice": "off", "means": "Nothing is personalised.", "switches_off": True, **SAID}
LESS = {"choice": "less", "means": "Less is.", "switches_off": False, **SAID}


def limit(value):
    return {"value": value, "rationale": "A test needs one.", "source": "This test."}


def assess(root, step):
    """The findings of a step by the last part of their id, and its tables by theirs."""
    case = Case(dossiers.load(Project(root), root / "parameters/demo"), STAGE, AS_OF, root / "reports")
    outcome = step(case)
    assert len({f.id for f in outcome.findings}) == len(outcome.findings)
    return {f.id.split(".", 2)[2]: f for f in outcome.findings}, {t.id.split(".", 2)[2]: t for t in outcome.tables}


def statuses(found):
    return {name: finding.status for name, finding in found.items()}


def rewrite(root, table, change):
    """Change a table's rows, each a dict by column."""
    path = root / f"parameters/demo/data/{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = change(rows) or rows
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def added(root, table, header, rows):
    path = root / f"parameters/demo/data/{table}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header.split(), *rows])


def with_table(name, **roles):
    return {"tables": {name: {"source": f"data/{name}.csv", "columns": roles}}}


# --- the audit log ---------------------------------------------------------------------------------------------


def test_a_whole_log_is_met(project):
    root = project()
    found, tables = assess(root, stage.audit_log_sequence)
    assert set(statuses(found).values()) == {"met"}
    assert tables == {}
    assert found["sequence_complete"].statement == "0 of the 400 running numbers from 1 to 400 are missing."


def test_each_fault_of_the_log_is_found_and_no_other(project):
    root = project()

    def spoil(rows):
        rows[99]["sequence"] = ""
        rows[149]["sequence"] = rows[148]["sequence"]
        rows[20]["decided_at"] = "2026-02-01T00:00:00"
        return rows

    rewrite(root, "decisions", spoil)
    found, tables = assess(root, stage.audit_log_sequence)
    assert statuses(found) == {
        "sequence_given": "met",  # 399 of 400: above the policy's 99%
        "sequence_complete": "not_met",
        "sequence_unique": "not_met",
        "clock_forwards": "not_met",
    }
    assert found["sequence_complete"].value == 2 / 400
    assert found["sequence_unique"].statement.startswith("1 of 399 numbered events")
    assert "At 1 of 397 steps" in found["clock_forwards"].statement
    assert tables["missing_numbers"].rows == [[100, 100, 1], [150, 150, 1]]


def test_a_log_without_running_numbers_is_not_assessed(project):
    root = project(system={"tables": {"decisions": {"columns": {"sequence": ...}}}})
    found, _ = assess(root, stage.audit_log_sequence)
    assert set(statuses(found).values()) == {"not_assessed"}
    assert "the column for sequence" in found["sequence_complete"].statement


def test_a_version_that_nobody_lists_is_found_until_it_is_listed_for_its_days(project, edit):
    root = project()
    rewrite(root, "decisions", lambda rows: [r | {"model_version": "m-0"} if i < 40 else r for i, r in enumerate(rows)])
    found, tables = assess(root, stage.audit_log_versions)
    assert statuses(found) == {"versions_known": "not_met"}
    assert tables["versions"].rows[0] == ["m-0", "no", 40, None]
    listed = [{"version": "m-0", "from": date(2026, 1, 1), "until": date(2026, 2, 10)}]
    edit(root / "parameters/demo/system.yaml", ("model", "earlier_versions"), listed)
    found, tables = assess(root, stage.audit_log_versions)
    assert found["versions_known"].status == "not_met"
    assert "0 of 400 events with a model version are by a version that system.yaml does not list, and 17 by one" in (
        found["versions_known"].statement
    )
    edit(root / "parameters/demo/system.yaml", ("model", "earlier_versions", 0, "until"), date(2026, 2, 28))
    assert statuses(assess(root, stage.audit_log_versions)[0]) == {"versions_known": "met"}


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ([{"version": "m-1", "from": date(2026, 1, 1), "until": date(2026, 2, 1)}], "each version once"),
        ([{"version": "m-0", "from": date(2026, 3, 1), "until": date(2026, 2, 1)}], "until on or after from"),
    ],
)
def test_earlier_versions_that_cannot_be_are_bad_input(project, versions, told):
    root = project(system={"model": {"earlier_versions": versions}})
    with pytest.raises(InputError, match=told):
        dossiers.load(Project(root), root / "parameters/demo")


# --- opt-outs --------------------------------------------------------------------------------------------------


def test_decisions_long_after_an_opt_out_are_told_with_the_days(project):
    root = project()
    rewrite(root, "opt_outs", lambda rows: [r | {"opted_out_at": "2026-03-01"} for r in rows])
    found, tables = assess(root, stage.decided_after_opt_out)
    assert found["decided_after_opt_out"].value == 5 / 400
    assert tables["by_purpose"].rows == [["retention", 400, 5, 5]]
    found, tables = assess(root, stage.opt_out_latency)
    assert statuses(found) == {"opt_out_latency": "not_met"}
    assert (found["opt_out_latency"].value, found["opt_out_latency"].n) == (1.0, 5)
    assert [row[:3] for row in tables["still_decided_on"].rows] == [[d, 5, 5] for d in (0, 1, 2, 7, 30)] + [[90, 5, 0]]


def test_opt_outs_that_are_heard_are_met_and_none_is_not_assessed(project):
    root = project()
    assert statuses(assess(root, stage.opt_out_latency)[0]) == {"opt_out_latency": "met"}
    rewrite(root, "opt_outs", lambda rows: [r | {"opted_out_at": "2026-11-01"} for r in rows])
    found, _ = assess(root, stage.opt_out_latency)
    assert found["opt_out_latency"].statement.startswith("Not assessed: it awaits an opt-out of at least 2 days ago")


# --- a person instead ------------------------------------------------------------------------------------------

CHOSEN = with_table("personalisation_choices", customer="who", time="chosen", choice="choice", honoured="done")
ASKED = with_table("human_requests", customer="who", time="asked", offered="offered", served="served")


def people_asked(root, late=0, never=0):
    rows = [[f"c{i:03d}", "2026-09-01T09:00", "yes", "2026-09-01T10:00"] for i in range(200)]
    for i in range(late):
        rows[i][3] = "2026-09-01T17:01"
    for i in range(late, late + never):
        rows[i][2:] = ["no", ""]
    added(root, "human_requests", "who asked offered served", rows)


def test_people_answered_in_time_are_met_in_every_group(project):
    root = project(system=ASKED)
    people_asked(root)
    found, tables = assess(root, stage.human_alternative)
    assert set(statuses(found).values()) == {"met"}
    assert set(found) >= {"person_offered", "served_in_time", "gender.served_in_time_difference"}
    assert tables["waiting"].rows[0] == ["a person, on request", 200, 1.0, 1.0]
    assert "not logged" in tables["waiting"].rows[1][0]


def test_a_late_answer_and_none_are_no_answer_in_time(project):
    root = project(system=ASKED)
    people_asked(root, late=15, never=20)
    found, _ = assess(root, stage.human_alternative)
    assert (found["person_offered"].value, found["person_offered"].status) == (0.9, "not_met")
    assert (found["served_in_time"].value, found["served_in_time"].status) == (165 / 200, "not_met")


def promising(**promises):
    return {STAGE: {"promises": {"by": "Ann Lee", "on": date(2026, 9, 1), **promises}}}


def test_waits_are_held_against_the_promise_and_without_one_against_the_policy(project, edit):
    root = project(system=ASKED, **promising())
    people_asked(root, late=200)  # after eight hours and a minute
    found, _ = assess(root, stage.human_alternative)
    assert found["served_in_time"].status == "not_met"
    assert "0 of 200 who asked for a person were answered within 8 hours (the policy's limit" in (
        found["served_in_time"].statement
    )
    for minutes, status in ((2880, "met"), (480, "not_met"), (481, "met")):
        edit(root / f"parameters/demo/{STAGE}.yaml", ("promises", "human_minutes"), minutes)
        found, tables = assess(root, stage.human_alternative)
        assert found["served_in_time"].status == status
        assert "(promised to customers)" in found["served_in_time"].statement
        assert "promises" in found["served_in_time"].source
        assert "promised to customers" in tables["by_gender"].title


def test_a_request_is_due_when_the_promised_time_is_over(project):
    root = project(system=ASKED, **promising(human_minutes=2880))
    asked = ["2026-10-29T00:00", "2026-10-30T23:59", "2026-10-31T00:01", "2026-11-01T09:00"]
    added(
        root, "human_requests", "who asked offered served", [[f"c{i:03d}", t, "yes", ""] for i, t in enumerate(asked)]
    )
    found, _ = assess(root, stage.human_alternative)
    assert (found["served_in_time"].value, found["served_in_time"].n) == (0, 2)
    assert "asked less than that ago: 2." in found["served_in_time"].statement


@pytest.mark.parametrize("on", [date(2025, 1, 1), date(2026, 12, 1)], ids=["stale", "later"])
def test_a_promise_that_is_not_in_force_is_not_replaced_by_the_policy(project, on):
    root = project(system=ASKED, **promising(human_minutes=60, on=on))
    people_asked(root)
    found, tables = assess(root, stage.human_alternative)
    assert statuses(found) == {"person_offered": "met", "served_in_time": "not_assessed"}
    assert f"this one is dated {on}" in found["served_in_time"].statement
    assert set(tables) == {"waiting"}


def test_a_group_that_waits_longer_is_a_disparity(project):
    root = project(system=ASKED)
    with (root / "parameters/demo/data/customers.csv").open(encoding="utf-8", newline="") as file:
        women = {row["customer_id"] for row in csv.DictReader(file) if row["gender"] == "female"}
    rows = [
        [f"c{i:03d}", "2026-09-01T09:00", "yes", "2026-09-03" if f"c{i:03d}" in women and i % 2 else "2026-09-01T10:00"]
        for i in range(200)
    ]
    added(root, "human_requests", "who asked offered served", rows)
    found, tables = assess(root, stage.human_alternative)
    assert found["gender.served_in_time_difference"].status == "not_met"
    assert "gender" in found["gender.served_in_time_difference"].statement
    assert [row[-1] for row in tables["by_gender"].rows] == ["disparity", "disparity"]


def test_without_requests_or_choices_nothing_is_assessed(project):
    root = project()
    for step in (stage.human_alternative, stage.control_over_personalisation):
        assert set(statuses(assess(root, step)[0]).values()) <= {"not_assessed"}


def test_few_requests_are_inconclusive(project):
    root = project(system=ASKED)
    added(root, "human_requests", "who asked offered served", [["c001", "2026-09-01T09:00", "yes", "2026-09-01T10:00"]])
    found, _ = assess(root, stage.human_alternative)
    assert (found["person_offered"].status, found["served_in_time"].status) == ("inconclusive", "inconclusive")
    assert "Fewer than 100 rows" in found["served_in_time"].statement


def test_an_answer_before_the_question_is_no_evidence(project):
    root = project(system=ASKED)
    added(root, "human_requests", "who asked offered served", [["c001", "2026-09-01T09:00", "yes", "2026-08-01T10:00"]])
    found, _ = assess(root, stage.human_alternative)
    assert set(statuses(found).values()) == {"not_assessed"}


def test_a_customer_counts_once_and_segments_are_compared_too(project):
    root = project(system=CHOSEN | {"attributes": {"tariff": {"class": "segment", "column": "tariff"}}})
    rewrite(root, "customers", lambda rows: [r | {"tariff": "ab"[i % 2]} for i, r in enumerate(rows)])
    twice = [[f"c{i:03d}", "2026-09-01", "off", done] for i in range(200) for done in ("yes", "no" if i % 2 else "yes")]
    added(root, "personalisation_choices", "who chosen choice done", twice)
    found, tables = assess(root, stage.control_over_personalisation)
    assert (found["choices_honoured"].value, found["choices_honoured"].n) == (0.75, 400)
    assert found["tariff.honoured_difference"].status == "not_met"
    assert [row[:3] for row in tables["by_tariff"].rows] == [["a", 100, 1.0], ["b", 100, 0.0]]


# --- choices ---------------------------------------------------------------------------------------------------


def chose(root, *rows):
    body = [[f"c{i:03d}", "2026-09-01", choice, done] for i, (choice, done) in enumerate(rows)]
    added(root, "personalisation_choices", "who chosen choice done", body)


def test_choices_that_are_listed_and_carried_out_are_met(project):
    root = project(system=CHOSEN, deployment_signoff={"choices_offered": [OFF, LESS]})
    chose(root, *[("off", "yes")] * 100, *[("less", "yes")] * 100)
    found, tables = assess(root, stage.control_over_personalisation)
    assert set(statuses(found).values()) == {"met"}
    assert [row[0] for row in tables["choices"].rows] == ["off", "less"]


def test_a_blank_is_not_carried_out(project):
    root = project(system=CHOSEN, deployment_signoff={"choices_offered": [OFF, LESS]})
    chose(root, *[("off", "yes")] * 190, *[("off", "")] * 10)
    found, _ = assess(root, stage.control_over_personalisation)
    assert (found["choices_honoured"].value, found["choices_honoured"].status) == (0.95, "not_met")


def test_a_choice_that_nobody_lists_is_counted_and_its_words_are_not_shown(project):
    root = project(system=CHOSEN, deployment_signoff={"choices_offered": [LESS]})
    chose(root, *[("less", "yes")] * 150, *[("call me, Canaria", "yes")] * 50)
    found, tables = assess(root, stage.control_over_personalisation)
    assert found["choices_offered"].status == "not_met"
    assert found["can_be_switched_off"].status == "not_met"
    assert "Canaria" not in str((found, tables))
    assert tables["choices"].rows[1][:4] == ["kinds that nobody lists", None, 50, 50]


def test_choices_that_nobody_lists_at_all_are_not_assessed(project):
    root = project(system=CHOSEN)
    chose(root, *[("off", "yes")] * 200)
    found, _ = assess(root, stage.control_over_personalisation)
    assert found["choices_offered"].status == found["can_be_switched_off"].status == "not_assessed"
    assert found["choices_honoured"].status == "met"


# --- disclosure ------------------------------------------------------------------------------------------------

NINE_MONTHS = {"autonomy": {"recent_months": limit(9)}}


def test_notices_are_looked_at_in_the_last_months_alone(project):
    found, tables = assess(project(policy=NINE_MONTHS), stage.notices_still_reach)
    assert statuses(found) == {"notice_reaches_recent": "met"}
    assert tables["reached_by_channel"].rows == [["email", "en", 200]]


def test_months_without_decisions_settle_nothing(project):
    found, _ = assess(project(), stage.notices_still_reach)
    assert found["notice_reaches_recent"].statement == "Not assessed: it awaits decisions from 2026-08-01 on."


def test_a_notice_that_broke_is_found_with_its_weakest_month(project):
    root = project(policy=NINE_MONTHS)
    rewrite(
        root, "notices", lambda rows: [r | {"told_at": "2026-05-10"} if i >= 150 else r for i, r in enumerate(rows)]
    )
    found, tables = assess(root, stage.notices_still_reach)
    assert (found["notice_reaches_recent"].status, found["notice_reaches_recent"].value) == ("not_met", 0.75)
    by_month = {row[0]: row[1:3] for row in tables["reached_by_month"].rows}
    assert by_month["2026-02"] == [63, 63]
    assert sum(n - told for n, told in by_month.values()) == 50


def test_without_a_design_review_the_card_is_not_assessed(project):
    found, _ = assess(project(), stage.card_of_deployed_model)
    assert set(statuses(found).values()) == {"not_assessed"}
    assert "there is no record" in found["card_names_deployed"].statement
