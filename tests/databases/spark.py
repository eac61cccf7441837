"""A real Spark for the tests: one session in this process, of one thread, that its own configuration describes."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import ibis
import pyarrow.parquet as pq
import pytest

OPTIONS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",  # hundreds of small queries: compiling them would take most of the time
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def required() -> None:
    """Skip where Java is absent, but fail in CI."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        if os.environ.get("CI") == "true":
            pytest.fail("no Java here: .ci/run installs it")
        pytest.skip("no Java here (Debian: default-jre-headless)")


@contextmanager
def configured(folder: Path) -> Iterator[None]:
    """Say in Spark's own way what the session is like, for as long as it is wanted; then stop it."""
    lines = [f"{key} {value}\n" for key, value in {**OPTIONS, "spark.sql.warehouse.dir": str(folder / "own")}.items()]
    (folder / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        patch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[1] --driver-memory 1g pyspark-shell")
        patch.delenv("SPARK_REMOTE", raising=False)
        yield
        from pyspark.sql import SparkSession

        if session := SparkSession.getActiveSession():
            gateway = session.sparkContext._gateway
            session.stop()
            gateway.shutdown()
            gateway.proc.stdin.close()
            gateway.proc.wait()


def load(session: object, folder: Path, schema: str, tables: Mapping[str, ibis.Table]) -> None:
    """Put tables of DuckDB into a schema, each column with its type."""
    session.sql(f"CREATE SCHEMA {schema}")
    for name, table in tables.items():
        path = folder / f"{schema}_{name}.parquet"
        pq.write_table(table.to_pyarrow(), path)
        session.sql(f"CREATE TABLE {schema}.{name} USING parquet OPTIONS (path '{path}')")
