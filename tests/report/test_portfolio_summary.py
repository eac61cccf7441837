"""What the portfolio's pages read of each record: quick, and no less suspicious than a full reading."""

import hashlib
import json
import shutil
from datetime import date, timedelta

import pytest

from ethics_kit.archive import Latest, publish_failure
from ethics_kit.attestation import chain, folder, statement
from ethics_kit.record import Interval, Record, Waived
from ethics_kit.report.portfolio.published import published
from ethics_kit.report.portfolio.summary import Due, Gap, trends
from tests.attested import put_review
from tests.published import DAY, DECIDE, SUBMIT, finding, put, read, read_all, record, review


def append(name):
    def change(place):
        with (place / name).open("ab") as file:
            file.write(b" ")

    return change


def chain_of(place):
    return place.parents[1] / "chain.json"


def another_attestation(place):
    path = place / "attestation.json"
    held = json.loads(path.read_bytes())
    held["signatures"] = [{"keyid": "0" * 64, "sig": "AAAA"}]
    path.write_text(json.dumps(held))


ALTERATIONS = {
    "record changed": append("record.json"),
    "page changed": append("report.html"),
    "notebook changed": append("notebook.ipynb"),
    "page gone": lambda place: (place / "report.html").unlink(),
    "record gone": lambda place: (place / "record.json").unlink(),
    "attestation gone": lambda place: (place / "attestation.json").unlink(),
    "attestation changed": another_attestation,
    "review planted": lambda place: (place / "review.yaml").write_text("entries: []\n"),
    "chain gone": lambda place: chain_of(place).unlink(),
    "chain changed": lambda place: chain_of(place).write_text(chain_of(place).read_text().replace("demo", "other")),
    "record is a link": lambda place: (
        shutil.move(place / "record.json", place.parents[3] / "elsewhere"),
        (place / "record.json").symlink_to(place.parents[3] / "elsewhere"),
    ),
}


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS.keys())
def test_the_quick_reading_finds_altered_what_the_full_reading_finds(tmp_path, alter):
    (place,) = put(tmp_path / "reports", record())
    reports = tmp_path / "reports"
    assert published(place, chain.read_chain(reports, "demo")[0])
    alter(place)
    known = chain.read_chain(reports, "demo")[0]
    assert folder.altered(place, known)
    assert published(place, known) is None
    found = read(reports, "demo", as_of=DAY).entries["bias_testing"]
    assert (found.status, found.verdict, found.actions) == ("altered", None, ())


def test_what_is_read_quickly_is_what_the_record_says(tmp_path):
    one = record(
        finding("P2.2.a", "not_met", action="Retrain.", owner="Olu", due=date(2026, 12, 1)),
        finding("P2.4.b", "inconclusive"),
        finding("S3.1.c", "met"),
    )
    put(tmp_path, one)
    system = read(tmp_path, "demo", as_of=DAY)
    entry = system.entries["bias_testing"]
    assert (entry.record_id, entry.verdict, entry.reason) == (
        one.record_id,
        one.recommendation.verdict,
        one.recommendation.reason,
    )
    assert entry.required == {"not_met": 1, "inconclusive": 1, "met": 1}
    assert entry.settled == 2
    assert system.worst == (entry, one.findings[0])
    assert [(a.finding, a.effect, a.due) for a in entry.actions] == [("P2.2.a", "blocks", date(2026, 12, 1))]
    assert (system.name, system.owner, system.level, system.kind) == ("Demo", "Olu Owner", "II", "scored")
    assert [e.status for e in system.entries.values()] == ["missing", "missing", "ok", "missing"]


def test_the_worst_finding_is_the_one_that_weighs_most_over_all_stages(tmp_path):
    near = finding("P4.1.near", "not_met", value=0.96, threshold=1.0)
    far = {"value": -0.2, "interval": Interval(low=-0.3, high=-0.1, level=0.95), "n": 900, "threshold": 0.05}
    put(tmp_path, record(near, stage="impact_analysis"))
    put(tmp_path, record(finding("P2.2.far", "not_met", **far), finding("C2.1.other", "not_met")))
    entry, worst = read(tmp_path, "demo", as_of=DAY).worst
    assert (entry.stage, worst.id) == ("bias_testing", "P2.2.far")


def test_a_recommendation_that_does_not_follow_is_no_recommendation_though_every_digest_fits(tmp_path):
    (place,) = put(tmp_path, record(finding(status="not_met")))
    held = Record.model_validate_json((place / "record.json").read_bytes())
    better = held.recommendation.model_copy(update={"verdict": "approve", "blocking": []})
    forged = held.model_copy(update={"recommendation": better}).sealed()
    shutil.rmtree(tmp_path / "demo")
    new = tmp_path / "demo/bias_testing" / forged.folder_name
    new.mkdir(parents=True)
    (new / "record.json").write_bytes(forged.to_bytes())
    (new.parent / "latest.json").write_bytes(Latest("ok", new.name, DAY).to_bytes())
    with chain.held(tmp_path, "demo") as own:
        content = folder.attest(own, new, forged, act="run")
        (new / statement.FILE).write_bytes(content)
        entry = folder.entry(own, content, forged, act="run")
    whole = chain.Chain(system="demo", length=1, head=entry.sha256, entries=[entry])
    (tmp_path / "demo/chain.json").write_bytes(whole.to_bytes())
    assert hashlib.sha256(content).hexdigest() == whole.head
    assert read(tmp_path, "demo", as_of=DAY).entries["bias_testing"].status == "altered"


def test_latest_json_cannot_bring_back_an_older_better_record_or_hide_the_last(tmp_path):
    older, newer = put(tmp_path, record(day=DAY - timedelta(31)), record(finding(status="not_met")))
    assert read(tmp_path, "demo", as_of=DAY).entries["bias_testing"].verdict == "reject"
    latest = newer.parent / "latest.json"
    latest.write_bytes(Latest("ok", older.name, DAY - timedelta(31)).to_bytes())
    assert read(tmp_path, "demo", as_of=DAY).entries["bias_testing"].status == "altered"
    latest.unlink()
    assert read(tmp_path, "demo", as_of=DAY).entries["bias_testing"].status == "altered"


def test_a_failed_run_is_failed_and_a_system_without_a_record_is_missing(tmp_path):
    put(tmp_path, record())
    (tmp_path / "staged").mkdir()
    publish_failure(tmp_path / "staged", tmp_path, "demo", "bias_testing", DAY)
    found = read_all(tmp_path, ["demo", "registered"], as_of=DAY)
    states = {s.id: s.entries["bias_testing"].status for s in found}
    assert states == {"demo": "failed", "registered": "missing"}


def test_what_has_run_out_by_the_day_of_the_page_lowers_the_recommendation(tmp_path):
    waiver = Waived(by="Cy", role="committee", reason="a test", on=date(2026, 10, 1), until=date(2026, 11, 30))
    planned = {"action": "Retrain.", "owner": "Olu", "due": date(2026, 11, 15), "waiver": waiver}
    put(tmp_path, record(finding(status="not_met", **planned)))
    on_its_day = read(tmp_path, "demo", as_of=DAY).entries["bias_testing"]
    assert (on_its_day.today, on_its_day.lapsed) == ("approve_with_conditions", False)
    later = read(tmp_path, "demo", as_of=date(2026, 12, 20)).entries["bias_testing"]
    assert (later.verdict, later.today, later.lapsed) == ("approve_with_conditions", "reject", True)
    assert [a.days_overdue(date(2026, 12, 20)) for a in later.overdue(date(2026, 12, 20))] == [35]
    assert later.overdue(date(2026, 11, 30)) == []  # the waiver holds
    assert later.actions[0].days_overdue(date(2026, 12, 1)) == 16


def test_the_next_review_follows_the_decision_or_else_what_the_sign_off_found(tmp_path):
    counted = finding("G3.review_overdue", "met", value=-30, unit="days")
    one = record(counted, stage="deployment_signoff")
    (place,) = put(tmp_path, one)
    assert read(tmp_path, "demo", as_of=DAY).due == Due(date(2026, 12, 1), "signoff")
    put_review(place, review(one, [SUBMIT]))
    entry = read(tmp_path, "demo", as_of=DAY).entries["deployment_signoff"]
    assert (entry.review.state, entry.review.since, entry.review.missing) == (
        "submitted",
        date(2026, 11, 2),
        ("owner", "ethics_officer"),
    )
    put_review(place, review(one, [SUBMIT, *DECIDE]))
    system = read(tmp_path, "demo", as_of=DAY)
    entry = system.entries["deployment_signoff"]
    assert (entry.review.state, entry.review.decision) == ("decided", "approve")
    assert entry.review.roles == ("owner", "ethics_officer")
    assert system.due == Due(date(2027, 11, 3), "decided")


@pytest.mark.parametrize(
    ("planned", "status", "due"),
    [
        (date(2026, 11, 20), "met", Due(date(2026, 11, 20), "planned")),
        (date(2026, 12, 2), "not_met", Due(date(2026, 12, 1), "signoff")),
    ],
)
def test_the_organisation_s_own_day_comes_first_where_the_cadence_allows_it(tmp_path, planned, status, due):
    counted = finding("G3.review_overdue", "met", value=-30, unit="days")
    told = f"The next review is planned for {planned}, which is {'within' if status == 'met' else 'later than'} it."
    own = finding("G3.next_review_within_cadence", status, evidence="attested", statement=told)
    one = record(counted, own, stage="deployment_signoff")
    (place,) = put(tmp_path, one)
    assert read(tmp_path, "demo", as_of=DAY).due == due
    put_review(place, review(one, [SUBMIT, *DECIDE]) if status == "met" else review(one, [SUBMIT]))
    assert (read(tmp_path, "demo", as_of=DAY).due == Due(date(2027, 11, 3), "decided")) == (status == "met")


def test_no_sign_off_record_means_that_the_next_review_is_not_known(tmp_path):
    put(tmp_path, record())
    assert read(tmp_path, "demo", as_of=DAY).due == Due(None)


def test_a_review_that_breaks_its_rules_is_unreadable(tmp_path):
    one = record()
    (place,) = put(tmp_path, one)
    put_review(place, review(one, DECIDE))
    assert read(tmp_path, "demo", as_of=DAY).entries["bias_testing"].review.state == "unreadable"


def gap_of(value, name="P2.2.gender.rate_difference", status="not_met"):
    bounds = {"low": value - 0.05, "high": value + 0.05, "level": 0.95}
    return finding(name, status, value=value, unit="difference of rates", interval=bounds, n=500)


def test_a_gap_is_followed_over_past_records_one_a_day_and_altered_ones_are_counted(tmp_path):
    days = [date(2026, month, 1) for month in (7, 8, 9, 10, 11)]
    gaps = (-0.3, -0.25, -0.2, -0.15, -0.1)
    places = put(tmp_path, *(record(gap_of(v), day=day) for v, day in zip(gaps, days, strict=True)))
    put(tmp_path, record(gap_of(-0.12), day=days[-1]))
    append("record.json")(places[1])
    system = read(tmp_path, "demo", as_of=DAY)
    entry = system.entries["bias_testing"]
    (gap,) = entry.gaps
    (found,) = trends(tmp_path, entry, [gap], most=12)
    assert [(p.as_of, p.value) for p in found.points] == [
        (days[0], -0.3),
        (days[2], -0.2),
        (days[3], -0.15),
        (days[4], -0.12),
    ]
    assert (found.points[0].low, found.points[0].high, found.points[0].n) == (-0.35, -0.25, 500)
    assert found.altered == 1
    assert system.trend == found
    (short,) = trends(tmp_path, entry, [gap], most=2)
    assert [p.value for p in short.points] == [-0.15, -0.12]
    (alone,) = trends(tmp_path, entry, [gap], most=1)
    assert [p.value for p in alone.points] == [-0.12]


def test_the_gap_to_follow_is_the_least_settled_and_largest(tmp_path):
    put(
        tmp_path,
        record(
            gap_of(0.4, "P2.2.a.met_difference", "met"),
            gap_of(-0.1, "P2.2.b.small_difference"),
            gap_of(-0.2, "P2.2.c.large_difference"),
            finding("P2.2.d.share", "not_met", value=0.9, unit="share of events"),
        ),
    )
    system = read(tmp_path, "demo", as_of=DAY)
    assert system.trend.points == (Gap("P2.2.c.large_difference", DAY, -0.2, -0.25, -0.15, 500),)
    assert len(system.entries["bias_testing"].gaps) == 3


def test_systems_come_worst_first_and_what_is_unknown_is_no_better_than_what_is_rejected(tmp_path):
    planned = {"action": "Retrain.", "owner": "Olu", "due": date(2027, 1, 1)}
    every = ("impact_analysis", "design_review", "bias_testing", "deployment_signoff")

    def whole(system, *findings, **more):
        put(tmp_path, *(record(*findings, system=system, stage=stage, **more) for stage in every))

    whole("a_good")
    conditions = [finding(name, "not_met", **planned) for name in ("P1.1.x", "P2.2.x")]
    whole("b_conditions", *conditions, if_not_met="condition")
    whole("c_undetermined", finding(status="inconclusive"))
    whole("d_rejected", finding(status="not_met"))
    order = [s.id for s in read_all(tmp_path, ["e_registered"], as_of=DAY)]
    assert order == ["d_rejected", "c_undetermined", "e_registered", "b_conditions", "a_good"]
    assert all(s.elsewhere for s in read_all(tmp_path, [], as_of=DAY))
