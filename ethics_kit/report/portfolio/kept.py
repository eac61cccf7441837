"""The records that a system has kept: each with its acts, review and signatures, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from ethics_kit import archive, comparison
from ethics_kit import review as reviews
from ethics_kit.attestation import chain, proof, statement
from ethics_kit.attestation import folder as folders
from ethics_kit.attestation.identities import Reviewed, identities
from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.comparison import FindingChange
from ethics_kit.errors import InputError
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES
from ethics_kit.record import Record
from ethics_kit.report.portfolio.published import Published, published

State = Literal["ok", "altered", "gone", "failed"]


@dataclass(frozen=True)
class Kept:
    """A folder of ``reports/<system>/<stage>/``, or one that the chain lists and that is gone."""

    reports: Path
    system: str
    stage: str
    folder: str
    chain: chain.Chain | None
    keys: Sequence[TrustedKey]
    current: bool

    @property
    def path(self) -> Path:
        return self.reports / self.system / self.stage / self.folder

    @property
    def link(self) -> str:
        """The page, from the reports folder."""
        return "/".join(quote(part) for part in (self.system, self.stage, self.folder, "report.html"))

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.folder.removeprefix("failed_")[:10])

    @cached_property
    def published(self) -> Published | None:
        """The record as it was published; None where it was altered or is gone."""
        return published(self.path, self.chain) if self.path.is_dir() else None

    @property
    def record(self) -> Record | None:
        """The record without its tables, where it is as it was published."""
        return self.published.record if self.published else None

    @property
    def failed(self) -> bool:
        """Whether it is a run that failed, which its name tells."""
        return self.folder.startswith("failed_")

    @property
    def state(self) -> State:
        if self.failed:
            return "failed"
        if self.record:
            return "ok"
        return "altered" if self.path.is_dir() else "gone"

    @property
    def why(self) -> list[str]:
        """How it differs from what its attestation and the chain say, in words."""
        return folders.altered(self.path, self.chain) if self.state == "altered" else []

    @property
    def acts(self) -> list[tuple[str, date]]:
        """What was done to the record, and on which day (UTC), oldest first."""
        attestations = self.published.attestations.values() if self.published else ()
        return [(one.predicate.act, one.predicate.at.date()) for one in attestations]

    @cached_property
    def signatures(self) -> list[proof.Signature]:
        """The newest valid signature of each trusted key."""
        found = self.published.signatures(self.keys) if self.published else []
        return list({one.key_id: one for one in found}.values())

    @property
    def unsigned(self) -> list[str]:
        """The roles of the level's sign-off that have not signed."""
        if self.record is None:
            return []
        return proof.Proof({}, self.signatures).missing(catalogue.levels()[self.record.obligations.level].signoff)

    @property
    def has_review(self) -> bool:
        """Whether people have reviewed it, which can be seen without reading the record."""
        return (self.path / reviews.FILE).is_file()

    @cached_property
    def reviewed(self) -> Reviewed | None:
        """The record's review; None where it cannot be read, or was lost with an altered folder."""
        if self.published is None:
            return None
        path = self.path / reviews.FILE
        content = path.read_bytes() if path.is_file() else None
        try:
            found = reviews.parsed(path, content, self.published.record)
            digests = statement.review_entries(content)
        except InputError:
            return None
        if found.state != "decided" and folders.review_lost(self.path, self.chain):
            return None
        return identities(found, digests, self.published.attestations.values(), self.keys)


Records = Mapping[str, Sequence[Kept]]
"""What a system has kept of each stage, oldest first."""


@dataclass(frozen=True)
class Step:
    """Two consecutive records of a stage, and the findings that changed between them, worst first."""

    before: Kept
    after: Kept
    changes: tuple[FindingChange, ...]

    def count(self, *kinds: str) -> int:
        return sum(change.kind in kinds for change in self.changes)


def of_system(reports: Path, system: str, keys: Sequence[TrustedKey]) -> Records:
    """What a system has kept of each stage, oldest first; the current one, or the failed run in its place, last."""
    known = chain.read_chain(reports, system)[0]
    return {stage: list(_of_stage(reports, system, stage, known, keys)) for stage in STAGES}


def _of_stage(
    reports: Path, system: str, stage: str, known: chain.Chain | None, keys: Sequence[TrustedKey]
) -> Iterator[Kept]:
    parent = archive.stage_folder(reports, system, stage)
    latest = archive.read_latest(parent)
    current = latest.folder if latest else ""
    there = [p.name for p in archive.folders(reports, system, stage)]
    listed = [e.record for e in known.entries if e.stage == stage] if known else []
    failed = [current] if latest and latest.status == "failed" and (parent / current).is_dir() else []
    names = dict.fromkeys([*there, *(name for name in listed if _dated(name)), *failed])
    for name in sorted(names, key=lambda n: (n.removeprefix("failed_")[:10], n == current)):
        if _dated(name):
            yield Kept(reports, system, stage, name, known, keys, name == current)


def _dated(name: str) -> bool:
    try:
        date.fromisoformat(name.removeprefix("failed_")[:10])
    except ValueError:
        return False
    return True


def steps(kept: Sequence[Kept], most: int) -> list[Step]:
    """What changed between the last consecutive records of a stage, the newest pair first."""
    sound = [one for one in kept if not one.failed][-(most + 1) :]
    pairs = list(pairwise(one for one in sound if one.record))
    return [Step(a, b, _changes(a, b)) for a, b in reversed(pairs)]


def _changes(before: Kept, after: Kept) -> tuple[FindingChange, ...]:
    if before.record is None or after.record is None:
        return ()
    return comparison.compare_findings(before.record.findings, after.record.findings)
