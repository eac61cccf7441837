"""Problems in what governance rests on: audits without a report, days in the wrong order, courses nobody can count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ethics_kit import schema
from ethics_kit.checks.answers import evidence_problems
from ethics_kit.errors import Problem
from ethics_kit.project import STAGES

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.schema import Audit
    from ethics_kit.yamlfile import Key, YamlFile


def problems(dossier: Dossier) -> list[Problem]:
    """Audits without a report, days in the wrong order, courses asked for in a table that names none."""
    shared, own = dossier.files["organisation"], dossier.files["deployment_signoff"]
    audits = dossier.stage(schema.DeploymentSignoff).audits
    return [
        *_audit_problems(shared, dossier.organisation.audits, dossier.project.parameters),
        *_audit_problems(own, audits, dossier.folder),
        *_scope_problems(dossier, own, audits),
        *_action_problems(dossier),
        *_course_problems(dossier),
    ]


def _audit_problems(file: YamlFile, audits: list[Audit], folder: Path) -> Iterator[Problem]:
    for index, audit in enumerate(audits):
        key: Key = ("audits", index)
        yield from evidence_problems(file, (*key, "evidence"), audit.evidence, folder)
        if audit.expires < audit.on:
            yield file.problem(
                (*key, "expires"),
                found=f"{audit.expires}, before the report of {audit.on}",
                allowed=f"{audit.on} or later",
                todo="correct one of the two days",
            )
        for place, point in enumerate(audit.open_points):
            if point.closed and point.closed < audit.on:
                yield file.problem(
                    (*key, "open_points", place, "closed"),
                    found=f"{point.closed}, before the report of {audit.on}",
                    allowed=f"{audit.on} or later, or nothing for an open point",
                    todo="correct the day",
                )


def _scope_problems(dossier: Dossier, file: YamlFile, audits: list[Audit]) -> Iterator[Problem]:
    for index, audit in enumerate(audits):
        if dossier.id not in audit.scope:
            yield file.problem(
                ("audits", index, "scope"),
                found=f"an audit of {', '.join(audit.scope)}",
                allowed=f"{dossier.id} among the systems; audits of others stand in their own files",
                todo=f"add {dossier.id} with the model versions it covers, or move the audit to organisation.yaml",
            )


def _action_problems(dossier: Dossier) -> Iterator[Problem]:
    for stage in STAGES:
        for index, action in enumerate(dossier.stages[stage].actions):
            for name, day in (("due", action.due), ("closed", action.closed)):
                if action.opened and day and day < action.opened:
                    yield dossier.files[stage].problem(
                        ("actions", index, name),
                        found=f"{day}, before opened ({action.opened})",
                        allowed=f"{action.opened} or later",
                        todo="correct one of the two days",
                    )


def _course_problems(dossier: Dossier) -> Iterator[Problem]:
    table = dossier.located_tables.get("training")
    if dossier.organisation.training_required and table and "course" not in table.spec.columns:
        yield table.file.problem(
            ("tables", "training", "columns"),
            found="no column for course, while organisation.yaml says which courses are asked for",
            allowed="course: the column that holds the course",
            todo="add course: COLUMN, or remove training_required",
        )
