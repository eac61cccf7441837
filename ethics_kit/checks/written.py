"""Problems in what a dossier says of how a file is written: settings for what is not there, maps to no value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ethics_kit import schema
from ethics_kit.errors import Problem, quoted
from ethics_kit.framework import catalogue

if TYPE_CHECKING:
    from ethics_kit.yamlfile import YamlFile

READABLE = {"text": "a text", "flag": "yes or no", "number": "a number with a decimal point"}
"""What a map may lead to, by the role's type."""


def problems(file: YamlFile, table: str, spec: schema.TableSpec) -> Iterator[Problem]:
    """Problems of one table's settings: for which roles and files they are, and what a map may lead to."""
    types = {role: about.type for role, about in catalogue.tables()[table].roles.items() if role in spec.columns}
    for setting in ("encoding", "delimiter"):
        if spec.source and getattr(spec, setting) and not spec.source.lower().endswith(".csv"):
            yield file.problem(
                ("tables", table, setting),
                found=f"{setting} for a file that is no CSV",
                allowed="CSV files only: the others say it themselves",
                todo="remove it",
            )
    named: list[tuple[str, str | int, str, list[str]]] = []
    named += [("salesforce_ids", index, role, ["id"]) for index, role in enumerate(spec.salesforce_ids)]
    named += [("values", role, role, list(READABLE)) for role in spec.values]
    for setting, part, role, wanted in named:
        if types.get(role) not in wanted:
            fit = [r for r, kind in types.items() if kind in wanted]
            yield file.problem(
                ("tables", table, setting, part),
                found=f"{quoted(role)}, which is no {' or '.join(wanted)} column here",
                allowed=", ".join(fit) or f"none: no such column is named under tables.{table}.columns",
                todo="correct the role, or name its column",
            )
    for role, meanings in spec.values.items():
        for value, read in meanings.items():
            if types.get(role) in READABLE and not _readable(read, types[role]):
                yield file.problem(
                    ("tables", table, "values", role, value),
                    found=quoted(read),
                    allowed=READABLE[types[role]],
                    todo="say what the file's value stands for",
                )


def _readable(read: str, kind: str) -> bool:
    from ethics_kit.measures.columns import FALSE, TRUE

    if kind == "flag":
        return read.lower() in (*TRUE, *FALSE)
    if kind == "text":
        return bool(read.strip())
    try:
        return math.isfinite(float(read))
    except ValueError:
        return False
