"""Consent in force at each event, per purpose, and what went on after a withdrawal: against a slow obvious loop."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures.consents import ConsentCounts, consent_by_purpose, people_who_withdrew
from tests.measures.moments import NOON, events, table

PEOPLE, PURPOSES = ["ann", "ben", None], ["offers", "triage", None]
ONE = ("ann", 0, "offers")
DAY = 86_400


def consents(*rows: tuple[Any, ...]) -> ibis.Table:
    return table("customer purpose given withdrawn expires", *rows)


def state(found: dict[str | None, ConsentCounts]) -> str:
    """The state of a single event."""
    (counts,) = found.values()
    assert counts.total == 1
    return next(k for k in ("in_force", "withdrawn", "expired", "wrong_purpose", "none") if getattr(counts, k))


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
    assert state(consent_by_purpose(events(ONE), consents(consent))) == expected


@pytest.mark.parametrize("event", [(None, 0, "offers"), ("ann", None, "offers")])
def test_an_event_of_nobody_or_of_no_time_has_no_consent(event: tuple[Any, ...]) -> None:
    assert state(consent_by_purpose(events(event), consents(("ann", "offers", -9, None, None)))) == "none"


def test_an_event_without_a_purpose_has_no_consent_in_force() -> None:
    found = consent_by_purpose(events(("ann", 0, None)), consents(("ann", "offers", -9, None, None)))
    assert found[None].without == 1


def test_consent_given_again_after_a_withdrawal_is_in_force() -> None:
    history = consents(("ann", "offers", -9, -5, None), ("ann", "offers", -3, None, None))
    found = consent_by_purpose(events(("ann", -4, "offers"), ONE), history)
    assert (found["offers"].withdrawn, found["offers"].in_force) == (1, 1)


def test_a_withdrawal_weighs_more_than_another_purposes_consent() -> None:
    history = consents(("ann", "offers", -9, -5, None), ("ann", "triage", -9, None, None))
    assert state(consent_by_purpose(events(ONE), history)) == "withdrawn"


def test_decisions_on_one_customer_at_the_same_second_all_count() -> None:
    several = events(ONE, ONE, ONE, ("ann", 0, "triage"))
    found = consent_by_purpose(several, consents(("ann", "offers", -9, None, None)))
    assert found == {"offers": ConsentCounts(in_force=3), "triage": ConsentCounts(wrong_purpose=1)}


def test_two_consents_do_not_count_an_event_twice() -> None:
    twice = consents(("ann", "offers", -9, None, None), ("ann", "offers", -8, None, None))
    assert consent_by_purpose(events(ONE), twice)["offers"].total == 1


def test_consents_without_withdrawal_and_expiry_columns_stay_in_force() -> None:
    found = consent_by_purpose(events(ONE), table("customer purpose given", ("ann", "offers", -9)))
    assert state(found) == "in_force"


def test_without_any_consent_row_every_event_is_without() -> None:
    found = consent_by_purpose(events(ONE, ONE), consents())
    assert found == {"offers": ConsentCounts(none=2)}


def test_no_events_are_no_consent_counts() -> None:
    assert consent_by_purpose(events(), consents()) == {}


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


def slow_days(event: tuple[Any, ...], rows: list[tuple[Any, ...]]) -> float:
    """Days since the latest withdrawal of a consent that had been given by then."""
    customer, time, purpose = event
    own = [r for r in rows if r[:2] == (customer, purpose) and None not in (r[2], r[3]) and r[2] <= time >= r[3]]
    return (time - max(r[3] for r in own)) / DAY


def slow_counts(drawn: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> ConsentCounts:
    states = [slow_state(e, rows) for e in drawn]
    last: dict[str, float] = {}
    for event, found in zip(drawn, states, strict=True):
        if found == "withdrawn":
            last[event[0]] = max(last.get(event[0], 0), slow_days(event, rows))
    days = (pytest.approx(median(last.values())), pytest.approx(max(last.values()))) if last else (None, None)
    return ConsentCounts(**Counter(states), people_after=len(last), median_days=days[0], longest_days=days[1])


@given(rows_of_events, rows_of_consents)
@settings(max_examples=40)
def test_consents_by_purpose_equal_a_loop_over_events(
    drawn: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]
) -> None:
    found = consent_by_purpose(events(*drawn), consents(*rows))
    assert found == {p: slow_counts([e for e in drawn if e[2] == p], rows) for p in {e[2] for e in drawn}}


# --- withdrawals --------------------------------------------------------------------------------------------------


def test_days_run_from_the_latest_withdrawal_to_each_persons_last_event() -> None:
    history = consents(
        ("ann", "offers", -9, -8, None), ("ann", "offers", -7, -6, None), ("ben", "offers", -9, 2 * DAY, None)
    )
    later = [("ann", DAY - 6, "offers"), ("ann", 3 * DAY - 6, "offers"), ("ben", 3 * DAY, "offers")]
    found = consent_by_purpose(events(*later), history)["offers"]
    assert (found.withdrawn, found.people_after, found.median_days, found.longest_days) == (3, 2, 2.0, 3.0)


def test_an_event_under_renewed_consent_is_not_after_a_withdrawal() -> None:
    history = consents(("ann", "offers", -9, -5, None), ("ann", "offers", -3, None, None))
    found = consent_by_purpose(events(ONE), history)["offers"]
    assert (found.people_after, found.longest_days) == (0, None)


def test_people_who_withdrew_are_counted_once_per_purpose_and_only_before_the_moment() -> None:
    history = consents(
        ("ann", "offers", -9, -5, None),
        ("ann", "offers", -3, -1, None),
        ("ann", "triage", -9, -5, None),
        ("ben", "offers", -9, 0, None),
        ("cleo", "offers", -9, None, None),
    )
    assert people_who_withdrew(history, NOON) == {"offers": 1, "triage": 1}
