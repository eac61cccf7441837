"""Two decisions about the same case: under another name or dialect, or with one attribute changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar

from ethics_kit.measures import proportions
from ethics_kit.measures.proportions import Estimate

MOST_VALUES = 10
"""A column of more values is not flipped: each is set to every other."""


@dataclass(frozen=True)
class Paired:
    """Counts of cases by their two decisions, and the share selected first less the share selected second.

    `equivalence` is the difference with its 90% interval.
    """

    both: int
    first_only: int
    second_only: int
    neither: int
    difference: Estimate
    equivalence: Estimate
    p_value: float | None

    @property
    def n(self) -> int:
        """Number of cases."""
        return self.both + self.first_only + self.second_only + self.neither


@dataclass(frozen=True)
class Flip:
    """The cases that have `value`: decisions as they are (first), and with `other` in its place (second)."""

    value: object
    other: object
    paired: Paired


@dataclass(frozen=True)
class Flips:
    """A column's flips; none where the model does not read it, and then the column cannot change a decision."""

    column: str
    read: bool
    flips: tuple[Flip, ...]


class Scorer(Protocol):
    """What `flips` needs of a model; `models.Model` has it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""

    def score(self, data: pd.DataFrame) -> npt.NDArray[np.float64]:
        """A score per row."""


def paired(both: int, first_only: int, second_only: int, neither: int, *, confidence: float = 0.95) -> Paired:
    """Matched comparison of two shares; undefined without cases.

    Interval: Newcombe 1998, Statistics in Medicine 17:2635, method 10. Test: McNemar, exact.
    """
    n, first, second = both + first_only + second_only + neither, both + first_only, both + second_only
    rho = _correlation(both, first_only, second_only, neither)
    difference, equivalence = (
        proportions.difference(first, n, second, n, confidence=level, correlation=rho) for level in (confidence, 0.9)
    )
    p_value = float(mcnemar([[both, first_only], [second_only, neither]], exact=True).pvalue) if n else None
    return Paired(both, first_only, second_only, neither, difference, equivalence, p_value)


def _correlation(both: int, first_only: int, second_only: int, neither: int) -> float:
    """Phi, its numerator brought nearer to 0 by half the number of pairs where it is positive (Newcombe)."""
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    product = both * neither - first_only * second_only
    corrected = max(product - (both + first_only + second_only + neither) / 2, 0.0) if product > 0 else product
    return corrected / math.sqrt(margins) if margins else 0.0


def flips(
    model: Scorer, data: pd.DataFrame, column: str, *, threshold: float, above: bool = True, confidence: float = 0.95
) -> Flips:
    """Decisions with `column` as it is against each other of its values, all else unchanged.

    A case is selected where its score reaches `threshold` from the side that `above` tells. Cases without a value are
    left out. A flip shows the direct use of the column, not what stands in for it elsewhere in the data.

    Raises
    ------
    ValueError
        The data lack the column, or it has more than `MOST_VALUES` values.
    """
    if column not in data.columns:
        raise ValueError(f"no column {column} in the data")
    if column not in model.columns:
        return Flips(column, False, ())
    known = data[data[column].notna()]
    values = sorted(known[column].unique().tolist(), key=lambda value: (isinstance(value, str), value))
    if len(values) > MOST_VALUES:
        raise ValueError(f"{column} has {len(values)} values; up to {MOST_VALUES} can be flipped: group them first")

    def selected(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
        return model.score(rows) >= threshold if above else model.score(rows) <= threshold

    found = []
    first = selected(known)
    for other in values:
        second = selected(known.assign(**{column: _filled(known[column], other)}))
        for value in values:
            if value != other:
                cases = (known[column] == value).to_numpy()
                found.append(Flip(value, other, _counted(first[cases], second[cases], confidence)))
    return Flips(column, True, tuple(sorted(found, key=lambda f: (values.index(f.value), values.index(f.other)))))


def _filled(column: pd.Series[Any], value: object) -> pd.Series[Any]:
    """The column with one value throughout, of the same type: a model may refuse another."""
    return pd.Series([value] * len(column), index=column.index, dtype=column.dtype)


def _counted(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], confidence: float) -> Paired:
    cells = (first & second, first & ~second, ~first & second, ~first & ~second)
    both, first_only, second_only, neither = (int(cell.sum()) for cell in cells)
    return paired(both, first_only, second_only, neither, confidence=confidence)
