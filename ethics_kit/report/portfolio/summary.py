"""What the pages over many systems need of one record and of one system."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from urllib.parse import quote

from ethics_kit import archive
from ethics_kit.attestation.chain import Chain, read_chain
from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.dates import months_after
from ethics_kit.dossier import SYSTEM_ID
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Level, Stage
from ethics_kit.project import STAGES
from ethics_kit.recommendation import by_status, recommend, worst_first
from ethics_kit.record import WEAKEST, WORST_FIRST, Finding, Record, Status
from ethics_kit.report import supply
from ethics_kit.report.first import worst
from ethics_kit.report.portfolio import kept as kept_records
from ethics_kit.report.portfolio.kept import Kept, Records
from ethics_kit.report.portfolio.published import Measured, values
from ethics_kit.report.supply import Supply
from ethics_kit.review import Review
from ethics_kit.schema import Verdict
from ethics_kit.schema.review import Decision, State

GAP = "difference of rates"
"""The unit of a gap between groups of people, whose trend over past records is shown."""
GAPS_KEPT = 5
RECORDS = 12
"""The most records in the trend of a system's worst gap."""
OPEN = ("not_met", "not_assessed", "inconclusive")
GOOD: tuple[Verdict, ...] = ("approve_with_conditions", "approve")
"""All else is equally bad."""
OVERDUE = "G3.review_overdue"
"""The finding that counts the days by which the next review is overdue."""
PLANNED = "G3.next_review_within_cadence"
"""The finding that names the day that the organisation itself has set; *met* where the cadence allows it."""
PLANNED_FOR = re.compile(r"planned for (\d{4}-\d\d-\d\d), which is within")


@dataclass(frozen=True)
class Action:
    """An open finding with something to do, or a waiver. `effect`: what it does to the recommendation."""

    finding: str
    requirement: str
    status: str
    statement: str
    effect: Literal["blocks", "conditions", "missing", "none"]
    action: str | None
    owner: str | None
    due: date | None
    waived_until: date | None

    def days_overdue(self, day: date) -> int:
        """Days since the action was due; 0 where it is not, or a waiver holds."""
        waived = self.waived_until is not None and self.waived_until >= day
        return 0 if waived or self.due is None else max((day - self.due).days, 0)


@dataclass(frozen=True)
class Gap:
    """A measured gap between groups as of one day."""

    finding: str
    as_of: date
    value: float
    low: float | None
    high: float | None
    n: int | None


@dataclass(frozen=True)
class Trend:
    """A gap over records, oldest first; `altered` counts the records of that time that cannot be relied on."""

    points: tuple[Gap, ...]
    altered: int


@dataclass(frozen=True)
class Reviewed:
    """How far people's review of a record is: its state, since when, and by which roles; people's names stay in it.

    `missing`: the roles that have to decide and have not.
    """

    state: State | Literal["unreadable"] = "draft"
    since: date | None = None
    decision: Decision | None = None
    roles: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One record of a stage, or why there is none to rely on. All below `status` is empty unless that is *ok*.

    `verdict` is the record's own recommendation, `today` what follows from its findings on the day of the page, when
    waivers may have ended and dates of actions passed. `required` counts requirements, `open_` the findings that are
    not settled by status.
    """

    system: str
    stage: Stage
    status: Literal["ok", "failed", "altered", "missing"]
    folder: str = ""
    as_of: date | None = None
    record_id: str = ""
    model_version: str | None = None
    level: str = ""
    holds: Level | Literal[""] = ""
    verdict: Verdict | None = None
    today: Verdict | None = None
    reason: str = ""
    required: Counter[Status] = field(default_factory=Counter)
    actions: tuple[Action, ...] = ()
    gaps: tuple[Gap, ...] = ()
    review: Reviewed = Reviewed()
    signed: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()

    @property
    def link(self) -> str | None:
        """The address of the record's page, from the reports folder."""
        return f"{self.system}/{self.stage}/{quote(self.folder)}/report.html" if self.folder else None

    @property
    def settled(self) -> int:
        """Required requirements found met, not met or not applicable."""
        return sum(self.required[s] for s in ("met", "not_met", "not_applicable"))

    @property
    def signoff(self) -> tuple[str, ...]:
        """The roles that have to sign."""
        return catalogue.levels()[self.holds].signoff if self.holds else ()

    @property
    def lapsed(self) -> bool:
        """Whether the recommendation is worse on the page's day than on the record's."""
        return self.verdict is not None and self.today != self.verdict

    def overdue(self, day: date) -> list[Action]:
        """The actions whose date has passed, the longest overdue first."""
        return sorted((a for a in self.actions if a.days_overdue(day)), key=lambda a: (a.due or day, a.finding))


@dataclass(frozen=True)
class Due:
    """When people have to look at the system again, and what that follows from: the code of a reason."""

    on: date | None
    why: Literal["signoff", "planned", "decided", "unknown"] = "unknown"


@dataclass(frozen=True)
class Stated:
    """What system.yaml says of a system without a record."""

    name: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class System:
    """One system: its current entry of each stage. `level` and `holds` are those of the newest record.

    `worst` is the finding that weighs most over all stages, and the entry it is of; `trend` that of the worst gap.
    """

    id: str
    name: str
    owner: str | None
    deputy: str | None
    kind: str | None
    level: str
    holds: str
    entries: dict[Stage, Entry]
    due: Due
    supplies: tuple[Supply, ...]
    worst: tuple[Entry, Finding] | None = None
    trend: Trend | None = None
    not_run: bool = False
    elsewhere: bool = False


def read(
    reports: Path,
    system: str,
    records: Records,
    *,
    as_of: date,
    stated: Stated = Stated(),
    not_run: bool = False,
    elsewhere: bool = False,
) -> System:
    """The system `system` as the `records` that it has kept in the reports folder show it on the day `as_of`.

    A record that is not as its attestation and the chain say is *altered*, and nothing of it is shown. `stated` is
    shown where there is no record.
    """
    known = read_chain(reports, system)[0]
    found = [_current(reports, system, stage, known, records[stage], as_of) for stage in STAGES]
    current = [record for _, record in found if record]
    newest = max(current, key=lambda r: (r.as_of, STAGES.index(r.stage)), default=None)
    about = newest.system if newest else {}
    entries = {entry.stage: entry for entry, _ in found}
    return System(
        id=system,
        name=str(about.get("name") or stated.name or system),
        owner=_person(about.get("owner")) if newest else stated.owner,
        deputy=_person(about.get("deputy")),
        kind=about.get("kind"),
        level=newest.level.value if newest else "",
        holds=newest.level.holds if newest else "",
        entries=entries,
        due=_due(entries["deployment_signoff"], next((r for r in current if r.stage == "deployment_signoff"), None)),
        supplies=tuple(supply.ranked(*current)),
        worst=weightiest(found),
        trend=_worst_trend(reports, entries.values()),
        not_run=not_run,
        elsewhere=elsewhere,
    )


def recorded(reports: Path) -> list[str]:
    """The systems that have, or had, a record in the reports folder."""
    names = {path.parent.parent.name for path in reports.glob("*/*/latest.json")}
    names |= {path.parent.name for path in reports.glob("*/chain.json")}
    return sorted(name for name in names if SYSTEM_ID.match(name))


def entry(kept: Kept, *, as_of: date) -> Entry:
    """What there is to say of a record."""
    if kept.published is None:
        return Entry(kept.system, _stage(kept.stage), "altered", kept.folder, kept.as_of)
    return _entry(kept, kept.published.record, as_of)


def trends(reports: Path, entry: Entry, gaps: Sequence[Gap], *, most: int) -> list[Trend]:
    """Each of the `gaps` of a current record in the last `most` records of its stage, it included.

    One record a day counts, the last of that day.
    """
    known = read_chain(reports, entry.system)[0]
    today = entry.folder[:10]
    by_day = {folder.name[:10]: folder for folder in archive.folders(reports, entry.system, entry.stage)}
    days = [day for day in sorted(by_day) if day < today][1 - most :] if most > 1 else []
    held = {day: values(by_day[day], known) for day in days}
    altered = sum(found is None for found in held.values())
    return [
        Trend(
            (*(_gap(found[gap.finding], day) for day, found in held.items() if found and gap.finding in found), gap),
            altered,
        )
        for gap in gaps
    ]


def _worst_trend(reports: Path, entries: Iterable[Entry]) -> Trend | None:
    first = next(((entry, gap) for entry in entries for gap in entry.gaps), None)
    return trends(reports, first[0], [first[1]], most=RECORDS)[0] if first else None


def _gap(held: Measured, day: str) -> Gap:
    low, high = (held.interval.low, held.interval.high) if held.interval else (None, None)
    return Gap(held.id, date.fromisoformat(day), float(held.value or 0), low, high, held.n)


def _current(
    reports: Path, system: str, stage: Stage, known: Chain | None, records: Sequence[Kept], as_of: date
) -> tuple[Entry, Record | None]:
    latest = archive.read_latest(archive.stage_folder(reports, system, stage))
    listed = _last_run(known, stage, as_of)
    if latest is None:
        return Entry(system, stage, "altered" if listed else "missing"), None
    if latest.status == "failed":
        return Entry(system, stage, "failed", latest.folder, latest.as_of), None
    kept = next((one for one in records if one.folder == latest.folder), None)
    if kept is None or (listed and latest.as_of <= as_of and latest.folder != listed):
        return Entry(system, stage, "altered", latest.folder, latest.as_of), None
    return entry(kept, as_of=as_of), kept.record


def _last_run(known: Chain | None, stage: str, as_of: date) -> str | None:
    """The record that the chain makes the current one on the day `as_of`."""
    runs = [e for e in known.entries if e.act == "run" and e.stage == stage] if known else []
    runs = [e for e in runs if e.record[:10] <= as_of.isoformat()]
    return max(runs, key=lambda e: (e.record[:10], e.sequence)).record if runs else None


def _entry(kept: Kept, record: Record, as_of: date) -> Entry:
    own = record.recommendation
    later = own if as_of <= record.as_of else recommend(record.findings, record.obligations, record.upstream, as_of)
    return Entry(
        system=str(record.system["id"]),
        stage=record.stage,
        status="ok",
        folder=kept.folder,
        as_of=record.as_of,
        record_id=record.record_id,
        model_version=record.system.get("model_version"),
        level=record.level.value,
        holds=record.level.holds,
        verdict=own.verdict,
        today=min((own.verdict, later.verdict), key=WORST_FIRST.index),
        reason=own.reason,
        required=by_status(record.findings, record.obligations),
        actions=_actions(record),
        gaps=_gaps(record),
        review=_reviewed(kept, record),
        signed=tuple(dict.fromkeys(s.role for s in kept.signatures)),
        unsigned=tuple(kept.unsigned),
    )


def weightiest(found: Iterable[tuple[Entry, Record | None]]) -> tuple[Entry, Finding] | None:
    """Of the findings that each record's page names first, the one that weighs most."""
    firsts = [(entry, next(worst(record), None), record) for entry, record in found if record]
    named = [(entry, of[0], of[0].id in record.recommendation.blocking) for entry, of, record in firsts if of]
    order = worst_first((f for _, f, _ in named), [f.id for _, f, blocks in named if blocks])
    return next(((entry, f) for entry, f, _ in named if f is order[0]), None)


def _actions(record: Record) -> tuple[Action, ...]:
    own = record.recommendation
    effects: dict[str, Literal["blocks", "conditions", "missing", "none"]] = {
        **dict.fromkeys(own.conditions, "conditions"),
        **dict.fromkeys(own.missing, "missing"),
        **dict.fromkeys(own.blocking, "blocks"),
    }
    return tuple(
        Action(
            finding=f.id,
            requirement=f.requirement,
            status=f.status,
            statement=f.statement,
            effect=effects.get(f.id, "none"),
            action=f.action,
            owner=f.owner,
            due=f.due,
            waived_until=f.waiver.until if f.waiver else None,
        )
        for f in record.findings
        if f.status in OPEN and (f.action or f.waiver)
    )


def _gaps(record: Record) -> tuple[Gap, ...]:
    """The gaps between groups that count, the least settled and largest first."""
    required = {d.requirement for d in record.obligations.required}
    own = [f for f in record.findings if f.unit == GAP and f.value is not None and f.requirement in required]
    own.sort(key=lambda f: (WEAKEST.index(f.status), -abs(f.value or 0), f.id))
    return tuple(
        Gap(
            f.id,
            record.as_of,
            float(f.value or 0),
            f.interval.low if f.interval else None,
            f.interval.high if f.interval else None,
            f.n,
        )
        for f in own[:GAPS_KEPT]
    )


def _reviewed(kept: Kept, record: Record) -> Reviewed:
    found = kept.reviewed.review if kept.reviewed else None
    if found is None:
        return Reviewed("unreadable", missing=catalogue.levels()[record.obligations.level].signoff)
    given = list(found.signoff.given.values())
    return Reviewed(
        found.state,
        _since(found),
        found.decision,
        tuple(found.signoff.given),
        found.signoff.missing if given or found.state != "decided" else (),
    )


def _since(found: Review) -> date | None:
    """The day of the act that brought the review to its state."""
    if found.state == "decided":
        return max(e.on for e in found.signoff.given.values())
    return found.turned.on if found.turned else None


def _due(signoff: Entry, record: Record | None) -> Due:
    """The next review: after the last one that the sign-off record knows, or after people decided on that record.

    The organisation's own day comes first where it is no later; a decision on the record begins a new time.
    """
    if record is None:
        return Due(None)
    counted = next((f for f in record.findings if f.id == OVERDUE and f.value is not None), None)
    told = date.fromordinal(record.as_of.toordinal() - int(counted.value or 0)) if counted else None
    if signoff.review.state == "decided" and signoff.review.since:
        months = catalogue.levels()[record.obligations.level].review_months
        after = months_after(signoff.review.since, months)
        if told is None or after > told:
            return Due(after, "decided")
    if told and (planned := _planned(record)):
        return Due(min(told, planned), "planned")
    return Due(told, "signoff" if told else "unknown")


def _planned(record: Record) -> date | None:
    own = [PLANNED_FOR.search(f.statement) for f in record.findings if f.id == PLANNED and f.status == "met"]
    return next((date.fromisoformat(found[1]) for found in own if found), None)


def _person(given: object) -> str | None:
    return str(given["name"]) if isinstance(given, dict) and given.get("name") else None


def _stage(name: str) -> Stage:
    return next(stage for stage in STAGES if stage == name)


def each(
    reports: Path,
    systems: Collection[str],
    *,
    as_of: date,
    keys: Sequence[TrustedKey] = (),
    stated: Mapping[str, Stated] = MappingProxyType({}),
    not_run: Collection[str] = (),
    known: Collection[str] = (),
) -> Iterator[tuple[System, Records]]:
    """`systems`, by their ids, and every other system with a record in the reports folder, one by one; not the `known`.

    With each comes what it has kept, to be used before the next is read, so that memory holds one system's records.
    """
    for name in sorted({*systems, *recorded(reports)} - {*known}):
        records = kept_records.of_system(reports, name, keys)
        system = read(
            reports,
            name,
            records,
            as_of=as_of,
            stated=stated.get(name, Stated()),
            not_run=name in not_run,
            elsewhere=name not in systems,
        )
        yield system, records


def ranked(systems: Iterable[System]) -> list[System]:
    """As the pages list them."""
    return sorted(systems, key=_rank)


def _rank(system: System) -> tuple[int, int, int, float, str]:
    """Worst first.

    By the worst stage (what is undetermined, failed or not assessed is no better than *reject*), then by required
    requirements not met, by stages that failed or were altered, and by the share that is settled.
    """
    entries = system.entries.values()
    required = sum(e.required.total() for e in entries)
    failing = sum(e.required["not_met"] for e in entries)
    broken = sum(e.status in ("failed", "altered") for e in entries)
    worst = min(GOOD.index(e.today) + 1 if e.today in GOOD else 0 for e in entries)
    return worst, -failing, -broken, sum(e.settled for e in entries) / required if required else 0, system.id
