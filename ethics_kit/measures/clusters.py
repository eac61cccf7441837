"""Rates where rows repeat within a unit or carry weights: what the rows are worth as independent people.

A nested group-by returns moments only: sums over clusters of a group's denominator n, numerator y, their squares and
products, and their products with the cluster's totals. From these follow the ratio estimator's linearised variance
(Cochran 1977, Sampling Techniques, section 6.3), the effective sample size p(1 - p)/variance, and the correlation of
two groups' rates where clusters span both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
from scipy import stats

from ethics_kit.measures.counts import BETWEEN
from ethics_kit.measures.metrics import Metric
from ethics_kit.measures.proportions import Pair, Sample


@dataclass(frozen=True)
class Moments:
    """Sums over clusters for one group (or all) on one metric; `tn` and `ty` stand for the cluster's totals.

    `clusters` hold rows of the group, `whole_clusters` no others. `ww` is the sum of the rows' squared weights; None:
    every row weighs 1, so it is `n`.
    """

    clusters: int
    whole_clusters: int
    n: float
    y: float
    nn: float
    yy: float
    ny: float
    ntn: float
    yty: float
    nty: float
    ytn: float
    ww: float | None = None


@dataclass(frozen=True)
class Clustered:
    """Rows of `events` that repeat within `unit`, or carry weights: as `counts.Counts`, for what the rows are worth.

    `events` has a text column per key, a boolean column per flag, `unit` and, where `weight` is set, `weight`.
    """

    events: ir.Table
    metrics: tuple[Metric, ...]
    weight: bool = False
    _found: dict[tuple[str, ...], dict[str, list[Pair]]] = field(default_factory=dict, repr=False)

    def pairs(self, metric: Metric, *keys: str) -> list[Pair]:
        """Each known group, or combination of groups, against all other known ones."""
        return self._pairs(self.events, keys)[metric.name]

    def within(self, metric: Metric, stratum: str, *keys: str) -> dict[str, list[Pair]]:
        """As `pairs`, in each known stratum apart."""
        column = self.events[stratum]
        values = sorted(v for v in self.events.select(column).distinct().to_pyarrow()[stratum].to_pylist() if v)
        return {v: self._pairs(self.events.filter(column == v), keys, of=f"{stratum}={v}")[metric.name] for v in values}

    def _pairs(self, events: ir.Table, keys: tuple[str, ...], *, of: str = "") -> dict[str, list[Pair]]:
        place = (of, *keys)
        if place not in self._found:
            joined = events[keys[0]]
            for key in keys[1:]:
                joined = joined + BETWEEN + events[key]
            sums = moments(
                events.mutate(group=joined),
                "group",
                cluster="unit",
                metrics=self.metrics,
                weight="weight" if self.weight else None,
            )
            self._found[place] = {name: pairs(groups) for name, groups in sums.items()}
        return self._found[place]


def _meets(events: ir.Table, conditions: Mapping[str, bool | None]) -> ir.BooleanValue:
    met: ir.BooleanValue = ibis.literal(True)
    for flag, wanted in conditions.items():
        column = events[flag]
        met = met & (column.notnull() if wanted is None else (column == wanted).fill_null(False))
    return met


def moments(
    events: ir.Table, attribute: str, *, cluster: str, metrics: Sequence[Metric], weight: str | None = None
) -> dict[str, dict[str | None, Moments]]:
    """Per metric and group of `attribute`, the moments over `cluster`; the key None holds those of all known groups.

    Rows without a value of the attribute are left out, as they belong to no comparison; so are rows without a cluster.
    """
    known = events.filter(events[attribute].notnull() & events[cluster].notnull())
    one = known[weight] if weight else ibis.literal(1)
    sums = {}
    for place, metric in enumerate(metrics):
        looked_at = known[cluster].notnull() & _meets(known, metric.bottom)
        sums[f"y{place}"] = ibis.ifelse(looked_at & _meets(known, metric.top), one, 0).sum().cast("float64")
        sums[f"n{place}"] = ibis.ifelse(looked_at, one, 0).sum().cast("float64")
        if weight:
            sums[f"w{place}"] = ibis.ifelse(looked_at, one * one, 0).sum().cast("float64")
    cells = known.group_by([attribute, cluster]).aggregate(**sums)
    # One line per metric: the products below are then written once, and not once per metric.
    lines = cells.cross_join(ibis.range(len(metrics)).unnest().name("metric").as_table())
    columns = {
        part: ibis.cases(
            *[(lines.metric == place, lines[f"{part}{place}"]) for place in range(len(metrics))], else_=0.0
        )
        for part in ("ynw" if weight else "yn")
    }
    lines = lines.select(group=lines[attribute], unit=lines[cluster], metric="metric", **columns)
    over = ibis.window(group_by=["unit", "metric"])
    each = lines.mutate(ty=lines.y.sum().over(over), tn=lines.n.sum().over(over))
    whole = lines.group_by(["unit", "metric"]).aggregate(**{part: lines[part].sum() for part in columns})
    whole = whole.mutate(ty=whole.y, tn=whole.n)
    found: dict[str, dict[str | None, Moments]] = {metric.name: {} for metric in metrics}
    names = list(found)
    for table, keys in ((each, ["metric", "group"]), (whole, ["metric"])):
        for row in table.group_by(keys).aggregate(**_products(table)).order_by(keys).to_pyarrow().to_pylist():
            found[names[row["metric"]]][row.get("group")] = _moments(row)
    return found


def _products(table: ir.Table) -> dict[str, ir.Scalar]:
    """Sums of products of a line's n and y, and with its cluster's."""
    n, y, tn, ty = table.n, table.y, table.tn, table.ty
    terms = {"n": n, "y": y, "nn": n * n, "yy": y * y, "ny": n * y}
    terms |= {"ntn": n * tn, "yty": y * ty, "nty": n * ty, "ytn": y * tn}
    sums = {name: term.sum() for name, term in terms.items()}
    if "w" in table.columns:
        sums["ww"] = table.w.sum()
    return sums | {"clusters": (n > 0).sum(), "whole_clusters": ((n > 0) & (n == tn)).sum()}


def _moments(row: Mapping[str, float]) -> Moments:
    n, y, nn, yy, ny, ntn, yty, nty, ytn = (
        float(row[name] or 0) for name in ("n", "y", "nn", "yy", "ny", "ntn", "yty", "nty", "ytn")
    )
    clusters, whole_clusters = int(row["clusters"] or 0), int(row["whole_clusters"] or 0)
    return Moments(clusters, whole_clusters, n, y, nn, yy, ny, ntn, yty, nty, ytn, row.get("ww"))


def pairs(groups: Mapping[str | None, Moments]) -> list[Pair]:
    """Each group against all other known groups."""
    whole = groups.get(None)
    if whole is None:  # no row has a group
        return []
    found = []
    for name, own in groups.items():
        if name is None:
            continue
        rest = _rest(own, whole)
        found.append(Pair(name, _sample(own), _sample(rest), _correlation(own, rest, whole)))
    return found


def _rest(own: Moments, whole: Moments) -> Moments:
    """The moments of all clusters' rows outside a group: (N - n)² and its like, expanded."""
    return Moments(
        clusters=whole.clusters - own.whole_clusters,
        whole_clusters=whole.clusters - own.clusters,
        n=whole.n - own.n,
        y=whole.y - own.y,
        nn=whole.nn - 2 * own.ntn + own.nn,
        yy=whole.yy - 2 * own.yty + own.yy,
        ny=whole.ny - own.nty - own.ytn + own.ny,
        ntn=whole.nn - own.ntn,
        yty=whole.yy - own.yty,
        nty=whole.ny - own.nty,
        ytn=whole.ny - own.ytn,
        ww=None if whole.ww is None or own.ww is None else whole.ww - own.ww,
    )


def _variance(m: Moments) -> float:
    """Linearised variance of y/n over clusters."""
    p = m.y / m.n
    spread = m.yy - 2 * p * m.ny + p * p * m.nn
    return max(spread, 0.0) * m.clusters / (m.clusters - 1) / (m.n * m.n)


def _sample(m: Moments) -> Sample:
    """Effective rows: p(1 - p)/variance, shrunk by the t quantile of the clusters, never more than the rows are worth.

    That is their number, or with weights Kish's (Σw)²/Σw². Where the rate is 0 or 1 the variance tells nothing, and
    Kish's number over clusters, (Σn)²/Σn², stands in.
    """
    if m.n <= 0 or m.clusters < 2:
        return Sample(m.y, m.n, 0.0, m.clusters)
    p, variance = m.y / m.n, _variance(m)
    kish = m.n * m.n / m.nn
    effective = p * (1 - p) / variance if variance > 0 and 0 < p < 1 else kish
    shrink = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, m.clusters - 1)) ** 2
    most = m.n * m.n / m.ww if m.ww else m.n
    return Sample(m.y, m.n, min(effective, most) * float(shrink), m.clusters)


def _correlation(own: Moments, rest: Moments, whole: Moments) -> float:
    """Correlation of a group's rate with the rest's, through the clusters that hold both."""
    if min(own.n, rest.n) <= 0 or whole.clusters < 2:
        return 0.0
    p, q = own.y / own.n, rest.y / rest.n
    own_rest = {
        "yy": own.yty - own.yy,
        "yn": own.ytn - own.ny,
        "ny": own.nty - own.ny,
        "nn": own.ntn - own.nn,
    }
    product = own_rest["yy"] - q * own_rest["yn"] - p * own_rest["ny"] + p * q * own_rest["nn"]
    covariance = product * whole.clusters / (whole.clusters - 1) / (own.n * rest.n)
    spread = math.sqrt(_variance(own) * _variance(rest)) if min(own.clusters, rest.clusters) > 1 else 0.0
    return max(-1.0, min(1.0, covariance / spread)) if spread > 0 else 0.0
