"""What columns add to the AUC: against the definition pair by pair, and on columns whose worth is known."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from ethics_kit.measures import contribution
from ethics_kit.measures.contribution import Contribution, droppable, each, permuted, refitted
from ethics_kit.measures.proportions import Estimate


class Sum:
    """A model that adds up some of its columns."""

    def __init__(self, *columns, weights=None):
        self.columns, self.weights = columns, weights or [1.0] * len(columns)

    def score(self, data):
        return np.asarray(data[list(self.columns)].to_numpy() @ np.array(self.weights))


def pairwise(scores, positive):
    """By definition: how each positive row stands to each negative one, 1 above, a half for a tie."""
    return np.array([[(p > n) + (p == n) / 2 for n in scores[~positive]] for p in scores[positive]])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), min_size=6, max_size=25))
def test_value_and_interval_are_those_of_all_pairs_of_rows(rows):
    full, less, positive = (np.array(column) for column in zip(*rows, strict=True))
    found = contribution.contribution(lambda c: [less] if c else [full], ["a"], positive, confidence=0.9)
    if min(positive.sum(), (~positive).sum()) < 2:
        assert not found.added.defined
        return
    pairs = pairwise(full, positive) - pairwise(less, positive)
    assert found.added.value == pytest.approx(roc_auc_score(positive, full) - roc_auc_score(positive, less))
    variance = pairs.mean(axis=1).var(ddof=1) / pairs.shape[0] + pairs.mean(axis=0).var(ddof=1) / pairs.shape[1]
    margin = stats.norm.ppf(0.95) * math.sqrt(variance)
    assert (found.added.low, found.added.high) == pytest.approx((pairs.mean() - margin, pairs.mean() + margin))


def test_several_shuffles_count_by_their_mean():
    chance, positive = np.random.default_rng(1), np.arange(60) % 3 == 0
    full, *less = (chance.normal(positive) for _ in range(4))
    found = contribution.contribution(lambda c: less if c else [full], ["a"], positive, confidence=0.95)
    mean = np.mean([roc_auc_score(positive, scores) for scores in less])
    assert found.added.value == pytest.approx(roc_auc_score(positive, full) - mean)


@pytest.fixture(scope="module")
def rows():
    """Signal, the same signal once more, and noise; the outcome follows the signal."""
    chance = np.random.default_rng(7)
    signal = chance.normal(size=900)
    positive = signal + chance.normal(size=900) > 0
    return pd.DataFrame({"signal": signal, "copy": signal, "noise": chance.normal(size=900)}), positive


def test_a_column_the_scores_do_not_hang_on_adds_exactly_nothing(rows):
    data, positive = rows
    without = permuted(Sum("signal", "noise", weights=[1.0, 0.0]), data, seed=3)
    (found,) = each(without, ["noise"], positive, confidence=0.95)
    assert found.added == Estimate(0.0, 0.0, 0.0)


def test_shuffling_is_seeded_and_leaves_the_rows_as_they_were(rows):
    data, positive = rows
    before = data.copy()
    first, again = (each(permuted(Sum("signal"), data, seed=3), ["signal"], positive, confidence=0.95) for _ in "ab")
    assert first == again
    pd.testing.assert_frame_equal(data, before)
    assert first[0].added.value == pytest.approx(roc_auc_score(positive, data["signal"]) - 0.5, abs=0.03)


def test_left_out_of_a_learner_noise_adds_nothing_and_the_only_signal_all(rows):
    data, positive = rows
    half = np.arange(len(data)) % 2 == 0
    data = data[["signal", "noise"]]
    without = refitted(data[half], positive[half], data[~half])
    signal, noise = each(without, ["signal", "noise"], positive[~half], confidence=0.95)
    assert signal.added.low > 0.2
    assert noise.added.low <= 0.005
    assert noise.added.high < 0.02
    whole = contribution.contribution(without, ["signal", "noise"], positive[~half], confidence=0.95)
    assert whole.added.value == pytest.approx(roc_auc_score(positive[~half], without(())[0]) - 0.5)


def test_of_two_columns_that_tell_the_same_one_is_proposed_and_not_both(rows):
    data, positive = rows
    half = np.arange(len(data)) % 2 == 0
    without = refitted(data[half], positive[half], data[~half])
    found = each(without, ["copy", "signal", "noise"], positive[~half], confidence=0.95)
    assert all(one.added.high < 0.02 for one in found)
    dropped = droppable(without, found, positive[~half], minimum=0.02, confidence=0.95)
    assert dropped.columns == ("copy", "noise")
    assert dropped.added.high < 0.02


def test_nothing_is_proposed_where_every_column_adds_or_is_not_settled(rows):
    data, positive = rows
    without = permuted(Sum("signal"), data, seed=3)
    assert droppable(without, each(without, ["signal"], positive, confidence=0.95), positive, minimum=0.1,
                     confidence=0.95) is None  # fmt: skip


def test_the_intervals_of_several_columns_hold_together():
    assert contribution.simultaneous(0.95, 5) == pytest.approx(0.99)
    assert contribution.simultaneous(0.95, 0) == contribution.simultaneous(0.95, 1) == pytest.approx(0.95)


def test_rows_to_settle_shrink_the_interval_to_the_distance():
    open_ = Contribution(("a",), Estimate(0.02, -0.01, 0.05), 100)
    assert open_.rows_to_settle(0.005) == 400  # twice as near as the interval is wide: four times the rows
    assert Contribution(("a",), Estimate(0.005, 0.0, 0.01), 100).rows_to_settle(0.005) is None
    assert Contribution(("a",), Estimate(None, None, None), 1).rows_to_settle(0.005) is None
