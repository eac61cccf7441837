"""The door to data: files opened read-only through Ibis, columns renamed to roles and given their types.

DuckDB may read the named files and nothing else: no other path, no network, no extension, even where a view in a
DuckDB file asks for it.
"""

from __future__ import annotations

import difflib
import math
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

import ibis
import ibis.expr.types as ir

ColumnType = Literal["id", "text", "time", "number", "flag"]

TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")
FORMATS = (".csv", ".parquet", ".duckdb")
GLOB = set("*?[]{}")
ISO_TIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)?)?$"
CSV = {
    # Nothing about a CSV is guessed but its delimiter: a guess may skip rows, take them for comments or add columns.
    "all_varchar": True,
    "header": True,
    "skip": 0,
    "comment": "",
    "quote": '"',
    "escape": '"',
    "hive_partitioning": False,
}


@dataclass(frozen=True)
class Column:
    """A column of the file, and the type and range of numbers its role asks for."""

    name: str
    type: ColumnType
    required: bool = False
    unique: bool = False
    low: float = -math.inf
    high: float = math.inf

    @property
    def wanted(self) -> str:
        """What its values have to be, in two words."""
        return f"a {self.type}" + (" in range" if math.isfinite(self.low) or math.isfinite(self.high) else "")

    @property
    def allowed(self) -> str:
        """What its values may be, in words."""
        bounds = {self.low: f"{self.low:g} or more", self.high: f"{self.high:g} or less"}
        return ", ".join([ALLOWED[self.type], *(words for bound, words in bounds.items() if math.isfinite(bound))])


@dataclass(frozen=True)
class Source:
    """A file, the table in it (DuckDB files only), its columns by role, and roles that are one day for all rows."""

    path: Path
    columns: Mapping[str, Column] = field(default_factory=dict)
    table: str | None = None
    dated: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a source; `role` is None where it is the file as a whole."""

    role: str | None
    found: str
    allowed: str
    todo: str


class Tables:
    """Opens the sources of one dossier. Nothing is read before it is asked for."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self.sources = dict(sources)
        self._raw: dict[str, ir.Table] = {}

    @cached_property
    def _connection(self) -> ibis.backends.duckdb.Backend:
        connection = ibis.duckdb.connect()
        settings = {
            "TimeZone": "'UTC'",
            "enable_progress_bar": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": _literal(str(Path(tempfile.gettempdir()) / f"ethics-kit-{uuid.uuid4().hex}")),
            "allowed_paths": "[" + ", ".join(_literal(p) for p in self._readable()) + "]",
            "enable_external_access": "false",
            "lock_configuration": "true",
        }
        for name, value in settings.items():
            connection.con.execute(f"SET {name}={value}")
        return connection

    def _readable(self) -> list[str]:
        paths = [str(s.path) for s in self.sources.values()]
        return paths + [f"{p}.wal" for p in paths if p.endswith(".duckdb")]

    def raw(self, name: str) -> ir.Table:
        """The table as it stands in its file; every column of a CSV is text."""
        if name not in self._raw:
            self._raw[name] = self._open(self.sources[name], name)
        return self._raw[name]

    def _open(self, source: Source, name: str) -> ir.Table:
        match source.path.suffix.lower():
            case ".csv":
                return self._connection.read_csv(source.path, table_name=f"csv_{name}", **CSV)
            case ".parquet":
                return self._connection.read_parquet(source.path, table_name=f"parquet_{name}", hive_partitioning=False)
            case _:
                path, alias = _literal(str(source.path)), f"db_{name}".replace('"', '""')
                self._connection.con.execute(f'ATTACH IF NOT EXISTS {path} AS "{alias}" (READ_ONLY)')
                return self._connection.table(source.table or name, database=(f"db_{name}", "main"))

    def columns(self, name: str) -> tuple[str, ...]:
        """Every column name of the file."""
        return tuple(self.raw(name).columns)

    def table(self, name: str) -> ir.Table:
        """The table with its roles as column names, each with its type; blank text is null."""
        raw, source = self.raw(name), self.sources[name]
        columns = {role: _typed(raw[column.name], column.type) for role, column in source.columns.items()}
        days = {role: ibis.literal(day).cast("timestamp") for role, day in source.dated.items()}
        return raw.select(**columns, **days)

    def kept(self, table: ir.Table) -> ir.Table:
        """`table` read once and kept in memory, for as long as these tables are open."""
        name = f"kept_{uuid.uuid4().hex}"
        return self._connection.create_table(name, table, temp=True)

    def faults(self, name: str) -> list[Fault]:
        """All that is wrong with a source: path, format, columns, types, blanks, repeated ids."""
        source = self.sources[name]
        fault = _file_fault(source.path)
        if fault:
            return [fault]
        try:
            raw = self.raw(name)
            found = [
                _missing(role, c.name, raw.columns) for role, c in source.columns.items() if c.name not in raw.columns
            ]
            return found or _value_faults(raw, source.columns)
        except Exception as error:  # DuckDB and Ibis raise many unrelated types for a broken file
            return [_unreadable(source.table or name, error)]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _file_fault(path: Path) -> Fault | None:
    if not path.is_file():
        return Fault(None, f"no file {path.name}", "an existing file", "correct the path, or put the table there")
    if path.suffix.lower() not in FORMATS:
        return Fault(None, f"a {path.suffix or 'nameless'} file", " ".join(FORMATS), "export it as one of these")
    if GLOB & set(str(path)):
        return Fault(None, "a path with * ? [ ] { or }", "plain names", "rename the file or folder")
    if path.stat().st_size == 0:
        return Fault(None, "an empty file (0 bytes)", "a header and rows", "export the table again")
    return None


def _missing(role: str, name: str, columns: tuple[str, ...]) -> Fault:
    close = difflib.get_close_matches(name, columns, n=1, cutoff=0.6)
    shown = ", ".join(columns[:20]) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
    todo = f"did you mean {close[0]}?" if close else "name the column that plays this part, or export it"
    return Fault(role, f"no column {name}", f"a column of the file: {shown}", todo)


def _unreadable(table: str, error: Exception) -> Fault:
    if isinstance(error, ibis.common.exceptions.TableNotFound):
        return Fault(None, f"no table {table} in the file", "a table of the DuckDB file", "correct `table:`")
    message = str(error).strip().split("\n\n")[0] or type(error).__name__
    told = [
        line for line in message.splitlines() if not line.startswith("Original Line")
    ]  # it may hold a person's data
    reason = "; ".join(told[:2])
    return Fault(
        None,
        f"a file that cannot be read ({reason[:160]})",
        "a well-formed UTF-8 table with one header row",
        "export it again, or open it and look at the place named",
    )


def _blank_to_null(column: ir.Value) -> ir.Value:
    return column.strip().nullif("") if column.type().is_string() else column


def _typed(column: ir.Value, wanted: ColumnType) -> ir.Value:
    """`column` as `wanted`; a value that cannot be read so is null."""
    clean = _blank_to_null(column)
    kind = clean.type()
    if wanted in ("id", "text"):
        return clean if kind.is_string() else clean.cast("string")
    if wanted == "time":
        return _moment(clean)
    if wanted == "number":
        number = clean.cast("float64") if kind.is_numeric() else clean.cast("string").try_cast("float64")
        return ibis.ifelse(number.isnan() | number.isinf(), ibis.null("float64"), number)
    word = clean.cast("string").lower()
    return ibis.cases((word.isin(TRUE), True), (word.isin(FALSE), False), else_=ibis.null("boolean"))


def _moment(clean: ir.Value) -> ir.Value:
    """A time in UTC; what is not written in ISO form, is infinite or lies outside the years 1 to 9999 is null."""
    kind = clean.type()
    if kind.is_string():
        iso = ibis.ifelse(clean.re_search(ISO_TIME), clean, ibis.null("string"))
        moment = iso.try_cast("timestamp('UTC')").cast("timestamp")
    elif kind.is_timestamp() or kind.is_date():
        moment = clean.cast("timestamp")
    else:
        return ibis.null("timestamp")
    return ibis.ifelse(moment.year().between(1, 9999), moment, ibis.null("timestamp"))


ALLOWED: dict[ColumnType, str] = {
    "id": "an id in every row",
    "text": "text",
    "time": "ISO dates or times, such as 2026-10-31 or 2026-10-31T14:05:00Z",
    "number": "finite numbers with a decimal point",
    "flag": "yes/no, true/false or 1/0",
}


def _value_faults(raw: ir.Table, columns: Mapping[str, Column]) -> list[Fault]:
    wanted: dict[str, ir.Scalar] = {"rows": raw.count()}
    for number, column in enumerate(columns.values()):
        clean = _blank_to_null(raw[column.name])
        typed = _typed(raw[column.name], column.type)
        bad = clean.notnull() & typed.isnull()
        if column.type == "number":
            bad = bad | ((typed < column.low) | (typed > column.high)).fill_null(False)
        wanted[f"blank{number}"] = clean.isnull().sum()
        wanted[f"bad{number}"] = bad.sum()
        wanted[f"example{number}"] = clean.cast("string").min(where=bad)
        if column.unique:
            wanted[f"distinct{number}"] = typed.nunique()
    seen = raw.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    if not seen["rows"]:
        return [Fault(None, "no rows", "at least one row", "export the table again, or leave it out of the dossier")]
    found = []
    for number, (role, column) in enumerate(columns.items()):
        bad, blank = seen[f"bad{number}"] or 0, seen[f"blank{number}"] or 0
        if bad:
            example = str(seen[f"example{number}"])[:40]
            what = f"{bad} of {seen['rows']} values of {column.name} that are not {column.wanted}, such as “{example}”"
            found.append(Fault(role, what, column.allowed, "correct the export, or name another column"))
        if blank and column.required:
            what = f"{blank} of {seen['rows']} rows without a value in {column.name}"
            found.append(Fault(role, what, "a value in every row", "correct the export; no row is dropped silently"))
        repeats = seen["rows"] - blank - seen[f"distinct{number}"] if column.unique else 0
        if repeats:
            what = f"{repeats} repeated values in {column.name}"
            found.append(Fault(role, what, "each value once", "export one row for each, or name another column"))
    return found
