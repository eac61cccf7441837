"""Ways to decide about one split, learnt from another: one base learner, alone and under each mitigation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethics_kit.measures import encoding

Constraint = Literal["demographic_parity", "equalized_odds", "true_positive_rate_parity", "false_positive_rate_parity"]
Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class NotTried(Exception):
    """A way to decide does not apply; the message is the reason."""


@dataclass(frozen=True)
class Split:
    """Rows with a group and an outcome each; features, the system's scores and its decisions where they are known."""

    group: npt.NDArray[Any]
    positive: Mask
    features: pd.DataFrame | None = None
    scores: Array | None = None
    selected: Mask | None = None


@dataclass(frozen=True)
class Task:
    """What is learnt from, what is decided about, which rates are to be equal, and what share may be selected."""

    train: Split
    test: Split
    constraint: Constraint
    capacity_share: float | None
    seed: int

    @cached_property
    def features(self) -> tuple[Array, Array]:
        """Both splits as numbers, by what the training split shows."""
        if self.train.features is None or self.test.features is None:
            raise NotTried("no features are given to learn from")
        if len(set(self.train.positive)) < 2:
            raise NotTried("the training split has one outcome only")
        return encoding.learnt(self.train.features, self.test.features)

    @cached_property
    def base(self) -> Any:
        """The base learner, fitted to the features as they are."""
        return base_learner().fit(self.features[0], self.train.positive)

    def groups(self) -> list[str]:
        """The groups of the training split; nothing can be brought together where there is one only."""
        found = sorted(set(self.train.group))
        if len(found) < 2:
            raise NotTried("the training split has one group only")
        return found

    def known_groups(self) -> list[str]:
        """`groups`, where the test split has no others: a decision that needs the group cannot be learnt for those."""
        unseen = sorted(set(self.test.group) - set(self.groups()))
        if unseen:
            raise NotTried(f"groups that the training split lacks: {', '.join(map(str, unseen))}")
        return self.groups()


def as_deployed(task: Task) -> Mask:
    """The system's decisions; else its highest scores, as many as the capacity."""
    if task.test.selected is not None:
        return task.test.selected
    if task.test.scores is None or task.capacity_share is None:
        raise NotTried("neither the system's decisions nor the share that its scores may select are given")
    return _highest(task.test.scores, task.capacity_share)


def unmitigated(task: Task) -> Mask:
    """The base learner."""
    return _chosen(task, _probability(task.base, task.features[1]))


def exponentiated_gradient(task: Task) -> Mask:
    """A mixture of base learners, each fitted to reweighted rows; who meets which is drawn by the seed."""
    from fairlearn import reductions

    moments = {
        "demographic_parity": reductions.DemographicParity,
        "equalized_odds": reductions.EqualizedOdds,
        "true_positive_rate_parity": reductions.TruePositiveRateParity,
        "false_positive_rate_parity": reductions.FalsePositiveRateParity,
    }
    task.groups()
    learnt, asked = task.features
    mixture = reductions.ExponentiatedGradient(base_learner(), moments[task.constraint]())
    mixture.fit(learnt, task.train.positive.astype(int), sensitive_features=task.train.group)
    if task.capacity_share is None:
        return np.asarray(mixture.predict(asked, random_state=task.seed)) > 0
    shares = mixture.weights_.sort_index()
    parts = [share * _probability(mixture.predictors_[i], asked) for i, share in shares.items() if share > 0]
    return _highest(np.sum(parts, axis=0), task.capacity_share)


def correlation_remover(task: Task) -> Mask:
    """The base learner on features from which their linear relation with the group is taken."""
    from fairlearn.preprocessing import CorrelationRemover

    groups, width = task.known_groups()[1:], task.features[0].shape[1]
    learnt, asked = (
        np.column_stack([x, *(split.group == g for g in groups)])
        for x, split in zip(task.features, (task.train, task.test), strict=True)
    )
    remover = CorrelationRemover(sensitive_feature_ids=range(width, width + len(groups)))
    learner = base_learner().fit(remover.fit_transform(learnt), task.train.positive)
    return _chosen(task, _probability(learner, remover.transform(asked)))


def threshold_optimizer(task: Task) -> Mask:
    """A threshold per group on the base learner's scores."""
    task.known_groups()
    return _thresholds(task, *(_probability(task.base, x) for x in task.features))


def threshold_optimizer_deployed(task: Task) -> Mask:
    """A threshold per group on the system's own scores."""
    task.known_groups()
    if task.train.scores is None or task.test.scores is None:
        raise NotTried("the system's scores are not given")
    return _thresholds(task, task.train.scores, task.test.scores)


def _thresholds(task: Task, learnt: Array, asked: Array) -> Mask:
    if task.capacity_share is not None:
        return _common_rate(task, learnt, asked, task.capacity_share)
    from fairlearn.postprocessing import ThresholdOptimizer

    optimizer = ThresholdOptimizer(
        estimator=_given(), constraints=task.constraint, prefit=True, predict_method="predict"
    )
    rows = [scores[:, None] for scores in (learnt, asked)]
    optimizer.fit(rows[0], task.train.positive.astype(int), sensitive_features=task.train.group)
    chosen = optimizer.predict(rows[1], sensitive_features=task.test.group, random_state=task.seed)
    return np.asarray(chosen) > 0


def _common_rate(task: Task, learnt: Array, asked: Array, share: float) -> Mask:
    """The thresholds that give each group the same rate in training, at the highest rate the capacity allows."""
    reference = {
        "demographic_parity": np.ones(len(learnt), dtype=bool),
        "true_positive_rate_parity": task.train.positive,
        "false_positive_rate_parity": ~task.train.positive,
    }.get(task.constraint)
    if reference is None:
        raise NotTried("one threshold per group cannot make two rates equal under a capacity: name one of them")
    rates = np.linspace(0, 1, 1001)
    cuts, taken = {}, np.zeros(len(rates))
    for group in task.groups():
        of_group = learnt[reference & (task.train.group == group)]
        if not len(of_group):
            raise NotTried(f"no row of group {group} in training to set its threshold by")
        cuts[group] = np.quantile(of_group, 1 - rates)
        taken += np.sum(asked[task.test.group == group][:, None] > cuts[group], axis=0)
    within = np.flatnonzero(taken <= _places(share, len(asked)))
    if not len(within):
        return np.zeros(len(asked), dtype=bool)
    cut = np.array([cuts[group][within[-1]] for group in task.test.group])
    return np.asarray(asked > cut)


def _chosen(task: Task, probability: Array) -> Mask:
    if task.capacity_share is None:
        return probability >= 0.5
    return _highest(probability, task.capacity_share)


def _places(share: float, rows: int) -> int:
    return math.floor(share * rows + 1e-9)


def _highest(scores: Array, share: float) -> Mask:
    """Rows of the highest scores, at most `share` of them; where a tie would exceed it, none of the tied."""
    places = _places(share, len(scores))
    cut = np.sort(scores)[-places] if places else np.inf
    return np.asarray(scores >= cut if np.sum(scores >= cut) <= places else scores > cut)


def _probability(learner: Any, rows: Array) -> Array:
    """Of the positive outcome; a learner that has seen one outcome only is sure of it."""
    found = learner.predict_proba(rows) if len(learner.classes_) == 2 else None
    return np.asarray(learner.predict(rows) if found is None else found[:, 1], dtype=np.float64)


def base_learner() -> Any:
    """The learner that every way to decide rests on, not fitted yet."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000)


def _given() -> Any:
    """An estimator that predicts what it is given: the scores are there already."""
    from sklearn.base import BaseEstimator

    class Given(BaseEstimator):  # type: ignore[misc]
        def fit(self, *_: object) -> Given:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, rows: Array) -> Array:
            return rows[:, 0]

    return Given()
