"""What was in force when: as-of joins of events with consents, notices, opt-outs and retention limits.

Every function returns counts only. Tables have their roles as column names (framework/tables.yaml).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir


def _row(expression: ir.Table) -> dict[str, Any]:
    rows = expression.to_pyarrow().to_pylist()
    return {k: v or 0 for k, v in rows[0].items()} if rows else {}


@dataclass(frozen=True)
class ConsentCounts:
    """Events by the consent they had at their own moment."""

    total: int
    in_force: int
    withdrawn: int
    expired: int
    wrong_purpose: int
    none: int

    @property
    def without(self) -> int:
        return self.total - self.in_force


def consent_states(events: ir.Table, consents: ir.Table) -> ConsentCounts:
    """Each event (customer, time, purpose) by the state of consent at that moment; a row not granted is no consent.

    In force: given at or before the event, and neither withdrawn nor expired at or before it. Otherwise the first that
    applies of withdrawn, expired, another purpose's consent in force, none.
    """
    keys = ["customer", "time", "purpose"]
    moments = events.group_by(keys).aggregate(events=ibis._.count())
    if "granted" in consents.columns:
        consents = consents.filter(consents.granted.fill_null(False))
    given = consents.select(
        holder=consents.customer,
        for_purpose=consents.purpose,
        given=consents.given,
        withdrawn=consents.withdrawn if "withdrawn" in consents.columns else ibis.null("timestamp"),
        expires=consents.expires if "expires" in consents.columns else ibis.null("timestamp"),
    )
    pairs = moments.left_join(given, moments.customer == given.holder)
    begun = (pairs.given <= pairs.time).fill_null(False)
    withdrawn = (pairs.withdrawn <= pairs.time).fill_null(False)
    expired = (pairs.expires <= pairs.time).fill_null(False)
    same = (pairs.for_purpose == pairs.purpose).fill_null(False)
    states = (
        pairs.mutate(
            a=begun & same & ~withdrawn & ~expired,
            b=begun & same & withdrawn,
            c=begun & same & expired,
            d=begun & ~same & ~withdrawn & ~expired,
        )
        .group_by(keys)
        .aggregate(events=ibis._.events.max(), **{k: ibis._[k].any() for k in "abcd"})
    )
    state = ibis.cases(
        (states.a, "in_force"),
        (states.b, "withdrawn"),
        (states.c, "expired"),
        (states.d, "wrong_purpose"),
        else_="none",
    )
    rows = states.mutate(state=state).group_by("state").aggregate(n=ibis._.events.sum()).to_pyarrow().to_pylist()
    found = {r["state"]: int(r["n"]) for r in rows}
    parts = {k: found.get(k, 0) for k in ("in_force", "withdrawn", "expired", "wrong_purpose", "none")}
    return ConsentCounts(total=sum(parts.values()), **parts)


@dataclass(frozen=True)
class Share:
    """`count` of `n`."""

    count: int
    n: int


def noticed_before_first_event(events: ir.Table, notices: ir.Table) -> Share:
    """Customers with a notice at or before their first event, of all customers with an event."""
    first = events.group_by("customer").aggregate(first=ibis._.time.min())
    told = notices.group_by("customer").aggregate(told=ibis._.time.min())
    joined = first.left_join(told, "customer")
    found = _row(joined.aggregate(n=joined.count(), count=(joined.told <= joined.first).sum()))
    return Share(int(found["count"]), int(found["n"]))


def unmatched(rows: ir.Table, customers: ir.Table, purposes: Collection[str]) -> tuple[Share, Share]:
    """Rows whose customer `customers` does not hold, and rows whose purpose differs from one of `purposes` by its
    spelling only (case, spaces), of all rows.
    """
    known = customers.select("customer").distinct()
    strange = rows.anti_join(known, "customer").count()
    misspelt = ibis.literal(0)
    if "purpose" in rows.columns:
        folded = rows.purpose.strip().lower().isin([p.strip().lower() for p in purposes])
        misspelt = rows.filter(folded & rows.purpose.notin(list(purposes))).count()
    n = int(rows.count().to_pyarrow().as_py())
    return Share(int(strange.to_pyarrow().as_py()), n), Share(int(misspelt.to_pyarrow().as_py()), n)


def events_after_opt_out(events: ir.Table, opt_outs: ir.Table) -> Share:
    """Events strictly after the same customer's opt-out, of all events.

    An opt-out without a purpose is from all; one with a purpose counts for events of that purpose only.
    """
    left = opt_outs.select(
        who=opt_outs.customer,
        left_at=opt_outs.time,
        from_purpose=opt_outs.purpose if "purpose" in opt_outs.columns else ibis.null("string"),
    )
    keys = ["customer", "time", "purpose"]
    moments = events.group_by(keys).aggregate(events=ibis._.count())
    pairs = moments.left_join(left, moments.customer == left.who)
    concerns = (pairs.from_purpose == pairs.purpose).fill_null(True)
    after = ((pairs.time > pairs.left_at) & concerns).fill_null(False)
    flagged = pairs.mutate(after=after).group_by(keys).aggregate(events=ibis._.events.max(), after=ibis._.after.any())
    found = _row(flagged.aggregate(n=flagged.events.sum(), count=flagged.events.sum(where=flagged.after)))
    return Share(int(found["count"]), int(found["n"]))


@dataclass(frozen=True)
class Retention:
    """Rows older than a limit, and the oldest row's time."""

    over: int
    n: int
    oldest: datetime | None


def rows_over_limit(time: ir.Column, *, days: int, as_of: datetime) -> Retention:
    """Rows whose `time` lies more than `days` before `as_of`; rows without a time are not counted as kept in time."""
    limit = as_of - timedelta(days=days)
    table = time.as_table().rename(time=time.get_name())
    over = (table.time < ibis.literal(limit, type="timestamp")) | table.time.isnull()
    row = table.aggregate(n=table.count(), over=over.sum(), oldest=table.time.min()).to_pyarrow().to_pylist()[0]
    return Retention(over=int(row["over"] or 0), n=int(row["n"]), oldest=row["oldest"])


def rows_complete(events: ir.Table, fields: Sequence[str]) -> tuple[Share, dict[str, int]]:
    """Rows in which every one of `fields` (one or more) has a value, and the blank rows per field."""
    blanks = {f: events[f].isnull() for f in fields}
    any_blank = ibis.or_(*blanks.values())
    found = _row(
        events.aggregate(
            n=events.count(),
            count=(~any_blank).sum(),
            **{f"blank_{f}": blank.sum() for f, blank in blanks.items()},
        )
    )
    return Share(int(found["count"]), int(found["n"])), {f: int(found[f"blank_{f}"]) for f in fields}


def current_training(training: ir.Table, *, as_of: datetime) -> dict[str, Share]:
    """By role: rows completed at or before `as_of` and not expired at or before it, of all rows."""
    moment = ibis.literal(as_of, type="timestamp")
    current = (training.completed <= moment).fill_null(False)
    if "expires" in training.columns:
        current &= ~(training.expires <= moment).fill_null(False)
    rows = (
        training.mutate(current=current)
        .group_by("role")
        .aggregate(n=ibis._.count(), count=ibis._.current.sum())
        .order_by("role")
        .to_pyarrow()
        .to_pylist()
    )
    return {str(r["role"]): Share(int(r["count"] or 0), int(r["n"])) for r in rows}
