"""Whether the pages over all systems show all there is; then a run that changed nothing need not write them again."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ethics_kit.attestation.chain import LOCK
from ethics_kit.project import Project
from ethics_kit.runner import cache
from ethics_kit.runner.digests import Digests
from ethics_kit.runner.fingerprints import digest, kit

INDEX, PACK, ACTIONS = "index.html", "committee.html", "actions.csv"
KEPT = "_pages"
"""Under this name, which no system can have, stands what the pages were last written from."""


@dataclass(frozen=True)
class State:
    """The digests of what the pages are made from, and of the pages."""

    read: str
    shown: str


@dataclass(frozen=True)
class Pages:
    """The pages of a reports folder as of a day: of `systems` those to be written, with those of all that report to it.

    `not_run`: systems whose dossiers are not in order.
    """

    reports: Path
    projects: Iterable[Project]
    day: date
    systems: Collection[str]
    not_run: Collection[str] = ()

    def state(self) -> State:
        """What there is now."""
        own = Digests({})
        shown: list[Any] = [(name, own.of(self.reports / name)) for name in (INDEX, PACK, ACTIONS)]
        read: list[Any] = [kit(), self.day.isoformat(), sorted(self.systems), sorted(self.not_run)]
        read += [list(_of_project(project, own)) for project in self.projects]
        for folder, files in self._of_reports():
            shown.append((folder, files.pop(INDEX, None)))
            read += [(folder, sorted(files.items()))] * bool(files)  # a folder may come with its page
        return State(digest(read), digest(shown))

    def current(self, now: State) -> Path | None:
        """The index, where all pages are as they were last written and from what there is now; else None."""
        kept = cache.read(cache.path(self.reports, KEPT))
        return self.reports / INDEX if kept.valid == digest([now.read, now.shown]) else None

    def written(self, before: State) -> None:
        """Keep what the pages were written from, where it is still as it was `before`; else they may not show it."""
        now = self.state()
        if now.read == before.read:
            cache.write(cache.path(self.reports, KEPT), cache.Cache(valid=digest([now.read, now.shown])), {})

    def _of_reports(self) -> Iterator[tuple[str, dict[str, str | None]]]:
        """Each system's folder, and the digests of all files in it; the system's own page is one."""
        for folder in sorted(_folders(self.reports)):
            path = cache.path(self.reports, folder)
            known = cache.read(path)
            digests = Digests(known.digests)
            yield folder, dict(_files(self.reports / folder, digests))
            cache.write(path, known, digests.used)


def _of_project(project: Project, digests: Digests) -> Iterator[Any]:
    """What the pages take from a project: labels, meetings, keys and, of systems without a record, their names."""
    yield from (digests.of(path) for path in (project.policy, project.organisation))
    yield from ((folder.name, digests.of(folder / "system.yaml")) for folder in project.systems())


def _folders(reports: Path) -> list[str]:
    with os.scandir(reports) as found:
        return [one.name for one in found if one.is_dir() and one.name[0] != "."]


def _files(folder: Path, digests: Digests) -> Iterator[tuple[str, str | None]]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if name != LOCK:
                yield path.relative_to(folder).as_posix(), digests.of(path)
