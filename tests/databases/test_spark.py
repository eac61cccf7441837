"""Tables that lie in Spark: the same numbers as from files, no row that leaves, nothing of Spark's own log."""

import gc
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ethics_kit.dossier import Dossier
from ethics_kit.measures.columns import Column, typed
from ethics_kit.measures.engines import Database, Leave, NoDatabase, RowsRefused, connect
from ethics_kit.measures.tables import Tables
from ethics_kit.project import STAGES
from ethics_kit.schema.databases import Database as Named
from tests.databases import lakes, spark

TEXTS = [
    "2026-10-31", "2026-02-29", "2024-02-29", "2026-10-31T14:05:00Z", "2026-10-31 14:05", "2026-10-31T14:05:00+02",
    "2026-10-31T14:05:00 -0530", "2026-10-31T14:05:00.123456789Z", "0000-01-01", "9999-12-31T23:59:59-05", "infinity",
    "now", "2026-13-01", "1582-10-10", "10/31/2026", " 2026-10-31 ", "1", " 12 ", "1,5", "1.", ".5", "-.5e3", "1E400",
    "0x1F", "inf", "-Infinity", "NaN", "1d", "1F", "1 000", "", " ", "1e", "--1", "1e-400", "true", "T", "No", "on",
    "1.0", "0.1", "12345678901234567890", "\u00e4B", "\u0130", "001000000000ABCAA0", "0010000000ABCde",
]  # fmt: skip


@dataclass(frozen=True)
class Lake:
    """A small system in files and in a real Spark, the session, and a folder that it can read."""

    files: Dossier
    dossier: Dossier
    session: Any
    folder: Path


@pytest.fixture(scope="module")
def lake(projects, tmp_path_factory):
    spark.required()
    folder = tmp_path_factory.mktemp("spark")
    twice = lakes.twice(folder, projects)
    with spark.configured(folder):
        session = connect(Database("lake", "spark"), Leave({}, {}, bool))._session
        spark.load(session, folder, "crm", {n: twice.files.tables.raw(n) for n in twice.files.tables.sources})
        yield Lake(twice.files, lakes.loaded(twice.named({"engine": "spark"})), session, folder)


@pytest.mark.parametrize("stage", STAGES)
def test_every_step_that_needs_no_row_finds_in_spark_what_it_finds_in_files(lake, stage):
    here, there = lakes.steps(lake.files, [stage]), lakes.steps(lake.dossier, [stage])

    rows = {"bias_testing.proxies_found"} & here.keys()
    assert {step for step in here if here[step] != there[step]} == rows
    assert lakes.unanswered(there, "which stay in the database lake") == rows
    assert lakes.unanswered(there, "cannot do") == set()


def test_values_are_read_in_spark_as_in_files(lake):
    path = lake.folder / "texts.parquet"
    pq.write_table(pa.table({"place": range(len(TEXTS)), "text": TEXTS}), path)
    lake.session.read.parquet(str(path)).createOrReplaceTempView("texts")
    there = connect(Database("lake", "spark"), Leave({("texts",): "texts"}, {}, bool, {"texts"}))
    here = ibis.duckdb.connect()
    here.con.execute("SET TimeZone='UTC'")

    def read(table):
        columns = {kind: typed(table.text, Column("text", kind)) for kind in ("text", "time", "number", "flag")}
        ids = {"salesforce": typed(table.text, Column("text", "id", salesforce=True))}
        rows = table.select("place", **columns, **ids).order_by("place").to_pyarrow().to_pylist()
        return [{"text": TEXTS[row.pop("place")], **row} for row in rows]

    assert read(there.table("texts")) == read(here.read_parquet(path))


def test_rows_leave_spark_only_where_the_dossier_allows_it(lake, monkeypatch):
    tables = lake.dossier.tables
    customers = tables.raw("customers").select("customer_id", "region")
    monkeypatch.setattr(tables.leave, "allowed", set())

    for way in (customers.to_pyarrow, customers.execute):
        with pytest.raises(RowsRefused, match="rows of customers"):
            way()
    tables.leave.allowed.add("customers")
    assert len(customers.to_pyarrow()) == len(customers.distinct().to_pyarrow()) == 200


def test_fingerprints_change_with_one_value_and_not_with_the_order(lake, monkeypatch):
    tables = lake.dossier.tables
    before = tables.fingerprint("opt_outs")

    def of(query):
        lake.session.sql(query).createOrReplaceTempView("opt_outs_now")
        monkeypatch.setitem(tables._raw, "opt_outs", tables._remote.table("opt_outs_now"))
        return tables.fingerprint("opt_outs")

    assert of("SELECT * FROM crm.opt_outs ORDER BY customer_id DESC") == before
    one_other = "if(customer_id = 'c003', 'other', purpose) AS purpose"
    assert of(f"SELECT customer_id, opted_out_at, {one_other} FROM crm.opt_outs") != before


def test_a_table_that_is_not_there_is_told_without_a_word_of_spark(lake, capfd):
    source = replace(lake.dossier.tables.sources["notices"], table="crm.nowhere")

    (fault,) = Tables({"notices": source}, Database("lake", "spark")).faults("notices")

    assert fault.found == "no table crm.nowhere that can be read in the database (TableNotFound)"
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Spark's, of a process that did not start
def test_spark_without_java_is_a_problem_in_words(monkeypatch, tmp_path):
    from pyspark import SparkContext

    monkeypatch.setattr(SparkContext, "_active_spark_context", None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.delenv("SPARK_REMOTE", raising=False)

    with pytest.raises(NoDatabase, match="it needs Java 17"):
        connect(Database("lake", "spark"), Leave({}, {}, bool))
    gc.collect()


@pytest.mark.parametrize("key", ["host", "query_seconds", "password", "url"])
def test_the_policy_says_nothing_of_a_spark_but_its_engine(key):
    with pytest.raises(ValueError, match=r"engine alone|no query_seconds|nothing to enter with"):
        Named(engine="spark", **{key: 5 if key == "query_seconds" else "five"})
