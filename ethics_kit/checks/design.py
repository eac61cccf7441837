"""Problems in the design review's registers: what the inventory and the notices name has to be there, and agree."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from ethics_kit import schema
from ethics_kit.checks.references import ADDRESS, resolved
from ethics_kit.errors import Problem, printable, quoted

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.schema.design import DataFlow
    from ethics_kit.yamlfile import Key

LONGEST_NOTICE = 20_000


def problems(dossier: Dossier, doubtful: Collection[str] = ()) -> list[Problem]:
    """Unknown tables and classes, bases that contradict system.yaml, notices whose file is not there.

    Under `doubtful` top-level keys something unsound was left out: what may refer to that is no problem.
    """
    review = dossier.stage(schema.DesignReview)
    found: list[Problem] = []
    for index, row in enumerate(review.inventory.rows if review.inventory else ()):
        key: Key = ("inventory", "rows", index)
        found += [] if "tables" in doubtful else _table_problems(dossier, key, row)
        found += [] if {"tables", "retention_classes"} & {*doubtful} else _retention_problems(dossier, key, row)
        found += [] if "lawful_bases" in doubtful else _basis_problems(dossier, key, row)
    return [*found, *_notice_problems(dossier)]


def _table_problems(dossier: Dossier, key: Key, row: DataFlow) -> Iterator[Problem]:
    for table in row.columns:
        if table not in dossier.located_tables:
            yield dossier.files["design_review"].problem(
                (*key, "columns", table),
                found="a table the dossier does not name",
                allowed=", ".join(sorted(dossier.located_tables)) or "a table under tables: in system.yaml",
                todo="correct the name, or list the data under `other`",
            )


def _retention_problems(dossier: Dossier, key: Key, row: DataFlow) -> Iterator[Problem]:
    file, declared = dossier.files["design_review"], dossier.organisation.retention_classes
    if row.retention is None:
        return
    if row.retention not in declared:
        yield file.problem(
            (*key, "retention"),
            found=quoted(row.retention),
            allowed=", ".join(declared) or "none declared yet",
            todo="declare it under retention_classes in organisation.yaml",
        )
    for table in row.columns:
        located = dossier.located_tables.get(table)
        own = located.spec.retention_class if located else None
        if own not in (None, row.retention):
            yield file.problem(
                (*key, "retention"),
                found=f"{quoted(row.retention)}, while the table {table} names {own}",
                allowed="one retention class for one table",
                todo="correct one of the two, or leave it out here",
            )


def _basis_problems(dossier: Dossier, key: Key, row: DataFlow) -> Iterator[Problem]:
    stated = next((b for b in dossier.system.lawful_bases if row.serves(b.purpose)), None)
    if stated and row.basis not in (None, stated.basis):
        yield dossier.files["design_review"].problem(
            (*key, "basis"),
            found=f"{quoted(row.basis)}, while system.yaml says {stated.basis} for {printable(stated.purpose)}",
            allowed="one lawful basis for each purpose",
            todo="correct one of the two, or leave it out here",
        )


def _notice_problems(dossier: Dossier) -> Iterator[Problem]:
    notices = dossier.stage(schema.DesignReview).notices
    file = dossier.files["design_review"]
    for index, notice in enumerate(notices.texts if notices else ()):
        key: Key = ("notices", "texts", index)
        if notice.file is not None:
            yield from _file_problems(dossier, (*key, "file"), notice.file)
        if notice.valid_until and notice.valid_until < notice.valid_from:
            yield file.problem(
                (*key, "valid_until"),
                found=f"{notice.valid_until}, before valid_from",
                allowed=f"{notice.valid_from} or later, or nothing for a notice in use",
                todo="correct one of the two days",
            )


def _file_problems(dossier: Dossier, key: Key, name: str) -> Iterator[Problem]:
    """A notice's file lies in the dossier's folder and holds a text of a length that somebody might read."""
    file = dossier.files["design_review"]
    allowed = "a text file in the dossier's folder"
    real = None if ADDRESS.match(name) else resolved(dossier.folder / name)
    if real is None or not real.is_relative_to(dossier.folder):
        yield file.problem(key, found=quoted(name), allowed=allowed, todo="put the text beside the dossier")
    elif not real.is_file():
        todo = "put the text there, or correct the name"
        yield file.problem(key, found=f"no file {printable(name)}", allowed=allowed, todo=todo)
    elif real.name in {f"{known}.yaml" for known in schema.FILES}:
        yield file.problem(key, found=printable(name), allowed=allowed, todo="name the file with the notice itself")
    elif not _readable(real.read_bytes()):
        yield file.problem(
            key,
            found=f"{printable(name)}, which is empty, too long or no text",
            allowed=f"UTF-8 text of up to {LONGEST_NOTICE:,} characters",
            todo="save the notice as plain text",
        )


def _readable(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return 0 < len(text.strip()) <= len(text) <= LONGEST_NOTICE
