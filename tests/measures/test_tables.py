"""The door to data: every way a file can be wrong is a fault with words, and no file but the named ones is read."""

from __future__ import annotations

import csv
import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ethics_kit.measures.columns import Column, Form
from ethics_kit.measures.faults import Fault, shape
from ethics_kit.measures.tables import Source, Tables

ID_AND_TEXT = {"who": Column("id", "id", required=True), "what": Column("v", "text")}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(content: str | bytes, name: str = "a.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., Path]:
    def _database(*statements: str, name: str = "a.duckdb") -> Path:
        path = tmp_path / name
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return path

    return _database


def opened(path: Path, columns: dict[str, Column] | None = None, **more: Any) -> Tables:
    return Tables({"t": Source(path, ID_AND_TEXT if columns is None else columns, **more)})


def rows(tables: Tables, name: str = "t") -> list[dict[str, Any]]:
    assert tables.faults(name) == []
    return tables.table(name).to_pyarrow().to_pylist()


def pairs(path: Path) -> list[tuple[str, str]]:
    return [(r["who"], r["what"]) for r in rows(opened(path))]


def faults(path: Path, columns: dict[str, Column] | None = None, **more: Any) -> list[Fault]:
    found = opened(path, columns, **more).faults("t")
    for fault in found:
        text = f"{fault.found} {fault.allowed} {fault.todo}"
        assert "Traceback" not in text
        assert "Stack Trace" not in text
        assert "\n" not in text
        assert fault.found
        assert fault.allowed
        assert fault.todo
    return found


def only(found: Sequence[Fault]) -> Fault:
    assert len(found) == 1
    return found[0]


def one_value(write: Callable[..., Path], text: str, kind: str) -> tuple[Any, list[Fault]]:
    """What a CSV cell becomes as a column of that type, and the faults."""
    columns = {"x": Column("v", kind)}
    tables = opened(write(f'id,v\n1,"{text}"\n'), columns)
    return tables.table("t").to_pyarrow().to_pylist()[0]["x"], tables.faults("t")


# --- formats ------------------------------------------------------------------------------------------------------


def test_a_csv_is_read_by_roles(write: Callable[..., Path]) -> None:
    assert rows(opened(write("id,v\n1,a\n2,b\n"))) == [{"who": "1", "what": "a"}, {"who": "2", "what": "b"}]


def test_a_parquet_file_is_read_by_roles(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2], "v": ["a", None]}), tmp_path / "a.parquet")
    assert pairs(tmp_path / "a.parquet") == [("1", "a"), ("2", None)]


def test_tables_of_one_duckdb_file_are_read_by_their_names(database: Callable[..., Path]) -> None:
    path = database("create table t as select 1 id, 'a' v", "create table other as select 2 id, 'b' v")
    tables = Tables({"t": Source(path, ID_AND_TEXT), "second": Source(path, ID_AND_TEXT, table="other")})
    assert rows(tables) == [{"who": "1", "what": "a"}]
    assert rows(tables, "second") == [{"who": "2", "what": "b"}]


def test_the_ending_of_a_name_may_be_in_capitals(write: Callable[..., Path]) -> None:
    assert pairs(write("id,v\n1,a\n", "A.CSV")) == [("1", "a")]


def test_columns_are_the_files_own_names(write: Callable[..., Path]) -> None:
    assert opened(write("id,v,extra\n1,a,b\n")).columns("t") == ("id", "v", "extra")


def test_a_symbolic_link_is_read_as_the_file_it_names(write: Callable[..., Path], tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(write("id,v\n1,a\n"))
    assert pairs(link) == [("1", "a")]


def test_a_path_with_quotes_spaces_and_letters_of_any_language_is_read(write: Callable[..., Path]) -> None:
    assert pairs(write("id,v\n1,a\n", "it's; drop table x; --/größe 客.csv")) == [("1", "a")]


def test_a_snapshot_is_dated_in_every_row(write: Callable[..., Path]) -> None:
    tables = opened(write("id,v\n1,a\n2,b\n"), dated={"since": date(2026, 10, 31)})
    assert [r["since"] for r in rows(tables)] == [datetime.fromisoformat("2026-10-31")] * 2


# --- CSV ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(write: Callable[..., Path], separator: str) -> None:
    assert pairs(write("id,v\n1,a\n2,b\n".replace(",", separator))) == [("1", "a"), ("2", "b")]


@pytest.mark.parametrize("content", ["\ufeffid,v\n1,a\n", "id,v\r\n1,a\r\n", "id,v\n1,a"])
def test_byte_order_mark_and_line_ends_do_not_matter(write: Callable[..., Path], content: str) -> None:
    assert pairs(write(content)) == [("1", "a")]


def test_quoted_values_may_hold_commas_quotes_and_new_lines(write: Callable[..., Path]) -> None:
    assert pairs(write('id,v\n1,"a, ""b""\nc"\n2,d\n')) == [("1", 'a, "b"\nc'), ("2", "d")]


def test_an_apostrophe_is_no_quote(write: Callable[..., Path]) -> None:
    assert pairs(write("id,v\n1,'a'\n2,it's\n")) == [("1", "'a'"), ("2", "it's")]


def test_a_row_that_begins_with_a_hash_is_no_comment(write: Callable[..., Path]) -> None:
    assert pairs(write("id,v\n#1,a\n2,b\n#3,c\n")) == [("#1", "a"), ("2", "b"), ("#3", "c")]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("Report of October\nid,v\n1,a\n2,b\n", id="preamble"),
        pytest.param("id,v\n1,a,x\n2,b,y\n", id="header shorter than the rows"),
        pytest.param("id,v\n1,a\n2,b,c\n3,d\n", id="a longer row"),
        pytest.param("id,v\n1,a\n2\n3,d\n", id="a shorter row"),
        pytest.param("id,v\n1,a\n2,b\nTotal: 2\n", id="a line of totals"),
        pytest.param('id,v\n1,"a\n2,b\n3,c\n', id="a quote that is not closed"),
        pytest.param("id,v\n" + "1,a\n" * 30_000 + "2,b,c\n", id="a longer row far down"),
        pytest.param("id,v\n" + "1,a\n" * 30_000 + "2\n", id="a shorter row far down"),
    ],
)
def test_no_row_of_a_ragged_csv_is_dropped_silently(write: Callable[..., Path], content: str) -> None:
    assert faults(write(content))


def test_a_ragged_row_is_found_though_its_column_is_not_asked_for(write: Callable[..., Path]) -> None:
    path = write("id,v\n" + "1,a\n" * 30_000 + "2,b,c\n")
    assert "; line 30002)" in only(faults(path, {"who": Column("id", "id")})).found


def test_a_fault_of_a_csv_does_not_show_the_row(write: Callable[..., Path]) -> None:
    found = only(faults(write("id,v\n" + "1,a\n" * 30_000 + "ann@example.org,b,c\n"))).found
    assert "a row with more or fewer values than the header has columns" in found
    assert "ann@example.org" not in found


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_csv_that_is_not_utf_8_is_a_fault(write: Callable[..., Path], encoding: str) -> None:
    found = only(faults(write("id,v\n1,é\n".encode(encoding))))
    assert "not in UTF-8" in found.found
    assert found.allowed == "a well-formed UTF-8 table with one header row"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "latin-1", "gb18030"])
def test_a_csv_is_read_in_the_encoding_it_is_said_to_have(write: Callable[..., Path], encoding: str) -> None:
    tables = opened(write('id,v\n1,é\n2,"größer\r\nñ"\n'.encode(encoding)), encoding=encoding)
    assert [r["what"] for r in rows(tables)] == ["é", "größer\r\nñ"]


def test_the_copy_in_utf_8_is_its_owners_alone_and_goes_with_the_tables(write: Callable[..., Path]) -> None:
    tables = opened(write("id,v\n1,é\n".encode("cp1252")), encoding="cp1252")
    rows(tables)
    folder = tables._private
    (copy,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, copy.stat().st_mode & 0o777) == (0o700, 0o600)
    del tables
    gc.collect()
    assert not folder.exists()


def test_a_csv_in_another_encoding_than_said_is_a_fault_of_the_encoding(write: Callable[..., Path]) -> None:
    found = only(faults(write(b"id,v\n1,\x81\n"), encoding="cp1252"))
    assert (found.setting, found.found) == ("encoding", "a file that is not in cp1252")


@pytest.mark.parametrize(("delimiter", "expected"), [(";", "a,b"), (None, "a,b")])
def test_a_delimiter_that_is_said_is_taken(write: Callable[..., Path], delimiter: str | None, expected: str) -> None:
    tables = opened(write("id;v\n1;a,b\n2;c,d\n"), delimiter=delimiter)
    assert rows(tables)[0]["what"] == expected


LOCALES = [
    ("cp1252", ";", Form("comma", "day_first", "Europe/Berlin"), "%d.%m.%Y %H:%M:%S"),
    ("utf-16", "\t", Form("point", "month_first", "America/New_York"), "%m/%d/%Y %I:%M:%S %p"),
    ("iso-8859-15", "|", Form("comma", "iso", "UTC"), "%Y-%m-%dT%H:%M:%S"),
]
ROW = st.tuples(
    st.text("aé-ß;,|\"'", min_size=1, max_size=4),
    st.none() | st.integers(-(10**6), 10**6).map(lambda n: n / 1000),
    st.datetimes(datetime.fromisoformat("1995-06-01"), datetime.fromisoformat("2030-06-01")),
)


@pytest.mark.parametrize(("encoding", "delimiter", "form", "pattern"), LOCALES)
@given(st.lists(ROW, min_size=1, max_size=40))
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_table_of_another_locale_equals_the_same_table_in_iso(
    tmp_path: Path, encoding: str, delimiter: str, form: Form, pattern: str, content: list[tuple[Any, ...]]
) -> None:
    def written(
        name: str, encoding: str, delimiter: str, number: Callable[[str], str], time: Callable[..., str]
    ) -> Path:
        with (tmp_path / name).open("w", encoding=encoding, newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(
                [("id", "n", "t"), *((i, "" if n is None else number(str(n)), time(t)) for i, n, t in content)]
            )
        return tmp_path / name

    zone = ZoneInfo(form.time_zone or "UTC")
    content = [(i, n, t.replace(microsecond=0, tzinfo=UTC)) for i, n, t in content if t.hour > 6]  # no clock changes
    assume(content)
    comma = form.decimal == "comma"
    plain = written("plain.csv", "utf-8", ",", str, lambda t: f"{t:%Y-%m-%dT%H:%M:%SZ}")
    local = written(
        "local.csv", encoding, delimiter, lambda n: n.replace(".", ",") if comma else n,
        lambda t: t.astimezone(zone).strftime(pattern),
    )  # fmt: skip
    columns = {"i": Column("id", "id"), "n": Column("n", "number"), "t": Column("t", "time")}
    formed = {role: replace(column, form=form) for role, column in columns.items()}
    expected = rows(opened(plain, columns, delimiter=","))
    assert rows(opened(local, formed, encoding=encoding, delimiter=delimiter)) == expected


def test_a_folder_named_like_a_partition_adds_no_column(write: Callable[..., Path]) -> None:
    path = write("id,v\n1,a\n", "region=EU/a.csv")
    assert opened(path).columns("t") == ("id", "v")


def test_a_folder_named_like_a_partition_adds_no_column_to_parquet(tmp_path: Path) -> None:
    (tmp_path / "region=EU").mkdir()
    pq.write_table(pa.table({"id": [1], "v": ["a"]}), tmp_path / "region=EU/a.parquet")
    assert opened(tmp_path / "region=EU/a.parquet").columns("t") == ("id", "v")


# --- the file as a whole ------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert only(faults(tmp_path / "gone.csv")) == Fault(
        None, "no file gone.csv", "an existing file", "correct the path, or put the table there"
    )


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert only(faults(tmp_path / "folder.csv")).found == "no file folder.csv"


@pytest.mark.parametrize(("name", "shown"), [("a.xlsx", "a .xlsx file"), ("a", "a nameless file")])
def test_another_format_is_refused_by_name(write: Callable[..., Path], name: str, shown: str) -> None:
    found = only(faults(write("id,v\n1,a\n", name)))
    assert (found.found, found.allowed) == (shown, ".csv .parquet .duckdb")


@pytest.mark.parametrize("name", ["*.csv", "a?.csv", "[ab].csv", "{a}.csv", "x*/a.csv"])
def test_a_name_with_glob_characters_is_refused(write: Callable[..., Path], name: str) -> None:
    write("id,v\n1,other\n", "ab.csv")
    assert only(faults(write("id,v\n1,a\n", name))).found == "a path with * ? [ ] { or }"


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.duckdb"])
def test_a_file_of_no_bytes_is_a_fault(write: Callable[..., Path], name: str) -> None:
    assert only(faults(write(b"", name))).found == "an empty file (0 bytes)"


@pytest.mark.parametrize("content", ["id,v\n", "id,v", "\ufeffid,v\r\n"])
def test_a_header_without_rows_is_a_fault(write: Callable[..., Path], content: str) -> None:
    assert only(faults(write(content))).found == "no rows"


def test_a_table_without_rows_is_a_fault_in_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array([], "string"), "v": pa.array([], "string")}), tmp_path / "a.parquet")
    assert only(faults(tmp_path / "a.parquet")).found == "no rows"


@pytest.mark.parametrize("name", ["a.parquet", "a.duckdb"])
@pytest.mark.parametrize("content", [b"id,v\n1,a\n", b"PAR1" + b"\0" * 9000 + b"PAR1", b"\xff" * 9000])
def test_a_file_that_is_not_of_its_format_is_a_fault(write: Callable[..., Path], name: str, content: bytes) -> None:
    assert "a file that cannot be read (" in only(faults(write(content, name))).found


def test_parquet_data_damaged_in_the_middle_is_a_fault(write: Callable[..., Path], tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [*range(1000)], "v": [f"value {i}" for i in range(1000)]}), tmp_path / "a.parquet")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[100:600] = bytes(500)
    assert "a file that cannot be read (" in only(faults(write(bytes(content), "b.parquet"))).found


@pytest.mark.parametrize("table", [None, "gone"])
def test_a_table_that_a_duckdb_file_does_not_have_is_named(database: Callable[..., Path], table: str | None) -> None:
    path = database("create table other as select 1 id, 'a' v")
    assert only(faults(path, table=table)).found == f"no table {table or 't'} in the file"


def test_a_fault_is_the_same_when_asked_for_again(database: Callable[..., Path]) -> None:
    tables = opened(database("create table other as select 1 id"))
    assert tables.faults("t") == tables.faults("t")


# --- columns ------------------------------------------------------------------------------------------------------


def test_a_missing_column_names_the_close_one(write: Callable[..., Path]) -> None:
    found = only(faults(write("customer_id,v\n1,a\n"), {"who": Column("custmer_id", "id")}))
    assert found == Fault(
        "who", "no column custmer_id", "a column of the file: customer_id, v", "did you mean customer_id?"
    )


def test_a_missing_column_without_a_close_one_asks_for_it(write: Callable[..., Path]) -> None:
    found = only(faults(write("id,v\n1,a\n"), {"who": Column("gender", "text")}))
    assert found.todo == "name the column that plays this part, or export it"


def test_column_names_differ_by_case(write: Callable[..., Path]) -> None:
    assert only(faults(write("ID,v\n1,a\n"))).found == "no column id"


def test_every_missing_column_is_named_at_once(write: Callable[..., Path]) -> None:
    assert [f.role for f in faults(write("x,y\n1,a\n"))] == ["who", "what"]


def test_of_a_wide_file_the_first_twenty_columns_are_shown(write: Callable[..., Path]) -> None:
    header = ",".join(f"c{i}" for i in range(25))
    found = only(faults(write(f"{header}\n{header}\n"), {"who": Column("gender", "text")}))
    assert found.allowed.endswith("c18, c19 and 5 more")


HOSTILE = [
    'a"b',
    "a b",
    "größe",
    "客户",
    "a'b",
    'x"; drop table t; --',
    "a) from t; --",
    "select",
    "1; attach ':memory:'",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_column_of_any_name_is_read(write: Callable[..., Path], name: str) -> None:
    quoted = name.replace('"', '""')
    path = write(f'"{quoted}",v\n1,a\n')
    assert rows(opened(path, {"who": Column(name, "id")})) == [{"who": "1"}]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_column_or_table_of_any_name_is_read_from_duckdb(database: Callable[..., Path], name: str) -> None:
    quoted = name.replace('"', '""')
    path = database(f'create table "{quoted}" as select 1 as "{quoted}", 2 as v')
    tables = Tables({name: Source(path, {"who": Column(name, "id")})})
    assert rows(tables, name) == [{"who": "1"}]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_that_is_not_there_is_only_missing(database: Callable[..., Path], name: str) -> None:
    path = database("create table t as select 1 id, 'a' v")
    assert only(faults(path, {"who": Column(name, "id")})).found == f"no column {name}"
    assert only(faults(path, table=name)).found == f"no table {name} in the file"
    assert pairs(path) == [("1", "a")]


# --- values -------------------------------------------------------------------------------------------------------


def test_ids_keep_their_leading_zeros(write: Callable[..., Path]) -> None:
    assert pairs(write("id,v\n007,a\n7,b\n")) == [("007", "a"), ("7", "b")]


def test_blank_text_is_null_and_surrounding_space_is_dropped(write: Callable[..., Path]) -> None:
    assert pairs(write('id,v\n 1 ," "\n2,\n3,"\t"\n')) == [("1", None), ("2", None), ("3", None)]


def test_words_for_nothing_are_text(write: Callable[..., Path]) -> None:
    assert pairs(write("id,v\n1,NULL\n2,NA\n")) == [("1", "NULL"), ("2", "NA")]


def test_blanks_of_a_required_column_are_counted(write: Callable[..., Path]) -> None:
    found = only(faults(write('id,v\n1,a\n,b\n" ",c\n')))
    assert (found.role, found.found) == ("who", "2 of 3 rows without a value in id")


def test_blanks_of_other_columns_are_no_fault(write: Callable[..., Path]) -> None:
    assert pairs(write("id,v\n1,\n2,b\n")) == [("1", None), ("2", "b")]


def test_repeats_of_a_unique_id_are_counted(write: Callable[..., Path]) -> None:
    found = only(faults(write('id,v\n1,a\n1,b\n" 1",c\n2,d\n'), {"who": Column("id", "id", unique=True)}))
    assert (found.found, found.allowed) == ("2 repeated values in id", "each value once")


def test_blank_ids_are_no_repeats(write: Callable[..., Path]) -> None:
    assert faults(write("id,v\n,a\n,b\n1,c\n"), {"who": Column("id", "id", unique=True)}) == []


def test_wrong_values_are_counted_with_an_example(write: Callable[..., Path]) -> None:
    found = only(faults(write("id,v\n1,5\n2,five\n3,\n4,six\n"), {"x": Column("v", "number")}))
    assert found.found == "2 of 4 values of v that are not a number, the first in row 2, written like “aaaa”"


def test_all_that_is_wrong_is_told_at_once(write: Callable[..., Path]) -> None:
    columns = {
        "who": Column("id", "id", required=True, unique=True),
        "n": Column("n", "number"),
        "t": Column("t", "time"),
    }
    found = faults(write("id,n,t\n1,x,2026-01-01\n1,1,y\n,1,2026-01-01\n"), columns)
    assert [f.role for f in found] == ["who", "n", "t", "who"]


ISO = [
    ("2026-10-31", datetime.fromisoformat("2026-10-31")),
    ("2026-10-31 14:05", datetime.fromisoformat("2026-10-31T14:05:00")),
    ("2026-10-31T14:05:00", datetime.fromisoformat("2026-10-31T14:05:00")),
    ("2026-10-31T14:05:00.25", datetime.fromisoformat("2026-10-31T14:05:00.250000")),
    ("2026-10-31T14:05:00Z", datetime.fromisoformat("2026-10-31T14:05:00")),
    ("2026-10-31 14:05:00 UTC", datetime.fromisoformat("2026-10-31T14:05:00")),
    ("2026-10-31T14:05:00+02:00", datetime.fromisoformat("2026-10-31T12:05:00")),
    ("2026-10-31T23:30:00-0500", datetime.fromisoformat("2026-11-01T04:30:00")),
    ("2026-10-31 14:05:00 +0200", datetime.fromisoformat("2026-10-31T12:05:00")),
    ("2026-10-31T00:30:00+01", datetime.fromisoformat("2026-10-30T23:30:00")),
]


@pytest.mark.parametrize(("text", "moment"), ISO)
def test_an_iso_time_is_read_in_utc(write: Callable[..., Path], text: str, moment: datetime) -> None:
    assert one_value(write, text, "time") == (moment, [])


@pytest.mark.parametrize(
    "text",
    [
        "31/10/2026",
        "10/31/2026",
        "2026/10/31",
        "2026-1-5",
        "20261031",
        "1767225600",
        "Oct 31 2026",
        "2026-02-30",
        "2026-10-31T25:00:00",
        "2026-10-31T14:05:00 Europe/Berlin",
        "2026-10-31 (BC)",
        "0000-01-01",
        "99999-01-01",
        "infinity",
        "-infinity",
        "epoch",
        "now",
        "2026-10",
    ],
)
def test_a_time_in_another_form_is_a_fault_and_null(write: Callable[..., Path], text: str) -> None:
    value, found = one_value(write, text, "time")
    assert value is None
    assert (
        only(found).found == f"1 of 1 values of v that are not a time, the first in row 1, written like {shape(text)}"
    )


def test_a_parquet_time_with_a_zone_is_read_in_utc(tmp_path: Path) -> None:
    berlin = pa.array(
        [datetime.fromisoformat("2026-10-31T12:00:00")], pa.timestamp("ns", "Europe/Berlin")
    )  # an instant, given in UTC
    pq.write_table(pa.table({"v": berlin}), tmp_path / "a.parquet")
    assert rows(opened(tmp_path / "a.parquet", {"x": Column("v", "time")})) == [
        {"x": datetime.fromisoformat("2026-10-31T12:00:00")}
    ]


@pytest.mark.parametrize(
    "values", [[time(14, 5)], [True], [20261031], [1.0], [[1]]], ids=["clock time", "flag", "integer", "float", "list"]
)
def test_a_parquet_column_that_is_no_time_is_a_fault_of_its_role(tmp_path: Path, values: list[Any]) -> None:
    pq.write_table(pa.table({"v": values}), tmp_path / "a.parquet")
    found = only(faults(tmp_path / "a.parquet", {"x": Column("v", "time")}))
    assert found.role == "x"
    assert "that are not a time" in found.found


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 (BC)", "12026-01-01"])
def test_a_time_that_no_calendar_holds_is_a_fault_in_duckdb(database: Callable[..., Path], moment: str) -> None:
    path = database(f"create table t as select timestamp '{moment}' v")
    assert "that are not a time" in only(faults(path, {"x": Column("v", "time")})).found


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("-2.5", -2.5), ("1e3", 1000), (" 3 ", 3), (".5", 0.5)])
def test_a_number_is_read(write: Callable[..., Path], text: str, value: float) -> None:
    assert one_value(write, text, "number") == (value, [])


@pytest.mark.parametrize("text", ["NaN", "nan", "inf", "-Infinity", "1e400", "1,5", "1 000", "0x1F", "five", "5%"])
def test_what_is_no_finite_number_is_a_fault_and_null(write: Callable[..., Path], text: str) -> None:
    value, found = one_value(write, text, "number")
    assert value is None
    assert only(found).allowed == "finite numbers with a decimal point"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_a_fault_in_parquet(tmp_path: Path, value: float) -> None:
    pq.write_table(pa.table({"v": [1.0, value]}), tmp_path / "a.parquet")
    found = only(faults(tmp_path / "a.parquet", {"x": Column("v", "number")}))
    assert "1 of 2 values of v that are not a number" in found.found


@pytest.mark.parametrize(
    ("text", "value"),
    [("Yes", True), ("TRUE", True), ("1", True), ("t", True), ("no", False), ("F", False), ("0", False), ("n", False)],
)
def test_a_flag_is_read_in_any_case(write: Callable[..., Path], text: str, value: bool) -> None:
    assert one_value(write, text, "flag") == (value, [])


@pytest.mark.parametrize("text", ["maybe", "2", "-1", "ja", "on"])
def test_another_word_is_no_flag(write: Callable[..., Path], text: str) -> None:
    value, found = one_value(write, text, "flag")
    assert value is None
    assert only(found).allowed == "yes/no, true/false or 1/0"


# --- nothing but the named files is read --------------------------------------------------------------------------

STEALING = [
    "select id, v from read_csv('{secret}')",
    "select id, v from '{secret}'",
    "select 1 id, content v from read_text('{secret}')",
    "select 1 id, content::varchar v from read_blob('{secret}')",
    "select 1 id, file v from glob('{folder}/*')",
    "select 1 id, Columns::varchar v from sniff_csv('{secret}')",
    "select id, v from read_csv('{folder}/*.csv')",
]


@pytest.mark.parametrize("query", STEALING)
def test_a_view_that_reads_another_file_is_a_fault_and_no_data(
    write: Callable[..., Path], database: Callable[..., Path], query: str
) -> None:
    secret = write("id,v\n1,SECRET\n", "secret.csv")
    path = database(f"create view t as {query.format(secret=secret, folder=secret.parent)}")
    tables = opened(path)
    found = only(tables.faults("t"))
    assert found.found.startswith("a file that cannot be read (it points at other files, which may not be read")
    assert "SECRET" not in str(found)
    with pytest.raises(Exception, match="disabled by configuration"):
        tables.table("t").to_pyarrow()


def test_a_view_over_a_table_of_its_own_file_is_read(database: Callable[..., Path]) -> None:
    path = database("create table kept as select 1 id, 'a' v", "create view t as select * from kept")
    assert pairs(path) == [("1", "a")]


def test_a_view_cannot_reach_a_variable_of_this_program(database: Callable[..., Path]) -> None:
    loot = pa.table({"id": [1], "v": ["SECRET"]})
    assert loot.num_rows
    path = database("create table loot as select 1 id, 'a' v", "create view t as select * from loot", "drop table loot")
    assert only(faults(path)).found == "no table t in the file"


def test_the_files_are_opened_read_only(database: Callable[..., Path]) -> None:
    path = database("create table t as select 1 id, 'a' v")
    before = path.read_bytes()
    tables = opened(path)
    rows(tables)
    with pytest.raises(duckdb.Error, match="read-only"):
        tables._connection.con.execute("insert into db_t.t values (2, 'b')")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["enable_external_access=true", "allowed_directories=['/']", "autoload_known_extensions=true"]
)
def test_the_locks_of_the_connection_cannot_be_opened_again(write: Callable[..., Path], name: str) -> None:
    tables = opened(write("id,v\n1,a\n"))
    rows(tables)
    with pytest.raises(duckdb.Error, match=r"locked|Cannot"):
        tables._connection.con.execute(f"set {name}")


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    assert opened(tmp_path / "gone.csv").sources["t"].path.name == "gone.csv"


def test_a_table_is_read_once_and_stays_as_it_was_read(write: Callable[..., Path]) -> None:
    path = write("id,v\n1,a\n2,b\n")
    tables = opened(path)
    first = tables.table("t")
    path.write_text("id,v\n3,c\n", encoding="utf-8")
    assert first.count().to_pyarrow().as_py() == tables.table("t").count().to_pyarrow().as_py() == 2


def test_what_is_only_looked_at_is_not_kept(write: Callable[..., Path]) -> None:
    path = write("id,v\n1, a\n2,\n")
    tables = opened(path)
    looked_at = tables.unkept("t", "what")
    assert looked_at.to_pyarrow().to_pylist() == [{"what": "a"}, {"what": None}]
    path.write_text("id,v\n3,c\n", encoding="utf-8")
    assert looked_at.to_pyarrow().to_pylist() == [{"what": "c"}]
    assert tables.unkept("t").count().to_pyarrow().as_py() == 1
    assert tables.table("t") is tables.unkept("t", "what")


def test_whole_numbers_and_flags_of_a_parquet_file_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"f": [True, None, False], "n": [7, None, -(2**53)]}), path)
    tables = opened(path, {"flag": Column("f", "flag"), "number": Column("n", "number", low=0)})
    read = tables.table("t").to_pyarrow()
    assert (read["flag"].to_pylist(), read["number"].to_pylist()) == ([True, None, False], [7.0, None, -(2.0**53)])
    assert read["number"].type == pa.float64()
    (fault,) = tables.faults("t")
    assert "1 of 3 values of n that are not a number in range, the first in row 3" in fault.found


def test_what_there_is_no_room_for_is_read_by_each_count(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethics_kit.measures.tables.KEPT_VALUES", 7)
    small, large = write("id,v\n1,a\n", "a.csv"), write("id,v\n1,a\n2,b\n3,c\n", "b.csv")
    tables = Tables({name: Source(path, ID_AND_TEXT) for name, path in (("small", small), ("large", large))})
    kept, again = tables.table("small"), tables.table("large")
    for path in (small, large):
        path.write_text("id,v\n7,g\n8,h\n", encoding="utf-8")
    assert kept.count().to_pyarrow().as_py() == 1
    assert again.count().to_pyarrow().as_py() == 2
