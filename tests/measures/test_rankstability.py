"""Only so much of the order of features is claimed as the rows support."""

import numpy as np
import pytest

from ethics_kit.measures.rankstability import rank_stability
from tests.measures.linear import linear


def test_an_order_that_is_plain_is_claimed_whole():
    *_, parts, _ = linear()
    found = rank_stability(parts, ["a", "b", "c", "d"])
    assert found.sets == [["a"], ["b"], ["c"], ["d"]]
    assert [(f.rank, f.lowest, f.highest) for f in found.features] == [(1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4)]
    assert sum(f.share.value for f in found.features) == pytest.approx(1)
    assert found.features[0].share.value == pytest.approx(0.5, abs=0.03)
    assert found.features[0].share.low < 0.5 < found.features[0].share.high


def test_features_that_matter_alike_are_a_set_and_no_order():
    *_, parts, _ = linear(weights=np.array([1.0, 0.1, 1.0, 0.1]))
    found = rank_stability(parts, ["a", "b", "c", "d"])
    assert [sorted(s) for s in found.sets] == [["a", "c"], ["b", "d"]]
    assert {(f.lowest, f.highest) for f in found.features[:2]} == {(1, 2)}


def test_few_rows_support_no_order():
    *_, parts, _ = linear(6, weights=np.array([1.0, 0.9, 1.1]))
    assert rank_stability(parts, ["a", "b", "c"]).cuts == ()


def test_features_that_are_all_alike_are_seldom_ordered():
    chance = np.random.default_rng(9)
    claimed = [rank_stability(chance.normal(size=(80, 6)), list("abcdef"), draws=300).cuts for _ in range(60)]
    assert sum(map(bool, claimed)) <= 6


def test_attributions_of_nothing_support_nothing():
    found = rank_stability(np.zeros((20, 2)), ["a", "b"])
    assert found.cuts == ()
    assert not any(f.share.defined for f in found.features)


def test_one_feature_has_the_only_share():
    (only,) = rank_stability([[1.0], [2.0]], ["a"]).features
    assert (only.share.value, only.rank, only.highest) == (1, 1, 1)
