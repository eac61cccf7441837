"""Whether groups stand in a training sample in the shares they have among customers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
from scipy import stats
from statsmodels.stats.power import normal_sample_size_one_tail

from ethics_kit.measures.proportions import MOST_ROWS, UNDEFINED, Estimate, adjusted, rate

Verdict = Literal["disparity", "equivalent", "inconclusive", "not_estimable"]

JUDGING = ("test", "holdout", "validation")
"""Splits that nothing is learnt from."""

WORST_FIRST: tuple[Verdict, ...] = ("disparity", "not_estimable", "inconclusive", "equivalent")


@dataclass(frozen=True)
class Shares:
    """One attribute: customers by group, all of them and those in the training sample, each customer once.

    `unknown` and `base_unknown` are those without a known group; a customer of the sample whom the base does not hold
    has none.
    """

    attribute: str
    groups: Mapping[str, tuple[int, int]]
    unknown: int
    base_unknown: int

    @property
    def n(self) -> int:
        return sum(own for own, _ in self.groups.values())

    @property
    def base_n(self) -> int:
        return sum(base for _, base in self.groups.values())


@dataclass(frozen=True)
class Representation:
    """One group: its share of the sample, its share of the base, and their ratio (1: as among customers).

    The base is counted whole, so that its share is a number without an interval. `floor` is the ratio's lower bound at
    90%, `expected` what the sample would hold of the group at its share of the base.
    """

    attribute: str
    group: str
    count: int
    n: int
    base_count: int
    base_share: float
    share: Estimate
    ratio: Estimate
    floor: float | None
    expected: float
    p_value: float | None
    adjusted_p: float | None = None
    verdict: Verdict = "not_estimable"
    rows_needed: int | None = None


def training_rows(sample: ir.Table) -> ir.Table:
    """The rows of a training sample that were learnt from: all but those its split keeps for judging."""
    if "split" not in sample.columns:
        return sample
    return sample.filter(~sample.split.lower().isin(JUDGING).fill_null(False))


def one_group_each(rows: ir.Table, columns: Mapping[str, str]) -> ir.Table:
    """Each customer's group of each attribute, which has a text column in `rows`: that of most of the customer's rows,
    of equals the first; null where none has one. The columns are `attribute`, `customer` and `group`.
    """
    named = rows.filter(rows.customer.notnull())
    parts = [named.select("customer", attribute=ibis.literal(name), group=column) for name, column in columns.items()]
    counted = ibis.union(*parts).group_by("attribute", "customer", "group").aggregate(rows=ibis._.count())
    order = [ibis._.group.isnull(), ibis.desc("rows"), "group"]
    first = ibis.row_number().over(group_by=["attribute", "customer"], order_by=order)
    return counted.mutate(place=first).filter(ibis._.place == 0).select("attribute", "customer", "group")


def shares(attributes: Sequence[str], sample: ir.Table, base: ir.Table) -> dict[str, Shares]:
    """Count a sample (`customer`, never null) and a base (as `one_group_each` returns it) by attribute and group."""
    learnt = sample.select(learnt="customer").distinct()
    both = base.left_join(learnt, base.customer == learnt.learnt)
    counted = both.group_by("attribute", "group").aggregate(base=both.customer.count(), own=both.learnt.count())
    rows = counted.order_by("attribute", "group").to_pyarrow().to_pylist()
    n = int(learnt.count().to_pyarrow().as_py())
    return {name: _shares(name, [row for row in rows if row["attribute"] == name], n) for name in attributes}


def _shares(attribute: str, rows: Sequence[Mapping[str, Any]], n: int) -> Shares:
    known = {str(r["group"]): (int(r["own"]), int(r["base"])) for r in rows if r["group"] is not None}
    base_unknown = sum(int(r["base"]) for r in rows if r["group"] is None)
    return Shares(attribute, known, n - sum(own for own, _ in known.values()), base_unknown)


def compare(found: Shares, *, confidence: float) -> list[Representation]:
    """Each known group's representation; the test is the exact binomial one against its share of the base."""
    n, base_n = found.n, found.base_n
    return [
        _compared(found.attribute, group, own, n, base, base / base_n, confidence)
        for group, (own, base) in found.groups.items()
        if base
    ]


def _compared(
    attribute: str, group: str, count: int, n: int, base: int, base_share: float, confidence: float
) -> Representation:
    share, narrow = rate(count, n, confidence=confidence), rate(count, n, confidence=0.9)
    ratio, floor, p_value = UNDEFINED, None, None
    if share.value is not None and share.low is not None and share.high is not None and narrow.low is not None:
        ratio = Estimate(share.value / base_share, share.low / base_share, share.high / base_share)
        floor = narrow.low / base_share
        p_value = float(stats.binomtest(count, n, base_share).pvalue)
    return Representation(attribute, group, count, n, base, base_share, share, ratio, floor, n * base_share, p_value)


def goodness_of_fit(found: Shares) -> float | None:
    """The p-value of Pearson's chi-squared test that the sample has the base's shares; None under two groups."""
    n, base_n = found.n, found.base_n
    cells = [(own, n * base / base_n) for own, base in found.groups.values() if base]
    if len(cells) < 2 or not n:
        return None
    own, expected = zip(*cells, strict=True)
    return float(stats.chisquare(own, expected).pvalue)


def judge(
    rows: Sequence[Representation], *, minimum: float, significance: float, minimum_group: int
) -> list[Representation]:
    """Give each group its verdict; p-values are adjusted over all of them (Benjamini–Hochberg).

    *Disparity*: significant after adjustment, and the ratio under `minimum`. *Equivalent*: the ratio shown to be above
    it (the lower bound of the 90% interval is). *Not estimable*: an empty sample. Anything else, and a group of which
    or besides which the sample would hold fewer than `minimum_group`, is *inconclusive*, with the customers in the
    sample that would settle it. Over-representation is no fault: small groups are often drawn more on purpose.
    """
    p_values = iter(adjusted([r.p_value for r in rows if r.p_value is not None]))
    judged = []
    for row in rows:
        if row.p_value is None or row.ratio.value is None or row.floor is None:
            judged.append(row)
            continue
        p, verdict = next(p_values), _verdict(row, minimum, minimum_group)
        if verdict == "disparity" and p > significance:
            verdict = "inconclusive"
        needed = _needed(row, minimum, minimum_group) if verdict == "inconclusive" else None
        judged.append(replace(row, adjusted_p=p, verdict=verdict, rows_needed=needed))
    return judged


def _verdict(row: Representation, minimum: float, minimum_group: int) -> Verdict:
    """As `judge`, without regard to chance where the ratio is under the minimum."""
    if min(row.expected, row.n - row.expected) < minimum_group:
        return "inconclusive"
    if (row.ratio.value or 0.0) < minimum:
        return "disparity"
    return "equivalent" if (row.floor or 0.0) > minimum else "inconclusive"


def _needed(row: Representation, minimum: float, minimum_group: int) -> int | None:
    """Customers in the sample with which shares such as these would be settled, with 80% power."""
    share, limit = row.share.value or 0.0, minimum * row.base_share
    against, tail = (row.base_share, 0.025) if share < limit else (limit, 0.05)
    smaller = min(row.base_share, 1 - row.base_share)
    rows = minimum_group / smaller if smaller > 0 else math.inf
    distance = abs(share - against)
    if distance > 0:
        spread, own = math.sqrt(against * (1 - against)), math.sqrt(share * (1 - share))
        rows = max(rows, float(normal_sample_size_one_tail(distance, 0.8, tail, spread, own or None)))
    else:
        rows = math.inf
    return math.ceil(rows) if rows <= MOST_ROWS else None


def worst(rows: Sequence[Representation]) -> Representation:
    """The group that decides: by verdict, then by the smallest ratio."""
    return min(rows, key=lambda r: (WORST_FIRST.index(r.verdict), r.ratio.value or 0.0))
