"""Two decisions per case: published intervals, McNemar by a second route, and flips counted by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import ttost_paired

from ethics_kit.measures import proportions
from ethics_kit.measures.paired import Flips, Scorer, flips, paired

counts = st.tuples(*[st.integers(0, 40)] * 4).filter(any)


# --- paired shares -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "value", "low", "high"),
    [
        # Cavo et al. 2012, in Fagerland, Lydersen and Laake 2017, Statistical Analysis of Contingency Tables,
        # chapter 8, as in the tests of its R package, contingencytables (tests/testthat/test-ch8.R).
        ((59, 6, 16, 80), -0.0621, -0.1186, -0.0046),
        # Bentur et al. 2009, in Fagerland, Lydersen and Laake 2014, Statistics in Medicine 33:2850.
        ((1, 1, 7, 12), -0.286, -0.507, -0.026),
    ],
)
def test_the_interval_is_the_published_one(
    cells: tuple[int, int, int, int], value: float, low: float, high: float
) -> None:
    found = paired(*cells).difference
    assert (found.value, found.low, found.high) == pytest.approx((value, low, high), abs=5e-4)


@given(counts)
@settings(max_examples=60, deadline=None)
def test_the_interval_is_newcombes_formula(cells: tuple[int, int, int, int]) -> None:
    a, b, c, d = cells
    n = a + b + c + d
    p, q = (a + b) / n, (a + c) / n
    (l1, u1), (l2, u2) = ((e.low, e.high) for e in (proportions.rate(a + b, n), proportions.rate(a + c, n)))
    top = a * d - b * c
    top = max(top - n / 2, 0) if top > 0 else top
    bottom = np.sqrt(float((a + b) * (c + d) * (a + c) * (b + d)))
    phi = top / bottom if bottom else 0
    low = p - q - np.sqrt((p - l1) ** 2 - 2 * phi * (p - l1) * (u2 - q) + (u2 - q) ** 2)
    high = p - q + np.sqrt((u1 - p) ** 2 - 2 * phi * (u1 - p) * (q - l2) + (q - l2) ** 2)
    found = paired(*cells).difference
    assert (found.value, found.low, found.high) == pytest.approx(((b - c) / n, low, high), abs=1e-9)


@given(counts)
@settings(max_examples=60, deadline=None)
def test_the_p_value_is_statsmodels_exact_mcnemar_and_the_binomial_tests(cells: tuple[int, int, int, int]) -> None:
    a, b, c, d = cells
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert paired(*cells).p_value == pytest.approx(expected)
    assert paired(*cells).p_value == pytest.approx(mcnemar([[a, b], [c, d]], exact=True).pvalue)


@given(counts)
@settings(max_examples=60, deadline=None)
def test_the_other_way_round_is_the_opposite(cells: tuple[int, int, int, int]) -> None:
    a, b, c, d = cells
    found, other = paired(a, b, c, d), paired(a, c, b, d)
    assert found.difference.value == pytest.approx(-other.difference.value)
    assert found.difference.low == pytest.approx(-other.difference.high)
    assert found.p_value == other.p_value
    assert found.n == sum(cells)


@given(counts)
@settings(max_examples=60, deadline=None)
def test_the_interval_of_equivalence_is_the_90_percent_one_within(cells: tuple[int, int, int, int]) -> None:
    found = paired(*cells)
    assert found.equivalence == paired(*cells, confidence=0.9).difference
    wide, narrow = found.difference, found.equivalence
    limits = np.array([wide.low, narrow.low, narrow.value, narrow.high, wide.high])
    assert np.all(np.diff(limits) >= -1e-12)
    assert wide.high - wide.low > narrow.high - narrow.low


def test_no_cases_are_undefined() -> None:
    found = paired(0, 0, 0, 0)
    assert (found.difference, found.equivalence, found.p_value) == (proportions.UNDEFINED, proportions.UNDEFINED, None)


@pytest.mark.parametrize("cells", [(20, 0, 0, 0), (0, 0, 0, 20), (10, 0, 0, 10)])
def test_cases_that_are_all_decided_alike_leave_the_doubt_that_so_few_allow(cells: tuple[int, int, int, int]) -> None:
    found = paired(*cells)
    assert (found.difference.value, found.p_value) == (0, 1)
    assert found.difference.low < -0.05
    assert found.difference.high > 0.05


@pytest.mark.parametrize(("discordant", "margin"), [(10, 0.008), (100, 0.025)])
def test_with_many_cases_equivalence_is_that_of_two_one_sided_tests(discordant: int, margin: float) -> None:
    n, verdicts = 1000, set()
    for second in range(0, discordant + 1, discordant // 10):
        found = paired(400, discordant - second, second, n - 400 - discordant)
        first = np.r_[np.ones(400 + discordant - second), np.zeros(n - 400 - discordant + second)]
        other = np.r_[np.ones(400), np.zeros(discordant - second), np.ones(second), np.zeros(n - 400 - discordant)]
        p_value = ttost_paired(first, other, -margin, margin)[0]
        if abs(p_value - 0.05) > 0.03:  # the two are approximations of each other
            inside = found.equivalence.low > -margin and found.equivalence.high < margin
            assert inside == (p_value < 0.05)
            verdicts.add(inside)
    assert verdicts == {True, False}


@pytest.mark.parametrize("shares", [(0.3, 0.05, 0.05, 0.6), (0.02, 0.1, 0.02, 0.86), (0.45, 0.1, 0.2, 0.25)])
@pytest.mark.parametrize("n", [30, 200])
def test_the_interval_holds_the_true_difference_as_often_as_it_says(shares: tuple[float, ...], n: int) -> None:
    drawn = np.random.default_rng(20261101).multinomial(n, shares, size=600)
    found = [paired(*map(int, cells)) for cells in drawn]
    held = [p.difference.low <= shares[1] - shares[2] <= p.difference.high for p in found]
    assert 0.93 <= np.mean(held) <= 0.995
    if shares[1] == shares[2]:
        assert np.mean([p.p_value < 0.05 for p in found]) <= 0.05


# --- flips ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weighted:
    """A model that adds up weights: of numbers, and of text by value."""

    weights: dict[str, object]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.weights)

    def score(self, data: pd.DataFrame) -> npt.NDArray[np.float64]:
        total = np.zeros(len(data))
        for name, weight in self.weights.items():
            total += data[name].map(weight) if isinstance(weight, dict) else data[name] * weight
        return total


RNG = np.random.default_rng(20261101)
DATA = pd.DataFrame({"need": RNG.normal(size=300), "gender": RNG.choice(["f", "m", "x"], 300)})
MODEL = Weighted({"need": 1.0, "gender": {"f": 0.0, "m": 0.5, "x": 0.5}})


def test_every_value_is_set_to_every_other_and_counted_by_hand() -> None:
    found = flips(MODEL, DATA, "gender", threshold=0.2)
    assert [(f.value, f.other) for f in found.flips] == [
        ("f", "m"), ("f", "x"), ("m", "f"), ("m", "x"), ("x", "f"), ("x", "m")
    ]  # fmt: skip
    women = DATA[DATA.gender == "f"]
    flip = found.flips[0].paired
    assert flip.n == len(women)
    assert flip.both == (women.need >= 0.2).sum()
    assert (flip.first_only, flip.second_only) == (0, ((women.need < 0.2) & (women.need + 0.5 >= 0.2)).sum())
    assert flip.difference.high < 0
    assert flip.p_value < 0.001


def test_values_the_model_treats_alike_change_no_decision() -> None:
    same = next(f.paired for f in flips(MODEL, DATA, "gender", threshold=0.2).flips if (f.value, f.other) == ("m", "x"))
    assert (same.first_only, same.second_only, same.p_value) == (0, 0, 1.0)
    assert same.difference.low < 0 < same.difference.high


def test_selection_from_below_takes_low_scores() -> None:
    found = flips(MODEL, DATA, "gender", threshold=0.2, above=False).flips[0].paired
    women = DATA[DATA.gender == "f"]
    assert found.both + found.first_only == (women.need <= 0.2).sum()


def test_a_score_at_the_threshold_is_selected_either_way() -> None:
    data = pd.DataFrame({"need": [1.0, 1.0], "gender": ["f", "m"]})
    model = Weighted({"need": 1.0, "gender": {"f": 0.0, "m": 0.0}})
    for above in (True, False):
        assert flips(model, data, "gender", threshold=1.0, above=above).flips[0].paired.both == 1


def test_a_column_the_model_does_not_read_is_told() -> None:
    assert flips(Weighted({"need": 1.0}), DATA, "gender", threshold=0.2) == Flips("gender", False, ())


def test_cases_without_a_value_are_left_out_and_no_case_loses_its_value() -> None:
    data = DATA.assign(gender=DATA.gender.where(DATA.gender != "x"))
    found = flips(MODEL, data, "gender", threshold=0.2)
    assert [(f.value, f.other) for f in found.flips] == [("f", "m"), ("m", "f")]
    assert sum(f.paired.n for f in found.flips) == data.gender.notna().sum()


def test_one_value_has_nothing_to_be_set_to() -> None:
    assert flips(MODEL, DATA.assign(gender="f"), "gender", threshold=0.2) == Flips("gender", True, ())


@pytest.mark.parametrize("column", [pd.Categorical(DATA.gender), DATA.gender.astype("string"), DATA.gender == "f"])
def test_the_column_keeps_its_type(column: pd.Series) -> None:
    @dataclass(frozen=True)
    class Typed:
        columns: tuple[str, ...] = ("gender",)

        def score(self, data: pd.DataFrame) -> npt.NDArray[np.float64]:
            assert data.gender.dtype == pd.Series(column).dtype
            return np.zeros(len(data))

    model: Scorer = Typed()
    assert flips(model, DATA.assign(gender=column), "gender", threshold=0).read


def test_a_column_of_many_values_or_none_is_refused() -> None:
    with pytest.raises(ValueError, match="need has 300 values; up to 10 can be flipped: group them first"):
        flips(MODEL, DATA, "need", threshold=0.2)
    with pytest.raises(ValueError, match="no column sex in the data"):
        flips(MODEL, DATA, "sex", threshold=0.2)
