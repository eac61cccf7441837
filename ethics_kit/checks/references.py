"""Problems between files that need no data: unknown tables and roles, paths that escape, overrides without a reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ethics_kit import schema
from ethics_kit.checks import databases, stored, written
from ethics_kit.errors import Problem, quoted
from ethics_kit.framework import catalogue
from ethics_kit.measures import formats

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.schema.system import ModelInfo
    from ethics_kit.yamlfile import Key, YamlFile

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def problems(dossier: Dossier, doubtful: Collection[str] = ()) -> list[Problem]:
    """Problems that need no data: unknown tables and roles, paths that escape, attributes without a table.

    Under `doubtful` top-level keys something unsound was left out: what may refer to that is no problem.
    """
    return [
        *_policy_problems(dossier),
        *stored.policy_problems(dossier),
        *_table_problems(dossier, doubtful),
        *([] if "tables" in doubtful else databases.mixed(dossier)),
        *_not_kept_problems(dossier),
        *([] if "tables" in doubtful else _column_problems(dossier)),
        *_order_problems(dossier),
        *_model_problems(dossier),
        *([] if {"features", "attributes"} & {*doubtful} else _reason_problems(dossier)),
        *([] if "attributes" in doubtful else _constraint_problems(dossier)),
        *_basis_problems(dossier),
    ]


def _policy_problems(dossier: Dossier) -> Iterator[Problem]:
    smallest, hidden = dossier.policy.fairness.minimum_group.value, dossier.policy.records.small_cell.value
    if smallest < hidden:
        yield dossier.files["policy"].problem(
            ("fairness", "minimum_group", "value"),
            found=f"{smallest}, fewer than records.small_cell ({hidden})",
            allowed=f"at least {hidden}: a group that is compared is shown",
            todo="raise minimum_group, or lower small_cell",
        )


def _table_problems(dossier: Dossier, doubtful: Collection[str]) -> Iterator[Problem]:
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
            yield from written.problems(file, name, spec)
            if spec.source:
                wrong = list(path_problems(dossier, file, (*key, "source"), spec.source, owner == "organisation"))
                base = dossier.project.parameters if owner == "organisation" else dossier.folder
                yield from wrong or _pin_problems(file, key, spec, dossier.place(base, spec.source))
            else:
                yield from databases.problems(dossier, file, name, spec)
            if spec.exempt_from_deletion and schema.placeholder(spec.exempt_from_deletion.reason):
                yield file.problem(
                    (*key, "exempt_from_deletion", "reason"),
                    found=quoted(spec.exempt_from_deletion.reason),
                    allowed="the law or duty that asks for these rows to stay",
                    todo="write the reason, or remove the exemption",
                )
            declared = dossier.organisation.retention_classes
            known_class = spec.retention_class in (None, *declared) or "retention_classes" in doubtful
            if not known_class:
                classes = ", ".join(declared) or "none declared yet"
                yield file.problem(
                    (*key, "retention_class"),
                    found=quoted(spec.retention_class),
                    allowed=classes,
                    todo="declare it under retention_classes in organisation.yaml",
                )
            yield from override_problems(
                file, key, spec.override_reason, overrides=owner == "system" and name in shared, what="table"
            )


def _not_kept_problems(dossier: Dossier) -> Iterator[Problem]:
    events = dossier.located_tables.get(dossier.system.events)
    held = {*dossier.located_tables, *(events.spec.columns if events else ())}
    for name in dossier.system.not_kept:
        if name in held or name not in catalogue.tables() | catalogue.results():
            yield dossier.files["system"].problem(
                ("not_kept", name),
                found="what the dossier names as well" if name in held else "an unknown table or result",
                allowed="tables and results that this system does not have",
                todo="remove it here or under tables"
                if name in held
                else "correct the name; docs/dossier.md lists them",
            )


def override_problems(file: YamlFile, key: Key, reason: str | None, *, overrides: bool, what: str) -> Iterator[Problem]:
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
    table = (file.data.get("tables") or {}).get(name) or {}
    written = {*spec.columns, *(table.get("columns") or ())}
    for role, about in roles.items():
        dated = about.type == "time" and spec.dated is not None
        if about.required and role not in written and not dated:
            yield file.problem(
                ("tables", name, "columns"),
                found=f"no column for {role}",
                allowed=f"{role}: the column that holds {about.about}",
                todo=f"add {role}: COLUMN"
                + (", or dated: DATE for a snapshot" if about.type == "time" and name in snapshots else ""),
            )


def path_problems(dossier: Dossier, file: YamlFile, key: Key, source: str, shared: bool) -> Iterator[Problem]:
    """An address that may not be read, or a file outside the project; `source` is seen from the YAML file's folder."""
    base = dossier.project.parameters if shared else dossier.folder
    if ADDRESS.match(source):
        yield from stored.problems(dossier, file, key, source)
        return
    real = resolved(base / source)
    roots = [dossier.project.root, *dossier.project.data_roots(dossier.policy.data_roots)]
    if real is None or not any(real.is_relative_to(root.resolve()) for root in roots):
        yield file.problem(
            key,
            found=f"{quoted(source)}, which lies outside the project",
            allowed="files in the project's folder, or under a folder the policy lists in data_roots",
            todo="put the table into the project, or have the policy list its folder",
        )


def _pin_problems(file: YamlFile, key: Key, spec: schema.TableSpec, path: Path) -> Iterator[Problem]:
    """A table with another content than the one that is pinned."""
    if spec.sha256 and _there(path) and spec.sha256.lower() != (found := formats.sha256_of(path)):
        yield file.problem(
            (*key, "sha256"),
            found=f"the digest of another content; that of {quoted(spec.source or '')} is {found}",
            allowed="the sha256 of the table as it is now",
            todo="put that content back, or write the new digest here",
        )


def _column_problems(dossier: Dossier) -> Iterator[Problem]:
    """Attributes, features and strata in tables that are not there."""
    file, system = dossier.files["system"], dossier.system
    usable = [t for t in (system.events, "customers") if t in dossier.located_tables]
    declared = [(("attributes", name), table) for name, _, table in dossier.held_attributes()]
    declared += [(("features", name), feature.table or system.events) for name, feature in system.features.items()]
    declared += [(("strata", name), stratum.table or system.events) for name, stratum in system.strata.items()]
    for key, table in declared:
        if table not in usable:
            yield file.problem(
                key,
                found=f"a column in {table}, a table the dossier does not name or this kind of system does not use",
                allowed=" or ".join(usable) or "a table under tables:",
                todo="name the table under tables:, or correct `table:` here",
            )


def _order_problems(dossier: Dossier) -> Iterator[Problem]:
    decision, outcome = dossier.system.decision.order, dossier.system.outcome.order
    if outcome and len(decision) != len(outcome):
        yield dossier.files["system"].problem(
            ("outcome", "order"),
            found=f"{len(outcome)} classes, while decision.order has {len(decision)}",
            allowed="as many as decision.order, position by position",
            todo="list for each class of the decision the outcome that deserves it",
        )
    for part, order in (("decision", decision), ("outcome", outcome)):
        for index, name in enumerate(order):
            if name in order[:index]:
                yield dossier.files["system"].problem(
                    (part, "order", index), found=f"{quoted(name)} a second time", allowed="each once", todo="remove it"
                )


def _model_problems(dossier: Dossier) -> Iterator[Problem]:
    told, file, path = dossier.system.model, dossier.files["system"], dossier.model_file
    if told.plugin and told.file:
        yield file.problem(
            ("model", "plugin"), found="a plug-in beside a file", allowed="one of them", todo="remove file or plugin"
        )
    if told.file is None or path is None:
        return
    problems = list(path_problems(dossier, file, ("model", "file"), told.file, False))
    yield from problems or _model_file_problems(file, told, path)


def _model_file_problems(file: YamlFile, told: ModelInfo, path: Path) -> Iterator[Problem]:
    pickled = path.suffix.lower() in formats.PICKLES
    if not _there(path) or not (pickled or path.suffix.lower() in formats.SAFE):
        yield file.problem(
            ("model", "file"),
            found=quoted(told.file),
            allowed="an existing file whose name ends in one of " + " ".join(formats.SAFE),
            todo="save the model in one of these formats, or correct the path",
        )
    elif pickled and not (told.sha256 and formats.pickle_allowed()):
        yield file.problem(
            ("model", "file"),
            found=f"{quoted(told.file)}, which can run code when it is opened",
            allowed="a file whose name ends in one of " + " ".join(formats.SAFE),
            todo="write the model with skops.io.dump; else give model.sha256 and run with --allow-pickle",
        )
    elif told.sha256 and told.sha256.lower() != (found := formats.sha256_of(path)):
        yield file.problem(
            ("model", "sha256"),
            found=f"the digest of another file; that of {path.name} is {found}",
            allowed="the sha256 of the model that was approved",
            todo="put that model back, or have the new one approved and write its digest here",
        )


def _reason_problems(dossier: Dossier) -> Iterator[Problem]:
    known = [*dossier.system.features, *dossier.system.attributes]
    for code, reason in dossier.system.reasons.items():
        for language, words in reason.words.items():
            if schema.placeholder(words):
                yield dossier.files["system"].problem(
                    ("reasons", code, "words", language),
                    found=quoted(words),
                    allowed="what a customer is told",
                    todo="write the words, or leave the language out",
                )
        for index, name in enumerate(reason.features):
            if name not in known:
                yield dossier.files["system"].problem(
                    ("reasons", code, "features", index),
                    found=quoted(name),
                    allowed=", ".join(known) or "a feature that system.yaml declares",
                    todo="correct the name, or declare it under features",
                )


def _there(path: Path) -> bool:
    real = resolved(path)
    return real is not None and real.is_file()


def _constraint_problems(dossier: Dossier) -> Iterator[Problem]:
    review = dossier.stages["design_review"]
    constraint = review.constraint if isinstance(review, schema.DesignReview) else None
    for index, name in enumerate(constraint.attributes if constraint else ()):
        if name not in dossier.system.attributes:
            yield dossier.files["design_review"].problem(
                ("constraint", "attributes", index),
                found=quoted(name),
                allowed=", ".join(dossier.system.attributes) or "an attribute that system.yaml declares",
                todo="correct the name, or declare it under attributes in system.yaml",
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
        if basis.balancing_test and basis.basis != "legitimate_interest":
            yield dossier.files["system"].problem(
                ("lawful_bases", index, "balancing_test"),
                found=f"a balancing test for {basis.basis}",
                allowed="where the basis is legitimate_interest",
                todo="correct the basis, or remove the test",
            )


def resolved(path: Path) -> Path | None:
    """Where a path leads; None where it cannot lead anywhere: links in a circle, a name too long for a file."""
    try:
        path.is_file()
        return path.resolve()
    except (OSError, RuntimeError):
        return None
