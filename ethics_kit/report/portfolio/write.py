"""Writes the pages over all systems: after a run, after an act on a record, and by themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from ethics_kit import archive, schema, yamlfile
from ethics_kit.attestation import chain
from ethics_kit.attestation import keys as trusted
from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.dossier import SYSTEM_ID, policy_of
from ethics_kit.errors import InputError, RunError
from ethics_kit.languages import SOURCE
from ethics_kit.project import Project, write_atomic
from ethics_kit.report.portfolio import actions, committee, index, system_page
from ethics_kit.report.portfolio.committee import News, Period
from ethics_kit.report.portfolio.summary import Stated, System, each, ranked

LOCK = ".portfolio.lock"
SECONDS_TO_WAIT = 300.0
WRITERS = 4
"""Threads that wait for the disk, page by page, while the next is drawn."""
UNREADABLE = "policy.yaml is not in order"


@dataclass(frozen=True)
class Scope:
    """A reports folder, and what its pages take from the projects whose systems report to it.

    `language` is that of all policies, or English where they differ. `not_run`: systems whose dossiers are not in
    order. `stated`: what system.yaml says of systems without a record.
    """

    reports: Path
    systems: tuple[str, ...]
    label: str
    meetings: tuple[date, ...]
    keys: tuple[TrustedKey, ...]
    language: str = SOURCE
    not_run: tuple[str, ...] = ()
    stated: Mapping[str, Stated] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """What the pages over all systems show of one, and the sha256 of its own page where that was drawn with it."""

    system: System
    news: News
    page: str | None


class Shelf(Protocol):
    """What is shown of systems since the pages were last written. Both are called while nobody else writes pages."""

    def take(self, day: date) -> Mapping[str, Shown]:
        """What reading the records and drawing the pages of the day would give once more, by system."""

    def keep(self, shown: Mapping[str, Shown]) -> None:
        """Keep what is shown now, after `take`."""


def scope(reports: Path, projects: Iterable[Project], *, not_run: Collection[str] = ()) -> Scope:
    """What the pages in `reports` are to show.

    A policy that cannot be read gives no meetings and a label that says so; an organisation.yaml that cannot be read
    gives no keys, so that nothing counts as signed.
    """
    projects = list(projects)
    folders = [folder for project in projects for folder in project.systems() if SYSTEM_ID.match(folder.name)]
    policies = [policy_of(project) for project in projects]
    tongues = {policy.language for policy in policies if policy}
    labels = dict.fromkeys(policy.confidentiality if policy else UNREADABLE for policy in policies)
    return Scope(
        reports,
        tuple(folder.name for folder in folders),
        " / ".join(labels),
        tuple(sorted({day for policy in policies if policy for day in policy.committee.meetings})),
        tuple(key for project in projects for key in _keys(project)),
        tongues.pop() if len(tongues) == 1 else SOURCE,
        tuple(not_run),
        {folder.name: _stated(folder) for folder in folders if not (reports / folder.name / chain.FILE).exists()},
    )


def write(
    scope: Scope,
    *,
    day: date,
    since: date | None = None,
    only: Collection[str] | None = None,
    shelf: Shelf | None = None,
) -> Path:
    """The index, the committee's pack, the table of actions, and the pages of all systems.

    Where `only` is given, the pages of other systems are written if they are not there yet. `day` is the pages' own:
    ages and what is overdue are counted up to it. Each file is written by one rename; who writes after an act reads
    after it as well, so that the last pages show all acts. The records are read of those systems alone that are not on
    the `shelf`.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    RunError
        Another process does not finish writing them.
    """
    try:
        with FileLock(scope.reports / LOCK, timeout=SECONDS_TO_WAIT):
            known = shelf.take(day) if shelf else {}
            covers = committee.period(day, scope.meetings, since)
            shown = {**known, **_shown(scope, day, covers, only, known)}
            index = _write(scope, day, covers, shown)
            if shelf:
                shelf.keep(shown)
            return index
    except Timeout:
        raise RunError(f"another process has held {LOCK} for {SECONDS_TO_WAIT:g} seconds") from None


def _shown(
    scope: Scope, day: date, covers: Period, only: Collection[str] | None, known: Collection[str]
) -> dict[str, Shown]:
    """What the records of all systems but the `known` show, by system; the systems' own pages are written."""
    reports, language, found, writing = scope.reports, scope.language, {}, []
    systems = each(
        reports, scope.systems, as_of=day, keys=scope.keys, stated=scope.stated, not_run=scope.not_run, known=known
    )
    with ThreadPoolExecutor(WRITERS) as writers:
        for system, records in systems:
            path, drawn = reports / system.id / system_page.FILE, None
            wanted = only is None or system.id in only or not path.is_file()
            if wanted and not path.parent.is_symlink():
                page = system_page.render(reports, system, records, day=day, label=scope.label, language=language)
                writing.append(writers.submit(write_atomic, path, page.encode()))
                drawn = hashlib.sha256(page.encode()).hexdigest()
            found[system.id] = Shown(system, committee.news(system, records, covers), drawn)
    for one in writing:
        one.result()
    return found


def _write(scope: Scope, day: date, covers: Period, shown: Mapping[str, Shown]) -> Path:
    reports, language = scope.reports, scope.language
    systems = ranked(one.system for one in shown.values())
    told = {name: one.news for name, one in shown.items()}
    rows = actions.open_rows(systems, day)
    pack = committee.render(systems, told, rows, covers, label=scope.label, language=language)
    write_atomic(reports / committee.FILE, pack.encode())
    write_atomic(reports / actions.FILE, actions.table(rows))
    return index.write_index(reports, systems, as_of=day, confidentiality=scope.label, language=language)


def day_of(reports: Path, day: date) -> date:
    """`day`, or that of the newest current record where it lies ahead: no page is older than what it shows."""
    latest = [archive.read_latest(path.parent) for path in reports.glob("*/*/latest.json")]
    return max([day, *(one.as_of for one in latest if one)])


def _stated(folder: Path) -> Stated:
    """What system.yaml says, as far as it can be read."""
    try:
        found = yamlfile.sound_part(schema.System, yamlfile.read(folder / "system.yaml"))[0]
    except InputError:
        return Stated()
    return Stated(found.name, found.owner.name if found.owner else None) if found else Stated()


def _keys(project: Project) -> list[TrustedKey]:
    try:
        return trusted.of_project(project)
    except InputError:
        return []
