"""The committee's pack: what it covers, and what it says is due, overdue, new and decided."""

import re
from datetime import date

import pytest

from ethics_kit.project import Project
from ethics_kit.record import Waived
from ethics_kit.report.portfolio import committee, write
from ethics_kit.report.portfolio.write import Scope
from tests.stages.past_records import alter, finding, publish, record, reviewed

DAY = date(2026, 11, 1)
MEETINGS = (date(2026, 9, 15), date(2026, 10, 13), date(2026, 11, 10))
BEFORE, AFTER = date(2026, 10, 1), DAY


def pack(reports, *, systems=("demo",), meetings=MEETINGS, since=None, day=DAY):
    """The pack's sections by their id, as text."""
    write.write(Scope(reports, systems, "Internal", meetings, ()), day=day, since=since)
    page = (reports / committee.FILE).read_text()
    parts = re.findall(r'(?s)<section aria-labelledby="(\w+)">(.*?)</section>', page)
    return {"lead": plain(page[: page.index("<section")]), **{name: plain(part) for name, part in parts}}


def plain(part):
    part = re.sub(r"(?s)<style>.*?</style>", " ", part)
    return re.sub(r" (?=[,.:])", "", " ".join(re.sub("<[^>]+>", " ", part).split()))


@pytest.mark.parametrize(
    ("meetings", "since", "expected"),
    [
        (MEETINGS, None, (date(2026, 10, 13), "meeting", date(2026, 11, 10))),
        (MEETINGS, date(2026, 8, 1), (date(2026, 8, 1), "given", date(2026, 11, 10))),
        ((date(2026, 10, 13), DAY), None, (date(2026, 10, 13), "meeting", DAY)),
        ((DAY,), None, (date(2026, 10, 1), "month", DAY)),
        ((), None, (date(2026, 10, 1), "month", None)),
    ],
)
def test_it_covers_the_time_since_the_last_meeting_before_its_day(meetings, since, expected):
    covers = committee.period(DAY, meetings, since)
    assert (covers.since, covers.by, covers.next) == expected


def test_it_says_what_it_covers(tmp_path):
    publish(tmp_path, record("bias_testing", AFTER, finding("C2.1.x", "met")))
    told = "What changed since the meeting of 2026-10-13, up to 2026-11-01. The next meeting is on 2026-11-10."
    assert told in pack(tmp_path)["lead"]
    told = "in the 31 days up to 2026-11-01: policy.yaml names no meeting before this day."
    assert told in pack(tmp_path, meetings=())["lead"]
    assert "What changed after 2026-09-20, up to 2026-11-01." in pack(tmp_path, since=date(2026, 9, 20))["lead"]


def test_a_recommendation_that_changed_and_what_is_newly_not_met_are_told_and_what_was_so_is_not(tmp_path):
    was = finding("C2.1.old", "not_met"), finding("C2.1.new", "met"), finding("C2.1.mended", "not_met")
    now = finding("C2.1.old", "not_met"), finding("C2.1.new", "not_met"), finding("C2.1.first", "not_met")
    now = *now, finding("C2.1.mended", "met")
    publish(tmp_path, record("bias_testing", BEFORE, *was), record("bias_testing", AFTER, *now))
    publish(tmp_path, record("design_review", BEFORE, finding("P1.1.x", "met")))
    publish(tmp_path, record("design_review", AFTER, finding("P1.1.x", "not_met")))
    changed = pack(tmp_path)["changed"]
    assert "Design review, 2026-11-01 Approve → Reject 1" in changed
    assert "Bias testing, 2026-11-01 unchanged: Reject 2" in changed
    assert "C2.1.new" in changed
    assert "C2.1.first" in changed
    assert "C2.1.old" not in changed
    assert "C2.1.mended" not in changed
    assert changed.index("Design review") < changed.index("Bias testing")


def test_a_record_of_before_the_meeting_is_no_news_and_a_first_record_is(tmp_path):
    publish(tmp_path, record("design_review", BEFORE, finding("P1.1.x", "not_met")))
    assert "No recommendation changed" in pack(tmp_path)["changed"]
    publish(tmp_path, record("bias_testing", AFTER, finding("C2.1.x", "not_met")))
    told = pack(tmp_path)
    assert "nothing to compare with" in told["changed"]
    assert "Demo Bias testing, 2026-11-01: Reject, 1 not met Seen. C2.1.x" in told["changed"]
    assert "0 findings newly not met" in told["lead"]


def test_stages_with_nothing_but_a_newer_record_are_counted(tmp_path):
    same = finding("P1.1.x", "not_met")
    publish(tmp_path, record("design_review", BEFORE, same), record("design_review", AFTER, same))
    told = "1 stage has a newer record with the same recommendation and no finding newly not met."
    assert told in pack(tmp_path)["changed"]


def test_a_decision_is_due_from_the_roles_that_lack_since_its_submission(tmp_path):
    made = record("design_review", AFTER, finding("P1.1.x", "not_met"))
    publish(tmp_path, made)
    assert pack(tmp_path)["due"].startswith("Decisions due No record is submitted for a decision. Not submitted")
    reviewed(tmp_path, made, ("submit", date(2026, 10, 20)), ("decide", date(2026, 10, 25)))
    told = pack(tmp_path)
    assert "Demo Design review, 2026-11-01 Reject ethics officer 2026-10-20 12 days" in told["due"]
    assert "1 decision due" in told["lead"]
    assert "2026-10-25, owner: Reject (self-declared)." in told["decided"]


def test_a_decision_of_before_the_meeting_is_not_told_again(tmp_path):
    made = record("design_review", BEFORE, finding("P1.1.x", "not_met"))
    publish(tmp_path, made)
    reviewed(tmp_path, made, ("submit", date(2026, 10, 5)), ("decide", date(2026, 10, 13)))
    assert "Nobody decided on a record in this time." in pack(tmp_path)["decided"]
    assert "2026-10-13, owner: Reject" in pack(tmp_path, since=date(2026, 10, 12))["decided"]


def test_what_is_overdue_stands_on_it_and_what_is_still_to_come_does_not(tmp_path):
    plan = {"action": "Mend it.", "owner": "Olu Owner"}
    waiver = Waived(by="Cy", role="chair", reason="For now.", on=date(2026, 1, 1), until=date(2026, 10, 30))
    own = (
        finding("P1.1.late", "not_met", due=date(2026, 10, 2), **plan),
        finding("P1.1.soon", "not_met", due=date(2026, 11, 2), **plan),
        finding("P1.1.waived", "not_met", waiver=waiver),
        finding("P1.1.unplanned", "not_met"),
    )
    publish(tmp_path, record("design_review", AFTER, *own))
    late = pack(tmp_path)["late"]
    assert "2026-10-02, 30 days overdue" in late
    assert "waiver ended 2026-10-30" in late
    assert "P1.1.soon" not in late
    assert "P1.1.unplanned" not in late


def test_a_system_without_a_record_is_told_and_so_is_one_whose_record_was_altered(tmp_path):
    (folder,) = publish(tmp_path, record("design_review", AFTER, finding("P1.1.x", "not_met")))
    alter(folder)
    told = pack(tmp_path, systems=("demo", "unseen"))["without"]
    assert "demo: impact analysis Not assessed, design review Altered or missing" in told
    assert "unseen: impact analysis Not assessed, design review Not assessed" in told


def test_nothing_of_it_is_markup_that_came_from_a_record(tmp_path):
    hostile = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    made = record("design_review", AFTER, finding("P1.1.x", "not_met").model_copy(update={"statement": hostile}))
    made = made.model_copy(update={"system": made.system | {"name": hostile}}).sealed()
    publish(tmp_path, made)
    write.write(Scope(tmp_path, ("demo",), hostile, (), ()), day=DAY)
    for page in (tmp_path / committee.FILE, tmp_path / "demo/index.html"):
        text = page.read_text()
        assert "<script" not in text
        assert "<img" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_the_meetings_stand_in_the_policy(project, tmp_path):
    root = project(policy={"committee": {"meetings": [date(2026, 11, 10), date(2026, 10, 13)]}})
    assert write.scope(tmp_path, [Project(root)]).meetings == (date(2026, 10, 13), date(2026, 11, 10))


def test_the_same_records_give_the_same_bytes(tmp_path):
    publish(tmp_path, record("design_review", AFTER, finding("P1.1.x", "not_met")))
    pages = ("index.html", "committee.html", "actions.csv", "demo/index.html")
    scope = Scope(tmp_path, ("demo",), "Internal", MEETINGS, ())
    write.write(scope, day=DAY)
    first = [(tmp_path / page).read_bytes() for page in pages]
    write.write(scope, day=DAY)
    assert [(tmp_path / page).read_bytes() for page in pages] == first
