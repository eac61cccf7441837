"""Attributions and permutation importance put the same weight on features, or do not."""

import numpy as np
import pytest
from scipy import stats

from ethics_kit.measures.agreement import agreement
from tests.measures.linear import linear


def test_for_a_linear_model_permuting_finds_the_same_shares():
    rows, predict, parts, _ = linear(4000)
    found = agreement(predict, rows, parts)
    assert found.permuted == pytest.approx([3 / 6, 2 / 6, 1 / 6, 0], abs=0.01)
    assert found.attributed == pytest.approx([3 / 6, 2 / 6, 1 / 6, 0], abs=0.01)
    assert found.overlap.value > 0.98
    assert found.overlap.low > 0.95
    assert found.rank_correlation.value == pytest.approx(1)


def test_attributions_to_the_wrong_features_disagree():
    rows, predict, parts, _ = linear()
    found = agreement(predict, rows, parts[:, ::-1])
    assert found.overlap.value == pytest.approx(1 / 3, abs=0.05)
    assert found.overlap.high < 0.5
    assert found.rank_correlation.value == pytest.approx(-1)


def test_rank_correlation_is_spearmans():
    chance = np.random.default_rng(2)
    rows, predict, _, _ = linear(50)
    found = agreement(predict, rows, chance.normal(size=(50, 4)))
    assert found.rank_correlation.value == pytest.approx(stats.spearmanr(found.attributed, found.permuted).statistic)


def test_where_nothing_counts_there_is_nothing_to_agree_on():
    rows, _, parts, _ = linear(20)
    assert not agreement(lambda frame: np.ones(len(frame)), rows, parts).overlap.defined


def test_attributions_of_other_columns_are_refused():
    rows, predict, parts, _ = linear(20)
    with pytest.raises(ValueError, match=r"attributions of shape \(20, 3\) for rows of shape \(20, 4\)"):
        agreement(predict, rows, parts[:, :3])
