"""User-acceptance sessions: the System Usability Scale, and how many sessions would settle a question."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir
from scipy import stats

from ethics_kit.measures.proportions import Estimate

ITEMS = tuple(f"sus_{number}" for number in range(1, 11))
"""The ten items of the scale, each answered from 1 (strongly disagree) to 5 (strongly agree)."""


def possible(sessions: ir.Table) -> ir.BooleanValue:
    """Whether all ten items of a row are whole numbers from 1 to 5; null where an item has no answer."""
    return ibis.and_(*(sessions[item].isin([1, 2, 3, 4, 5]) for item in ITEMS))


def usability_score(sessions: ir.Table) -> ir.FloatingValue:
    """The System Usability Scale of each row, 0 to 100 (Brooke 1996); null where an item is missing or impossible.

    Odd items are worded for the system and score their answer less 1, even ones against it and score 5 less their
    answer; the sum of the ten is multiplied by 2.5.
    """
    points = [sessions[item] - 1 if place % 2 == 0 else 5 - sessions[item] for place, item in enumerate(ITEMS)]
    total = points[0]
    for more in points[1:]:
        total = total + more
    return ibis.ifelse(possible(sessions), total * 2.5, ibis.null("float64"))


def rows_for_rate(rate: float, limit: float, *, confidence: float = 0.95) -> int | None:
    """Rows with which a rate like this would have a Wilson interval that leaves out `limit`; None where it equals it.

    The limit is inside just where |rate - limit| <= z √(limit (1 - limit) / n) (Wilson 1927, JASA 22:209).
    """
    if rate == limit:
        return None
    z = float(stats.norm.ppf((1 + confidence) / 2))
    return math.floor(limit * (1 - limit) * (z / (rate - limit)) ** 2) + 1


def rows_for_mean(mean: Estimate, limit: float, n: int) -> int | None:
    """Rows with which a mean like this would have an interval that leaves out `limit`, its width falling with √n.

    None where the mean equals the limit, or has no interval.
    """
    if mean.value is None or mean.low is None or mean.high is None or mean.value == limit:
        return None
    reach = (mean.high - mean.low) / 2
    return max(math.ceil(n * (reach / (mean.value - limit)) ** 2), 2)
