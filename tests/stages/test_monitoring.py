"""S4.2: drift, performance and gaps by period, in planted counts and rows."""

import re
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from ethics_kit.stages import deployment_signoff as stage
from ethics_kit.stages.case import Case
from tests.stages.planted_rows import people, planted, write

AS_OF = date(2026, 11, 1)
MONTHS = [f"2026-{month:02d}-01" for month in range(5, 11)]
USUAL, MOVED = (300, 260, 200, 140, 100), (480, 240, 140, 90, 50)
SIGNED = {"by": "Ada Example", "on": date(2026, 10, 20)}
DRIFT, PERFORMANCE, GAPS = "S4.2.drift.logins", "S4.2.performance.accuracy", "S4.2.gap.gender.selection_rate"
FEATURE = {"logins": {"column": "logins"}}


def series(name, months=MONTHS, *, moved=(), counts=USUAL, **columns):
    return [
        {"period": month, "feature": name, "bin": f"bin {i}", "count": count, **columns}
        for month in months
        for i, count in enumerate(MOVED if month in moved else counts, 1)
    ]


def case(project, *, counts=None, events=None, system=None, plan=None, actions=(), **more):
    """A case of stage 4 with `counts` as its table of monitoring and `events` as its decisions."""
    tables = {}
    if counts is not None:
        columns = dict.fromkeys(dict.fromkeys(k for row in counts for k in row))
        tables = {"monitoring": {"source": "data/monitoring.csv", "columns": {k: k for k in columns}}}
    said = {"monitoring": plan} if plan else {}
    root = planted(
        project,
        events or people(4, gender=lambda _: "f", logins=lambda _: 1),
        system={"features": FEATURE} | (system or {}),
        tables=tables,
        deployment_signoff=said | {"actions": list(actions)},
        **more,
    )
    if counts is not None:
        write(root / "parameters/demo/data/monitoring.csv", counts)
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    return Case(dossier, "deployment_signoff", AS_OF, root / "reports")


def found(case, step):
    outcome = step(case)
    return {f.id: f for f in outcome.findings}, {t.id: t for t in outcome.tables}, outcome.figures


# --- drift -------------------------------------------------------------------------------------------------------


def test_a_feature_that_moved_is_an_alarm_since_then_and_one_that_did_not_is_met(project):
    counts = series("logins", moved=MONTHS[3:]) + series("tickets")
    findings, tables, figures = found(case(project, counts=counts), stage.drift_by_period)
    assert (findings[DRIFT].status, findings["S4.2.drift.tickets"].status) == ("not_met", "met")
    assert "Alarm since the period from 2026-08-01" in findings[DRIFT].statement
    assert "chance raises an alarm in at most 5% of periods, over all series together" in findings[DRIFT].statement
    assert findings[DRIFT].interval.low < 0.16 < findings[DRIFT].interval.high
    rows = {row[0]: row[-3:] for row in tables["S4.2.drift"].rows}
    assert rows == {"logins": ["2026-08-01", 3, "none"], "tickets": [None, 0, None]}
    assert figures[0].caption.startswith("Alarm in the last period: logins (")


def test_an_alarm_that_is_over_counts_but_does_not_fail_the_last_period(project):
    findings, tables, _ = found(case(project, counts=series("logins", moved=MONTHS[2:4])), stage.drift_by_period)
    assert findings[DRIFT].status == "met"
    assert tables["S4.2.drift"].rows[0][-3:] == [None, 2, None]


def test_what_is_done_about_an_alarm_stands_beside_it(project):
    action = {"finding": DRIFT, "action": "Look.", "owner": "Olu", "due": date(2026, 12, 1)}
    for closed, told in (({}, "due 2026-12-01"), ({"closed": date(2026, 10, 30)}, "closed 2026-10-30")):
        made = case(project, counts=series("logins", moved=MONTHS[4:]), actions=[action | closed])
        findings, tables, _ = found(made, stage.drift_by_period)
        assert f"Action: {told}." in findings[DRIFT].statement
        assert tables["S4.2.drift"].rows[0][-1] == told


def test_a_shift_below_the_policys_size_is_none_however_many_rows_show_it(project):
    slight = tuple(100 * (c + d) for c, d in zip(USUAL, (15, 0, 0, 0, -15), strict=True))
    counts = series("logins", MONTHS[:5], counts=tuple(100 * c for c in USUAL)) + series(
        "logins", MONTHS[5:], counts=slight
    )
    findings, tables, _ = found(case(project, counts=counts), stage.drift_by_period)
    _, _, _, index, _, _, noise, _, p, *_ = tables["S4.2.drift"].rows[0]
    assert index > noise
    assert p < 1e-6
    assert findings[DRIFT].status == "met"


def test_a_large_index_on_few_rows_is_chance_and_not_settled(project):
    counts = series("logins", MONTHS[:5]) + series("logins", MONTHS[5:], counts=(6, 9, 5, 1, 4))
    findings, _, _ = found(case(project, counts=counts), stage.drift_by_period)
    assert findings[DRIFT].value > 0.1
    assert findings[DRIFT].status == "inconclusive"
    assert "rows a period would be enough" in findings[DRIFT].statement


def test_a_small_cell_shows_no_number(project):
    counts = series("logins", MONTHS[:5]) + series("logins", MONTHS[5:], counts=(2, 3, 1, 1, 1))
    findings, tables, figures = found(case(project, counts=counts), stage.drift_by_period)
    assert (findings[DRIFT].status, findings[DRIFT].value) == ("inconclusive", None)
    assert findings[DRIFT].statement == "logins: fewer than 10 rows: withheld."
    assert tables["S4.2.drift"].rows[0][1:9] == [None] * 8
    assert tables["S4.2.drift"].hidden == 1
    assert "2026-10" not in figures[0].alt


def test_the_baseline_is_the_named_period_else_the_marked_rows_else_the_first(project):
    counts = series("logins", moved=MONTHS[1:])
    assert found(case(project, counts=counts), stage.drift_by_period)[0][DRIFT].status == "not_met"
    named = case(project, counts=counts, plan=SIGNED | {"baseline": date(2026, 6, 1)})
    findings, _, _ = found(named, stage.drift_by_period)
    assert findings[DRIFT].status == "met"
    assert "against the period from 2026-06-01" in findings[DRIFT].statement
    marked = series("logins", ["2026-01-01"], counts=MOVED, baseline="yes")
    rows = marked + [row | {"baseline": "no"} for row in series("logins", moved=MONTHS)]
    findings, _, _ = found(case(project, counts=rows), stage.drift_by_period)
    assert findings[DRIFT].status == "met"
    assert "against the rows marked as baseline" in findings[DRIFT].statement


def test_a_baseline_without_counts_settles_nothing(project):
    made = case(project, counts=series("logins"), plan=SIGNED | {"baseline": date(2025, 6, 1)})
    findings, _, _ = found(made, stage.drift_by_period)
    assert findings[DRIFT].status == "not_assessed"
    assert "in a baseline and a later period" in findings[DRIFT].statement


def test_a_feature_that_nobody_watches_is_named(project):
    events = [row | {"score": "0.5"} for row in people(4, gender=lambda _: "f", decision=2)]
    made = case(project, counts=series("tickets"), events=[e | {"logins": 1} for e in events])
    findings, _, _ = found(made, stage.drift_by_period)
    assert (findings["S4.2.watched"].status, findings["S4.2.watched"].value) == ("not_met", 0)
    assert "Nobody watches logins, score." in findings["S4.2.watched"].statement


def test_a_feature_no_longer_counted_is_neither_watched_nor_met(project):
    counts = series("logins", MONTHS[:5]) + series("tickets")
    findings, _, _ = found(case(project, counts=counts), stage.drift_by_period)
    assert findings["S4.2.watched"].status == "not_met"
    assert findings[DRIFT].status == "not_assessed"
    assert "2026-10-01 (logins)" in findings["S4.2.periods_present"].statement


def test_missing_periods_are_named(project):
    counts = series("logins", [*MONTHS[:2], *MONTHS[3:]]) + series("tickets", [*MONTHS[:2], *MONTHS[4:]])
    counts += series("tickets", MONTHS[3:4], counts=(0, 0, 0, 0, 0))
    finding = found(case(project, counts=counts), stage.drift_by_period)[0]["S4.2.periods_present"]
    assert (finding.status, finding.value, finding.n) == ("not_met", 0.75, 12)
    assert "Without counts: 2026-07-01 (all); 2026-08-01 (tickets)." in finding.statement


def test_a_feature_watched_from_later_on_misses_nothing_before(project):
    counts = series("logins") + series("tickets", MONTHS[3:])
    assert found(case(project, counts=counts), stage.drift_by_period)[0]["S4.2.periods_present"].status == "met"


@pytest.mark.parametrize(
    ("counts", "plan", "waits"),
    [
        (None, None, "the table monitoring"),
        (series("logins", MONTHS[:3]), None, r"counts of the last 45 days .* ended on 2026-08-01"),
        (series("logins"), SIGNED | {"on": date(2025, 10, 1)}, "looked through in the last 12 months"),
        (series("logins"), SIGNED | {"on": date(2026, 11, 2)}, "this one is dated 2026-11-02"),
        (series("logins", MONTHS[5:]), None, "the length of a period"),
        (series("logins", ["2026-12-01"]), None, "rows of the table monitoring up to 2026-11-01"),
        (series("logins", counts=(0, 0, 0, 0, 0)), None, "rows of the table monitoring up to 2026-11-01"),
        (series("logins", counts=(1.5, 2, 3, 4, 5)), None, "counts of whole rows"),
        ([row for i in range(201) for row in series(f"f{i}", MONTHS[4:])], None, "at most 200 features and scores"),
    ],
)
def test_what_cannot_be_compared_is_not_assessed_and_says_why(project, counts, plan, waits):
    findings, tables, figures = found(case(project, counts=counts, plan=plan), stage.drift_by_period)
    assert {f.status for f in findings.values()} == {"not_assessed"}
    assert set(findings) == {"S4.2.drift", "S4.2.watched", "S4.2.periods_present"}
    assert all(re.search(waits, f.statement) for f in findings.values())
    assert (tables, figures) == ({}, ())


def test_a_system_whose_features_nobody_knows_has_no_coverage(project):
    made = case(project, counts=series("logins"), system={"features": ...})
    findings, _, _ = found(made, stage.drift_by_period)
    assert findings["S4.2.watched"].status == "not_assessed"
    assert findings[DRIFT].status == "met"


def test_a_text_has_no_order_and_no_distance(project):
    made = case(project, counts=series("logins"), system={"features": {"logins": {"column": "logins", "type": "text"}}})
    findings, tables, _ = found(made, stage.drift_by_period)
    assert tables["S4.2.drift"].rows[0][7:9] == [None, None]
    assert "Kolmogorov" not in findings[DRIFT].statement


def test_weeks_are_told_from_the_table_and_stated_months_add_them_up(project):
    weeks = ["2026-09-07", "2026-09-14", "2026-09-28", "2026-10-05", "2026-10-12"]
    findings, _, _ = found(case(project, counts=series("logins", weeks)), stage.drift_by_period)
    assert "2026-09-21 (all)" in findings["S4.2.periods_present"].statement
    made = case(project, counts=series("logins", weeks), plan=SIGNED | {"every": "month"})
    findings, tables, _ = found(made, stage.drift_by_period)
    assert findings["S4.2.periods_present"].status == "met"
    assert tables["S4.2.drift"].rows[0][1:3] == [2000, 3000]


def test_more_features_share_the_rate_of_false_alarms(project):
    alone = found(case(project, counts=series("logins")), stage.drift_by_period)[1]["S4.2.drift"].rows[0][6]
    counts = [row for name in ("logins", *"abcdefghi") for row in series(name)]
    among = found(case(project, counts=counts), stage.drift_by_period)[1]["S4.2.drift"].rows[-1]
    assert among[0] == "logins"
    assert among[6] > alone


def test_names_from_the_table_are_safe_in_ids_and_figures(project):
    findings, _, figures = found(case(project, counts=series("<script>$x$")), stage.drift_by_period)
    assert any(name.startswith("S4.2.drift._script_x_") for name in findings)
    assert b"<script" not in figures[0].svg


# --- performance -------------------------------------------------------------------------------------------------


def decided(month, n, *, right, gender="f", selected=0.5, **more):
    """`n` decisions in a month, of which a share is right."""
    rows = []
    for i in range(n):
        chosen, good = i < selected * n, (i * 7919 % n) < right * n
        rows.append(
            {
                "time": f"2026-{month:02d}-{1 + i % 28:02d}",
                "gender": gender,
                "decision": "yes" if chosen else "no",
                "outcome": "yes" if chosen == good else "no",
                "logins": 1,
                **more,
            }
        )
    return rows


def months(rights, n=600):
    return [row for month, right in zip(range(5, 11), rights, strict=False) for row in decided(month, n, right=right)]


def test_performance_that_held_is_met_and_told_by_period(project):
    findings, tables, figures = found(case(project, events=months([0.8] * 6)), stage.performance_by_period)
    assert findings[PERFORMANCE].status == "met"
    assert findings[PERFORMANCE].interval.low < 0 < findings[PERFORMANCE].interval.high
    rows = [row[1:4] for row in tables["S4.2.performance"].rows if row[0] == "accuracy"]
    assert [row[0] for row in rows] == MONTHS[:5]  # the outcomes of October have not matured
    assert all(row[1:] == [600, 0.8] for row in rows)
    assert figures[0].caption.startswith("No alarm in the last period.")


def test_a_drop_below_the_baseline_is_an_alarm(project):
    findings, tables, figures = found(
        case(project, events=months([0.8, 0.8, 0.8, 0.8, 0.6])), stage.performance_by_period
    )
    finding = findings[PERFORMANCE]
    assert (finding.status, round(finding.value, 3)) == ("not_met", -0.2)
    assert "chance raises one in at most 5% of periods, over 3 rates together" in finding.statement
    assert [row[-1] for row in tables["S4.2.performance"].rows if row[0] == "accuracy"] == [
        "baseline",
        *["no"] * 3,
        "yes",
    ]
    assert "accuracy" in figures[0].caption


def test_a_rise_is_no_drop(project):
    findings, _, _ = found(case(project, events=months([0.6, 0.6, 0.6, 0.6, 0.9])), stage.performance_by_period)
    assert findings[PERFORMANCE].status == "met"


def test_too_few_rows_leave_a_drop_open_and_say_how_many_would_settle_it(project):
    findings, _, _ = found(case(project, events=months([0.8] * 5, n=40)), stage.performance_by_period)
    assert findings[PERFORMANCE].status == "inconclusive"
    assert "rows a period would be enough" in findings[PERFORMANCE].statement


def test_the_named_baseline_holds_for_performance_too(project):
    events = months([0.95, 0.7, 0.7, 0.7, 0.7])
    assert found(case(project, events=events), stage.performance_by_period)[0][PERFORMANCE].status == "not_met"
    named = case(project, events=events, plan=SIGNED | {"baseline": date(2026, 6, 1)})
    findings, _, _ = found(named, stage.performance_by_period)
    assert findings[PERFORMANCE].status == "met"
    assert "against the period from 2026-06-01" in findings[PERFORMANCE].statement


def test_months_without_decisions_do_not_pass_on_older_ones(project):
    findings, _, _ = found(case(project, events=months([0.8, 0.8])), stage.performance_by_period)
    assert findings[PERFORMANCE].status == "not_assessed"
    assert "ended on 2026-10-01 (the newest: 2026-07-01)" in findings[PERFORMANCE].statement


def test_small_cells_of_a_period_are_withheld(project):
    events = months([0.8] * 4) + decided(9, 6, right=0.8)
    findings, tables, _ = found(case(project, events=events), stage.performance_by_period)
    assert (findings[PERFORMANCE].status, findings[PERFORMANCE].value) == ("inconclusive", None)
    last = [row for row in tables["S4.2.performance"].rows if row[1] == "2026-09-01"]
    assert [row[2:6] for row in last] == [[None] * 4] * 3
    assert tables["S4.2.performance"].hidden == 3


def test_without_outcomes_nothing_is_told_of_performance(project):
    events = [{k: v for k, v in row.items() if k != "outcome"} for row in months([0.8] * 5)]
    findings, tables, _ = found(case(project, events=events), stage.performance_by_period)
    assert {f.status for f in findings.values()} == {"not_assessed"}
    assert "column for outcome" in findings[PERFORMANCE].statement
    assert tables == {}


def talked(month, n, *, resolved, **more):
    return people(
        n, time=lambda i: f"2026-{month:02d}-{1 + i % 28:02d}", gender=lambda i: "fm"[i % 2], resolved=resolved, **more
    )


def test_an_assistant_is_told_by_what_it_resolves_up_to_the_last_month(project):
    events = [row for m in range(5, 11) for row in talked(m, 500, resolved=400 if m < 10 else 300, grounded=480)]
    made = case(project, events=events, table="conversations", system={"features": ...}, counts=series("turns"))
    findings, tables, _ = found(made, stage.performance_by_period)
    assert findings["S4.2.performance.resolved"].status == "not_met"
    assert findings["S4.2.performance.grounded"].status == "met"
    assert [row[1] for row in tables["S4.2.performance"].rows if row[0] == "share resolved"] == MONTHS
    findings, _, _ = found(made, stage.drift_by_period)
    assert "S4.2.watched" not in findings  # an assistant has no features and no score


# --- gaps --------------------------------------------------------------------------------------------------------


def apart(shares, n=500):
    """Decisions from May on, with the share of women selected by month, and of men one half."""
    return [
        row
        for month, share in zip(range(5, 11), shares, strict=False)
        for row in (*decided(month, n, right=0.8, selected=share), *decided(month, n, right=0.8, gender="m"))
    ]


def test_a_gap_that_widens_is_found_with_its_slope(project):
    findings, tables, figures = found(
        case(project, events=apart([0.5, 0.46, 0.42, 0.38, 0.34, 0.3])), stage.gaps_by_period
    )
    finding = findings[GAPS]
    assert (finding.status, round(finding.value, 2)) == ("not_met", 0.2)
    assert finding.interval.low > 0.1
    assert "+20.0 points over 5 months (+4.0 points each)" in finding.statement
    assert "Action: none." in finding.statement
    rows = [row for row in tables["S4.2.gaps"].rows if row[1] == "selection rate"]
    assert [abs(round(row[5], 2)) for row in rows] == [0, 0.04, 0.08, 0.12, 0.16, 0.2]
    assert figures[0].caption.startswith("Alarm in the last period: gender: ")


@pytest.mark.parametrize("shares", [[0.3] * 6, [0.3, 0.34, 0.38, 0.42, 0.46, 0.5]])
def test_a_gap_that_stays_or_closes_is_none_of_monitoring(project, shares):
    findings, _, _ = found(case(project, events=apart(shares)), stage.gaps_by_period)
    assert findings[GAPS].status == "met"
    assert "would have been seen (80% power)" in findings[GAPS].statement


def test_few_rows_that_could_hide_a_widening_gap_leave_it_open(project):
    findings, _, _ = found(case(project, events=apart([0.5] * 6, n=60)), stage.gaps_by_period)
    assert findings[GAPS].status == "inconclusive"
    assert "rows a period would be enough" in findings[GAPS].statement


def test_two_periods_are_no_trend(project):
    findings, _, _ = found(case(project, events=[*apart([0.5] * 6)[4000:]]), stage.gaps_by_period)
    assert findings[GAPS].status == "not_assessed"
    assert "3 periods with 30 rows on both sides" in findings[GAPS].statement


def test_groups_too_small_for_a_trend_leave_it_open_only_where_they_hold_much(project):
    few = [row for m in range(5, 11) for row in decided(m, 20, right=0.8, gender="x")]
    findings, _, _ = found(case(project, events=apart([0.5] * 6) + few), stage.gaps_by_period)
    assert findings[GAPS].status == "met"
    many = [row for m in range(5, 11) for g in "abcdefgh" for row in decided(m, 20, right=0.8, gender=g)]
    made = case(project, events=apart([0.5] * 6, n=150) + many)
    assert found(made, stage.gaps_by_period)[0][GAPS].status == "inconclusive"


def test_small_groups_are_withheld_by_period(project):
    few = [row for m in range(5, 11) for row in decided(m, 6, right=0.5, gender="x")]
    _, tables, _ = found(case(project, events=apart([0.5] * 6) + few), stage.gaps_by_period)
    assert "x" not in {row[3] for row in tables["S4.2.gaps"].rows}
    assert tables["S4.2.gaps"].hidden > 5


def test_an_attribute_that_is_not_held_or_mostly_unknown_is_not_assessed(project):
    rows = [row | {"age_band": ""} for row in apart([0.5] * 6)]
    findings, _, _ = found(case(project, events=rows), stage.gaps_by_period)
    assert findings["S4.2.gap.age_band"].status == "not_assessed"
    made = case(project, events=apart([0.5] * 6))
    vars(made.dossier.system)["attributes"] = {}
    assert {f.status for f in found(made, stage.gaps_by_period)[0].values()} == {"not_assessed"}


def test_decisions_that_repeat_within_customers_tell_less(project):
    plain = apart([0.5, 0.47, 0.44, 0.41, 0.38, 0.35], n=300)
    repeated = [row | {"customer": f"c{i // 3}"} for i, row in enumerate(plain)]
    once, again = (found(case(project, events=rows), stage.gaps_by_period)[0][GAPS] for rows in (plain, repeated))
    assert once.value == pytest.approx(again.value, abs=0.03)
    assert again.interval.high - again.interval.low > 1.2 * (once.interval.high - once.interval.low)


def test_no_customer_reaches_a_table(project):
    made = case(project, events=apart([0.5] * 6))
    for step in (stage.performance_by_period, stage.gaps_by_period):
        assert not any(str(v).startswith("c0") for t in found(made, step)[1].values() for row in t.rows for v in row)
