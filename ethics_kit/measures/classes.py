"""Decisions among more than two classes, ordered or not: counts by group, class decided and class deserved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.sums import by_group

Cells = list[tuple[str, int, int]]
"""(group, count, n), as `proportions.independent` takes them."""


@dataclass(frozen=True)
class Confusion:
    """Rows per attribute, group and (class decided, class deserved or None where that is not known).

    `outside` counts rows whose class is none of `order`, by column and class; they and the `undecided`, without a
    decision, are in no group.
    """

    order: tuple[str, ...]
    groups: dict[str, dict[str, dict[tuple[str, str | None], int]]]
    outside: dict[str, dict[str, int]]
    undecided: int


def confusion(events: ir.Table, attributes: Sequence[str], order: Sequence[str]) -> Confusion:
    """Count the text columns `decision` and `deserved` (null: not known) by group, in one group-by.

    `order` names the classes, the best for the person first. A missing attribute value is the group *unknown*.

    Raises
    ------
    ValueError
        `order` holds fewer than two classes, or one twice.
    """
    if len(order) < 2 or len(set(order)) < len(order):
        raise ValueError(f"the order of classes needs two or more, each once; got {', '.join(order) or 'none'}")
    keys = [*attributes, "decision", "deserved"]
    rows = events.group_by(keys).aggregate(rows=ibis._.count()).order_by(keys).to_pyarrow().to_pylist()
    outside: dict[str, dict[str, int]] = {"decision": {}, "deserved": {}}
    for row in rows:
        for column, found in outside.items():
            if row[column] is not None and row[column] not in order:
                found[row[column]] = found.get(row[column], 0) + row["rows"]
    undecided = sum(row["rows"] for row in rows if row["decision"] is None)
    within = [row for row in rows if row["decision"] in order and row["deserved"] in (*order, None)]
    groups: dict[str, dict[str, dict[tuple[str, str | None], int]]] = {name: {} for name in attributes}
    for attribute, group, row in by_group(within, attributes):
        cells = groups[attribute].setdefault(group, {})
        cell = (row["decision"], row["deserved"])
        cells[cell] = cells.get(cell, 0) + row["rows"]
    ordered = {attribute: dict(sorted(found.items())) for attribute, found in groups.items()}
    return Confusion(tuple(order), ordered, {c: dict(sorted(found.items())) for c, found in outside.items()}, undecided)


def one_vs_rest(counted: Confusion, attribute: str) -> dict[str, dict[str, Cells]]:
    """Per class and metric the cells of each group, the class taken as selected and all others as not.

    The metrics are selection_rate (of all decided) and, of those whose deserved class is known, true_positive_rate,
    false_positive_rate and positive_predictive_value.
    """
    found: dict[str, dict[str, Cells]] = {}
    for one in counted.order:
        metrics: dict[str, Cells] = {}
        for group, cells in counted.groups[attribute].items():
            known = {cell: rows for cell, rows in cells.items() if cell[1] is not None}
            decided = sum(rows for (decision, _), rows in cells.items() if decision == one)
            known_decided = sum(rows for (decision, _), rows in known.items() if decision == one)
            deserved = sum(rows for (_, right), rows in known.items() if right == one)
            both = known.get((one, one), 0)
            shares = {
                "selection_rate": (decided, sum(cells.values())),
                "true_positive_rate": (both, deserved),
                "false_positive_rate": (known_decided - both, sum(known.values()) - deserved),
                "positive_predictive_value": (both, known_decided),
            }
            for metric, (count, n) in shares.items():
                metrics.setdefault(metric, []).append((group, count, n))
        found[one] = metrics
    return found


@dataclass(frozen=True)
class Placed:
    """Of the `n` in a group who could have been placed so, `count` were."""

    group: str
    count: int
    n: int


def placed_lower(counted: Confusion, attribute: str) -> list[Placed]:
    """Per group, those placed lower than deserved, of those who deserved any class but the lowest."""
    return _placed(counted, attribute, counted.order)


def placed_higher(counted: Confusion, attribute: str) -> list[Placed]:
    """Per group, those placed higher than deserved, of those who deserved any class but the highest."""
    return _placed(counted, attribute, counted.order[::-1])


def _placed(counted: Confusion, attribute: str, order: Sequence[str]) -> list[Placed]:
    """Those placed further along `order` than deserved."""
    place = {one: i for i, one in enumerate(order)}
    found = []
    for group, cells in counted.groups[attribute].items():
        could = [(place[d] - place[r], rows) for (d, r), rows in cells.items() if r is not None and r != order[-1]]
        found.append(Placed(group, sum(rows for steps, rows in could if steps > 0), sum(rows for _, rows in could)))
    return found
