"""Numbers rounded to what their interval supports."""

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ethics_kit.numbers import MOST, decimals, limit, rounded

NUMBERS = st.floats(-1000, 1000).map(lambda x: float(f"{x:.10g}"))


@pytest.mark.parametrize(
    ("error", "places"),
    [
        (0.119, 2),
        (0.367, 1),
        (0.827, 1),
        (0.354, 2),
        (0.355, 1),
        (0.949, 1),
        (0.95, 1),
        (0.0951, 2),
        (0.1, 2),
        (0.001, 4),
        (9.6, 0),
        (300.0, 0),
    ],
)
def test_the_particle_data_groups_rule_sets_the_decimals(error, places):
    assert decimals(error) == places


def test_the_particle_data_groups_own_examples():
    assert rounded(0.827, 0.827 - 0.119, 0.827 + 0.119) == ("0.83", "0.71", "0.95")
    assert rounded(0.827, 0.827 - 0.367, 0.827 + 0.367) == ("0.8", "0.5", "1.2")


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ((0.8671, 0.78, 0.92), ("0.87", "0.78", "0.92")),
        ((52.33, 40.1, 61.2), ("52", "40", "61")),
        ((3, 2.1, 4.5), ("3", "2.1", "4.5")),
        ((0.475, 0.33, 0.63), ("0.48", "0.33", "0.63")),
        ((-0.0001, -0.9, 0.9), ("0.0", "-0.9", "0.9")),
        ((0.0, -0.9, 0.9), ("0.0", "-0.9", "0.9")),
        ((1e30, 1e29, 2e30), ("1e+30", "1e+29", "2e+30")),
        ((0, 0, 0.00019), ("0", "0", "0.00019")),
        ((0.5, 0.5, 0.5), ("0.500", "0.500", "0.500")),
        ((0.165, None, None), ("0.165", None, None)),
        ((0.52, None, 0.71), ("0.52", None, "0.71")),
        ((-0.00002, -0.01, 0.01), ("0.000", "-0.010", "0.010")),
        ((0.9999, 0.93, 1.07), ("1.00", "0.93", "1.07")),
        ((0.04, -0.004, 0.09), ("0.04", "0.00", "0.09")),
        ((0.9999, 0.95, 0.99999), ("0.9999", "0.950", "0.99999")),
        ((0.004, None, 0.71), ("0.004", None, "0.7")),
    ],
)
def test_a_value_and_its_interval(numbers, shown):
    assert rounded(*numbers) == shown


def test_no_rounding_moves_a_value_onto_its_threshold_or_across_it():
    assert rounded(0.7961, 0.70, 0.90, 0.8)[0] == "0.796"
    assert rounded(0.7961, 0.70, 0.90, 0.797)[0] == "0.796"
    assert rounded(0.8, 0.70, 0.90, 0.8)[0] == "0.80"


def test_an_interval_that_leaves_out_zero_is_not_shown_with_it():
    assert rounded(0.0423, 0.0004, 0.09) == ("0.04", "0.0004", "0.09")


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
@example(1.0, 1.0, 1.0, 1.0)
def test_no_number_changes_by_more_than_its_interval_or_leaves_the_side_its_interval_is_on(
    value, one, other, threshold
):
    low, high = sorted((one, other))
    half = (high - low) / 2
    assume(half == 0 or half > 10**-MOST)
    for number, text in zip((value, low, high), rounded(value, low, high, threshold), strict=True):
        assert text is not None
        most = min(half / 7, 0.5) if half else 0.0005
        assert abs(float(text) - number) <= most * 1.000001
        sided = [mark for mark in (0.0, 1.0) if mark < min(low, value) or max(high, value) < mark]
        for mark in (*sided, threshold):
            if abs(number - mark) > 10**-MOST:
                assert math.copysign(1, float(text) - mark) == math.copysign(1, number - mark)


@pytest.mark.parametrize(("threshold", "shown"), [(0.8, "0.8"), (5, "5"), (0.0, "0"), (2.5, "2.5"), (0.001, "0.001")])
def test_a_threshold_reads_as_it_was_set(threshold, shown):
    assert limit(threshold) == shown
