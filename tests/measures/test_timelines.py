"""Consent, notice, opt-out, retention, audit log and training, against slow obvious loops."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import timelines
from ethics_kit.measures.timelines import ConsentCounts, Retention, Share

NOON = datetime.fromisoformat("2026-10-01T12:00")
SECOND = timedelta(seconds=1)
TIMES = {"time", "given", "withdrawn", "expires", "completed"}
PEOPLE, PURPOSES = ["ann", "ben", None], ["offers", "triage", None]


def at(seconds: int | None) -> datetime | None:
    return None if seconds is None else NOON + seconds * SECOND


def table(names: str, *rows: tuple[Any, ...]) -> ibis.Table:
    """Columns by name, with times as seconds after noon."""
    columns = {}
    for i, name in enumerate(names.split()):
        values = [row[i] for row in rows]
        if name in TIMES:
            columns[name] = pa.array([at(v) for v in values], pa.timestamp("us"))
        else:
            columns[name] = pa.array(values, pa.string())
    return ibis.memtable(pa.table(columns))


def events(*rows: tuple[Any, ...]) -> ibis.Table:
    return table("customer time purpose", *rows)


def consents(*rows: tuple[Any, ...]) -> ibis.Table:
    return table("customer purpose given withdrawn expires", *rows)


def state(found: ConsentCounts) -> str:
    """The state of a single event."""
    assert found.total == 1
    return next(k for k in ("in_force", "withdrawn", "expired", "wrong_purpose", "none") if getattr(found, k))


ONE = ("ann", 0, "offers")

# --- consent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("consent", "expected"),
    [
        pytest.param(("ann", "offers", 0, None, None), "in_force", id="given at the same second"),
        pytest.param(("ann", "offers", 1, None, None), "none", id="given one second later"),
        pytest.param(("ann", "offers", -9, 0, None), "withdrawn", id="withdrawn at the same second"),
        pytest.param(("ann", "offers", -9, 1, None), "in_force", id="withdrawn one second later"),
        pytest.param(("ann", "offers", -9, None, 0), "expired", id="expired at the same second"),
        pytest.param(("ann", "offers", -9, None, 1), "in_force", id="expired one second later"),
        pytest.param(("ann", "offers", -9, -2, -1), "withdrawn", id="withdrawn and expired"),
        pytest.param(("ann", "triage", -9, None, None), "wrong_purpose", id="another purpose in force"),
        pytest.param(("ann", "triage", -9, -1, None), "none", id="another purpose, withdrawn"),
        pytest.param(("ann", "triage", -9, None, -1), "none", id="another purpose, expired"),
        pytest.param(("ben", "offers", -9, None, None), "none", id="another customer"),
        pytest.param(("ann", "offers", None, None, None), "none", id="given at no known time"),
        pytest.param((None, "offers", -9, None, None), "none", id="given by nobody"),
    ],
)
def test_consent_is_judged_at_the_second_of_the_event(consent: tuple[Any, ...], expected: str) -> None:
    assert state(timelines.consent_states(events(ONE), consents(consent))) == expected


@pytest.mark.parametrize("event", [(None, 0, "offers"), ("ann", None, "offers")])
def test_an_event_of_nobody_or_of_no_time_has_no_consent(event: tuple[Any, ...]) -> None:
    assert state(timelines.consent_states(events(event), consents(("ann", "offers", -9, None, None)))) == "none"


def test_an_event_without_a_purpose_has_no_consent_in_force() -> None:
    found = timelines.consent_states(events(("ann", 0, None)), consents(("ann", "offers", -9, None, None)))
    assert found.without == 1


def test_consent_given_again_after_a_withdrawal_is_in_force() -> None:
    history = consents(("ann", "offers", -9, -5, None), ("ann", "offers", -3, None, None))
    found = timelines.consent_states(events(("ann", -4, "offers"), ONE), history)
    assert (found.withdrawn, found.in_force) == (1, 1)


def test_a_withdrawal_weighs_more_than_another_purposes_consent() -> None:
    history = consents(("ann", "offers", -9, -5, None), ("ann", "triage", -9, None, None))
    assert state(timelines.consent_states(events(ONE), history)) == "withdrawn"


def test_decisions_on_one_customer_at_the_same_second_all_count() -> None:
    several = events(ONE, ONE, ONE, ("ann", 0, "triage"))
    found = timelines.consent_states(several, consents(("ann", "offers", -9, None, None)))
    assert found == ConsentCounts(total=4, in_force=3, withdrawn=0, expired=0, wrong_purpose=1, none=0)


def test_two_consents_do_not_count_an_event_twice() -> None:
    twice = consents(("ann", "offers", -9, None, None), ("ann", "offers", -8, None, None))
    assert timelines.consent_states(events(ONE), twice).total == 1


def test_consents_without_withdrawal_and_expiry_columns_stay_in_force() -> None:
    found = timelines.consent_states(events(ONE), table("customer purpose given", ("ann", "offers", -9)))
    assert state(found) == "in_force"


def test_without_any_consent_row_every_event_is_without() -> None:
    found = timelines.consent_states(events(ONE, ONE), consents())
    assert (found.none, found.without) == (2, 2)


def test_no_events_are_no_consent_counts() -> None:
    assert timelines.consent_states(events(), consents()) == ConsentCounts(0, 0, 0, 0, 0, 0)


few = st.integers(-2, 2)
rows_of_events = st.lists(
    st.tuples(st.sampled_from(PEOPLE), few | st.none(), st.sampled_from(PURPOSES)), min_size=1, max_size=12
)
rows_of_consents = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PURPOSES), few | st.none(), few | st.none(), few | st.none()),
    max_size=8,
)


def slow_state(event: tuple[Any, ...], rows: list[tuple[Any, ...]]) -> str:
    customer, time, purpose = event
    begun = [r for r in rows if customer is not None and r[0] == customer and None not in (r[2], time) and r[2] <= time]

    def ended(row: tuple[Any, ...], column: int) -> bool:
        return row[column] is not None and row[column] <= time

    own = [r for r in begun if purpose is not None and r[1] == purpose]
    if any(not ended(r, 3) and not ended(r, 4) for r in own):
        return "in_force"
    if any(ended(r, 3) for r in own):
        return "withdrawn"
    if own:
        return "expired"
    return "wrong_purpose" if any(not ended(r, 3) and not ended(r, 4) for r in begun) else "none"


@given(rows_of_events, rows_of_consents)
@settings(max_examples=60, deadline=None)
def test_consent_states_equal_a_loop_over_events(drawn: list[tuple[Any, ...]], given_: list[tuple[Any, ...]]) -> None:
    found = timelines.consent_states(events(*drawn), consents(*given_))
    expected = Counter(slow_state(e, given_) for e in drawn)
    assert found == ConsentCounts(
        total=len(drawn), **{k: expected[k] for k in ("in_force", "withdrawn", "expired", "wrong_purpose", "none")}
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


def test_a_row_exactly_at_its_limit_is_kept_in_time_and_a_second_older_is_not() -> None:
    ages = table("given", (-86_400,), (-86_401,))
    found = timelines.rows_over_limit(ages.given, days=1, as_of=NOON)
    assert found == Retention(over=1, n=2, oldest=at(-86_401))


def test_a_row_without_a_time_is_not_counted_as_kept_in_time() -> None:
    found = timelines.rows_over_limit(table("time", (0,), (None,)).time, days=1, as_of=NOON)
    assert found == Retention(over=1, n=2, oldest=NOON)


def test_rows_without_any_time_have_no_oldest() -> None:
    assert timelines.rows_over_limit(table("time", (None,)).time, days=1, as_of=NOON) == Retention(1, 1, None)


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
    assert timelines.current_training(courses, as_of=NOON) == {"agent": Share(count, 1)}


def test_training_without_an_expiry_column_does_not_lapse() -> None:
    courses = table("role completed", ("agent", -1), ("agent", None), ("lead", -1))
    assert timelines.current_training(courses, as_of=NOON) == {"agent": Share(1, 2), "lead": Share(1, 1)}
