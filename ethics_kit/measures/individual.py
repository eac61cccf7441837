"""Individual fairness: whether people who are alike in their features are decided alike."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethics_kit.measures import proportions
from ethics_kit.measures.encoding import encode
from ethics_kit.measures.proportions import UNDEFINED, Estimate

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

ROUNDING = 1e-9
"""Squared distances closer than this are ties: the last digits of a sum depend on the order of the rows."""
ROWS_AT_ONCE = 100


@dataclass(frozen=True)
class Consistency:
    """How often people decide like their nearest neighbours; `expected` if decisions ignored the features."""

    value: Estimate
    expected: float | None
    neighbours: int
    n: int


@dataclass(frozen=True)
class NeighbourPairs:
    """Members of a group less their nearest neighbours outside it; the caliper is a distance between encoded rows."""

    difference: Estimate
    equivalence: Estimate
    p_value: float | None
    matched: int
    unmatched: int
    caliper: float | None


def _near(
    points: Array, others: Array, neighbours: int, *, own: Places | None = None, within: float = math.inf
) -> Iterator[tuple[slice, Places, Places, Array]]:
    """For blocks of rows: pairs of a row (its place in the block) and one of its nearest `others`; how far these lie.

    Distances are squared; beyond `within` there is no pair. Where the rows are among the others, `own` says at which
    place each is: none is its own neighbour, however many are identical.
    """
    # (a - b)² as one product: -2ab + a² + b².
    left = np.column_stack([-2 * points, np.sum(points**2, axis=1), np.ones(len(points))])
    right = np.column_stack([others, np.ones(len(others)), np.sum(others**2, axis=1)]).T
    place, columns = min(neighbours, len(others) - (own is not None)) - 1, len(others)
    squared, sorting = np.empty((2, min(ROWS_AT_ONCE, len(points)), columns))  # made once: new memory is dear
    for start in range(0, len(points), ROWS_AT_ONCE):
        block = slice(start, min(start + ROWS_AT_ONCE, len(points)))
        rows = slice(block.stop - start)
        np.matmul(left[block], right, out=squared[rows])
        if own is not None:
            squared[np.arange(rows.stop), own[block]] = np.inf
        sorting[rows] = squared[rows]
        sorting[rows].partition(place, axis=1)
        reach = sorting[rows, place].copy()
        near = squared[rows] <= np.minimum(reach, within)[:, None] + ROUNDING
        row, other = np.divmod(np.flatnonzero(near), columns)
        yield block, row, other, reach


def consistency(
    features: pd.DataFrame, selected: npt.ArrayLike, *, neighbours: int = 5, confidence: float = 0.95
) -> Consistency:
    """1 - mean |own decision - mean decision of the nearest neighbours| (Zemel et al. 2013, ICML, section 5).

    All rows tied at the last distance are neighbours, equally. `expected` is the mean over all permutations of the
    decisions. The interval is Wilson's at the number of independent rows that the variance is worth; a person counts in
    it both as a row and as others' neighbour, which terms per row alone would overlook. Undefined for fewer rows than
    `neighbours` + 1, and where no feature tells rows apart.

    Raises
    ------
    ValueError
        Fewer than 2 neighbours, or not one decision per row.
    """
    y = _decisions(features, selected)
    if neighbours < 2:
        raise ValueError(f"{neighbours} neighbours: at least 2 are needed to tell how they vary")
    points, n = encode(features), len(y)
    if n <= neighbours or not points.shape[1]:
        return Consistency(UNDEFINED, None, neighbours, n)
    own, slope, pull = np.empty(n), np.zeros(n), np.zeros(n)
    for block, row, other, _ in _near(points, points, neighbours, own=np.arange(n)):
        size = np.bincount(row)
        mean = np.bincount(row, y[other]) / size
        own[block] = np.abs(y[block] - mean)
        turn = (1 - 2 * y[block]) / (size - 1)  # a neighbour that is selected moves its row's term this way
        slope += np.bincount(other, turn[row], minlength=n)
        pull += np.bincount(other, (turn * mean)[row], minlength=n)
    value = 1 - float(own.mean())
    spread = float(np.sum((own - own.mean() + y * slope - pull) ** 2)) / (n * (n - 1))
    effective = value * (1 - value) / spread if spread > ROUNDING**2 else n
    interval = proportions.rate(value * effective, effective, confidence=confidence)
    yes = float(y.sum())
    return Consistency(interval, 1 - 2 * yes * (n - yes) / (n * (n - 1)), neighbours, n)


def _decisions(features: pd.DataFrame, selected: npt.ArrayLike) -> Array:
    y = np.asarray(selected)
    if y.shape != (len(features),) or pd.isna(y).any():
        raise ValueError(f"{int(pd.notna(y).sum())} decisions for {len(features)} rows: each row needs one")
    return y.astype(np.bool_).astype(np.float64)


def reach(features: pd.DataFrame, *, neighbours: int = 5) -> float | None:
    """The median distance of a row to its neighbour number `neighbours`; None for fewer than 2 rows."""
    points = encode(features)
    return _reach(points, neighbours) if len(points) > 1 else None


def _reach(points: Array, neighbours: int) -> float:
    reaches = [reach for *_, reach in _near(points, points, neighbours, own=np.arange(len(points)))]
    return math.sqrt(max(float(np.median(np.concatenate(reaches))), 0.0))


def neighbour_pairs(
    features: pd.DataFrame,
    group: npt.ArrayLike,
    selected: npt.ArrayLike,
    *,
    neighbours: int = 5,
    caliper: float | None = None,
    confidence: float = 0.95,
) -> NeighbourPairs:
    """Selection of the group's members less that of their nearest neighbours outside it, averaged over those matched.

    `group` says who is a member. Neighbours beyond the caliper are not taken; unless given it is the `reach` of all
    rows. Newcombe's interval and a pooled z test, at the number of
    independent rows that the variance is worth; the variance allows for neighbours used several times (Abadie and
    Imbens 2006, Econometrica 74:235, section 4; the bootstrap would not: 2008, 76:1537). Undefined with fewer than 2
    matched members, or no more than `neighbours` rows outside the group.

    Raises
    ------
    ValueError
        Not one decision and one membership per row.
    """
    y, member = _decisions(features, selected), _decisions(features, group) > 0
    points = encode(features)
    inside, outside = points[member], points[~member]
    if not len(inside) or len(outside) <= neighbours:
        return NeighbourPairs(UNDEFINED, UNDEFINED, None, 0, len(inside), caliper)
    if caliper is None:
        caliper = _reach(points, neighbours)
    z, gaps, use, use_squared = y[~member], [], np.zeros(len(outside)), np.zeros(len(outside))
    for block, row, match, _ in _near(inside, outside, neighbours, within=caliper**2):
        size = np.bincount(row, minlength=block.stop - block.start)
        decided, share = np.bincount(row, z[match], minlength=len(size)), 1 / size[row]
        gaps.append((y[member][block] - decided / np.maximum(size, 1))[size > 0])
        use += np.bincount(match, share, minlength=len(outside))
        use_squared += np.bincount(match, share**2, minlength=len(outside))
    gap, matched = np.concatenate(gaps), sum(map(len, gaps))
    if matched < 2:
        return NeighbourPairs(UNDEFINED, UNDEFINED, None, matched, len(inside) - matched, caliper)
    own, other, worth = float((gap.sum() + use @ z) / matched), float(use @ z / matched), _kish(use)
    spread = float(gap.var(ddof=1)) / matched
    used = np.flatnonzero(use)
    spread += float(np.sum((use**2 - use_squared)[used] * _noise(outside, z, neighbours, used))) / matched**2
    independent = own * (1 - own) / matched + other * (1 - other) / worth
    # Where no gap varies this is as if one did; where no decision does, the rows have to stand for themselves.
    ratio = max(spread, 1 / matched**2) / independent if independent > ROUNDING else 1.0
    counts = (own * matched / ratio, matched / ratio, other * worth / ratio, worth / ratio)
    return NeighbourPairs(
        proportions.difference(*counts, confidence=confidence),
        proportions.difference(*counts, confidence=0.9),
        proportions.difference_p_value(*counts),
        matched,
        len(inside) - matched,
        caliper,
    )


def _kish(weights: Array) -> float:
    """Rows of equal weight that are worth as much."""
    return float(weights.sum() ** 2 / np.sum(weights**2))


def _noise(points: Array, y: Array, neighbours: int, rows: Places) -> Array:
    """Variance of the decision on each of the `rows`, from its nearest neighbours on the same side."""
    found = np.empty(len(rows))
    for block, row, other, _ in _near(points[rows], points, neighbours, own=rows):
        size = np.bincount(row)
        found[block] = (y[rows[block]] - np.bincount(row, y[other]) / size) ** 2 * size / (size + 1)
    return found
