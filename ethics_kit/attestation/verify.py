"""Whether records are as they were written: every file, signature, link of the chain and conclusion is checked again.

Nothing is written, and what the reports folder holds is trusted in nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ethics_kit import disk
from ethics_kit.archive import LATEST
from ethics_kit.attestation import chain, claims, keys, links, seals, statement
from ethics_kit.attestation import inputs as recorded
from ethics_kit.attestation.inputs import Inputs
from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.attestation.result import Looked, System, Verification
from ethics_kit.disk import Odd
from ethics_kit.errors import InputError, Problem, display_path
from ethics_kit.project import STAGES, Project, find_project

SET_ASIDE = re.compile(r"set_aside_\d+_")
FAILED = re.compile(r"failed_(\d{4}-\d\d-\d\d)\Z")
OF_SYSTEM = {*STAGES, chain.FILE, chain.LOCK, chain.PENDING, "index.html"}
LEFT = "is no part of the records: somebody put it there, or an interrupted run left it"


@dataclass(frozen=True)
class Asked:
    """What to look at: a folder of systems, one system, or one record (`only`, its place below the reports folder)."""

    systems: tuple[Path, ...]
    only: str = ""
    alone: Path | None = None


def verify(reports: Path, *, key_file: Path | None = None, inputs: bool = False) -> Verification:
    """Check all records in `reports`: a reports folder, a system's folder in it, or one record's folder.

    Signatures count by the keys in `key_file`, else by those in the organisation.yaml of the project that the reports
    folder lies in; what the reports folder itself holds is trusted in nothing. With `inputs`, an input that is gone or
    changed is a trouble, too.

    Raises
    ------
    InputError
        There are no records, or the file of keys is not in order.
    """
    reports = reports.resolve()
    asked = _asked(reports)
    root = asked.alone.parent if asked.alone else asked.systems[0].parent
    project = find_project(root.parent)
    trusted, trust = _trust(project, key_file)
    known = recorded.of_project(project, _reports(asked, project), remote=inputs)
    if asked.alone:
        looked = seals.look(asked.alone, asked.alone.name, trusted, system="", stage="")
        name = str(looked.record.system["id"]) if looked.record else asked.alone.name
        system = System(name, [looked])
        system.unchecked.append(f"{looked.place}: its place in the chain, as chain.json is not here")
        systems = [system]
    else:
        systems = [_system(folder, trusted, asked.only) for folder in asked.systems]
    for system in systems:
        _inputs(system, known, strict=inputs)
    return Verification(tuple(systems), trust)


def _trust(project: Project | None, key_file: Path | None) -> tuple[list[TrustedKey], str]:
    """The keys that count, and in words where they stand."""
    if key_file:
        trusted, path = keys.of_file(key_file), key_file
    elif project:
        trusted, path = keys.of_project(project), project.organisation
    else:
        return [], "none: this lies in no project, and no file of keys was given (--keys)"
    whose = ", ".join(key.name for key in trusted) or "nobody"
    return trusted, f"those of {whose}, as listed in {display_path(path)}"


def _asked(reports: Path) -> Asked:
    if (reports / seals.RECORD).exists() or (reports / statement.FILE).exists():
        stage, system = reports.parent, reports.parent.parent
        if stage.name in STAGES and ((stage / LATEST).exists() or (system / chain.FILE).exists()):
            return Asked((system,), only=f"{system.name}/{stage.name}/{reports.name}")
        return Asked((), alone=reports)
    if _is_system(reports):
        return Asked((reports,))
    systems = tuple(path for name, path in disk.entries(reports).items() if name[0] != "." and _is_system(path))
    if systems:
        return Asked(systems)
    found = "no records" if reports.is_dir() else "no such folder"
    allowed = "a reports folder, a system's folder in it, or a record's folder"
    todo = "check the spelling, or make records first: ethics-kit run"
    raise InputError([Problem(file=reports, found=found, allowed=allowed, todo=todo)])


def _reports(asked: Asked, project: Project | None) -> Path | None:
    """The folder that the addresses of earlier records start from."""
    if asked.systems:
        return asked.systems[0].parent
    return project.reports if project else None


def _is_system(path: Path) -> bool:
    return any((path / name).exists() for name in (chain.FILE, *STAGES))


def _system(folder: Path, trusted: Sequence[TrustedKey], only: str) -> System:
    system = System(folder.name)
    if folder.is_symlink():
        system.trouble("", "is a link, which is not followed")
        return system
    set_aside: set[str] = set()
    for name, path in disk.entries(folder).items():
        if name in STAGES:
            _stage(path, system, trusted, set_aside)
        elif name not in OF_SYSTEM:
            system.trouble(name, LEFT)
    if (folder / chain.PENDING).exists():
        system.trouble(chain.PENDING, "an act was interrupted; the next run, sign or review finishes it")
    listed = links.check(folder, system, set_aside)
    for stage in STAGES:
        if (folder / stage).is_dir():
            links.check_latest(folder / stage, stage, system, listed)
    _together(system)
    if only:
        system.records = [looked for looked in system.records if looked.place == only]
    return system


def _stage(folder: Path, system: System, trusted: Sequence[TrustedKey], set_aside: set[str]) -> None:
    stage = folder.name
    if folder.is_symlink() or not folder.is_dir():
        system.trouble(stage, "is no folder of its own")
        return
    for name, path in disk.entries(folder).items():
        place = f"{stage}/{name}"
        if SET_ASIDE.match(name):
            set_aside |= _digests(path)
            system.unchecked.append(f"{system.name}/{place}: set aside by a run that found it altered")
        elif path.is_symlink():
            system.trouble(place, "is a link, which is not followed")
        elif FAILED.match(name) and path.is_dir():
            system.unchecked.append(f"{system.name}/{place}: a failed run, which is not attested")
        elif path.is_dir():
            system.records.append(seals.look(path, f"{system.name}/{place}", trusted, system=system.name, stage=stage))
        elif name != LATEST:
            system.trouble(place, LEFT)


def _digests(folder: Path) -> set[str]:
    found = [
        disk.digest(path)
        for name, path in disk.entries(folder).items()
        if statement.EARLIER.match(name) or name == statement.FILE
    ]
    return {digest for digest in found if not isinstance(digest, Odd)}


def _together(system: System) -> None:
    """Records against each other: no record twice, and earlier ones are what later ones say they are."""
    held = [(looked, looked.record) for looked in system.records if looked.record]
    first: dict[str, Looked] = {}
    for looked, record in held:
        other = first.setdefault(record.record_id, looked)
        if other is not looked:
            looked.trouble("", f"holds the same record as {other.place}")
    intact = {record.record_id: record for looked, record in held}
    for looked, record in held:
        for earlier in record.upstream:
            for contradicts, what in claims.against(record, earlier, intact):
                if contradicts:
                    looked.trouble(seals.RECORD, what)
                else:
                    looked.unchecked.append(f"{looked.place}: {what}")


def _inputs(system: System, known: Inputs, *, strict: bool) -> None:
    """What became of the records' inputs; the same change is told once for all records."""
    told: Counter[tuple[str, str]] = Counter()
    for looked in system.records:
        for address, why in known.differences(looked.record) if looked.record else ():
            if strict:
                looked.trouble(f"input {address}", why)
            else:
                told[address, why] += 1
    for (address, why), records in sorted(told.items()):
        many = f" ({records} records)" if records > 1 else ""
        system.unchecked.append(f"{system.name}: input {address}{many}: {why}")
