"""Who is among the first k by score, by group, where only k can be served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.sums import by_group

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Places:
    """A group's rows, and those among the first k.

    `labelled` rows have an outcome, `positives` a positive one; `without_score` are rows too, and never selected.
    """

    rows: int
    labelled: int
    positives: int
    without_score: int
    selected: float
    selected_labelled: float
    selected_positives: float


@dataclass(frozen=True)
class TopK:
    """The first `k` by attribute and group.

    `cut_score` is the last score that is in. Where more rows have it than places are left, `tied` is their number and
    `places_left` what they share; else both are 0.
    """

    k: int
    cut_score: float | None
    tied: int
    places_left: int
    groups: dict[str, dict[str, Places]]


def top_k(
    events: ir.Table, attributes: Sequence[str], ks: Sequence[int], *, highest_first: bool = True
) -> dict[int, TopK]:
    """The first k rows by `score` (a number or null) for each of `ks`, in one query; `positive` is boolean or null.

    Rows tied at the cut each count as the share of places left for them, which is what drawing lots would give on
    average, whatever the order of rows. A missing attribute value is the group *unknown*.

    Raises
    ------
    ValueError
        A k is under 1.
    """
    if min(ks, default=1) < 1:
        raise ValueError(f"{min(ks)} places cannot be given; k is 1 or more")
    order = ibis.desc("score", nulls_first=False) if highest_first else ibis.asc("score", nulls_first=False)
    ranked = events.select(*attributes, "positive", "score").mutate(
        above=ibis.rank().over(order_by=order),  # from 0: how many rows are strictly before
        tied=ibis._.count().over(group_by="score"),
    )
    scored, above, tied = ranked.score.notnull(), ranked.above, ranked.tied
    sums = {"rows": ranked.count(), "without_score": ranked.score.isnull().sum()}
    for k in ks:
        split = scored & (above < k) & (above + tied > k)
        inside = scored & (above < k)
        sums[f"whole_{k}"] = (scored & (above + tied <= k)).sum()
        sums[f"split_{k}"] = split.sum()
        sums[f"tied_{k}"] = tied.max(where=split)
        sums[f"above_{k}"] = above.max(where=split)
        sums[f"cut_{k}"] = ranked.score.min(where=inside) if highest_first else ranked.score.max(where=inside)
    rows = ranked.group_by([*attributes, "positive"]).aggregate(**sums).to_pyarrow().to_pylist()
    held: dict[str, dict[str, list[Row]]] = {name: {} for name in attributes}
    for attribute, group, row in by_group(rows, attributes):
        held[attribute].setdefault(group, []).append(row)
    cut = min if highest_first else max
    found = {}
    for k in ks:
        tied_rows, before = (max((row[f"{name}_{k}"] or 0 for row in rows), default=0) for name in ("tied", "above"))
        left = k - before if tied_rows else 0
        found[k] = TopK(
            k=k,
            cut_score=cut((row[f"cut_{k}"] for row in rows if row[f"cut_{k}"] is not None), default=None),
            tied=tied_rows,
            places_left=left,
            groups={
                name: {group: _places(cells, k, left, tied_rows) for group, cells in sorted(groups.items())}
                for name, groups in held.items()
            },
        )
    return found


def _places(cells: Sequence[Row], k: int, left: int, tied: int) -> Places:
    labelled = [row for row in cells if row["positive"] is not None]
    positives = [row for row in labelled if row["positive"]]

    def total(column: str, some: Sequence[Row]) -> int:
        return sum(row[column] for row in some)

    def selected(some: Sequence[Row]) -> float:
        shared = total(f"split_{k}", some) * left / tied if tied else 0.0
        return total(f"whole_{k}", some) + shared

    return Places(
        rows=total("rows", cells),
        labelled=total("rows", labelled),
        positives=total("rows", positives),
        without_score=total("without_score", cells),
        selected=selected(cells),
        selected_labelled=selected(labelled),
        selected_positives=selected(positives),
    )
