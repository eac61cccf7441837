"""Rollouts from counts: the statistic by a second route, what follows from a look, and simulated rollouts."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from ethics_kit.measures import rollout, sequential
from ethics_kit.measures.proportions import difference_p_value

LOOKS, SIMULATED = 20, 2000
BATCHES = {"even": (50, 50), "mostly exposed": (200, 50)}


def test_of_one_step_z_is_that_of_the_pooled_test_of_two_rates():
    found = rollout.against_control([400], [30], [300], [12])
    assert 2 * stats.norm.sf(found.z[0]) == pytest.approx(difference_p_value(30, 400, 12, 300))
    assert found.difference[0] == pytest.approx(30 / 400 - 12 / 300)
    assert found.information[0] == pytest.approx(400 * 300 / 700)


def test_over_steps_z_is_that_of_cochran_mantel_and_haenszel():
    counts = np.array([[400, 18, 400, 19], [2000, 92, 1500, 70], [8000, 390, 2000, 91]])
    found = rollout.against_control(*counts.T)
    tables = [[[x1, n1 - x1], [x0, n0 - x0]] for n1, x1, n0, x0 in counts]
    whole = StratifiedTable(tables).test_null_odds(correction=False)
    assert found.z[-1] ** 2 == pytest.approx(whole.statistic, rel=5e-3)  # which has a variance for each stratum


def test_a_base_rate_that_changes_together_with_the_share_of_exposed_is_no_harm():
    found = rollout.against_control([100, 2000], [1, 200], [2000, 100], [20, 10])
    assert found.z[-1] == pytest.approx(0)
    assert found.difference[-1] == pytest.approx(0)


def test_against_an_agreed_rate_z_is_that_of_one_rate():
    found = rollout.against_rate([200, 300], [9, 20], rate=0.04)
    assert found.z[-1] == pytest.approx((29 - 500 * 0.04) / math.sqrt(500 * 0.04 * 0.96))
    assert found.difference[-1] == pytest.approx(29 / 500 - 0.04)
    assert found.information[-1] == 500


def test_a_step_without_control_tells_nothing_and_no_harm_at_all_is_no_certainty():
    found = rollout.against_control([50, 100], [40, 0], [0, 100], [0, 0])
    assert (found.information[0], found.z[0], found.error[0]) == (0, 0, 0)
    assert rollout.against_control([100], [0], [100], [0]).error[0] == pytest.approx(math.sqrt(50 * 101 / 102**2) / 50)


def look(z=0.0, difference=0.0, error=0.005, **said):
    seen = rollout.Progress(*(np.array([v]) for v in (100.0, difference, z, error)))
    said = {"margin": 0.02, "alpha": 0.05, "enough": [True], "interim": [True], "boundaries": [3.0]} | said
    (found,) = rollout.decide(seen, said.pop("boundaries"), **said)
    return found


@pytest.mark.parametrize(
    ("said", "reason", "decision"),
    [
        ({"z": 3.0, "enough": [False]}, "crossed", "roll_back"),
        ({"enough": [False]}, "too_few", "hold"),
        ({}, "excluded", "proceed"),
        ({"error": 0.01}, "as_planned", "proceed"),
        ({"error": 0.01, "z": 1.7}, "suspected", "hold"),
        ({"error": 0.01, "interim": [False]}, "not_excluded", "hold"),
        ({"interim": [False]}, "excluded", "proceed"),
        ({"boundaries": [math.inf]}, "as_planned", "proceed"),
        ({"boundaries": [math.inf], "interim": [False]}, "not_excluded", "hold"),
    ],
)
def test_what_follows_from_a_look_is_the_first_reason_that_holds(said, reason, decision):
    assert (look(**said).reason, look(**said).decision) == (reason, decision)


def test_the_interval_reaches_the_boundarys_errors_to_both_sides():
    found = look(difference=0.004, error=0.002).difference
    assert (found.value, found.low, found.high) == pytest.approx((0.004, -0.002, 0.010))


def test_once_crossed_no_later_step_proceeds():
    seen = rollout.against_control([500, 500], [60, 10], [500, 500], [20, 60])
    found = rollout.decide(seen, [3.0, 2.0], margin=0.02, alpha=0.05, enough=[True] * 2, interim=[True] * 2)
    assert seen.z[1] < 0
    assert [k.decision for k in found] == ["roll_back", "roll_back"]


def test_without_anybody_to_compare_there_is_no_value_and_no_pass():
    seen = rollout.against_control([0], [0], [300], [4])
    (found,) = rollout.decide(seen, [math.inf], margin=0.5, alpha=0.05, enough=[True], interim=[True])
    assert (found.difference.value, found.reason) == (None, "too_few")


@given(st.lists(st.sampled_from(rollout.WORST_FIRST), min_size=1))
def test_a_step_allows_what_its_most_cautious_guardrail_allows(decisions):
    found = rollout.worst(decisions)
    assert found == next(d for d in ("roll_back", "hold", "proceed") if d in decisions)


def drawn(batch, seed, *, harm=0.0, base=0.05, rollouts=SIMULATED):
    """Counts of each of `LOOKS` batches; `harm` is added to the base rate of the exposed."""
    rng, (n1, n0), shape = np.random.default_rng(seed), batch, (rollouts, LOOKS)
    sizes = np.full(shape, n1), np.full(shape, n0)
    return np.array([sizes[0], rng.binomial(n1, base + harm, shape), sizes[1], rng.binomial(n0, base, shape)])


def simulated(batch, seed, **said):
    """Rollouts looked at after each batch."""
    return rollout.against_control(*drawn(batch, seed, **said))


@cache
def planned(method, alpha):
    return sequential.boundaries([(look + 1) / LOOKS for look in range(LOOKS)], alpha=alpha, spending=method)


def crossed(seen, method, alpha=0.05):
    """Which rollouts cross the method's boundary at any look."""
    if method == "open_ended":
        scale = sequential.mixture_scale(1000, alpha)
        bounds = sequential.mixture_bound(seen.information, alpha, scale=scale) / np.sqrt(seen.information)
    else:
        bounds = planned(method, alpha)
    return (seen.z >= bounds).any(axis=1)


METHODS = ("obrien_fleming", "pocock", "open_ended")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_looked_at_after_every_batch_two_thousand_harmless_rollouts_raise_at_most_5_percent_false_alarms(method, batch):
    assert crossed(simulated(batch, 11), method).mean() <= 0.05


@pytest.mark.parametrize("method", METHODS)
def test_the_false_alarm_rate_is_the_one_asked_for_and_not_one_that_chance_set_low(method):
    rate = crossed(simulated((50, 50), 12, rollouts=20_000), method).mean()
    assert rate <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 20_000)
    assert rate >= (0.005 if method == "open_ended" else 0.045)


def test_peeking_with_a_plain_test_would_raise_many_more():
    seen = simulated((50, 50), 11)
    assert (seen.z >= stats.norm.isf(0.05)).any(axis=1).mean() > 0.15


@pytest.mark.parametrize("method", METHODS)
def test_split_among_all_customers_and_two_groups_a_rollout_raises_at_most_5_percent_false_alarms(method):
    groups = drawn((25, 25), 21), drawn((25, 25), 22)
    alarms = [crossed(rollout.against_control(*counts), method, 0.05 / 3) for counts in (*groups, sum(groups))]
    assert np.any(alarms, axis=0).mean() <= 0.05


@pytest.mark.parametrize("method", METHODS)
def test_harm_of_four_points_is_found(method):
    assert crossed(simulated((200, 50), 13, harm=0.04), method).mean() > (0.6 if method == "open_ended" else 0.8)


@pytest.mark.parametrize("method", ["obrien_fleming", "pocock"])
def test_harm_of_the_margins_size_is_ruled_out_in_at_most_5_percent(method):
    seen = simulated((200, 50), 14, harm=0.02)
    reach = np.array(planned(method, 0.05)) * seen.error
    assert (seen.difference + reach < 0.02).any(axis=1).mean() <= 0.05
