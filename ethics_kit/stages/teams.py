"""Reviews by team, under names that a record may show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from ethics_kit.measures import oversight
from ethics_kit.measures.oversight import Reviews
from ethics_kit.measures.proportions import rate
from ethics_kit.stages.case import Case

TABLE = "human_reviews"
NO_TEAM = "(no team named)"


@dataclass(frozen=True)
class Teams:
    """Reviews by the name under which a record may show each team, in all and by month.

    `awaits` says what to supply where the column of teams cannot be shown: then all reviews are one nameless team.
    """

    now: tuple[Reviews, ...]
    months: tuple[Reviews, ...]
    awaits: str | None


@cache
def by_team(case: Case) -> Teams:
    """The reviews by team. What may name a person is not shown: addresses, nearly a group per review, small teams."""
    policy, table = case.dossier.policy, case.table(TABLE)
    seconds, length = policy.oversight.seconds_min.value, policy.oversight.run_length.value
    now = oversight.by_reviewer_group(table, seconds_min=seconds, run_length=length)
    awaits = _persons([t for t in now if t.group is not None], sum(t.n for t in now))
    small = policy.records.small_cell.value
    few = f"(teams with fewer than {small} reviews)"
    names = {t.group: None if awaits or t.group is None else t.group if t.n >= small else few for t in now}
    gathered: dict[tuple[str | None, date | None], list[Reviews]] = {}
    for part in (*now, *oversight.by_month(table, seconds_min=seconds, run_length=length)):
        gathered.setdefault((names[part.group], part.month), []).append(part)
    shown = [
        parts[0] if parts[0].group == name else oversight.together(parts, group=name, month=month)
        for (name, month), parts in gathered.items()
    ]
    return Teams(tuple(t for t in shown if not t.month), tuple(t for t in shown if t.month), awaits)


def _persons(teams: Sequence[Reviews], total: int) -> str | None:
    """What to supply where the groups look like persons."""
    addresses = sum("@" in (t.group or "") for t in teams)
    if addresses:
        return f"teams in reviewer_group: {addresses} of its {len(teams)} values are addresses, and none is shown"
    if len(teams) > 1 and 2 * len(teams) > total:
        return f"teams in reviewer_group: {len(teams)} values in {total} reviews look like persons, and none is shown"
    return None


COLUMNS = ["reviews", "overridden", "low", "high", "system wrong", "accepted all the same", "low", "high"]
COLUMNS += ["system right", "overridden all the same", "low", "high", "median seconds", "too fast", "low", "high"]
COLUMNS += ["in long runs", "low", "high"]


def cells(case: Case, reviews: Reviews) -> list[str | int | float | None]:
    """A line of a table with `COLUMNS`: shares with their intervals."""
    confidence = case.dossier.policy.fairness.confidence.value

    def parts(count: int, n: int) -> list[float | None]:
        found = rate(count, n, confidence=confidence)
        return [found.value, found.low, found.high]

    return [
        reviews.n,
        *parts(reviews.overridden, reviews.n),
        reviews.wrong,
        *parts(reviews.wrong_kept, reviews.wrong),
        reviews.right,
        *parts(reviews.right_overridden, reviews.right),
        None if reviews.median is None else round(reviews.median),
        *parts(reviews.fast, reviews.timed),
        *parts(reviews.in_runs, reviews.timed),
    ]


def name_of(team: Reviews) -> str:
    return team.group or NO_TEAM
