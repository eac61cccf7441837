"""Attributions add up to what they explain, but for rounding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures.additivity import DOUBLE, SINGLE, additivity, precision
from tests.measures.linear import linear


def test_shap_values_of_a_linear_model_add_up():
    rows, predict, parts, base = linear()
    found = additivity(parts, base, predict(rows))
    assert (found.outside, found.n) == (0, 400)
    assert found.largest < 1e-12


def test_one_row_that_does_not_add_up_is_counted():
    rows, predict, parts, base = linear()
    parts[7, 2] += 1e-9
    found = additivity(parts, base, predict(rows))
    assert (found.outside, found.largest) == (1, pytest.approx(1e-9, rel=1e-4))


def test_single_precision_is_allowed_its_own_error_and_no_more():
    rows, predict, parts, base = linear()
    single = parts.astype(np.float32)
    assert additivity(single, base, predict(rows)).outside > 300
    assert additivity(single, base, predict(rows), tolerance=SINGLE).outside == 0
    single[0, 0] += 1e-3
    assert additivity(single, base, predict(rows), tolerance=SINGLE).outside == 1


@given(st.sampled_from([1e-6, 1e-3, 1e3, 1e6]))
@settings(max_examples=4)
def test_the_tolerance_knows_no_unit(scale):
    rows, predict, parts, base = linear(50)
    as_is, scaled = (additivity(parts * k, base * k, predict(rows) * k) for k in (1, scale))
    assert (as_is.outside, scaled.outside) == (0, 0)
    parts[0, 0] *= 1 + 1e-9
    assert additivity(parts * scale, base * scale, predict(rows) * scale).outside == 1


def test_numbers_that_fit_into_single_precision_were_made_in_it():
    *_, parts, _ = linear(20)
    assert precision(parts, parts.sum(axis=1)) == DOUBLE
    assert precision(parts, parts.sum(axis=1).astype(np.float32)) == SINGLE


def test_an_attribution_that_is_no_number_does_not_add_up():
    found = additivity([[np.nan, 1.0], [0.5, 0.5]], 0.0, [1.0, 1.0])
    assert found.outside == 1


def test_nothing_to_add_up_adds_up_to_nothing():
    assert additivity([[0.0, 0.0]], 0.0, [0.0]).outside == 0
    assert additivity([[0.0, 0.0]], 0.0, [0.1]).outside == 1


def test_a_base_may_differ_by_row():
    assert additivity([[1.0], [1.0]], [2.0, 3.0], [3.0, 4.0]).outside == 0


def test_attributions_without_their_outputs_are_refused():
    with pytest.raises(ValueError, match="one per row"):
        additivity([[1.0], [2.0]], 0.0, [1.0])
