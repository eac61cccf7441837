"""People's part in what a system does: reviews and what they change, checkpoints passed, persons reached on request.

Tables have their roles as column names (framework/tables.yaml). Every function returns counts only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.timelines import Share

IN_TIME = ("time", "decision")
"""The order in which a team reviewed."""


@dataclass(frozen=True)
class Reviews:
    """The reviews of one team, in all or of one month. `wrong` and `right` count those of which it is known whether the
    system erred.

    `timed` have a duration; `fast` took less than the limit, `in_runs` stand in a run of one decision at one speed;
    `median` is in seconds.
    """

    group: str | None
    n: int
    overridden: int
    wrong: int
    wrong_kept: int
    right: int
    right_overridden: int
    timed: int
    fast: int
    in_runs: int
    median: float | None
    month: date | None = None

    @property
    def unsettled(self) -> int:
        """Reviews of which it is not known whether the system had been right."""
        return self.n - self.wrong - self.right


COUNTS = ("n", "overridden", "wrong", "wrong_kept", "right", "right_overridden", "timed", "fast", "in_runs")


def together(parts: Sequence[Reviews], *, group: str | None, month: date | None = None) -> Reviews:
    """Several teams, or several months of one, as one; a median of medians is none."""
    sums = {name: sum(getattr(part, name) for part in parts) for name in COUNTS}
    return Reviews(group=group, month=month, median=None, **sums)


def by_reviewer_group(reviews: ir.Table, *, seconds_min: float, run_length: int) -> list[Reviews]:
    """Count reviews by team, largest first; without a team's column all are one group without a name."""
    return _counted(reviews, seconds_min, run_length, by_month=False)


def by_month(reviews: ir.Table, *, seconds_min: float, run_length: int) -> list[Reviews]:
    """As `by_reviewer_group`, each team by calendar month, the earliest first."""
    return sorted(_counted(reviews, seconds_min, run_length, by_month=True), key=lambda r: r.month or date.min)


def _counted(reviews: ir.Table, seconds_min: float, run_length: int, *, by_month: bool) -> list[Reviews]:
    table = _in_runs(reviews, run_length)
    keys = ["group", "month"] if by_month else ["group"]
    counted = table.group_by(keys).aggregate(
        n=table.count(),
        overridden=table.changed.sum(),
        wrong=(~table.right).sum(),
        wrong_kept=(~table.right & ~table.changed).sum(),
        right=table.right.sum(),
        right_overridden=(table.right & table.changed).sum(),
        timed=table.seconds.count(),
        fast=(table.seconds < seconds_min).sum(),
        in_runs=table.in_run.sum(),
        median=table.seconds.quantile(0.5),
    )
    rows = counted.order_by(ibis.desc("n"), ibis.asc("group", nulls_first=False)).to_pyarrow().to_pylist()
    return [
        Reviews(
            group=row["group"],
            month=row["month"].date() if by_month else None,
            median=None if row["median"] is None else float(row["median"]),
            **{name: int(row[name] or 0) for name in COUNTS},
        )
        for row in rows
    ]


def _in_runs(reviews: ir.Table, run_length: int) -> ir.Table:
    """Each review, and whether it stands among `run_length` or more of its team in a row that took one decision in the
    same number of whole seconds; one without a duration stands in none and breaks the run.
    """
    held = {
        "group": reviews.reviewer_group if "reviewer_group" in reviews.columns else ibis.null("string"),
        "right": reviews.ai_was_right if "ai_was_right" in reviews.columns else ibis.null("boolean"),
        "seconds": reviews.seconds if "seconds" in reviews.columns else ibis.null("float64"),
        "time": reviews.time if "time" in reviews.columns else ibis.null("timestamp"),
    }
    table = reviews.select(decision=reviews.decision, changed=reviews.overridden, **held)
    in_order = ibis.window(group_by="group", order_by=IN_TIME)
    whole = table.seconds.round()
    same = (table.changed == table.changed.lag().over(in_order)) & (whole == whole.lag().over(in_order))
    marked = table.mutate(month=table.time.truncate("M"), breaks=(~same).fill_null(True).cast("int64"))
    runs = marked.mutate(run=marked.breaks.sum().over(ibis.cumulative_window(group_by="group", order_by=IN_TIME)))
    long = runs.decision.count().over(ibis.window(group_by=["group", "run"])) >= run_length
    return runs.mutate(in_run=long & runs.seconds.notnull())


def review_rate(events: ir.Table, reviews: ir.Table) -> tuple[Share, Share]:
    """Events with at least one review, of all events; and reviews of no known event, of all reviews."""
    ids, decisions = events.select(id="id"), reviews.select(id="decision")
    (n, reviewed), (n_reviews, known) = _found(ids, decisions), _found(decisions, ids)
    return Share(reviewed, n), Share(n_reviews - known, n_reviews)


def _found(rows: ir.Table, among: ir.Table) -> tuple[int, int]:
    """How many rows (id) there are, and those of them whose id is `among` others (id)."""
    others = among.distinct().rename(other="id")
    joined = rows.left_join(others, rows.id == others.other)
    row = joined.aggregate(n=joined.count(), found=joined.other.count()).to_pyarrow().to_pylist()[0]
    return int(row["n"]), int(row["found"])


def review_rate_by_month(events: ir.Table, reviews: ir.Table) -> dict[date, Share]:
    """By the month of the event: events with at least one review, of all events."""
    reviewed = reviews.select(reviewed="decision").distinct()
    joined = events.left_join(reviewed, events.id == reviewed.reviewed)
    counted = joined.group_by(month=joined.time.truncate("M")).aggregate(
        n=joined.count(), count=joined.reviewed.count()
    )
    rows = counted.order_by("month").to_pyarrow().to_pylist()
    return {row["month"].date(): Share(int(row["count"]), int(row["n"])) for row in rows}


@dataclass(frozen=True)
class Gate:
    """How a case passes: a review within `hours` (None: at any time), or an actor that stands for a person."""

    hours: float | None
    actors: Sequence[str]


def passed(events: ir.Table, reviews: ir.Table | None, gates: Mapping[str, Sequence[Gate]]) -> dict[str, Share]:
    """By value of the text column `case`: events that passed one of the value's gates, of all with that value."""
    table = events.filter(events.case.isin(list(gates)))
    first = _first_review(table, reviews)
    rows = first.mutate(passed=_passes(first, gates)).group_by("case")
    found = rows.aggregate(n=ibis._.count(), count=ibis._.passed.sum()).to_pyarrow().to_pylist()
    counted = {str(r["case"]): Share(int(r["count"] or 0), int(r["n"])) for r in found}
    return {value: counted.get(value, Share(0, 0)) for value in gates}


def _first_review(events: ir.Table, reviews: ir.Table | None) -> ir.Table:
    if reviews is None or "id" not in events.columns:
        return events.mutate(hours=ibis.null("float64"))
    earliest = reviews.group_by(reviewed="decision").aggregate(first=reviews.time.min())
    joined = events.left_join(earliest, events.id == earliest.reviewed)
    return joined.mutate(hours=(joined["first"].epoch_seconds() - joined.time.epoch_seconds()) / 3600)


def _passes(rows: ir.Table, gates: Mapping[str, Sequence[Gate]]) -> ir.BooleanValue:
    ways: list[ir.BooleanValue] = [ibis.literal(False)]
    for value, of_value in gates.items():
        for gate in of_value:
            in_time = rows.hours.notnull() if gate.hours is None else (rows.hours <= gate.hours).fill_null(False)
            by_person = ibis.literal(False)
            if gate.actors and "actor" in rows.columns:
                by_person = rows.actor.isin(list(gate.actors)).fill_null(False)
            ways.append((rows.case == value) & (in_time | by_person))
    return ibis.or_(*ways)


def handed_over(conversations: ir.Table) -> Share:
    """Conversations in which a person took over, of those in which one was asked for; nothing logged is no handover."""
    asked = conversations.filter(conversations.handover_asked.fill_null(False))
    row = asked.aggregate(n=asked.count(), count=asked.handover_granted.sum()).to_pyarrow().to_pylist()[0]
    return Share(int(row["count"] or 0), int(row["n"]))


def versions_in_use(events: ir.Table) -> dict[str, int]:
    """The model versions of the newest day with a version, with the number of its events."""
    known = events.filter(events.model_version.notnull())
    newest = known.filter(known.time.date() == known.time.date().max())
    rows = newest.group_by("model_version").aggregate(n=ibis._.count()).order_by("model_version")
    return {str(r["model_version"]): int(r["n"]) for r in rows.to_pyarrow().to_pylist()}
