"""Exact sums of a number by group and stratum: what means, variances and their gaps are computed from.

A single group-by returns counts and sums; no row leaves the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from ethics_kit.measures.counts import UNKNOWN

Stratum = tuple[Any, ...]


@dataclass(frozen=True)
class Moments:
    """Sums of a number over some rows: `n` rows have it, `missing` do not.

    The sums are exact: floating-point sums depend on the order of rows, and give equal values a variance that is not 0.
    """

    n: int = 0
    missing: int = 0
    total: Fraction = Fraction(0)
    squares: Fraction = Fraction(0)

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.n + other.n,
            self.missing + other.missing,
            self.total + other.total,
            self.squares + other.squares,
        )

    def __sub__(self, part: Moments) -> Moments:
        """The moments of all other rows; exact as well."""
        return Moments(
            self.n - part.n,
            self.missing - part.missing,
            self.total - part.total,
            self.squares - part.squares,
        )

    @property
    def mean(self) -> float | None:
        return float(self.total / self.n) if self.n else None

    @property
    def variance(self) -> float | None:
        """The sample's variance (divisor n - 1); None under two rows."""
        return float((self.squares - self.total**2 / self.n) / (self.n - 1)) if self.n > 1 else None


Groups = dict[str, dict[Stratum, Moments]]
"""Moments by group and stratum; without strata the only one is ``()``."""


def moments(
    events: ir.Table, attributes: Sequence[str], values: Sequence[str], *, by: Sequence[str] = ()
) -> dict[str, dict[str, Groups]]:
    """Per column of `values` (finite numbers or null) and attribute, its moments by group and stratum.

    Strata are the values of the columns `by`. A missing attribute value is the group *unknown*. A number counts to 14
    digits of the largest in its column.
    """
    keys = [*attributes, *by]
    kept = events.select(*keys, *values)
    scaled = kept.cross_join(kept.aggregate(**{f"power_{v}": _power_of_ten(kept[v]) for v in values}))
    sums = {}
    for name in values:
        # Decimals of 18 digits: the sum of their squares fits into 38 and is exact up to 10^10 rows.
        share = (scaled[name] / scaled[f"power_{name}"]).cast("decimal(18, 14)")
        sums[f"n_{name}"] = share.count()
        sums[f"missing_{name}"] = share.isnull().sum()
        sums[f"unit_{name}"] = scaled[f"power_{name}"].max().cast("string")
        sums[f"total_{name}"] = share.sum().cast("decimal(38, 14)")
        sums[f"squares_{name}"] = (share * share).sum().cast("decimal(38, 28)")
    cells = scaled.group_by(keys).aggregate(**sums).order_by(keys).to_pyarrow()
    return {name: {attribute: _groups(cells, attribute, name, by) for attribute in attributes} for name in values}


def _power_of_ten(column: ir.NumericColumn) -> ir.FloatingScalar:
    """The power of ten that no value exceeds: values written in decimals stay whole when divided by it."""
    return ibis.literal(10.0) ** column.abs().max().nullif(0).log10().ceil().fill_null(0)


def _groups(cells: pa.Table, attribute: str, name: str, by: Sequence[str]) -> Groups:
    parts = [f"{part}_{name}" for part in ("n", "missing", "total", "squares")]
    # One thread keeps the order of the cells. Sums of decimals are exact.
    added = cells.group_by([attribute, *by], use_threads=False).aggregate([(part, "sum") for part in parts])
    unit = Fraction(cells[f"unit_{name}"][0].as_py()) if len(cells) else Fraction(1)
    square_unit = unit**2
    found: Groups = {}
    for row in added.to_pylist():
        n, missing, total, squares = (row[f"{part}_sum"] or 0 for part in parts)
        held = Moments(n, missing, Fraction(total) * unit, Fraction(squares) * square_unit)
        group = UNKNOWN if row[attribute] is None else row[attribute]
        found.setdefault(group, {})[tuple(row[key] for key in by)] = held
    return dict(sorted(found.items()))


def by_group(
    rows: Iterable[Mapping[str, Any]], attributes: Sequence[str]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each row of a count table once per attribute, with its group of it; no value is the group *unknown*."""
    for row in rows:
        for attribute in attributes:
            yield attribute, UNKNOWN if row[attribute] is None else row[attribute], row


def against_rest(groups: Groups) -> dict[str, list[tuple[Moments, Moments]]]:
    """Each known group and all other known groups, as one pair of moments per stratum.

    Rows without the value of a stratum's column are in none: who they are alike is not known.
    """
    known = {group: strata for group, strata in groups.items() if group != UNKNOWN}
    whole: dict[Stratum, Moments] = {}
    for held in known.values():
        for stratum, part in held.items():
            if None not in stratum:
                whole[stratum] = whole.get(stratum, Moments()) + part
    return {
        group: [(own, all_rows - own) for stratum, all_rows in whole.items() for own in [held.get(stratum, Moments())]]
        for group, held in known.items()
    }
