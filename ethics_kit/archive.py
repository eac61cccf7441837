"""The reports folder: which records a system has, which is current, and how a new one gets there.

``reports/<system>/<stage>/<as-of>_<digest>/`` holds one record, whose record.json is never changed; ``latest.json``
names the current one. A record is published by one rename, so a reader sees all of it or nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Literal

from ethics_kit import disk
from ethics_kit.disk import Odd
from ethics_kit.errors import RunError
from ethics_kit.project import STAGES, write_atomic
from ethics_kit.record import Record, read_record

LATEST, STAGED = "latest.json", ".staging"
LARGEST = 10_000


@dataclass(frozen=True)
class Latest:
    """What ``latest.json`` says: the state of the last run of a stage and its folder."""

    status: Literal["ok", "failed"]
    folder: str
    as_of: date

    def to_bytes(self) -> bytes:
        content = {"status": self.status, "folder": self.folder, "as_of": self.as_of.isoformat()}
        return (json.dumps(content, indent=1) + "\n").encode()


def stage_folder(reports: Path, system: str, stage: str) -> Path:
    return reports / system / stage


def read_latest(folder: Path) -> Latest | None:
    """The current entry of a stage's folder, or None where there is none that can be read."""
    held = disk.content(folder / LATEST, LARGEST)
    if isinstance(held, Odd):
        return None
    try:
        content = json.loads(held)
        name = str(content["folder"])
        if name in ("", ".", "..") or "/" in name or "\\" in name:
            return None
        status: Literal["ok", "failed"] = "ok" if content["status"] == "ok" else "failed"
        return Latest(status, name, date.fromisoformat(content["as_of"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def refuse_links(reports: Path, system: str) -> None:
    """Nothing is written through a link below the reports folder.

    Raises
    ------
    RunError
        The system's folder or a stage's is a link.
    """
    for place in (reports / STAGED, reports / system, *(stage_folder(reports, system, stage) for stage in STAGES)):
        if place.is_symlink():
            found = place.relative_to(reports)
            raise RunError(f"{found} is a link, which is not followed: put a folder of its own in its place")


def staging_name(reports: Path) -> Path:
    """A new name for a folder to prepare what will be published in."""
    return reports / STAGED / f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex}"


@contextmanager
def staged(reports: Path) -> Iterator[Path]:
    """A new folder to prepare what will be published in; what is left of it is removed."""
    folder = staging_name(reports)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(reports: Path) -> None:
    """Remove what processes that were killed on this machine left in the staging folder."""
    for left in (reports / STAGED).glob(f"{socket.gethostname()}-*-*"):
        with suppress(ValueError):
            pid = int(left.name.rsplit("-", 2)[1])
            if pid != os.getpid() and not _alive(pid):
                shutil.rmtree(left, ignore_errors=True)
    with suppress(OSError):
        (reports / STAGED).rmdir()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def set_aside(folder: Path) -> None:
    """Rename `folder`, where there is one, so that it is kept and in nobody's way."""
    if folder.exists():
        names = (folder.with_name(f"set_aside_{number}_{folder.name}") for number in count(1))
        folder.rename(next(name for name in names if not name.exists()))


def flush(folder: Path) -> None:
    """Bring a folder and all in it to the disk, so that a crash after a rename leaves it whole."""
    for path in (*folder.rglob("*"), folder):
        flush_folder(path)


def flush_folder(path: Path) -> None:
    """Bring one file, or which files a folder holds, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish_failure(staging: Path, reports: Path, system: str, stage: str, as_of: date) -> Path:
    """Keep a failed run's notebook and page as ``failed_<as-of>``, in place of an earlier failure of that day."""
    refuse_links(reports, system)
    parent = stage_folder(reports, system, stage)
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / f"failed_{as_of.isoformat()}"
    flush(staging)
    if folder.exists():
        old = staging.with_name(f"{staging.name}.old")
        folder.rename(old)
        staging.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        staging.rename(folder)
    make_current(parent, Latest("failed", folder.name, as_of))
    return folder


def make_current(parent: Path, latest: Latest) -> None:
    """Write ``latest.json``, where `latest` becomes the current one."""
    if content := current(parent, latest):
        write_atomic(parent / LATEST, content)


def current(parent: Path, latest: Latest) -> bytes | None:
    """What ``latest.json`` is to hold, or None where it stays as it is.

    An older day's run, made afterwards, does not become the current one, unless the current one lies ahead.
    """
    before = read_latest(parent)
    if before == latest or (before and latest.as_of < before.as_of <= date.today()):
        return None
    return latest.to_bytes()


def folders(reports: Path, system: str, stage: str) -> list[Path]:
    """The folders of a stage's records, oldest as-of date first; of one day, the current one last."""
    parent = stage_folder(reports, system, stage)
    latest = read_latest(parent)
    current = latest.folder if latest else ""
    found = [p.parent for p in parent.glob("????-??-??_*/record.json")]
    return sorted(found, key=lambda p: (p.name[:10], p.name == current, p.name))


def trusted(folder: Path, system: str, stage: str) -> Record | None:
    """The record in `folder`, where it is unchanged and of this system, stage and folder name."""
    record, _ = read_record(folder / "record.json")
    if record is None or (record.system.get("id"), record.stage, record.folder_name) != (system, stage, folder.name):
        return None
    return record


def current_folder(parent: Path) -> Path | None:
    """The folder of a stage's current record, where its last run ended with one."""
    latest = read_latest(parent)
    if latest is None or latest.status != "ok" or not (parent / latest.folder / "record.json").is_file():
        return None
    return parent / latest.folder
