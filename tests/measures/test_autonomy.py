"""Opt-outs and how long they took to be heard, waits for a person, and choices: against slow loops."""

from datetime import timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import autonomy, timelines
from ethics_kit.measures.autonomy import Latency
from ethics_kit.measures.timelines import AfterOptOut, Share
from tests.measures.moments import NOON, at, events, table

DAY = 86_400
END = NOON + timedelta(days=10)


def opt_outs(*rows):
    return table("customer time purpose channel", *rows)


def test_by_purpose_customers_are_counted_once():
    left = table("customer time purpose", ("ann", -1, None), ("ben", -1, "offers"))
    rows = events(("ann", 0, "offers"), ("ann", 1, "offers"), ("ben", 0, "triage"), ("ann", 5, "triage"))
    assert timelines.after_opt_out_by_purpose(rows, left) == {
        "offers": AfterOptOut(2, 2, 1),
        "triage": AfterOptOut(2, 1, 1),
    }


def test_latency_runs_to_the_last_event_that_the_opt_out_should_have_kept_away():
    rows = events(("ann", 3 * DAY, "offers"), ("ann", 5 * DAY, "triage"), ("ann", -DAY, "offers"))
    left = opt_outs(("ann", 0, "offers", "app"), ("ben", 0, None, "letter"))
    followed = autonomy.opt_outs_followed(rows, left, end=END)
    assert autonomy.latency_by(followed, followed.channel) == {
        "app": Latency(1, 1, 3.0, 3.0),
        "letter": Latency(1, 0, None, None),
    }


def test_an_opt_out_counts_for_days_that_have_passed_only():
    left = opt_outs(("ann", 0, None, None), ("ben", 9 * DAY, None, None))
    rows = events(("ann", 3 * DAY, "offers"), ("ben", 9 * DAY + 60, "offers"))
    found = autonomy.still_decided_on(autonomy.opt_outs_followed(rows, left, end=END), [0, 2, 3, 30])
    assert found == {0: Share(2, 2), 2: Share(1, 1), 3: Share(0, 1), 30: Share(0, 0)}


def test_an_opt_out_that_is_in_the_table_twice_counts_twice():
    left = opt_outs(("ann", 0, None, None), ("ann", 0, None, None))
    found = autonomy.still_decided_on(autonomy.opt_outs_followed(events(("ann", 1, "x")), left, end=END), [0])
    assert found == {0: Share(2, 2)}


few = st.integers(-3, 8)
people = st.sampled_from(["ann", "ben"])


@given(
    st.lists(st.tuples(people, few, st.sampled_from(["offers", None])), max_size=8),
    st.lists(st.tuples(people, few, st.sampled_from(["offers", "triage", None])), min_size=1, max_size=5),
    st.integers(0, 9),
)
@settings(max_examples=40)
def test_still_decided_on_equals_a_loop(drawn, left, days):
    rows = events(*((who, day * DAY, what) for who, day, what in drawn))
    gone = opt_outs(*((who, day * DAY, what, None) for who, day, what in left))
    old = [(who, day, what) for who, day, what in left if 10 - day >= days]

    def heard_late(who, day, what):
        return any(w == who and d - day > days and (None in (what, p) or p == what) for w, d, p in drawn)

    found = autonomy.still_decided_on(autonomy.opt_outs_followed(rows, gone, end=END), [days])
    assert found == {days: Share(sum(heard_late(*row) for row in old), len(old))}


def requests(*rows):
    """Rows of (asked, offered, served): moments as seconds after noon."""
    return ibis.memtable(
        pa.table(
            {
                "customer": [f"c{i}" for i in range(len(rows))],
                "time": pa.array([at(r[0]) for r in rows], pa.timestamp("us")),
                "offered": pa.array([r[1] for r in rows], pa.bool_()),
                "served": pa.array([at(r[2]) for r in rows], pa.timestamp("us")),
            }
        )
    )


def test_waits_round_up_and_open_requests_wait_until_the_end():
    asked = requests((0, True, 61), (0, True, 60), (9 * DAY, None, None), (0, False, 30))
    found = autonomy.waits(asked, end=END)
    assert found.cells == ((1, True, 2), (2, True, 1), (1440, False, 1))
    assert (found.asked, found.offered, found.answered, found.impossible) == (4, 3, 3, 0)


def test_an_answer_after_the_end_is_none_yet_and_one_before_the_question_is_impossible():
    found = autonomy.waits(requests((0, True, 11 * DAY), (0, True, -120)), end=END)
    assert found.cells == ((14_400, False, 1),)
    assert found.impossible == 1


@pytest.mark.parametrize(("served", "yes"), [(3600, True), (3601, False), (None, False)])
def test_in_time_is_up_to_the_last_minute_promised(served, yes):
    rows = autonomy.answered_in_time(requests((0, True, served)), minutes=60, end=END)
    assert rows.yes.to_pyarrow().to_pylist() == [yes]


def test_who_asked_too_lately_to_be_late_is_not_looked_at():
    late = 10 * DAY - 30 * 60
    assert (
        autonomy.answered_in_time(requests((late, True, late + 60)), minutes=60, end=END).count().to_pyarrow().as_py()
        == 0
    )


def test_a_choice_without_an_answer_was_not_carried_out():
    rows = pa.table({"choice": ["off", "off", "less"], "honoured": pa.array([True, None, False])})
    assert autonomy.choices(ibis.memtable(rows)) == {"off": Share(1, 2), "less": Share(0, 1)}
