"""Mitigations tried on one split of the data and judged on another: what each does to the gap, and what it costs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ethics_kit.measures import learners, proportions
from ethics_kit.measures.learners import Constraint, Mask, NotTried, Split, Task
from ethics_kit.measures.proportions import UNDEFINED, Estimate

__all__ = ["Constraint", "Split", "Trial", "try_mitigations"]

Counts = Mapping[str, Mapping[str, int]]

CELLS = ("tp", "fp", "fn", "tn")
RATES: dict[Constraint, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "demographic_parity": {"selection rate": (("tp", "fp"), CELLS)},
    "true_positive_rate_parity": {"true positive rate": (("tp",), ("tp", "fn"))},
    "false_positive_rate_parity": {"false positive rate": (("fp",), ("fp", "tn"))},
    "equalized_odds": {
        "true positive rate": (("tp",), ("tp", "fn")),
        "false positive rate": (("fp",), ("fp", "tn")),
    },
}
"""The rates that each constraint wants equal, as cells of their numerator and denominator."""

FOR_DEVELOPERS = (DeprecationWarning, FutureWarning, PendingDeprecationWarning)


@dataclass(frozen=True)
class Trial:
    """One way to decide, judged on the test split; `failed` says why there is nothing to judge.

    `group_thresholds`: the same score is decided differently in two groups. `needs_group`: a person's group has to be
    known when deciding. `counts`: tp, fp, fn and tn by group. `gap`: the largest difference between two groups in a
    rate that the constraint wants equal. `warnings`: what the method warned of, and groups left out of the gap.
    """

    name: str
    what: str
    group_thresholds: bool
    needs_group: bool
    n_train: int
    n_test: int
    accuracy: Estimate = UNDEFINED
    balanced_accuracy: Estimate = UNDEFINED
    gap: Estimate = UNDEFINED
    counts: Counts | None = None
    failed: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Method:
    decide: Callable[[Task], Mask]
    what: str
    group_thresholds: bool = False
    needs_group: bool = False


METHODS = (
    _Method(learners.as_deployed, "the system as it is"),
    _Method(learners.unmitigated, "logistic regression on the features, without a mitigation"),
    _Method(
        learners.exponentiated_gradient,
        "a random mixture of logistic regressions, fitted so that the rates come closer (exponentiated gradient)",
    ),
    _Method(
        learners.correlation_remover,
        "logistic regression on features freed of their correlation with the group (correlation remover)",
        needs_group=True,
    ),
    _Method(
        learners.threshold_optimizer,
        "the unmitigated logistic regression with a threshold per group that brings the rates together",
        group_thresholds=True,
        needs_group=True,
    ),
    _Method(
        learners.threshold_optimizer_deployed,
        "the system's own scores with a threshold per group that brings the rates together",
        group_thresholds=True,
        needs_group=True,
    ),
)


def try_mitigations(
    train: Split,
    test: Split,
    *,
    constraint: Constraint,
    allow_group_thresholds: bool,
    capacity_share: float | None = None,
    seed: int,
    confidence: float = 0.95,
) -> list[Trial]:
    """Each way to decide that fits the data, learnt from `train` and judged on `test`, always in the same order.

    The system as it is and its scores with thresholds are among them where `test` has its decisions or scores. With a
    `capacity_share` (0 to 1) each selects at most that share of the test rows, by score; without one, where the outcome
    is more likely than not. A method that cannot be tried or breaks off says why and spoils no other.

    Intervals: Wilson for accuracy; for balanced accuracy and the gap Newcombe's way from Wilson's, for the gap wide
    enough to hold for all pairs of groups at once (Bonferroni).

    Raises
    ------
    ValueError
        A row lacks a group, an outcome or a score, the splits have other features, or the capacity is no share.
    """
    if capacity_share is not None and not 0 <= capacity_share <= 1:
        raise ValueError(f"a capacity of {capacity_share}: it is a share, from 0 to 1")
    task = Task(_checked("training", train), _checked("test", test), constraint, capacity_share, seed)
    if _columns(train) != _columns(test):
        raise ValueError("the features of the training split and of the test split are not the same columns")
    deployed = test.scores is not None or test.selected is not None
    found = []
    for method in METHODS:
        name, rows = method.decide.__name__, (len(train.group), len(test.group))
        if not deployed and method.decide in (learners.as_deployed, learners.threshold_optimizer_deployed):
            continue
        trial = Trial(name, method.what, method.group_thresholds, method.needs_group, *rows)
        if method.group_thresholds and not allow_group_thresholds:
            found.append(replace(trial, failed="not run: thresholds that differ by group are not allowed here"))
        else:
            found.append(_tried(trial, method, task, confidence))
    return found


def _checked(name: str, split: Split) -> Split:
    """The split with its columns as arrays; raises where a row lacks anything."""
    columns = {"group": split.group, "positive": split.positive, "scores": split.scores, "selected": split.selected}
    arrays = {key: np.asarray(column) for key, column in columns.items() if column is not None}
    rows = len(arrays["group"])
    for key, array in arrays.items():
        if array.shape != (rows,) or pd.isna(array).any():
            raise ValueError(f"{key} of the {name} split: {int(pd.notna(array).sum())} values for {rows} rows")
    if split.features is not None and len(split.features) != rows:
        raise ValueError(f"features of the {name} split: {len(split.features)} rows for {rows}")
    return replace(
        split,
        group=arrays["group"].astype(np.str_),
        positive=arrays["positive"].astype(np.bool_),
        scores=arrays["scores"].astype(np.float64) if "scores" in arrays else None,
        selected=arrays["selected"].astype(np.bool_) if "selected" in arrays else None,
    )


def _columns(split: Split) -> list[Any] | None:
    return None if split.features is None else list(split.features.columns)


def _tried(trial: Trial, method: _Method, task: Task, confidence: float) -> Trial:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            selected, failed = method.decide(task), None
        except NotTried as reason:
            selected, failed = None, f"not run: {reason}"
        except Exception as error:  # fairlearn and scikit-learn raise many types where data do not suit them
            selected, failed = None, type(error).__name__
    # a warning's words may quote data, as those of an error may
    told = [w.category.__name__ for w in caught if not issubclass(w.category, FOR_DEVELOPERS)]
    if selected is None:
        return replace(trial, failed=failed, warnings=tuple(dict.fromkeys(told)))
    counts = _counts(task.test, selected)
    gap, left_out = _gap(counts, task.constraint, confidence)
    total = {cell: sum(group[cell] for group in counts.values()) for cell in CELLS}
    return replace(
        trial,
        accuracy=proportions.rate(total["tp"] + total["tn"], len(selected), confidence=confidence),
        balanced_accuracy=_balanced(total, confidence),
        gap=gap,
        counts=counts,
        warnings=tuple(dict.fromkeys(told + left_out)),
    )


def _counts(split: Split, selected: Mask) -> dict[str, dict[str, int]]:
    cells = (selected & split.positive, selected & ~split.positive, ~selected & split.positive)
    masks = dict(zip(CELLS, (*cells, ~(selected | split.positive)), strict=True))
    return {
        str(group): {cell: int(np.sum(mask & (split.group == group))) for cell, mask in masks.items()}
        for group in sorted(set(split.group))
    }


def _balanced(total: Mapping[str, int], confidence: float) -> Estimate:
    """Mean of the true positive and the true negative rate: (1 + true - false positive rate) / 2."""
    tp, fp, fn, tn = (total[cell] for cell in CELLS)
    found = proportions.difference(tp, tp + fn, fp, fp + tn, confidence=confidence)
    if found.value is None or found.low is None or found.high is None:
        return UNDEFINED
    return Estimate((1 + found.value) / 2, (1 + found.low) / 2, (1 + found.high) / 2)


def _gap(counts: Counts, constraint: Constraint, confidence: float) -> tuple[Estimate, list[str]]:
    """The largest difference between two groups, and the groups left out."""
    pairs, left_out = [], []
    for name, (top, bottom) in RATES[constraint].items():
        sums = {g: (sum(c[k] for k in top), sum(c[k] for k in bottom)) for g, c in counts.items()}
        left_out += [f"{group} has no {name} and is left out of the gap" for group, (_, n) in sums.items() if not n]
        pairs += list(combinations([found for found in sums.values() if found[1]], 2))
    if not pairs:
        return UNDEFINED, left_out
    level = 1 - (1 - confidence) / len(pairs)
    gaps = proportions.differences(*np.array(pairs).reshape(-1, 4).T, confidence=level)
    # Each pair both ways round: the largest true difference lies above every lower limit and below the highest upper.
    value = max(abs(gap.value or 0.0) for gap in gaps)
    low = max(max(gap.low or 0.0, -(gap.high or 0.0)) for gap in gaps)
    high = max(max(gap.high or 0.0, -(gap.low or 0.0)) for gap in gaps)
    return Estimate(value, max(low, 0.0), high), left_out
