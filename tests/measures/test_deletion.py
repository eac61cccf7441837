"""What became of requests, and who still stands where: against slow obvious loops."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import deadlines, deletion
from ethics_kit.measures.deadlines import Clock
from ethics_kit.measures.deletion import Requests, Standing
from tests.measures.moments import table

END = datetime.fromisoformat("2026-11-02")
TEN = Clock(days=10)


def at(day: int | None, second: int = 0) -> datetime | None:
    """A moment so many days before the end of the as-of day."""
    return None if day is None else END - timedelta(days=day) + timedelta(seconds=second)


def followed(*rows: tuple[Any, ...], names: str = "customer time completed"):
    requests = table(names, *rows)
    return deletion.followed(requests, deadlines.due(requests, TEN), END)


def counted(*rows: tuple[Any, ...], **named: str) -> Requests:
    return deletion.requests_by_state(followed(*rows, **named))


# --- requests -----------------------------------------------------------------------------------------------------


def test_a_request_is_in_time_up_to_the_last_second_of_its_last_day():
    rows = [("ann", at(30), at(19, -1)), ("ben", at(30), at(19))]
    assert counted(*rows) == Requests(in_time=1, late=1)


def test_an_open_request_is_overdue_once_its_last_day_is_over():
    found = counted(("ann", at(11), None), ("ben", at(10), None))
    assert found == Requests(overdue=1, open=1, earliest_overdue=date(2026, 11, 2))


def test_a_request_carried_out_after_the_as_of_day_is_open_on_it():
    assert counted(("ann", at(5), at(0))) == Requests(open=1)
    assert counted(("ann", at(5), at(0, -1))) == Requests(in_time=1)


def test_a_completion_before_the_request_is_none():
    assert counted(("ann", at(5), at(6))) == Requests(open=1)


def test_an_extension_of_no_known_day_is_told_where_it_would_have_mattered():
    names = "customer time completed extended_until"
    late, early = ("ann", at(40), at(20), at(15)), ("ben", at(40), at(39), at(15))
    assert counted(late, early, names=names) == Requests(in_time=1, late=1, undated=1)


def test_days_run_from_receipt_to_completion_or_to_the_as_of_day():
    rows = followed(("ann", at(30), at(25)), ("ben", at(30), at(25)), ("cleo", at(4), None))
    assert deletion.days_taken(rows) == ([3, 5], [False, True], [1, 2])


def test_no_request_is_none_of_any_kind():
    assert counted() == Requests()
    assert deletion.days_taken(followed()) == ([], [], [])


# --- who still stands ---------------------------------------------------------------------------------------------

DONE, OVERDUE, OPEN = (30, 29), (30, None), (2, None)


def standing(requests: list[tuple[str, tuple[int, int | None]]], exempt: tuple[str, ...] = (), **tables: list[Any]):
    rows = followed(*((who, at(asked), at(done)) for who, (asked, done) in requests))
    return deletion.still_standing(rows, {n: table("customer", *((c,) for c in t)) for n, t in tables.items()}, exempt)


def test_people_are_counted_once_however_many_rows_and_tables_hold_them():
    found = standing([("ann", DONE), ("ben", OVERDUE)], orders=["ann", "ann", "eve"], tickets=["ann", "ben"])
    assert found == Standing(2, 1, 1, {"orders": (1, 0), "tickets": (1, 1)})


def test_people_whose_request_is_open_within_its_limit_may_stand():
    assert standing([("ann", OPEN)], orders=["ann"]) == Standing(0, 0, 0, {"orders": (0, 0)})


def test_an_exempt_table_is_counted_and_explains_its_own_rows_only():
    both = standing([("ann", DONE), ("ben", DONE)], ("bills",), bills=["ann", "ben"], orders=["ben"])
    assert both == Standing(2, 1, 0, {"bills": (2, 0), "orders": (1, 0)})


def test_who_asked_twice_and_was_deleted_once_counts_as_deleted():
    assert standing([("ann", DONE), ("ann", OVERDUE)], orders=["ann"]) == Standing(1, 1, 0, {"orders": (1, 0)})


def test_rows_of_nobody_hide_nobody():
    assert standing([("ann", DONE)], orders=[None, "eve"]) == Standing(1, 0, 0, {"orders": (0, 0)})
    assert standing([("ann", DONE)], orders=[None, "ann"]).completed == 1


def test_without_tables_nobody_stands():
    assert standing([("ann", DONE)]) == Standing(1, 0, 0, {})


people = st.sampled_from(["ann", "ben", "cleo", "dan"])
asked = st.lists(st.tuples(people, st.sampled_from([DONE, OVERDUE, OPEN])), min_size=1, max_size=8)
held = st.lists(people | st.none(), max_size=5)


@given(asked, held, held)
@settings(max_examples=20)
def test_who_stands_equals_a_loop_over_people(requests, orders, bills):
    kinds: dict[str, Counter[Any]] = {}
    for who, kind in requests:
        kinds.setdefault(who, Counter())[kind] += 1
    gone = {who: DONE in seen for who, seen in kinds.items() if {DONE, OVERDUE} & seen.keys()}

    def split(names: set[Any]) -> tuple[int, int]:
        there = [gone[who] for who in gone if who in names]
        return sum(there), len(there) - sum(there)

    expected = Standing(len(gone), *split(set(orders)), {"orders": split(set(orders)), "bills": split(set(bills))})
    assert standing(requests, ("bills",), orders=orders, bills=bills) == expected
