"""What changed since the last record, told in the record of every stage; a first record says that it is the first."""

from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit import workbook
from ethics_kit.comparison import compare
from ethics_kit.project import STAGES, Project
from ethics_kit.record import SINCE_LAST, file_sha256, read_record
from ethics_kit.stages.case import Case
from ethics_kit.stages.changes import SHOWN
from ethics_kit.stages.conclude import conclude
from tests.stages.past_records import AS_OF, alter, finding, publish, record

OLD, OLDER = date(2026, 10, 1), date(2026, 9, 1)


@pytest.fixture
def concluded(project):
    """A factory of this day's record of a stage, with no step taken, after records of earlier days."""
    root = project()
    dossier = dossiers.load(Project(root), root / "parameters/demo")

    def make(stage, *before):
        publish(root / "reports", *before)
        return conclude(Case(dossier, stage, AS_OF, root / "reports"), {})

    make.root = root
    return make


def tables(made):
    return {t.id: t for t in made.tables if t.requirement == "S4.4"}


@pytest.mark.parametrize("stage", STAGES)
def test_the_first_record_of_a_stage_says_that_it_is_the_first(concluded, stage):
    made = concluded(stage)
    (since,) = tables(made).values()
    assert (since.id, since.rows) == (SINCE_LAST, [])
    assert since.note == "No earlier record: this is the first."
    assert not [i for i in made.inputs if i.role == "earlier record"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_later_record_tells_what_changed_since_the_last_and_names_it_as_an_input(concluded, stage):
    last = record(stage, OLD, finding("C2.1.gap", "not_met"), version="m-0", level="I")
    last = last.model_copy(update={"parameters": {"fairness.margin": 0.1}}).sealed()
    made = concluded(stage, record(stage, OLDER, finding("C2.1.gap", "met")), last)
    since, changes = (tables(made)[name] for name in (SINCE_LAST, f"S4.4.changes_{stage}"))
    assert since.title == f"What changed since the record of {OLD} ({last.record_id[:12]})"
    told = {row[0]: row[1:] for row in since.rows}
    assert told["recommendation"] == ["reject", "undetermined"]
    assert told["model version"] == ["m-0", "m-1"]
    assert told["parameter fairness.margin"] == ["0.1", "0.05"]
    assert "The recommendation was reject and is undetermined." in since.note
    assert changes.title.endswith(f"from {OLD} to {AS_OF}")
    address = f"demo/{stage}/{last.folder_name}/record.json"
    read = [(i.address, i.sha256) for i in made.inputs if i.role == "earlier record"]
    assert read == [(address, file_sha256(concluded.root / "reports" / address))]


def test_what_the_record_tells_is_what_comparing_the_two_records_finds(concluded):
    last = record("design_review", OLD, finding("P1.1.x", "met"))
    made = concluded("design_review", last)
    found = compare(last, made)
    assert [row[0] for row in tables(made)["S4.4.changes_design_review"].rows] == [c.id for c in found.findings][:SHOWN]
    assert f"{len(found.findings) - SHOWN} more changes are not shown." in (
        tables(made)["S4.4.changes_design_review"].note
    )
    counts = {row[0]: row[2] for row in tables(made)[SINCE_LAST].rows}
    assert int(counts["findings not assessed"]) == sum(f.status == "not_assessed" for f in made.findings)


def test_a_record_against_one_that_says_the_same_has_nothing_changed(concluded):
    first = concluded("impact_analysis").model_copy(update={"as_of": OLD}).sealed()
    made = concluded("impact_analysis", first)
    assert tables(made)[SINCE_LAST].rows == [["recommendation", "undetermined", "undetermined"]]
    assert f"since the record of {OLD}: none changed." in tables(made)[SINCE_LAST].note
    assert tables(made)["S4.4.changes_impact_analysis"].note == "Nothing changed."


def test_an_altered_record_is_passed_over_and_named(concluded):
    older, old = record("bias_testing", OLDER, finding("C2.1.gap", "met")), finding("C2.1.gap", "not_met")
    last = record("bias_testing", OLD, old)
    concluded("bias_testing", older, last)
    alter(concluded.root / "reports/demo/bias_testing" / last.folder_name)
    made = concluded("bias_testing")
    note = tables(made)[SINCE_LAST].note
    assert f"since the record of {OLDER}" in note
    assert f"Not read, as they were altered: {last.folder_name}." in note
    assert [i.address.split("/")[2] for i in made.inputs if i.role == "earlier record"] == [older.folder_name]


def test_where_every_earlier_record_was_altered_this_is_not_called_the_first(concluded):
    last = record("bias_testing", OLD, finding("C2.1.gap", "not_met"))
    concluded("bias_testing", last)
    alter(concluded.root / "reports/demo/bias_testing" / last.folder_name)
    (since,) = tables(concluded("bias_testing")).values()
    assert since.note == (f"No earlier record can be relied on. Not read, as they were altered: {last.folder_name}.")


def test_a_record_of_the_same_or_a_later_day_is_no_earlier_one(concluded):
    other = [record("bias_testing", day, finding("C2.1.gap", "met")) for day in (AS_OF, date(2026, 11, 2))]
    assert tables(concluded("bias_testing", *other))[SINCE_LAST].note == "No earlier record: this is the first."


def test_a_notebook_shows_the_changes_as_its_record_will_tell_them(concluded, monkeypatch):
    root = concluded.root
    publish(root / "reports", record("bias_testing", OLD, finding("C2.1.gap", "not_met")))
    shown = []
    monkeypatch.setattr(workbook, "display", shown.append)
    monkeypatch.chdir(root)
    book = workbook.open_workbook("bias_testing", system="demo", as_of=AS_OF.isoformat())
    book.changes()
    book.save()
    saved, why = read_record(root / "workbooks/demo/drafts" / f"bias_testing_{AS_OF}.json")
    assert saved, why
    assert [repr(one) for one in shown[:2]] == [t.title for t in tables(saved).values()]
    assert "not assessed" in shown[1].html
