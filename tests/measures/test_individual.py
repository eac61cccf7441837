"""Likes decided alike: brute force as a second route, duplicates and ties, intervals that hold what they promise."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from ethics_kit.measures import individual, proportions
from ethics_kit.measures.encoding import encode
from ethics_kit.measures.individual import Consistency, NeighbourPairs, consistency, neighbour_pairs, reach


def drawn(seed: int, n: int, columns: int = 3) -> tuple[np.random.Generator, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    return rng, pd.DataFrame(rng.normal(size=(n, columns)), columns=list("abcdef")[:columns])


def neighbours_by_hand(features: pd.DataFrame, row: int, k: int) -> list[int]:
    """All rows at most as far as the k-th nearest, by index never the row itself."""
    points = encode(features)
    far = {j: round(float(((points[j] - points[row]) ** 2).sum()), 7) for j in range(len(points)) if j != row}
    return [j for j, distance in far.items() if distance <= sorted(far.values())[k - 1]]


def by_hand(features: pd.DataFrame, y: np.ndarray, k: int) -> float:
    terms = [abs(y[i] - np.mean([y[j] for j in neighbours_by_hand(features, i, k)])) for i in range(len(y))]
    return 1 - float(np.mean(terms))


# few distinct rows: duplicates and ties everywhere
rows = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("xy"), st.booleans()), min_size=8, max_size=25).map(
    lambda found: (pd.DataFrame([r[:2] for r in found], columns=["a", "b"]), np.array([r[2] for r in found]))
)


# --- consistency ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 5, 10])
def test_consistency_is_that_of_scikit_learns_neighbours_where_none_are_tied(k: int) -> None:
    rng, features = drawn(1, 700)
    y = rng.random(700) < 0.3
    near = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(encode(features)).kneighbors(return_distance=False)
    expected = 1 - np.abs(y - y[near].mean(axis=1)).mean()
    found = consistency(features, y, neighbours=k)
    assert found.value.value == pytest.approx(expected, abs=1e-12)
    assert (found.neighbours, found.n) == (k, 700)


@given(rows)
@settings(max_examples=40, deadline=None)
def test_duplicates_and_ties_are_counted_as_by_hand(case: tuple[pd.DataFrame, np.ndarray]) -> None:
    features, y = case
    if encode(features).shape[1]:
        assert consistency(features, y, neighbours=3).value.value == pytest.approx(by_hand(features, y, 3))


def test_a_row_is_not_its_own_neighbour_among_identical_rows() -> None:
    # Two places, four identical rows in each. Left out by distance 0, all of a place would go.
    features = pd.DataFrame({"a": [0, 0, 0, 0, 9, 9, 9, 9]})
    y = [True, False, False, False, True, True, True, True]
    terms = [1, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0]
    assert consistency(features, y, neighbours=3).value.value == pytest.approx(1 - np.mean(terms))


@given(rows, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_changes_nothing(case: tuple[pd.DataFrame, np.ndarray], random: object) -> None:
    features, y = case
    order = list(range(len(y)))
    random.shuffle(order)
    first = consistency(features, y, neighbours=3).value
    again = consistency(features.iloc[order], y[order], neighbours=3).value
    for name in ("value", "low", "high"):
        assert getattr(again, name) == pytest.approx(getattr(first, name), abs=1e-6)


def test_expected_is_the_mean_over_all_orders_of_the_decisions() -> None:
    features = pd.DataFrame({"a": [0, 1, 1, 3, 4, 9]})
    y = np.array([True, True, False, False, False, False])
    values = [consistency(features, list(order), neighbours=2).value.value for order in permutations(y)]
    assert consistency(features, y, neighbours=2).expected == pytest.approx(np.mean(values))


def test_decisions_by_the_features_are_more_consistent_than_expected() -> None:
    rng, features = drawn(2, 400)
    found = consistency(features, features.a > 0)
    assert found.value.low > found.expected + 0.2
    unrelated = consistency(features, rng.random(400) < 0.5)
    assert unrelated.value.low < unrelated.expected < unrelated.value.high


def test_constant_decisions_are_consistent_and_no_more_than_expected() -> None:
    _, features = drawn(3, 40)
    found = consistency(features, np.zeros(40))
    assert (found.value.value, found.expected) == (1.0, 1.0)
    # not [1, 1]: 40 rows tell as much as 40 of 40
    assert found.value == proportions.rate(40, 40)


def test_terms_that_are_all_equal_leave_the_rows_to_stand_for_themselves() -> None:
    features = pd.DataFrame({"a": np.repeat([0, 5, 9], 10)})
    found = consistency(features, [True, False] * 15, neighbours=4)
    assert found.value.value == pytest.approx(4 / 9)
    assert (found.value.low, found.value.high) == pytest.approx(
        (proportions.rate(30 * 4 / 9, 30).low, proportions.rate(30 * 4 / 9, 30).high)
    )


def test_too_few_rows_and_no_feature_are_undefined() -> None:
    undefined = Consistency(proportions.UNDEFINED, None, 5, 5)
    assert consistency(drawn(4, 5)[1], [True] * 5) == undefined
    assert consistency(pd.DataFrame({"a": [1] * 9}), [True] * 9).value == proportions.UNDEFINED
    assert consistency(pd.DataFrame({"a": []}), []).value == proportions.UNDEFINED


@pytest.mark.parametrize(("decisions", "found"), [([True], 1), ([True, None, False], 2), ([True, np.nan, 0.0], 2)])
def test_a_row_without_a_decision_is_refused(decisions: list[object], found: int) -> None:
    with pytest.raises(ValueError, match=f"{found} decisions for 3 rows: each row needs one"):
        consistency(pd.DataFrame({"a": [1, 2, 3]}), decisions)


def test_one_neighbour_is_refused() -> None:
    with pytest.raises(ValueError, match="1 neighbours: at least 2 are needed"):
        consistency(pd.DataFrame({"a": [1, 2, 3]}), [True, False, True], neighbours=1)


@pytest.mark.parametrize("steep", [0, 3])
def test_the_interval_of_consistency_holds_its_mean_as_often_as_it_says(steep: int) -> None:
    found, alone = [], []
    for seed in range(150):
        rng, features = drawn(seed, 200, 2)
        y = rng.random(200) < 1 / (1 + np.exp(1.7 - steep * features.a.to_numpy()))
        found.append(consistency(features, y).value)
        near = NearestNeighbors(n_neighbors=5).fit(encode(features)).kneighbors(return_distance=False)
        alone.append(np.abs(y - y[near].mean(axis=1)).std() / np.sqrt(200))
    centre = np.mean([e.value for e in found])
    assert np.mean([e.low <= centre <= e.high for e in found]) >= 0.92
    # terms per row alone, as if rows were not each other's neighbours, hold it less often
    naive = np.mean([abs(e.value - centre) <= 1.96 * error for e, error in zip(found, alone, strict=True)])
    assert naive < 0.85


# --- pairs across groups -------------------------------------------------------------------------------------------


def biased(seed: int, n: int, *, shift: float, penalty: float) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Members have other features (`shift`), and are selected less often at the same features (`penalty`)."""
    rng, features = drawn(seed, n, 2)
    group = rng.random(n) < 0.4
    features["a"] += shift * group
    chance = 0.2 + 0.6 / (1 + np.exp(-2 * features.a.to_numpy())) - penalty * group
    return features, group, rng.random(n) < chance


def test_the_difference_is_that_of_scikit_learns_neighbours_within_the_caliper() -> None:
    features, group, y = biased(5, 600, shift=0.5, penalty=0)
    points = encode(features)
    search = NearestNeighbors(n_neighbors=5, algorithm="brute")
    caliper = np.median(search.fit(points).kneighbors()[0][:, -1])
    far, near = search.fit(points[~group]).kneighbors(points[group])
    matches = zip(y[group], far, near, strict=True)
    gaps = [own - y[~group][j[d <= caliper]].mean() for own, d, j in matches if d[0] <= caliper]
    found = neighbour_pairs(features, group, y)
    assert found.caliper == pytest.approx(caliper)
    assert reach(features, neighbours=5) == found.caliper
    assert found.matched == len(gaps)
    assert found.unmatched == group.sum() - len(gaps) > 0
    assert found.difference.value == pytest.approx(np.mean(gaps))


def test_a_planted_penalty_is_found_and_a_difference_in_features_is_not_taken_for_one() -> None:
    found = neighbour_pairs(*biased(6, 1500, shift=0.8, penalty=0.2))
    assert found.difference.low < -0.2 < found.difference.high < 0
    assert found.p_value < 0.001
    features, group, y = biased(6, 1500, shift=0.8, penalty=0)
    assert y[group].mean() - y[~group].mean() > 0.1
    honest = neighbour_pairs(features, group, y)
    assert honest.difference.low < 0 < honest.difference.high
    assert honest.p_value > 0.05
    assert -0.1 < honest.equivalence.low < honest.equivalence.high < 0.1


def test_a_neighbour_used_by_all_is_worth_one_row() -> None:
    # 40 members around one outside row; the other outside rows are far away.
    near, far = pd.Series(np.linspace(-0.01, 0.01, 40)), pd.Series([0.0, *np.linspace(50, 60, 20)])
    features, group = pd.DataFrame({"a": pd.concat([near, far])}), np.arange(61) < 40
    y = np.r_[np.arange(40) % 2, 1, np.arange(20) % 2]
    found = neighbour_pairs(features, group, y, neighbours=2, caliper=1.0)
    assert (found.matched, found.unmatched, found.difference.value) == (40, 0, -0.5)
    assert found.difference.high > 0.2
    assert found.difference.high - found.difference.low > 2 * 1.96 * np.sqrt(0.25 / 40)


@given(rows, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_changes_no_pair(case: tuple[pd.DataFrame, np.ndarray], random: object) -> None:
    features, y = case
    group = np.arange(len(y)) % 2 == 0
    order = list(range(len(y)))
    random.shuffle(order)
    first = neighbour_pairs(features, group, y, neighbours=2)
    again = neighbour_pairs(features.iloc[order], group[order], y[order], neighbours=2)
    assert again.matched == first.matched
    for name in ("value", "low", "high"):
        assert getattr(again.difference, name) == pytest.approx(getattr(first.difference, name), abs=1e-6)


def test_groups_that_do_not_overlap_have_no_pairs() -> None:
    _, features = drawn(7, 100)
    group = np.arange(100) < 30
    features["a"] += 100 * group
    found = neighbour_pairs(features, group, np.arange(100) % 2)
    assert (found.difference, found.p_value, found.matched, found.unmatched) == (proportions.UNDEFINED, None, 0, 30)
    assert found.caliper is not None


@pytest.mark.parametrize("members", [0, 46, 50])
def test_one_group_only_or_too_few_outside_it_have_no_pairs(members: int) -> None:
    found = neighbour_pairs(drawn(8, 50)[1], np.arange(50) < members, np.arange(50) % 2)
    undefined = proportions.UNDEFINED
    assert found == NeighbourPairs(undefined, undefined, None, 0, members, None)


def test_constant_decisions_differ_by_nothing_with_the_width_that_so_many_rows_allow() -> None:
    _, features = drawn(9, 200)
    found = neighbour_pairs(features, np.arange(200) < 80, np.ones(200))
    assert (found.difference.value, found.p_value) == (0, 1)
    assert -0.2 < found.difference.low < -0.02
    assert 0.02 < found.difference.high < 0.2


def test_decisions_that_the_group_alone_makes_differ_by_all() -> None:
    _, features = drawn(10, 200)
    group = np.arange(200) < 80
    found = neighbour_pairs(features, group, group)
    assert found.difference.value == pytest.approx(1)
    assert 0.7 < found.difference.low < 1
    assert found.p_value < 1e-6


def test_pairs_that_are_all_decided_alike_leave_as_much_doubt_as_one_that_is_not() -> None:
    features = pd.DataFrame({"a": np.repeat(np.arange(20.0), 10)})
    group = np.arange(200) % 2 == 0
    found = neighbour_pairs(features, group, features.a % 2 == 0, neighbours=3)
    assert found.difference.value == 0
    assert found.difference.low == pytest.approx(-1.96 / 100, abs=1e-4)


@pytest.mark.parametrize(("base", "penalty"), [(0.3, 0.0), (0.04, 0.0), (0.5, 0.2)])
def test_the_interval_of_pairs_holds_the_planted_difference_as_often_as_it_says(base: float, penalty: float) -> None:
    held, rejected = [], []
    for seed in range(200):
        rng, features = drawn(seed, 150, 2)
        group = rng.random(150) < 0.6
        y = rng.random(150) < base + 0.1 * (base > 0.1) * np.sign(features.a) - penalty * group
        found = neighbour_pairs(features, group, y)
        held.append(found.difference.low <= -penalty <= found.difference.high)
        rejected.append(found.p_value < 0.05)
    assert np.mean(held) >= 0.91
    if not penalty:
        assert np.mean(rejected) <= 0.09


def test_neighbours_are_the_same_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    features, group, y = biased(11, 230, shift=0.3, penalty=0.1)
    whole = neighbour_pairs(features, group, y), consistency(features, y)
    monkeypatch.setattr(individual, "ROWS_AT_ONCE", 7)
    pairs, alike = neighbour_pairs(features, group, y), consistency(features, y)
    assert pairs.difference.low == pytest.approx(whole[0].difference.low)
    assert alike.value.low == pytest.approx(whole[1].value.low)
