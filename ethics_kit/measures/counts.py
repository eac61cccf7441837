"""The count table: one pass over the rows, and every rate of every group from what it returns.

The rows are grouped by all keys (attributes, strata) and flags at once. The table has one line for each combination
that occurs, so its size and the cost of what follows do not grow with the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ethics_kit.measures.metrics import Metric
from ethics_kit.measures.proportions import Pair, Sample, independent

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
    _sums: dict[tuple[str, ...], pd.DataFrame] = field(default_factory=dict, repr=False)

    def by(self, *keys: str) -> pd.DataFrame:
        """The table summed over all other keys."""
        if keys not in self._sums:
            columns = [*keys, *self.flags]
            grouped = self.table.groupby(columns, sort=True) if columns else None
            self._sums[keys] = self.table if grouped is None else grouped["rows"].sum().reset_index()
        return self._sums[keys]

    def shares(self, metric: Metric, *keys: str) -> pd.DataFrame:
        """The metric's `count` and `n` for each combination of `keys` that occurs, by name."""
        table = self.by(*keys)
        looked_at = _meets(table, metric.bottom)
        counts = looked_at & _meets(table, metric.top)
        sums = table.assign(count=table["rows"].where(counts, 0), n=table["rows"].where(looked_at, 0))
        return sums.groupby(list(keys), sort=True)[["count", "n"]].sum()

    def pairs(self, metric: Metric, *keys: str) -> list[Pair]:
        """Each known group, or combination of groups, against all other known ones."""
        return _pairs(self.shares(metric, *keys))

    def within(self, metric: Metric, stratum: str, *keys: str) -> dict[str, list[Pair]]:
        """As `pairs`, in each known stratum apart."""
        shares = self.shares(metric, stratum, *keys)
        strata = shares.index.get_level_values(0)
        return {s: _pairs(shares.loc[[s]].droplevel(0)) for s in strata.unique() if s != UNKNOWN}

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


def _meets(table: pd.DataFrame, conditions: Mapping[str, bool | None]) -> pd.Series[bool]:
    met = pd.Series(True, index=table.index)
    for flag, wanted in conditions.items():
        met &= table[flag] >= 0 if wanted is None else table[flag] == int(wanted)
    return met


def _pairs(shares: pd.DataFrame) -> list[Pair]:
    names = [n if isinstance(n, tuple) else (n,) for n in shares.index]
    rows = zip(names, shares["count"].tolist(), shares["n"].tolist(), strict=True)
    return independent([(BETWEEN.join(parts), count, n) for parts, count, n in rows if UNKNOWN not in parts])


def bounds(pair: Pair, unknown: Sample) -> tuple[float, float] | None:
    """The least and the largest gap, whatever groups the unknown rows belong to; None where a side may stay empty."""
    yes, no = unknown.count, unknown.n - unknown.count
    own, rest = pair.own, pair.rest
    if own.n <= 0 or rest.n <= 0:
        return None
    low = own.count / (own.n + no) - (rest.count + yes) / (rest.n + yes)
    high = (own.count + yes) / (own.n + yes) - rest.count / (rest.n + no)
    return low, high
