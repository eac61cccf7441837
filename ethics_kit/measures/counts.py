"""The count table: one pass over the rows, and every rate of every group from what it returns.

The rows are grouped by all keys (attributes, strata) and flags at once. The table has one line for each combination
that occurs, so its size and the cost of what follows do not grow with the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ethics_kit.measures.metrics import Metric
from ethics_kit.measures.proportions import Array, Pair, Sample, independent

UNKNOWN = "unknown"
"""The group of rows without a value."""

BETWEEN = " × "
"""Between the parts of a combination's name."""


@dataclass(frozen=True)
class Counts:
    """Rows by keys and flags, where every row stands for itself.

    `table` has a text column per key (a missing value is *unknown*), an int8 column per flag (1 yes, 0 no, -1 not
    known) and `rows`.
    """

    table: pd.DataFrame
    keys: tuple[str, ...]
    flags: tuple[str, ...]
    _places: dict[tuple[str, ...], tuple[pd.Index[Any], Array]] = field(default_factory=dict, repr=False)
    _arrays: dict[str, Array] = field(default_factory=dict, repr=False)

    def shares(self, metric: Metric, *keys: str) -> pd.DataFrame:
        """The metric's `count` and `n` for each combination of `keys` that occurs, by name."""
        names, counts, n = self._summed(metric, keys)
        return pd.DataFrame({"count": counts, "n": n}, index=names)

    def pairs(self, metric: Metric, *keys: str) -> list[Pair]:
        """Each known group, or combination of groups, against all other known ones."""
        return _pairs(*self._summed(metric, keys))

    def within(self, metric: Metric, stratum: str, *keys: str) -> dict[str, list[Pair]]:
        """As `pairs`, in each known stratum apart."""
        names, counts, n = self._summed(metric, (stratum, *keys))
        strata = names.get_level_values(0)
        inside = {s: strata == s for s in strata.unique() if s != UNKNOWN}
        return {s: _pairs(names[rows].droplevel(0), counts[rows], n[rows]) for s, rows in inside.items()}

    def _summed(self, metric: Metric, keys: tuple[str, ...]) -> tuple[pd.Index[Any], Array, Array]:
        """The combinations of `keys` that occur, in their order, with the metric's count and n."""
        if keys not in self._places:
            grouped = self.table.groupby(list(keys), sort=True)
            self._places[keys] = grouped.size().index, grouped.ngroup().to_numpy().astype(np.intp)
        names, places = self._places[keys]
        rows, looked_at = self._column("rows"), self._meets(metric.bottom)
        counted = looked_at & self._meets(metric.top)
        counts, n = (np.bincount(places[m], weights=rows[m], minlength=len(names)) for m in (counted, looked_at))
        return names, counts.astype(rows.dtype), n.astype(rows.dtype)

    def _meets(self, conditions: Mapping[str, bool | None]) -> NDArray[np.bool_]:
        met = np.ones(len(self.table), dtype=bool)
        for flag, wanted in conditions.items():
            column = self._column(flag)
            met &= column >= 0 if wanted is None else column == int(wanted)
        return met

    def _column(self, name: str) -> Array:
        if name not in self._arrays:
            self._arrays[name] = self.table[name].to_numpy()
        return self._arrays[name]

    def unknown(self, *keys: str) -> tuple[int, int]:
        """Rows without a value in any of `keys`, and all rows."""
        missing = (self.table[list(keys)] == UNKNOWN).any(axis=1)
        return int(self.table["rows"][missing].sum()), int(self.table["rows"].sum())


def count(events: ir.Table, keys: Sequence[str], flags: Sequence[str]) -> Counts:
    """Group `events` once by its text columns `keys` and boolean columns `flags`."""
    columns = [*keys, *flags]
    grouped = events.group_by(columns).aggregate(rows=ibis._.count()).to_pyarrow()
    data = {key: _text(grouped[key]) for key in keys}
    data |= {flag: pc.fill_null(grouped[flag].cast(pa.int8()), -1).to_numpy() for flag in flags}
    data["rows"] = grouped["rows"].to_numpy().astype(np.int64)
    table = pd.DataFrame(data)
    derived = tuple(flags)
    if {"selected", "positive"} <= set(flags):
        known = (table["selected"] >= 0) & (table["positive"] >= 0)
        table["correct"] = np.where(known, table["selected"] == table["positive"], -1).astype(np.int8)
        derived = (*flags, "correct")
    return Counts(table, tuple(keys), derived)


def _text(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.asarray(pc.fill_null(column.cast(pa.string()), UNKNOWN).to_pylist(), dtype=object)


def _pairs(names: pd.Index[Any], counts: Array, n: Array) -> list[Pair]:
    parts = [name if isinstance(name, tuple) else (name,) for name in names]
    cells = zip(parts, counts.tolist(), n.tolist(), strict=True)
    return independent([(BETWEEN.join(name), count, rows) for name, count, rows in cells if UNKNOWN not in name])


def bounds(pair: Pair, unknown: Sample) -> tuple[float, float] | None:
    """The least and the largest gap, whatever groups the unknown rows belong to; None where a side may stay empty."""
    yes, no = unknown.count, unknown.n - unknown.count
    own, rest = pair.own, pair.rest
    if own.n <= 0 or rest.n <= 0:
        return None
    low = own.count / (own.n + no) - (rest.count + yes) / (rest.n + yes)
    high = (own.count + yes) / (own.n + yes) - rest.count / (rest.n + no)
    return low, high
