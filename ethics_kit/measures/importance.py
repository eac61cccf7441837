"""Which features weigh most: mean absolute attributions, over all rows and by group, and where groups differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ethics_kit.measures import amounts, proportions
from ethics_kit.measures.amounts import MeanGap
from ethics_kit.measures.attributions import Matrix
from ethics_kit.measures.proportions import Estimate
from ethics_kit.measures.sums import Moments

STEPS = 2**23
"""Parts of the largest value that a value counts to: sums of up to 2^17 squares are exact in 64 bits."""


@dataclass(frozen=True)
class Importance:
    """Mean absolute attribution of a feature, in the output's unit, with its t interval; its share of all features'."""

    feature: str
    n: int
    mean: Estimate
    share: float | None


@dataclass(frozen=True)
class GroupImportance:
    """A feature's mean absolute attribution in a group against all others (Welch); `adjusted_p` over all of these."""

    feature: str
    attribute: str
    group: str
    gap: MeanGap
    adjusted_p: float | None


def importances(values: Matrix, features: Sequence[str], *, confidence: float = 0.95) -> list[Importance]:
    """Of attributions (rows × features), the heaviest first (Lundberg et al. 2020, Nat Mach Intell 2:56)."""
    held = [_moments(column) for column in np.abs(values).T]
    total = float(sum((m.total for m in held), Fraction(0)))
    found = [
        Importance(name, m.n, amounts.mean(m, confidence=confidence), float(m.total) / total if total else None)
        for name, m in zip(features, held, strict=True)
    ]
    return sorted(found, key=lambda i: (-(i.mean.value or 0.0), i.feature))


def by_group(
    values: Matrix,
    features: Sequence[str],
    attribute: str,
    groups: npt.NDArray[np.object_],
    *,
    minimum: int,
    confidence: float = 0.95,
) -> list[GroupImportance]:
    """Each known group of at least `minimum` rows against all other known ones. `adjusted_p` is not adjusted yet."""
    known = np.array([g is not None and g == g for g in groups], dtype=bool)
    found = []
    for group in sorted(set(groups[known])):
        inside = known & (groups == group)
        outside = known & ~inside
        if min(inside.sum(), outside.sum()) < minimum:
            continue
        for name, column in zip(features, np.abs(values).T, strict=True):
            scale = float(column[known].max(initial=0.0))
            gap = amounts.mean_gap(
                _moments(column[inside], scale), _moments(column[outside], scale), confidence=confidence
            )
            found.append(GroupImportance(name, attribute, str(group), gap, gap.p_value))
    return found


def adjusted(found: Sequence[GroupImportance]) -> list[GroupImportance]:
    """The same, with p-values adjusted over all of them (Benjamini and Hochberg 1995, JRSS B 57:289)."""
    able = [g for g in found if g.adjusted_p is not None]
    fixed = proportions.adjusted([g.adjusted_p for g in able if g.adjusted_p is not None])
    return [GroupImportance(g.feature, g.attribute, g.group, g.gap, p) for g, p in zip(able, fixed, strict=True)]


def _moments(column: npt.NDArray[np.float64], scale: float | None = None) -> Moments:
    """Exact sums of values that were rounded to `STEPS` parts of `scale` (else the largest)."""
    scale = float(column.max(initial=0.0)) if scale is None else scale
    if not scale:
        return Moments(len(column))
    parts = np.rint(column / scale * STEPS).astype(np.int64)
    unit = Fraction(scale) / STEPS
    return Moments(len(column), 0, int(parts.sum()) * unit, int((parts * parts).sum()) * unit**2)
