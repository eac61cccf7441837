"""Whose consent was in force when: events as of their own moment, and what went on after a withdrawal.

Only counts and days leave. Tables have their roles as column names (framework/tables.yaml).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

DAY = 86_400


@dataclass(frozen=True)
class ConsentCounts:
    """Events of one purpose by the consent they had at their own moment, and people who were processed after a
    withdrawal, with the days from that to their last event (median and longest; None where there is nobody).
    """

    in_force: int = 0
    withdrawn: int = 0
    expired: int = 0
    wrong_purpose: int = 0
    none: int = 0
    people_after: int = 0
    median_days: float | None = None
    longest_days: float | None = None

    @property
    def total(self) -> int:
        return self.in_force + self.without

    @property
    def without(self) -> int:
        return self.withdrawn + self.expired + self.wrong_purpose + self.none


def consent_by_purpose(events: ir.Table, consents: ir.Table) -> dict[str | None, ConsentCounts]:
    """Each event (customer, time, purpose) by the state of consent at that moment; a row not granted is no consent.

    In force: given at or before the event, and neither withdrawn nor expired at or before it. Otherwise the first that
    applies of withdrawn, expired, another purpose's consent in force, none.
    """
    judged = _judged(events, consents)
    withdrawn = judged.state == "withdrawn"
    people = (  # an event of another state needs no person: its group is one row
        judged.mutate(person=ibis.ifelse(withdrawn, judged.customer, ibis.null("string")))
        .group_by("purpose", "state", "person")
        .aggregate(events=ibis._.count(), days=ibis._.days.max())
    )
    rows = (
        people.group_by("purpose", "state")
        .aggregate(
            events=people.events.sum(),
            people=people.person.count(),
            median=people.days.median(),
            longest=people.days.max(),
        )
        .to_pyarrow()
        .to_pylist()
    )
    found: dict[str | None, dict[str, dict[str, float]]] = {}
    for row in rows:
        found.setdefault(row["purpose"], {})[row["state"]] = row
    return {purpose: _counts(states) for purpose, states in found.items()}


def _counts(states: dict[str, dict[str, float]]) -> ConsentCounts:
    after = states.get("withdrawn", {"people": 0, "median": None, "longest": None})
    return ConsentCounts(
        **{name: int(row["events"]) for name, row in states.items()},
        people_after=int(after["people"] or 0),
        median_days=after["median"],
        longest_days=after["longest"],
    )


def _judged(events: ir.Table, consents: ir.Table) -> ir.Table:
    """Events with their `state` and, where that is withdrawn, the `days` since the latest withdrawal.

    Each customer's consents are gathered into one list first, so that the join repeats no event and every event is
    judged where it stands: no sort and no grouping of the events, however many there are.
    """
    history = (
        _granted(consents)
        .group_by("holder")
        .aggregate(
            consents=ibis.struct(
                {name: ibis._[name] for name in ("purpose", "given", "withdrawn", "expires")}
            ).collect()
        )
    )
    rows = events.left_join(history, events.customer == history.holder)
    time, own = rows.time, rows.purpose

    def ended(consent: ir.StructValue, how: str) -> ir.BooleanValue:
        return (consent[how] <= time).fill_null(False)

    def in_force(consent: ir.StructValue) -> ir.BooleanValue:
        return (consent.given <= time).fill_null(False) & ~ended(consent, "withdrawn") & ~ended(consent, "expires")

    def same(consent: ir.StructValue) -> ir.BooleanValue:
        return (consent.purpose == own).fill_null(False)

    def begun(consent: ir.StructValue) -> ir.BooleanValue:
        return same(consent) & (consent.given <= time).fill_null(False)

    listed = rows.consents
    since = listed.filter(lambda c: begun(c) & ended(c, "withdrawn")).map(lambda c: c.withdrawn).maxs()
    state = ibis.cases(
        (listed.map(lambda c: same(c) & in_force(c)).anys(), "in_force"),
        (since.notnull(), "withdrawn"),
        (listed.map(lambda c: begun(c) & ended(c, "expires")).anys(), "expired"),
        (listed.map(in_force).anys(), "wrong_purpose"),
        else_="none",
    )
    days = (time.epoch_seconds() - since.epoch_seconds()) / DAY
    return rows.select("customer", "purpose", state=state, days=days)


def people_who_withdrew(consents: ir.Table, before: datetime) -> dict[str, int]:
    """By purpose, the people who withdrew a consent before a moment."""
    gone = _granted(consents).filter(lambda t: t.withdrawn < ibis.literal(before, type="timestamp"))
    counted = gone.group_by("purpose").aggregate(people=gone.holder.nunique())
    return {row["purpose"]: int(row["people"]) for row in counted.to_pyarrow().to_pylist()}


def _granted(consents: ir.Table) -> ir.Table:
    if "granted" in consents.columns:
        consents = consents.filter(consents.granted.fill_null(False))
    return consents.select(
        holder=consents.customer,
        purpose=consents.purpose,
        given=consents.given,
        withdrawn=consents.withdrawn if "withdrawn" in consents.columns else ibis.null("timestamp"),
        expires=consents.expires if "expires" in consents.columns else ibis.null("timestamp"),
    )
