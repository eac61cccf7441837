"""A system's attestations in one chain, kept in ``reports/<system>/chain.json``, and how an act is added to it.

An act is staged whole (new files, and chain.json with the new head), flushed to the disk, and made *pending* by one
rename to ``reports/<system>/.pending``, whose tree mirrors the system's folder. Then its files are renamed to where
they belong, chain.json last. Whatever stops an act before that one rename leaves everything as it was; whatever stops
it afterwards is finished by the next act that takes the lock. Applying needs no further room on the disk.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError, model_validator

from ethics_kit import archive, disk
from ethics_kit.attestation import statement
from ethics_kit.attestation.statement import Act, Sha256
from ethics_kit.disk import Odd
from ethics_kit.errors import RunError
from ethics_kit.framework.catalogue import Stage
from ethics_kit.record import Part

FILE, PENDING, LOCK = "chain.json", ".pending", ".chain.lock"
SECONDS_TO_WAIT = 300.0
REMOVE = "find out who put it there, and remove the link"


class Entry(Part):
    """One act: the sha256 of its attestation file, and the record (stage and folder) it is about."""

    sequence: Annotated[int, Field(ge=1)]
    sha256: Sha256
    act: Act
    stage: Stage
    record: str
    record_id: Sha256


class Chain(Part):
    """A system's acts in their order; `head` is the sha256 of the newest attestation file."""

    schema_: Literal["ethics-kit/chain/1"] = Field(default="ethics-kit/chain/1", alias="schema")
    system: str
    length: int
    head: Sha256
    entries: Annotated[list[Entry], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Chain:
        if [e.sequence for e in self.entries] != list(range(1, self.length + 1)):
            raise ValueError("its entries are not numbered from 1 to its length")
        if self.head != self.entries[-1].sha256:
            raise ValueError("its head is not its last entry")
        return self

    def newest(self, stage: str, record: str) -> Entry | None:
        """The last act on a record."""
        own = [e for e in self.entries if (e.stage, e.record) == (stage, record)]
        return own[-1] if own else None

    def to_bytes(self) -> bytes:
        return (json.dumps(self.model_dump(mode="json", by_alias=True), indent=1) + "\n").encode()


def read_chain(reports: Path, system: str) -> tuple[Chain | None, str]:
    """The chain of `system` and an empty string; None and an empty string where there is none, or None and why not."""
    path = reports / system / FILE
    if not path.exists() and not path.is_symlink():
        return None, ""
    content = disk.content(path, statement.LARGEST)
    if isinstance(content, Odd):
        return None, f"chain.json {content.why}"
    try:
        chain = Chain.model_validate_json(content)
    except ValidationError:
        return None, "chain.json is not a chain of this kit, or its entries, length and head do not fit"
    if chain.system != system:
        return None, "chain.json is another system's"
    return chain, ""


def pending(reports: Path, system: str) -> bool:
    """Whether an act was interrupted, which the next one will finish."""
    return (reports / system / PENDING / FILE).is_file()


@dataclass(frozen=True)
class Held:
    """A system's chain while nobody else can add to it."""

    folder: Path
    chain: Chain | None

    @property
    def sequence(self) -> int:
        """The number of the next act."""
        return self.chain.length + 1 if self.chain else 1

    @property
    def previous(self) -> str | None:
        """What the next attestation names as the one before."""
        return self.chain.head if self.chain else None

    def commit(self, staged: Path, entry: Entry, *, replacing: Path | None = None) -> None:
        """Add `entry`, with the files in `staged`: ``<stage>/<record>/…`` as they are to lie in the system's folder.

        The folder `replacing` is set aside, where there is one.
        """
        entries = [*(self.chain.entries if self.chain else ()), entry]
        chain = Chain(system=self.folder.name, length=len(entries), head=entry.sha256, entries=entries)
        (staged / FILE).write_bytes(chain.to_bytes())
        archive.flush(staged)
        if replacing:
            archive.set_aside(replacing)
        staged.rename(self.folder / PENDING)
        archive.flush_folder(self.folder)
        _finish(self.folder)


@contextmanager
def held(reports: Path, system: str) -> Iterator[Held]:
    """The chain of `system`, locked; what an interrupted act left is finished first.

    Raises
    ------
    RunError
        The chain is damaged or gone, or another process does not let go of it.
    """
    archive.refuse_links(reports, system)
    folder = reports / system
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=SECONDS_TO_WAIT)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"another process has held {system}/{LOCK} for {SECONDS_TO_WAIT:g} seconds") from None
    try:
        _finish(folder)
        chain, why = read_chain(reports, system)
        if chain is None and not why and any(folder.glob(f"*/*/{statement.FILE}")):
            why = "chain.json is gone, though there are attestations"
        if why:
            raise RunError(f"{system}/{why}; nothing can be added to it: restore it from a copy")
        yield Held(folder, chain)
    finally:
        lock.release()


def _finish(folder: Path) -> None:
    """Bring a pending act's files to their places, if there is one; each step may have been done before."""
    act = folder / PENDING
    if not act.is_dir():
        return
    _refuse_planted(folder, act)
    if (act / FILE).is_file():
        for stage in sorted(p for p in act.iterdir() if p.is_dir()):
            (folder / stage.name).mkdir(exist_ok=True)
            for item in sorted(stage.iterdir(), key=lambda p: (p.is_file(), p.name)):
                _put(item, folder / stage.name / item.name)
            archive.flush_folder(folder / stage.name)
        (act / FILE).replace(folder / FILE)
        archive.flush_folder(folder)
    shutil.rmtree(act)


def _refuse_planted(folder: Path, act: Path) -> None:
    """Nothing is taken from, or put, where a link leads: an act of this kit holds none."""
    for item in (act, *act.rglob("*")):
        target = folder / item.relative_to(act)
        if item.is_symlink() or (target.is_symlink() and item.is_dir()):
            raise RunError(f"{folder.name}/{item.relative_to(folder)} leads out of the reports by a link: {REMOVE}")


def _put(item: Path, target: Path) -> None:
    """A new folder by one rename; into one that is there file by file, the attestation last."""
    if not (item.is_dir() and target.is_dir()):
        item.replace(target)
        return
    for file in sorted(item.iterdir(), key=lambda p: (p.name == statement.FILE, p.name)):
        file.replace(target / file.name)
    archive.flush_folder(target)
