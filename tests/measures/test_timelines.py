"""Notice, opt-out, retention, audit log and training, against slow obvious loops."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import timelines
from ethics_kit.measures.timelines import Courses, Retention, Share
from tests.measures.moments import NOON, at, events, table

PEOPLE, PURPOSES = ["ann", "ben", None], ["offers", "triage", None]
ONE = ("ann", 0, "offers")

few = st.integers(-2, 2)
rows_of_events = st.lists(
    st.tuples(st.sampled_from(PEOPLE), few | st.none(), st.sampled_from(PURPOSES)), min_size=1, max_size=12
)

# --- notice -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("notice", "count"), [(-1, 1), (0, 1), (1, 0), (None, 0)])
def test_a_notice_counts_up_to_the_second_of_the_first_event(notice: int | None, count: int) -> None:
    found = timelines.noticed_before_first_event(
        events(ONE, ("ann", 5, "offers")), table("customer time", ("ann", notice))
    )
    assert found == Share(count, 1)


def test_customers_are_counted_once_and_only_with_an_event() -> None:
    told = table("customer time", ("ann", -1), ("ann", 3), ("ben", -1), ("cleo", -1))
    assert timelines.noticed_before_first_event(events(ONE, ONE, ("ben", 0, "offers")), told) == Share(2, 2)


def test_without_notices_nobody_was_told() -> None:
    assert timelines.noticed_before_first_event(events(ONE), table("customer time")) == Share(0, 1)


def test_without_events_there_is_nobody_to_tell() -> None:
    assert timelines.noticed_before_first_event(events(), table("customer time", ("ann", 0))) == Share(0, 0)


@given(rows_of_events, st.lists(st.tuples(st.sampled_from(PEOPLE), few | st.none()), max_size=6))
@settings(max_examples=40, deadline=None)
def test_notices_equal_a_loop_over_customers(drawn: list[tuple[Any, ...]], told: list[tuple[Any, ...]]) -> None:
    people = {e[0] for e in drawn}
    count = 0
    for person in people:
        first = min((e[1] for e in drawn if e[0] == person and e[1] is not None), default=None)
        notices = [t for p, t in told if p == person and p is not None and t is not None]
        count += first is not None and any(t <= first for t in notices)
    found = timelines.noticed_before_first_event(events(*drawn), table("customer time", *told))
    assert found == Share(count, len(people))


# --- opt-out ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opt_out", "count"),
    [
        pytest.param(("ann", 0, None), 0, id="same second"),
        pytest.param(("ann", -1, None), 1, id="one second before"),
        pytest.param(("ann", 1, None), 0, id="later"),
        pytest.param(("ann", -1, "offers"), 1, id="from this purpose"),
        pytest.param(("ann", -1, "triage"), 0, id="from another purpose"),
        pytest.param(("ben", -1, None), 0, id="another customer"),
        pytest.param((None, -1, None), 0, id="nobody"),
    ],
)
def test_an_opt_out_counts_strictly_before_the_event_and_for_its_purpose(opt_out: tuple[Any, ...], count: int) -> None:
    assert timelines.events_after_opt_out(events(ONE), table("customer time purpose", opt_out)) == Share(count, 1)


def test_an_event_without_a_purpose_is_hit_by_every_opt_out() -> None:
    found = timelines.events_after_opt_out(
        events(("ann", 0, None)), table("customer time purpose", ("ann", -1, "offers"))
    )
    assert found == Share(1, 1)


def test_opt_outs_without_a_purpose_column_are_from_all() -> None:
    assert timelines.events_after_opt_out(events(ONE), table("customer time", ("ann", -1))) == Share(1, 1)


def test_events_at_the_same_second_after_two_opt_outs_count_once_each() -> None:
    left = table("customer time purpose", ("ann", -2, None), ("ann", -1, "offers"))
    assert timelines.events_after_opt_out(events(ONE, ONE), left) == Share(2, 2)


@pytest.mark.parametrize(
    ("purposes", "misspelt"), [(["offers", "triage"], 2), (["offers "], 3), ([], 0)], ids=["two", "spaced", "none"]
)
def test_rows_of_nobody_known_and_purposes_spelt_otherwise_are_counted(purposes: list[str], misspelt: int) -> None:
    rows = events(
        ("ann", 0, "offers"), ("eve", 0, " Offers"), (None, 0, "OFFERS"), ("ben", 0, None), ("ben", 0, "else")
    )
    known = table("customer", ("ann",), ("ben",), ("ben",), (None,))
    assert timelines.unmatched(rows, known, purposes) == (Share(2, 5), Share(misspelt, 5))
    assert timelines.unmatched(rows.drop("purpose"), known, purposes) == (Share(2, 5), Share(0, 5))


def test_no_events_are_none_after_an_opt_out() -> None:
    assert timelines.events_after_opt_out(events(), table("customer time", ("ann", -1))) == Share(0, 0)


@given(
    rows_of_events,
    st.lists(st.tuples(st.sampled_from(PEOPLE), few | st.none(), st.sampled_from(PURPOSES)), max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_opt_outs_equal_a_loop_over_events(drawn: list[tuple[Any, ...]], left: list[tuple[Any, ...]]) -> None:
    def ignored(event: tuple[Any, ...], row: tuple[Any, ...]) -> bool:
        (customer, time, purpose), (who, when, scope) = event, row
        known = None not in (customer, who, time, when)
        return known and customer == who and time > when and (None in (scope, purpose) or scope == purpose)

    count = sum(any(ignored(e, r) for r in left) for e in drawn)
    found = timelines.events_after_opt_out(events(*drawn), table("customer time purpose", *left))
    assert found == Share(count, len(drawn))


# --- retention ----------------------------------------------------------------------------------------------------


def day_of(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), datetime.min.time())


def test_a_row_exactly_at_its_limit_is_kept_in_time_and_a_second_older_is_not() -> None:
    ages = table("given", (-86_400,), (-86_401,))
    found = timelines.rows_over_limit(ages.given, days=1, as_of=NOON)
    assert found == Retention(over=1, n=2, oldest=day_of(at(-86_401)), next_30=1, next_90=1)


def test_a_row_without_a_time_is_not_counted_as_kept_in_time() -> None:
    found = timelines.rows_over_limit(table("time", (0,), (None,)).time, days=1, as_of=NOON)
    assert found == Retention(over=1, n=2, oldest=day_of(NOON), next_30=1, next_90=1)


def test_rows_without_any_time_have_no_oldest() -> None:
    assert timelines.rows_over_limit(table("time", (None,)).time, days=1, as_of=NOON) == Retention(1, 1, None)


def test_rows_fall_due_within_so_many_days_and_those_over_the_limit_are_not_among_them() -> None:
    day = 86_400
    ages = table("time", (-101 * day,), (-99 * day,), (-60 * day,), (-20 * day,), (-5 * day,), (None,))
    found = timelines.rows_over_limit(ages.time, days=100, as_of=NOON)
    assert (found.over, found.next_30, found.next_90) == (2, 1, 3)


def test_no_rows_are_none_over_the_limit() -> None:
    assert timelines.rows_over_limit(table("time").time, days=1, as_of=NOON) == Retention(0, 0, None)


# --- audit log ----------------------------------------------------------------------------------------------------


def test_a_row_is_complete_when_every_field_has_a_value() -> None:
    log = table("actor reason", ("a", "r"), ("a", None), (None, None))
    assert timelines.rows_complete(log, ["actor", "reason"]) == (Share(1, 3), {"actor": 1, "reason": 2})


def test_only_the_fields_asked_for_make_a_row_incomplete() -> None:
    log = table("actor reason", ("a", None))
    assert timelines.rows_complete(log, ["actor"]) == (Share(1, 1), {"actor": 0})


def test_an_empty_log_is_nothing_of_nothing() -> None:
    assert timelines.rows_complete(table("actor"), ["actor"]) == (Share(0, 0), {"actor": 0})


# --- training -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("completed", "expires", "count"),
    [(0, None, 1), (1, None, 0), (None, None, 0), (-9, 0, 0), (-9, 1, 1), (-9, -1, 0), (None, 1, 0)],
)
def test_training_is_current_from_its_completion_up_to_its_expiry(
    completed: int | None, expires: int | None, count: int
) -> None:
    courses = table("role completed expires", ("agent", completed, expires))
    found = timelines.current_training(courses, as_of=NOON)["agent"]
    assert (found.current, found.n) == (count, 1)


def test_training_without_an_expiry_column_does_not_lapse() -> None:
    courses = table("role completed", ("agent", -1), ("agent", None), ("lead", -1))
    found = timelines.current_training(courses, as_of=NOON)
    assert found == {"agent": Courses(1, 2, 0, 0), "lead": Courses(1, 1, 0, 0)}


def test_a_course_taken_again_counts_once_and_lapses_when_the_later_one_does() -> None:
    again = [("agent", "p1", "basics", -9000, -2), ("agent", "p1", "basics", -50, 20 * 86400)]
    courses = table("role person course completed expires", *again, ("agent", "p2", "basics", -9, 80 * 86400))
    assert timelines.current_training(courses, as_of=NOON) == {"agent": Courses(2, 2, 1, 2)}
    both = [("agent", "p1", "basics", -50, 20 * 86400), ("agent", "p1", "basics", -10, 200 * 86400)]
    longer = table("role person course completed expires", *both)
    assert timelines.current_training(longer, as_of=NOON) == {"agent": Courses(1, 1, 0, 0)}
    gone = table("role person course completed expires", again[0])
    assert timelines.current_training(gone, as_of=NOON) == {"agent": Courses(0, 1, 0, 0)}


def test_a_course_asked_for_without_a_row_is_open_and_others_do_not_count() -> None:
    rows = [("agent", "p1", "basics", -9), ("agent", "p1", "yoga", None), ("agent", "p2", "yoga", -9)]
    courses = table("role person course completed", *rows, ("lead", "p3", "yoga", -9))
    found = timelines.current_training(courses, as_of=NOON, required={"agent": ["basics", "bias"], "chair": ["bias"]})
    assert found == {"agent": Courses(1, 4, 0, 0), "lead": Courses(1, 1, 0, 0)}
