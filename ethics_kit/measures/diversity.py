"""What looking alike tells of a sensitive value: l-diversity, t-closeness and δ-disclosure.

Each compares the values in every equivalence class with those of the whole extract. A missing value is a value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir


@dataclass(frozen=True)
class Diversity:
    """The worst class of each measure; None without rows.

    `distinct_l`: different values (Machanavajjhala et al. 2007). `entropy_l`: exp of the values' entropy, that is how
    many equally frequent values would have it (ibid.). `t`: distance of the class's distribution from the extract's,
    0 to 1 (Li, Li and Venkatasubramanian 2007). `delta`: largest |ln(share in the class / share in the extract)|
    (Brickell and Shmatikov 2008), None where a class lacks a value. `one_value`: rows in classes with a single value.
    """

    n: int
    values: int
    distinct_l: int | None
    entropy_l: float | None
    t: float | None
    delta: float | None
    one_value: int


def diversity(rows: ir.Table, columns: Sequence[str], sensitive: str, *, ordered: bool = False) -> Diversity:
    """Of the sensitive column in the classes by `columns`; `ordered` values are as far apart as their ranks.

    The distance of the others is equal, so that t is half the sum of differences (total variation). A missing value
    ranks below all others.
    """
    cells = (_with_parts if ordered else _cells)(rows, _values(rows, sensitive), columns, sensitive)
    equal = (1 + ((cells.p - cells.q).abs() - cells.q).sum()) / 2
    by_class = cells.group_by(list(columns)).aggregate(
        people=cells.c.sum(),
        values=cells.count(),
        entropy=-(cells.p * cells.p.ln()).sum(),
        t=(cells.part.sum() + cells.reached_before.min()) / (cells.m.max() - 1).nullif(0) if ordered else equal,
        delta=(cells.p / cells.q).ln().abs().max(),
    )
    worst = by_class.aggregate(
        n=by_class.people.sum(),
        distinct_l=by_class["values"].min(),
        entropy=by_class.entropy.min(),
        t=by_class.t.max(),
        delta=by_class.delta.max(),
        one_value=by_class.people.sum(where=by_class["values"] == 1),
    )
    (row,) = worst.to_pyarrow().to_pylist()
    values = int(rows.select(sensitive).distinct().count().to_pyarrow().as_py())
    return Diversity(values=values, **_told(row, values)) if values else Diversity(0, 0, None, None, None, None, 0)


def _told(row: dict[str, Any], values: int) -> dict[str, Any]:
    return {
        "n": int(row["n"]),
        "distinct_l": int(row["distinct_l"]),
        "entropy_l": math.exp(row["entropy"]),
        "t": min(max(row["t"] or 0.0, 0.0), 1.0),  # a sum of shares may pass 0 or 1 by a rounding error
        "delta": row["delta"] if row["distinct_l"] == values else None,
        "one_value": int(row["one_value"] or 0),
    }


def _cells(rows: ir.Table, values: ir.Table, columns: Sequence[str], sensitive: str) -> ir.Table:
    """Each value of each class: its rows `c`, its share of the class `p`, and what `values` says of it."""
    counted = rows.group_by([*columns, sensitive]).aggregate(c=ibis._.count())
    found = counted.join(values, counted[sensitive].identical_to(values.value))
    return found.mutate(p=found.c / found.c.sum().over(group_by=list(columns)))


def _values(rows: ir.Table, sensitive: str) -> ir.Table:
    """Each value of the extract, with its share `q`."""
    found = rows.group_by(value=rows[sensitive]).aggregate(f=ibis._.count())
    return found.mutate(q=found.f / found.f.sum().over())


def _with_parts(rows: ir.Table, values: ir.Table, columns: Sequence[str], sensitive: str) -> ir.Table:
    """As `_cells`, with what each value adds to the earth mover's distance of its class, as `part`.

    That distance is the sum over all values of |P − Q|, the shares in class and extract up to that value, over m − 1.
    From a value of the class to the next, P stays and Q grows: `turn` is the place up to which Q is P at most, and the
    sums of Q on both sides of it are differences of running sums. So a class costs its own values, not those of the
    extract.
    """
    in_order = ibis.window(order_by=values.value.asc(nulls_first=True))
    values = values.mutate(
        place=ibis.row_number().over(in_order) + 1,
        reached=values.f.cumsum().over(in_order) / values.f.sum().over(),
        m=values.count().over(),
    )
    values = values.mutate(sum_reached=values.reached.cumsum().over(order_by="place"))
    placed = _cells(rows, values, columns, sensitive)
    own = ibis.window(group_by=list(columns), order_by="place")
    steps = placed.mutate(up_to=placed.p.cumsum().over(own), reached_before=placed.sum_reached - placed.reached)
    steps = steps.mutate(
        stop=steps.place.lead().over(own).fill_null(steps.m),
        reached_stop=steps.reached_before.lead().over(own).fill_null(steps.sum_reached.max().over() - 1),
    )
    turns = values.select(at="reached", turn="place", sum_turn="sum_reached")
    met = steps.asof_join(turns, on=steps.up_to >= turns.at)
    turn = ibis.greatest(ibis.least(met.turn.fill_null(0), met.stop - 1), met.place - 1)
    sum_turn = ibis.greatest(ibis.least(met.sum_turn.fill_null(0.0), met.reached_stop), met.reached_before)
    above = met.up_to * (turn - met.place + 1) - (sum_turn - met.reached_before)
    below = (met.reached_stop - sum_turn) - met.up_to * (met.stop - 1 - turn)
    return met.mutate(part=above + below)
