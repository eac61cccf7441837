"""What columns add to a model's AUC: with them less without, on the same rows, which were held back from training.

*Without* is either the fitted model on rows where the columns are shuffled (permutation), or a learner fitted again
with the columns left out (ablation). The rows are the same both times, so the interval is of a paired difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ethics_kit.measures import encoding, learners
from ethics_kit.measures.auc import placements
from ethics_kit.measures.paired import Scorer
from ethics_kit.measures.proportions import UNDEFINED, Estimate

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Without = Callable[[Sequence[str]], list[Array]]
"""Scores of the held-out rows once the named columns tell nothing; several where chance enters, to be averaged."""

SHUFFLES = 10


@dataclass(frozen=True)
class Contribution:
    """What `columns` add together, in AUC (-0.5 to 1), from `n` rows; undefined unless both outcomes have two rows."""

    columns: tuple[str, ...]
    added: Estimate
    n: int

    def rows_to_settle(self, minimum: float) -> int | None:
        """Rows of which an interval of the same value would lie on one side of `minimum`; None where no number would.

        The width falls with the root of the rows.
        """
        if self.added.value is None or self.added.low is None or self.added.value == minimum:
            return None
        return math.ceil(self.n * ((self.added.value - self.added.low) / (self.added.value - minimum)) ** 2)


def permuted(model: Scorer, rows: pd.DataFrame, *, seed: int) -> Without:
    """Scores of `model` with columns shuffled among the rows (Breiman 2001, Machine Learning 45:5), `SHUFFLES` times.

    Columns shuffled together keep their rows' combinations, and every set of columns meets the same shuffles.
    """
    orders = np.concatenate([np.random.default_rng([seed, i]).permutation(len(rows)) for i in range(SHUFFLES)])
    repeated = rows.iloc[np.tile(np.arange(len(rows)), SHUFFLES)].reset_index(drop=True)

    def scores(columns: Sequence[str]) -> list[Array]:
        if not columns:
            return [model.score(rows)]
        shuffled = {c: rows[c].iloc[orders].set_axis(repeated.index) for c in columns}
        # Asked once for all shuffles: what a model does per call costs more than what it does per row.
        return np.split(model.score(repeated.assign(**shuffled)), SHUFFLES)

    return scores


def refitted(train: pd.DataFrame, positive: Mask, rows: pd.DataFrame) -> Without:
    """Scores of a logistic regression fitted to `train` with the columns left out; both outcomes must occur there."""

    def scores(columns: Sequence[str]) -> list[Array]:
        left = [c for c in train.columns if c not in columns]
        if not left:
            return [np.zeros(len(rows))]
        learnt, asked = encoding.learnt(train[left], rows[left])
        return [learners.base_learner().fit(learnt, positive).predict_proba(asked)[:, 1]]

    return scores


def contribution(without: Without, columns: Sequence[str], positive: Mask, *, confidence: float) -> Contribution:
    """AUC with all columns less AUC without `columns`.

    Interval: DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837, on components averaged over shuffles. It tells
    of the chance in the rows, not of that in the shuffles.
    """
    first, second = np.flatnonzero(positive), np.flatnonzero(~positive)
    if min(len(first), len(second)) < 2:
        return Contribution(tuple(columns), UNDEFINED, len(positive))
    of_positive, of_negative = (
        a - b for a, b in zip(_components(without(()), positive), _components(without(columns), positive), strict=True)
    )
    value = float(of_positive.mean())
    error = math.sqrt(of_positive.var(ddof=1) / len(first) + of_negative.var(ddof=1) / len(second))
    margin = float(stats.norm.ppf((1 + confidence) / 2)) * error
    return Contribution(tuple(columns), Estimate(value, value - margin, value + margin), len(positive))


def _components(scores: Sequence[Array], positive: Mask) -> tuple[Array, Array]:
    """Of each positive row the share of negatives below it, of each negative that of positives above; ties half."""
    above = np.zeros(int(positive.sum()))
    below = np.zeros(int((~positive).sum()))
    for of_all in scores:
        of_positive, of_negative = placements(of_all, positive)
        above += of_positive
        below += of_negative
    # Divided once, so that scores which did not change differ by 0 exactly.
    return above / (len(below) * len(scores)), 1 - below / (len(above) * len(scores))


def each(without: Without, columns: Sequence[str], positive: Mask, *, confidence: float) -> list[Contribution]:
    """What each column adds by itself. The intervals hold together (Bonferroni)."""
    joint = simultaneous(confidence, len(columns))
    return [contribution(without, [column], positive, confidence=joint) for column in columns]


def simultaneous(confidence: float, intervals: int) -> float:
    """The level of each of several intervals that together cover with `confidence` (Bonferroni)."""
    return 1 - (1 - confidence) / max(intervals, 1)


def droppable(
    without: Without, found: Sequence[Contribution], positive: Mask, *, minimum: float, confidence: float
) -> Contribution | None:
    """Columns that could go together, and what that costs; None where there is none.

    In the order of `found` each column that alone adds less than `minimum` for sure joins the list, unless the list
    with it no longer does: two columns that tell the same are each of no use while the other is there.
    """
    dropped: Contribution | None = None
    for one in found:
        if one.added.high is None or one.added.high >= minimum:
            continue
        columns = (*(dropped.columns if dropped else ()), *one.columns)
        tried = contribution(without, columns, positive, confidence=simultaneous(confidence, len(found)))
        if tried.added.high is not None and tried.added.high < minimum:
            dropped = tried
    return dropped
