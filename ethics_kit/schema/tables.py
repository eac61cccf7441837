"""Where the tables of a dossier lie, which column plays which part, and how long rows may be kept."""

from __future__ import annotations

import difflib
import zoneinfo
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.databases import TABLE, RowsMayLeave
from ethics_kit.schema.fields import Day, Line, Model, Sha256, Text, yes_no


def _known_zone(name: str) -> str:
    known = zoneinfo.available_timezones() - {"localtime"}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        raise ValueError(f"an IANA time zone, such as {close[0] if close else 'Europe/Berlin'}")
    return name


def _written(value: Any) -> Any:
    """A whole number as the text that stands in the file."""
    return str(value) if type(value) is int else value


FileValue = Annotated[str, BeforeValidator(_written), Field(max_length=300)]
ReadValue = Annotated[str, BeforeValidator(lambda value: yes_no(_written(value))), Field(max_length=300)]
Encoding = Literal[
    "utf-8", "utf-16", "latin-1", "iso-8859-15", "cp1250", "cp1251", "cp1252", "cp1254", "shift_jis", "gb18030"
]


class Exemption(Model):
    """Why the rows of somebody who asked to be deleted stay in a table, in law, and who says so."""

    reason: Text
    by: Line
    on: Day


class TableSpec(Model):
    """Where a table lies and which column plays which part.

    `source` is a CSV, Parquet or DuckDB file, from the dossier's folder, or its address in storage that the policy
    lists; `sha256` pins its content; `table` names the table in a DuckDB file. Or else `data` names a database of
    policy.yaml and `table` the table in it (SCHEMA.TABLE), of which only counts are read unless `rows_may_leave` says
    why rows are.

    `columns` maps roles (see framework/tables.yaml) to the table's own column names. A snapshot without a time column
    says its day in `dated`. `ignored` says why a yes/no column that no role reads does not matter.
    `exempt_from_deletion` says why rows of people who asked to be deleted stay.

    How the file is written: `encoding` and `delimiter` of a CSV, `decimal`, `dates`, the `time_zone` of times without
    an offset. `values` maps, by role, what the file writes to what is read; the ids of the roles in `salesforce_ids`
    may have 15 or 18 characters.
    """

    source: Line | None = None
    sha256: Sha256 | None = None
    data: Identifier | None = None
    table: Line | None = None
    rows_may_leave: RowsMayLeave | None = None
    columns: dict[Identifier, Line]
    dated: Day | None = None
    encoding: Encoding | None = None
    delimiter: Literal[",", ";", "|", "tab"] | None = None
    decimal: Literal["point", "comma"] = "point"
    dates: Literal["iso", "day_first", "month_first"] = "iso"
    time_zone: Annotated[Line, AfterValidator(_known_zone)] | None = None
    values: dict[Identifier, dict[FileValue, ReadValue]] = {}
    salesforce_ids: list[Identifier] = []
    ignored: dict[Line, Text] = {}
    retention_class: Identifier | None = None
    exempt_from_deletion: Exemption | None = None
    override_reason: Text | None = None

    @model_validator(mode="after")
    def _one_place(self) -> TableSpec:
        if (self.source is None) == (self.data is None):
            raise ValueError("either source (a file), or data (a database of policy.yaml) with table")
        if self.data and not TABLE.fullmatch(self.table or ""):
            raise ValueError("with data, in table: the table's name in the database, such as crm.decisions")
        if self.rows_may_leave and not self.data:
            raise ValueError("rows_may_leave only with data: a file's rows are here already")
        if self.sha256 and self.data:
            raise ValueError("sha256 only with source: the rows of a database change")
        return self

    @property
    def separator(self) -> str | None:
        """The character that `delimiter` names."""
        return "\t" if self.delimiter == "tab" else self.delimiter


class RetentionClass(Model):
    """How long rows of a class may be kept."""

    days: Annotated[int, Field(ge=1, le=36_500, strict=True)]
    reason: Text
