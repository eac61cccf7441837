"""The page of one system: where it stands, its records, what changed between them, and what is told of odd ones."""

import re
import shutil
from datetime import date

from ethics_kit import archive
from ethics_kit.record import Interval, Table
from ethics_kit.report import card
from ethics_kit.report.portfolio import write
from ethics_kit.report.portfolio.write import Scope
from tests.report.test_committee import plain
from tests.stages.past_records import alter, finding, publish, record, reviewed

DAY = date(2026, 11, 1)
FIRST, THEN = date(2026, 9, 1), date(2026, 10, 1)


def page(reports, *, system="demo", systems=("demo",), day=DAY, only=None):
    """The page's sections by their id, as text, and the page."""
    write.write(Scope(reports, systems, "Internal", (), ()), day=day, only=only)
    text = (reports / system / "index.html").read_text()
    parts = re.findall(r'(?s)<section aria-labelledby="(\w+)">(.*?)</section>', text)
    return {name: plain(part) for name, part in parts}, text


def gap(value, low, high):
    interval = Interval(low=low, high=high, level=0.95)
    return finding("C2.1.gap", "not_met", value, interval=interval, n=500, unit="difference of rates")


def test_every_record_is_in_the_chain_newest_first_with_its_acts_and_its_state(tmp_path):
    old = record("bias_testing", THEN, finding("C2.1.x", "not_met"))
    new = record("bias_testing", DAY, finding("C2.1.x", "met"))
    publish(tmp_path, old, new)
    reviewed(tmp_path, old, ("submit", THEN))
    told = page(tmp_path)[0]["records"]
    newest, older = f"Bias testing (current) {'Approve'}", "Bias testing Reject Submitted, 2026-10-01"
    assert told.index(newest) < told.index(older)
    assert re.search(r"run 20\d\d-\d\d-\d\d, review 20\d\d-\d\d-\d\d", told)
    for made in (old, new):
        assert made.record_id[:12] in told


def test_what_changed_between_consecutive_records_is_counted_and_the_newest_told_in_words(tmp_path):
    publish(
        tmp_path,
        record("bias_testing", FIRST, finding("C2.1.a", "met"), finding("C2.1.b", "met")),
        record("bias_testing", THEN, finding("C2.1.a", "not_met"), finding("C2.1.b", "met")),
        record("bias_testing", DAY, finding("C2.1.a", "met"), finding("C2.1.c", "not_met")),
    )
    told = page(tmp_path)[0]["changed"]
    latest, before = told.split("Bias testing: 2026-09-01 → 2026-10-01")
    assert latest.startswith("What changed from record to record Bias testing: 2026-10-01 → 2026-11-01")
    assert "Findings: 0 worse, 1 new, 1 better, 1 gone, 0 moved." in latest
    assert "New: Not met. Seen. C2.1.c Better: not met → Met. Seen. C2.1.a Gone: was met. Seen. C2.1.b" in latest
    assert "The recommendation was Approve and is now Reject." in before
    assert "Findings: 1 worse, 0 new, 0 better, 0 gone" in before


def test_with_one_record_nothing_is_compared(tmp_path):
    publish(tmp_path, record("bias_testing", DAY, finding("C2.1.x", "met")))
    assert "No stage has two records yet" in page(tmp_path)[0]["changed"]


def test_an_altered_record_is_told_shows_no_recommendation_and_is_compared_with_nothing(tmp_path):
    folder, _ = publish(
        tmp_path,
        record("bias_testing", THEN, finding("C2.1.x", "not_met")),
        record("bias_testing", DAY, finding("C2.1.x", "not_met")),
    )
    alter(folder)
    told, _ = page(tmp_path)
    assert "Altered record.json is not the record that belongs here, or was changed" in told["records"]
    assert "No stage has two records yet" in told["changed"]


def test_an_altered_current_record_gives_no_recommendation_no_action_and_no_level(tmp_path):
    own = finding("C2.1.x", "not_met", action="Mend it.", owner="Olu Owner", due=DAY)
    (folder,) = publish(tmp_path, record("bias_testing", DAY, own))
    alter(folder)
    told, text = page(tmp_path)
    assert "Bias testing Altered or missing" in told["stands"]
    assert "Mend it." not in text
    assert "obligations" not in told


def test_a_record_that_is_gone_is_told(tmp_path):
    folder, _ = publish(
        tmp_path,
        record("bias_testing", THEN, finding("C2.1.x", "not_met")),
        record("bias_testing", DAY, finding("C2.1.x", "not_met")),
    )
    shutil.rmtree(folder)
    assert f"2026-10-01 Bias testing Gone – – – {folder.name[-12:]}" in page(tmp_path)[0]["records"]


def test_a_failed_run_stands_where_it_is_current(tmp_path):
    publish(tmp_path, record("bias_testing", THEN, finding("C2.1.x", "met")))
    staging = tmp_path / "staged"
    staging.mkdir()
    archive.publish_failure(staging, tmp_path, "demo", "bias_testing", DAY)
    told = page(tmp_path)[0]
    assert "Bias testing Failed" in told["stands"]
    assert "2026-11-01 Bias testing (current) Failed" in told["records"]


def test_a_record_is_superseded_once_people_decided_on_a_newer_one(tmp_path):
    old = record("bias_testing", THEN, finding("C2.1.x", "not_met"), level="I")
    new = record("bias_testing", DAY, finding("C2.1.x", "not_met"), level="I")
    publish(tmp_path, old, new)
    reviewed(tmp_path, new, ("submit", DAY))
    assert "Superseded" not in page(tmp_path)[0]["records"]
    reviewed(tmp_path, new, ("submit", THEN), ("decide", DAY))
    told = page(tmp_path)[0]["records"]
    assert told.count("Superseded: people decided on a newer record") == 1
    assert told.index("Superseded") > told.index("2026-10-01")


def test_a_gap_is_followed_over_the_records_with_its_interval_and_n(tmp_path):
    publish(
        tmp_path,
        record("bias_testing", THEN, gap(0.125, 0.0625, 0.1875)),
        record("bias_testing", DAY, gap(0.25, 0.125, 0.375)),
    )
    told, text = page(tmp_path)
    assert "2026-10-01: 0.12 (0.06 to 0.19), n&nbsp;=&nbsp;500" in told["trends"]
    assert "2026-11-01: 0.25 (0.12 to 0.38)" in told["trends"]
    assert "C2.1.gap: 0.12 on 2026-10-01, 0.25 on 2026-11-01" in told["trends"]
    assert 'aria-labelledby="trend-1"' in text


def test_the_model_card_is_that_of_the_current_design_review(tmp_path):
    def made(day, version):
        rows = [["Model details", "Version", version]]
        table = Table(id=card.TABLE, title="Model card", requirement="P1.3", columns=card.COLUMNS, rows=rows)
        return record("design_review", day, finding("P1.3.x", "met")).model_copy(update={"tables": [table]}).sealed()

    publish(tmp_path, made(THEN, "m-1"), made(DAY, "m-2"))
    told = page(tmp_path)[0]["card"]
    assert "Model details Version m-2" in told
    assert "m-1" not in told


def test_a_system_that_was_never_assessed_has_a_page_that_says_what_to_do(tmp_path):
    told, _ = page(tmp_path, systems=("unseen",), system="unseen")
    assert told["stands"].count("Not assessed") == 4
    assert "ethics-kit run unseen" in told["supply"]
    assert told["records"].endswith("No record yet.")


def test_pages_of_other_systems_stay_as_they_are_unless_they_are_missing(tmp_path):
    page(tmp_path, systems=("one", "two"), system="one")
    (tmp_path / "one/index.html").unlink()
    (tmp_path / "two/index.html").write_text("kept")
    page(tmp_path, systems=("one", "two", "three"), system="three", only=["three"])
    assert (tmp_path / "two/index.html").read_text() == "kept"
    assert "Not assessed" in (tmp_path / "one/index.html").read_text()


def test_no_page_is_written_through_a_link(tmp_path):
    reports, outside = tmp_path / "reports", tmp_path / "outside"
    reports.mkdir()
    outside.mkdir()
    (reports / "demo").symlink_to(outside)
    write.write(Scope(reports, ("demo",), "Internal", (), ()), day=DAY)
    assert list(outside.iterdir()) == []


def test_the_pages_are_of_the_day_of_the_newest_record_where_that_lies_ahead(tmp_path):
    assert write.day_of(tmp_path, THEN) == THEN
    publish(tmp_path, record("bias_testing", DAY, finding("C2.1.x", "met")))
    assert write.day_of(tmp_path, THEN) == DAY
    assert write.day_of(tmp_path, date(2026, 12, 1)) == date(2026, 12, 1)
