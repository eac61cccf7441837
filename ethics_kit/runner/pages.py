"""Whether the pages over all systems show all there is; then a run that changed nothing need not write them again."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ethics_kit.attestation.chain import LOCK
from ethics_kit.project import Project
from ethics_kit.runner import cache
from ethics_kit.runner.digests import Digests
from ethics_kit.runner.fingerprints import digest, kit

INDEX, PACK, ACTIONS = "index.html", "committee.html", "actions.csv"
KEPT = "_pages"
"""Under this name, which no system can have, stands what the pages were last written from."""

Files = dict[str, str | None]
"""Digests by the paths of files in a folder; None for what cannot be known by one: a link, or what cannot be read."""


@dataclass(frozen=True)
class State:
    """Digests of what the pages are made from, and of the pages.

    `systems`: of all that the pages take of each system, with what they take from the projects. `pages`: of each
    system's page. None where nothing can be told.
    """

    read: str | None
    shown: str
    systems: Mapping[str, str | None]
    pages: Mapping[str, str | None]


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
        policies = [(own.of(project.policy), own.of(project.organisation)) for project in self.projects]
        stated: dict[str, list[str | None]] = {}
        for folder in (folder for project in self.projects for folder in project.systems()):
            stated.setdefault(folder.name, []).append(own.of(folder / "system.yaml"))
        files = {**dict.fromkeys(stated, Files()), **dict(self._of_reports())}
        pages = {name: of.pop(INDEX, None) for name, of in files.items()}
        systems = {
            name: None
            if None in of.values()
            else digest([kit(), policies, stated.get(name), name in self.not_run, sorted(of.items())])
            for name, of in files.items()
            if of or name in stated  # a folder may come with its page
        }
        asked = [kit(), policies, self.day.isoformat(), sorted(self.systems), sorted(self.not_run)]
        read = None if None in systems.values() else digest([asked, sorted(systems.items())])
        over_all = [own.of(self.reports / name) for name in (INDEX, PACK, ACTIONS)]
        return State(read, digest([over_all, sorted(pages.items())]), systems, pages)

    def current(self, now: State) -> Path | None:
        """The index, where all pages are as they were last written and from what there is now; else None."""
        kept = cache.read(cache.path(self.reports, KEPT))
        return self.reports / INDEX if now.read and kept.valid == digest([now.read, now.shown]) else None

    def written(self, before: State, now: State) -> None:
        """Keep what the pages were written from, where it is still as it was `before`; else they may not show it."""
        if now.read and now.read == before.read:
            cache.write(cache.path(self.reports, KEPT), cache.Cache(valid=digest([now.read, now.shown])), {})

    def _of_reports(self) -> Iterator[tuple[str, Files]]:
        """Each system's folder, and the digests of all files in it; the system's own page is one."""
        for folder in sorted(_folders(self.reports)):
            path = cache.path(self.reports, folder)
            known = cache.read(path)
            digests = Digests(known.digests)
            yield folder, dict(_files(self.reports / folder, digests))
            if not digests.used.items() <= known.digests.items():
                cache.write(path, known, digests.used)


def _folders(reports: Path) -> list[str]:
    with os.scandir(reports) as found:
        return [one.name for one in found if one.is_dir() and one.name[0] != "."]


def _files(folder: Path | str, digests: Digests, above: str = "") -> Iterator[tuple[str, str | None]]:
    """What is in a folder, by its path from there. Of a folder it is told that it is there."""
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:
        yield above, None
        return
    for entry in entries:
        name = above + entry.name
        if entry.is_symlink():
            yield name, None
        elif entry.is_dir():
            yield f"{name}/", ""
            yield from _files(entry.path, digests, f"{name}/")
        elif entry.name != LOCK:
            yield name, digests.of(Path(entry.path))
