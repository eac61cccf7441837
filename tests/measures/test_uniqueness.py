"""Pitman's estimate of population uniqueness, held against populations drawn by his own scheme."""

from collections import Counter

import numpy as np
import pytest

from ethics_kit.measures.anonymity import Sizes
from ethics_kit.measures.uniqueness import expected_share, population_uniqueness

ALPHA, THETA, POPULATION, SAMPLE = 0.5, 20.0, 4000, 800


def classes_of(n, seed):
    """The class of each of `n` people who come one after the other (Pitman 1996): to an old class, or to a new one."""
    rng = np.random.default_rng(seed)
    chosen, sizes = [], []
    for i in range(n):
        if rng.random() * (THETA + i) < THETA + ALPHA * len(sizes):
            chosen.append(len(sizes))
            sizes.append(1)
            continue
        while True:  # somebody's class, and α of each class is not had
            one = chosen[int(rng.integers(i))]
            if rng.random() * sizes[one] < sizes[one] - ALPHA:
                break
        chosen.append(one)
        sizes[one] += 1
    return rng.permutation(chosen)


def sizes_of(classes):
    return Sizes(tuple(sorted(Counter(Counter(classes.tolist()).values()).items())))


def test_estimates_from_samples_cover_the_truth_about_as_often_as_they_say():
    truth, covered, shares = expected_share(ALPHA, THETA, POPULATION), 0, []
    for seed in range(30):
        people = classes_of(POPULATION, seed)
        found = population_uniqueness(sizes_of(people[:SAMPLE]), POPULATION, confidence=0.95)
        covered += found.share.low <= truth <= found.share.high
        shares.append(sizes_of(people).unique / POPULATION)
    assert covered >= 25
    assert np.mean(shares) == pytest.approx(truth, rel=0.1)


def test_without_discount_the_expected_share_is_that_of_ewens():
    for theta, population in ((3.0, 10), (50.0, 1000)):
        assert expected_share(0.0, theta, population) == pytest.approx(theta / (theta + population - 1))


def test_an_extract_of_everybody_is_counted_and_not_estimated():
    found = population_uniqueness(Sizes(((1, 3), (2, 4))), 11, confidence=0.95)
    assert (found.share.value, found.share.low, found.share.high) == (3 / 11,) * 3


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((), "no rows"),
        (((1, 50),), "no two rows look alike"),
        (((50, 1),), "all rows look alike"),
        (((5, 10),), "does not converge"),
    ],
)
def test_sizes_that_tell_nothing_of_a_population_give_no_number_but_a_reason(counts, reason):
    found = population_uniqueness(Sizes(counts), 1000, confidence=0.95)
    assert found.share.value is None
    assert reason in found.reason
