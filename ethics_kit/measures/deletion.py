"""What became of requests to delete, and who still stands in which table. Only counts leave."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import waiting
from ethics_kit.measures.deadlines import column


def followed(requests: ir.Table, due: ir.TimestampValue, end: datetime) -> ir.Table:
    """One row per request (customer, time, completed) as it stood just before `end`: its state, and days since receipt.

    `due` is the first moment after its limit. A completion at or after `end` is still to come; one before the request
    was received is none.
    """
    moment = ibis.literal(end, type="timestamp")
    done = waiting.done(requests, "completed", end=end)
    return requests.select(
        customer=requests.customer,
        due=due,
        done=done,
        state=ibis.cases(
            (done & (requests.completed < due), "in_time"),
            (done, "late"),
            (due <= moment, "overdue"),
            else_="open",
        ),
        days=waiting.days_open(requests, "completed", end=end),
        undated=column(requests, "extended_until").notnull() & column(requests, "extended_on").isnull(),
    )


@dataclass(frozen=True)
class Requests:
    """Requests by what became of them; the first limit that an open one passed; extensions of no known day."""

    in_time: int = 0
    late: int = 0
    overdue: int = 0
    open: int = 0
    earliest_overdue: date | None = None
    undated: int = 0

    @property
    def settled(self) -> int:
        """Those of which it can be said whether the limit was kept."""
        return self.in_time + self.late + self.overdue


def requests_by_state(rows: ir.Table) -> Requests:
    """Count the rows that `followed` returns."""
    counted = rows.group_by("state").aggregate(
        n=rows.count(), due=rows.due.min(), undated=(rows.undated & (rows.state != "in_time")).sum()
    )
    found: dict[str, dict[str, Any]] = {row["state"]: row for row in counted.to_pyarrow().to_pylist()}
    return Requests(
        **{state: int(row["n"]) for state, row in found.items()},
        earliest_overdue=found["overdue"]["due"].date() if "overdue" in found else None,
        undated=sum(int(row["undated"] or 0) for row in found.values()),
    )


def days_taken(rows: ir.Table) -> tuple[list[float], list[bool], list[int]]:
    """Days since receipt, whether the request had been carried out by then, and how many were."""
    counted = rows.group_by("days", "done").aggregate(n=rows.count()).order_by("days", "done").to_pyarrow()
    return counted["days"].to_pylist(), counted["done"].to_pylist(), counted["n"].to_pylist()


@dataclass(frozen=True)
class Standing:
    """People who should stand nowhere: how many there are, and how many still do, after their request was carried out
    or past the limit of an open one; in any table that is not exempt, and table by table.
    """

    people: int
    completed: int
    overdue: int
    by_table: Mapping[str, tuple[int, int]]


def still_standing(rows: ir.Table, tables: Mapping[str, ir.Table], exempt: Collection[str]) -> Standing:
    """Who of the customers in `rows` (see `followed`) whose request is done or overdue is still in one of `tables`.

    Each table is read once, and only the customers who asked are kept of it.
    """
    gone = rows.filter(rows.state != "open").group_by("customer").aggregate(completed=ibis._.done.any())
    names = {name: f"in_{number}" for number, name in enumerate(tables)}
    found = gone.mutate(
        **{
            names[name]: gone.customer.isin(table.semi_join(gone, "customer").customer).fill_null(False)
            for name, table in tables.items()
        }
    )
    anywhere = [found[names[name]] for name in tables if name not in exempt]
    counted = {"any": ibis.or_(ibis.literal(False), *anywhere), **{n: found[n] for n in names.values()}}
    row = (
        found.aggregate(
            people=found.count(),
            **{f"{name}_done": (stands & found.completed).sum() for name, stands in counted.items()},
            **{f"{name}_due": (stands & ~found.completed).sum() for name, stands in counted.items()},
        )
        .to_pyarrow()
        .to_pylist()[0]
    )
    pairs = {name: (int(row[f"{name}_done"] or 0), int(row[f"{name}_due"] or 0)) for name in counted}
    return Standing(int(row["people"]), *pairs["any"], {name: pairs[n] for name, n in names.items()})
