"""PostgreSQL reads what DuckDB reads: texts as numbers, times, flags and ids, in the order of their signs."""

from datetime import datetime
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ethics_kit.measures.columns import Column, Form
from ethics_kit.measures.engines import Database, RowsRefused
from ethics_kit.measures.tables import Source, Tables
from tests.databases.server import Server, load

TEXTS = {
    "number": [
        "1",
        " 2.5 ",
        "-3e2",
        "1e400",
        "nan",
        "Infinity",
        "1,5",
        "0x1F",
        "1_000",
        "",
        None,
        "٣",
        "1e",
        ".5",
        "5.",
    ],
    "time": [
        "2026-10-31",
        "2026-10-31T14:05:00Z",
        "2026-10-31 14:05:00 +02:00",
        "2026-10-31 14:05:00.123456+0530",
        "2026-02-30",
        "2024-02-29",
        "2100-02-29",
        "2000-02-29T00:00:00",
        "2026-04-31",
        "2026-13-01",
        "0000-01-01",
        "2026-10-31 24:00:00",
        "2026-10-31 14:61",
        "infinity",
        "now",
        "today",
        "31.10.2026",
        None,
    ],
    "local": [
        "31.10.2026",
        "5/3/2026 2:05 PM",
        "5/3/2026 12:05 AM",
        "5/3/2026 12:05:09 pm",
        "5/3/2026 13:05 PM",
        "5/3/2026 0:05 AM",
        "30.2.2026",
        "1.2.2026 14:05",
        "2026-10-31",
        "1.2.26",
    ],
    "flag": ["yes", "No", " TRUE ", "0", "1", "maybe", "", None, "2"],
    "salesforce": ["001B000001AbCdE", "001B000001AbCdEIAV", "001B000001AbCdEIAX", "short", None],
    "text": ["b", "A", "a", "B", "ä", "_", "", "  x  ", None],
}
COLUMNS = {
    "number": Column("number", "number"),
    "comma": Column("number", "number", form=Form("comma")),
    "time": Column("time", "time"),
    "local": Column("local", "time", form=Form(dates="day_first")),
    "flag": Column("flag", "flag"),
    "salesforce": Column("salesforce", "id", salesforce=True),
    "text": Column("text", "text"),
    "mapped": Column("flag", "text", values={"yes": "agreed", "0": "refused"}),
    "whole": Column("whole", "text"),
    "far": Column("far", "time"),
}
ENDS = datetime.fromisoformat("0001-01-01"), datetime.fromisoformat("9999-12-31")
LONGEST = max(map(len, TEXTS.values()))


@pytest.fixture(scope="module")
def both(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, Tables]:
    """The same table in a file and in PostgreSQL, whose rows may leave."""
    columns = {name: (texts + [None] * LONGEST)[:LONGEST] for name, texts in TEXTS.items()}
    columns["whole"] = [1.0, -2.0, 0.5, 1e20, None, *[3.25] * LONGEST][:LONGEST]
    columns["far"] = [*ENDS, *[None] * LONGEST][:LONGEST]
    path = tmp_path_factory.mktemp("reads") / "t.parquet"
    pq.write_table(pa.table({"row": list(range(LONGEST)), **columns}), path)
    every = {"row": Column("row", "number"), **COLUMNS}
    files = Tables({"t": Source(path, every)})
    load(server, "reads", {"t": files.raw("t")})
    with server.owners() as entered:
        entered.execute(
            "UPDATE reads.t SET far = 'infinity' WHERE row = 2; UPDATE reads.t SET far = '0044-03-15 BC' WHERE row = 3"
        )
    there = Database("warehouse", "postgres", {"host": str(server.socket), "database": "warehouse"})
    remote = Tables({"t": Source(None, every, "reads.t")}, there)
    remote.let_rows_leave(["t"])
    return files, remote


@pytest.mark.parametrize("role", COLUMNS)
def test_a_column_is_read_as_duckdb_reads_it(role: str, both: tuple[Tables, Tables], enter: None) -> None:
    here, there = (t.table("t").order_by("row").select(role).to_pyarrow()[role].to_pylist() for t in both)
    assert there == here


def test_texts_are_in_the_order_of_their_signs(both: tuple[Tables, Tables], enter: None) -> None:
    here, there = (
        t.table("t")
        .group_by("text")
        .aggregate(n=ibis._.count())
        .order_by(ibis.asc("text", nulls_first=True))
        .to_pyarrow()
        .to_pylist()
        for t in both
    )
    assert there == here
    assert [t.table("t").text.min().to_pyarrow().as_py() for t in both] == ["A"] * 2


def test_nothing_can_be_written(both: tuple[Tables, Tables], enter: None) -> None:
    _, there = both
    with pytest.raises(Exception, match="read-only transaction"):
        there._remote.raw_sql("CREATE TEMP TABLE x (a int)")


def test_the_digest_tells_changed_rows_and_not_their_order(server: Server, enter: None, tmp_path: Path) -> None:
    there = Database("warehouse", "postgres", {"host": str(server.socket), "database": "warehouse"})
    with server.owners() as entered:
        entered.execute("CREATE SCHEMA told")
        entered.execute(
            "CREATE TABLE told.t AS SELECT i::text AS a, CASE WHEN i > 1 THEN i END AS b FROM generate_series(1, 3) i"
        )
        entered.execute("CREATE TABLE told.turned AS SELECT * FROM told.t ORDER BY a DESC")
        entered.execute("CREATE TABLE told.swapped AS SELECT a, CASE WHEN a <> '3' THEN 5 - b END AS b FROM told.t")
        entered.execute("CREATE TABLE told.joined AS SELECT a || '1:' AS a, b FROM told.t")
        entered.execute(
            "GRANT USAGE ON SCHEMA told TO kit_reader; GRANT SELECT ON ALL TABLES IN SCHEMA told TO kit_reader"
        )
    columns = {"x": Column("a", "text"), "y": Column("b", "number")}
    tables = Tables({n: Source(None, columns, f"told.{n}") for n in ("t", "turned", "swapped", "joined")}, there)
    found = {name: tables.fingerprint(name) for name in tables.sources}
    assert found["t"] == found["turned"]
    assert len({*found.values()}) == 3
    assert all(len(digest) == 64 for digest in found.values())


SHARED = {
    "region": ("'r' || customer % 4", True),
    "region_with_few_mistakes": ("CASE WHEN customer < 9 THEN 'typo' || customer ELSE 'r' || customer % 4 END", True),
    "email": ("'c' || customer || '@example.com'", False),  # ten rows of each, all of one customer
    "remark": ("CASE WHEN customer < 20 THEN 'called by c' || customer ELSE 'none' END", False),
    "phone": ("customer", False),  # numbers that the dossier calls text
}
"""Columns of 200 customers with ten rows each: what they hold, and whether their values say a group."""


def test_texts_that_few_people_share_do_not_leave(server: Server, enter: None) -> None:
    there = Database("warehouse", "postgres", {"host": str(server.socket), "database": "warehouse"})
    held = ", ".join(f"{sql} AS {name}" for name, (sql, _) in SHARED.items())
    with server.owners() as entered:
        entered.execute("CREATE SCHEMA shared; GRANT USAGE ON SCHEMA shared TO kit_reader")
        entered.execute(
            f"CREATE TABLE shared.t AS SELECT customer, {held} FROM generate_series(1, 200) customer, "
            "generate_series(1, 10)"
        )
        entered.execute("GRANT SELECT ON shared.t TO kit_reader")
    columns = {"customer": Column("customer", "id"), **{name: Column(name, "text") for name in SHARED}}
    tables = Tables({"t": Source(None, columns, "shared.t")}, there)

    refused = set()
    for name in SHARED:
        try:
            tables.table("t").group_by(name).aggregate(n=ibis._.count()).to_pyarrow()
        except RowsRefused as error:
            refused.update(error.columns)
    assert refused == {f"t.{name}" for name, (_, said) in SHARED.items() if not said}
    tables.let_rows_leave(["t"])
    assert len(tables.table("t").group_by("email").aggregate(n=ibis._.count()).to_pyarrow()) == 200
