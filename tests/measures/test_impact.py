"""Points to an impact level, against the published implementation's own examples."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures.impact import LEVELS, higher, impact_level, total_points

# canada-ca/aia-eia-js src/store.ts, v1.0.1: maxima 167 raw and 77 mitigation.
MAX_RAW, MAX_MITIGATION = 167, 77
AIA = [
    (10, 61, 10, "I"),
    (10, 62, 9, "I"),
    (42, 61, 42, "II"),
    (48, 62, 41, "I"),
    (49, 62, 42, "II"),
    (126, 61, 126, "IV"),
    (126, 62, 107, "III"),
]

points = st.integers(0, MAX_RAW)
mitigations = st.integers(0, MAX_MITIGATION)


def level_of(raw: int, mitigation: int) -> str:
    total = total_points(raw=raw, mitigation=mitigation, max_mitigation=MAX_MITIGATION)
    return impact_level(total, MAX_RAW)


@pytest.mark.parametrize(("raw", "mitigation", "total", "level"), AIA)
def test_total_and_level_are_those_of_the_canadian_tool(raw: int, mitigation: int, total: int, level: str) -> None:
    assert total_points(raw=raw, mitigation=mitigation, max_mitigation=MAX_MITIGATION) == total
    assert impact_level(total, MAX_RAW) == level


def test_half_a_point_is_rounded_up_where_python_rounds_to_even() -> None:
    assert round(10 * 0.85) == 8
    assert total_points(raw=10, mitigation=80, max_mitigation=100) == 9


def test_a_total_is_rounded_before_it_is_compared() -> None:
    assert MAX_RAW > 4 * 0.85 * 49  # 41.65 unrounded would be level I
    assert level_of(49, 62) == "II"


@pytest.mark.parametrize(
    ("total", "level"), [(41, "I"), (42, "II"), (83, "II"), (84, "III"), (125, "III"), (126, "IV")]
)
def test_levels_change_at_points_and_not_at_rounded_percentages(total: int, level: str) -> None:
    # 42, 84 and 126 of 167 are 25.1%, 50.3% and 75.4%: rounded to whole percent each would still be in the level below.
    assert impact_level(total, MAX_RAW) == level


@pytest.mark.parametrize(
    ("total", "level"), [(0, "I"), (25, "I"), (26, "II"), (50, "II"), (51, "III"), (75, "III"), (76, "IV")]
)
def test_a_quarter_itself_belongs_to_the_lower_level(total: int, level: str) -> None:
    assert impact_level(total, 100) == level


@pytest.mark.parametrize(("mitigation", "total"), [(79, 100), (80, 85), (100, 85)])
def test_mitigation_counts_from_80_percent_of_its_maximum(mitigation: int, total: int) -> None:
    assert total_points(raw=100, mitigation=mitigation, max_mitigation=100) == total


def test_a_questionnaire_without_mitigation_lowers_nothing() -> None:
    assert total_points(raw=100, mitigation=0, max_mitigation=0) == 100


@given(points, mitigations)
def test_total_is_the_decimal_product_rounded_half_up(raw: int, mitigation: int) -> None:
    share = Decimal("0.85") if Fraction(mitigation, MAX_MITIGATION) >= Fraction(4, 5) else Decimal(1)
    expected = int((raw * share).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert total_points(raw=raw, mitigation=mitigation, max_mitigation=MAX_MITIGATION) == expected


@given(points, points, mitigations, mitigations)
@settings(max_examples=200)
def test_more_impact_or_less_mitigation_never_lowers_the_level(a: int, b: int, c: int, d: int) -> None:
    better = level_of(min(a, b), max(c, d))
    worse = level_of(max(a, b), min(c, d))
    assert LEVELS.index(better) <= LEVELS.index(worse)


@pytest.mark.parametrize(("first", "second", "result"), [("I", "III", "III"), ("IV", "II", "IV"), ("II", "II", "II")])
def test_higher_is_the_higher_level_in_either_order(first: str, second: str, result: str) -> None:
    assert higher(first, second) == higher(second, first) == result
