"""People's part in what a system does: reviews and what they change, checkpoints passed, persons reached on request.

Tables have their roles as column names (framework/tables.yaml). Every function returns counts only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.timelines import Share


@dataclass(frozen=True)
class Reviews:
    """The reviews of one team. `wrong` and `right` count those of which it is known whether the system erred.

    `timed` have a duration; `fast` took less than the limit; `median` is in seconds.
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
    median: float | None

    @property
    def unsettled(self) -> int:
        """Reviews of which it is not known whether the system had been right."""
        return self.n - self.wrong - self.right


def by_reviewer_group(reviews: ir.Table, *, seconds_min: float) -> list[Reviews]:
    """Count reviews by team, largest first; without a team's column all are one group without a name."""
    group = reviews.reviewer_group if "reviewer_group" in reviews.columns else ibis.null("string")
    right = reviews.ai_was_right if "ai_was_right" in reviews.columns else ibis.null("boolean")
    seconds = reviews.seconds if "seconds" in reviews.columns else ibis.null("float64")
    table = reviews.select(group=group, changed=reviews.overridden, right=right, seconds=seconds)
    counted = table.group_by("group").aggregate(
        n=table.count(),
        overridden=table.changed.sum(),
        wrong=(~table.right).sum(),
        wrong_kept=(~table.right & ~table.changed).sum(),
        right=table.right.sum(),
        right_overridden=(table.right & table.changed).sum(),
        timed=table.seconds.count(),
        fast=(table.seconds < seconds_min).sum(),
        median=table.seconds.quantile(0.5),
    )
    rows = counted.order_by(ibis.desc("n"), ibis.asc("group", nulls_first=False)).to_pyarrow().to_pylist()
    return [
        Reviews(
            group=row["group"],
            median=None if row["median"] is None else float(row["median"]),
            **{k: int(v or 0) for k, v in row.items() if k not in ("group", "median")},
        )
        for row in rows
    ]


def review_rate(events: ir.Table, reviews: ir.Table) -> tuple[Share, Share]:
    """Events with at least one review, of all events; and reviews of no known event, of all reviews."""
    reviewed = reviews.select(reviewed="decision").distinct()
    seen = events.semi_join(reviewed, events.id == reviewed.reviewed).count()
    known = events.select(known="id")
    stray = reviews.anti_join(known, reviews.decision == known.known).count()
    counts = [int(c.to_pyarrow().as_py()) for c in (seen, events.count(), stray, reviews.count())]
    return Share(counts[0], counts[1]), Share(counts[2], counts[3])


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
