"""P4.4 over time: whether a team's reviews get worse, beside what they are as of now."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ethics_kit.measures import oversight, proportions, trend
from ethics_kit.measures.oversight import Reviews
from ethics_kit.measures.trend import Trend
from ethics_kit.record import WEAKEST, Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.oversight import NEEDED, SIGNS, Sign, human_oversight
from ethics_kit.stages.teams import COLUMNS, TABLE, by_team, cells, name_of

METHOD = (
    "line through each team's monthly shares, weighted by reviews; Cochran–Armitage test, Benjamini–Hochberg over "
    "teams and signs; met where the upper bound (95%, one-sided) of the change stays below the limit"
)
LEAST_MONTHS = 3
"""Two points always lie on a line."""


@dataclass(frozen=True)
class Course:
    """How one sign of one team moved, per quarter; `trend` is None with reviews in fewer than two months."""

    sign: Sign
    team: str
    n: int
    trend: Trend | None
    adjusted_p: float | None
    status: Status


def oversight_over_time(case: Case) -> Outcome:
    """P4.4: reviews by team as of now, and what gets worse over the months."""
    now = human_oversight(case)
    if not case.has(TABLE, *NEEDED):
        return Outcome((*now.findings, not_assessed("P4.4", "over_time", case.lacking(TABLE, *NEEDED))), now.tables)
    known = [sign for sign in SIGNS if case.has(TABLE, sign.column)]
    months = _by_name(by_team(case).months)
    courses = _courses(case, known, months)
    findings = [_finding(case, sign, [c for c in courses if c.sign is sign]) for sign in known]
    lacking = {sign.column for sign in SIGNS if sign not in known}
    findings += [not_assessed("P4.4", f"{c}_over_time", case.lacking(TABLE, c)) for c in sorted(lacking)]
    periods = _by_name(_periods(case, months))
    tables = (*now.tables, *_reviewed(case), _table(case, periods), _trends(case, courses))
    return Outcome((*now.findings, *findings), tables, _drawn(case, known, periods))


def _reviewed(case: Case) -> tuple[Table, ...]:
    """How many of each month's events people reviewed."""
    events = case.dossier.system.events
    if not case.has(events, "id", "time"):
        return ()
    policy, body = case.dossier.policy, []
    for month, share in oversight.review_rate_by_month(case.table(events), case.table(TABLE)).items():
        found = proportions.rate(share.count, share.n, confidence=policy.fairness.confidence.value)
        body.append([f"{month:%Y-%m}", share.n, share.count, found.value, found.low, found.high])
    shown, hidden = hide_small(body, n_column=1, counts=range(2, 6), small=policy.records.small_cell.value)
    return (
        Table(
            id="P4.4.review_rate_over_time",
            title="Events that people reviewed, by the month of the event",
            requirement="P4.4",
            columns=["month", events, "reviewed", "share", "low", "high"],
            rows=shown,
            hidden=hidden,
        ),
    )


def _by_name(reviews: Sequence[Reviews]) -> dict[str, list[Reviews]]:
    found: dict[str, list[Reviews]] = {}
    for part in reviews:
        found.setdefault(name_of(part), []).append(part)
    return dict(sorted(found.items()))


def _quarters(month: date | None) -> float:
    """A month as a number of quarters."""
    return (month.year * 12 + month.month) / 3 if month else 0.0


def _courses(case: Case, signs: Sequence[Sign], months: Mapping[str, Sequence[Reviews]]) -> list[Course]:
    confidence = case.dossier.policy.fairness.confidence.value
    moved: list[tuple[Sign, str, int, Trend | None]] = []
    for sign in signs:
        for team, parts in months.items():
            counts, n = zip(*(sign.of(part) for part in parts), strict=True)
            at = [_quarters(part.month) for part in parts]
            moved.append((sign, team, sum(n), trend.share_trend(counts, n, at, confidence=confidence)))
    p_values = iter(proportions.adjusted([found.p_value for *_, found in moved if found]))
    return [_judged(case, *entry, next(p_values) if entry[-1] else None) for entry in moved]


def _judged(case: Case, sign: Sign, team: str, n: int, found: Trend | None, adjusted: float | None) -> Course:
    policy, limit = case.dossier.policy.fairness, case.dossier.policy.oversight.worse_per_quarter_max.value
    status: Status = "inconclusive"
    if found and adjusted is not None and found.periods >= LEAST_MONTHS and n >= policy.minimum_group.value:
        if adjusted <= policy.significance.value and (found.change.value or 0.0) > limit:
            status = "not_met"
        elif found.at_most() < limit:
            status = "met"
    return Course(sign, team, n, found, adjusted, status)


def _finding(case: Case, sign: Sign, courses: Sequence[Course]) -> Finding:
    """One sign, by the team that gets worse the most."""
    name, limit = f"{sign.name}_over_time", case.dossier.policy.oversight.worse_per_quarter_max
    told = [c for c in courses if c.n]
    if not told:
        return not_assessed("P4.4", name, f"reviews of which {sign.column} is known", method=METHOD)
    worst = min(told, key=lambda c: (WEAKEST.index(c.status), -(c.trend.change.value or 0.0) if c.trend else 0.0))
    small, level = case.dossier.policy.records.small_cell.value, case.dossier.policy.fairness.confidence.value
    shown = worst.trend if worst.n >= small else None
    what = f"the share in which {sign.told}"
    statement = f"In the team {worst.team} {what} cannot be followed over time"
    if shown:
        change = (shown.change.value or 0.0) * 100
        statement = f"In the team {worst.team} {what} changes by {change:+.1f} percentage points a quarter"
        statement += f" over {shown.periods} months"
    if worst.status == "inconclusive":
        statement += f", which settles nothing; {_settles(case, worst)}"
    return Finding(
        id=f"P4.4.{name}",
        requirement="P4.4",
        status=worst.status,
        evidence="measured",
        statement=f"{statement}.",
        value=shown.change.value if shown else None,
        null_reason=None if shown else "too few reviews or months",
        unit="difference of shares per quarter",
        interval=Interval(low=shown.change.low, high=shown.change.high, level=level) if shown else None,
        n=shown.n if shown else None,
        threshold=limit.value,
        method=METHOD,
        source=limit.source,
        action=None if worst.status == "met" else sign.action,
    )


def _settles(case: Case, course: Course) -> str:
    """How many reviews like these would show that the change stays below the limit, with 80% power."""
    limit, least = case.dossier.policy.oversight.worse_per_quarter_max.value, LEAST_MONTHS
    minimum = case.dossier.policy.fairness.minimum_group.value
    found = course.trend
    if found is None or found.periods < least or course.n < minimum:
        return f"at least {minimum} reviews in {least} months or more are needed"
    room = limit - (found.change.value or 0.0)
    if room <= 0:
        return "more months of reviews would"
    needed = math.ceil(course.n * ((1.645 + 0.842) * found.error / room) ** 2)
    return f"about {needed:,} reviews like these would"


def _periods(case: Case, months: Mapping[str, Sequence[Reviews]]) -> list[Reviews]:
    """The months; where a team has too few reviews in the middle one, quarters."""
    enough = case.dossier.policy.fairness.minimum_group.value
    middle = [sorted(m.n for m in parts)[len(parts) // 2] for parts in months.values()]
    parts = [m for team in months.values() for m in team]
    if min(middle, default=0) >= enough:
        return parts
    gathered: dict[tuple[str | None, date], list[Reviews]] = {}
    for part in parts:
        if part.month:
            start = part.month.replace(month=part.month.month - (part.month.month - 1) % 3)
            gathered.setdefault((part.group, start), []).append(part)
    return [oversight.together(held, group=group, month=start) for (group, start), held in gathered.items()]


def _table(case: Case, periods: Mapping[str, Sequence[Reviews]]) -> Table:
    """Reviews by team and period; a small period is withheld with another of its team."""
    small = case.dossier.policy.records.small_cell.value
    columns = ["team", "from", *COLUMNS]
    body: list[list[str | int | float | None]] = []
    hidden = 0
    for team, parts in periods.items():
        lines = [[team, f"{part.month:%Y-%m}", *cells(case, part)] for part in parts]
        shown, count = hide_small(lines, n_column=2, counts=range(3, len(columns)), small=small)
        body += shown
        hidden += count
    return Table(
        id="P4.4.reviews_over_time",
        title="Reviews by team and period",
        requirement="P4.4",
        columns=columns,
        rows=body,
        hidden=hidden,
        note="Each line begins with the month named. A median is told of single months only.",
    )


def _trends(case: Case, courses: Sequence[Course]) -> Table:
    small = case.dossier.policy.records.small_cell.value
    body = []
    for course in courses:
        change = course.trend.change if course.trend and course.n >= small else proportions.UNDEFINED
        n = course.n if course.n >= small else None
        line = [course.sign.name.replace("_", " "), course.team, n, change.value, change.low, change.high]
        body.append([*line, course.adjusted_p if change.defined else None, course.status.replace("_", " ")])
    columns = ["sign", "team", "reviews", "change per quarter", "low", "high", "adjusted p", "status"]
    title = "What gets worse over time, by team"
    return Table(id="P4.4.trends", title=title, requirement="P4.4", columns=columns, rows=body)


def _drawn(case: Case, signs: Sequence[Sign], periods: Mapping[str, Sequence[Reviews]]) -> tuple[figures.Figure, ...]:
    """A panel per sign, with a line per team; periods under the small cell are left out."""
    policy = case.dossier.policy
    panels = []
    for sign in signs:
        lines = {}
        for team, parts in periods.items():
            counted = [(part.month, *sign.of(part)) for part in parts]
            lines[team] = [
                (month, proportions.rate(count, n, confidence=policy.fairness.confidence.value))
                for month, count, n in counted
                if month and n >= policy.records.small_cell.value
            ]
        limit = getattr(policy.oversight, sign.limit).value
        panels.append(figures.Lines(sign.name.replace("_", " "), limit, lines))
    return figures.shares_over_time(panels, what="team")
