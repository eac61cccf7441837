"""What was in force when: as-of joins of events with notices and opt-outs, and the age of rows.

Every function returns counts only. Tables have their roles as column names (framework/tables.yaml).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir


def _row(expression: ir.Table) -> dict[str, Any]:
    rows = expression.to_pyarrow().to_pylist()
    return {k: v or 0 for k, v in rows[0].items()} if rows else {}


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


def notices_reaching(events: ir.Table, notices: ir.Table, *, since: datetime) -> ir.Table:
    """A row per customer and month with an event from `since` on: `month` (its first day), and the latest notice at or
    before the customer's first event of the month, as `told`, `channel` and `language` (null without one).
    """
    recent = events.filter(events.time >= ibis.literal(since, type="timestamp"))
    first = recent.group_by("customer", month=recent.time.truncate("M").date()).aggregate(first=ibis._.time.min())
    shown = notices.select(
        who=notices.customer,
        at=notices.time,
        **{name: notices[name] if name in notices.columns else ibis.null("string") for name in ("channel", "language")},
    )
    pairs = first.left_join(shown, (first.customer == shown.who) & (shown["at"] <= first["first"]))
    return pairs.group_by("customer", "month").aggregate(
        told=ibis._.who.notnull().any(),
        channel=ibis._.channel.argmax(ibis._["at"]),
        language=ibis._.language.argmax(ibis._["at"]),
    )


def shares_by(rows: ir.Table, key: str, flag: str) -> dict[Any, Share]:
    """Rows with `flag`, of all, by the column `key` in its order; null, if it is there, comes last."""
    counted = rows.group_by(key).aggregate(n=ibis._.count(), count=ibis._[flag].sum())
    found = counted.order_by(ibis.asc(key, nulls_first=False)).to_pyarrow().to_pylist()
    return {row[key]: Share(int(row["count"] or 0), int(row["n"])) for row in found}


def unmatched(rows: ir.Table, customers: ir.Table, purposes: Collection[str]) -> tuple[Share, Share]:
    """Rows whose customer `customers` does not hold, and rows whose purpose differs from one of `purposes` by its
    spelling only (case, spaces), of all rows.
    """
    known = customers.select(known="customer").distinct()
    joined = rows.left_join(known, rows.customer == known.known)
    wanted = {"n": joined.count(), "strange": joined.known.isnull().sum()}
    if purposes and "purpose" in rows.columns:
        folded = joined.purpose.strip().lower().isin([p.strip().lower() for p in purposes])
        wanted["misspelt"] = (folded & joined.purpose.notin(list(purposes))).sum()
    found = _row(joined.aggregate(**wanted))
    n = int(found["n"])
    return Share(int(found["strange"] or 0), n), Share(int(found.get("misspelt") or 0), n)


@dataclass(frozen=True)
class AfterOptOut:
    """Events of one purpose, those strictly after the same customer's opt-out, and the customers concerned."""

    events: int
    after: int
    customers: int


def after_opt_out_by_purpose(events: ir.Table, opt_outs: ir.Table) -> dict[str | None, AfterOptOut]:
    """By purpose of the events, those strictly after the same customer's opt-out.

    An opt-out without a purpose is from all; one with a purpose counts for events of that purpose only.
    """
    keys = ["customer", "time", "purpose"]
    moments = events.group_by(keys).aggregate(events=ibis._.count())
    left = opt_outs_of(opt_outs)
    pairs = moments.left_join(left, moments.customer == left.who)
    concerns = (pairs.from_purpose == pairs.purpose).fill_null(True)
    after = ((pairs.time > pairs.left_at) & concerns).fill_null(False)
    flagged = pairs.mutate(after=after).group_by(keys).aggregate(events=ibis._.events.max(), after=ibis._.after.any())
    counted = flagged.group_by("purpose").aggregate(
        events=ibis._.events.sum(),
        late=ibis._.events.sum(where=ibis._.after),
        customers=ibis._.customer.nunique(where=ibis._.after),
    )
    rows = counted.order_by(ibis.desc("events"), "purpose").to_pyarrow().to_pylist()
    return {r["purpose"]: AfterOptOut(int(r["events"]), int(r["late"] or 0), int(r["customers"])) for r in rows}


def events_after_opt_out(events: ir.Table, opt_outs: ir.Table) -> Share:
    """As `after_opt_out_by_purpose`, over all purposes."""
    found = after_opt_out_by_purpose(events, opt_outs).values()
    return Share(sum(f.after for f in found), sum(f.events for f in found))


def opt_outs_of(opt_outs: ir.Table) -> ir.Table:
    """Opt-outs as `who`, `left_at`, `from_purpose` (null where they are from all) and `channel` (null if not kept)."""
    return opt_outs.select(
        who=opt_outs.customer,
        left_at=opt_outs.time,
        from_purpose=opt_outs.purpose if "purpose" in opt_outs.columns else ibis.null("string"),
        channel=opt_outs.channel if "channel" in opt_outs.columns else ibis.null("string"),
    )


@dataclass(frozen=True)
class Retention:
    """Rows older than a limit, the oldest row's day, and the rows that reach the limit within so many days."""

    over: int
    n: int
    oldest: datetime | None
    next_30: int = 0
    next_90: int = 0


def rows_over_limit(time: ir.Column, *, days: int, as_of: datetime) -> Retention:
    """Rows whose `time` lies more than `days` before `as_of`; rows without a time are not counted as kept in time."""
    limit = as_of - timedelta(days=days)
    table = time.as_table().rename(time=time.get_name())

    def older_than(moment: datetime) -> ir.BooleanValue:
        return (table.time < ibis.literal(moment, type="timestamp")).fill_null(False)

    over = older_than(limit) | table.time.isnull()
    seen = {
        "over": over.sum(),
        **{f"next_{d}": (older_than(limit + timedelta(days=d)) & ~over).sum() for d in (30, 90)},
    }
    row = table.aggregate(n=table.count(), oldest=table.time.truncate("D").min(), **seen).to_pyarrow().to_pylist()[0]
    return Retention(n=int(row["n"]), oldest=row["oldest"], **{name: int(row[name] or 0) for name in seen})


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


@dataclass(frozen=True)
class Courses:
    """Of `n` courses: those that are current, and of these those that lapse within so many days."""

    current: int
    n: int
    next_30: int
    next_90: int


def current_training(
    training: ir.Table, *, as_of: datetime, required: Mapping[str, Collection[str]] | None = None
) -> dict[str, Courses]:
    """By role: courses completed at or before `as_of` and not expired at or before it.

    Without a column `course` each row is a course. With it, a person's rows of one course are one, which the best of
    them decides. In a role of `required`, exactly the courses it names count, for each person whom any row names.
    """
    moment = ibis.literal(as_of, type="timestamp")
    expires = training.expires if "expires" in training.columns else ibis.null("timestamp")
    current = (training.completed <= moment).fill_null(False) & ~(expires <= moment).fill_null(False)
    never = ibis.literal(as_of + timedelta(days=365_000), type="timestamp")
    until = ibis.ifelse(current, expires.cast("timestamp").fill_null(never), ibis.null("timestamp"))
    rows = training.mutate(current=current, until=until)
    if "course" in training.columns:
        keys = ["role", "person", "course"]
        rows = rows.group_by(keys).aggregate(current=ibis._.current.any(), until=ibis._.until.max())
        rows = _only_required(rows, required or {})
    lapse = {f"next_{d}": (rows.until <= moment + ibis.interval(days=d)).fill_null(False).sum() for d in (30, 90)}
    counted = rows.group_by("role").aggregate(n=rows.count(), current=rows.current.sum(), **lapse).order_by("role")
    return {
        str(r["role"]): Courses(**{k: int(r[k] or 0) for k in ("current", "n", "next_30", "next_90")})
        for r in counted.to_pyarrow().to_pylist()
    }


def _only_required(rows: ir.Table, required: Mapping[str, Collection[str]]) -> ir.Table:
    """In the roles of `required`: each person with each course required, a missing one as not current."""
    if not required:
        return rows
    people = rows.select("role", "person").distinct()
    owed = ibis.union(
        *(
            people.filter(people.role == role).mutate(course=ibis.literal(course))
            for role, courses in sorted(required.items())
            for course in sorted(courses)
        )
    )
    held = owed.left_join(rows, ["role", "person", "course"]).select(
        "role", "person", "course", current=ibis._.current.fill_null(False), until=ibis._.until
    )
    return held.union(rows.filter(rows.role.notin(list(required))).select(held.columns))
