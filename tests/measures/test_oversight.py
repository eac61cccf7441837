"""People's part, counted from small tables whose answer can be read off."""

from dataclasses import replace

import ibis
import pandas as pd
import pytest

from ethics_kit.measures import oversight
from ethics_kit.measures.oversight import Gate
from ethics_kit.measures.timelines import Share

DAY = "2026-06-01T"


def table(rows):
    frame = pd.DataFrame(rows)
    if "time" in frame:
        frame["time"] = pd.to_datetime(frame["time"])
    for name in ("ai_was_right", "overridden", "handover_asked", "handover_granted"):
        if name in frame:
            frame[name] = frame[name].astype("boolean")
    return ibis.memtable(frame)


def review(team, overridden, right, seconds=60.0, decision="d1"):
    return {
        "decision": decision,
        "time": f"{DAY}12:00:00",
        "reviewer_group": team,
        "overridden": overridden,
        "ai_was_right": right,
        "seconds": seconds,
    }


def test_reviews_are_counted_by_team_and_by_whether_the_system_was_right():
    rows = [review("day", False, True), review("day", True, True), review("day", False, False, 4.0)]
    rows += [review("day", True, False), review("night", False, None, None), review("night", False, False, 9.99)]
    rows += [review("night", False, False, 10.0)] * 5
    night, day = oversight.by_reviewer_group(table(rows), seconds_min=10, run_length=3)
    assert (day.group, day.n, day.overridden) == ("day", 4, 2)
    assert (day.right, day.right_overridden, day.wrong, day.wrong_kept) == (2, 1, 2, 1)
    assert (day.fast, day.timed, day.median, day.unsettled) == (1, 4, 60.0, 0)
    assert (night.n, night.wrong, night.wrong_kept, night.unsettled) == (7, 6, 6, 1)
    assert (night.fast, night.timed, night.median) == (1, 6, 10.0)
    assert (day.in_runs, night.in_runs) == (0, 6)  # 9.99 and five times 10.0 are one speed; the untimed one is none


def test_a_run_ends_where_decision_speed_or_team_change():
    def rows(*kinds):
        return [
            review(t, o, None, s, f"d{i:02d}") | {"time": f"{DAY}12:00:{i:02d}"} for i, (t, o, s) in enumerate(kinds)
        ]

    def counted(*kinds):
        found = oversight.by_reviewer_group(table(rows(*kinds)), seconds_min=1, run_length=3)
        return {t.group: t.in_runs for t in found}

    same = ("a", False, 5.0)
    assert counted(same, same, same, same) == {"a": 4}
    assert counted(same, same, ("a", True, 5.0), same, same) == {"a": 0}
    assert counted(same, same, ("a", False, 7.0), same, same) == {"a": 0}
    assert counted(same, same, ("a", False, None), same, same) == {"a": 0}
    assert counted(same, ("b", True, 5.0), same, ("b", True, 5.0), same) == {"a": 3, "b": 0}


def test_reviews_by_month_add_up_to_those_of_the_team():
    rows = [review("a", i % 2 == 0, i % 3 > 0, float(i)) | {"time": f"2026-0{5 + i % 4}-11"} for i in range(40)]
    (whole,) = oversight.by_reviewer_group(table(rows), seconds_min=10, run_length=3)
    months = oversight.by_month(table(rows), seconds_min=10, run_length=3)
    assert [m.month.isoformat() for m in months] == ["2026-05-01", "2026-06-01", "2026-07-01", "2026-08-01"]
    summed = oversight.together(months, group="a")
    assert summed == replace(whole, median=None)


def test_without_columns_nothing_is_made_up():
    rows = table([{"decision": "d1", "overridden": True}, {"decision": "d2", "overridden": False}])
    (only,) = oversight.by_reviewer_group(rows, seconds_min=10, run_length=3)
    assert (only.group, only.n, only.overridden) == (None, 2, 1)
    assert (only.wrong, only.right, only.timed, only.median) == (0, 0, 0, None)


def events(*rows):
    return table([{"id": i, "time": f"{DAY}08:00:00", "case": c, "actor": a} for i, c, a in rows])


def test_a_review_counts_once_per_event_and_strays_are_told():
    known = events(("d1", "yes", "x"), ("d2", "yes", "x"), ("d3", "no", "x"))
    reviews = table([{"decision": d, "time": f"{DAY}09:00:00"} for d in ("d1", "d1", "zz")])
    assert oversight.review_rate(known, reviews) == (Share(1, 3), Share(1, 3))


@pytest.mark.parametrize(
    ("hours", "passed"), [(1.0, 1), (0.99, 0), (None, 1)], ids=["in time to the second", "too late", "no limit"]
)
def test_a_review_opens_the_gate_only_in_time(hours, passed):
    reviews = table([{"decision": "d1", "time": f"{DAY}09:00:00"}, {"decision": "d1", "time": f"{DAY}20:00:00"}])
    found = oversight.passed(events(("d1", "yes", "service")), reviews, {"yes": [Gate(hours, ["staff"])]})
    assert found == {"yes": Share(passed, 1)}


def test_a_person_as_actor_opens_the_gate_of_that_value_only():
    rows = events(("d1", "yes", "staff"), ("d2", "yes", "service"), ("d3", "no", "staff"), ("d4", None, "staff"))
    found = oversight.passed(rows, None, {"yes": [Gate(None, ["staff"])], "no": [], "late": [Gate(None, ["staff"])]})
    assert found == {"yes": Share(1, 2), "no": Share(0, 1), "late": Share(0, 0)}


def test_a_blank_actor_and_a_missing_column_pass_nobody():
    assert oversight.passed(events(("d1", "yes", None)), None, {"yes": [Gate(None, ["staff"])]}) == {"yes": Share(0, 1)}
    bare = events(("d1", "yes", "staff")).drop("actor", "id")
    assert oversight.passed(bare, None, {"yes": [Gate(None, ["staff"])]}) == {"yes": Share(0, 1)}


def test_who_asked_and_of_whom_nothing_is_logged_got_nobody():
    rows = [(True, True), (True, False), (True, None), (False, True), (None, True)]
    asked = table([{"handover_asked": a, "handover_granted": g} for a, g in rows])
    assert oversight.handed_over(asked) == Share(1, 3)


def test_the_version_in_use_is_that_of_the_newest_day_with_one():
    rows = [("01T09", "m-1"), ("02T09", "m-2"), ("02T23", "m-1"), ("03T09", None)]
    known = table([{"time": f"2026-06-{t}:00:00", "model_version": v} for t, v in rows])
    assert oversight.versions_in_use(known) == {"m-1": 1, "m-2": 1}
