"""What one file of a dossier cannot see by itself: references between files, evidence, and the data they name."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlsplit

from ethics_kit import schema
from ethics_kit.errors import Problem, printable, quoted
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from ethics_kit.dossier import Dossier, LocatedTable
    from ethics_kit.measures.tables import Column, ColumnType, Fault, Source
    from ethics_kit.yamlfile import Key, YamlFile

LINK = re.compile(r"https://[^\s<>\"']+\Z")
SECRET = re.compile(r"(?i).*(signature|token|password|secret)|sig|pwd|(api[_-]?)?key")
"""Keys of a link that open what it leads to for everybody who reads the report."""

MOST_SHOWN = 12
"""Values of a column that a problem lists; more may be those of customers."""

ROWS_COUNT = ("consents", "notices", "opt_outs")
"""Tables in which each row is taken for a consent, a notice or an opt-out."""

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def system(dossier: Dossier) -> list[Problem]:
    """Problems that need no data: unknown tables and roles, paths that escape, attributes without a table."""
    return [
        *_policy_problems(dossier),
        *_table_problems(dossier),
        *_not_kept_problems(dossier),
        *_attribute_problems(dossier),
        *_basis_problems(dossier),
    ]


def answers(dossier: Dossier) -> list[Problem]:
    """Unknown questions, answers that are no choice, missing evidence, risks named twice."""
    return [*_answer_problems(dossier), *_register_problems(dossier)]


def data(dossier: Dossier) -> list[Problem]:
    """Problems in the tables themselves."""
    found: list[Problem] = []
    for name, located in dossier.located_tables.items():
        found += [_data_problem(dossier, name, located, fault) for fault in dossier.tables.faults(name)]
    return found or [*_value_problems(dossier), *_unread_problems(dossier)]


# --- tables ----------------------------------------------------------------------------------------------------


def sources(dossier: Dossier) -> dict[str, Source]:
    """The dossier's tables as the measures open them: roles with their types, and attributes."""
    from ethics_kit.measures.tables import Source

    return {
        name: Source(
            path=located.path.resolve(),
            columns=_columns(dossier, name, located),
            table=located.spec.table,
            dated=_dated(name, located.spec),
        )
        for name, located in dossier.located_tables.items()
    }


def _dated(table: str, spec: schema.TableSpec) -> dict[str, date]:
    """The day of a snapshot, for each required time that has no column."""
    roles = catalogue.tables()[table].roles
    missing = [r for r, about in roles.items() if about.type == "time" and about.required and r not in spec.columns]
    return dict.fromkeys(missing, spec.dated) if spec.dated else {}


def _columns(dossier: Dossier, table: str, located: LocatedTable) -> dict[str, Column]:
    from ethics_kit.measures.tables import Column

    roles = catalogue.tables()[table].roles
    unique = {("customers", "customer"), (dossier.system.events, "id")}
    columns = {
        role: Column(
            name=column,
            type=_column_type(dossier, role, roles[role].type),
            required=roles[role].required,
            unique=(table, role) in unique,
        )
        for role, column in located.spec.columns.items()
    }
    for name, attribute, where in dossier.held_attributes():
        if where == table and attribute.column:
            columns[f"attribute_{name}"] = Column(name=attribute.column, type="text")
    return columns


def _column_type(dossier: Dossier, role: str, declared: str) -> ColumnType:
    """Without a list of values that mean yes, decision and outcome have to be flags."""
    rules = {"decision": dossier.system.decision.selected, "outcome": dossier.system.outcome.positive}
    return "flag" if role in rules and not rules[role] and declared == "text" else cast("ColumnType", declared)


def _data_problem(dossier: Dossier, table: str, located: LocatedTable, fault: Fault) -> Problem:
    key: Key = ("tables", table, "source")
    file = located.file
    if fault.role and fault.role.startswith("attribute_"):
        key, file = ("attributes", fault.role.removeprefix("attribute_"), "column"), dossier.files["system"]
    elif fault.role:
        key = ("tables", table, "columns", fault.role)
    todo = fault.todo
    if fault.role in ("decision", "outcome") and "that are not a flag" in fault.found:
        wanted = "decision.selected" if fault.role == "decision" else "outcome.positive"
        todo = f"list the values that mean yes under {wanted}"
    return file.problem(key, found=fault.found, allowed=fault.allowed, todo=todo)


def _value_problems(dossier: Dossier) -> Iterator[Problem]:
    events = dossier.system.events
    rules = {"decision": ("selected", dossier.system.decision.selected)}
    rules["outcome"] = ("positive", dossier.system.outcome.positive)
    for role, (key, wanted) in rules.items():
        located = dossier.located_tables.get(events)
        if not wanted or located is None or role not in located.spec.columns:
            continue
        rows = dossier.tables.table(events).select(value=role).distinct().filter(lambda t: t.value.notnull())
        few = sorted(rows.limit(MOST_SHOWN + 1).to_pyarrow()["value"].to_pylist())
        alike = rows.filter(rows.value.lower().isin([w.lower() for w in wanted])).to_pyarrow()["value"].to_pylist()
        shown = ", ".join(few) if len(few) <= MOST_SHOWN else f"{rows.count().to_pyarrow()} different ones"
        for index, value in enumerate(wanted):
            variants = sorted(v for v in alike if v.lower() == value.lower() and v not in wanted)
            if variants:
                yield dossier.files["system"].problem(
                    (role, key, index),
                    found=f"{quoted(value)}, which rows also write " + ", ".join(map(quoted, variants)),
                    allowed="every way of writing a value that means yes",
                    todo="list each of them here, or have the export write one",
                )
            elif value not in alike:
                yield dossier.files["system"].problem(
                    (role, key, index),
                    found=f"{quoted(value)}, which no row has",
                    allowed=f"values of {located.spec.columns[role]}: {shown}",
                    todo="correct the spelling, or leave the value out",
                )


def _unread_problems(dossier: Dossier) -> Iterator[Problem]:
    """A refusal in a yes/no column that no role reads would count as a consent."""
    for name in ROWS_COUNT:
        located = dossier.located_tables.get(name)
        if located is None:
            continue
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
    from ethics_kit.measures.tables import FALSE, TRUE

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


# --- files -----------------------------------------------------------------------------------------------------


def _policy_problems(dossier: Dossier) -> Iterator[Problem]:
    smallest, hidden = dossier.policy.fairness.minimum_group.value, dossier.policy.records.small_cell.value
    if smallest < hidden:
        yield dossier.files["policy"].problem(
            ("fairness", "minimum_group", "value"),
            found=f"{smallest}, fewer than records.small_cell ({hidden})",
            allowed=f"at least {hidden}: a group that is compared is shown",
            todo="raise minimum_group, or lower small_cell",
        )


def _table_problems(dossier: Dossier) -> Iterator[Problem]:
    known = catalogue.tables()
    shared, own = dossier.organisation.tables, dossier.system.tables
    for owner, tables in (("organisation", shared), ("system", own)):
        file = dossier.files[owner]
        for name, spec in tables.items():
            key: Key = ("tables", name)
            if name not in known:
                todo = "use one of these names; docs/dossier.md says what each table holds"
                yield file.problem(key, found="an unknown table", allowed=", ".join(known), todo=todo)
                continue
            yield from _role_problems(file, name, spec)
            yield from _path_problems(dossier, file, (*key, "source"), spec.source, owner == "organisation")
            if spec.retention_class and spec.retention_class not in dossier.organisation.retention_classes:
                classes = ", ".join(dossier.organisation.retention_classes) or "none declared yet"
                yield file.problem(
                    (*key, "retention_class"),
                    found=quoted(spec.retention_class),
                    allowed=classes,
                    todo="declare it under retention_classes in organisation.yaml",
                )
            yield from _override_problems(
                file, key, spec.override_reason, overrides=owner == "system" and name in shared, what="table"
            )


def _not_kept_problems(dossier: Dossier) -> Iterator[Problem]:
    for name in dossier.system.not_kept:
        if name not in catalogue.tables() or name in dossier.located_tables:
            named = name in dossier.located_tables
            yield dossier.files["system"].problem(
                ("not_kept", name),
                found="a table that the dossier names as well" if named else "an unknown table",
                allowed="tables of the kit that this system does not have",
                todo="remove it here or under tables" if named else "correct the name; docs/dossier.md lists them",
            )


def _override_problems(
    file: YamlFile, key: Key, reason: str | None, *, overrides: bool, what: str
) -> Iterator[Problem]:
    if overrides and not reason:
        yield file.problem(
            key,
            found=f"the {what} that organisation.yaml has too",
            allowed="one of them, or an override_reason",
            todo="say in override_reason why this system differs, or delete it here",
        )
    if reason and not overrides:
        yield file.problem(
            (*key, "override_reason"),
            found="a reason to override",
            allowed=f"only where organisation.yaml has the same {what}",
            todo="remove override_reason",
        )


def _role_problems(file: YamlFile, name: str, spec: schema.TableSpec) -> Iterator[Problem]:
    roles = catalogue.tables()[name].roles
    for role in spec.columns:
        if role not in roles:
            yield file.problem(
                ("tables", name, "columns", role),
                found="an unknown role",
                allowed=", ".join(roles),
                todo="write ROLE: COLUMN, the role on the left",
            )
    snapshots = [n for n, table in catalogue.tables().items() if table.snapshot]
    if spec.dated and name not in snapshots:
        yield file.problem(
            ("tables", name, "dated"),
            found="one day for all rows",
            allowed="`dated` in " + " and ".join(snapshots) + " only",
            todo="name the column that holds each row's own time, or leave the table out",
        )
    for role, about in roles.items():
        dated = about.type == "time" and spec.dated is not None
        if about.required and role not in spec.columns and not dated:
            yield file.problem(
                ("tables", name, "columns"),
                found=f"no column for {role}",
                allowed=f"{role}: the column that holds {about.about}",
                todo=f"add {role}: COLUMN"
                + (", or dated: DATE for a snapshot" if about.type == "time" and name in snapshots else ""),
            )


def _path_problems(dossier: Dossier, file: YamlFile, key: Key, source: str, shared: bool) -> Iterator[Problem]:
    base = dossier.project.parameters if shared else dossier.folder
    if ADDRESS.match(source):
        yield file.problem(
            key,
            found=f"{quoted(source)}, an address",
            allowed="a CSV, Parquet or DuckDB file; its path from the folder of this YAML file",
            todo="export the table to a file",
        )
        return
    real = _real(base / source)
    roots = [dossier.project.root, *dossier.project.data_roots(dossier.policy.data_roots)]
    if real is None or not any(real.is_relative_to(root.resolve()) for root in roots):
        yield file.problem(
            key,
            found=f"{quoted(source)}, which lies outside the project",
            allowed="files in the project's folder, or under a folder the policy lists in data_roots",
            todo="put the table into the project, or have the policy list its folder",
        )


def _attribute_problems(dossier: Dossier) -> Iterator[Problem]:
    file = dossier.files["system"]
    usable = [t for t in (dossier.system.events, "customers") if t in dossier.located_tables]
    for name, _, table in dossier.held_attributes():
        if table not in usable:
            yield file.problem(
                ("attributes", name),
                found=f"a column in {table}, a table the dossier does not name or this kind of system does not use",
                allowed=" or ".join(usable) or "a table under tables:",
                todo="name the table under tables:, or correct `table:` here",
            )


def _basis_problems(dossier: Dossier) -> Iterator[Problem]:
    purposes: set[str] = set()
    for index, basis in enumerate(dossier.system.lawful_bases):
        purpose = basis.purpose.strip().casefold()
        if purpose in purposes:
            yield dossier.files["system"].problem(
                ("lawful_bases", index, "purpose"),
                found=f"{quoted(basis.purpose)} a second time",
                allowed="one basis for each purpose",
                todo="keep the one the processing rests on",
            )
        purposes.add(purpose)
        if schema.same_person(basis.by, basis.approved_by):
            yield dossier.files["system"].problem(
                ("lawful_bases", index, "approved_by"),
                found=quoted(basis.approved_by),
                allowed="a second person, not the one in `by`",
                todo="name who approved the basis",
            )


# --- answers ---------------------------------------------------------------------------------------------------


def _answer_problems(dossier: Dossier) -> Iterator[Problem]:
    everywhere = {q: question for stage in STAGES for q, question in catalogue.questions(stage).items()}
    for q, answer in dossier.organisation.answers.items():
        yield from _one_answer(dossier.files["organisation"], everywhere, q, answer, dossier.project.parameters)
    for stage in STAGES:
        known = catalogue.questions(stage)
        for q, answer in dossier.stages[stage].answers.items():
            file = dossier.files[stage]
            yield from _one_answer(file, known, q, answer, dossier.folder)
            if q in known:
                yield from _override_problems(
                    file,
                    ("answers", q),
                    answer.override_reason,
                    overrides=answer.given and q in dossier.organisation.answers,
                    what="answer",
                )


def _one_answer(
    file: YamlFile, known: dict[str, catalogue.Question], q: str, answer: schema.Answer, folder: Path
) -> Iterator[Problem]:
    key: Key = ("answers", q)
    question = known.get(q)
    if question is None:
        close = difflib.get_close_matches(q, known, n=1, cutoff=0.6)
        todo = f"did you mean {close[0]}?" if close else "remove it, or move it to the stage that asks it"
        yield file.problem(key, found="a question nobody asks", allowed="ids of the questionnaire", todo=todo)
        return
    value = answer.value
    if value is not None and question.options and value not in {c.value for c in question.options}:
        yield file.problem(
            (*key, "value"),
            found=quoted(value),
            allowed=", ".join(c.value for c in question.options),
            todo="choose one of these",
        )
    if value is not None and question.type == "date" and not isinstance(value, date):
        allowed = "a date such as 2026-10-31"
        yield file.problem((*key, "value"), found=quoted(value), allowed=allowed, todo="write it so, without quotes")
    yield from evidence_problems(file, (*key, "evidence"), answer.evidence, folder)


def evidence_problems(file: YamlFile, key: Key, evidence: str | None, folder: Path) -> Iterator[Problem]:
    """Evidence is a web link that gives nothing away, or a file in the dossier's own folder that says something."""
    if evidence is None:
        return
    if LINK.match(evidence):
        if _gives_away(evidence):
            yield file.problem(
                key,
                found="a link with a password, key or signature in it",
                allowed="an https:// link that asks its reader to sign in",
                todo="link the document itself, and have what was written here revoked",
            )
        return
    allowed = "an https:// link, or a file in the folder of this YAML file"
    real = None if ADDRESS.match(evidence) else _real(folder / evidence)
    if real is None or not real.is_relative_to(folder.resolve()):
        yield file.problem(
            key,
            found=quoted(evidence),
            allowed=allowed,
            todo="put the document beside the dossier, or link it",
        )
    elif not real.is_file():
        todo = "put the document there, or correct the name"
        yield file.problem(key, found=f"no file {printable(evidence)}", allowed=allowed, todo=todo)
    elif real.name in {f"{name}.yaml" for name in schema.FILES}:
        todo = "name the document the answer rests on"
        yield file.problem(key, found=f"{printable(evidence)}, which only claims", allowed=allowed, todo=todo)
    elif not real.stat().st_size:
        yield file.problem(key, found=f"an empty file {printable(evidence)}", allowed=allowed, todo="fill it in")


def _gives_away(link: str) -> bool:
    """Whether a link holds credentials, or is too odd to tell."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return True
    keys = [k for part in (parts.query, parts.fragment) for k, _ in parse_qsl(part.replace(";", "&"), True)]
    return "@" in parts.netloc or any(SECRET.fullmatch(k) for k in keys)


def _real(path: Path) -> Path | None:
    """Where a path leads; None where it cannot lead anywhere: links in a circle, a name too long for a file."""
    try:
        path.is_file()
        return path.resolve()
    except (OSError, RuntimeError):
        return None


def _register_problems(dossier: Dossier) -> Iterator[Problem]:
    file = dossier.files["impact_analysis"]
    impact = dossier.stage(schema.ImpactAnalysis)
    for name, standard in impact.standards.items():
        shared = name in dossier.organisation.standards
        key: Key = ("standards", name)
        yield from _override_problems(file, key, standard.override_reason, overrides=shared, what="standard")
    lists = {
        "risks": [r.id for r in impact.risks],
        "risks_ruled_out": [r.id for r in impact.risks_ruled_out],
        "stakeholders": [s.group for s in impact.stakeholders],
    }
    for name, ids in lists.items():
        for repeated in (i for i, count in Counter(ids).items() if count > 1):
            key = (name, len(ids) - 1 - ids[::-1].index(repeated))
            yield file.problem(
                key, found=f"{repeated} a second time", allowed="each id once", todo="merge the two rows"
            )
    for name in ("risks", "risks_ruled_out"):
        for index, risk in enumerate(lists[name]):
            if risk.startswith("R") and risk not in catalogue.risks():
                yield file.problem(
                    (name, index, "id"),
                    found=quoted(risk),
                    allowed=f"R1 to R{len(catalogue.risks())}, or X1, X2 … for the system's own",
                    todo="use the library's id, or an own one",
                )
    for index, risk in enumerate(lists["risks_ruled_out"]):
        if risk in lists["risks"]:
            yield file.problem(
                ("risks_ruled_out", index),
                found=f"{risk}, which is also registered",
                allowed="a risk is either registered or ruled out",
                todo="remove one of the two",
            )
