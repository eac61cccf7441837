"""What the pages over all systems show of each, kept beside the reports: after a change of one, it alone is read again.

``reports/.cache/_shown.json`` holds it with the digest of all that it follows from. Only a run and an act on a record
look at it; ``ethics-kit portfolio`` and ``run --force`` read every record.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ethics_kit import disk
from ethics_kit.attestation.statement import Sha256
from ethics_kit.disk import Odd
from ethics_kit.project import write_atomic
from ethics_kit.record import Finding
from ethics_kit.report.portfolio import write
from ethics_kit.report.portfolio.summary import Entry
from ethics_kit.report.portfolio.write import Shown
from ethics_kit.runner import cache
from ethics_kit.runner.fingerprints import digest
from ethics_kit.runner.pages import Pages, State

KEPT = "_shown"
LARGEST = 200_000_000


@dataclass(frozen=True)
class Kept:
    """What is shown of a system, and the digest of what it follows from."""

    read: Sha256
    shown: Shown


FORM = TypeAdapter(dict[str, Kept])


class Shelf:
    """The shelf of `pages`; with `anew` nothing on it counts."""

    def __init__(self, pages: Pages, *, anew: bool) -> None:
        self._pages, self._anew = pages, anew
        self._before: State | None = None
        self._day = pages.day

    def take(self, day: date) -> Mapping[str, Shown]:
        """What is known of systems of which nothing has changed, nor their pages where these are to be written."""
        self._before, self._day = self._pages.state(), day
        held = {} if self._anew else _read(self._path)
        return {name: one.shown for name, one in held.items() if self._counts(name, one, self._before)}

    def keep(self, shown: Mapping[str, Shown]) -> None:
        """Keep what is shown of systems of which nothing has changed since `take`; and whether nothing has at all."""
        before, now = self._before or self._pages.state(), self._pages.state()
        kept = {
            name: Kept(read, _bare(one))
            for name, one in shown.items()
            if (read := self._of(name, now)) and read == self._of(name, before)
        }
        if not self._path.parent.is_symlink():
            with suppress(OSError):
                write_atomic(self._path, FORM.dump_json(kept, by_alias=True, warnings=False))
        self._pages.written(before, now)

    @property
    def _path(self) -> Path:
        return cache.path(self._pages.reports, KEPT)

    def _of(self, name: str, state: State) -> str | None:
        """The digest of all that the pages of the day show of a system; None where it cannot be told."""
        own = state.systems.get(name)
        return digest([own, self._day.isoformat()]) if own else None

    def _counts(self, name: str, one: Kept, now: State) -> bool:
        page = now.pages.get(name)
        as_drawn = page == one.shown.page if name in self._pages.systems else True
        return page is not None and as_drawn and one.read == self._of(name, now)


def draw(pages: Pages, *, anew: bool = False) -> Path:
    """Write the pages, reading the records of those systems alone of which something has changed; the index."""
    scope = write.scope(pages.reports, pages.projects, not_run=pages.not_run)
    day = write.day_of(pages.reports, pages.day)
    return write.write(scope, day=day, only=pages.systems, shelf=Shelf(pages, anew=anew))


def _bare(shown: Shown) -> Shown:
    """Without what the system's own page alone shows, which has been drawn."""
    system, news = shown.system, shown.news
    entries = {
        stage: replace(of, actions=tuple(a for a in of.actions if a.status == "not_met" or a.due or a.waived_until))
        for stage, of in system.entries.items()
    }
    changes = tuple(replace(change, entry=replace(change.entry, actions=())) for change in news.changes)
    return replace(
        shown,
        system=replace(system, entries=entries, supplies=system.supplies[:1], worst=_named(system.worst)),
        news=replace(news, changes=changes, worst=_named(news.worst)),
    )


def _named(worst: tuple[Entry, Finding] | None) -> tuple[Entry, Finding] | None:
    return (replace(worst[0], actions=()), worst[1]) if worst else None


def _read(path: Path) -> dict[str, Kept]:
    content = disk.content(path, LARGEST)
    if isinstance(content, Odd) or path.parent.is_symlink():
        return {}
    try:
        return FORM.validate_json(content)
    except (ValidationError, ValueError, KeyError, TypeError, RecursionError):
        return {}
