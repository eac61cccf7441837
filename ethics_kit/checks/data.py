"""Problems in the tables themselves: columns, types, values."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import TYPE_CHECKING, cast

from ethics_kit import schema
from ethics_kit.checks.references import resolved
from ethics_kit.checks.written import READABLE
from ethics_kit.errors import Problem, printable, quoted
from ethics_kit.framework import catalogue

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from ethics_kit.dossier import Dossier, LocatedTable
    from ethics_kit.measures.columns import Column, ColumnType
    from ethics_kit.measures.engines import Database
    from ethics_kit.measures.faults import Fault
    from ethics_kit.measures.tables import Source
    from ethics_kit.yamlfile import Key

MOST_SHOWN = 12
"""Values of a column that a problem lists; more may be those of customers."""

DECLARED = {"attribute": "attributes", "feature": "features", "stratum": "strata"}
"""Columns that system.yaml declares by a name of their own, by the prefix they carry in a table."""

FEATURE_KEYS = {"training_sample": "training", "attributions": "attribution"}
"""The key under which a feature names its column of a table, where that is not `column`."""

ROWS_COUNT = ("consents", "notices", "opt_outs")
"""Tables in which each row is taken for a consent, a notice or an opt-out."""


def problems(dossier: Dossier, wrong: Collection[Problem] = (), doubtful: Collection[str] = ()) -> list[Problem]:
    """Problems in the tables themselves, but for those whose name or path is `wrong` already.

    Under `doubtful` top-level keys something unsound was left out: it may have said what values mean.
    """
    found: list[Problem] = []
    sound: list[str] = []
    for name, located in dossier.located_tables.items():
        keys = {*(f"tables.{name}{key}" for key in ("", ".source", ".sha256", ".data"))}
        if any(p.key in keys for p in wrong):
            continue
        faults = dossier.tables.faults(name)
        found += [
            _data_problem(dossier, name, located, fault)
            for fault in faults
            if not _depends(dossier, fault) & {*doubtful}
        ]
        sound += [name] * (not faults)
    if dossier.system.events in sound:
        found += _value_problems(dossier)
    return found + list(_unread_problems(dossier, sound))


def sources(dossier: Dossier) -> dict[str, Source]:
    """The dossier's tables as the measures open them: roles with their types, and attributes."""
    from ethics_kit.measures.tables import Source

    return {
        name: Source(
            path=located.path and (resolved(located.path) or located.path),
            columns=_columns(dossier, name, located),
            table=located.spec.table,
            dated=_dated(name, located.spec),
            encoding=None if located.spec.encoding == "utf-8" else located.spec.encoding,
            delimiter=located.spec.separator,
            personal=any(role.type == "id" for role in catalogue.tables()[name].roles.values()),
        )
        for name, located in dossier.located_tables.items()
        if name in catalogue.tables()
    }


def database(dossier: Dossier) -> Database | None:
    """The database that the tables lie in, as the policy describes it."""
    from ethics_kit.measures.engines import Database

    name = dossier.database or ""
    told = dossier.policy.databases.get(name)
    few = dossier.policy.records.small_cell.value
    return Database(name, told.engine, told.settings, told.query_seconds, few) if told else None


def _dated(table: str, spec: schema.TableSpec) -> dict[str, date]:
    """The day of a snapshot, for each required time that has no column."""
    roles = catalogue.tables()[table].roles
    missing = [r for r, about in roles.items() if about.type == "time" and about.required and r not in spec.columns]
    return dict.fromkeys(missing, spec.dated) if spec.dated else {}


def _columns(dossier: Dossier, table: str, located: LocatedTable) -> dict[str, Column]:
    from ethics_kit.measures.columns import Column, Form

    roles = catalogue.tables()[table].roles
    spec = located.spec
    form = Form(spec.decimal, spec.dates, spec.time_zone)
    unique = {("customers", "customer"), (dossier.system.events, "id"), ("attributions", "decision")}
    columns = {
        role: Column(
            name=column,
            type=_column_type(dossier, role, roles[role].type),
            required=roles[role].required,
            unique=(table, role) in unique,
            form=form,
            values=spec.values.get(role, {}) if roles[role].type in READABLE else {},
            salesforce=role in spec.salesforce_ids and roles[role].type == "id",
            **_range(dossier, role, roles[role]),
        )
        for role, column in spec.columns.items()
        if role in roles
    }
    for name, attribute, where in dossier.held_attributes():
        if where == table and attribute.column:
            columns[f"attribute_{name}"] = Column(name=attribute.column, type="text")
    system = dossier.system
    for name, feature in system.features.items():
        column = getattr(feature, FEATURE_KEYS.get(table, "column"))
        if column and table in (*FEATURE_KEYS, feature.table or system.events):
            kind: ColumnType = "number" if table == "attributions" else feature.type
            columns[f"feature_{name}"] = Column(name=column, type=kind, form=form)
    for name, stratum in system.strata.items():
        if table == (stratum.table or system.events):
            columns[f"stratum_{name}"] = Column(name=stratum.column, type="text")
    return columns


def _range(dossier: Dossier, role: str, about: catalogue.Role) -> dict[str, float]:
    """The bounds of a number that has some."""
    if role == "score" and dossier.system.score_is == "probability":
        return {"low": 0.0, "high": 1.0}
    return {} if about.minimum is None else {"low": about.minimum}


def _column_type(dossier: Dossier, role: str, declared: str) -> ColumnType:
    """Without a list of values that mean yes, decision, action and outcome have to be flags."""
    rules = {role: wanted for role, (_, _, wanted) in _meanings(dossier).items()}
    return "flag" if role in rules and not rules[role] and declared == "text" else cast("ColumnType", declared)


def _meanings(dossier: Dossier) -> dict[str, tuple[str, str, list[str]]]:
    """Of each column that means yes or no: the key that lists its values, and the values listed."""
    decision, outcome = dossier.system.decision, dossier.system.outcome
    return {
        "decision": ("decision", "selected", decision.selected),
        "action": ("decision", "taken", decision.done),
        "outcome": ("outcome", "positive", outcome.positive),
    }


def _depends(dossier: Dossier, fault: Fault) -> set[str]:
    """The top-level keys whose entries may explain a fault: where a column is sought, what its values mean."""
    meaning = _unlisted(dossier, fault)
    declared = (fault.role or "").partition("_")[0] in DECLARED
    return {"tables"} if declared else {meaning[0]} if meaning else set()


def _unlisted(dossier: Dossier, fault: Fault) -> tuple[str, str] | None:
    """The key that would say which of a column's values mean yes, where that is what is wrong with it."""
    meanings = _meanings(dossier)
    if fault.role not in meanings or "that are not a flag" not in fault.found:
        return None
    return meanings[fault.role][:2]


def _data_problem(dossier: Dossier, table: str, located: LocatedTable, fault: Fault) -> Problem:
    key: Key = ("tables", table, "source" if located.spec.source else "table")
    file = located.file
    kind, _, name = (fault.role or "").partition("_")
    if kind in DECLARED and name in getattr(dossier.system, DECLARED[kind]):
        last = FEATURE_KEYS.get(table, "column") if kind == "feature" else "column"
        key, file = (DECLARED[kind], name, last), dossier.files["system"]
    elif fault.setting == "values":
        key = ("tables", table, "values", fault.role or "")
    elif fault.setting:
        key = ("tables", table, fault.setting)
    elif fault.role:
        key = ("tables", table, "columns", fault.role)
    todo = fault.todo
    if meaning := _unlisted(dossier, fault):
        todo = "list the values that mean yes under " + ".".join(meaning)
    return file.problem(key, found=fault.found, allowed=fault.allowed, todo=todo)


def _value_problems(dossier: Dossier) -> Iterator[Problem]:
    import ibis

    from ethics_kit.measures.faults import shape
    from ethics_kit.measures.valuefaults import ROWS_TO_SHOW

    events = dossier.system.events
    for role, (part, key, wanted) in _meanings(dossier).items():
        if role == "action" and not dossier.system.decision.taken:
            continue  # the decision's values were looked at already; an action need not have each of them
        located = dossier.located_tables[events]
        if not wanted or role not in located.spec.columns:
            continue
        counted = dossier.tables.table(events).select(value=role).group_by("value").aggregate(rows=ibis._.count())
        rows = counted.filter(counted.value.notnull())
        some = rows.limit(MOST_SHOWN + 1).to_pyarrow().to_pylist()
        few = sorted({r["value"] if r["rows"] >= ROWS_TO_SHOW else f"{shape(r['value'])} (rare)" for r in some})
        alike = rows.filter(rows.value.lower().isin([w.lower() for w in wanted])).to_pyarrow()["value"].to_pylist()
        shown = ", ".join(few) if len(some) <= MOST_SHOWN else f"{rows.count().to_pyarrow()} different ones"
        for index, value in enumerate(wanted):
            variants = sorted(v for v in alike if v.lower() == value.lower() and v not in wanted)
            if variants:
                yield dossier.files["system"].problem(
                    (part, key, index),
                    found=f"{quoted(value)}, which rows also write " + ", ".join(map(quoted, variants)),
                    allowed="every way of writing a value that means yes",
                    todo="list each of them here, or have the export write one",
                )
            elif value not in alike:
                yield dossier.files["system"].problem(
                    (part, key, index),
                    found=f"{quoted(value)}, which no row has",
                    allowed=f"values of {located.spec.columns[role]}: {shown}",
                    todo="correct the spelling, or leave the value out",
                )


def _unread_problems(dossier: Dossier, sound: Collection[str]) -> Iterator[Problem]:
    """A refusal in a yes/no column that no role reads would count as a consent."""
    for name in (n for n in ROWS_COUNT if n in sound):
        located = dossier.located_tables[name]
        columns = dossier.tables.columns(name)
        for column in located.spec.ignored:
            if column not in columns:
                yield located.file.problem(
                    ("tables", name, "ignored", column),
                    found="no such column",
                    allowed="columns of the file that no role reads",
                    todo="correct the name, or remove it",
                )
        read = {c.name for c in dossier.tables.sources[name].columns.values()}
        roles = "map it to granted" if name == "consents" else "export only the rows that count"
        for column in _flags(dossier.tables.raw(name), [c for c in columns if c not in {*read, *located.spec.ignored}]):
            yield located.file.problem(
                ("tables", name, "columns"),
                found=f"the yes/no column {printable(column)}, which no role reads, so every row would count",
                allowed="yes/no columns that a role reads, or that `ignored` names",
                todo=f"{roles}, or say in `ignored:` why it does not matter",
            )


def _flags(raw: ir.Table, columns: list[str]) -> list[str]:
    """Those of `columns` that hold nothing but yes and no, and not only blanks."""
    from ethics_kit.measures.columns import FALSE, TRUE

    kinds = {c: raw[c].type() for c in columns}
    simple = [c for c, kind in kinds.items() if kind.is_string() or kind.is_boolean() or kind.is_numeric()]
    wanted: dict[str, ir.Scalar] = {"rows": raw.count()}
    for number, column in enumerate(simple):
        word = raw[column].cast("string").strip().lower().re_replace(r"\.0+$", "").nullif("")
        wanted |= {f"filled{number}": word.count(), f"flags{number}": word.isin((*TRUE, *FALSE)).sum()}
        wanted[f"distinct{number}"] = word.nunique()
    seen = raw.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    return [
        column
        for number, column in enumerate(simple)
        if 0 < seen[f"filled{number}"] == seen[f"flags{number}"] and seen[f"distinct{number}"] <= 2
    ]
