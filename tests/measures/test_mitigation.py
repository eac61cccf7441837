"""Mitigations: planted bias that they reduce, metrics by a second route, and failures that stay alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from ethics_kit.measures import learners, mitigation, proportions
from ethics_kit.measures.mitigation import CELLS, Constraint, Split, Trial, try_mitigations

NAMES = ["unmitigated", "exponentiated_gradient", "correlation_remover", "threshold_optimizer"]


def rows(
    seed: int, n: int = 1500, *, groups: int = 2, proxy: float = 1.5, bias: float = 1.0, flattery: float = 0.0
) -> Split:
    """Group g0 is favoured in the label (`bias`), a feature gives it away (`proxy`), one flatters it (`flattery`)."""
    rng = np.random.default_rng(seed)
    group = np.array([f"g{g}" for g in rng.integers(0, groups, n)])
    merit = rng.normal(size=n)
    features = pd.DataFrame(
        {
            "merit": merit + flattery * (group == "g0") + 0.5 * rng.normal(size=n),
            "proxy": proxy * (group == "g0") + rng.normal(size=n),
            "plan": rng.choice(["basic", "plus", None], n),
            "calls": np.where(rng.random(n) < 0.1, np.nan, rng.poisson(3, n)),
        }
    )
    positive = merit + bias * (group == "g0") + 0.5 * rng.normal(size=n) > 0.5
    return Split(group, positive, features)


TRAIN, TEST = rows(1), rows(2)


def tried(train: Split = TRAIN, test: Split = TEST, **changes: object) -> dict[str, Trial]:
    given = {"constraint": "demographic_parity", "allow_group_thresholds": True, "seed": 7}
    found = try_mitigations(train, test, **{**given, **changes})
    return {trial.name: trial for trial in found}


@pytest.fixture(scope="module")
def found() -> dict[str, Trial]:
    """The trials of the planted data, for tests that only look at them."""
    return tried()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the mixture, which takes seconds: for facts that hold for every method."""
    methods = [m for m in mitigation.METHODS if m.decide is not learners.exponentiated_gradient]
    monkeypatch.setattr(mitigation, "METHODS", methods)


def selected_counts(trial: Trial) -> dict[str, int]:
    return {group: cells["tp"] + cells["fp"] for group, cells in trial.counts.items()}


def expanded(trial: Trial) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, decision and group of each counted row."""
    meaning = {"tp": (1, 1), "fp": (0, 1), "fn": (1, 0), "tn": (0, 0)}
    found = [(*meaning[cell], g) for g, cells in trial.counts.items() for cell in CELLS for _ in range(cells[cell])]
    outcome, decision, group = zip(*found, strict=True)
    return np.array(outcome), np.array(decision), np.array(group)


# --- what a trial says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "gap"),
    [
        ("demographic_parity", fl.demographic_parity_difference),
        ("equalized_odds", fl.equalized_odds_difference),
        ("true_positive_rate_parity", fl.true_positive_rate_difference),
        ("false_positive_rate_parity", fl.false_positive_rate_difference),
    ],
)
@pytest.mark.usefixtures("quick")
def test_numbers_are_fairlearns_and_scikit_learns(constraint: Constraint, gap: object) -> None:
    for trial in tried(rows(3, groups=3), rows(4, groups=3), constraint=constraint).values():
        assert_numbers(trial, gap)


def assert_numbers(trial: Trial, gap: object) -> None:
    outcome, decision, group = expanded(trial)
    assert trial.failed is None
    assert trial.gap.value == pytest.approx(gap(outcome, decision, sensitive_features=group))
    assert trial.accuracy.value == pytest.approx(accuracy_score(outcome, decision))
    assert trial.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(outcome, decision))
    for estimate in (trial.gap, trial.accuracy, trial.balanced_accuracy):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert (trial.n_train, trial.n_test, len(outcome)) == (1500, 1500, 1500)


def test_every_way_to_decide_is_tried_and_judged_the_same_way(found: dict[str, Trial]) -> None:
    assert list(found) == NAMES
    for trial in found.values():
        assert_numbers(trial, fl.demographic_parity_difference)


@pytest.mark.usefixtures("quick")
def test_counts_are_of_the_base_learners_decisions_by_group() -> None:
    x = TRAIN.features[["merit"]], TEST.features[["merit"]]
    model = LogisticRegression().fit(x[0].to_numpy(), TRAIN.positive)
    decision = model.predict(x[1].to_numpy())
    found = tried(replace(TRAIN, features=x[0]), replace(TEST, features=x[1]))["unmitigated"].counts
    for group in ("g0", "g1"):
        own = TEST.group == group
        assert found[group]["tp"] == np.sum(own & decision & TEST.positive)
        assert found[group]["fp"] == np.sum(own & decision & ~TEST.positive)
        assert found[group]["fn"] == np.sum(own & ~decision & TEST.positive)
        assert found[group]["tn"] == np.sum(own & ~decision & ~TEST.positive)


@pytest.mark.usefixtures("quick")
def test_accuracy_has_wilsons_interval() -> None:
    trial = tried()["unmitigated"]
    right = sum(cells["tp"] + cells["tn"] for cells in trial.counts.values())
    assert trial.accuracy == proportions.rate(right, 1500)
    assert tried(confidence=0.8)["unmitigated"].accuracy == proportions.rate(right, 1500, confidence=0.8)


def test_a_trial_tells_whether_it_needs_the_group(found: dict[str, Trial]) -> None:
    told = {name: (trial.group_thresholds, trial.needs_group) for name, trial in found.items()}
    assert told == {
        "unmitigated": (False, False),
        "exponentiated_gradient": (False, False),
        "correlation_remover": (False, True),
        "threshold_optimizer": (True, True),
    }


@pytest.mark.parametrize("groups", [2, 5])
@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_the_gaps_interval_holds_the_true_largest_difference_as_often_as_it_says(groups: int, gap: float) -> None:
    rng = np.random.default_rng(20261101)
    group, held = np.repeat([f"g{g}" for g in range(groups)], 80), []
    for _ in range(150):
        selected = rng.random(80 * groups) < 0.3 + gap * (group == "g0")
        test = Split(group, np.ones(80 * groups, dtype=bool), selected=selected)
        estimate = tried(test, test)["as_deployed"].gap
        held.append(estimate.low <= gap <= estimate.high)
    assert np.mean(held) >= 0.91


# --- planted bias --------------------------------------------------------------------------------------------------


def assert_reduced(found: dict[str, Trial], names: Sequence[str]) -> None:
    before = found["unmitigated"]
    assert before.gap.low > 0.05
    for name in names:
        assert found[name].gap.value < before.gap.value / 2, name
        assert found[name].accuracy.value > before.accuracy.value - 0.1, name


def test_a_proxy_of_a_favoured_group_makes_a_gap_that_each_mitigation_reduces(found: dict[str, Trial]) -> None:
    assert_reduced(found, NAMES[1:])


def test_the_gap_is_reduced_under_a_capacity_too() -> None:
    assert_reduced(tried(capacity_share=0.3), NAMES[1:])


@pytest.mark.parametrize("constraint", ["equalized_odds", "true_positive_rate_parity"])
def test_errors_from_a_feature_that_flatters_one_group_are_evened(constraint: Constraint) -> None:
    flattered = [rows(seed, proxy=1.0, bias=0, flattery=1.5) for seed in (5, 6)]
    train, test = (replace(split, features=split.features[["merit", "plan"]]) for split in flattered)
    assert_reduced(tried(train, test, constraint=constraint), ["exponentiated_gradient", "threshold_optimizer"])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("constraint", list(mitigation.RATES))
def test_the_names_of_groups_change_no_gap(constraint: Constraint) -> None:
    others = [replace(split, group=np.where(split.group == "g0", "z", "a")) for split in (TRAIN, TEST)]
    renamed = tried(*others, constraint=constraint)["unmitigated"].gap
    expected = tried(constraint=constraint)["unmitigated"].gap
    assert (renamed.value, renamed.low, renamed.high) == pytest.approx((expected.value, expected.low, expected.high))


@pytest.mark.usefixtures("quick")
def test_without_bias_there_is_no_gap_to_reduce() -> None:
    fair = tried(rows(7, proxy=0, bias=0), rows(8, proxy=0, bias=0))
    assert fair["unmitigated"].gap.low == 0


# --- scores, capacity, thresholds ----------------------------------------------------------------------------------


def with_scores(split: Split, *, features: bool = True) -> Split:
    scores = (split.features.merit + split.features.proxy).to_numpy()
    return replace(split, scores=scores, features=split.features if features else None)


def test_with_scores_the_system_as_it_is_and_its_scores_with_thresholds_are_tried_too() -> None:
    found = tried(with_scores(TRAIN), with_scores(TEST), capacity_share=0.3)
    assert list(found) == ["as_deployed", *NAMES, "threshold_optimizer_deployed"]
    assert {trial.failed for trial in found.values()} == {None}
    assert {sum(selected_counts(found[n]).values()) for n in ("as_deployed", *NAMES[:3])} == {450}
    scores = with_scores(TEST).scores
    expected = TEST.group[scores >= np.sort(scores)[-450]]
    assert selected_counts(found["as_deployed"]) == {g: np.sum(expected == g) for g in ("g0", "g1")}
    assert found["threshold_optimizer_deployed"].gap.value < found["as_deployed"].gap.low


@pytest.mark.usefixtures("quick")
def test_with_scores_alone_only_thresholds_can_be_tried() -> None:
    found = tried(with_scores(TRAIN, features=False), with_scores(TEST, features=False), capacity_share=0.3)
    ran = {name for name, trial in found.items() if trial.failed is None}
    assert ran == {"as_deployed", "threshold_optimizer_deployed"}
    assert found["unmitigated"].failed == "not run: no features are given to learn from"
    assert found["unmitigated"].counts is None
    assert found["unmitigated"].accuracy == proportions.UNDEFINED


@pytest.mark.usefixtures("quick")
def test_thresholds_by_group_are_not_run_where_they_are_not_allowed() -> None:
    found = tried(with_scores(TRAIN), with_scores(TEST), capacity_share=0.3, allow_group_thresholds=False)
    for trial in found.values():
        refused = "not run: thresholds that differ by group are not allowed here" if trial.group_thresholds else None
        assert trial.failed == refused
        assert (trial.counts is None) == trial.group_thresholds


# --- failures that stay alone --------------------------------------------------------------------------------------


def failures(found: dict[str, Trial]) -> dict[str, str]:
    return {name: trial.failed for name, trial in found.items() if trial.failed}


def test_a_group_with_one_outcome_only_spoils_thresholds_and_nothing_else() -> None:
    train = replace(TRAIN, positive=TRAIN.positive & (TRAIN.group == "g0"))
    found = failures(tried(train, constraint="equalized_odds"))
    assert list(found) == ["threshold_optimizer"]
    assert found["threshold_optimizer"] == "ValueError"


def test_one_outcome_only_in_training_is_each_trials_reason() -> None:
    found = failures(tried(replace(TRAIN, positive=np.ones(1500, dtype=bool))))
    assert found == dict.fromkeys(NAMES, "not run: the training split has one outcome only")


@pytest.mark.usefixtures("quick")
def test_one_group_only_leaves_nothing_to_mitigate_and_no_gap() -> None:
    alone = [replace(split, group=np.full(1500, "g0")) for split in (TRAIN, TEST)]
    found = tried(*alone)
    assert failures(found) == dict.fromkeys(NAMES[2:], "not run: the training split has one group only")
    assert found["unmitigated"].gap == proportions.UNDEFINED
    assert found["unmitigated"].accuracy.defined


@pytest.mark.usefixtures("quick")
def test_a_group_that_training_lacks_is_judged_where_its_group_is_not_needed() -> None:
    found = tried(TRAIN, rows(9, groups=3))
    assert set(failures(found)) == {"correlation_remover", "threshold_optimizer"}
    assert set(found["unmitigated"].counts) == {"g0", "g1", "g2"}


@pytest.mark.usefixtures("quick")
def test_a_constant_outcome_in_the_test_split_leaves_rates_undefined_and_never_zero() -> None:
    found = tried(TRAIN, replace(TEST, positive=np.ones(1500, dtype=bool)), constraint="false_positive_rate_parity")
    trial = found["unmitigated"]
    assert (trial.gap, trial.balanced_accuracy) == (proportions.UNDEFINED, proportions.UNDEFINED)
    assert trial.accuracy.defined
    assert "g0 has no false positive rate and is left out of the gap" in trial.warnings


@pytest.mark.usefixtures("quick")
def test_a_group_without_the_rate_is_left_out_of_the_gap_and_told() -> None:
    test = rows(10, groups=3)
    test = replace(test, positive=test.positive & (test.group != "g2"))
    trial = tried(rows(11, groups=3), test, constraint="true_positive_rate_parity")["unmitigated"]
    rates = [cells["tp"] / (cells["tp"] + cells["fn"]) for group, cells in trial.counts.items() if group != "g2"]
    assert trial.gap.value == pytest.approx(abs(rates[0] - rates[1]))
    assert trial.warnings == ("g2 has no true positive rate and is left out of the gap",)


@pytest.mark.usefixtures("quick")
def test_a_method_that_breaks_off_says_why_without_what_the_data_say(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> object:
        raise RuntimeError("no convergence for 'smith@example.org'\nand more")

    methods = [replace(m, decide=broken) if m.decide is learners.correlation_remover else m for m in mitigation.METHODS]
    monkeypatch.setattr(mitigation, "METHODS", methods)
    assert failures(tried()) == {"broken": "RuntimeError"}


def test_what_a_method_warns_of_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learners, "base_learner", lambda: LogisticRegression(max_iter=1))
    found = tried()["exponentiated_gradient"]
    assert found.failed is None
    assert found.warnings == ("ConvergenceWarning",)


# --- rows ----------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_trials_and_another_seed_other_draws(found: dict[str, Trial]) -> None:
    assert tried() == found
    other = tried(seed=8)
    assert other["exponentiated_gradient"].counts != found["exponentiated_gradient"].counts
    assert other["unmitigated"] == found["unmitigated"]


def test_the_outcomes_of_the_test_split_change_no_decision(found: dict[str, Trial]) -> None:
    flipped = tried(TRAIN, replace(TEST, positive=~TEST.positive))
    for name, trial in found.items():
        assert selected_counts(flipped[name]) == selected_counts(trial)


@pytest.mark.usefixtures("quick")
def test_types_and_values_that_training_has_not_seen_are_taken() -> None:
    calls = TEST.features.calls.copy()
    calls.iloc[:3] = [np.inf, -np.inf, np.nan]
    days = pd.date_range("2026-01-01", periods=1500, freq="h")
    train = TRAIN.features.assign(day=days, flag=TRAIN.features.merit > 0)
    test = TEST.features.assign(plan="new", calls=calls, day=days.where(days > days[0]), flag=False)
    found = tried(replace(TRAIN, features=train), replace(TEST, features=test))
    assert failures(found) == {}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", [list, pd.Series, lambda v: pd.Series(v, index=range(9, 1509))])
def test_columns_may_be_lists_or_series(kind: object) -> None:
    def converted(split: Split) -> Split:
        return replace(split, group=kind(split.group), positive=kind(split.positive))

    assert tried(converted(TRAIN), converted(TEST)) == tried()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": [None, *TEST.group[1:]]}, "group of the test split: 1499 values for 1500 rows"),
        ({"positive": TEST.positive[1:]}, "positive of the test split: 1499 values for 1500 rows"),
        ({"scores": [np.nan] * 1500}, "scores of the test split: 0 values for 1500 rows"),
        ({"features": TEST.features[1:]}, "features of the test split: 1499 rows for 1500"),
        ({"features": TEST.features[["merit"]]}, "are not the same columns"),
        ({"features": None}, "are not the same columns"),
    ],
)
def test_splits_that_do_not_fit_are_refused(change: dict[str, Sequence[object]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tried(TRAIN, replace(TEST, **change))


@pytest.mark.parametrize("share", [-0.1, 1.1, 20])
def test_a_capacity_that_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="it is a share, from 0 to 1"):
        tried(capacity_share=share)
