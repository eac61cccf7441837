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
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Literal

from ethics_kit import review
from ethics_kit.errors import InputError
from ethics_kit.framework.catalogue import Stage
from ethics_kit.project import write_atomic
from ethics_kit.record import WORST_FIRST, Record, Upstream, file_sha256, read_record, recommend
from ethics_kit.schema import Verdict
from ethics_kit.schema.review import Decision, State

LATEST, STAGED = "latest.json", ".staging"


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
    try:
        content = json.loads((folder / LATEST).read_text(encoding="utf-8"))
        name = str(content["folder"])
        if name in ("", ".", "..") or "/" in name or "\\" in name:
            return None
        status: Literal["ok", "failed"] = "ok" if content["status"] == "ok" else "failed"
        return Latest(status, name, date.fromisoformat(content["as_of"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


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
    if before and latest.as_of < before.as_of <= date.today():
        return None
    return latest.to_bytes()


def folders(reports: Path, system: str, stage: str) -> list[Path]:
    """The folders of a stage's records, oldest as-of date first; of one day, the current one last."""
    parent = stage_folder(reports, system, stage)
    latest = read_latest(parent)
    current = latest.folder if latest else ""
    found = [p.parent for p in parent.glob("????-??-??_*/record.json")]
    return sorted(found, key=lambda p: (p.name[:10], p.name == current, p.name))


def _failed_days(parent: Path) -> Iterator[date]:
    for folder in parent.glob("failed_*"):
        with suppress(ValueError):
            yield date.fromisoformat(folder.name.removeprefix("failed_"))


def trusted(folder: Path, system: str, stage: str) -> Record | None:
    """The record in `folder`, where it is unchanged and of this system, stage and folder name."""
    record, _ = read_record(folder / "record.json")
    if record is None or (record.system.get("id"), record.stage, record.folder_name) != (system, stage, folder.name):
        return None
    return record


@dataclass(frozen=True)
class History:
    """The earlier records of a stage, oldest first.

    `files` maps the address of each record's file, from the reports root, to its sha256; `altered` names the folders
    whose record cannot be trusted and is not among `records`.
    """

    records: tuple[Record, ...]
    files: dict[str, str]
    altered: tuple[str, ...]


def history(reports: Path, system: str, stage: str, *, before: date) -> History:
    """The records of a stage with an as-of date earlier than `before`; those of one day in the order they were made."""
    records: list[Record] = []
    files: dict[str, str] = {}
    altered: list[str] = []
    for folder in folders(reports, system, stage):
        if folder.name[:10] >= before.isoformat():
            continue
        record = trusted(folder, system, stage)
        if record is None:
            altered.append(folder.name)
            continue
        records.append(record)
        files[f"{system}/{stage}/{folder.name}/record.json"] = file_sha256(folder / "record.json")
    records.sort(key=lambda r: (r.as_of, str(r.run.get("finished_at", "")), r.folder_name))
    return History(tuple(records), dict(sorted(files.items())), tuple(sorted(altered)))


def current_folder(parent: Path) -> Path | None:
    """The folder of a stage's current record, where its last run ended with one."""
    latest = read_latest(parent)
    if latest is None or latest.status != "ok" or not (parent / latest.folder / "record.json").is_file():
        return None
    return parent / latest.folder


def newer_decided(folder: Path, record: Record) -> bool:
    """Whether people decided on a newer record of the same stage."""
    system, stage = folder.parents[1].name, folder.parent.name
    found = folders(folder.parents[2], system, stage)
    newer = found[found.index(folder) + 1 :] if folder in found else []
    later = [(p, other) for p in newer if (other := trusted(p, system, stage))]
    return any(review_state(p, other)[0] == "decided" for p, other in later if other.as_of >= record.as_of)


def upstream(
    reports: Path,
    stage: Stage,
    *,
    system: str,
    kind: str,
    version: str | None,
    as_of: date,
    max_age_days: int,
    use: Literal["level", "gate", "read"],
) -> tuple[Upstream, Record | None]:
    """The record of `stage` that a later stage as of `as_of` rests on, and whether it may.

    It has to be there, unchanged, of the same system, kind and model version (which has to be named), no older than the
    policy allows, and not followed by a failed run. Where ``latest.json`` is gone, or names a record that is gone, it
    is *altered*.
    """
    parent = stage_folder(reports, system, stage)
    latest = read_latest(parent)
    found = [p for p in folders(reports, system, stage) if p.name[:10] <= as_of.isoformat()]
    last = found[-1].name[:10] if found else ""
    failures = [day for day in _failed_days(parent) if last < day.isoformat() and day <= as_of]
    if latest and latest.status == "failed" and latest.as_of <= as_of:
        failures.append(latest.as_of)
    if failures:
        return Upstream(stage=stage, use=use, status="failed", as_of=max(failures)), None
    named = latest.folder if latest and latest.as_of <= as_of else None
    if not found and named is None:
        return Upstream(stage=stage, use=use, status="missing"), None
    if latest is None or (named and [p.name for p in found[-1:]] != [named]):
        return Upstream(stage=stage, use=use, status="altered"), None
    record = trusted(found[-1], system, stage)
    if record is None:
        return Upstream(stage=stage, use=use, status="altered"), None
    status = "ok"
    if record.as_of < as_of - timedelta(days=max_age_days):
        status = "stale"
    elif version is None or (record.system.get("kind"), record.system.get("model_version")) != (kind, version):
        status = "other_model"
    verdicts = (record.recommendation.verdict, _verdict_on(record, as_of))
    state, decision = review_state(found[-1], record)
    entry = Upstream(
        stage=stage,
        use=use,
        status=status,
        record_id=record.record_id,
        as_of=record.as_of,
        model_version=record.system.get("model_version"),
        recommendation=min(verdicts, key=WORST_FIRST.index),
        lapsed=WORST_FIRST.index(verdicts[1]) < WORST_FIRST.index(verdicts[0]),
        review=state,
        decision=decision,
    )
    return entry, record if status == "ok" else None


def _verdict_on(record: Record, day: date) -> Verdict:
    """What follows from a record's findings on a later day, when waivers may have ended and actions be overdue."""
    return recommend(record.findings, record.obligations, record.upstream, day).verdict


def review_state(folder: Path, record: Record) -> tuple[State | Literal["unreadable"], Decision | None]:
    """The state of the review of the record in `folder`, and what people decided so far."""
    try:
        found = review.read(folder, record)
    except InputError:
        return "unreadable", None
    return found.state, found.decision
