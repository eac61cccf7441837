"""A published record for a page over many: checked against its attestation and the chain, read without its tables.

`attestation.folder.whole` parses and serialises a record again, about 50 ms. Here the bytes of every file are held to
the sha256 that the attestation lists, whose own sha256 the chain lists: they are those that the kit checked when it
published them, and the recommendation is computed once more all the same. That takes about 3 ms.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError

from ethics_kit import disk
from ethics_kit.attestation import proof, statement
from ethics_kit.attestation.chain import Chain
from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.attestation.proof import Signature
from ethics_kit.attestation.statement import Attestation, Statement
from ethics_kit.disk import Odd
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Stage
from ethics_kit.recommendation import recommend
from ethics_kit.record import (
    LARGEST,
    Finding,
    LevelResult,
    Obligations,
    Recommendation,
    Record,
    Table,
    Upstream,
)

FILE = "record.json"
AFTER_FINDINGS = b'],"inputs":['
"""What follows the findings in canonical JSON, whose keys are in order. No text holds it: its quotes are escaped."""


class _Head(BaseModel):
    """What a page over many records needs of one; everything else is passed over."""

    record_id: str
    system: dict[str, Any]
    stage: Stage
    as_of: date
    level: LevelResult
    upstream: list[Upstream]
    findings: list[Finding]
    obligations: Obligations
    recommendation: Recommendation
    versions: dict[str, str]
    run: dict[str, Any]


class Bounds(BaseModel):
    """An interval's ends."""

    low: float | None
    high: float | None


class Measured(BaseModel):
    """The number of a finding."""

    id: str
    value: float | None
    interval: Bounds | None
    n: int | None


class _Measurements(BaseModel):
    findings: list[Measured]


class _Tables(BaseModel):
    tables: list[Table]


@dataclass(frozen=True)
class Published:
    """A record as it was published, without its tables, parameters, inputs and policy; and its newest attestation."""

    folder: Path
    record: Record
    newest: Attestation

    @cached_property
    def attestations(self) -> dict[str, Attestation]:
        """Those of the record by file name, oldest first."""
        names = [name for name in self.newest.statement.files if statement.EARLIER.match(name)]
        read = {name: statement.read(self.folder / name)[0] for name in names}
        earlier = sorted(((n, one) for n, one in read.items() if one), key=lambda item: item[1].predicate.sequence)
        return {**dict(earlier), statement.FILE: self.newest}

    def signatures(self, keys: Sequence[TrustedKey]) -> list[Signature]:
        """The valid signatures by trusted keys on this very record, oldest first."""
        return proof.signatures(self.attestations, self.newest.statement.files, keys) if keys else []

    @property
    def tables(self) -> list[Table]:
        """The record's tables, read anew; none where its file is no longer as it was."""
        content = disk.content(self.folder / FILE, LARGEST)
        if isinstance(content, Odd) or hashlib.sha256(content).hexdigest() != self.newest.statement.files[FILE]:
            return []
        return _Tables.model_validate_json(content).tables


def published(folder: Path, known: Chain | None) -> Published | None:
    """The record in `folder`, where every file is as its newest attestation says, and that as the chain says.

    None where anything is otherwise, as `attestation.folder.altered` would tell.
    """
    newest = _listed(folder, known)
    if newest is None:
        return None
    files = newest.statement.files
    content = disk.content(folder / FILE, LARGEST)
    if isinstance(content, Odd) or hashlib.sha256(content).hexdigest() != files.get(FILE):
        return None
    if statement.digests(folder) != files:
        return None
    record = _record(content)
    if record is None or newest.predicate.record_id != record.record_id:
        return None
    if (record.system.get("id"), record.stage, record.folder_name) != (
        folder.parents[1].name,
        folder.parent.name,
        folder.name,
    ):
        return None
    return Published(folder, record, newest)


def values(folder: Path, known: Chain | None) -> dict[str, Measured] | None:
    """The findings with a value in an earlier record, by id; None where its record.json was altered."""
    newest = _listed(folder, known)
    content = disk.content(folder / FILE, LARGEST)
    if newest is None or isinstance(content, Odd):
        return None
    if hashlib.sha256(content).hexdigest() != newest.statement.files.get(FILE):
        return None
    try:
        begin = content[: content.index(AFTER_FINDINGS)] + b"]}"
        return {f.id: f for f in _Measurements.model_validate_json(begin).findings if f.value is not None}
    except ValueError:
        return None


def _listed(folder: Path, known: Chain | None) -> Attestation | None:
    """The newest attestation in `folder`, where it is the one that the chain lists."""
    last = known.newest(folder.parent.name, folder.name) if known else None
    content = disk.content(folder / statement.FILE, statement.LARGEST)
    if last is None or isinstance(content, Odd) or hashlib.sha256(content).hexdigest() != last.sha256:
        return None
    try:
        envelope = Envelope.from_dict(json.loads(content))
        return Attestation(last.sha256, envelope, Statement.model_validate_json(envelope.payload))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FormatError, ValidationError):
        return None


def _record(content: bytes) -> Record | None:
    """The record without its bulk, where its recommendation follows from its findings."""
    try:
        head = _Head.model_validate_json(content)
        named = all(isinstance(head.system.get(key), str) and head.system[key] for key in ("id", "name"))
    except ValidationError:
        return None
    left_out = set(catalogue.stage_requirements(head.stage)) - {d.requirement for d in head.obligations.duties}
    if not named or left_out:
        return None
    if recommend(head.findings, head.obligations, head.upstream, head.as_of) != head.recommendation:
        return None
    bare: dict[str, Any] = {"policy": {}, "inputs": [], "parameters": {}, "tables": []}
    return Record.model_construct(**dict(head), **bare)
