"""The door to data: files opened read-only through Ibis, columns renamed to roles and given their types.

DuckDB may read the named files and nothing else: no other path, no network, no extension, even where a view in a
DuckDB file asks for it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import ids
from ethics_kit.measures.columns import Column, typed
from ethics_kit.measures.faults import Fault, file_fault, missing, not_in, unreadable
from ethics_kit.measures.transcoding import write_utf8
from ethics_kit.measures.valuefaults import value_faults

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
MEMORY = "ETHICS_KIT_TABLE_MEMORY"
"""Set by the runner: bytes of memory in which tables are read; what needs more goes to a temporary folder."""

CROSSWALK = "customer_ids"
"""The table (id, customer) of ids that stand for the same customer."""

KEPT_VALUES = 20_000_000
"""Up to so many values of all tables together (about 300 MB) are read and typed once; others are by each count."""


@dataclass(frozen=True)
class Source:
    """A file, the table in it (DuckDB files only), its columns by role, and roles that are one day for all rows.

    A CSV has its `delimiter` found and is in UTF-8, unless these are said.
    """

    path: Path
    columns: Mapping[str, Column] = field(default_factory=dict)
    table: str | None = None
    dated: Mapping[str, date] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None


class Tables:
    """Opens the sources of one dossier. Nothing is read before it is asked for."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self.sources = dict(sources)
        self._raw: dict[str, ir.Table] = {}
        self._by_role: dict[str, ir.Table] = {}
        self._room = KEPT_VALUES

    @cached_property
    def _private(self) -> Path:
        """A folder that only its owner may read, for as long as these tables are open: copies of files in UTF-8."""
        folder = tempfile.mkdtemp(prefix="ethics-kit-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def _copy(self, name: str) -> Path:
        return self._private / f"{list(self.sources).index(name)}.csv"

    def _in_utf8(self, name: str) -> Path:
        source = self.sources[name]
        if source.encoding is None:
            return source.path
        write_utf8(source.path, source.encoding, self._copy(name))
        return self._copy(name)

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
        if limit := os.environ.get(MEMORY):
            settings = {"memory_limit": _literal(f"{int(limit)}B")} | settings
        for name, value in settings.items():
            connection.con.execute(f"SET {name}={value}")
        return connection

    def _readable(self) -> list[str]:
        paths = [str(self._copy(name) if s.encoding else s.path) for name, s in self.sources.items()]
        return paths + [f"{p}.wal" for p in paths if p.endswith(".duckdb")]

    def raw(self, name: str) -> ir.Table:
        """The table as it stands in its file; every column of a CSV is text."""
        if name not in self._raw:
            self._raw[name] = self._open(self.sources[name], name)
        return self._raw[name]

    def _open(self, source: Source, name: str) -> ir.Table:
        match source.path.suffix.lower():
            case ".csv":
                options = CSV | ({"delim": source.delimiter} if source.delimiter else {})
                return self._connection.read_csv(self._in_utf8(name), table_name=f"csv_{name}", **options)
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
        """The table with its roles as column names, each with its type, and one id for each customer; blank is null."""
        if name not in self._by_role:
            self._by_role[name] = self._read_once(self._one_customer(name))
        return self._by_role[name]

    def _one_customer(self, name: str) -> ir.Table:
        rows = self._typed(name)
        if "customer" not in rows.columns or name == CROSSWALK or self._crosswalk is None:
            return rows
        return ids.one_customer(rows, self._crosswalk)

    def _read_once(self, table: ir.Table) -> ir.Table:
        """`table` in memory where there is room, so that no count reads, parses and joins its file again."""
        values = int(table.count().to_pyarrow().as_py()) * len(table.columns)
        if values > self._room:
            return table
        self._room -= values
        return self.kept(table)

    def _typed(self, name: str) -> ir.Table:
        raw, source = self.raw(name), self.sources[name]
        columns = {role: typed(raw[column.name], column) for role, column in source.columns.items()}
        days = {role: ibis.literal(day).cast("timestamp") for role, day in source.dated.items()}
        return raw.select(**columns, **days)

    @cached_property
    def _crosswalk(self) -> ir.Table | None:
        """The ids that stand for the same customer, where they can be relied on."""
        return self._typed(CROSSWALK) if CROSSWALK in self.sources and not self.faults(CROSSWALK) else None

    def kept(self, table: ir.Table) -> ir.Table:
        """`table` read once and kept in memory, for as long as these tables are open."""
        name = f"kept_{uuid.uuid4().hex}"
        return self._connection.create_table(name, table, temp=True)

    def faults(self, name: str) -> list[Fault]:
        """All that is wrong with a source: path, format, columns, types, blanks, repeated ids."""
        source = self.sources[name]
        fault = file_fault(source.path)
        if fault:
            return [fault]
        try:
            raw = self.raw(name)
            lacking = [
                missing(role, c.name, raw.columns) for role, c in source.columns.items() if c.name not in raw.columns
            ]
            return lacking or [*value_faults(raw, source.columns), *self._id_faults(name)]
        except UnicodeError:
            return [not_in(source.encoding)]
        except Exception as error:  # DuckDB and Ibis raise many unrelated types for a broken file
            return [unreadable(source.table or name, error)]

    def _id_faults(self, name: str) -> list[Fault]:
        """Ids that should be there once and are repeated; ids of which it is not certain whose they are."""
        if name == CROSSWALK:
            return ids.crosswalk_faults(self._typed(name))
        unique = {role: column for role, column in self.sources[name].columns.items() if column.unique}
        return [fault for role, column in unique.items() for fault in ids.repeats(self.table(name)[role], column.name)]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
