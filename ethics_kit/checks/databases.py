"""Problems of tables that lie in a database: one that the policy does not name, two at once, settings of files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ethics_kit import schema
from ethics_kit.errors import Problem, quoted
from ethics_kit.framework import catalogue

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.yamlfile import YamlFile

ALONE = ("training", "past_assessments")
"""Tables that are never looked at together with another: they may lie elsewhere."""


def problems(dossier: Dossier, file: YamlFile, table: str, spec: schema.TableSpec) -> Iterator[Problem]:
    """Problems of one table that names a database in `data`."""
    known = dossier.policy.databases
    if spec.data not in known:
        yield file.problem(
            ("tables", table, "data"),
            found=quoted(spec.data),
            allowed=", ".join(known) or "a database that policy.yaml names under databases",
            todo="correct the name, or have the policy name the database",
        )
    elif spec.data != dossier.database:
        yield file.problem(
            ("tables", table, "data"),
            found=f"a second database, beside {dossier.database}",
            allowed="one database for all tables of a dossier",
            todo="have one of them hold both, or export this table to a file, as all others",
        )
    for setting in ("encoding", "delimiter", "dates", "time_zone"):
        if getattr(spec, setting) not in (None, "iso"):
            yield file.problem(
                ("tables", table, setting),
                found=f"{setting} for a table of a database",
                allowed="nothing: a database knows how its values are written; times without an offset are in UTC",
                todo="remove it; where times are local, or text in another form than ISO, name a view of them",
            )
    if spec.rows_may_leave and schema.placeholder(spec.rows_may_leave.reason):
        yield file.problem(
            ("tables", table, "rows_may_leave", "reason"),
            found=quoted(spec.rows_may_leave.reason),
            allowed="why rows of this table may be read out of the database",
            todo="write the reason, or remove rows_may_leave",
        )


def mixed(dossier: Dossier) -> Iterator[Problem]:
    """Tables of files beside those of a database: what is looked at together has to be in one place."""
    files = [
        (name, located)
        for name, located in dossier.located_tables.items()
        if located.spec.source and name not in ALONE and name in catalogue.tables()
    ]
    for name, located in files if dossier.database else ():
        yield located.file.problem(
            ("tables", name, "source"),
            found=f"a file, while other tables are in the database {dossier.database}",
            allowed=f"all tables in {dossier.database}; files only for " + " and ".join(ALONE),
            todo=f"name data: {dossier.database} with its table, or have all tables in files",
        )
