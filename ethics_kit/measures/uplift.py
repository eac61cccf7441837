"""What a treatment changes, against a randomised hold-out: by score decile and by group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from scipy import stats

from ethics_kit.measures import amounts, proportions
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.proportions import Estimate
from ethics_kit.measures.sums import by_group


@dataclass(frozen=True)
class Arms:
    """Good outcomes and rows among the treated and in the hold-out."""

    good: int = 0
    n: int = 0
    held_out_good: int = 0
    held_out_n: int = 0

    def __add__(self, other: Arms) -> Arms:
        return Arms(
            self.good + other.good,
            self.n + other.n,
            self.held_out_good + other.held_out_good,
            self.held_out_n + other.held_out_n,
        )


@dataclass(frozen=True)
class Effect:
    """Rates of good outcomes in both arms, and `uplift`, treated less hold-out: positive where the treatment helps.

    Undefined where an arm is empty.
    """

    arms: Arms
    treated: Estimate
    held_out: Estimate
    uplift: Estimate
    p_value: float | None


@dataclass(frozen=True)
class GroupEffect:
    """A group's effect, and its uplift less that of all other known groups."""

    effect: Effect
    rest: Effect
    gap: Estimate
    p_value: float | None


@dataclass(frozen=True)
class Uplift:
    """Effects over all rows, by decile (1: the highest scores) and by attribute and group.

    Rows `left_out` lack arm or outcome and count nowhere; those `without_score` are in no decile.
    """

    overall: Effect
    deciles: dict[int, Effect]
    groups: dict[str, dict[str, GroupEffect]]
    left_out: int
    without_score: int


def uplift(events: ir.Table, attributes: Sequence[str], *, deciles: int = 10, confidence: float = 0.95) -> Uplift:
    """Effect of `treated` on `good` (both boolean or null), by decile of `score` (or null) and by group.

    An effect only where chance alone chose the hold-out. Equal scores stay in one decile, that of their mean rank, so
    deciles may differ in size and be missing. A missing attribute value is the group *unknown*, compared with none.
    """
    usable = events.treated.notnull() & events.good.notnull()
    ranked = events.select(
        *attributes,
        "treated",
        "good",
        "score",
        known=usable & events.score.notnull(),
    )
    ranked = ranked.mutate(
        above=ibis.rank().over(group_by="known", order_by=ibis.desc("score")),  # from 0
        tied=ibis._.count().over(group_by=["known", "score"]),
        among=ibis._.count().over(group_by="known"),
    )
    place = (2 * ranked.above + ranked.tied - 1) * deciles // (2 * ranked.among) + 1
    keys = [*attributes, "decile", "treated", "good"]
    cells = ranked.mutate(decile=ibis.ifelse(ranked.known, place, ibis.null("int64"))).group_by(keys)
    rows = cells.aggregate(rows=ibis._.count()).to_pyarrow().to_pylist()
    used = [row for row in rows if row["treated"] is not None and row["good"] is not None]
    by_decile: dict[int, Arms] = {}
    for row in used:
        if row["decile"] is not None:
            by_decile[row["decile"]] = by_decile.get(row["decile"], Arms()) + _arms(row)
    groups: dict[str, dict[str, Arms]] = {name: {} for name in attributes}
    for attribute, group, row in by_group(used, attributes):
        groups[attribute][group] = groups[attribute].get(group, Arms()) + _arms(row)
    return Uplift(
        overall=effect(sum(map(_arms, used), Arms()), confidence=confidence),
        deciles={place: effect(arms, confidence=confidence) for place, arms in sorted(by_decile.items())},
        groups={name: compared(found, confidence=confidence) for name, found in groups.items()},
        left_out=sum(row["rows"] for row in rows) - sum(row["rows"] for row in used),
        without_score=sum(row["rows"] for row in used if row["decile"] is None),
    )


def _arms(row: Mapping[str, int]) -> Arms:
    good = row["rows"] if row["good"] else 0
    return Arms(good, row["rows"]) if row["treated"] else Arms(0, 0, good, row["rows"])


def effect(arms: Arms, *, confidence: float = 0.95) -> Effect:
    """Both rates with Wilson's interval, their difference with Newcombe's, and the pooled z test."""
    four = (arms.good, arms.n, arms.held_out_good, arms.held_out_n)
    treated, held_out = proportions.rates(four[::2], four[1::2], confidence=confidence)
    return Effect(
        arms=arms,
        treated=treated,
        held_out=held_out,
        uplift=proportions.difference(*four, confidence=confidence),
        p_value=proportions.difference_p_value(*four) if arms.n and arms.held_out_n else None,
    )


def compared(groups: Mapping[str, Arms], *, confidence: float = 0.95) -> dict[str, GroupEffect]:
    """Each group's effect, and for known groups its uplift against that of all other known groups."""
    found = {}
    for group, arms in sorted(groups.items()):
        others = [other for name, other in groups.items() if UNKNOWN not in (group, name) and name != group]
        own, rest = effect(arms, confidence=confidence), effect(sum(others, Arms()), confidence=confidence)
        gap = amounts.difference(own.uplift, rest.uplift)
        found[group] = GroupEffect(own, rest, gap, _p_value(own.arms, rest.arms) if gap.defined else None)
    return found


def _p_value(own: Arms, rest: Arms) -> float:
    """Two-sided p-value that two uplifts are equal: the z test of Price and Bonett 2004.

    Computational Statistics & Data Analysis 45:449: for four rates, half a row more of either outcome in each.
    """
    cells = [(1, own.good, own.n), (-1, own.held_out_good, own.held_out_n)]
    cells += [(-1, rest.good, rest.n), (1, rest.held_out_good, rest.held_out_n)]
    rates = [(sign, (good + 0.5) / (n + 1), n + 1) for sign, good, n in cells]
    gap = math.fsum(sign * p for sign, p, _ in rates)
    return float(2 * stats.norm.sf(abs(gap) / math.sqrt(math.fsum(p * (1 - p) / n for _, p, n in rates))))
