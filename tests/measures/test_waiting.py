"""Waiting against a promise, from small tables whose answer can be read off."""

from datetime import datetime, timedelta

import ibis
import pandas as pd
import pytest

from ethics_kit.measures import waiting
from ethics_kit.measures.waiting import Cell, Kept

END = datetime.fromisoformat("2026-11-02")


def rows(*cells):
    frame = pd.DataFrame([{"group": g, "time": t, "resolved": r} for g, t, r in cells])
    for name in ("time", "resolved"):
        frame[name] = pd.to_datetime(frame[name])
    return ibis.memtable(frame)


def test_days_are_calendar_days_and_open_ones_count_up_to_the_as_of_date():
    table = rows(
        ("a", "2026-10-01T23:59", "2026-10-02T00:01"),
        ("a", "2026-10-01T08:00", None),
        (None, "2026-10-01T08:00", "2026-11-02T00:00"),  # resolved after the as-of date: still to come
        ("b", "2026-10-05T08:00", "2026-10-04T08:00"),  # before it was received: no end
    )
    assert waiting.waits_by(table, "resolved", ["group"], end=END)["group"] == [
        Cell("a", 1, 31, True, 1),
        Cell("a", 31, 31, False, 1),
        Cell("b", 27, 27, False, 1),
        Cell(None, 31, 31, False, 1),
    ]
    assert sum(c.n for c in waiting.waits(table, "resolved", end=END)) == 4


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        (Cell(None, 30, 30, True, 2), Kept(2, 2, 0, 0)),
        (Cell(None, 31, 40, True, 2), Kept(0, 2, 0, 0)),
        (Cell(None, 30, 30, False, 2), Kept(0, 2, 2, 0)),
        (Cell(None, 29, 29, False, 2), Kept(0, 0, 0, 2)),
        (Cell(None, 3, 29, True, 2), Kept(0, 0, 0, 2)),
    ],
    ids=["on the last day", "a day late", "open when time is up", "open in time", "quick but not due"],
)
def test_only_what_is_due_counts_and_what_is_open_then_is_late(cell, kept):
    assert waiting.kept([cell], 30) == kept


def test_the_flag_of_each_row_adds_up_to_what_the_cells_tell():
    start = datetime.fromisoformat("2026-09-01")
    received = [start + timedelta(days=i % 50) for i in range(400)]
    resolved = [moment + timedelta(days=i % 41 - 1) if i % 7 else None for i, moment in enumerate(received)]
    table = rows(*zip("a" * 400, received, resolved, strict=True))
    kept = waiting.kept(waiting.waits(table, "resolved", end=END), 30)
    flagged = waiting.in_time(table, "resolved", 30, end=END)
    assert (flagged.yes.sum().execute(), flagged.count().execute()) == (kept.in_time, kept.due)
    assert 0 < kept.in_time < kept.due < 400


def test_open_ones_stay_in_the_curve():
    cells = [Cell("a", 5, 60, True, 3), Cell("a", 60, 60, False, 1), Cell("b", 5, 60, True, 2)]
    assert waiting.curve(cells).open_after(30) == pytest.approx(1 / 6)
    assert waiting.curve(waiting.by_group(cells)["a"]).open_after(30) == pytest.approx(1 / 4)


def test_a_group_that_waits_longer_is_told_apart():
    slow, quick = [Cell("a", 30, 60, True, 30)], [Cell("b", 3, 60, True, 30)]
    assert waiting.apart([*slow, *quick]) < 1e-6
    alike = [Cell(group, days, 60, True, 30) for group in "ab" for days in (3, 9)]
    assert waiting.apart(alike) == pytest.approx(1)
    assert waiting.apart(quick) is None


def reports(*entries):
    frame = pd.DataFrame(entries, columns=["id", "time", "corrected", "repeat_of"])
    for name in ("time", "corrected"):
        frame[name] = pd.to_datetime(frame[name])
    return ibis.memtable(frame.astype({"repeat_of": "object"}))


def test_repeats_are_counted_in_chains_and_those_after_a_correction_apart():
    held = reports(
        ("e1", "2026-01-01", "2026-01-05", None),
        ("e2", "2026-01-09", None, "e1"),  # after e1 had been corrected
        ("e3", "2026-01-03", None, "e1"),  # before
        ("e4", "2026-02-01", None, "e2"),
        ("e5", "2026-02-01", None, "e5"),  # names itself
        ("e6", "2026-02-01", None, "e9"),  # names none that is there
    )
    found = waiting.repeats(held)
    assert (found.reports, found.repeats, found.after_correction, found.unknown) == (6, 4, 1, 1)
    assert waiting.longest_chain(held) == 3  # e4, e2, e1


def test_a_circle_of_reports_ends():
    circle = [("e1", "2026-01-01", None, "e2"), ("e2", "2026-01-02", None, "e1")]
    assert waiting.longest_chain(reports(*circle)) == 2
