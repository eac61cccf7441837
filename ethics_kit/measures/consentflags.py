"""What a flag of today, kept without its history, can tell of consent at earlier moments: bounds, and no more."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir


@dataclass(frozen=True)
class Bounds:
    """Events by the flag their customer has now, and how many of the events had no consent, at least and at most."""

    yes: int
    no: int
    unrecorded: int
    shown_yes: int
    shown_no: int

    @property
    def total(self) -> int:
        return self.yes + self.no + self.unrecorded

    @property
    def at_least(self) -> int:
        """Events of customers whom no flag records, and those after a flag turned to no."""
        return self.unrecorded + self.shown_no

    @property
    def at_most(self) -> int:
        """All events but those after a flag turned to yes."""
        return self.total - self.shown_yes


def bounds(events: ir.Table, flags: ir.Table) -> Bounds:
    """Bounds of the events (customer, time, purpose) without consent, from flags (customer, purpose, time, consented).

    A flag read at `time` holds from the moment it last `changed` (a column, where that is kept) to that reading; before
    and after it both states were possible, whichever it shows (bounds without assumptions on what is missing: Manski
    1989, The anatomy of the selection problem). The latest reading counts; of several at once, a no.
    """
    keys = ["customer", "purpose"]
    newest = flags.mutate(newest=flags.time.max().over(group_by=keys)).filter(lambda t: t.time == t.newest)
    changed = newest.changed if "changed" in newest.columns else ibis.null("timestamp")
    current = (
        newest.mutate(changed=changed)
        .group_by(keys)
        .aggregate(read=ibis._.time.max(), yes=ibis._.consented.all(), since=ibis._.changed.max())
        .rename(holder="customer", for_purpose="purpose")
    )
    pairs = events.left_join(current, [events.customer == current.holder, events.purpose == current.for_purpose])
    shown = pairs.time.between(pairs.since, pairs.read).fill_null(False)
    yes, no = pairs.yes.fill_null(False), (~pairs.yes).fill_null(False)
    counted = pairs.aggregate(
        yes=yes.sum(), no=no.sum(), unrecorded=pairs.yes.isnull().sum(),
        shown_yes=(shown & yes).sum(), shown_no=(shown & no).sum(),
    )  # fmt: skip
    return Bounds(**{name: int(n or 0) for name, n in counted.to_pyarrow().to_pylist()[0].items()})
