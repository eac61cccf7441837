"""The bootstrap over clusters draws what a loop would."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import resampling


@given(st.integers(0, 50))
@settings(max_examples=10)
def test_the_matrix_product_draws_what_a_loop_over_clusters_would(seed):
    chance = np.random.default_rng(seed)
    values, clusters = chance.normal(size=(12, 2)), chance.integers(0, 4, 12)
    held = sorted(set(clusters))
    weights = np.random.default_rng(seed).multinomial(len(held), np.full(len(held), 1 / len(held)), size=5)
    slow = []
    for draw in weights:
        rows = [row for c, times in zip(held, draw, strict=True) for _ in range(times) for row in values[clusters == c]]
        slow.append(np.mean(rows, axis=0))
    assert resampling.resampled_means(values, clusters=clusters, draws=5, seed=seed) == pytest.approx(np.array(slow))


def test_the_bootstrap_has_the_standard_error_of_a_mean():
    values = np.random.default_rng(3).normal(size=(500, 1))
    drawn = resampling.resampled_means(values, draws=4000)
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(500), rel=0.05)


def test_rows_that_repeat_within_clusters_tell_no_more_than_the_clusters():
    values = np.random.default_rng(4).normal(size=(100, 1))
    once = resampling.resampled_means(values, seed=1)
    repeated = resampling.resampled_means(np.repeat(values, 9, axis=0), clusters=np.repeat(np.arange(100), 9), seed=1)
    assert repeated == pytest.approx(once)
