"""The records that an assessment rests on or looks back at, and whether each is still as it was published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Literal

from ethics_kit import archive, review
from ethics_kit.attestation import folder as folders
from ethics_kit.attestation.chain import Chain, read_chain
from ethics_kit.errors import InputError
from ethics_kit.framework.catalogue import Stage
from ethics_kit.recommendation import recommend
from ethics_kit.record import WORST_FIRST, Record, Upstream, file_sha256
from ethics_kit.review import Review
from ethics_kit.schema import Verdict
from ethics_kit.schema.review import Decision, State


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
    return _read(_before(reports, system, stage, before), read_chain(reports, system)[0])


def last(reports: Path, system: str, stage: str, *, before: date) -> History:
    """The last of the records that `history` tells, alone; older ones are not read.

    `altered` names the folders of its day and later that cannot be trusted.
    """
    known, altered = read_chain(reports, system)[0], set[str]()
    for _, of_day in groupby(reversed(_before(reports, system, stage, before)), key=lambda folder: folder.name[:10]):
        found = _read(of_day, known)
        altered.update(found.altered)
        for record in found.records[-1:]:
            address = f"{system}/{stage}/{record.folder_name}/record.json"
            return History((record,), {address: found.files[address]}, tuple(sorted(altered)))
    return History((), {}, tuple(sorted(altered)))


def _before(reports: Path, system: str, stage: str, before: date) -> list[Path]:
    return [p for p in archive.folders(reports, system, stage) if p.name[:10] < before.isoformat()]


def _read(found: Iterable[Path], known: Chain | None) -> History:
    records: list[Record] = []
    files: dict[str, str] = {}
    altered: list[str] = []
    for folder in found:
        record = folders.whole(folder, known)
        if record is None:
            altered.append(folder.name)
            continue
        records.append(record)
        address = f"{folder.parents[1].name}/{folder.parent.name}/{folder.name}/record.json"
        files[address] = file_sha256(folder / "record.json")
    records.sort(key=lambda r: (r.as_of, str(r.run.get("finished_at", "")), r.folder_name))
    return History(tuple(records), dict(sorted(files.items())), tuple(sorted(altered)))


def _failed_days(parent: Path) -> Iterator[date]:
    for folder in parent.glob("failed_*"):
        with suppress(ValueError):
            yield date.fromisoformat(folder.name.removeprefix("failed_"))


def newer_decided(folder: Path, record: Record) -> bool:
    """Whether people decided on a newer record of the same stage."""
    system, stage = folder.parents[1].name, folder.parent.name
    found = archive.folders(folder.parents[2], system, stage)
    newer = found[found.index(folder) + 1 :] if folder in found else []
    later = [(p, other) for p in newer if (other := archive.trusted(p, system, stage))]
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

    It has to be there, as its attestation and the chain say, of the same system, kind and model version (which has to
    be named), no older than the policy allows, and not followed by a failed run. Where ``latest.json`` is gone, or
    names a record that is gone, it is *altered*.
    """
    parent = archive.stage_folder(reports, system, stage)
    latest = archive.read_latest(parent)
    found = [p for p in archive.folders(reports, system, stage) if p.name[:10] <= as_of.isoformat()]
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
    known = read_chain(reports, system)[0]
    record = folders.whole(found[-1], known)
    if record is None:
        return Upstream(stage=stage, use=use, status="altered"), None
    status = "ok"
    if record.as_of < as_of - timedelta(days=max_age_days):
        status = "stale"
    elif version is None or (record.system.get("kind"), record.system.get("model_version")) != (kind, version):
        status = "other_model"
    verdicts = (record.recommendation.verdict, _verdict_on(record, as_of))
    state, decision = _review_state(readable_review(found[-1], record, known))
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
    """The state of the review of the record in `folder`, and what people decided so far.

    It is *unreadable* where it is not the one that was attested, and until people have decided anew after a run set
    aside an altered folder together with its review.
    """
    known = read_chain(folder.parents[2], folder.parents[1].name)[0]
    return _review_state(None if folders.altered(folder, known) else readable_review(folder, record, known))


def _review_state(found: Review | None) -> tuple[State | Literal["unreadable"], Decision | None]:
    return (found.state, found.decision) if found else ("unreadable", None)


def readable_review(folder: Path, record: Record, known: Chain | None) -> Review | None:
    """The review of the record in `folder`, which nobody altered; None where it is out of order or was lost."""
    try:
        found = review.read(folder, record)
    except InputError:
        return None
    return None if found.state != "decided" and folders.review_lost(folder, known) else found
