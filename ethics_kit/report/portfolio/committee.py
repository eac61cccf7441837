"""The committee's pack: what changed since its last meeting, what it has to decide, and what is overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from ethics_kit.comparison import compare_findings
from ethics_kit.languages import SOURCE
from ethics_kit.project import STAGES
from ethics_kit.recommendation import worst_first
from ethics_kit.record import Finding
from ethics_kit.report import html
from ethics_kit.report.portfolio import actions
from ethics_kit.report.portfolio.actions import Row
from ethics_kit.report.portfolio.kept import Kept
from ethics_kit.report.portfolio.summary import Entry, System, weightiest
from ethics_kit.schema import review

FILE = "committee.html"
WITHOUT_MEETINGS = timedelta(days=31)
SHOWN = 3
"""Findings that are newly not met, told in words for each record; the record's page tells all."""
LISTED = 40
"""Rows of each list; it says how many more there are, and where."""
TAKEN_BACK = ("returned", "withdrawn", "superseded", "unreadable")


@dataclass(frozen=True)
class Period:
    """What the pack covers: after `since`, up to and with `until`. `by`: what `since` is; `next`: the next meeting."""

    since: date
    until: date
    by: Literal["meeting", "given", "month"]
    next: date | None


@dataclass(frozen=True)
class Change:
    """A stage with a record that is newer than the last meeting; `before` is the last record up to it."""

    system: System
    entry: Entry
    now: Kept
    before: Kept | None
    records: int
    newly_not_met: tuple[Finding, ...]

    @property
    def verdict_changed(self) -> bool:
        was = self.before.record if self.before else None
        return was is not None and was.recommendation.verdict != self.entry.verdict

    @property
    def tells(self) -> bool:
        """Whether there is more to say than that there is a newer record."""
        return self.verdict_changed or bool(self.newly_not_met)


@dataclass(frozen=True)
class Decided:
    """A decision that people entered in the period, on whichever record."""

    system: System
    record: Kept
    entry: review.Entry
    identity: str


def period(day: date, meetings: Iterable[date], since: date | None) -> Period:
    """From the last meeting before `day`, or from `since`; without either, the last 31 days.

    A meeting on `day` itself is the next one, for which this pack is.
    """
    held = [meeting for meeting in meetings if meeting < day]
    ahead = min((meeting for meeting in meetings if meeting >= day), default=None)
    if since:
        return Period(since, day, "given", ahead)
    if held:
        return Period(max(held), day, "meeting", ahead)
    return Period(day - WITHOUT_MEETINGS, day, "month", ahead)


def render(
    systems: Sequence[System],
    records: Mapping[str, Mapping[str, Sequence[Kept]]],
    rows: Sequence[Row],
    covers: Period,
    *,
    label: str,
    language: str = SOURCE,
) -> str:
    """The page. `systems` are worst first; `records` are those each has kept, by stage; `rows` the open actions."""
    new = [(s, list(_changes(s, records[s.id], covers))) for s in systems]
    changes = [c for _, own in new for c in own if c.before]
    found = {
        "due": [(s, e) for s in systems for e in s.entries.values() if e.review.state == "submitted"],
        "late": [row for row in rows if row.overdue or row.lapsed],
        "reviews": [s for s in systems if s.due.on and s.due.on < covers.until],
        "changes": [c for c in changes if c.tells],
        "firsts": [
            (s, firsts, weightiest((c.entry, c.now.record) for c in firsts))
            for s, own in new
            if (firsts := [c for c in own if not c.before])
        ],
        "unchanged": [c for c in changes if not c.tells],
        "decided": sorted(
            (d for s in systems for d in _decided(s, records[s.id], covers)),
            key=lambda d: d.entry.on,
        ),
        "without": [(s, gaps) for s in systems if (gaps := _without(s))],
        "drafts": [(s, drafts) for s in systems if (drafts := _drafts(s))],
        "unplanned": [(s, n) for s in systems if (n := actions.unplanned(s))],
    }
    template = html.environment(language).get_template("committee.html.j2")
    return template.render(
        **found, covers=covers, day=covers.until, label=label, systems=systems, shown=SHOWN, listed=LISTED
    )


def _changes(system: System, records: Mapping[str, Sequence[Kept]], covers: Period) -> Iterator[Change]:
    for stage, own in records.items():
        entry = system.entries[stage]  # type: ignore[index]
        if entry.status != "ok" or entry.as_of is None or not covers.since < entry.as_of <= covers.until:
            continue
        now = next(k for k in own if k.folder == entry.folder)
        before = next((k for k in reversed(own) if k.as_of <= covers.since and k.record), None)
        newer = sum(covers.since < k.as_of <= covers.until and k.state != "failed" for k in own)
        yield Change(system, entry, now, before, newer, _newly_not_met(before, now))


def _newly_not_met(before: Kept | None, now: Kept) -> tuple[Finding, ...]:
    if now.record is None:
        return ()
    own = now.record
    required = {d.requirement for d in own.obligations.duties if d.weight == "required"}
    old = before.record.findings if before and before.record else ()
    found = [c.after for c in compare_findings(old, own.findings) if c.newly_not_met and c.after]
    ranked = worst_first(found, own.recommendation.blocking)
    return tuple(sorted(ranked, key=lambda f: f.requirement not in required))


def _decided(system: System, records: Mapping[str, Sequence[Kept]], covers: Period) -> Iterator[Decided]:
    for own in records.values():
        for one in own:
            for entry, identity in one.reviewed.entries if one.has_review and one.reviewed else ():
                if entry.act == "decide" and covers.since < entry.on <= covers.until:
                    yield Decided(system, one, entry, identity)


def _without(system: System) -> list[Entry]:
    """The stages without a record to rely on."""
    return [system.entries[stage] for stage in STAGES if system.entries[stage].status != "ok"]


def _drafts(system: System) -> list[Entry]:
    """The current records that nobody has submitted, or that people took back."""
    return [e for e in system.entries.values() if e.status == "ok" and e.review.state in ("draft", *TAKEN_BACK)]
