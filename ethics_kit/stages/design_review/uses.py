"""Which columns the system uses, and what for: what it decides by, what it learns from, what is handed on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ethics_kit.checks.extracts import path_of, source_name
from ethics_kit.measures.models import Model
from ethics_kit.schema.design import Category, DataFlow
from ethics_kit.stages.case import Case
from ethics_kit.stages.modelled import model_of

ColumnOf = tuple[str, str]
"""A table of the dossier and a column of its file."""

DECIDING = ("score", "decision", "action", "reason")
"""Roles of the events that tell what was decided and why; the others identify, date, log or follow it."""

MOST_SENSITIVE_FIRST: tuple[Category, ...] = (
    "special", "free_text", "contact", "behavioural", "ordinary", "not_personal",
)  # fmt: skip


@dataclass(frozen=True)
class Inputs:
    """The columns a system goes by; `awaits` says what has to be supplied before they are known."""

    columns: frozenset[ColumnOf]
    awaits: str = ""


def purposes(case: Case) -> list[str]:
    """The purposes for which somebody decided a lawful basis by `as_of`."""
    return [basis.purpose for basis in case.dossier.system.lawful_bases if basis.on <= case.as_of]


def purposes_await(case: Case) -> str:
    """What has to be supplied before the system's purposes are known, in words; empty where they are."""
    stated, name = purposes(case), case.dossier.system.events
    if not stated:
        return "the system's purposes, each with its lawful basis (lawful_bases in system.yaml)"
    located = case.dossier.located_tables.get(name)
    if located is None or "purpose" not in located.spec.columns:
        return ""
    events = case.table(name)
    other = int(events.filter(events.purpose.isnull() | events.purpose.notin(stated)).count().to_pyarrow().as_py())
    return f"the lawful basis of the purpose of {other:,} events (lawful_bases in system.yaml)" if other else ""


def inputs(case: Case) -> Inputs:
    """The features of system.yaml, and whatever else the model itself reads."""
    system, read = case.dossier.system, model_of(case)
    named = {(feature.table or system.events, feature.column) for feature in system.features.values()}
    if isinstance(read, str):
        return Inputs(frozenset(named), f"a model that can be read ({read})")
    if read is None:
        awaits = "" if named else "the columns the system goes by (features, or the model itself, in system.yaml)"
        return Inputs(frozenset(named), awaits)
    of_training = {feature.training or feature.column for feature in system.features.values()}
    return Inputs(frozenset(named | {_found(case, c) for c in read.columns if c not in of_training}))


def _found(case: Case, column: str) -> ColumnOf:
    """The table in which the system would find a column of its model."""
    tables = [name for name in (case.dossier.system.events, "customers") if name in case.dossier.located_tables]
    return next(((name, column) for name in tables if column in case.columns(name)), ("model", column))


def decided_by(case: Case) -> frozenset[ColumnOf]:
    """The inputs, and what the events say of the decision."""
    events = case.dossier.system.events
    located = case.dossier.located_tables.get(events)
    columns = located.spec.columns if located else {}
    return inputs(case).columns | {(events, columns[role]) for role in DECIDING if role in columns}


def learnt_from(case: Case) -> frozenset[ColumnOf]:
    """Columns of the training sample that the model learnt from, with what it learnt to tell."""
    located, read = case.dossier.located_tables.get("training_sample"), model_of(case)
    if located is None:
        return frozenset()
    names = {feature.training for feature in case.dossier.system.features.values() if feature.training}
    names |= {*read.columns} if isinstance(read, Model) else set()
    names |= {located.spec.columns[role] for role in ("outcome",) if role in located.spec.columns}
    return frozenset(("training_sample", name) for name in names)


def grouped_by(case: Case) -> frozenset[ColumnOf]:
    """Columns of attributes and strata, which the bias tests compare people by."""
    held = {(table, str(attribute.column)) for _, attribute, table in case.dossier.held_attributes()}
    system = case.dossier.system
    return frozenset(held | {(s.table or system.events, s.column) for s in system.strata.values()})


def handed_on(case: Case) -> dict[str, frozenset[str]]:
    """The columns of each extract's file, but for those that tell nothing of anybody."""
    found = {}
    for name, extract in case.dossier.system.extracts.items():
        case.documents[f"extract {name}"] = path_of(case.dossier, extract)
        found[name] = frozenset({*case.dossier.tables.columns(source_name(name))} - {*extract.other})
    return found


def listing(rows: list[DataFlow], column: ColumnOf) -> list[DataFlow]:
    """The rows of the inventory that list a column."""
    table, name = column
    return [row for row in rows if name in row.columns.get(table, ())]


def category(rows: list[DataFlow], column: ColumnOf) -> Category | None:
    """The most sensitive category that the inventory gives a column; None where it lists it nowhere."""
    found = {row.category for row in listing(rows, column)}
    return next((c for c in MOST_SENSITIVE_FIRST if c in found), None)


def named(columns: Iterable[ColumnOf], most: int = 8) -> str:
    """Columns in words; of many, the first."""
    columns = sorted(columns)
    told = [f"{table}.{column}" for table, column in columns]
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")
