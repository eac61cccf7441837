"""What tells a protected attribute: associations of single features, all features together, and influence."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats.contingency import association as cramer

from ethics_kit.measures.proportions import UNDEFINED, Estimate
from ethics_kit.measures.proxies import association, predicted, verdict

# --- one feature ---------------------------------------------------------------------------------------------------


def columns(table):
    """A feature and an attribute with these counts."""
    cells = [(f"r{i}", f"c{j}") for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return (pd.Series(part) for part in zip(*cells, strict=True))


@given(st.lists(st.lists(st.integers(1, 30), min_size=3, max_size=3), min_size=2, max_size=4))
@settings(max_examples=40)
def test_the_association_is_cramers_v_less_its_bias(table):
    found = association(*columns(table))
    n, r, c = np.sum(table), len(table), 3
    plain = cramer(np.array(table)) ** 2 * (min(r, c) - 1)
    smaller = min(k - (k - 1) ** 2 / (n - 1) for k in (r, c)) - 1
    assert found.value.value == pytest.approx(min(np.sqrt(max(plain - (r - 1) * (c - 1) / (n - 1), 0) / smaller), 1))
    assert 0 <= found.value.low <= found.value.value <= found.value.high <= 1


def test_a_copy_of_the_attribute_is_wholly_associated():
    found = association(*columns([[50, 0], [0, 50]]))
    assert found.value.value == pytest.approx(1, abs=0.01)
    assert found.value.low > 0.75
    assert found.p_value < 1e-20


def test_an_interval_that_reaches_0_and_a_test_that_finds_nothing_are_the_same():
    for table in ([[30, 20], [24, 26]], [[40, 20], [20, 40]], [[33, 27], [27, 33]]):
        found = association(*columns(table))
        assert (found.value.low > 0) is (found.p_value < 0.025)  # one tail of the interval


def test_the_interval_covers_the_association_as_often_as_it_says():
    chance, covered = np.random.default_rng(2), 0
    for _ in range(200):
        table = chance.multinomial(400, [0.325, 0.175, 0.175, 0.325]).reshape(2, 2)
        found = association(*columns(table)).value
        covered += found.low <= 0.3 <= found.high
    assert covered / 200 > 0.92


def test_a_table_more_even_than_chance_would_make_it_is_no_certainty():
    found = association(*columns([[50, 50], [50, 50]])).value
    assert (found.value, found.low) == (0, 0)
    assert found.high > 0.1


def test_numbers_need_no_straight_line_to_be_associated():
    use = pd.Series(np.random.default_rng(3).normal(size=1000))
    found = association(use, (use.abs() > 0.67).map({True: "far", False: "near"}))
    assert found.value.low > 0.7
    assert abs(np.corrcoef(use, use.abs() > 0.67)[0, 1]) < 0.1


def test_a_missing_number_can_tell_a_group():
    use = pd.Series([1.0, 2.0, 3.0, None] * 50)
    group = use.isna().map({True: "a", False: "b"})
    assert association(use, group).value.low > 0.8


def test_rows_without_a_group_are_left_out():
    use, group = pd.Series([1, 2] * 40), pd.Series(["a", "b", "a", "b", None] * 16)
    assert association(use, group).n == 64


@pytest.mark.parametrize(("use", "group"), [([1, 1, 1], ["a", "b", "a"]), ([1, 2, 3], ["a", "a", "a"])])
def test_what_has_one_value_only_has_no_association(use, group):
    found = association(pd.Series(use), pd.Series(group))
    assert (found.value, found.p_value) == (UNDEFINED, None)


# --- all features --------------------------------------------------------------------------------------------------


def people(n=600, *, apart=0.0, seed=4):
    chance = np.random.default_rng(seed)
    group = pd.Series(chance.choice(["a", "b", "c"], n, p=[0.5, 0.4, 0.1]))
    use = chance.normal(size=n) + apart * (group == "a")
    return pd.DataFrame({"use": use, "plan": chance.choice(["x", "y"], n)}), group


def test_features_that_know_nothing_tell_no_group():
    for found in predicted(*people(1500), minimum=30):
        assert found.auc.low < 0.5 < found.auc.high


def test_a_shifted_feature_tells_its_group_by_as_much_as_it_is_shifted():
    first = predicted(*people(2000, apart=1.0), minimum=30)[0]
    assert first.group == "a"
    assert first.auc.low < 0.760250 < first.auc.high
    assert first.auc.high - first.auc.low < 0.06


def test_a_small_group_is_not_judged():
    found = {p.group: p for p in predicted(*people(200), minimum=30)}
    assert found["c"].n < 30
    assert found["c"].auc == UNDEFINED
    assert found["a"].auc.defined


def test_one_group_alone_cannot_be_told():
    features, group = people(100)
    (only,) = predicted(features, group.map(lambda _: "a"), minimum=30)
    assert only.auc == UNDEFINED


def test_the_order_of_the_rows_decides_nothing_of_note():
    features, group = people(600, apart=1.0)
    turned = (features[::-1].reset_index(drop=True), group[::-1].reset_index(drop=True))
    as_is, other = (predicted(*rows, minimum=30)[0].auc.value for rows in ((features, group), turned))
    assert as_is == pytest.approx(other, abs=0.01)


# --- both together -------------------------------------------------------------------------------------------------


LOW, ACROSS, HIGH = Estimate(0.1, 0.05, 0.15), Estimate(0.2, 0.1, 0.3), Estimate(0.5, 0.4, 0.6)


@pytest.mark.parametrize(
    ("found", "influence", "expected"),
    [
        *((LOW, influence, "no_proxy") for influence in (LOW, ACROSS, HIGH, UNDEFINED)),
        *((found, LOW, "no_proxy") for found in (ACROSS, HIGH, UNDEFINED)),
        (HIGH, HIGH, "proxy"),
        (HIGH, ACROSS, "inconclusive"),
        (ACROSS, HIGH, "inconclusive"),
        *((found, UNDEFINED, "inconclusive") for found in (ACROSS, HIGH, UNDEFINED)),
        (UNDEFINED, HIGH, "inconclusive"),
    ],
)
def test_a_proxy_has_both_an_association_and_an_influence(found, influence, expected):
    assert verdict(found, influence, association_min=0.2, influence_min=0.2) == expected
