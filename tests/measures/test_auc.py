"""The area under the curve, its variance and its interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ethics_kit.measures import auc


def slow(scores, positive):
    """DeLong's variance by comparing all pairs."""
    own, rest = ([s for s, p in zip(scores, positive, strict=True) if p is side] for side in (True, False))
    wins = np.array([[1.0 if a > b else 0.5 if a == b else 0.0 for b in rest] for a in own])
    rows, columns = wins.mean(axis=1), wins.mean(axis=0)
    return wins.mean(), rows.var(ddof=1) / len(own) + columns.var(ddof=1) / len(rest)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=8, max_size=30))
@settings(max_examples=40)
def test_delong_is_what_all_pairs_say(rows):
    scores, positive = zip(*rows, (3, True), (4, True), (2, False), (4, False), strict=True)
    assert auc.delong(scores, positive) == pytest.approx(slow(scores, positive))
    assert auc.delong(scores, positive)[0] == pytest.approx(roc_auc_score(positive, scores))


def test_an_area_of_one_is_not_certain():
    assert auc.delong([1, 2, 3, 4], [False, False, True, True]) == (1, 0)
    found = auc.estimate(1.0, 0.0, 20)
    assert (found.value, found.high) == (1, 1)
    assert 0.8 < found.low < 0.9


def test_the_interval_of_an_area_stays_between_0_and_1():
    found = auc.estimate(0.97, 0.0009, 50)
    assert 0.8 < found.low < 0.97 < found.high < 1


def test_the_interval_covers_the_area_as_often_as_it_says():
    chance, covered = np.random.default_rng(1), 0
    y = np.arange(100) < 40
    for _ in range(300):
        value, variance = auc.delong(chance.normal(size=100) + y, y)
        found = auc.estimate(value, variance, 40)
        covered += found.low <= 0.760250 <= found.high  # Φ(1/√2)
    assert covered / 300 > 0.92


def test_an_area_needs_two_rows_on_each_side():
    with pytest.raises(ValueError, match="1 positive and 2 other"):
        auc.delong([1, 2, 3], [True, False, False])
