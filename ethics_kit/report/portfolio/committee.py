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
from ethics_kit.record import Finding, Record
from ethics_kit.report import html
from ethics_kit.report.portfolio import actions
from ethics_kit.report.portfolio.actions import Row
from ethics_kit.report.portfolio.kept import Records
from ethics_kit.report.portfolio.summary import Entry, System, weightiest
from ethics_kit.schema import Verdict, review

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
    """A stage with a record that is newer than the last meeting; `before` is what the last one up to it recommended.

    `newly_not_met` counts findings, of which `first` holds those to tell.
    """

    entry: Entry
    before: Verdict | None
    records: int
    newly_not_met: int
    first: tuple[Finding, ...]

    @property
    def verdict_changed(self) -> bool:
        return self.before is not None and self.before != self.entry.verdict

    @property
    def tells(self) -> bool:
        """Whether there is more to say than that there is a newer record."""
        return self.verdict_changed or bool(self.newly_not_met)


@dataclass(frozen=True)
class Decided:
    """A decision that people entered in the period, on whichever record: one of `stage` as of `as_of`."""

    stage: str
    as_of: date
    link: str
    recommended: Verdict
    entry: review.Entry
    identity: str


@dataclass(frozen=True)
class News:
    """What the period brought for one system. `worst`: what weighs most in the first records of stages."""

    changes: tuple[Change, ...]
    decided: tuple[Decided, ...]
    worst: tuple[Entry, Finding] | None


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


def news(system: System, records: Records, covers: Period) -> News:
    """What the period brought, from the records that the system has kept."""
    changes = tuple(_changes(system, records, covers))
    firsts = [(c.entry, _record(records, c.entry)) for c in changes if not c.before]
    return News(changes, tuple(_decided(records, covers)), weightiest(firsts))


def _record(records: Records, entry: Entry) -> Record | None:
    return next(k.record for k in records[entry.stage] if k.folder == entry.folder)


def render(
    systems: Sequence[System],
    told: Mapping[str, News],
    rows: Sequence[Row],
    covers: Period,
    *,
    label: str,
    language: str = SOURCE,
) -> str:
    """The page. `systems` are worst first; `told` is the news of each by its id; `rows` the open actions."""
    changes = [(s, change) for s in systems for change in told[s.id].changes if change.before]
    found = {
        "due": [(s, e) for s in systems for e in s.entries.values() if e.review.state == "submitted"],
        "late": [row for row in rows if row.overdue or row.lapsed],
        "reviews": [s for s in systems if s.due.on and s.due.on < covers.until],
        "changes": [(s, c) for s, c in changes if c.tells],
        "firsts": [
            (s, firsts, told[s.id].worst)
            for s in systems
            if (firsts := [c for c in told[s.id].changes if not c.before])
        ],
        "unchanged": [(s, c) for s, c in changes if not c.tells],
        "decided": sorted(((s, d) for s in systems for d in told[s.id].decided), key=lambda one: one[1].entry.on),
        "without": [(s, gaps) for s in systems if (gaps := _without(s))],
        "drafts": [(s, drafts) for s in systems if (drafts := _drafts(s))],
        "unplanned": [(s, n) for s in systems if (n := actions.unplanned(s))],
    }
    template = html.environment(language).get_template("committee.html.j2")
    return template.render(**found, covers=covers, day=covers.until, label=label, systems=systems, listed=LISTED)


def _changes(system: System, records: Records, covers: Period) -> Iterator[Change]:
    for entry in system.entries.values():
        own = records[entry.stage]
        if entry.status != "ok" or entry.as_of is None or not covers.since < entry.as_of <= covers.until:
            continue
        before = next((k.record for k in reversed(own) if k.as_of <= covers.since and k.record), None)
        newer = sum(covers.since < k.as_of <= covers.until and not k.failed for k in own)
        worse = _newly_not_met(before, _record(records, entry))
        verdict = before.recommendation.verdict if before else None
        yield Change(entry, verdict, newer, len(worse), tuple(worse[:SHOWN]))


def _newly_not_met(before: Record | None, now: Record | None) -> list[Finding]:
    if now is None:
        return []
    required = {d.requirement for d in now.obligations.required}
    changes = compare_findings(before.findings if before else (), now.findings)
    found = [c.after for c in changes if c.newly_not_met and c.after]
    ranked = worst_first(found, now.recommendation.blocking)
    return sorted(ranked, key=lambda f: f.requirement not in required)


def _decided(records: Records, covers: Period) -> Iterator[Decided]:
    for one in (one for own in records.values() for one in own if one.has_review):
        for entry, identity in one.reviewed.entries if one.record and one.reviewed else ():
            if entry.act == "decide" and covers.since < entry.on <= covers.until and one.record:
                recommended = one.record.recommendation.verdict
                yield Decided(one.stage, one.as_of, one.link, recommended, entry, identity)


def _without(system: System) -> list[Entry]:
    """The stages without a record to rely on."""
    return [system.entries[stage] for stage in STAGES if system.entries[stage].status != "ok"]


def _drafts(system: System) -> list[Entry]:
    """The current records that nobody has submitted, or that people took back."""
    return [e for e in system.entries.values() if e.status == "ok" and e.review.state in ("draft", *TAKEN_BACK)]
