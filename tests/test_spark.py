"""Tables that lie in Spark: the same numbers as from files, no row that leaves, nothing of Spark's own log."""

import pyarrow as pa
import pytest

from ethics_kit.measures.columns import Column, typed
from ethics_kit.measures.engines import Database, Leave, connect
from tests import lakes, spark

TEXTS = [
    "2026-10-31", "2026-02-29", "2024-02-29", "2026-10-31T14:05:00Z", "2026-10-31 14:05", "2026-10-31T14:05:00+02",
    "2026-10-31T14:05:00 -0530", "2026-10-31T14:05:00.123456789Z", "0000-01-01", "9999-12-31T23:59:59-05", "infinity",
    "now", "2026-13-01", "1582-10-10", "10/31/2026", " 2026-10-31 ", "1", " 12 ", "1,5", "1.", ".5", "-.5e3", "1E400",
    "0x1F", "inf", "-Infinity", "NaN", "1d", "1F", "1 000", "", " ", "1e", "--1", "1e-400", "true", "T", "No", "on",
    "1.0", "0.1", "12345678901234567890", "\u00e4B", "\u0130", "001000000000ABCAA0", "0010000000ABCde",
]  # fmt: skip


@pytest.fixture(scope="module")
def lake(projects, tmp_path_factory):
    """A small system in files and in a real Spark."""
    spark.required()
    folder = tmp_path_factory.mktemp("spark")
    twice = lakes.twice(folder, projects)
    with spark.configured(folder):
        session = connect(Database("lake", "spark"), Leave({}, {}))._session
        spark.load(session, folder, "crm", {n: twice.files.tables.raw(n) for n in twice.files.tables.sources})
        yield twice, session, folder


def test_every_step_that_needs_no_row_finds_in_spark_what_it_finds_in_files(lake):
    twice, _, _ = lake
    found = lakes.steps(lakes.loaded(twice.named({"engine": "spark"})))

    rows = lakes.unanswered(found, "which stay in the database lake")
    assert {step for (_, step) in found if found[_, step] != twice.found[_, step]} == rows == {"proxies_found"}
    assert lakes.unanswered(found, "cannot do") == set()
    assert sum(f.value is not None for o in found.values() for f in o.findings) > 30


def test_values_are_read_in_spark_as_in_files(lake):
    twice, session, _ = lake
    texts = pa.table({"place": range(len(TEXTS)), "text": TEXTS})
    session.createDataFrame(texts).createOrReplaceTempView("texts")
    there = connect(Database("lake", "spark"), Leave({("texts",): "texts"}, {}, {"texts"}))
    here = twice.files.tables._connection.create_table("texts", texts, temp=True)
    kinds = ("text", "time", "number", "flag")

    def read(table):
        columns = {kind: typed(table.text, Column("text", kind)) for kind in kinds}
        ids = {"salesforce": typed(table.text, Column("text", "id", salesforce=True))}
        rows = table.select("place", **columns, **ids).order_by("place").to_pyarrow().to_pylist()
        return [{"text": TEXTS[row.pop("place")], **row} for row in rows]

    assert read(there.table("texts")) == read(here)


def test_rows_leave_spark_only_where_the_dossier_allows_it(lake):
    twice, _, _ = lake
    kept = lakes.loaded(twice.named({"engine": "spark"})).tables
    customers = kept.raw("customers").select("customer_id", "region")

    with pytest.raises(RowsRefused, match="rows of customers"):
        customers.to_pyarrow()
    with pytest.raises(RowsRefused):
        customers.execute()
    kept.leave.allowed.add("customers")
    assert len(customers.to_pyarrow()) == len(customers.distinct().to_pyarrow()) == 200


def test_fingerprints_change_with_one_value_and_not_with_the_order(lake):
    twice, session, _ = lake
    tables = lakes.loaded(twice.named({"engine": "spark"})).tables
    before = tables.fingerprint("opt_outs")
    turned = "SELECT * FROM crm.opt_outs ORDER BY customer_id DESC"
    changed = "SELECT customer_id, opted_out_at, replace(purpose, 'retention', 'other') AS purpose FROM crm.opt_outs"

    def of(query):
        session.sql(query).createOrReplaceTempView("opt_outs_now")
        tables._raw["opt_outs"] = tables._remote.table("opt_outs_now")
        return tables.fingerprint("opt_outs")

    assert of(turned) == before
    assert of(changed) != before


def test_a_table_that_is_not_there_is_a_problem_and_no_trace(lake, edit, capfd):
    twice, _, _ = lake
    root = twice.named({"engine": "spark"})
    edit(root / "parameters/demo/system.yaml", ("tables", "notices", "table"), "crm.nowhere")

    with pytest.raises(InputError) as raised:
        lakes.loaded(root)
    assert [(p.key, "no table crm.nowhere that can be read" in p.found) for p in raised.value.problems] == [
        ("tables.notices.table", True)
    ]
    assert capfd.readouterr() == ("", "")


def test_spark_without_java_is_a_problem_in_words(monkeypatch, tmp_path):
    from pyspark.sql import SparkSession

    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.delenv("SPARK_REMOTE", raising=False)

    with pytest.raises(NoDatabase, match="it needs Java 17"):
        connect(Database("lake", "spark"), Leave({}, {}))


@pytest.mark.parametrize("key", ["host", "query_seconds", "password", "url"])
def test_the_policy_says_nothing_of_a_spark_but_its_engine(key):
    with pytest.raises(ValueError, match="engine alone|no query_seconds|nothing to enter with"):
        schema.Database(engine="spark", **{key: 5})
