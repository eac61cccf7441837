"""A record's folder: whether it is as its newest attestation says, and how a run's record gets there."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from ethics_kit import archive, review
from ethics_kit.archive import Latest
from ethics_kit.attestation import chain, statement
from ethics_kit.attestation.chain import Chain, Entry
from ethics_kit.attestation.statement import Act, Attestation
from ethics_kit.errors import RunError
from ethics_kit.record import Record


def altered(folder: Path, known: Chain | None) -> list[str]:
    """How the folder differs from what its newest attestation and the chain say, in words; empty where it does not."""
    stage, system = folder.parent.name, folder.parent.parent.name
    record = archive.trusted(folder, system, stage)
    if record is None:
        return ["record.json is not the record that belongs here, or was changed"]
    found, why = statement.read(folder / statement.FILE)
    if found is None:
        return [why]
    newest = known.newest(stage, folder.name) if known else None
    if newest is None:
        return ["the system's chain does not list the record"]
    told = [] if newest.sha256 == found.sha256 else ["attestation.json is not the one that the chain lists"]
    if found.predicate.record_id != record.record_id:
        told.append("attestation.json is about another record")
    there = statement.digests(folder)
    for name, digest in found.statement.files.items():
        if name not in there:
            told.append(f"{name} is gone")
        elif there[name] != digest:
            told.append(f"{name} was changed")
    told += [f"{name} is not listed in attestation.json" for name in sorted(there.keys() - found.statement.files)]
    return told


def whole(folder: Path, known: Chain | None) -> Record | None:
    """The record in `folder`, where the folder is as its newest attestation and the chain say."""
    if altered(folder, known):
        return None
    return archive.trusted(folder, folder.parents[1].name, folder.parent.name)


def review_lost(folder: Path, known: Chain | None) -> bool:
    """Whether people reviewed the record before a run set its folder aside as altered, review and all."""
    own = [e for e in (known.entries if known else ()) if (e.stage, e.record) == (folder.parent.name, folder.name)]
    reviews = [e.sequence for e in own if e.act == "review"]
    if not reviews:
        return False
    first = min((one.predicate.sequence for one in attestations(folder).values()), default=0)
    return reviews[0] < first


def publish(staging: Path, reports: Path, record: Record) -> tuple[Path, bool]:
    """Move `staging` to the record's own folder, attest it and make it current; False where it is there already.

    A record that is there as its newest attestation says stays, signed and reviewed as it is, and whether it is current
    too; to make it so again is an act of its own. An altered one is set aside.
    """
    with chain.held(reports, record.system["id"]) as own:
        parent = archive.stage_folder(reports, record.system["id"], record.stage)
        folder = parent / record.folder_name
        if not altered(folder, own.chain):
            shutil.rmtree(staging, ignore_errors=True)
            return folder, False
        content = attest(own, staging, record, act="run")
        (staging / statement.FILE).write_bytes(content)
        with archive.staged(reports) as whole:
            (whole / record.stage).mkdir()
            if becomes := archive.current(parent, Latest("ok", folder.name, record.as_of)):
                (whole / record.stage / archive.LATEST).write_bytes(becomes)
            staging.rename(whole / record.stage / folder.name)
            own.commit(whole, entry(own, content, record, act="run"), replacing=folder)
    return folder, True


def continued(folder: Path, whole: Path) -> Path:
    """A copy of a record's folder, staged in `whole`, in which the newest attestation has become an earlier one."""
    files = whole / folder.parent.name / folder.name
    shutil.copytree(folder, files)
    newest, why = statement.read(files / statement.FILE)
    if newest is None:
        raise RunError(why)
    (files / statement.FILE).rename(files / f"attestation_{newest.predicate.sequence:04d}.json")
    return files


def attest(own: chain.Held, files: Path, record: Record, *, act: Act, signer: CryptoSigner | None = None) -> bytes:
    """The next attestation of the chain, about `record` and the files in the folder `files`."""
    kept = files / review.FILE
    payload = statement.build(
        statement.digests(files),
        record,
        act=act,
        sequence=own.sequence,
        previous=own.previous,
        at=datetime.now(UTC),
        review_entries=statement.review_entries(kept.read_bytes() if kept.is_file() else None),
    )
    return statement.seal(payload, signer)


def entry(own: chain.Held, content: bytes, record: Record, *, act: Act) -> Entry:
    """What the chain says of the attestation `content`."""
    return Entry(
        sequence=own.sequence,
        sha256=hashlib.sha256(content).hexdigest(),
        act=act,
        stage=record.stage,
        record=record.folder_name,
        record_id=record.record_id,
    )


def attestations(folder: Path) -> dict[str, Attestation]:
    """The attestations of a record that can be read, by file name, oldest first."""
    names = [p.name for p in folder.iterdir() if statement.EARLIER.match(p.name) or p.name == statement.FILE]
    found = {name: statement.read(folder / name)[0] for name in names}
    readable = {name: one for name, one in found.items() if one}
    return dict(sorted(readable.items(), key=lambda item: item[1].predicate.sequence))
