"""Snowflake, entered by a named connection of its own configuration (connections.toml).

Its SQL is compiled and read back in the tests; it has not been run there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis.expr.operations as ops
from ibis.backends.sql import SQLBackend
from ibis.backends.sql.compilers.snowflake import SnowflakeCompiler
from ibis.expr import datatypes as dt

from ethics_kit.measures.engines.rows import Guarded

REASONS = {
    "Incorrect username or password": "the user or the password was not accepted",
    "Invalid connection_name": "no such entry in connections.toml",
    "Could not connect to Snowflake backend": "it did not answer",
    "is not allowed to access Snowflake": "it lets nobody in from here",
}
"""What Snowflake's connector says when nobody may enter, by a part of the message."""


class Compiler(SnowflakeCompiler):
    """Ibis's, with times in UTC: Snowflake's own cast would drop the offset and keep the hour of the clock."""

    def visit_Cast(self, op: ops.Cast, *, arg: Any, to: dt.DataType) -> Any:
        kind = op.arg.dtype
        if kind.is_timestamp() and kind.timezone and to.is_timestamp() and not to.timezone:
            arg = self.f.convert_timezone("UTC", arg)
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_HexDigest(self, _op: ops.HexDigest, *, arg: Any, how: str) -> Any:
        return self.f.anon[how.upper()](arg)


def connect(settings: Mapping[str, Any], query_seconds: int) -> SQLBackend:
    """Open a connection for queries of at most so many seconds; nothing is created there."""
    from ibis.backends.snowflake import Backend as Plain

    class Backend(Guarded, Plain):
        compiler = Compiler()

    limits = {"STATEMENT_TIMEOUT_IN_SECONDS": query_seconds}
    named = {"connection_name": settings["connection"]} if settings else {}
    backend: SQLBackend = Backend().connect(create_object_udfs=False, session_parameters=limits, **named)
    return backend
