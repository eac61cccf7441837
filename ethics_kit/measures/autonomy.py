"""How long customers are still decided on after they opted out, and how long they wait for a person.

Tables have their roles as column names (framework/tables.yaml). Every function returns counts only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.timelines import Share, opt_outs_of

DAY = 86_400


def opt_outs_followed(events: ir.Table, opt_outs: ir.Table, *, end: datetime) -> ir.Table:
    """A row for each opt-out before `end`, with the days it was `followed` and, in `days`, those from it to the last
    event that it should have kept away; null where there was none.

    Events (customer, time, purpose) count as in `timelines.after_opt_out_by_purpose`.
    """
    left = opt_outs_of(opt_outs).filter(ibis._.left_at < ibis.literal(end, type="timestamp"))
    keys = ["who", "left_at", "from_purpose", "channel"]
    each = left.group_by(keys).aggregate(opt_outs=ibis._.count())
    known = events.select(customer="customer", time="time", purpose="purpose")
    pairs = each.left_join(known, each.who == known.customer)
    concerns = (pairs.from_purpose == pairs.purpose).fill_null(True)
    after = ((pairs.time > pairs.left_at) & concerns).fill_null(False)
    last = pairs.mutate(after=after).group_by(keys)
    found = last.aggregate(opt_outs=ibis._.opt_outs.max(), last=ibis._.time.max(where=ibis._.after))
    since = found.left_at.epoch_seconds()
    return found.mutate(
        days=(found["last"].epoch_seconds() - since) / DAY,
        followed=(ibis.literal(end, type="timestamp").epoch_seconds() - since) / DAY,
    )


def still_decided_on(followed: ir.Table, days: Sequence[int]) -> dict[int, Share]:
    """For each number of days: the opt-outs with an event later than that, of those that were followed for so long.

    Nobody can tell which event is the last, so that this is no survival curve of the last event: every opt-out counts
    for a number of days only if all of these have passed.
    """
    sums = {f"n{d}": followed.opt_outs.sum(where=followed.followed >= d) for d in days}
    late = {f"late{d}": followed.opt_outs.sum(where=(followed.days > d).fill_null(False)) for d in days}
    row = followed.aggregate(**sums, **late).to_pyarrow().to_pylist()[0]
    return {d: Share(int(row[f"late{d}"] or 0), int(row[f"n{d}"] or 0)) for d in days}


@dataclass(frozen=True)
class Latency:
    """Opt-outs, those with an event afterwards, and of these the median and longest days to the last event."""

    opt_outs: int
    after: int
    median: float | None
    longest: float | None


def latency_by(followed: ir.Table, key: ir.Value) -> dict[str | None, Latency]:
    """The latency of the opt-outs by a text `key` of theirs, in its order."""
    grouped = followed.mutate(key=key).group_by("key")
    rows = grouped.aggregate(
        n=ibis._.opt_outs.sum(),
        after=ibis._.opt_outs.sum(where=ibis._.days.notnull()),
        median=ibis._.days.median(),
        longest=ibis._.days.max(),
    )
    return {
        row["key"]: Latency(int(row["n"]), int(row["after"] or 0), row["median"], row["longest"])
        for row in rows.order_by(ibis.asc("key", nulls_first=False)).to_pyarrow().to_pylist()
    }


@dataclass(frozen=True)
class Waits:
    """How long those who asked for a person waited: (minutes, answered, how many) for each number of whole minutes.

    Minutes are rounded up; who was not answered waited until the end. `impossible` were answered before they asked and
    are in no cell.
    """

    cells: tuple[tuple[int, bool, int], ...]
    offered: int
    asked: int
    impossible: int

    @property
    def answered(self) -> int:
        return sum(n for _, done, n in self.cells if done)


def waits(requests: ir.Table, *, end: datetime) -> Waits:
    """Requests for a person before `end`; whoever was answered had been offered one, whatever the column says."""
    table = _waited(requests, end)
    counted = table.group_by("minutes", "answered").aggregate(n=table.count(), offered=table.offer.sum())
    rows = counted.order_by("minutes", "answered").to_pyarrow().to_pylist()
    possible = [row for row in rows if row["minutes"] is not None and row["minutes"] >= 0]
    return Waits(
        cells=tuple((int(r["minutes"]), bool(r["answered"]), int(r["n"])) for r in possible),
        offered=sum(int(r["offered"] or 0) for r in rows),
        asked=sum(int(r["n"]) for r in rows),
        impossible=sum(int(r["n"]) for r in rows) - sum(int(r["n"]) for r in possible),
    )


def answered_in_time(requests: ir.Table, *, minutes: int, end: datetime) -> ir.Table:
    """The requests made at least `minutes` before `end`, with a flag `yes`: answered within so many minutes."""
    table = _waited(requests, end)
    old = table.filter(table.open_for >= minutes)
    return old.mutate(yes=(old.answered & (old.minutes <= minutes)).fill_null(False))


def _waited(requests: ir.Table, end: datetime) -> ir.Table:
    close = ibis.literal(end, type="timestamp")
    answered = (requests.served < close).fill_null(False)
    offered = requests.offered.fill_null(False) if "offered" in requests.columns else ibis.literal(False)
    asked = requests.time.epoch_seconds()
    open_for = ((close.epoch_seconds() - asked) / 60).floor()
    waited = ((requests.served.epoch_seconds() - asked) / 60).ceil()
    return requests.mutate(
        answered=answered,
        offer=offered | answered,
        open_for=open_for,
        minutes=ibis.ifelse(answered, waited, open_for).cast("int64"),
    )


def choices(chosen: ir.Table) -> dict[str, Share]:
    """By kind of choice, those carried out, of all made; a blank is none that was carried out."""
    counted = chosen.group_by("choice").aggregate(n=ibis._.count(), count=ibis._.honoured.sum())
    rows = counted.order_by(ibis.desc("n"), "choice").to_pyarrow().to_pylist()
    return {str(row["choice"]): Share(int(row["count"] or 0), int(row["n"])) for row in rows}
