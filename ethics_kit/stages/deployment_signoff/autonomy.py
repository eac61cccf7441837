"""C3.1: what was still decided after customers had opted out, and how long that went on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import autonomy, timelines
from ethics_kit.measures.autonomy import Latency
from ethics_kit.measures.proportions import rate
from ethics_kit.measures.timelines import AfterOptOut, Share
from ethics_kit.record import Table
from ethics_kit.report import figures
from ethics_kit.stages import events
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed, share_finding

HORIZONS = (0, 1, 7, 30, 90)
"""Days after an opt-out at which the record tells who was still decided on, beside the policy's."""


def decided_after_opt_out(case: Case) -> Outcome:
    """C3.1: events after the customer had opted out."""
    name = "decided_after_opt_out"
    read = _read(case)
    if isinstance(read, str):
        return Outcome((not_assessed("C3.1", name, read),))
    found = timelines.after_opt_out_by_purpose(read.events, read.rows)
    after, n = sum(f.after for f in found.values()), sum(f.events for f in found.values())
    known = read.strange
    policy = case.dossier.policy.coverage.after_opt_out_max
    finding = share_finding(
        case,
        "C3.1",
        name,
        after,
        n,
        statement=f"{after} of {n} events came after the customer had opted out "
        f"({known.n - known.count} of {known.n} opt-outs are of known customers).",
        at_most=policy.value,
        unit="share of events",
        action="Honour opt-outs before the system runs, and tell the customers concerned.",
        source=policy.source,
    )
    return Outcome((finding,), (_by_purpose(found),))


def _by_purpose(found: Mapping[str | None, AfterOptOut]) -> Table:
    return Table(
        id="C3.1.by_purpose",
        title="Events after an opt-out, by purpose",
        requirement="C3.1",
        columns=["purpose", "events", "after an opt-out", "customers concerned"],
        rows=[[purpose or "none stated", f.events, f.after, f.customers] for purpose, f in found.items()],
        note="What is not to happen at all is counted to the last one, however few.",
    )


def opt_out_latency(case: Case) -> Outcome:
    """C3.1: how long customers were still decided on after they had opted out."""
    name, policy = "opt_out_latency", case.dossier.policy.autonomy.opt_out_days
    read = _read(case)
    if isinstance(read, str):
        return Outcome((not_assessed("C3.1", name, read),))
    followed = case.dossier.tables.kept(autonomy.opt_outs_followed(read.events, read.rows, end=case.end))
    days = sorted({*HORIZONS, policy.value})
    still = autonomy.still_decided_on(followed, days)
    late = still[policy.value]
    if not late.n:
        return Outcome((not_assessed("C3.1", name, f"an opt-out of at least {policy.value} days ago"),))
    (whole,) = autonomy.latency_by(followed, ibis.literal("all")).values()
    limit = case.dossier.policy.coverage.after_opt_out_max
    told = ""
    if whole.after:
        told = f" Where it went on, half had their last event more than {whole.median or 0:.1f} days after the opt-out,"
        told += f" {whole.longest or 0:.1f} at most."
    finding = share_finding(
        case,
        "C3.1",
        name,
        late.count,
        late.n,
        statement=f"After {late.count} of {late.n} opt-outs the customer was still decided on more than {policy.value} "
        f"days later.{told}",
        at_most=limit.value,
        unit="share of opt-outs",
        action="Find the list or run that reads opt-outs late, and shorten the way.",
        source=f"{policy.source}; {limit.source}",
        minimum=1,
    )
    tables = (_still(case, still), *_groups(case, followed))
    confidence = case.dossier.policy.fairness.confidence.value
    return Outcome((finding,), tables, figures.still_decided(still, limit=policy.value, confidence=confidence))


@dataclass(frozen=True)
class OptOuts:
    """The opt-outs, the events (with their purpose) they are held against, and those that match no customer."""

    events: ir.Table
    rows: ir.Table
    strange: Share


@cache
def _read(case: Case) -> OptOuts | str:
    """The opt-outs, or what is lacking before they can be held against events."""
    table = case.dossier.system.events
    for needed in ((table, "customer", "time"), ("opt_outs", "customer", "time")):
        if not case.has(*needed):
            return case.lacking(*needed)
    decided = events.with_purpose(case)
    if decided is None:
        return f"in the table {table} the column for purpose"
    opt_outs = case.table("opt_outs")
    known = case.table("customers") if case.has("customers", "customer") else decided
    purposes = [b.purpose for b in case.dossier.system.lawful_bases]
    strange, misspelt = timelines.unmatched(opt_outs, known, purposes)
    if 2 * strange.count > strange.n:
        return f"opt-outs with the ids of customers: {strange.count} of {strange.n} match no customer"
    if misspelt.count:
        return f"opt-outs with purposes spelt as in system.yaml: {misspelt.count} of {misspelt.n} are not"
    return OptOuts(decided, opt_outs, strange)


def _still(case: Case, still: Mapping[int, Share]) -> Table:
    confidence = case.dossier.policy.fairness.confidence.value
    shares = {days: rate(s.count, s.n, confidence=confidence) for days, s in still.items()}
    return Table(
        id="C3.1.still_decided_on",
        title="Still decided on, by days since the opt-out",
        requirement="C3.1",
        columns=["days since", "opt-outs", "still decided on", "share", "low", "high"],
        rows=[[d, s.n, s.count, shares[d].value, shares[d].low, shares[d].high] for d, s in still.items()],
        note="An opt-out counts for a number of days only if these have passed by the as-of date.",
    )


def _groups(case: Case, followed: ir.Table) -> tuple[Table, ...]:
    """By quarter of the opt-out, and by its channel where that is kept."""
    quarter = followed.left_at.year().cast("string") + " Q" + followed.left_at.quarter().cast("string")
    keys = {"quarter": quarter} | ({"channel": followed.channel} if case.has("opt_outs", "channel") else {})
    return tuple(_latencies(case, name, autonomy.latency_by(followed, key)) for name, key in keys.items())


def _latencies(case: Case, name: str, found: Mapping[str | None, Latency]) -> Table:
    policy = case.dossier.policy
    shares = {k: rate(f.after, f.opt_outs, confidence=policy.fairness.confidence.value) for k, f in found.items()}
    rows = [
        [key or "not known", f.opt_outs, f.after, s.value, s.low, s.high, *_days(f)]
        for (key, f), s in zip(found.items(), shares.values(), strict=True)
    ]
    shown, hidden = hide_small(rows, n_column=1, counts=range(2, 8), small=policy.records.small_cell.value)
    return Table(
        id=f"C3.1.latency_by_{name}",
        title=f"Events after an opt-out, by {name} of the opt-out",
        requirement="C3.1",
        columns=[name, "opt-outs", "with an event after", "share", "low", "high", "median days", "longest"],
        rows=shown,
        hidden=hidden,
    )


def _days(found: Latency) -> list[float | None]:
    return [None if days is None else round(days, 1) for days in (found.median, found.longest)]
