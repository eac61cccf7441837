"""The reports folder: which records a system has, which is current, and how a new one gets there.

``reports/<system>/<stage>/<as-of>_<digest>/`` holds one record and is never changed; ``latest.json`` names the current
one. A record is published by one rename, so a reader sees all of it or nothing.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Literal

from ethics_kit import review
from ethics_kit.errors import InputError
from ethics_kit.framework.catalogue import Stage
from ethics_kit.project import write_atomic
from ethics_kit.record import WORST_FIRST, Record, Upstream, read_record, recommend
from ethics_kit.schema import Verdict
from ethics_kit.schema.review import Decision, State


@dataclass(frozen=True)
class Latest:
    """What ``latest.json`` says: the state of the last run of a stage and its folder."""

    status: Literal["ok", "failed"]
    folder: str
    as_of: date


def stage_folder(reports: Path, system: str, stage: str) -> Path:
    return reports / system / stage


def read_latest(folder: Path) -> Latest | None:
    """The current entry of a stage's folder, or None where there is none that can be read."""
    try:
        content = json.loads((folder / "latest.json").read_text(encoding="utf-8"))
        name = str(content["folder"])
        if name in ("", ".", "..") or "/" in name or "\\" in name:
            return None
        status: Literal["ok", "failed"] = "ok" if content["status"] == "ok" else "failed"
        return Latest(status, name, date.fromisoformat(content["as_of"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def publish(staging: Path, reports: Path, record: Record) -> tuple[Path, bool]:
    """Move `staging` to the record's own folder and make it current; False where that record is there already.

    A folder of that name that does not hold this very record and page was altered or torn; it is set aside.
    """
    parent = stage_folder(reports, record.system["id"], record.stage)
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / record.folder_name
    new = not _holds(folder, record, staging)
    if new:
        _set_aside(folder)
        _flush(staging)
        try:
            staging.rename(folder)
        except OSError:  # somebody else published it meanwhile
            if not _holds(folder, record, staging):
                raise
            new = False
    if not new:
        shutil.rmtree(staging, ignore_errors=True)
    _make_current(parent, Latest("ok", folder.name, record.as_of))
    return folder, new


def _holds(folder: Path, record: Record, staging: Path) -> bool:
    """Whether `folder` has this record, intact, and the other files of `staging` as they are there."""
    there, _ = read_record(folder / "record.json")
    if there is None or there.record_id != record.record_id:
        return False
    names = [p.name for p in staging.iterdir() if p.name != "record.json"]
    return filecmp.cmpfiles(folder, staging, names, shallow=False)[0] == names


def _set_aside(folder: Path) -> None:
    if folder.exists():
        names = (folder.with_name(f"set_aside_{number}_{folder.name}") for number in count(1))
        folder.rename(next(name for name in names if not name.exists()))


def _flush(folder: Path) -> None:
    """Bring a folder and its files to the disk, so that a crash after the rename leaves them whole."""
    for path in (*folder.iterdir(), folder):
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
    _flush(staging)
    if folder.exists():
        old = staging.with_name(f"{staging.name}.old")
        folder.rename(old)
        staging.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        staging.rename(folder)
    _make_current(parent, Latest("failed", folder.name, as_of))
    return folder


def _make_current(parent: Path, latest: Latest) -> None:
    """An older day's run, made afterwards, does not become the current one, unless the current one lies ahead."""
    before = read_latest(parent)
    if before and latest.as_of < before.as_of <= date.today():
        return
    content = {"status": latest.status, "folder": latest.folder, "as_of": latest.as_of.isoformat()}
    write_atomic(parent / "latest.json", (json.dumps(content, indent=1) + "\n").encode())


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
    state, decision = _review(found[-1], record)
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


def _review(folder: Path, record: Record) -> tuple[State | Literal["unreadable"], Decision | None]:
    try:
        found = review.read(folder, record)
    except InputError:
        return "unreadable", None
    return found.state, found.decision
