"""BigQuery, entered by what Google's libraries find (application default credentials). Its SQL is compiled in the
tests and has not been run there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql import SQLBackend
from ibis.backends.sql.compilers.bigquery import BigQueryCompiler
from ibis.common.exceptions import UnsupportedOperationError

from ethics_kit.measures.engines.rows import Guarded

REASONS = {
    "default credentials were not found": "no credentials (GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth`)",
    "Reauthentication is needed": "the credentials are no longer valid: sign in again",
    "Access Denied": "the account may not run queries in that project",
    "Not found": "no such project",
}
"""What Google's libraries say when nobody may enter, by a part of the message."""


class Compiler(BigQueryCompiler):
    """Ibis's, with what it lacks."""

    def visit_HexDigest(self, op: ops.HexDigest, *, arg: Any, how: str) -> Any:
        return self.f.to_hex(getattr(self.f, how)(arg))

    def visit_ScalarUDF(self, op: Any, **arguments: Any) -> Any:
        if op.__func_name__ != "try_strptime":
            raise UnsupportedOperationError(f"{op.__func_name__} is not for BigQuery")
        text, formats = arguments.values()
        return self.f.coalesce(*(self.f.anon["SAFE.PARSE_DATETIME"](form, text) for form in formats.expressions))


def connect(settings: Mapping[str, Any], query_seconds: int) -> SQLBackend:
    """Open a project for queries of at most so many seconds; `settings` may hold `project` and `location`."""
    from google.cloud import bigquery
    from ibis.backends.bigquery import Backend as Plain

    class Backend(Guarded, Plain):
        compiler = Compiler()

    limits = bigquery.QueryJobConfig(job_timeout_ms=query_seconds * 1000)
    where = {key: settings[key] for key in ("project", "location") if key in settings}
    client = bigquery.Client(default_query_job_config=limits, **where)
    backend: SQLBackend = Backend().connect(client=client)
    return backend
