"""Apache Spark 4: the session that its own configuration describes, in UTC, with DuckDB's answers where the two differ.

Ibis asks for Spark through pandas, which Spark does not yet take in version 3; here results come by way of Arrow.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Mapping
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any, ClassVar

import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.expr import datatypes as dt
from ibis.formats.pyarrow import PyArrowData

from ethics_kit.measures.engines.rows import Guarded

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    from ibis.backends.pyspark import Backend as Plain

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

REASONS = {
    "JAVA_GATEWAY_EXITED": "Spark did not start: it needs Java 17 or 21 (JAVA_HOME), or SPARK_REMOTE names a server",
    "UNAVAILABLE": "nothing answers at the address in SPARK_REMOTE",
    "UNAUTHENTICATED": "the server did not accept the token",
    "PERMISSION_DENIED": "the user may not connect",
    "CONNECT_URL_NOT_SET": "the address in SPARK_REMOTE is none",
}
"""What Spark says when it cannot be had, by a part of its message."""

SETTINGS = {
    "spark.sql.ansi.enabled": "true",  # what overflows is an error and not another number
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
}
"""What the meaning of a query hangs on."""

NUMBER = r"(?i)^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$|^\s*([+-]?(inf|infinity)|nan)\s*$"
"""Numbers as text; Spark alone would read 1d and 1f as numbers, too."""

_starting = threading.Lock()


class Compiler(PySparkCompiler):
    """Ibis's, with DuckDB's answers, and what Spark lacks or Ibis writes in a way that Spark cannot read."""

    SIMPLE_OPS: ClassVar = {ops.Hash: "xxhash64"}  # 64 bits; Ibis takes 32

    def visit_InValues(self, op: ops.InValues, *, value: Any, options: Any) -> Any:
        return sge.paren(super().visit_InValues(op, value=value, options=options), copy=False)

    def visit_IsInf(self, _op: ops.IsInf, *, arg: Any) -> Any:
        return sge.paren(arg.isin(self.POS_INF, self.NEG_INF), copy=False)

    def visit_Least(self, _op: ops.Least, *, arg: Any) -> Any:
        return self.f.least(*arg) if len(arg) > 1 else arg[0]

    def visit_TryCast(self, op: ops.TryCast, *, arg: Any, to: dt.DataType) -> Any:
        read = super().visit_TryCast(op, arg=arg, to=to)
        if not (to.is_floating() and op.arg.dtype.is_string()):
            return read
        return self.if_(self.f.regexp_like(arg, sge.convert(NUMBER)), read, sge.null())

    def visit_ArrayCollect(self, op: ops.ArrayCollect, *, arg: Any, where: Any, order_by: Any, **how: Any) -> Any:
        if not order_by:
            return super().visit_ArrayCollect(op, arg=arg, where=where, order_by=order_by, **how)
        keys = [-key.this if key.args["desc"] else key.this for key in order_by]
        named = [part for number, value in enumerate([*keys, arg]) for part in (sge.convert(f"k{number}"), value)]
        both = self.f.named_struct(*named)
        rows = self.f.sort_array(self.f.collect_list(self.if_(where, both, sge.null()) if where else both))
        row, last = sge.to_identifier("r"), sge.to_identifier(f"k{len(keys)}")
        return self.f.transform(rows, sge.Lambda(this=sge.Dot(this=row.copy(), expression=last), expressions=[row]))


class Backend(Guarded, Plain):
    """A session that is asked by SELECT only; it is the process's, so that closing the tables does not stop it."""

    compiler = Compiler()

    def disconnect(self) -> None:
        """Leave the session to whoever else uses it; it ends with the process."""

    def to_pyarrow(self, expr: ir.Expr, /, **options: Any) -> pa.Table | pa.ChunkedArray | pa.Scalar:
        self._run_pre_execute_hooks(expr)
        table = expr.as_table()
        found = self._session.sql(self.compile(table, **options)).toArrow()
        return expr.__pyarrow_result__(PyArrowData.convert_table(found, table.schema()))


def connect(_settings: Mapping[str, Any], _query_seconds: int) -> Backend:
    """Open the session that Spark's own configuration describes (SPARK_REMOTE, SPARK_CONF_DIR, spark-defaults.conf)."""
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # it writes each failing query to stderr
    with _starting:
        session = _session()
    Backend.register_options()
    backend: Backend = Backend().connect(session)
    for name, value in SETTINGS.items():
        session.conf.set(name, value)
    return backend


def _session() -> SparkSession:
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    if "SPARK_REMOTE" not in os.environ and SparkSession.getActiveSession() is None:
        from pyspark import SparkContext

        quiet = {"stdout": DEVNULL, "stderr": DEVNULL}  # the log of Spark names hosts and folders
        SparkContext(gateway=launch_gateway(popen_kwargs=quiet))
    return SparkSession.builder.getOrCreate()
