"""PostgreSQL, from 15 on: read only, in UTC, and with the same answers as DuckDB where the two differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.postgres import Backend as Plain
from ibis.backends.sql.compilers.postgres import PostgresCompiler
from ibis.expr import datatypes as dt

from ethics_kit.measures.engines.rows import Guarded

CONNECT_SECONDS = 20

REASONS = {
    "password authentication failed": "the user or the password was not accepted (PGUSER, PGPASSWORD, PGPASSFILE)",
    "no password supplied": "it asks for a password (PGPASSWORD, or an entry of the password file)",
    "could not translate host name": "no such host",
    "failed to resolve host": "no such host",
    "Connection refused": "nothing answers at that host and port",
    "No such file": "no socket in that folder",
    "timeout": "it did not answer in time",
    "no pg_hba.conf entry": "it lets nobody in from here",
    "SSL": "the encrypted connection could not be made (PGSSLMODE, PGSSLROOTCERT)",
    "does not exist": "no such database or user",
    "permission denied": "the user may not connect",
    "definition of service": "no such entry in the service file",
}
"""What psycopg says when it cannot connect, by a part of its message, which may quote the address."""

NUMBER = r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?\s*$"
NOT_FINITE = r"^\s*([+-]?(inf|infinity)|nan)\s*$"
INTEGER = r"^\s*[+-]?[0-9]{1,18}\s*$"
DAY = r"^(?!0000)[0-9]{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])"
CLOCK = r"[T ]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)? ?(Z|UTC|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)?"
TIME = DAY + f"({CLOCK})?$"
SHORT = r"^[0-9]{4}-(0?[469]|11)-31|^[0-9]{4}-0?2-(30|31)"
LEAP_DAY = r"^[0-9]{4}-0?2-29"
LEAP = r"^([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"


class Compiler(PostgresCompiler):  # type: ignore[misc]
    """Ibis's, with DuckDB's answers: text in the order of its code points, and null for what cannot be read."""

    UNSUPPORTED_OPS = tuple(op for op in PostgresCompiler.UNSUPPORTED_OPS if op is not ops.TryCast)

    def visit_Field(self, op: Any, *, rel: Any, name: Any) -> Any:
        column = super().visit_Field(op, rel=rel, name=name)
        if isinstance(op.rel, ops.DatabaseTable) and op.dtype.is_string():
            return sge.Collate(this=self.cast(column, dt.string), expression=sge.column("C", quoted=True))
        return column

    def visit_TryCast(self, op: Any, *, arg: Any, to: Any) -> Any:
        text = arg if op.arg.dtype.is_string() else self.cast(arg, dt.string)
        return self.if_(self._readable(text, to), self.cast(text, to), sge.null())

    def _readable(self, text: Any, to: dt.DataType) -> Any:
        def like(pattern: str, how: str = "c") -> Any:
            return self.f.regexp_like(text, pattern, how)

        if to.is_integer():
            return like(INTEGER)
        if to.is_numeric():
            return sge.or_(like(NUMBER), like(NOT_FINITE, "i"))
        leap = sge.or_(sge.not_(like(LEAP_DAY)), like(LEAP))
        return sge.and_(like(TIME), sge.not_(like(SHORT)), leap)

    def visit_StructColumn(self, _: Any, *, names: Any, values: Any) -> Any:
        return self.f.jsonb_build_object(*(part for pair in zip(names, values, strict=True) for part in pair))

    def visit_StructField(self, op: Any, *, arg: Any, field: Any) -> Any:
        return self.cast(self.f.jsonb_extract_path_text(arg, field), op.dtype)

    def visit_ExtractYear(self, op: Any, *, arg: Any) -> Any:
        year = super().visit_ExtractYear(op, arg=arg)
        return self.if_(self.f.isfinite(arg), year, sge.null())

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:
        if op.arg.dtype.is_boolean() and to.is_numeric():
            arg = self.cast(arg, dt.int32)
        text = super().visit_Cast(op, arg=arg, to=to)
        if op.arg.dtype.is_floating() and to.is_string():  # a whole number is written 1.0
            return self.if_(self.f.regexp_like(text, r"^-?[0-9]+$"), self.f.concat(text, ".0"), text)
        return text


class Backend(Guarded, Plain):  # type: ignore[misc]
    """A connection that may only read."""

    compiler = Compiler()

    def _post_connect(self) -> None:
        super()._post_connect()
        self.con.execute("SET default_transaction_read_only = on")


def connect(settings: Mapping[str, Any], query_seconds: int) -> Backend:
    """Open a database; user, password and certificates are libpq's own affair (PGUSER, PGPASSFILE and the like)."""
    where = {key: value for key, value in settings.items() if key != "port"}
    backend: Backend = Backend().connect(
        port=settings.get("port"), connect_timeout=CONNECT_SECONDS, application_name="ethics-kit", **where
    )
    backend.con.execute(f"SET statement_timeout = {int(query_seconds) * 1000}")
    return backend
