"""Membership inference: how well a model's losses tell the rows it was trained on from others.

The loss-threshold attack (Yeom et al. 2018, CSF) says *member* where the loss is small. Its success on average hides
the few people it is sure of, so the true positive rate at a low false positive rate is told as well (Carlini et al.
2022, IEEE S&P).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.proportion import proportion_confint

from ethics_kit.measures.auc import estimate
from ethics_kit.measures.proportions import UNDEFINED, Estimate

ALLOWED = 0.01
"""The false positive rate at which the attack is told."""

FEWEST_OUTSIDE = 500
"""Rows outside training that are needed for it: at a rate of 1%, five of them then set the threshold."""


@dataclass(frozen=True)
class Attack:
    """What the attack achieves. `auc`: chance that a member's loss is below a non-member's, ties counting half.

    `true_positive_rate` is the members' share at the largest threshold that takes `ALLOWED` of the non-members or
    fewer, `false_positive_rate` theirs; its interval says how sure that threshold is. Both are undefined with fewer
    than `FEWEST_OUTSIDE` non-members. `advantage` is the largest difference of the two rates at any threshold.
    """

    members: int
    outside: int
    auc: Estimate
    true_positive_rate: Estimate
    false_positive_rate: Estimate
    advantage: float | None


def losses(sample: ir.Table, *, probability: bool) -> ir.Table:
    """Members and non-members by loss, from rows with `score`, a boolean `positive` and a boolean `member`.

    The loss is |positive - score| where the score is a probability: it puts rows in the same order as the log loss. On
    any other scale the score's place among all (0 to 1) stands for it, turned where low scores go with the positive.
    """
    rows = sample.filter(sample.score.notnull() & sample.positive.notnull() & sample.member.notnull())
    if not probability:
        place = ibis.percent_rank().over(ibis.window(order_by=rows.score))
        turned = rows.score.mean(where=rows.positive) < rows.score.mean(where=~rows.positive)
        rows = rows.mutate(score=place, turned=turned.over(ibis.window()))
        rows = rows.mutate(score=ibis.ifelse(rows.turned, 1 - rows.score, rows.score))
    told = rows.select("member", loss=(rows.positive.cast("float64") - rows.score).abs().round(12))
    counted = told.group_by("loss").aggregate(members=told.member.sum(), outside=(~told.member).sum())
    return counted.order_by("loss")


def attack(members: ArrayLike, outside: ArrayLike, *, confidence: float = 0.95) -> Attack:
    """The attack on counts of members and non-members by loss, smallest loss first.

    The AUC's interval is Wilson's at DeLong's variance (1988, Biometrics 44:837), those of the rates are Clopper and
    Pearson's, at the threshold that the non-members at hand set.
    """
    inside, out = np.asarray(members, dtype=float), np.asarray(outside, dtype=float)
    m, n = inside.sum(), out.sum()
    if not (m and n):
        return Attack(int(m), int(n), UNDEFINED, UNDEFINED, UNDEFINED, None)
    hits, alarms = inside.cumsum(), out.cumsum()
    advantage = float(max((hits / m - alarms / n).max(), 0.0))
    taken, allowed = UNDEFINED, UNDEFINED
    if n >= FEWEST_OUTSIDE:
        within = np.flatnonzero(alarms <= ALLOWED * n)
        last = within[-1] if len(within) else None
        found, false = (hits[last], alarms[last]) if last is not None else (0.0, 0.0)
        taken, allowed = (_share(*pair, confidence) for pair in ((found, m), (false, n)))
    return Attack(int(m), int(n), _auc(inside, out, confidence), taken, allowed, advantage)


def _share(count: float, n: float, confidence: float) -> Estimate:
    low, high = proportion_confint(count, n, alpha=1 - confidence, method="beta")
    return Estimate(float(count / n), float(low), float(high))


def _auc(inside: NDArray[np.float64], out: NDArray[np.float64], confidence: float) -> Estimate:
    """The area with Wilson's interval at DeLong's variance; without interval where a side has one row."""
    m, n = inside.sum(), out.sum()
    of_member = (n - out.cumsum() + out / 2) / n
    of_other = (inside.cumsum() - inside / 2) / m
    area = float(inside @ of_member / m)
    if min(m, n) < 2:
        return Estimate(area, None, None)
    parts: Sequence[float] = [
        float(weights @ (values - area) ** 2 / (total - 1) / total)
        for weights, values, total in ((inside, of_member, m), (out, of_other, n))
    ]
    return estimate(area, sum(parts), int(min(m, n)), confidence=confidence)
