"""actions.csv: what it lists, in which order, and that no cell of it is a formula."""

import csv
import io
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit.report.portfolio import actions
from ethics_kit.report.portfolio.summary import Action, Due, Entry, System

DAY = date(2026, 11, 1)


def action(finding="C2.1.x", *, status="not_met", action="Mend it.", owner="Olu Owner", due=DAY, until=None):
    return Action(finding, "C2.1", status, "Seen.", "blocks", action, owner, due, until)


def system(*own, name="demo", stage="bias_testing"):
    entry = Entry(name, stage, "ok", "2026-11-01_0123456789ab", DAY, "ab" * 32, actions=own)
    return System(name, name.title(), None, None, "scored", "II", "II", {stage: entry}, Due(None), ())


def rows(*systems):
    return actions.open_rows(systems, DAY)


def read(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_row_says_what_is_to_be_done_by_whom_until_when_and_where_it_stands():
    (row,) = read(actions.table(rows(system(action(due=date(2026, 10, 15))))))
    assert row == {
        "system": "demo",
        "stage": "bias_testing",
        "record_id": "ab" * 32,
        "finding": "C2.1.x",
        "requirement": "C2.1",
        "result": "not_met",
        "action": "Mend it.",
        "owner": "Olu Owner",
        "due": "2026-10-15",
        "overdue_days": "17",
        "waived_until": "",
        "link": "demo/bias_testing/2026-11-01_0123456789ab/report.html#f-C2.1.x",
    }


def test_what_nobody_planned_or_accepted_is_counted_and_not_listed():
    own = (action(owner=None), action(due=None), action("C2.1.y", owner=None, due=None, until=DAY))
    assert [row.action.finding for row in rows(system(*own))] == ["C2.1.y"]
    assert actions.unplanned(system(*own)) == 2


def test_the_longest_overdue_stand_first_then_ended_waivers_then_what_comes_next():
    own = {
        "C2.1.soon": action("C2.1.soon", due=DAY + timedelta(days=1)),
        "C2.1.late": action("C2.1.late", due=DAY - timedelta(days=2)),
        "C2.1.later": action("C2.1.later", due=DAY - timedelta(days=30)),
        "C2.1.ended": action("C2.1.ended", due=None, until=DAY - timedelta(days=1)),
        "C2.1.waived": action("C2.1.waived", due=DAY - timedelta(days=9), until=DAY + timedelta(days=9)),
        "C2.1.today": action("C2.1.today", due=DAY),
    }
    order = ["C2.1.later", "C2.1.late", "C2.1.ended", "C2.1.waived", "C2.1.today", "C2.1.soon"]
    assert [row.action.finding for row in rows(system(*own.values()))] == order


def test_an_action_is_not_overdue_on_its_day_nor_while_a_waiver_holds():
    own = (action("C2.1.a"), action("C2.1.b", due=DAY - timedelta(days=9), until=DAY))
    assert [row.overdue for row in rows(system(*own))] == [0, 0]


def test_the_order_of_the_systems_changes_nothing():
    one, other = system(action("C2.1.b"), name="one"), system(action("C2.1.a"), name="other")
    assert actions.table(rows(one, other)) == actions.table(rows(other, one))


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r\n=", " =", "\x00=", "\N{FULLWIDTH EQUALS SIGN}"])
def test_no_cell_begins_as_a_formula(begin):
    told = f'{begin}HYPERLINK("https://evil.example","Open")'
    (row,) = read(actions.table(rows(system(action(action=told, owner=told)))))
    for cell in (row["action"], row["owner"]):
        assert cell.startswith("'")
        assert cell.lstrip("'").startswith(("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}"))


@given(st.text(max_size=60))
def test_any_text_stays_one_cell_of_one_row_that_is_no_formula(text):
    (row,) = read(actions.table(rows(system(action(action=text)))))
    assert not row["action"].startswith(tuple("=+-@\t\r"))
    assert "".join(c for c in text if c.isprintable() and not c.isspace()) in row["action"].replace(" ", "")


def test_pandas_reads_it_with_accents_dates_and_a_first_column_without_a_mark(tmp_path):
    path = tmp_path / "actions.csv"
    path.write_bytes(actions.table(rows(system(action(owner="Sofía Łukasz, Müller")))))
    assert path.read_bytes().startswith(b"\xef\xbb\xbfsystem,")  # Excel takes UTF-8 for another code page without it
    frame = pd.read_csv(path, parse_dates=["due"])
    assert list(frame.columns) == list(actions.COLUMNS)
    assert frame["owner"][0] == "Sofía Łukasz, Müller"
    assert frame["due"][0] == pd.Timestamp(DAY)


def test_an_empty_portfolio_gives_the_header_alone():
    assert actions.table([]) == b"\xef\xbb\xbf" + ",".join(actions.COLUMNS).encode() + b"\r\n"
