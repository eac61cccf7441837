"""The door to data: tables opened read-only through Ibis, columns renamed to roles and given their types.

DuckDB may read the named files and nothing else: no other path, no network, no extension, even where a view in a
DuckDB file asks for it. A table of a database is counted there, and only counts leave it (`engines/rows.py`).
"""

from __future__ import annotations

import functools
import hashlib
import json
import operator
import os
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.sql import SQLBackend

from ethics_kit.measures import engines, ids
from ethics_kit.measures.columns import Column, typed
from ethics_kit.measures.engines.rows import Place
from ethics_kit.measures.faults import Fault, file_fault, missing, no_database, not_in, not_read, unreadable
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

SMALL = 1 << 25
"""Bytes of all files together below which one thread reads them: further ones cost more than they save."""


@dataclass(frozen=True)
class Source:
    """A file, the table in it (DuckDB files only), its columns by role, and roles that are one day for all rows.

    A CSV has its `delimiter` found and is in UTF-8, unless these are said. Without a `path` it is the `table`
    (SCHEMA.TABLE) of the database, whose rows may leave it where none of them is `personal`.
    """

    path: Path | None
    columns: Mapping[str, Column] = field(default_factory=dict)
    table: str | None = None
    dated: Mapping[str, date] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    personal: bool = True


class Tables:
    """Opens the sources of one dossier. Nothing is read before it is asked for."""

    def __init__(self, sources: Mapping[str, Source], database: engines.Database | None = None) -> None:
        self.sources = dict(sources)
        self._database = database
        self._raw: dict[str, ir.Table] = {}
        self._by_role: dict[str, ir.Table] = {}
        self._room = KEPT_VALUES
        held = {name: s for name, s in sources.items() if s.path is None}
        self._tells_groups: dict[tuple[Place, str], bool] = {}
        self.leave = engines.Leave({_place(s): n for n, s in held.items()}, _groups(held.values()), self._shared)
        self.let_rows_leave(())

    def let_rows_leave(self, names: Iterable[str]) -> None:
        """Allow rows of these tables to leave their database, and of all others none that tells of a person."""
        self.leave.allowed = {*names, *(name for name, source in self.sources.items() if not source.personal)}

    def _shared(self, place: Place, column: str) -> bool:
        """Whether the values of a column of the database say groups; numbers do, texts where few are of few people."""
        if (place, column) not in self._tells_groups:
            here = [name for name, source in self.sources.items() if _place(source) == place]
            columns = [c for name in here for c in self.sources[name].columns.items()]
            texts = any(c.name == column and c.type == "text" for _, c in columns)
            people = next((c.name for role, c in columns if role == "customer"), None)
            few = self._database.few if self._database else 0
            self._tells_groups[place, column] = not texts or engines.says_groups(
                self.raw(here[0]), column, people, few=few
            )
        return self._tells_groups[place, column]

    @cached_property
    def _private(self) -> Path:
        """A folder that only its owner may read, for as long as these tables are open: copies of files in UTF-8."""
        folder = tempfile.mkdtemp(prefix="ethics-kit-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def _copy(self, name: str) -> Path:
        return self._private / f"{list(self.sources).index(name)}.csv"

    def _in_utf8(self, path: Path, name: str) -> Path:
        encoding = self.sources[name].encoding
        if encoding is None:
            return path
        write_utf8(path, encoding, self._copy(name))
        return self._copy(name)

    @cached_property
    def _remote(self) -> SQLBackend:
        if self._database is None:
            raise engines.NoDatabase("the policy names none")
        connection = engines.connect(self._database, self.leave)
        weakref.finalize(self, connection.disconnect)
        return connection

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
        if sum(s.path.stat().st_size for s in self.sources.values() if s.path and s.path.is_file()) < SMALL:
            settings = {"threads": "1"} | settings
        if limit := os.environ.get(MEMORY):
            settings = {"memory_limit": _literal(f"{int(limit)}B")} | settings
        for name, value in settings.items():
            connection.con.execute(f"SET {name}={value}")
        return connection

    def _readable(self) -> list[str]:
        paths = [str(self._copy(name) if s.encoding else s.path) for name, s in self.sources.items() if s.path]
        return paths + [f"{p}.wal" for p in paths if p.endswith(".duckdb")]

    def raw(self, name: str) -> ir.Table:
        """The table as it stands in its file or database; every column of a CSV is text."""
        if name not in self._raw:
            source = self.sources[name]
            self._raw[name] = self._open(source.path, source, name) if source.path else self._named(source)
        return self._raw[name]

    def _named(self, source: Source) -> ir.Table:
        *database, table = _place(source)
        return self._remote.table(table, database=tuple(database) or None)

    def _open(self, path: Path, source: Source, name: str) -> ir.Table:
        match path.suffix.lower():
            case ".csv":
                options = CSV | ({"delim": source.delimiter} if source.delimiter else {})
                return self._connection.read_csv(self._in_utf8(path, name), table_name=f"csv_{name}", **options)
            case ".parquet":
                return self._connection.read_parquet(path, table_name=f"parquet_{name}", hive_partitioning=False)
            case _:
                alias = f"db_{name}".replace('"', '""')
                self._connection.con.execute(f'ATTACH IF NOT EXISTS {_literal(str(path))} AS "{alias}" (READ_ONLY)')
                return self._connection.table(source.table or name, database=(f"db_{name}", "main"))

    def columns(self, name: str) -> tuple[str, ...]:
        """Every column name of the file."""
        return tuple(self.raw(name).columns)

    def table(self, name: str) -> ir.Table:
        """The table with its roles as column names, each with its type, and one id for each customer; blank is null."""
        if name not in self._by_role:
            rows = self._one_customer(name)
            self._by_role[name] = self._read_once(name, rows) if self.sources[name].path else rows
        return self._by_role[name]

    def unkept(self, name: str, *roles: str) -> ir.Table:
        """The rows of `table` with these roles only, as its file writes ids: to look at once, without keeping it."""
        if name in self._by_role:
            return self._by_role[name]
        return self._typed(name, roles) if roles else self.raw(name)

    def _one_customer(self, name: str) -> ir.Table:
        rows = self._typed(name)
        if "customer" not in rows.columns or name == CROSSWALK or self._crosswalk is None:
            return rows
        return ids.one_customer(rows, self._crosswalk)

    def _read_once(self, name: str, table: ir.Table) -> ir.Table:
        """`table` in memory where there is room, so that no count reads, parses and joins its file again."""
        values = int(self.raw(name).count().to_pyarrow().as_py()) * len(table.columns)
        if values > self._room:
            return table
        self._room -= values
        return self.kept(table)

    def _typed(self, name: str, roles: Sequence[str] = ()) -> ir.Table:
        """The table with these roles, or all of its own, each of its type."""
        raw, source = self.raw(name), self.sources[name]
        wanted = roles or (*source.columns, *source.dated)
        columns = {role: typed(raw[c.name], c) for role, c in source.columns.items() if role in wanted}
        days = {role: ibis.literal(day).cast("timestamp") for role, day in source.dated.items() if role in wanted}
        return raw.select(**columns, **days)

    @cached_property
    def _crosswalk(self) -> ir.Table | None:
        """The ids that stand for the same customer, where they can be relied on."""
        return self._typed(CROSSWALK) if CROSSWALK in self.sources and not self.faults(CROSSWALK) else None

    def kept(self, table: ir.Table) -> ir.Table:
        """`table` read once and kept in memory, for as long as these tables are open; in a database it stays there."""
        if table.get_backend() is not self._connection:
            return table
        name = f"kept_{uuid.uuid4().hex}"
        return self._connection.create_table(name, table, temp=True)

    def brought(self, table: ir.Table) -> ir.Table:
        """`table` where the files are, so that it can be looked at together with them.

        Raises
        ------
        RowsRefused
            It is one of a database, whose rows may not leave it.
        """
        if table.get_backend() is self._connection:
            return table
        name = f"brought_{uuid.uuid4().hex}"
        self._connection.con.register(name, table.to_pyarrow())
        return self._connection.table(name)

    def fingerprint(self, name: str) -> str:
        """The sha256 of what a table of a database holds in the columns that are read, in whatever order of rows.

        The database hashes each row (64 bits) and adds the hashes up: only that sum and the number of rows leave it.
        """
        raw = self.raw(name)
        read = sorted({column.name for column in self.sources[name].columns.values()})
        words = [raw[column].cast("string") for column in read]
        parts = [ibis.ifelse(w.isnull(), "-", w.length().cast("string") + ":" + w).fill_null("-") for w in words]
        row = functools.reduce(operator.add, parts, ibis.literal(""))
        total = row.hash().cast("decimal(38, 0)").sum()
        seen = raw.aggregate(rows=raw.count(), total=total.cast("string")).to_pyarrow().to_pylist()[0]
        told = [[column, str(raw[column].type())] for column in read]
        return hashlib.sha256(json.dumps([told, seen["rows"], seen["total"]]).encode()).hexdigest()

    def faults(self, name: str) -> list[Fault]:
        """All that is wrong with a source: path, format, columns, types, blanks, repeated ids."""
        source = self.sources[name]
        fault = file_fault(source.path) if source.path else None
        if fault:
            return [fault]
        try:
            raw = self.raw(name)
            lacking = [
                missing(role, c.name, raw.columns) for role, c in source.columns.items() if c.name not in raw.columns
            ]
            located = source.path is not None
            return lacking or [*value_faults(raw, source.columns, located=located), *self._id_faults(name)]
        except engines.NoDatabase as error:
            return [no_database(self._database.name if self._database else "", str(error))]
        except UnicodeError:
            return [not_in(source.encoding)]
        except Exception as error:  # engines and Ibis raise many unrelated types for a broken file or table
            if source.path is None:
                return [not_read(source.table or name, error)]
            return [unreadable(source.table or name, error)]

    def _id_faults(self, name: str) -> list[Fault]:
        """Ids that should be there once and are repeated; ids of which it is not certain whose they are."""
        if name == CROSSWALK:
            return ids.crosswalk_faults(self._typed(name))
        unique = {role: column for role, column in self.sources[name].columns.items() if column.unique}
        return [
            fault
            for role, column in unique.items()
            for fault in ids.repeats(self._one_customer(name)[role], column.name)
        ]


def _place(source: Source) -> Place:
    return tuple((source.table or "").split("."))


def _groups(sources: Iterable[Source]) -> dict[Place, set[str]]:
    """By table of a database, the columns whose values say a group or a number, and not who or when."""
    found: dict[Place, set[str]] = {}
    for source in sources:
        kinds = [(column.name, column.type) for column in source.columns.values()]
        private = {name for name, kind in kinds if kind in ("id", "time")}
        known = {name for name, _ in kinds} - private
        place = _place(source)
        found[place] = known & found[place] if place in found else known
    return found


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
