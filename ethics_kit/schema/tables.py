"""Where the tables of a dossier lie, which column plays which part, and how long rows may be kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.fields import Day, Line, Model, Text


class Exemption(Model):
    """Why the rows of somebody who asked to be deleted stay in a table, in law, and who says so."""

    reason: Text
    by: Line
    on: Day


class TableSpec(Model):
    """Where a table lies and which column plays which part.

    `source` is a CSV, Parquet or DuckDB file, from the dossier's folder; `table` names the table in a DuckDB
    file. `columns` maps roles (see framework/tables.yaml) to the table's own column names. A snapshot without a time
    column says its day in `dated`. `ignored` says why a yes/no column that no role reads does not matter.
    `exempt_from_deletion` says why rows of people who asked to be deleted stay.
    """

    source: Line
    table: Line | None = None
    columns: dict[Identifier, Line]
    dated: Day | None = None
    ignored: dict[Line, Text] = {}
    retention_class: Identifier | None = None
    exempt_from_deletion: Exemption | None = None
    override_reason: Text | None = None


class RetentionClass(Model):
    """How long rows of a class may be kept."""

    days: Annotated[int, Field(ge=1, le=36_500, strict=True)]
    reason: Text
