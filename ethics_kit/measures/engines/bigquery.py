"""BigQuery, entered by what Google's own libraries find (application default credentials).

Its SQL is compiled and read back in the tests; it has not been run there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql import SQLBackend
from ibis.backends.sql.compilers.bigquery import BigQueryCompiler

from ethics_kit.measures.engines.rows import Guarded

REASONS = {
    "default credentials were not found": "no credentials (GOOGLE_APPLICATION_CREDENTIALS, or sign in with gcloud)",
    "Reauthentication is needed": "the credentials are no longer valid: sign in again",
    "Access Denied": "the account may not run queries in that project",
}
"""What Google's libraries say when nobody may enter, by a part of the message."""


class Compiler(BigQueryCompiler):
    """Ibis's, with what BigQuery's reference asks for: comparisons in brackets, and functions of DATETIME for such."""

    def visit_InValues(self, op: ops.InValues, *, value: Any, options: Any) -> Any:
        return sge.paren(super().visit_InValues(op, value=value, options=options), copy=False)

    def visit_ExtractEpochSeconds(self, op: ops.ExtractEpochSeconds, *, arg: Any) -> Any:
        return self.f.unix_seconds(arg if op.arg.dtype.timezone else self.f.anon.TIMESTAMP(arg))

    def visit_TimestampAddSub(self, op: ops.TimestampAdd | ops.TimestampSub, *, left: Any, right: Any) -> Any:
        moved = super().visit_TimestampAddSub(op, left=left, right=right)
        name = "DATETIME_ADD" if isinstance(op, ops.TimestampAdd) else "DATETIME_SUB"
        return moved if op.left.dtype.timezone else self.f.anon[name](left, right)

    visit_TimestampAdd = visit_TimestampSub = visit_TimestampAddSub

    def visit_HexDigest(self, _op: ops.HexDigest, *, arg: Any, how: str) -> Any:
        return self.f.to_hex(self.f.anon[how.upper()](arg))


def connect(settings: Mapping[str, Any], query_seconds: int) -> SQLBackend:
    """Open a project for queries of at most so many seconds; `settings` may hold `project` and `location`."""
    from google.cloud import bigquery
    from ibis.backends.bigquery import Backend as Plain

    class Backend(Guarded, Plain):
        compiler = Compiler()

    limits = bigquery.QueryJobConfig(job_timeout_ms=query_seconds * 1000)
    backend: SQLBackend = Backend().connect(client=bigquery.Client(default_query_job_config=limits, **settings))
    return backend
