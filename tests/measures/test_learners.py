"""Ways to decide: each against the same method called by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fairlearn.postprocessing import ThresholdOptimizer
from fairlearn.reductions import EqualizedOdds, ExponentiatedGradient
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ethics_kit.measures import learners
from ethics_kit.measures.learners import NotTried, Split, Task


def split(seed: int, n: int = 600, *, groups: int = 2) -> Split:
    """Merit, and a proxy of the group on which the outcome depends too."""
    rng = np.random.default_rng(seed)
    group = np.array([f"g{g}" for g in rng.integers(0, groups, n)])
    merit, proxy = rng.normal(size=n), (group == "g0") + rng.normal(size=n)
    positive = merit + proxy + rng.normal(size=n) > 0.7
    return Split(group, positive, pd.DataFrame({"merit": merit, "proxy": proxy}), merit + 0.5 * proxy)


def task(**changes: object) -> Task:
    given = {"constraint": "demographic_parity", "capacity_share": None, "seed": 7}
    return Task(**{"train": split(1), "test": split(2), **given, **changes})


def standardised(found: Task) -> tuple[np.ndarray, np.ndarray]:
    scaler = StandardScaler().fit(found.train.features.to_numpy())
    return scaler.transform(found.train.features.to_numpy()), scaler.transform(found.test.features.to_numpy())


def test_the_base_learner_is_logistic_regression_on_standardised_features() -> None:
    found = task()
    learnt, asked = standardised(found)
    expected = LogisticRegression().fit(learnt, found.train.positive).predict(asked)
    assert np.array_equal(learners.unmitigated(found), expected)


def test_the_mixture_is_fairlearns_at_the_same_seed() -> None:
    found = task(constraint="equalized_odds")
    learnt, asked = standardised(found)
    mixture = ExponentiatedGradient(LogisticRegression(max_iter=1000), EqualizedOdds())
    mixture.fit(learnt, found.train.positive.astype(int), sensitive_features=found.train.group)
    assert np.array_equal(learners.exponentiated_gradient(found), mixture.predict(asked, random_state=7))
    # under a capacity: the highest probabilities, weighted as the mixture draws its learners
    weights = [(i, w) for i, w in mixture.weights_.items() if w]
    assert len(weights) > 1
    scores = sum(w * mixture.predictors_[i].predict_proba(asked)[:, 1] for i, w in weights)
    limited = learners.exponentiated_gradient(replace(found, capacity_share=0.25))
    assert set(np.flatnonzero(limited)) == set(np.argsort(scores)[-150:])


def test_features_lose_what_the_group_predicts_of_them() -> None:
    found = task(train=split(1, groups=3), test=split(2, groups=3))
    (learnt, asked), names = standardised(found), ["g1", "g2"]
    dummies, others = (np.column_stack([s.group == g for g in names]) * 1.0 for s in (found.train, found.test))
    design = np.column_stack([np.ones(len(dummies)), dummies])
    slopes = np.linalg.lstsq(design, learnt, rcond=None)[0][1:]
    freed = [x - (d - dummies.mean(axis=0)) @ slopes for x, d in ((learnt, dummies), (asked, others))]
    expected = LogisticRegression().fit(freed[0], found.train.positive).predict(freed[1])
    assert np.array_equal(learners.correlation_remover(found), expected)


def test_thresholds_are_fairlearns_at_the_same_seed() -> None:
    found = task(constraint="true_positive_rate_parity")
    learnt, asked = standardised(found)
    optimizer = ThresholdOptimizer(
        estimator=LogisticRegression(max_iter=1000).fit(learnt, found.train.positive),
        constraints="true_positive_rate_parity",
        prefit=True,
        predict_method="predict_proba",
    ).fit(learnt, found.train.positive, sensitive_features=found.train.group)
    expected = optimizer.predict(asked, sensitive_features=found.test.group, random_state=7)
    assert np.array_equal(learners.threshold_optimizer(found), expected)


@pytest.mark.parametrize(
    ("constraint", "outcomes"),
    [
        ("demographic_parity", (True, False)),
        ("true_positive_rate_parity", (True,)),
        ("false_positive_rate_parity", (False,)),
    ],
)
def test_thresholds_under_a_capacity_give_the_groups_the_same_rate(constraint: str, outcomes: tuple[bool, ...]) -> None:
    rows = split(3, 4000, groups=3)
    chosen = learners.threshold_optimizer_deployed(
        task(train=rows, test=rows, constraint=constraint, capacity_share=0.2)
    )
    assert 0.197 < chosen.mean() <= 0.2
    of = np.isin(rows.positive, outcomes)
    rates = [chosen[of & (rows.group == g)].mean() for g in ("g0", "g1", "g2")]
    assert max(rates) - min(rates) < 0.005
    assert np.ptp([rows.scores[chosen & (rows.group == g)].min() for g in ("g0", "g1", "g2")]) > 0.1


@pytest.mark.parametrize("capacity_share", [0.0, 0.001, 0.1, 0.5, 1.0])
@pytest.mark.parametrize(
    "decide",
    [
        learners.as_deployed,
        learners.unmitigated,
        learners.correlation_remover,
        learners.threshold_optimizer,
    ],
    ids=lambda f: f.__name__,
)
def test_no_more_than_the_capacity_are_selected(decide: object, capacity_share: float) -> None:
    found = decide(task(capacity_share=capacity_share))
    assert capacity_share * 600 - 6 <= found.sum() <= capacity_share * 600


def test_the_highest_scores_are_selected_and_none_of_a_tie_that_would_exceed_the_capacity() -> None:
    test = Split(np.array(["a", "b"] * 3), np.ones(6, dtype=bool), scores=np.array([5.0, 1, 4, 4, 2, 3]))

    def places(n: int) -> list[int]:
        found = learners.as_deployed(task(test=test, capacity_share=n / 6))
        return list(np.flatnonzero(found))

    assert [places(n) for n in range(5)] == [[], [0], [0], [0, 2, 3], [0, 2, 3, 5]]


def test_a_share_that_is_a_whole_number_of_rows_is_not_rounded_down() -> None:
    test = Split(np.array(["a"] * 100), np.ones(100, dtype=bool), scores=np.arange(100.0))
    assert learners.as_deployed(task(test=test, capacity_share=0.29)).sum() == 29


def test_the_systems_decisions_go_before_its_scores() -> None:
    test = Split(
        np.array(["a", "b"]), np.ones(2, dtype=bool), scores=np.array([1.0, 2]), selected=np.array([True, False])
    )
    assert learners.as_deployed(task(test=test, capacity_share=0.5)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("decide", "changes", "reason"),
    [
        (learners.as_deployed, {}, "neither the system's decisions nor the share"),
        (learners.unmitigated, {"test": Split(np.array(["g0"]), np.array([True]))}, "no features are given"),
        (learners.threshold_optimizer_deployed, {"test": Split(np.array(["g0"]), np.array([True]))}, "scores are not"),
        (
            learners.unmitigated,
            {"train": replace(split(1), positive=np.ones(600, dtype=bool))},
            "the training split has one outcome only",
        ),
        (learners.exponentiated_gradient, {"train": split(1, groups=1)}, "the training split has one group only"),
        (learners.correlation_remover, {"train": split(1, groups=1)}, "the training split has one group only"),
        (learners.correlation_remover, {"test": split(2, groups=4)}, "groups that the training split lacks: g2, g3"),
        (learners.threshold_optimizer, {"test": split(2, groups=3)}, "groups that the training split lacks: g2"),
        (
            learners.threshold_optimizer,
            {"constraint": "equalized_odds", "capacity_share": 0.2},
            "cannot make two rates equal under a capacity",
        ),
    ],
)
def test_what_does_not_apply_says_why(decide: object, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(NotTried, match=reason):
        decide(task(**changes))


def test_a_group_without_the_outcome_in_training_has_no_threshold_for_its_rate() -> None:
    rows = split(4)
    train = Split(rows.group, rows.positive & (rows.group == "g0"), rows.features, rows.scores)
    with pytest.raises(NotTried, match="no row of group g1 in training to set its threshold by"):
        learners.threshold_optimizer(task(train=train, constraint="true_positive_rate_parity", capacity_share=0.2))


def test_a_mixture_under_a_capacity_may_hold_a_learner_that_saw_one_outcome_only() -> None:
    rows = split(5, 300)
    train = Split(rows.group, rows.group == "g0", rows.features)  # the group is the outcome: parity is a constant
    found = learners.exponentiated_gradient(task(train=train, capacity_share=0.2))
    assert found.sum() <= 120
