"""The SQL for BigQuery and Snowflake: all questions of the stages are compiled and read back, none is run."""

import sys
from types import SimpleNamespace

import ibis
import pytest
import sqlglot
from ibis.backends.duckdb import Backend as DuckDB
from ibis.common.exceptions import OperationNotDefinedError

from ethics_kit.measures import engines
from ethics_kit.measures.engines import bigquery, snowflake
from ethics_kit.measures.engines.rows import Guarded
from tests.databases import lakes

COMPILERS = {"bigquery": bigquery.Compiler(), "snowflake": snowflake.Compiler()}
TIMES = ibis.table({"local": "timestamp", "zoned": "timestamp('UTC')", "word": "string"}, name="t")


@pytest.fixture(scope="module")
def asked(projects, tmp_path_factory):
    """What a database with BigQuery's rules was asked in four stages, what they found, and what the files say."""
    twice = lakes.twice(tmp_path_factory.mktemp("dialects"), projects)
    questions = []

    class Compiling(DuckDB):
        def compile(self, expr, /, **options):
            questions.append(expr.unbind())
            COMPILERS["bigquery"].to_sqlglot(questions[-1])
            return super().compile(expr, **options)

    class Backend(Guarded, Compiling):
        pass

    def connect(settings, query_seconds):
        backend = Backend().connect()
        backend.con.execute("SET TimeZone='UTC'; CREATE SCHEMA crm")
        for name in twice.files.tables.sources:
            backend.con.register("rows", twice.files.tables.raw(name).to_pyarrow())
            backend.con.execute(f"CREATE TABLE crm.{name} AS FROM rows")
        return backend

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(engines.MODULES, "bigquery", "stand_in")
        patch.setitem(sys.modules, "stand_in", SimpleNamespace(connect=connect, REASONS={}))
        found = lakes.steps(lakes.loaded(twice.named({"engine": "bigquery"})))
    return questions, found, lakes.steps(twice.files)


def test_only_rows_and_medians_are_not_answered_in_bigquery(asked):
    _, found, from_files = asked

    rows = lakes.unanswered(found, "which stay in the database lake")
    assert "bias_testing.proxies_found" in rows
    medians = lakes.unanswered(found, "a count that the database lake cannot do")
    assert medians == {"design_review.consent_in_force", "deployment_signoff.opt_out_latency"}
    assert {step for step in found if found[step] != from_files[step]} == rows | medians


@pytest.mark.parametrize("engine", COMPILERS)
def test_every_question_is_one_select_that_the_dialect_reads(asked, engine):
    questions, lacking = asked[0], 0
    statements = []
    for question in questions:
        try:
            statements += sqlglot.parse(COMPILERS[engine].to_sqlglot(question).sql(engine), read=engine)
        except OperationNotDefinedError:
            lacking += 1

    assert len(questions) > 60
    assert lacking == (2 if engine == "bigquery" else 0)
    assert len(statements) == len(questions) - lacking
    assert {type(statement).__name__ for statement in statements} == {"Select"}


def test_bigquery_has_no_median_of_the_seconds_that_a_review_takes():
    reviews = ibis.table({"decision": "string", "overridden": "boolean", "seconds": "float64"}, name="reviews")

    with pytest.raises(OperationNotDefinedError, match="Quantile"):
        COMPILERS["bigquery"].to_sqlglot(reviews.aggregate(median=reviews.seconds.quantile(0.5)))


def sql(engine, value):
    return COMPILERS[engine].to_sqlglot(TIMES.select(value=value)).sql(engine)


def test_bigquery_moves_a_time_without_zone_by_the_functions_of_datetime():
    assert "DATETIME_ADD(`t0`.`local`, INTERVAL '1' MONTH)" in sql("bigquery", TIMES.local + ibis.interval(months=1))
    assert "DATETIME_SUB(`t0`.`local`, INTERVAL '1' DAY)" in sql("bigquery", TIMES.local - ibis.interval(days=1))
    assert "TIMESTAMP_ADD(`t0`.`zoned`, INTERVAL '1' DAY)" in sql("bigquery", TIMES.zoned + ibis.interval(days=1))
    assert "UNIX_SECONDS(TIMESTAMP(`t0`.`local`))" in sql("bigquery", TIMES.local.epoch_seconds())
    assert "UNIX_SECONDS(`t0`.`zoned`)" in sql("bigquery", TIMES.zoned.epoch_seconds())


def test_bigquery_compares_memberships_in_brackets():
    assert "(`t0`.`word` IN ('a')) = (`t0`.`word` IN ('b'))" in sql(
        "bigquery", TIMES.word.isin(["a"]) == TIMES.word.isin(["b"])
    )


def test_snowflake_turns_a_time_to_utc_before_it_drops_the_offset():
    turned = 'CAST(CONVERT_TIMEZONE(\'UTC\', "t0"."zoned") AS TIMESTAMP)'

    assert turned in sql("snowflake", TIMES.zoned.cast("timestamp"))
    assert "CONVERT_TIMEZONE" not in sql("snowflake", TIMES.local.cast("timestamp"))


@pytest.mark.parametrize("engine", COMPILERS)
def test_digests_by_which_samples_are_drawn_are_the_same_in_every_engine(engine):
    assert "MD5(" in sql(engine, TIMES.word.hexdigest("md5"))


@pytest.mark.parametrize("engine", COMPILERS)
def test_an_engine_that_is_not_installed_says_what_installs_it(engine, monkeypatch):
    for package in ("google.cloud", "snowflake.connector"):
        monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(engines.NoDatabase, match=rf"{engine} is not installed: pip install 'ethics-kit\[{engine}\]'"):
        engines.connect(engines.Database("lake", engine), engines.Leave({}, {}, bool))
