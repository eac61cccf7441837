"""Bounds from flags without history, against a loop that tries every state the past may have had."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures.consentflags import Bounds, bounds

NOON = datetime.fromisoformat("2026-10-01T12:00")
EVENT = pa.schema({"customer": pa.string(), "purpose": pa.string(), "time": pa.timestamp("us")})
FLAG = pa.schema([*EVENT, pa.field("consented", pa.bool_()), pa.field("changed", pa.timestamp("us"))])


def at(hours: int | None) -> datetime | None:
    return None if hours is None else NOON + timedelta(hours=hours)


def rows(schema: pa.Schema, *values: tuple[Any, ...]) -> ibis.Table:
    hours = {i for i, f in enumerate(schema) if pa.types.is_timestamp(f.type)}
    columns = [[at(row[i]) if i in hours else row[i] for row in values] for i in range(len(schema))]
    return ibis.memtable(pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema))


def found(events: list[tuple[Any, ...]], *flags: tuple[Any, ...]) -> Bounds:
    return bounds(rows(EVENT, *events), rows(FLAG, *flags))


ANN = ("ann", "offers", 0)


@pytest.mark.parametrize("flag", [True, False])
def test_a_flag_without_its_day_tells_nothing_of_an_earlier_moment(flag: bool) -> None:
    seen = found([ANN], ("ann", "offers", 5, flag, None))
    assert (seen.at_least, seen.at_most) == (0, 1)
    assert (seen.yes, seen.no) == (int(flag), int(not flag))


@pytest.mark.parametrize(("flag", "lacking"), [(True, 0), (False, 1)])
def test_from_the_day_it_changed_to_the_day_it_was_read_a_flag_is_certain(flag: bool, lacking: int) -> None:
    seen = found([ANN], ("ann", "offers", 5, flag, -1))
    assert (seen.at_least, seen.at_most) == (lacking, lacking)


@pytest.mark.parametrize("hour", [-2, 6])
def test_before_the_change_and_after_the_reading_nothing_is_certain(hour: int) -> None:
    seen = found([("ann", "offers", hour)], ("ann", "offers", 5, False, -1))
    assert (seen.at_least, seen.at_most) == (0, 1)


@pytest.mark.parametrize("flags", [[], [("ben", "offers", 5, True, -9)], [("ann", "triage", 5, True, -9)]])
def test_no_flag_for_customer_and_purpose_is_no_consent(flags: list[tuple[Any, ...]]) -> None:
    seen = found([ANN], *flags)
    assert (seen.unrecorded, seen.at_least, seen.at_most) == (1, 1, 1)


def test_of_two_readings_the_later_counts_and_of_two_at_once_the_no() -> None:
    early, late = ("ann", "offers", 3, False, None), ("ann", "offers", 5, True, None)
    assert found([ANN], early, late).yes == 1
    same = ("ann", "offers", 5, False, None)
    assert found([ANN], early, late, same).no == 1


def test_a_table_without_the_day_of_change_is_read() -> None:
    flags = rows(FLAG, ("ann", "offers", 5, True, None)).drop("changed")
    assert bounds(rows(EVENT, ANN), flags) == Bounds(1, 0, 0, 0, 0)


PERSON, HOUR = st.sampled_from(["ann", "ben", "cleo"]), st.integers(-3, 3)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(PERSON, st.just("offers"), HOUR), min_size=1, max_size=6),
    st.dictionaries(PERSON, st.tuples(HOUR, st.booleans(), st.none() | HOUR), max_size=3),
)
def test_the_bounds_are_those_of_every_past_that_the_flags_allow(
    events: list[tuple[str, str, int]], flags: dict[str, tuple[int, bool, int | None]]
) -> None:
    least = most = 0
    for customer, _, hour in events:
        possible = {True, False}
        if customer not in flags:
            possible = {False}
        else:
            read, state, changed = flags[customer]
            if changed is not None and changed <= hour <= read:
                possible = {state}
        least += possible == {False}
        most += False in possible
    seen = found(events, *((c, "offers", *f) for c, f in flags.items()))
    assert (seen.at_least, seen.at_most, seen.total) == (least, most, len(events))
