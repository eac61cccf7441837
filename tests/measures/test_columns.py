"""Values as files of other countries and systems write them: read as the dossier says, and never guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import clocks
from ethics_kit.measures.columns import Column, ColumnType, Form, typed
from ethics_kit.measures.faults import Fault
from ethics_kit.measures.tables import Source, Tables


@pytest.fixture(scope="module")
def engine() -> ibis.BaseBackend:
    connection = ibis.duckdb.connect()
    connection.con.execute("SET TimeZone='UTC'")
    return connection


def read(engine: ibis.BaseBackend, texts: list[str], kind: ColumnType = "time", **form: Any) -> list[Any]:
    column = Column("v", kind, form=Form(**form))
    value = typed(ibis.memtable({"v": texts}).v, column).name("v")
    found: list[Any] = engine.to_pyarrow(value).to_pylist()
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def told(path: Path, columns: dict[str, Column], **more: Any) -> list[Fault]:
    return Tables({"t": Source(path, columns, **more)}).faults("t")


# --- decimal comma ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"), [("1,5", 1.5), ("-0,25", -0.25), (",5", 0.5), ("3", 3), ("1,5e3", 1500), ("2,", 2)]
)
def test_a_decimal_comma_is_read(engine: ibis.BaseBackend, text: str, value: float) -> None:
    assert read(engine, [text], "number", decimal="comma") == [value]


@pytest.mark.parametrize("text", ["1.5", "1.234,5", "1 234,5", "1,2,3", ",", "1,5%"])
def test_a_point_in_a_number_with_a_decimal_comma_is_not_read(engine: ibis.BaseBackend, text: str) -> None:
    assert read(engine, [text], "number", decimal="comma") == [None]


@given(st.lists(st.decimals(-(10**6), 10**6, places=3), min_size=1, max_size=100))
@settings(max_examples=8)
def test_numbers_written_with_a_comma_equal_those_with_a_point(engine: ibis.BaseBackend, numbers: list[Any]) -> None:
    points = [f"{n}" for n in numbers]
    commas = [p.replace(".", ",") for p in points]
    assert read(engine, commas, "number", decimal="comma") == read(engine, points, "number")


def test_a_column_of_numbers_has_no_decimal_mark(tmp_path: Path) -> None:
    pq.write_table(pa.table({"v": [1.5]}), tmp_path / "a.parquet")
    column = Column("v", "number", form=Form(decimal="comma"))
    assert Tables({"t": Source(tmp_path / "a.parquet", {"x": column})}).table("t").to_pyarrow().to_pylist() == [
        {"x": 1.5}
    ]


# --- order of day and month ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("31.10.2026", "2026-10-31"),
        ("1/2/2026", "2026-02-01"),
        ("05-11-2026 9:05", "2026-11-05T09:05"),
        ("31/10/2026, 14:05:09", "2026-10-31T14:05:09"),
        ("31/10/2026 2:05 PM", "2026-10-31T14:05"),
        ("31/10/2026 12:00 am", "2026-10-31"),
        ("31/10/2026 12:30 PM", "2026-10-31T12:30"),
        ("31.10.2026 14:05:00 +02:00", "2026-10-31T12:05"),
        ("2026-10-31", "2026-10-31"),
    ],
)
def test_a_day_first_is_read(engine: ibis.BaseBackend, text: str, moment: str) -> None:
    assert read(engine, [text], dates="day_first") == [at(moment)]


@pytest.mark.parametrize(
    ("text", "moment"), [("10/31/2026", "2026-10-31"), ("1/2/2026 2:05\u202fPM", "2026-01-02T14:05")]
)
def test_a_month_first_is_read(engine: ibis.BaseBackend, text: str, moment: str) -> None:
    assert read(engine, [text], dates="month_first") == [at(moment)]


@pytest.mark.parametrize(
    "text", ["10/31/2026", "31/02/2026", "1/2/26", "31.10.2026 14:05 PM", "0/1/2026", "1.2.2026 24:01"]
)
def test_what_is_no_date_day_first_is_not_read(engine: ibis.BaseBackend, text: str) -> None:
    assert read(engine, [text], dates="day_first") == [None]


TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)).map(lambda t: t.replace(microsecond=0))  # noqa: DTZ001


@given(st.lists(TIMES, min_size=1, max_size=100), st.sampled_from("./-"))
@settings(max_examples=8)
def test_times_in_another_order_equal_those_in_iso(engine: ibis.BaseBackend, times: list[datetime], marks: str) -> None:
    mark = marks[0]
    iso = read(engine, [t.isoformat() for t in times])
    assert iso == times
    assert read(engine, [t.strftime(f"%d{mark}%m{mark}%Y %H:%M:%S") for t in times], dates="day_first") == iso
    assert read(engine, [t.strftime(f"%m{mark}%d{mark}%Y %I:%M:%S %p") for t in times], dates="month_first") == iso


# --- time zones ---------------------------------------------------------------------------------------------------


def test_a_time_without_an_offset_is_by_the_zones_clocks(engine: ibis.BaseBackend) -> None:
    texts = ["2026-07-01T12:00", "2026-12-01T12:00", "2026-07-01T12:00:00Z", "2026-07-01"]
    expected = ["2026-07-01T10:00", "2026-12-01T11:00", "2026-07-01T12:00", "2026-06-30T22:00"]
    assert read(engine, texts, time_zone="Europe/Berlin") == [at(t) for t in expected]


@pytest.mark.parametrize(
    ("zone", "twice", "never"),
    [
        ("Europe/Berlin", "2026-10-25T02:30", "2026-03-29T02:30"),
        ("America/New_York", "2026-11-01T01:30", "2026-03-08T02:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-10-04T02:15"),  # by half an hour
        ("Pacific/Apia", "2011-04-02T03:30", "2011-12-30T12:00"),  # a day that was left out
    ],
)
def test_what_the_clocks_show_twice_or_never_is_not_read(
    engine: ibis.BaseBackend, zone: str, twice: str, never: str
) -> None:
    assert read(engine, [twice, never], time_zone=zone) == [None, None]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-25T01:59:59", "2026-10-24T23:59:59"),
        ("2026-10-25T02:00:00", None),
        ("2026-10-25T02:59:59", None),
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00"),
        ("2026-03-29T01:59:59", "2026-03-29T00:59:59"),
        ("2026-03-29T02:00:00", None),
        ("2026-03-29T03:00:00", "2026-03-29T01:00:00"),
    ],
)
def test_the_uncertain_hour_begins_and_ends_with_the_second(
    engine: ibis.BaseBackend, text: str, moment: str | None
) -> None:
    assert read(engine, [text], time_zone="Europe/Berlin") == [moment and at(moment)]


def test_a_day_that_begins_when_the_clocks_leap_over_midnight_is_read(engine: ibis.BaseBackend) -> None:
    assert read(engine, ["2026-09-06", "2026-09-05"], time_zone="America/Santiago") == [
        at("2026-09-06T04:00"),
        at("2026-09-05T04:00"),
    ]


@pytest.mark.parametrize("zone", ["Asia/Hebron", "Africa/Tunis", "Europe/Simferopol"])
def test_changes_of_the_clocks_within_days_of_each_other_are_all_found(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    found = clocks.changes.__wrapped__(zone)
    monkeypatch.setattr(clocks, "STEP", timedelta(days=1))
    assert found == clocks.changes.__wrapped__(zone)
    assert min(later - earlier for (earlier, *_), (later, *_) in pairwise(found)) < timedelta(days=10)


NEAR_CHANGES = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from([at("2026-03-29"), at("2026-10-25"), at("2026-11-01"), at("2026-04-05"), at("2026-10-04")]),
    st.integers(0, 240),
)
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])


@given(st.lists(TIMES | NEAR_CHANGES, min_size=1, max_size=100), ZONES)
@settings(max_examples=15)
def test_every_time_is_that_of_the_standard_library_or_uncertain(
    engine: ibis.BaseBackend, shown: list[datetime], zone: str
) -> None:
    def certain(clock: datetime) -> datetime | None:
        folds = {clock.replace(tzinfo=ZoneInfo(zone), fold=f).astimezone(UTC) for f in (0, 1)}
        folds = {f for f in folds if f.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == clock}
        return folds.pop().replace(tzinfo=None) if len(folds) == 1 else None

    assert read(engine, [c.isoformat() for c in shown], time_zone=zone) == [certain(c) for c in shown]


@pytest.mark.parametrize("written", ["naive", "with a zone", "date"])
def test_times_of_a_warehouse_keep_their_meaning(tmp_path: Path, written: str) -> None:
    noon = at("2026-07-01T12:00")
    kind = {"naive": pa.timestamp("us"), "with a zone": pa.timestamp("us", "America/New_York"), "date": pa.date32()}
    pq.write_table(pa.table({"v": pa.array([noon], kind[written])}), tmp_path / "a.parquet")
    column = Column("v", "time", form=Form(time_zone="Europe/Berlin"))
    tables = Tables({"t": Source(tmp_path / "a.parquet", {"x": column})})
    expected = {"naive": "2026-07-01T10:00", "with a zone": "2026-07-01T12:00", "date": "2026-06-30T22:00"}
    assert tables.faults("t") == []
    assert tables.table("t").to_pyarrow().to_pylist() == [{"x": at(expected[written])}]


def test_uncertain_times_are_a_fault_of_the_zone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("v\n2026-10-25 02:30\n2026-10-25 03:30\nsoon\n")
    found = told(tmp_path / "a.csv", {"x": Column("v", "time", form=Form(time_zone="Europe/Berlin"))})
    assert [f.setting for f in found] == ["time_zone", None]
    assert found[0].found == (
        "1 of 3 times of v that the clocks of Europe/Berlin show twice or never, the first in row 1, "
        "written like “9999-99-99 99:99”"
    )
    assert found[1].found == "1 of 3 values of v that are not a time, the first in row 3, written like “aaaa”"


MIXED = "a,b\n2026-07-01T12:00:00Z,2026-07-01T12:00\n2026-07-02,\n"


def test_times_with_and_without_an_offset_are_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(MIXED)
    columns = {"x": Column("a", "time"), "y": Column("b", "time")}
    (found,) = told(tmp_path / "a.csv", columns)
    assert found.setting == "time_zone"
    assert found.found == "times with an offset from UTC in a, and without one in b"


def test_times_with_and_without_an_offset_are_read_where_the_zone_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(MIXED)
    form = Form(time_zone="Europe/Berlin")
    assert told(tmp_path / "a.csv", {"x": Column("a", "time", form=form), "y": Column("b", "time", form=form)}) == []


def test_days_beside_times_with_an_offset_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n2026-07-01T12:00:00Z,2026-07-01\n")
    assert told(tmp_path / "a.csv", {"x": Column("a", "time"), "y": Column("b", "time")}) == []


@pytest.mark.parametrize(("hour", "mixed"), [(0, False), (9, True)])
def test_a_warehouse_may_mix_them_too_but_for_midnights(tmp_path: Path, hour: int, mixed: bool) -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    naive = pa.array([at("2026-07-01") + timedelta(hours=hour)], pa.timestamp("us"))
    pq.write_table(pa.table({"a": pa.array([noon], pa.timestamp("us", "UTC")), "b": naive}), tmp_path / "a.parquet")
    assert bool(told(tmp_path / "a.parquet", {"x": Column("a", "time"), "y": Column("b", "time")})) is mixed


# --- maps of values -----------------------------------------------------------------------------------------------

LIGHTS = {"Red": "0", "Yellow": "50.5", "Green": "100"}


def test_values_are_read_as_the_map_says(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('h,o\n"Red ",Opted In\nYellow,Opted Out\n,\n')
    columns = {
        "score": Column("h", "number", values=LIGHTS, form=Form(decimal="comma")),
        "consented": Column("o", "flag", values={"Opted In": "yes", "Opted Out": "no"}),
    }
    tables = Tables({"t": Source(tmp_path / "a.csv", columns)})
    assert tables.faults("t") == []
    assert tables.table("t").to_pyarrow().to_pylist() == [
        {"score": 0, "consented": True},
        {"score": 50.5, "consented": False},
        {"score": None, "consented": None},
    ]


def test_values_that_the_map_leaves_out_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("h\nRed\n" + "Amber\n" * 10 + "red\n" * 10)
    (found,) = told(tmp_path / "a.csv", {"score": Column("h", "number", values=LIGHTS)})
    assert (found.role, found.setting) == ("score", "values")
    assert found.found == "20 of 21 values of h that `values` leaves out: “Amber”, “red”"


def test_a_value_of_few_rows_is_told_by_its_shape_as_it_may_be_somebodys_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("h\nRed\nJane Roe 1984\n" + "Amber\n" * 9)
    (found,) = told(tmp_path / "a.csv", {"score": Column("h", "number", values=LIGHTS)})
    assert found.found == "10 of 11 values of h that `values` leaves out: “Aaaa Aaa 9999”, “Aaaaa”"


def test_a_first_row_of_data_is_not_told_as_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("C1001,Jane Roe,1984-02-03\nC1002,John Doe,1990-01-01\n")
    (found,) = told(tmp_path / "a.csv", {"customer": Column("customer_id", "id")})
    assert found.found == "no column customer_id, and a first row that looks like data"
    assert "Roe" not in str(found)


def test_many_values_that_the_map_leaves_out_are_only_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("h\n" + "".join(f"person {i}\n" for i in range(13)))
    (found,) = told(tmp_path / "a.csv", {"score": Column("h", "number", values=LIGHTS)})
    assert found.found == "13 of 13 values of h that `values` leaves out"
