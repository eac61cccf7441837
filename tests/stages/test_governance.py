"""Reviews, what brings them forward, training, audits, bias tests over time, actions, and findings that came back."""

import csv
from dataclasses import replace
from datetime import date, timedelta

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.project import STAGES, Project
from ethics_kit.record import SINCE_LAST
from ethics_kit.report.portfolio.summary import PLANNED, PLANNED_FOR
from ethics_kit.stages import deployment_signoff as stage
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude
from tests.stages.past_records import AS_OF, alter, current, finding, publish, record, reviewed

GAP = "C2.1.gender.selection_rate_difference"
REVIEWED = date(2026, 6, 1)


def rows(path, header, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header.split(), *content])


LOADED = []


@pytest.fixture
def governed(project, tmp_path):
    """A factory of cases of the sign-off: earlier records, the days of past assessments and of error reports.

    The other keywords name a file of the dossier and give the keys in which it differs. The project is loaded once.
    """
    if not LOADED:
        reported = {"error_reports": {"source": "data/error_reports.csv", "columns": {"id": "id", "time": "at"}}}
        root = project(system={"tables": reported})
        rows(root / "parameters/demo/data/error_reports.csv", "id at", [["E1", AS_OF]])
        LOADED.append(dossiers.load(Project(root), root / "parameters/demo"))
    (loaded,) = LOADED

    def make(records=None, *, past=(date(2025, 10, 1), REVIEWED), errors=None, **changes):
        data = loaded.folder / "data"
        usual = [date(2025, 7, 1) + timedelta(days=i) for i in range(0, 480, 6)] if errors is None else errors
        rows(data / "past_assessments.csv", "approved_on reference", [[day, "EIA"] for day in past])
        rows(data / "error_reports.csv", "id at", [[f"E{i}", day] for i, day in enumerate(usual)])
        files = {name: changed(getattr(loaded, name), changes.pop(name, {})) for name in ("organisation", "system")}
        stages = {name: changed(answers, changes.pop(name, {})) for name, answers in loaded.stages.items()}
        assert not changes
        publish(tmp_path / "reports", *(current() if records is None else records))
        return Case(replace(loaded, stages=stages, **files), "deployment_signoff", AS_OF, tmp_path / "reports")

    return make


def changed(model, keys):
    """The model with other values under some of its keys."""
    return type(model).model_validate(model.model_dump(by_alias=True) | keys)


def found(case, step, name):
    return next(f for f in step(case).findings if f.id == name)


def table(case, step, name):
    return next(t for t in step(case).tables if t.id == name)


# --- reviews -----------------------------------------------------------------------------------------------------


SIGNED_OFF = record("deployment_signoff", date(2026, 8, 1), finding("P1.1.x", "not_met"), level="I")


@pytest.mark.parametrize(
    ("acts", "last"),
    [
        ([("submit", 3), ("decide", 5)], "2026-08-05"),
        ([("submit", 3), ("decide", 5), ("supersede", 9)], "2026-08-05"),
        ([("submit", 3), ("decide", 5), ("withdraw", 9)], "2026-06-01"),
        ([("submit", 3), ("return", 5)], "2026-06-01"),
        ([("submit", 3)], "2026-06-01"),
        ([("decide", 5)], "2026-06-01"),
        ([], "2026-06-01"),
    ],
    ids=["decided", "superseded since", "withdrawn since", "returned", "submitted", "out of order", "run only"],
)
def test_a_sign_off_is_a_review_from_the_day_people_decided_on_it(governed, acts, last):
    case = governed([*current(), SIGNED_OFF])
    if acts:
        reviewed(case.reports, SIGNED_OFF, *((act, date(2026, 8, day)) for act, day in acts))
    overdue = found(case, stage.review_due, "G3.review_overdue")
    assert f"The last review is of {last}" in overdue.statement
    shown = [row[1].split()[0] for row in table(case, stage.review_due, "B5.reviews").rows]
    assert ("decision" in shown) is (last == "2026-08-05")


def test_a_sign_off_that_not_all_roles_decided_on_is_no_review(governed):
    needs_two = record("deployment_signoff", date(2026, 8, 1), finding("P1.1.x", "not_met"), level="II")
    case = governed([*current(), needs_two])
    reviewed(case.reports, needs_two, ("submit", date(2026, 8, 3)), ("decide", date(2026, 8, 5)))
    assert "The last review is of 2026-06-01" in found(case, stage.review_due, "G3.review_overdue").statement


def test_a_decision_to_come_is_no_review_yet(governed):
    case = governed([*current(), SIGNED_OFF])
    reviewed(case.reports, SIGNED_OFF, ("submit", date(2026, 8, 3)), ("decide", date(2026, 11, 2)))
    assert "The last review is of 2026-06-01" in found(case, stage.review_due, "G3.review_overdue").statement


def test_without_any_review_nothing_is_met(governed):
    case = governed(past=(AS_OF + timedelta(days=1),))
    assert {f.status for f in stage.review_due(case).findings} == {"not_assessed"}
    assert {f.status for f in stage.review_triggers(case).findings} == {"not_assessed"}


def test_an_altered_sign_off_is_no_review_and_is_named(governed):
    case = governed([*current(), SIGNED_OFF])
    reviewed(case.reports, SIGNED_OFF, ("submit", date(2026, 8, 3)), ("decide", date(2026, 8, 5)))
    alter(case.reports / "demo/deployment_signoff" / SIGNED_OFF.folder_name)
    assert "The last review is of 2026-06-01" in found(case, stage.review_due, "G3.review_overdue").statement
    assert "2026-08-01_" in table(case, stage.review_due, "B5.reviews").note


@pytest.mark.parametrize(
    ("planned", "status", "told"),
    [
        (date(2027, 6, 1), "met", "within what the impact level allows: 2027-06-01"),
        (date(2027, 6, 2), "not_met", "later than what the impact level allows: 2027-06-01"),
        (date(2026, 10, 31), "not_met", "no next review is planned"),
    ],
)
def test_the_date_the_organisation_has_set_is_held_against_the_cadence(governed, planned, status, told):
    answer = {"value": planned, "by": "Ann Lee", "role": "officer", "on": date(2026, 10, 1)}
    case = governed(deployment_signoff={"answers": {"next_review_due": answer}})
    planned_at = found(case, stage.review_due, "G3.next_review_within_cadence")
    assert planned_at.status == status
    assert told in planned_at.statement
    named = PLANNED_FOR.search(planned_at.statement)
    assert (planned_at.id, named and named[1]) == (PLANNED, str(planned) if status == "met" else None)


def test_a_date_that_nobody_gave_is_no_finding_of_the_cadence(governed):
    assert {f.id for f in stage.review_due(governed()).findings} == {"G3.review_overdue", "B5.assessments_recur"}


# --- what brings a review forward --------------------------------------------------------------------------------


def triggered(case):
    return found(case, stage.review_triggers, "G3.review_triggered")


def what_happened(case):
    return {row[0]: row[1:] for row in table(case, stage.review_triggers, "G3.triggers").rows}


def test_nothing_brings_the_review_forward_where_nothing_changed(governed):
    case = governed()
    assert triggered(case).status == "met"
    assert what_happened(case)["impact level changed"][0] == "no earlier record is kept to compare with"
    assert what_happened(case)["an incident (error reports)"][0] == "did not happen"


@pytest.mark.parametrize(("released", "status"), [(date(2026, 9, 17), "met"), (date(2026, 9, 16), "not_met")])
def test_a_release_calls_for_a_review_within_45_days(governed, released, status):
    case = governed(system={"model": {"version": "m-1", "released": released}})
    assert triggered(case).status == status
    assert triggered(case).n == 1
    assert what_happened(case)["new model version"][0] == "m-1 was released"


def test_a_model_without_a_day_of_release_cannot_be_told(governed):
    case = governed(system={"model": {"version": "m-1"}})
    assert triggered(case).status == "not_assessed"
    assert "model in system.yaml" in triggered(case).statement


def test_another_level_and_supplier_since_the_review_are_told_from_the_records(governed):
    old = [
        record("impact_analysis", date(2026, 5, 1), level="I"),
        record("impact_analysis", date(2026, 8, 1), level="II"),
        record("deployment_signoff", date(2026, 5, 1), finding("P1.1.x", "inconclusive"), supplier="Old"),
    ]
    case = governed([*old, *current()], system={"supplier": {"name": "New"}})
    seen = what_happened(case)
    assert seen["impact level changed"] == ["level I became level II", "2026-08-01", "2026-09-15"]
    assert seen["supplier changed"] == ["Old became New", "2026-11-01", "2026-12-16"]
    assert triggered(case).status == "not_met"
    assert "level I became level II on 2026-08-01, so that it was due by 2026-09-15" in triggered(case).statement


def test_a_change_of_level_before_the_review_calls_for_nothing(governed):
    old = [record("impact_analysis", date(2026, 4, 1), level="I"), record("impact_analysis", date(2026, 5, 1))]
    assert what_happened(governed([*old, *current()]))["impact level changed"][0] == "did not happen"


def test_a_gap_that_the_tests_before_the_review_showed_is_not_new(governed):
    known = [record("bias_testing", date(2026, 5, 1), finding(GAP, "not_met"))]
    now = current(bias_testing=[finding(GAP, "not_met")])
    assert triggered(governed([*known, *now])).n == 0


def test_a_new_gap_is_known_from_the_first_record_that_shows_it(governed):
    since = [record("bias_testing", date(2026, 5, 1), finding(GAP, "met"))]
    since += [record("bias_testing", day, finding(GAP, "not_met")) for day in (date(2026, 8, 1), date(2026, 9, 1))]
    case = governed([*since, *current(bias_testing=[finding(GAP, "not_met")])])
    assert what_happened(case)["a gap past its threshold"] == [GAP, "2026-08-01", "2026-09-15"]
    assert triggered(case).status == "not_met"


def test_a_surge_of_error_reports_is_an_incident(governed):
    usual = [date(2025, 7, 1) + timedelta(days=i) for i in range(0, 480, 6)]
    surge = [date(2026, 7, 10) + timedelta(days=i % 20) for i in range(30)]
    case = governed(errors=usual + surge)
    assert "where 5 are usual" in what_happened(case)["an incident (error reports)"][0]
    assert triggered(case).status == "not_met"


@pytest.mark.parametrize("gone", ["error_reports", "bias_testing"])
def test_what_a_trigger_is_told_from_may_not_be_missing(governed, gone):
    if gone == "error_reports":
        case = governed()
        del case.dossier.located_tables[gone]
    else:
        case = governed(current(STAGES[:2]))
    assert triggered(case).status == "not_assessed"
    assert gone in triggered(case).statement


# --- training ----------------------------------------------------------------------------------------------------


def test_a_role_that_nobody_has_leaves_training_unassessed(governed):
    columns = {"person": "person", "role": "role", "course": "role", "completed": "completed"}
    case = governed(
        organisation={
            "training_required": {"agent": ["agent"], "chair": ["bias"]},
            "tables": {"training": {"source": "data/training.csv", "columns": columns}},
        }
    )
    assert found(case, stage.training_current, "G4.roles_trained").status == "not_assessed"
    assert "chair" in found(case, stage.training_current, "G4.roles_trained").statement
    assert found(case, stage.training_current, "G4.training_current").status == "met"


def test_training_names_nobody(governed):
    told = str(stage.training_current(governed()))
    assert not any(f"p{number}" in told for number in range(20))


# --- audits ------------------------------------------------------------------------------------------------------

AUDIT = {
    "auditor": "Calder & Voss",
    "scope": {"demo": ["m-1"]},
    "on": date(2026, 3, 1),
    "expires": date(2027, 3, 1),
    "evidence": "https://audits.example/7",
    "by": "Ann Lee",
}


def state(value):
    answer = {"value": value, "by": "Ann", "role": "officer", "on": AS_OF, "evidence": AUDIT["evidence"]}
    return {"external_audit_state": answer}


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({}, "met", "is current: it covers m-1 until 2027-03-01"),
        ({"expires": date(2026, 10, 31)}, "not_met", "is expired"),
        ({"expires": AS_OF}, "met", "is current"),
        ({"scope": {"demo": ["m-0"]}}, "not_met", "is of another model version"),
        ({"on": date(2026, 11, 2)}, "not_assessed", "awaits an audit of demo"),
    ],
)
def test_an_audit_counts_for_its_versions_until_it_expires(governed, change, status, told):
    case = governed(deployment_signoff={"audits": [AUDIT | change]})
    audited = found(case, stage.external_audits, "G5.audit_current")
    assert audited.status == status
    assert told in audited.statement


def test_an_audit_of_other_systems_in_organisation_yaml_does_not_count(governed):
    case = governed(organisation={"audits": [AUDIT | {"scope": {"other": ["m-1"]}}]})
    assert found(case, stage.external_audits, "G5.audit_current").status == "not_assessed"
    case = governed(organisation={"audits": [AUDIT]})
    assert found(case, stage.external_audits, "G5.audit_current").inherited


@pytest.mark.parametrize(
    ("answer", "audits", "contradicts"),
    [
        ("current", [], True),
        ("no_audit", [AUDIT], True),
        ("expired", [AUDIT | {"scope": {"demo": ["m-0"]}}], False),
        ("current", [AUDIT], False),
    ],
)
def test_the_answer_and_the_register_may_not_contradict(governed, answer, audits, contradicts):
    case = governed(deployment_signoff={"audits": audits, "answers": state(answer)})
    told = {f.id: f.status for f in stage.external_audits(case).findings}
    assert told.get("G5.contradiction_audits") == ("not_assessed" if contradicts else None)


@pytest.mark.parametrize(("due", "status"), [(AS_OF, "met"), (date(2026, 10, 31), "not_met")])
def test_open_points_past_their_date_are_a_finding(governed, due, status):
    points = [
        {"point": "Too fast.", "owner": "Olu", "due": due},
        {"point": "Done.", "owner": "Olu", "due": date(2026, 4, 1), "closed": date(2026, 3, 20)},
    ]
    case = governed(deployment_signoff={"audits": [AUDIT | {"open_points": points}]})
    assert found(case, stage.external_audits, "G5.audit_points_overdue").status == status
    shown = [(row[1], row[2]) for row in table(case, stage.external_audits, "G5.audit_points").rows]
    assert shown == [("open" if status == "met" else "overdue", 245), ("closed", 19)]


def test_the_report_of_an_audit_is_an_input_of_the_record(governed):
    case = governed(deployment_signoff={"audits": [AUDIT | {"evidence": "report.md"}]})
    (case.dossier.folder / "report.md").write_text("All was looked at.")
    made = conclude(case, {"external_audits": stage.external_audits(case)})
    assert "evidence audit 2026-03-01 Calder & Voss" in {i.role for i in made.inputs}


# --- bias tests over time ----------------------------------------------------------------------------------------


def bias(day, **gaps):
    return record("bias_testing", day, *(finding(f"C2.1.{name}.x", status) for name, status in gaps.items()))


def test_the_first_bias_tests_are_met_by_age_and_claim_no_more(governed):
    (only,) = stage.bias_tests_recur(governed()).findings
    assert (only.id, only.status, only.value) == ("P2.3.bias_tests_age", "met", 0)
    assert "No earlier record" in only.statement


def test_bias_tests_that_are_too_old_are_overdue(governed):
    newest = [*current(STAGES[:2]), bias(date(2026, 4, 30), a="met")]
    age = found(governed(newest), stage.bias_tests_recur, "P2.3.bias_tests_age")
    assert (age.status, age.value) == ("not_met", 185)
    assert "overdue since 2026-10-30" in age.statement


def test_bias_tests_of_another_version_are_none(governed):
    made = record("bias_testing", AS_OF, finding("C2.1.a.x", "met"), version="m-0")
    age = found(governed([*current(STAGES[:2]), made]), stage.bias_tests_recur, "P2.3.bias_tests_age")
    assert age.status == "not_assessed"


def test_intervals_between_bias_tests_are_held_against_the_cadence(governed):
    days = (date(2025, 6, 1), date(2026, 1, 1), date(2026, 6, 30))
    case = governed([*current(STAGES[:2]), *(bias(day, a="met") for day in (*days, AS_OF))])
    recur = found(case, stage.bias_tests_recur, "P2.3.bias_tests_recur")
    assert (recur.status, recur.value, recur.n) == ("not_met", 1, 3)  # seven months, from June to January


def test_a_verdict_that_got_worse_since_the_bias_tests_before_is_a_finding(governed):
    before = bias(date(2026, 8, 1), a="met", b="not_met", c="met")
    after = bias(AS_OF, a="not_met", b="not_met", c="inconclusive", d="not_met")
    case = governed([*current(STAGES[:2]), before, after])
    newly = found(case, stage.bias_tests_recur, "P2.3.newly_not_met")
    assert (newly.status, newly.value) == ("not_met", 2)
    assert "C2.1.a.x, C2.1.d.x" in newly.statement
    shown = table(case, stage.bias_tests_recur, "P2.3.changes").rows
    value = "0.10 [0.05, 0.15]"
    assert shown == [
        ["C2.1.a.x", "worse", f"met: {value}", f"not met: {value}", None],
        ["C2.1.d.x", "appeared", None, f"not met: {value}", None],
        ["C2.1.c.x", "worse", f"met: {value}", f"inconclusive: {value}", None],
    ]


def test_what_can_no_longer_be_told_is_inconclusive(governed):
    case = governed([*current(STAGES[:2]), bias(date(2026, 8, 1), a="met"), bias(AS_OF, a="inconclusive")])
    assert found(case, stage.bias_tests_recur, "P2.3.newly_not_met").status == "inconclusive"


# --- actions -----------------------------------------------------------------------------------------------------


def action(name, due, **more):
    return {"finding": name, "action": "Mend it.", "owner": "Olu", "deputy": "Dee", "due": due, **more}


def statuses(case, step):
    return {f.id: f.status for f in step(case).findings}


def test_actions_of_all_four_stages_are_counted_by_age(governed):
    opened = {"opened": date(2026, 9, 1)}
    case = governed(
        design_review={"actions": [action("P1.1.x", date(2026, 10, 1), **opened)]},
        impact_analysis={"actions": [action("S1.2", date(2026, 12, 1))]},
        bias_testing={"actions": [action("C2.1", date(2026, 10, 1), closed=date(2026, 10, 2), **opened)]},
        deployment_signoff={"actions": [action("G3", date(2026, 12, 1), opened=date(2026, 11, 2))]},
    )
    overdue = found(case, stage.actions_followed, "S4.4.actions_overdue")
    assert (overdue.status, overdue.value, overdue.n) == ("not_met", 1, 2)
    shown = table(case, stage.actions_followed, "S4.4.actions")
    assert [row[1:4] for row in shown.rows] == [
        ["P1.1.x", "overdue", 61],
        ["S1.2", "open", None],
        ["C2.1", "closed late", 31],
    ]
    assert shown.note == "Actions that do not say when they were opened: 1."
    assert statuses(case, stage.actions_followed)["S4.4.actions_closed_in_time"] == "not_met"


def test_an_action_that_is_closed_later_is_open_today(governed):
    later = action("P1.1.x", date(2026, 12, 1), closed=date(2026, 11, 20))
    case = governed(design_review={"actions": [later]})
    assert found(case, stage.actions_followed, "S4.4.actions_overdue").n == 1
    assert "S4.4.actions_closed_in_time" not in statuses(case, stage.actions_followed)


def test_an_action_without_a_deputy_is_a_finding(governed):
    case = governed(design_review={"actions": [action("P1.1.x", AS_OF, deputy=None)]})
    assert statuses(case, stage.actions_followed)["S4.4.actions_have_deputies"] == "not_met"


@pytest.mark.parametrize(
    ("records", "status"),
    [
        (current(), "met"),
        (current(bias_testing=[finding(GAP, "not_met")]), "not_assessed"),
        (current(STAGES[:2]), "not_assessed"),
    ],
    ids=["nothing to act on", "a finding without any action", "a record is missing"],
)
def test_no_action_at_all_is_met_only_where_the_records_show_that_none_is_needed(governed, records, status):
    assert found(governed(records), stage.actions_followed, "S4.4.actions_overdue").status == status


@pytest.mark.parametrize(
    ("now", "more", "status"),
    [
        ("not_met", [], "not_met"),
        ("met", [], "met"),
        ("not_met", [action("P1.1.x", date(2026, 12, 1))], "met"),
    ],
)
def test_an_action_closed_while_its_finding_stands_is_a_finding(governed, now, more, status):
    closed = action("P1.1.x", date(2026, 10, 1), closed=date(2026, 9, 1))
    records = current(design_review=[finding("P1.1.x", now)])
    case = governed(records, design_review={"actions": [closed, *more]})
    assert statuses(case, stage.actions_followed)["S4.4.closed_yet_not_met"] == status


# --- findings that came back, and changes ------------------------------------------------------------------------


def months(*statuses_by_month):
    """A record of the design review for each month before today's, with one finding; None leaves it out."""
    days = [date(2026, 11 - back, 1) for back in range(len(statuses_by_month), 0, -1)]
    return [
        record("design_review", day, *([finding("P1.1.x", s)] if s else [finding("P1.3.y", "met")]))
        for day, s in zip(days, statuses_by_month, strict=True)
    ]


@pytest.mark.parametrize(
    ("before", "now", "status"),
    [
        (["not_met", "met"], "not_met", "not_met"),
        (["not_met", None], "not_met", "not_met"),
        (["not_met", "met"], "met", "met"),
        (["met", "not_met"], "not_met", "met"),
        (["not_met", "inconclusive"], "not_met", "met"),
    ],
)
def test_a_finding_came_back_where_it_had_gone_or_been_met_in_between(governed, before, now, status):
    case = governed([*months(*before), *current(design_review=[finding("P1.1.x", now)])])
    back = found(case, stage.findings_returned, "S4.4.came_back")
    assert back.status == status
    assert back.n == len(before)
    assert "Records are kept since 2026-09-01." in back.statement


def test_without_an_earlier_record_nothing_is_claimed(governed):
    case = governed()
    assert stage.findings_returned(case).findings == ()
    note = table(case, stage.findings_returned, "S4.4.came_back").note
    assert note == "No earlier record is kept, so none can have come back; records are kept from 2026-11-01 on."


def test_a_record_altered_in_between_is_not_read_and_settles_nothing(governed):
    past = months("not_met", "met", "not_met")
    case = governed([*past, *current(design_review=[finding("P1.1.x", "not_met")])])
    assert found(case, stage.findings_returned, "S4.4.came_back").status == "not_met"
    path = case.reports / "demo/design_review" / past[1].folder_name / "record.json"
    path.write_bytes(path.read_bytes().replace(b'"status":"met"', b'"status":"not_met"', 1))
    again = Case(case.dossier, case.stage, case.as_of, case.reports)
    back = found(again, stage.findings_returned, "S4.4.came_back")
    assert back.status == "not_assessed"
    assert past[1].folder_name in back.statement
    assert past[1].folder_name in table(again, stage.findings_returned, "S4.4.came_back").note


def test_a_missing_record_of_today_settles_nothing(governed):
    case = governed([*months("not_met", "met"), *current(("impact_analysis", "design_review"))])
    back = found(case, stage.findings_returned, "S4.4.came_back")
    assert back.status == "not_assessed"
    assert "bias_testing" in back.statement


def test_records_made_on_one_day_are_read_in_the_order_they_were_made(governed):
    day = date(2026, 10, 1)
    first = record("design_review", day, finding("P1.1.x", "met"), finished="09:00:00")
    second = record("design_review", day, finding("P1.1.x", "not_met"), finished="17:00:00")
    case = governed([second, first, *current(design_review=[finding("P1.1.x", "not_met")])])
    assert found(case, stage.findings_returned, "S4.4.came_back").status == "met"


def test_every_record_that_was_read_is_an_input_by_its_address_from_the_reports_folder(governed):
    past = months("not_met", "met")
    case = governed([*past, *current()])
    made = conclude(case, {"changes_since_last": stage.changes_since_last(case)})
    read = {i.address: i.sha256 for i in made.inputs if i.role == "earlier record"}
    assert set(read) == {f"demo/design_review/{p.folder_name}/record.json" for p in past}
    assert made.digest() == conclude(case, {"changes_since_last": stage.changes_since_last(case)}).digest()


def test_changes_are_told_for_each_stage_worst_first_and_the_rest_is_counted(governed):
    names = [f"P1.1.n{i:02d}" for i in range(20)]
    before = record("design_review", date(2026, 10, 1), *(finding(name, "met") for name in names))
    after = [finding(name, "not_met" if name == "P1.1.n19" else "inconclusive") for name in names]
    case = governed([before, *current(design_review=after)])
    shown = {t.id: t for t in stage.changes_since_last(case).tables}
    assert list(shown) == [f"S4.4.changes_{s}" for s in STAGES[:3]]
    changed = shown["S4.4.changes_design_review"]
    assert (changed.rows[0][0], len(changed.rows)) == ("P1.1.n19", 15)
    assert "5 more changes are not shown." in changed.note
    assert "Of the inputs, 1 were added, removed or changed." in changed.note
    assert shown["S4.4.changes_bias_testing"].note == "No earlier record: this is the first."


def test_this_stage_is_compared_by_what_its_record_says(governed):
    last = record("deployment_signoff", date(2026, 10, 1), finding("G3.review_overdue", "not_met", 4))
    case = governed([*current(), last])
    made = conclude(case, {"review_due": stage.review_due(case)})
    (since,) = (t for t in made.tables if t.id == SINCE_LAST)
    assert " 1 better" in since.note
    worse = conclude(case, {})
    assert " better" not in next(t for t in worse.tables if t.id == SINCE_LAST).note


def test_the_steps_that_look_at_the_others_come_last():
    assert list(stage.STEPS)[-3:] == [stage.actions_followed, stage.findings_returned, stage.changes_since_last]
