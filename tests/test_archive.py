"""Publishing, the current record, and whether a later stage may rest on an earlier one."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import archive, past
from ethics_kit.archive import Latest
from ethics_kit.attestation.folder import publish
from ethics_kit.framework.catalogue import stage_requirements
from ethics_kit.recommendation import recommend
from ethics_kit.record import Duty, Finding, LevelResult, Obligations, Record, Upstream, Waived, file_sha256
from tests.attested import put_review

AS_OF = date(2026, 11, 1)
DAY = timedelta(days=1)


def record(
    as_of: date = AS_OF, *, statement: str = "It is met.", system: str = "churn_risk", version: str | None = "3.2"
) -> Record:
    row = Finding(
        id="P1.1.x",
        requirement="P1.1",
        status="met",
        evidence="attested",
        statement=statement,
        null_reason="a statement, not a number",
    )
    owed = [
        Duty(
            requirement=requirement,
            weight="required" if requirement == "P1.1" else "excluded",
            needs=("attested",),
            if_not_met="block",
            reason="",
        )
        for requirement in ("P1.1", *stage_requirements("impact_analysis"), *stage_requirements("design_review"))
    ]
    obligations = Obligations(level="I", kind="scored", conditions={}, duties=owed)
    return Record(
        system={"id": system, "name": "Churn risk", "kind": "scored", "model_version": version},
        stage="impact_analysis",
        as_of=as_of,
        level=LevelResult(value="I", holds="I", best="I", worst="I"),
        policy={},
        inputs=[],
        upstream=[],
        parameters={},
        tables=[],
        findings=[row],
        obligations=obligations,
        recommendation=recommend([row], obligations, [], as_of),
        versions={},
    ).sealed()


class Reports:
    """A reports folder of one test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stage = root / "churn_risk" / "impact_analysis"
        self._staged = 0

    def staging(self, content: dict[str, bytes]) -> Path:
        self._staged += 1
        folder = self.root / ".staging" / str(self._staged)
        folder.mkdir(parents=True)
        for name, data in content.items():
            (folder / name).write_bytes(data)
        return folder

    def publish(self, published: Record, report: bytes = b"<html>") -> tuple[Path, bool]:
        files = {"record.json": published.to_bytes(), "report.html": report, "notebook.ipynb": b"{}"}
        staging = self.staging(files)
        return publish(staging, self.root, published)

    def fail(self, as_of: date = AS_OF, page: bytes = b"<html>") -> Path:
        return archive.publish_failure(
            self.staging({"report.html": page}), self.root, "churn_risk", "impact_analysis", as_of
        )

    def latest(self) -> Latest | None:
        return archive.read_latest(self.stage)

    def folders(self) -> list[str]:
        return [p.name for p in archive.folders(self.root, "churn_risk", "impact_analysis")]

    def upstream(self, as_of: date = AS_OF, **more: Any) -> tuple[str, Record | None]:
        more = {"system": "churn_risk", "kind": "scored", "version": "3.2", "max_age_days": 92, "use": "level"} | more
        entry, found = past.upstream(self.root, "impact_analysis", as_of=as_of, **more)
        assert (entry.stage, entry.use) == ("impact_analysis", more["use"])
        assert (found is not None) is (entry.status == "ok")
        return entry.status, found


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(tmp_path / "reports")


# --- publishing ---------------------------------------------------------------------------------------------------


def test_a_new_record_gets_its_own_folder_and_becomes_current(reports: Reports) -> None:
    folder, new = reports.publish(record())
    assert new
    assert folder == reports.stage / record().folder_name
    assert (folder / "record.json").read_bytes() == record().to_bytes()
    assert reports.latest() == Latest("ok", folder.name, AS_OF)


def test_a_run_dated_after_today_does_not_stay_current_once_a_real_one_is_there(reports: Reports) -> None:
    reports.publish(record(date.today() + DAY))
    reports.publish(record())
    assert reports.latest() == Latest("ok", record().folder_name, AS_OF)


def test_an_older_day_assessed_afterwards_does_not_become_current(reports: Reports) -> None:
    reports.publish(record())
    reports.publish(record(AS_OF - DAY))
    assert reports.latest() == Latest("ok", record().folder_name, AS_OF)


def test_nothing_is_left_in_staging(reports: Reports) -> None:
    reports.publish(record())
    reports.publish(record())
    reports.fail()
    reports.fail()
    assert list((reports.root / ".staging").iterdir()) == []


def test_an_identical_record_is_not_written_a_second_time(reports: Reports) -> None:
    first, _ = reports.publish(record(), b"first")
    again, new = reports.publish(record(), b"first")
    assert (again, new) == (first, False)
    assert reports.folders() == [first.name]


def test_a_page_that_differs_from_the_records_own_is_set_aside(reports: Reports) -> None:
    first, _ = reports.publish(record(), b"true")
    (first / "report.html").write_bytes(b"forged")
    again, new = reports.publish(record(), b"true")
    assert (again, new) == (first, True)
    assert (first / "report.html").read_bytes() == b"true"
    assert (first.with_name(f"set_aside_1_{first.name}") / "report.html").read_bytes() == b"forged"
    assert reports.folders() == [first.name]


def test_earlier_records_are_kept_when_another_is_published(reports: Reports) -> None:
    dated = [record(AS_OF - 2 * DAY), record(AS_OF - DAY), record(), record(statement="It is met, again.")]
    for one in dated:
        reports.publish(one)
    assert reports.folders() == [one.folder_name for one in dated]
    for one in dated:
        assert (reports.stage / one.folder_name / "record.json").read_bytes() == one.to_bytes()


def test_of_one_day_the_current_record_stands_last(reports: Reports) -> None:
    one, two = record(), record(statement="Another.")
    for last in (one, two):
        folder, _ = reports.publish(last)
        assert reports.folders()[-1] == last.folder_name
        assert reports.latest() == Latest("ok", last.folder_name, AS_OF)
    archive.make_current(folder.parent, Latest("ok", one.folder_name, AS_OF))
    assert reports.folders()[-1] == one.folder_name


def test_a_run_of_an_older_day_made_later_does_not_become_current(reports: Reports) -> None:
    reports.publish(record())
    folder, new = reports.publish(record(AS_OF - DAY))
    assert new
    assert folder.is_dir()
    assert reports.latest() == Latest("ok", record().folder_name, AS_OF)


def test_a_failure_of_an_older_day_does_not_become_current(reports: Reports) -> None:
    reports.publish(record())
    assert reports.fail(AS_OF - DAY).is_dir()
    assert reports.latest() == Latest("ok", record().folder_name, AS_OF)


def test_a_failure_becomes_current_and_keeps_the_records(reports: Reports) -> None:
    reports.publish(record())
    folder = reports.fail()
    assert folder.name == "failed_2026-11-01"
    assert reports.latest() == Latest("failed", folder.name, AS_OF)
    assert reports.folders() == [record().folder_name]


def test_a_failure_takes_the_place_of_that_days_earlier_one(reports: Reports) -> None:
    reports.fail(page=b"first")
    folder = reports.fail(page=b"second")
    assert (folder / "report.html").read_bytes() == b"second"
    assert [p.name for p in reports.stage.glob("failed_*")] == [folder.name]


def test_a_success_after_a_failure_becomes_current(reports: Reports) -> None:
    reports.fail()
    reports.publish(record())
    assert reports.latest() == Latest("ok", record().folder_name, AS_OF)
    assert reports.upstream()[0] == "ok"


@pytest.mark.parametrize("name", ["report.html", "notebook.ipynb"])
def test_a_record_without_one_of_its_files_is_published_anew(reports: Reports, name: str) -> None:
    first, _ = reports.publish(record())
    (first / name).unlink()
    assert reports.publish(record()) == (first, True)
    assert (first / name).is_file()


def test_what_is_set_aside_never_takes_the_place_of_what_was_set_aside_before(reports: Reports) -> None:
    name = record().folder_name
    for page in (b"1", b"2"):
        reports.publish(record())
        (reports.stage / name / "report.html").write_bytes(page)
    reports.publish(record())
    shutil.rmtree(reports.stage / f"set_aside_1_{name}")
    (reports.stage / name / "report.html").write_bytes(b"3")
    reports.publish(record())
    kept = sorted((p / "report.html").read_bytes() for p in reports.stage.glob("set_aside_*"))
    assert kept == [b"2", b"3"]


def test_publishing_into_a_file_is_an_error_and_no_success(reports: Reports) -> None:
    reports.stage.parent.mkdir(parents=True)
    reports.stage.write_text("in the way")
    with pytest.raises(FileExistsError, match="impact_analysis"):
        reports.publish(record())


# --- latest.json --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../..", "..", ".", "", "/etc", "a/b", "..\\x", "a/../../b"])
def test_a_path_in_latest_is_not_followed(reports: Reports, name: str) -> None:
    reports.publish(record())
    content = {"status": "ok", "folder": name, "as_of": "2026-11-01"}
    (reports.stage / "latest.json").write_text(json.dumps(content))
    assert reports.latest() is None
    assert reports.upstream()[0] == "altered"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{}",
        '"x"',
        '{"status": "ok", "folder": "x"}',
        '{"status": "ok", "folder": "x", "as_of": "someday"}',
        '{"status": "ok", "folder": "x", "as_of": 5}',
    ],
)
def test_a_latest_that_cannot_be_understood_is_none(reports: Reports, content: str) -> None:
    reports.stage.mkdir(parents=True)
    (reports.stage / "latest.json").write_text(content)
    assert reports.latest() is None


@pytest.mark.parametrize("status", ["OK", "", "met", None])
def test_a_status_other_than_ok_is_failed(reports: Reports, status: str | None) -> None:
    reports.publish(record())
    content = {"status": status, "folder": record().folder_name, "as_of": "2026-11-01"}
    (reports.stage / "latest.json").write_text(json.dumps(content))
    assert reports.upstream()[0] == "failed"


# --- what a later stage may rest on -------------------------------------------------------------------------------


def test_a_fresh_record_of_the_same_system_is_ok_and_given(reports: Reports) -> None:
    reports.publish(record())
    same = {"system": "churn_risk", "kind": "scored", "version": "3.2"}
    entry, found = past.upstream(reports.root, "impact_analysis", as_of=AS_OF, max_age_days=92, use="gate", **same)
    assert found == record()
    assert (entry.record_id, entry.as_of, entry.recommendation) == (record().record_id, AS_OF, "approve")


def test_without_a_record_it_is_missing(reports: Reports) -> None:
    assert reports.upstream()[0] == "missing"


def test_a_record_of_a_later_day_is_not_there_yet(reports: Reports) -> None:
    reports.publish(record(AS_OF + DAY))
    assert reports.upstream()[0] == "missing"


def test_an_earlier_day_rests_on_the_record_of_its_time(reports: Reports) -> None:
    reports.publish(record(AS_OF - 9 * DAY))
    reports.publish(record())
    assert reports.upstream(AS_OF - DAY) == ("ok", record(AS_OF - 9 * DAY))


def test_a_run_that_failed_afterwards_is_failed(reports: Reports) -> None:
    reports.publish(record())
    reports.fail()
    assert reports.upstream()[0] == "failed"
    assert reports.upstream(AS_OF + DAY)[0] == "failed"


def test_a_run_that_never_succeeded_is_failed_and_not_missing(reports: Reports) -> None:
    reports.fail()
    assert reports.upstream()[0] == "failed"


def test_a_run_that_failed_on_a_later_day_does_not_matter_yet(reports: Reports) -> None:
    reports.publish(record())
    reports.fail(AS_OF + DAY)
    assert reports.upstream()[0] == "ok"


@pytest.mark.parametrize(("age", "status"), [(92, "ok"), (93, "stale")])
def test_a_record_is_stale_after_the_days_the_policy_allows(reports: Reports, age: int, status: str) -> None:
    reports.publish(record(AS_OF - age * DAY))
    assert reports.upstream()[0] == status


@pytest.mark.parametrize("version", ["3.3", None, ""])
def test_a_record_of_another_model_version_is_not_ok(reports: Reports, version: str | None) -> None:
    reports.publish(record())
    assert reports.upstream(version=version)[0] == "other_model"


def test_a_record_without_a_version_does_not_stand_for_one(reports: Reports) -> None:
    reports.publish(record(version=None))
    assert reports.upstream()[0] == "other_model"
    assert reports.upstream(version=None)[0] == "other_model"


def test_a_record_of_another_kind_of_system_is_not_ok(reports: Reports) -> None:
    reports.publish(record())
    assert reports.upstream(kind="ranked")[0] == "other_model"


def test_a_record_with_one_changed_byte_is_altered(reports: Reports) -> None:
    folder, _ = reports.publish(record())
    path = folder / "record.json"
    path.write_bytes(path.read_bytes().replace(b"It is met.", b"It is met!"))
    assert reports.upstream()[0] == "altered"


def test_a_record_in_a_renamed_folder_is_altered(reports: Reports) -> None:
    folder, _ = reports.publish(record(AS_OF - 200 * DAY))
    fresh = reports.stage / f"2026-11-01_{record().record_id[:12]}"
    folder.rename(fresh)
    content = {"status": "ok", "folder": fresh.name, "as_of": "2026-11-01"}
    (reports.stage / "latest.json").write_text(json.dumps(content))
    assert reports.upstream()[0] == "altered"


@pytest.mark.parametrize("moved", ["hidden", "2026-11-01_ffffffffffff"])
def test_moving_the_current_folder_does_not_bring_an_older_record_back(reports: Reports, moved: str) -> None:
    reports.publish(record(AS_OF - DAY))
    folder, _ = reports.publish(record())
    folder.rename(reports.stage / moved)
    assert reports.upstream()[0] == "altered"


def test_deleting_the_current_record_does_not_bring_an_older_one_back(reports: Reports) -> None:
    reports.publish(record(AS_OF - DAY))
    folder, _ = reports.publish(record())
    (folder / "record.json").unlink()
    assert reports.upstream()[0] == "altered"


def test_deleting_the_only_record_is_altered_and_not_missing(reports: Reports) -> None:
    folder, _ = reports.publish(record())
    shutil.rmtree(folder)
    assert reports.upstream()[0] == "altered"


def test_deleting_latest_does_not_hide_a_failure(reports: Reports) -> None:
    reports.publish(record())
    reports.fail()
    (reports.stage / "latest.json").unlink()
    assert reports.upstream()[0] == "altered"


def test_deleting_latest_does_not_hide_a_failure_of_a_later_day(reports: Reports) -> None:
    reports.publish(record(AS_OF - DAY))
    reports.fail()
    (reports.stage / "latest.json").unlink()
    assert reports.upstream()[0] == "failed"


def test_a_later_success_does_not_hide_that_the_run_before_had_failed(reports: Reports) -> None:
    reports.publish(record(AS_OF - 9 * DAY))
    reports.fail(AS_OF - DAY)
    reports.publish(record())
    assert reports.upstream(AS_OF - 2 * DAY)[0] == "ok"
    assert reports.upstream(AS_OF - DAY)[0] == "failed"
    assert reports.upstream()[0] == "ok"


def test_a_failed_folder_without_a_day_is_no_failure(reports: Reports) -> None:
    reports.publish(record())
    (reports.stage / "failed_someday").mkdir()
    assert reports.upstream()[0] == "ok"


def test_another_systems_record_copied_in_is_altered(reports: Reports) -> None:
    folder, _ = reports.publish(record(system="other"))
    shutil.copytree(folder.parent, reports.stage)
    assert reports.upstream()[0] == "altered"


def test_another_stages_record_copied_in_is_altered(reports: Reports) -> None:
    design = record().model_copy(update={"stage": "design_review"}).sealed()
    folder, _ = reports.publish(design)
    shutil.copytree(folder.parent, reports.stage)
    assert reports.upstream()[0] == "altered"


def test_a_record_that_is_added_by_hand_is_not_taken_for_the_current_one(reports: Reports) -> None:
    reports.publish(record(AS_OF - DAY))
    planted = reports.stage / record().folder_name
    planted.mkdir()
    (planted / "record.json").write_bytes(record().to_bytes())
    assert reports.upstream()[0] == "altered"


# --- history ------------------------------------------------------------------------------------------------------


def test_history_is_every_earlier_record_that_is_unchanged_oldest_first(reports: Reports) -> None:
    days = [AS_OF - n * 30 * DAY for n in (1, 3, 2, 0)]
    published = [reports.publish(record(day))[0] for day in days]
    (published[2] / "record.json").write_bytes(b"{}")
    found = past.history(reports.root, "churn_risk", "impact_analysis", before=AS_OF)
    assert [r.as_of for r in found.records] == [days[1], days[0]]
    assert found.altered == (published[2].name,)
    address = f"churn_risk/impact_analysis/{published[1].name}/record.json"
    assert found.files[address] == file_sha256(published[1] / "record.json")
    assert len(found.files) == 2


def test_history_of_a_day_is_in_the_order_in_which_the_records_were_made(reports: Reports) -> None:
    made = [
        record(statement=text).model_copy(update={"run": {"finished_at": f"2026-11-01T{hour}:00:00+00:00"}})
        for text, hour in (("late", "17"), ("early", "09"), ("noon", "12"))
    ]
    for one in made:
        reports.publish(one)
    found = past.history(reports.root, "churn_risk", "impact_analysis", before=AS_OF + DAY)
    assert [r.findings[0].statement for r in found.records] == ["early", "noon", "late"]


def test_without_a_folder_there_is_no_history(reports: Reports) -> None:
    found = past.history(reports.root, "churn_risk", "impact_analysis", before=AS_OF)
    assert (found.records, found.files, found.altered) == ((), {}, ())


def last(reports: Reports, before: date = AS_OF) -> past.History:
    return past.last(reports.root, "churn_risk", "impact_analysis", before=before)


def test_the_last_record_is_the_newest_of_the_history_alone(reports: Reports) -> None:
    days = [AS_OF - n * 30 * DAY for n in (1, 3, 2, 0)]
    published = [reports.publish(record(day))[0] for day in days]
    whole = past.history(reports.root, "churn_risk", "impact_analysis", before=AS_OF)
    found = last(reports)
    assert found.records == whole.records[-1:]
    address = f"churn_risk/impact_analysis/{published[0].name}/record.json"
    assert found.files == {address: whole.files[address]}


def test_of_one_day_the_last_record_is_the_one_that_was_made_last(reports: Reports) -> None:
    for text, hour in (("late", "17"), ("early", "09"), ("noon", "12")):
        run = {"finished_at": f"2026-11-01T{hour}:00:00+00:00"}
        reports.publish(record(statement=text).model_copy(update={"run": run}))
    found = last(reports, AS_OF + DAY)
    assert [r.findings[0].statement for r in found.records] == ["late"]
    assert len(found.files) == 1


def test_a_last_record_that_was_altered_is_passed_over_and_named_but_no_older_one(reports: Reports) -> None:
    days = [AS_OF - n * 30 * DAY for n in (3, 2, 1)]
    oldest, older, newest = (reports.publish(record(day))[0] for day in days)
    for folder in (oldest, newest):
        (folder / "record.json").write_bytes(b"{}")
    found = last(reports)
    assert ([r.folder_name for r in found.records], found.altered) == ([older.name], (newest.name,))
    (older / "record.json").write_bytes(b"{}")
    assert last(reports) == past.History((), {}, tuple(p.name for p in (oldest, older, newest)))


# --- what people did with a record --------------------------------------------------------------------------------


def reviewed(reports: Reports, text: str) -> Upstream:
    published = record()
    folder, _ = reports.publish(published)
    head = f"schema: ethics-kit/review/1\nrecord_id: {published.record_id}\nentries:\n"
    put_review(folder, head + text)
    return entry(reports)


def entry(reports: Reports, as_of: date = AS_OF) -> Upstream:
    more: dict[str, Any] = {"system": "churn_risk", "kind": "scored", "version": "3.2", "max_age_days": 92}
    return past.upstream(reports.root, "impact_analysis", as_of=as_of, use="gate", **more)[0]


def test_the_state_of_its_review_comes_with_an_earlier_record(reports: Reports) -> None:
    submitted = "- {act: submit, by: Ann, role: analyst, on: 2026-11-02}\n"
    assert reviewed(reports, submitted).review == "submitted"
    returned = "- {act: return, by: Bo, role: reviewer, on: 2026-11-03, reason: Which customers?}\n"
    found = reviewed(reports, submitted + returned)
    assert (found.status, found.review, found.decision, found.model_version) == ("ok", "returned", None, "3.2")


@pytest.mark.parametrize("text", ["- {act: decide}\n", "- {act: approve, by: A, role: b, on: 2026-11-02}\n"])
def test_a_review_that_is_not_in_order_is_no_review(reports: Reports, text: str) -> None:
    assert reviewed(reports, text).review == "unreadable"


def test_a_record_whose_review_was_written_by_hand_is_altered(reports: Reports) -> None:
    folder, _ = reports.publish(record())
    (folder / "review.yaml").write_text(f"schema: ethics-kit/review/1\nrecord_id: {record().record_id}\nentries: []\n")
    assert entry(reports).status == "altered"


def test_a_waiver_that_ran_out_since_does_not_count_any_more(reports: Reports) -> None:
    before = record()
    given = Waived(by="Eve", role="executive", reason="a pilot", on=AS_OF, until=AS_OF + DAY)
    row = before.findings[0].model_copy(update={"status": "not_met", "waiver": given})
    recommendation = recommend([row], before.obligations, [], AS_OF)
    waived = before.model_copy(update={"findings": [row], "recommendation": recommendation}).sealed()
    reports.publish(waived)
    on_its_last_day, after = entry(reports, AS_OF + DAY), entry(reports, AS_OF + 2 * DAY)
    assert (on_its_last_day.recommendation, on_its_last_day.lapsed) == ("approve_with_conditions", False)
    assert (after.recommendation, after.lapsed) == ("reject", True)


def test_a_waiver_that_had_not_begun_does_not_better_a_record_by_itself(reports: Reports) -> None:
    before = record()
    given = Waived(by="Eve", role="executive", reason="a pilot", on=AS_OF + DAY, until=AS_OF + 9 * DAY)
    row = before.findings[0].model_copy(update={"status": "not_met", "waiver": given})
    recommendation = recommend([row], before.obligations, [], AS_OF)
    reports.publish(before.model_copy(update={"findings": [row], "recommendation": recommendation}).sealed())
    assert entry(reports, AS_OF + 2 * DAY).recommendation == "reject"
