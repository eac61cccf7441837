"""One record's folder against what its attestations say, and the record against itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ethics_kit import disk, review
from ethics_kit.attestation import claims, proof, statement
from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.attestation.result import Looked
from ethics_kit.attestation.statement import Attestation
from ethics_kit.disk import Odd
from ethics_kit.errors import InputError
from ethics_kit.record import CHANGED, FOREIGN, LARGEST, Record, read_record, sealed

RECORD = "record.json"
MADE_ANEW = ("report.html", "report.pdf")
"""What each act writes anew: the page, and the PDF where there is one."""

OTHER_VERSION = (
    "is as its attestation names it, and has other fields than the records of this version of the kit: another version "
    "made both, or somebody who wrote both. It does not count here; run the assessment again"
)
NOT_ATTESTED = (
    "is not there, so the record is not attested. A kit before attestations made the record, or it was taken away; "
    "to attest it, run the assessment again"
)


def look(path: Path, place: str, keys: Sequence[TrustedKey], *, system: str, stage: str) -> Looked:
    """Everything about one record's folder that the folder itself shows.

    `system` and `stage` are those of the path; empty for a folder that lies alone.
    """
    looked = Looked(place)
    files: dict[str, str] = {}
    for name, file in disk.entries(path).items():
        found = disk.digest(file)
        if isinstance(found, Odd):
            looked.trouble(name, found.why)
        else:
            files[name] = found
    looked.attestations = _attestations(path, files, looked)
    looked.record = _record(path, files, looked)
    if looked.record:
        _belongs(looked.record, looked, system, stage)
        _claims(looked.record, looked)
    newest = looked.attestations.get(statement.FILE)
    if newest:
        _subjects(newest, {n: d for n, d in files.items() if n != statement.FILE}, looked)
        _reviewed(path, newest, looked)
        for what in _statement(newest, looked):
            looked.trouble(statement.FILE, what)
    elif statement.FILE not in files:
        looked.trouble(statement.FILE, NOT_ATTESTED)
    for name, one in looked.attestations.items():
        _signatures(name, one, keys, looked)
    if RECORD in files:
        looked.signatures = proof.signatures(looked.attestations, files, keys)
    return looked


def _record(path: Path, files: Mapping[str, str], looked: Looked) -> Record | None:
    if RECORD not in files:
        if not any(t.place.endswith(f"/{RECORD}") for t in looked.troubles):
            looked.trouble(RECORD, "is gone")
        return None
    record, why = read_record(path / RECORD)
    if record is None:
        other = why in (FOREIGN, CHANGED) and _as_attested(path / RECORD, looked)
        looked.trouble(RECORD, OTHER_VERSION if other else why.removeprefix(f"{RECORD} "))
    return record


def _as_attested(path: Path, looked: Looked) -> bool:
    """Whether a record that this kit cannot read is, byte for byte, the one that its attestation names."""
    newest, content = looked.attestations.get(statement.FILE), disk.content(path, LARGEST)
    if newest is None or isinstance(content, Odd) or not sealed(content):
        return False
    return newest.statement.files.get(RECORD) == hashlib.sha256(content).hexdigest()


def _attestations(path: Path, files: Mapping[str, str], looked: Looked) -> dict[str, Attestation]:
    """By file name, the newest last."""
    found: dict[str, Attestation] = {}
    for name in sorted(n for n in files if statement.EARLIER.match(n) or n == statement.FILE):
        content = disk.content(path / name, statement.LARGEST)
        one, why = (None, content.why) if isinstance(content, Odd) else statement.parse(content, name)
        if one is None:
            looked.trouble(name, why.removeprefix(f"{name} "))
        else:
            found[name] = one
    return dict(sorted(found.items(), key=lambda item: item[1].predicate.sequence))


def _belongs(record: Record, looked: Looked, system: str, stage: str) -> None:
    own = (str(record.system["id"]), str(record.stage))
    if system and own != (system, stage):
        looked.trouble(RECORD, f"is a record of {own[0]}, {own[1]}, and lies under {system}/{stage}")
    if record.folder_name != looked.name:
        looked.trouble("", f"the folder's name is not that of its record, {record.folder_name}")


def _claims(record: Record, looked: Looked) -> None:
    if claims.of_this_kit(record):
        for what in claims.contradictions(record):
            looked.trouble(RECORD, what)
    else:
        made = record.versions.get("ethics_kit", "unknown")
        looked.unchecked.append(
            f"{looked.place}: made by ethics-kit {made}, this is {claims.KIT}: its duties were not computed again"
        )


def _subjects(newest: Attestation, files: Mapping[str, str], looked: Looked) -> None:
    listed = newest.statement.files
    odd = {t.place.rsplit("/", 1)[-1] for t in looked.troubles}
    for name in sorted(listed.keys() | files.keys()):
        if name not in files:
            if name not in odd:
                looked.trouble(name, "is gone, and attestation.json lists it")
        elif name not in listed:
            looked.trouble(name, "is not listed in attestation.json")
        elif files[name] != listed[name]:
            looked.trouble(name, f"was changed: attestation.json lists sha256 {listed[name]}, it has {files[name]}")


def _statement(newest: Attestation, looked: Looked) -> Iterator[str]:
    """What attestations say of themselves, of each other and of the record; the whole statement is built again."""
    for name, one in looked.attestations.items():
        number = f"attestation_{one.predicate.sequence:04d}.json"
        if name != statement.FILE and name != number:
            yield f"{name} is act {one.predicate.sequence}, and has another's name"
        if one.predicate.sequence > newest.predicate.sequence:
            yield f"is act {newest.predicate.sequence}, and {name} is a later one"
        if one is not newest:
            yield from _earlier(name, one, newest)
    record = looked.record
    if record is None:
        return
    said = newest.predicate
    built = statement.build(
        newest.statement.files,
        record,
        act=said.act,
        sequence=said.sequence,
        previous=said.previous,
        at=said.at,
        review_entries=said.review_entries,
    )
    if built == newest.envelope.payload:
        return
    if newest.statement.inputs != {(i.address, i.sha256) for i in record.inputs}:
        yield "lists other inputs than the record"
    if said.record_id != record.record_id:
        yield f"is about the record {said.record_id[:12]}, not this one"
    else:
        yield "its statement is not the one that follows from the folder"


def _earlier(name: str, one: Attestation, newest: Attestation) -> Iterator[str]:
    """A record, its inputs, notebook and card never change; a review is only added to; a page is made anew."""
    then, now = one.statement.files, newest.statement.files
    kept = [n for n in then if n != review.FILE and not statement.EARLIER.match(n)]
    changed = [n for n in kept if n not in now or (now[n] != then[n] and n not in MADE_ANEW)]
    if changed or one.statement.inputs != newest.statement.inputs:
        yield f"lists other bytes than {name} for {', '.join(changed) or 'the inputs'}"
    before = one.predicate.review_entries
    if newest.predicate.review_entries[: len(before)] != before:
        yield f"review.yaml does not begin with the entries that {name} lists"


def _reviewed(path: Path, newest: Attestation, looked: Looked) -> None:
    content = disk.content(path / review.FILE, statement.LARGEST) if review.FILE in newest.statement.files else None
    if isinstance(content, Odd):
        return  # told already: it is gone, or no file
    try:
        entries = statement.review_entries(content)
    except InputError:
        looked.trouble(review.FILE, "is not a review of this kit")
        return
    if entries != newest.predicate.review_entries:
        looked.trouble(review.FILE, "its entries are not those that attestation.json lists")
    if looked.record:
        try:
            review.parsed(path / review.FILE, content, looked.record)
        except InputError as error:
            first = error.problems[0]
            broken = f"{first.key}: found {first.found}; allowed: {first.allowed}"
            looked.trouble(review.FILE, f"breaks a rule of reviews: {broken}")


def _signatures(name: str, one: Attestation, keys: Sequence[TrustedKey], looked: Looked) -> None:
    known, day = {key.id: key for key in keys}, one.predicate.at.date()
    for key_id in one.envelope.signatures:
        key = known.get(key_id)
        if key is None:
            looked.trouble(name, f"is signed by an unknown key, {key_id}: no trusted signer has it")
        elif not statement.signature_valid(one, key):
            looked.trouble(name, f"the signature with the key of {key.name} is not valid")
        elif not key.holds_on(day):
            until = f" until {key.until}" if key.until else ""
            looked.trouble(name, f"is signed on {day}; the key of {key.name} counts from {key.from_}{until}")
