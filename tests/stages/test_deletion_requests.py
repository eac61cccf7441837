"""P3.4 on small projects: requests to delete against their limits, and who still stands in which table."""

import csv
from dataclasses import replace
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.measures.deletion import requests_by_state
from ethics_kit.project import Project
from ethics_kit.schema.answers import Applicability
from ethics_kit.schema.system import Supplier
from ethics_kit.schema.tables import Exemption, TableSpec
from ethics_kit.stages import design_review
from ethics_kit.stages.case import Case
from ethics_kit.stages.design_review.deletion import followed, laws_held

COLUMNS = ["customer", "time", "verified", "extended_until", "extended_on", "completed", "region"]
LOG = {"source": "data/requests.csv", "columns": {c: c for c in COLUMNS}}
NOBODY = ("appeals", "feedback", "error_reports", "human_requests", "personalisation_choices", "training_sample")
NOT_KEPT = {name: {"reason": "There are none.", "by": "Olu Owner", "on": date(2026, 1, 2)} for name in NOBODY}
LAW = {"reason": "x", "by": "Lea", "on": date(2026, 2, 3)}
GDPR = {"gdpr": LAW | {"applies": "yes"}, "ccpa": LAW | {"applies": "no"}}
DONE = {"time": "2026-03-05", "completed": "2026-03-20"}


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    """The figure is told by its alternative text; drawing it takes a third of the time."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda _, target, **__: target.write(b"<svg/>"))


@pytest.fixture
def asked(project):
    """A factory of dossiers with these requests; a row names what differs from a stranger's, with blanks."""

    def make(*rows):
        root = project(
            system={"not_kept": NOT_KEPT, "tables": {"deletion_requests": LOG}}, organisation={"standards": GDPR}
        )
        with (root / "parameters/demo/data/requests.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows({"customer": f"gone{n}", **row} for n, row in enumerate(rows))
        return dossiers.load(Project(root), root / "parameters/demo", tables=False)

    return make


def told(dossier, **changes):
    """The dossier with other values in its system."""
    return replace(dossier, system=dossier.system.model_copy(update=changes))


def tables_of(dossier, **changes):
    """The dossier with tables that differ in some keys; ``...`` takes a table away."""
    tables = {name: spec for name, spec in dossier.system.tables.items() if changes.get(name) is not ...}
    changed = {n: tables[n].model_copy(update=keys) for n, keys in changes.items() if keys is not ...}
    return told(dossier, tables=tables | changed)


def case_of(dossier):
    return Case(dossier, "design_review", date(2026, 11, 1), dossier.folder / "reports")


def assess(dossier):
    outcome = design_review.deletion_requests(case_of(dossier))
    tables = {t.id.removeprefix("P3.4."): t.rows for t in outcome.tables}
    return {f.id.removeprefix("P3.4."): f for f in outcome.findings}, tables, outcome.figures


def test_each_request_is_held_against_its_own_limit(asked):
    more = {"extended_until": "2026-05-20", "extended_on": "2026-03-30", "completed": "2026-05-01"}
    dossier = asked(
        DONE,
        {"time": "2026-03-05", "completed": "2026-04-06"},
        {"time": "2026-03-05", "completed": "2026-04-06", "verified": "2026-03-07"},
        {"time": "2026-03-05", **more},
        {"time": "2026-03-05", **more, "extended_on": "2026-04-30"},
        {"time": "2026-03-05", **more, "extended_on": ""},
        {"time": "2026-03-05", **more, "extended_until": "2026-12-31", "completed": "2026-06-07"},
        {"time": "2026-09-30"},
        {"time": "2026-10-02", "completed": "2026-11-02"},
        {"time": "2026-11-02"},
    )
    findings, tables, figures = assess(dossier)
    assert tables["requests"] == [
        ["carried out within the limit", 3],
        ["carried out late", 4],
        ["open past the limit", 1],
        ["open within the limit", 1],
    ]
    found = findings["in_time"]
    assert (found.status, found.value, found.n, found.threshold) == ("not_met", 3 / 8, 8, 1.0)
    assert found.interval.low < 3 / 8 < found.interval.high
    assert "one month" in found.statement
    assert "1 had an extension whose notice has no date" in found.statement
    assert (findings["overdue"].value, findings["overdue"].n) == (1, 9)
    assert "the first since 2026-10-31" in findings["overdue"].statement
    assert "still open: 89% after 31 days" in figures[0].alt


def test_requests_carried_out_in_time_by_people_who_are_gone_are_met(asked):
    findings, _, _ = assess(asked(DONE, {"time": "2026-10-20"}))
    assert {name: f.status for name, f in findings.items()} == dict.fromkeys(
        ("in_time", "overdue", "still_standing"), "met"
    )
    assert "Open within their limit: 1." in findings["in_time"].statement


@pytest.fixture
def standing(asked):
    """A dossier whose people asked and, but for one, still stand."""
    return asked(
        DONE | {"customer": "c000"},
        DONE | {"customer": "c007"},
        {"customer": "c150", "time": "2026-03-05"},
        {"customer": "c151", "time": "2026-10-20"},
        DONE,
    )


def test_who_still_stands_is_unexplained_and_counted_by_table(standing):
    findings, tables, _ = assess(standing)
    found = findings["still_standing"]
    assert (found.status, found.value, found.n) == ("not_met", 3 / 4, 4)
    assert "unexplained: 2 after it was marked as carried out, 1 past the limit of an open one" in found.statement
    assert {row[0]: row[1:3] for row in tables["standing"]} == {
        "consents": [2, 1],
        "customers": [2, 1],
        "decisions": [2, 1],
        "deletion_requests": [3, 1],
        "notices": [2, 1],
        "opt_outs": [1, 0],
    }


def test_who_stands_under_another_id_is_found(asked):
    dossier = asked(DONE | {"customer": "web7"})
    known = TableSpec(source="data/ids.csv", columns={"id": "id", "customer": "customer"})
    (dossier.folder / "data/ids.csv").write_text("id,customer\nweb7,c007\n")
    assert assess(dossier)[0]["still_standing"].status == "met"
    found = assess(told(dossier, tables=dossier.system.tables | {"customer_ids": known}))[0]["still_standing"]
    assert (found.status, found.value, found.n) == ("not_met", 1.0, 1)


def test_a_declared_duty_explains_the_rows_of_its_table_from_its_day_on(standing):
    duty = Exemption(reason="Suppression list.", by="Lea Law", on=date(2026, 2, 3))
    own = ("decisions", "customers", "consents", "notices", "opt_outs")
    findings, tables, _ = assess(tables_of(standing, **{n: {"exempt_from_deletion": duty} for n in own}))
    assert findings["still_standing"].status == "met"
    assert ["opt_outs", 1, 0, "Suppression list. (Lea Law, 2026-02-03)"] in tables["standing"]
    later = duty.model_copy(update={"on": date(2026, 11, 2)})
    findings, _, _ = assess(tables_of(standing, **{n: {"exempt_from_deletion": later} for n in own}))
    assert findings["still_standing"].value == 3 / 4


def test_what_cannot_be_looked_through_is_not_assessed(asked):
    dossier = asked(DONE)
    kept = dossier.system.not_kept
    columns = dossier.system.tables["deletion_requests"].columns
    unfinished = {"columns": {role: c for role, c in columns.items() if role != "completed"}}
    unnamed = tables_of(dossier, opt_outs={"columns": {"time": "opted_out_at"}})
    awaited = [
        (tables_of(dossier, deletion_requests=...), "still_standing", "the table deletion_requests"),
        (tables_of(dossier, deletion_requests=unfinished), "in_time", "in the table deletion_requests the column for"),
        (told(dossier, not_kept=without(kept, "feedback")), "tables_accounted_for", "the tables feedback, or why"),
        (
            told(dossier, not_kept=without(kept, "training_sample")),
            "tables_accounted_for",
            "the tables training_sample",
        ),
        (told(unnamed, attributes={}), "tables_say_whom", "the column for customer in opt_outs"),
        (
            told(tables_of(dossier, customers=...), attributes={}),
            "tables_accounted_for",
            "the tables customers, or why",
        ),
    ]
    for changed, name, awaits in awaited:
        found = assess(changed)[0][name]
        assert (found.status, found.null_reason.startswith(f"awaits {awaits}")) == ("not_assessed", True), awaits


def test_the_training_data_of_a_supplier_is_the_suppliers(asked):
    dossier = asked(DONE)
    kept = without(dossier.system.not_kept, "training_sample")
    findings, _, _ = assess(told(dossier, not_kept=kept, supplier=Supplier(name="Bot & Co")))
    assert set(findings) == {"in_time", "overdue", "still_standing"}


def without(entries, name):
    return {key: value for key, value in entries.items() if key != name}


def test_no_request_up_to_the_day_is_no_pass(asked):
    findings, _, figures = assess(asked({"time": "2026-11-02"}))
    assert {f.status for f in findings.values()} == {"not_assessed"}
    assert figures == ()


def test_the_law_of_the_place_holds_and_else_the_strictest(asked):
    day_40 = {"time": "2026-03-05", "completed": "2026-04-14"}
    in_california, in_bavaria, elsewhere = ({**day_40, "region": r} for r in ("west", "bavaria", "south"))
    dossier = asked(in_california, in_bavaria, elsewhere, day_40, day_40 | {"customer": "c000"})

    def in_time(places=None, **applies):
        standards = {law: Applicability(applies=a, **LAW) for law, a in applies.items()}
        changed = dossier.organisation.model_copy(update={"standards": standards, "places": places or {}})
        case = case_of(replace(dossier, organisation=changed))
        return requests_by_state(followed(case, laws_held(case))).in_time

    places = {"west": "US-CA", "bavaria": "DE-BY", "north": "DE"}
    assert in_time(places) == 1
    assert in_time() == 0
    assert in_time(places, gdpr="no", ccpa="yes") == 5
    assert in_time(gdpr="no", ccpa="no") == 0
    assert in_time(places | {"north": "US-CA", "south": "US-CA"}) == 3
