"""Rates where rows repeat within a unit or carry weights: what the rows are worth as independent people.

A nested group-by returns moments only: sums over clusters of a group's denominator n, numerator y, their squares and
products, and their products with the cluster's totals. From these follow the ratio estimator's linearised variance
(Cochran 1977, Sampling Techniques, section 6.3), the effective sample size p(1 - p)/variance, and the correlation of
two groups' rates where clusters span both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from scipy import stats

from ethics_kit.measures.proportions import Pair, Sample


@dataclass(frozen=True)
class Moments:
    """Sums over clusters for one group (or all) on one metric; `tn` and `ty` stand for the cluster's totals.

    `clusters` hold rows of the group, `whole_clusters` no others.
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


def moments(
    events: ir.Table, attribute: str, *, cluster: str, metrics: Mapping[str, tuple[str, str]], weight: str | None = None
) -> dict[str, dict[str | None, Moments]]:
    """Per metric and group of `attribute`, the moments over `cluster`; the key None holds those of all known groups.

    `metrics` names for each metric the boolean columns of its numerator and denominator. Rows without a value of the
    attribute are left out, as they belong to no comparison; so are rows without a cluster.
    """
    known = events.filter(events[attribute].notnull() & events[cluster].notnull())
    one = known[weight] if weight else ibis.literal(1)
    sums = {}
    for place, (top, bottom) in enumerate(metrics.values()):
        sums[f"y{place}"] = ibis.ifelse(known[top].fill_null(False), one, 0).sum().cast("float64")
        sums[f"n{place}"] = ibis.ifelse(known[bottom].fill_null(False), one, 0).sum().cast("float64")
    cells = known.group_by([attribute, cluster]).aggregate(**sums)
    totals = {f"t{name}": cells[name].sum().over(ibis.window(group_by=cluster)) for name in sums}
    found: dict[str, dict[str | None, Moments]] = {metric: {} for metric in metrics}
    by_group = cells.mutate(**totals).group_by(attribute)
    whole = cells.group_by(cluster).aggregate(**{name: cells[name].sum() for name in sums})
    for row in by_group.aggregate(**_products(len(metrics), total="t")).order_by(attribute).to_pyarrow().to_pylist():
        for place, metric in enumerate(metrics):
            found[metric][row[attribute]] = _moments(row, place)
    all_rows = whole.aggregate(**_products(len(metrics), total="")).to_pyarrow().to_pylist()[0]
    for place, metric in enumerate(metrics):
        found[metric][None] = _moments(all_rows, place)
    return found


def _products(metrics: int, *, total: str) -> dict[str, ibis.Deferred]:
    """Sums of products per metric; `total` is the prefix of the columns that hold the cluster's totals."""
    sums: dict[str, ibis.Deferred] = {}
    for place in range(metrics):
        n, y = ibis._[f"n{place}"], ibis._[f"y{place}"]
        big_n, big_y = ibis._[f"{total}n{place}"], ibis._[f"{total}y{place}"]
        terms = {"n": n, "y": y, "nn": n * n, "yy": y * y, "ny": n * y}
        terms |= {"ntn": n * big_n, "yty": y * big_y, "nty": n * big_y, "ytn": y * big_n}
        sums |= {f"{name}_{place}": term.sum() for name, term in terms.items()}
        sums[f"clusters_{place}"] = (n > 0).sum()
        sums[f"whole_clusters_{place}"] = ((n > 0) & (n == big_n)).sum()
    return sums


def _moments(row: Mapping[str, float], place: int) -> Moments:
    sums = [float(row[f"{name}_{place}"] or 0) for name in ("n", "y", "nn", "yy", "ny", "ntn", "yty", "nty", "ytn")]
    return Moments(int(row[f"clusters_{place}"] or 0), int(row[f"whole_clusters_{place}"] or 0), *sums)


def pairs(groups: Mapping[str | None, Moments]) -> list[Pair]:
    """Each group against all other known groups."""
    whole = groups[None]
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
    )


def _variance(m: Moments) -> float:
    """Linearised variance of y/n over clusters."""
    p = m.y / m.n
    spread = m.yy - 2 * p * m.ny + p * p * m.nn
    return max(spread, 0.0) * m.clusters / (m.clusters - 1) / (m.n * m.n)


def _sample(m: Moments) -> Sample:
    """Effective rows: p(1 - p)/variance, shrunk by the t quantile of the clusters, never more than Kish's or the rows'.

    Where the rate is 0 or 1 the variance tells nothing, and Kish's number (Σn)²/Σn² stands in.
    """
    if m.n <= 0 or m.clusters < 2:
        return Sample(m.y, m.n, 0.0, m.clusters)
    p, variance = m.y / m.n, _variance(m)
    kish = m.n * m.n / m.nn
    effective = p * (1 - p) / variance if variance > 0 and 0 < p < 1 else kish
    shrink = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, m.clusters - 1)) ** 2
    return Sample(m.y, m.n, min(effective, m.n) * float(shrink), m.clusters)


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
