"""One act of a review on a published record, by the command or the form: checked, written, attested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ethics_kit import archive, past, review
from ethics_kit.attestation import folder as folders
from ethics_kit.attestation import keys, statement
from ethics_kit.attestation.chain import read_chain
from ethics_kit.attestation.identities import Reviewed, identities
from ethics_kit.checks.answers import evidence_problems
from ethics_kit.errors import InputError, Problem, quoted
from ethics_kit.framework import catalogue
from ethics_kit.project import Project
from ethics_kit.record import Record, file_sha256
from ethics_kit.runner import acts
from ethics_kit.schema.fields import same_person
from ethics_kit.yamlfile import YamlFile

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

NEWER = "review the newer record"


@dataclass(frozen=True)
class Desk:
    """The current record of a stage, whichever it is by then, for a form; `parent` is the stage's reports folder."""

    project: Project
    parent: Path

    def standing(self) -> Reviewed | None:
        """The record's review as it stands; None where there is no record."""
        folder = archive.current_folder(self.parent)
        return standing(self.project, folder) if folder else None

    def enter(self, act: dict[str, Any]) -> Reviewed:
        """Add an act; raises as `enter` does."""
        folder = archive.current_folder(self.parent)
        if folder is None:
            todo = "assess the stage first: ethics-kit run"
            raise InputError([Problem(file=self.parent, found="no record", allowed="a current record", todo=todo)])
        after = enter(self.project, folder, act)
        acts.tell_pages(self.project, folder)
        return after


def enter(project: Project, folder: Path, given: Mapping[str, Any], *, signer: CryptoSigner | None = None) -> Reviewed:
    """Add an act to the review of the record in `folder`; the review as it then stands.

    `given` holds the keys of an entry of review.yaml. A `signer` signs: name and role are then the key's.

    Raises
    ------
    InputError
        The act is not allowed or lacks something, or the record was altered; nothing was written.
    RunError
        The system's chain is damaged.
    """
    path = folder / review.FILE
    entry = {"on": date.today(), **{k: v for k, v in given.items() if v not in (None, "", [], ())}}
    if signer:
        by = acts.signing(project, keys.of_project(project), signer)
        entry |= _signed(path, entry, by.name, by.role)
    entry |= _minute(project, path, folder.parents[1].name, entry.get("minute"))

    def added(record: Record, content: bytes | None) -> bytes:
        if past.newer_decided(folder, record):
            found = f"{entry['act']} of a record that is superseded: people decided on a newer one of its stage"
            raise InputError([Problem(file=path, key="act", found=found, allowed="nothing more", todo=NEWER)])
        return review.added(path, content, record, entry, today=date.today())[0]

    acts.act(project, folder, act="review", signer=signer, review=added)
    return standing(project, folder)


def _signed(path: Path, entry: Mapping[str, Any], name: str, role: str) -> dict[str, str]:
    """Whose act it is by the key: the officer's who records a minute, else the one who decides."""
    minute = entry.get("minute") or entry.get("members")
    who = "recorded_by" if minute else "by"
    if who in entry and not same_person(str(entry[who]), name):
        found, todo = f"{quoted(entry[who])}, though the key is {name}'s", "leave it out, or use that person's key"
        raise InputError([Problem(file=path, key=who, found=found, allowed=name, todo=todo)])
    if minute and catalogue.role_name(role) not in review.RECORDERS:
        found, allowed = f"the key of a role {quoted(role)}", f"a key of {' or '.join(review.RECORDERS)}"
        todo = "have an officer record the minute"
        raise InputError([Problem(file=path, key="recorded_by", found=found, allowed=allowed, todo=todo)])
    return {"recorded_by": name} if minute else {"by": name, "role": role}


def _minute(project: Project, path: Path, system: str, minute: str | None) -> dict[str, str]:
    """The sha256 of a minute that is a file; it has to lie in the system's dossier."""
    dossier = project.parameters / system
    if problems := [*evidence_problems(YamlFile(path, {}), ("minute",), minute, dossier)]:
        raise InputError(problems)
    is_file = minute and (dossier / minute).is_file()
    return {"minute_sha256": file_sha256(dossier / str(minute))} if is_file else {}


def lost(folder: Path) -> bool:
    """Whether people reviewed the record in `folder` before a run set it aside as altered, review and all."""
    return folders.review_lost(folder, read_chain(folder.parents[2], folder.parents[1].name)[0])


def standing(project: Project, folder: Path) -> Reviewed:
    """The review of the record in `folder`: *superseded* too where a newer record of the stage is decided.

    Raises
    ------
    InputError
        There is no record that can be trusted, or its review is not in order.
    """
    record = acts.intact(folder, read_chain(folder.parents[2], folder.parents[1].name)[0])
    found_review = review.read(folder, record)
    path = folder / review.FILE
    digests = statement.review_entries(path.read_bytes() if path.is_file() else None)
    if found_review.state not in ("withdrawn", "superseded") and past.newer_decided(folder, record):
        found_review = replace(found_review, state="superseded")
    attestations = folders.attestations(folder).values()
    return identities(found_review, digests, attestations, keys.of_project(project))
