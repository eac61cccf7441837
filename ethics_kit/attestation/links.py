"""A system's attestations against chain.json and each other; latest.json against both."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from ethics_kit import archive, disk
from ethics_kit.archive import LATEST
from ethics_kit.attestation.chain import FILE, Chain, Entry
from ethics_kit.attestation.result import Looked, System
from ethics_kit.attestation.statement import LARGEST, Attestation
from ethics_kit.disk import Odd
from ethics_kit.record import Part


class _Written(Part):
    """chain.json as it is, so that what does not fit can be named."""

    schema_: Literal["ethics-kit/chain/1"] = Field(alias="schema")
    system: str
    length: int
    head: str
    entries: list[Entry]


@dataclass(frozen=True)
class Link:
    """One attestation where it lies: the stage and folder of its record, and its file."""

    stage: str
    record: str
    file: str
    attestation: Attestation

    @property
    def path(self) -> str:
        """Below the system's folder."""
        return f"{self.stage}/{self.record}/{self.file}"


def links(records: Sequence[Looked]) -> list[Link]:
    """All attestations of a system, in the order of their numbers."""
    found = [
        Link(looked.place.split("/")[-2], looked.name, name, one)
        for looked in records
        for name, one in looked.attestations.items()
    ]
    return sorted(found, key=lambda link: (link.attestation.predicate.sequence, link.path))


def check(folder: Path, system: System, set_aside: Collection[str]) -> list[Link]:
    """Tell what is wrong with the chain; return the attestations that it lists, in its order.

    `set_aside`: the sha256 of the attestations in folders that a run set aside.
    """
    found = links(system.records)
    content = disk.content(folder / FILE, LARGEST)
    if isinstance(content, Odd):
        if system.records:
            system.trouble(FILE, f"{content.why}; {len(found)} attestations are here")
        return found
    try:
        written = _Written.model_validate_json(content)
    except ValidationError:
        system.trouble(FILE, "is not a chain of this kit")
        return found
    system.head, system.length = written.head, written.length
    for what in _shape(written, content, system.name):
        system.trouble(FILE, what)
    return _listed(written, found, system, set_aside)


def _shape(written: _Written, content: bytes, system: str) -> Iterator[str]:
    if written.system != system:
        yield f"is the chain of {written.system}"
    numbers = [e.sequence for e in written.entries]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"its entries are not in order or not all there: {', '.join(map(str, numbers[:50])) or 'none'}"
    if written.length != len(numbers):
        yield f"says that it has {written.length} entries, and has {len(numbers)}"
    last = written.entries[-1].sha256 if written.entries else ""
    if written.head != last:
        yield f"its head {written.head} is not its last entry {last}"
    values = written.model_dump(by_alias=True)
    if Chain.model_construct(**values | {"schema_": written.schema_, "entries": written.entries}).to_bytes() != content:
        yield "was changed after it was written"


def _listed(written: _Written, found: list[Link], system: System, set_aside: Collection[str]) -> list[Link]:
    by_digest = {link.attestation.sha256: link for link in found}
    newest = {(e.stage, e.record): e for e in written.entries}
    listed: list[Link] = []
    previous: str | None = None
    unfit: list[int] = []
    for entry in written.entries:
        link = by_digest.get(entry.sha256)
        told = len(system.troubles)
        if link is None:
            replaced = entry.sha256 in set_aside and newest[entry.stage, entry.record] is not entry
            _not_here(entry, found, system, replaced=replaced)
        else:
            listed.append(link)
            for what in _differs(entry, link, previous):
                system.trouble(link.path, what)
        unfit += [entry.sequence] * (len(system.troubles) > told)
        previous = entry.sha256
    if unfit:
        acts = ", ".join(map(str, unfit[:50]))
        system.trouble(FILE, f"does not fit the attestations that are here: see act{'s' * (len(unfit) > 1)} {acts}")
    _outside(written, found, system)
    _clock(listed, system)
    return listed


def _clock(listed: Sequence[Link], system: System) -> None:
    for before, after in pairwise(link.attestation.predicate for link in listed):
        if after.at < before.at:
            told = (
                f"act {after.sequence} says that it was at {after.at}, act {before.sequence} before it at {before.at}"
            )
            system.unchecked.append(f"{system.name}: {told}: a clock was wrong, or an act is dated back")


def _outside(written: _Written, found: list[Link], system: System) -> None:
    known, taken = {e.sha256 for e in written.entries}, {e.sequence for e in written.entries}
    first: dict[str, Link] = {}
    for link in found:
        digest, number = link.attestation.sha256, link.attestation.predicate.sequence
        if digest not in known:
            fork = f"which has another act {number}" if number in taken else f"which ends with act {written.length}"
            system.trouble(link.path, f"is act {number} and stands outside {FILE}, {fork}")
        if first.setdefault(digest, link) is not link:
            system.trouble(link.path, f"is there a second time, in {first[digest].path}")


def _not_here(entry: Entry, found: list[Link], system: System, *, replaced: bool) -> None:
    act = f"act {entry.sequence} ({entry.act}, {entry.stage}/{entry.record})"
    same = [link for link in found if link.attestation.predicate.sequence == entry.sequence]
    listed = f"that {FILE} lists (sha256 {entry.sha256})"
    if replaced:
        system.unchecked.append(f"{system.name}: {act} is about a folder that a later run set aside as altered")
    elif same:
        system.trouble(same[0].path, f"is not the attestation of {act} {listed}")
    else:
        place = f"{entry.stage}/{entry.record}"
        system.trouble(place, f"the attestation of {act} is gone or altered: no file here is the one {listed}")


def _differs(entry: Entry, link: Link, previous: str | None) -> Iterator[str]:
    said = link.attestation.predicate
    if (said.sequence, said.act, said.record_id) != (entry.sequence, entry.act, entry.record_id):
        yield f"says that it is act {said.sequence} ({said.act}); {FILE} lists it as act {entry.sequence} ({entry.act})"
    if (link.stage, link.record) != (entry.stage, entry.record):
        yield f"{FILE} lists it for {entry.stage}/{entry.record}"
    if said.previous != previous:
        yield f"names {said.previous or 'none'} as the attestation before; {FILE} lists {previous or 'none'} there"


# --- latest.json ----------------------------------------------------------------------------------------------------


def check_latest(stage: Path, name: str, system: System, listed: Sequence[Link]) -> None:
    """Whether the stage's latest.json names the record that the chain makes the current one."""
    place = f"{name}/{LATEST}"
    content = disk.content(stage / LATEST, LARGEST)
    own = [link.attestation for link in listed if link.stage == name and link.attestation.predicate.act == "run"]
    if isinstance(content, Odd):
        if own or not content.why.endswith("gone"):
            system.trouble(place, content.why)
        return
    latest = archive.read_latest(stage)
    if latest is None or latest.to_bytes() != content:
        system.trouble(place, "was changed after it was written")
        return
    if latest.status == "failed":
        if latest.folder != f"failed_{latest.as_of}" or not (stage / latest.folder).is_dir():
            system.trouble(place, f"names a failed run, {latest.folder}, that is not here")
        return
    current = _current(own)
    if latest.folder not in current:
        should = " or ".join(sorted(current)) or "no record"
        system.trouble(place, f"names {latest.folder}; by the chain the current one is {should}")
    elif not latest.folder.startswith(f"{latest.as_of}_"):
        system.trouble(place, f"gives another day than its record, {latest.as_of}")


def _current(runs: Sequence[Attestation]) -> set[str]:
    """The folders that latest.json may name after these runs: an older day's run does not become the current one.

    What was *today* where a run was made differs from its time in UTC by up to a day, so both are followed.
    """
    possible: set[tuple[date, str]] = set()
    for one in runs:
        said = one.predicate
        new = (said.as_of, f"{said.as_of}_{said.record_id[:12]}")
        days = {(said.at - timedelta(hours=12)).date(), (said.at + timedelta(hours=14)).date()}
        possible = {before if new[0] < before[0] <= today else new for before in possible or {new} for today in days}
    return {folder for _, folder in possible}
