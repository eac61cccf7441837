"""How often verdicts and intervals are wrong, by simulation with a fixed seed and, where that is quick, exactly.

A share over so many draws is held against its aim with three of its standard errors to spare.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower

from ethics_kit.measures import clusters, fairness, proportions, strata
from ethics_kit.measures.clusters import Moments
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.metrics import BINARY
from ethics_kit.measures.proportions import Estimate, Pair

MARGIN, SIGNIFICANCE, MINIMUM_GROUP = 0.05, 0.05, 30
METRICS = [BINARY[name] for name in ("selection_rate", "true_positive_rate", "false_positive_rate")]

# Without a gap three in ten are selected, as in ORACLES: half of the positives, a sixth of the negatives.
POSITIVE, TPR, FPR = 0.4, 0.5, 1 / 6
SELECTED = POSITIVE * TPR + (1 - POSITIVE) * FPR

Numbers = np.ndarray
Records = list[list[Comparison]]


def allowed(share: float, draws: int) -> float:
    """Three standard errors of a share that was drawn so often."""
    return 3 * (share * (1 - share) / draws) ** 0.5


def twice_detectable(n: float) -> float:
    """Twice the gap that 80% of comparisons of `n` and `n` independent rows find: by statsmodels' power, not ours."""
    effect = NormalIndPower().solve_power(nobs1=n, alpha=SIGNIFICANCE, power=0.8)
    return 2 * (np.sin(np.arcsin(SELECTED**0.5) + effect / 2) ** 2 - SELECTED)


def judged(pairs: Sequence[Sequence[Sequence[Pair]]], *, margin: float = MARGIN) -> Records:
    """Each record judged apart, from pairs by metric, record and group; intervals and tests in one go, for speed."""
    size = len(pairs[0][0])
    found = [
        fairness.compare("x", metric.name, [pair for record in records for pair in record], margin=margin)
        for metric, records in zip(METRICS, pairs, strict=True)
    ]
    starts = range(0, len(found[0]), size)
    records = [[c for compared in found for c in compared[start : start + size]] for start in starts]
    return [fairness.judge(r, significance=SIGNIFICANCE, minimum_group=MINIMUM_GROUP) for r in records]


def alarms(records: Records) -> float:
    """The share of records with any disparity."""
    return float(np.mean([any(c.verdict == "disparity" for c in record) for record in records]))


def of_first_group(records: Records, metric: str, verdict: str) -> float:
    """The share of records with this verdict on the first group, the one with the gap."""
    found = [c.verdict == verdict for record in records for c in record if (c.metric, c.group) == (metric, "0")]
    return float(np.mean(found))


def coverage(estimates: Sequence[Estimate], true: float) -> float:
    return float(np.mean([e.low <= true <= e.high for e in estimates]))


# --- rows that stand for themselves ------------------------------------------------------------------------------


def drawn(
    chance: np.random.Generator, draws: int, groups: int, n: int, gap: float = 0.0
) -> list[tuple[Numbers, Numbers]]:
    """Counts and n of each metric, as (draws, groups), from multinomial cells; the first group's rates are `gap` up."""
    more = gap * (np.arange(groups) == 0)
    tp, fp = POSITIVE * (TPR + more), (1 - POSITIVE) * (FPR + more)
    cells = np.stack([tp, fp, POSITIVE - tp, 1 - POSITIVE - fp], axis=1)
    tp, fp, fn, tn = np.moveaxis(chance.multinomial(n, cells, size=(draws, groups)), -1, 0)
    return [(tp + fp, tp + fp + fn + tn), (tp, tp + fn), (fp, fp + tn)]


def independent(shares: Sequence[tuple[Numbers, Numbers]]) -> list[list[list[Pair]]]:
    """Pairs by metric, record and group."""
    return [
        [
            proportions.independent([(str(i), *share) for i, share in enumerate(zip(*record, strict=True))])
            for record in zip(count.tolist(), n.tolist(), strict=True)
        ]
        for count, n in shares
    ]


# In ORACLES: the share of records in which the lowest selection rate is under four fifths of the highest; others: none.
FOUR_FIFTHS = {(2, 100): 0.31, (5, 100): 0.82, (10, 100): 0.99, (50, 100): 1.00, (10, 1000): 0.04, (50, 1000): 0.40}
DRAWS = {2: 1200, 5: 800, 10: 500, 50: 160}


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("groups", [2, 5, 10, 50])
def test_where_there_is_no_gap_one_record_in_twenty_shows_one_while_the_four_fifths_rule_cries_wolf(
    groups: int, n: int
) -> None:
    draws = DRAWS[groups]
    shares = drawn(np.random.default_rng([2026, groups, n]), draws, groups, n)
    assert alarms(judged(independent(shares))) <= 0.05 + allowed(0.05, draws)
    selected = shares[0][0]
    told = FOUR_FIFTHS.get((groups, n), 0.0)
    fails = float(np.mean(5 * selected.min(axis=1) < 4 * selected.max(axis=1)))
    assert fails == pytest.approx(told, abs=0.02 + allowed(told, draws))


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("groups", [2, 5, 10, 50])
def test_a_gap_of_twice_the_detectable_one_is_found_in_19_records_of_20(groups: int, n: int) -> None:
    draws = max(800 // groups, 40)
    shares = drawn(np.random.default_rng([2027, groups, n]), draws, groups, n, twice_detectable(n))
    assert of_first_group(judged(independent(shares)), "selection_rate", "disparity") >= 0.95


def test_the_detectable_gap_is_the_published_one() -> None:
    found = {n: twice_detectable(n) / 2 for n in (30, 100, 1000, 10_000)}
    assert found == pytest.approx({30: 0.353, 100: 0.192, 1000: 0.059, 10_000: 0.018}, abs=5e-4)


@pytest.mark.parametrize("groups", [2, 10])
def test_a_gap_of_half_the_margin_is_no_disparity_however_many_rows_show_it(groups: int) -> None:
    draws = 300
    records = judged(independent(drawn(np.random.default_rng([2028, groups]), draws, groups, 10_000, MARGIN / 2)))
    assert np.mean([record[0].adjusted_p <= SIGNIFICANCE for record in records]) > 0.9
    assert alarms(records) <= 0.05 + allowed(0.05, draws)


@pytest.mark.parametrize(("groups", "n"), [(2, 1000), (2, 3000), (5, 3000)])
def test_a_gap_as_wide_as_the_margin_is_called_equivalent_in_one_comparison_of_20(groups: int, n: int) -> None:
    draws = 2000
    shares = drawn(np.random.default_rng([2029, groups, n]), draws, groups, n, MARGIN)
    records = judged([[record[:1] for record in of] for of in independent(shares)])
    for metric in METRICS:
        assert of_first_group(records, metric.name, "equivalent") <= 0.05 + allowed(0.05, draws)
    assert of_first_group(records, "selection_rate", "equivalent") > 0.03


# --- rows that repeat within accounts ----------------------------------------------------------------------------

DECISIONS, CORRELATION = 12, 0.25
DECISIONS_WORTH_ONE = 1 + (DECISIONS - 1) * CORRELATION
"""So many decisions of an account tell as much as one that stands for itself."""


def accounts(
    chance: np.random.Generator, draws: int, groups: int, size: int, *, gap: float = 0.0, shared: bool = False
) -> list[tuple[Numbers, Numbers]]:
    """As `drawn`, but y and n of each account: (draws, groups, accounts).

    An account's decisions have a rate of their own. All are in one group, or, where `shared`, drawn into groups.
    """
    more = gap * (np.arange(groups) == 0)[:, None]
    mean = np.broadcast_to(SELECTED + more, (draws, groups, size))
    if shared:
        mean = mean[:, :1]
    a_and_b = 1 / CORRELATION - 1
    rate = chance.beta(mean * a_and_b, (1 - mean) * a_and_b)
    n = np.full((draws, groups, size), DECISIONS)
    if shared:
        n = np.moveaxis(chance.multinomial(DECISIONS, np.full(groups, 1 / groups), size=(draws, size)), -1, 1)
    positives = chance.binomial(n, POSITIVE)
    tp, fp = chance.binomial(positives, rate), chance.binomial(n - positives, rate)
    return [(tp + fp, n), (tp, positives), (fp, n - positives)]


def moments(y: Numbers, n: Numbers, ty: Numbers, tn: Numbers) -> Numbers:
    """The fields of `Moments`, last, summed over accounts."""
    products = [n, y, n * n, y * y, n * y, n * tn, y * ty, n * ty, y * tn]
    return np.stack([(n > 0).sum(axis=-1), ((n > 0) & (n == tn)).sum(axis=-1), *(p.sum(axis=-1) for p in products)], -1)


def by_record(y: Numbers, n: Numbers, *, shared: bool = False) -> Iterator[dict[str | None, Moments]]:
    """What `clusters.moments` returns of one metric, record by record, quickly."""
    whole_y, whole_n = (v.sum(axis=1) if shared else v.reshape(len(v), -1) for v in (y, n))
    ty, tn = (whole_y[:, None], whole_n[:, None]) if shared else (y, n)
    each, whole = moments(y, n, ty, tn), moments(whole_y, whole_n, whole_y, whole_n)
    for groups, all_rows in zip(each.tolist(), whole.tolist(), strict=True):
        yield {str(i): Moments(*own) for i, own in enumerate(groups)} | {None: Moments(*all_rows)}


def repeated(shares: Sequence[tuple[Numbers, Numbers]], *, shared: bool = False) -> list[list[list[Pair]]]:
    """Pairs by metric, record and group."""
    return [[clusters.pairs(record) for record in by_record(y, n, shared=shared)] for y, n in shares]


@pytest.mark.parametrize("shared", [False, True])
def test_the_quick_moments_of_the_simulation_are_those_of_the_measure(shared: bool) -> None:
    shares = accounts(np.random.default_rng(3), 1, 3, 40, shared=shared)
    (fp, negatives), (tp, positives) = shares[2], shares[1]
    lines = [
        (account if shared else f"{group} {account}", str(group), flags[0], flags[1])
        for group, account in np.ndindex(3, 40)
        for flags, cell in {
            (True, True): tp,
            (False, True): positives - tp,
            (True, False): fp,
            (False, False): negatives - fp,
        }.items()
        for _ in range(cell[0, group, account])
    ]
    frame = pd.DataFrame(lines, columns=["unit", "group", "selected", "positive"])
    slow = clusters.moments(ibis.memtable(frame), "group", cluster="unit", metrics=METRICS)
    for metric, (y, n) in zip(METRICS, shares, strict=True):
        assert next(by_record(y, n, shared=shared)) == slow[metric.name]


@pytest.mark.parametrize(("groups", "size", "draws"), [(2, 100, 500), (5, 100, 250), (2, 1000, 400), (5, 1000, 200)])
def test_where_accounts_have_no_gap_one_record_in_twenty_shows_one_even_without_a_margin(
    groups: int, size: int, draws: int
) -> None:
    shares = accounts(np.random.default_rng([2030, groups, size]), draws, groups, size)
    assert alarms(judged(repeated(shares), margin=0)) <= 0.05 + allowed(0.05, draws)


def test_where_groups_share_accounts_one_record_in_twenty_shows_a_gap_that_is_none() -> None:
    draws = 500
    shares = accounts(np.random.default_rng(2031), draws, 2, 100, shared=True)
    assert alarms(judged(repeated(shares, shared=True), margin=0)) <= 0.05 + allowed(0.05, draws)


@pytest.mark.parametrize(("groups", "size"), [(2, 100), (5, 100), (5, 1000)])
def test_a_gap_between_accounts_of_twice_the_detectable_one_is_found_in_19_records_of_20(
    groups: int, size: int
) -> None:
    gap = twice_detectable(size * DECISIONS / DECISIONS_WORTH_ONE)
    shares = accounts(np.random.default_rng([2032, groups, size]), 200, groups, size, gap=gap)
    assert of_first_group(judged(repeated(shares)), "selection_rate", "disparity") >= 0.95


def test_a_gap_of_twice_the_detectable_one_beside_the_margin_is_found_as_often_as_it_clears_the_margin() -> None:
    # Two groups of 1,000 accounts: the gap of .065 is but 1.3 standard errors from the margin. Without it all is found.
    draws, worth = 300, 1000 * DECISIONS / DECISIONS_WORTH_ONE
    gap = twice_detectable(worth)
    pairs = repeated(accounts(np.random.default_rng(2033), draws, 2, 1000, gap=gap))
    error = (sum(rate * (1 - rate) for rate in (SELECTED, SELECTED + gap)) / worth) ** 0.5
    clears = stats.norm.cdf((gap - MARGIN) / error)
    found = of_first_group(judged(pairs), "selection_rate", "disparity")
    assert found == pytest.approx(clears, abs=allowed(clears, draws))
    assert of_first_group(judged(pairs, margin=MARGIN / 2), "selection_rate", "disparity") >= 0.95


@pytest.mark.parametrize(("size", "shared", "draws"), [(100, False, 1000), (100, True, 1000), (1000, False, 500)])
def test_intervals_over_accounts_cover(size: int, shared: bool, draws: int) -> None:
    shares = accounts(np.random.default_rng([2034, size, shared]), draws, 2, size, shared=shared)
    for metric, records in zip(METRICS, repeated(shares, shared=shared), strict=True):
        found = fairness.compare("x", metric.name, [record[0] for record in records], margin=MARGIN)
        assert coverage([c.gap for c in found], 0.0) == pytest.approx(0.95, abs=0.02 + allowed(0.05, draws))
        assert coverage([c.rate for c in found], SELECTED) == pytest.approx(0.95, abs=0.02 + allowed(0.05, draws))


# --- intervals of rows that stand for themselves -------------------------------------------------------------------


def outcomes(n: int, rate: float) -> tuple[Numbers, Numbers]:
    """Every count that is not all but impossible, and its chance."""
    count = np.arange(n + 1)
    chance = stats.binom.pmf(count, n, rate)
    return count[chance > 1e-7], chance[chance > 1e-7]


def covers(estimates: Sequence[Estimate], chance: Numbers, true: float) -> float:
    return float(chance[[e.low <= true <= e.high for e in estimates]].sum())


def outside(found: Mapping[object, float]) -> dict[object, float]:
    return {rate: round(covered, 4) for rate, covered in found.items() if not 0.93 <= covered <= 0.97}


# Counts are whole: few of them carry most of the chance, and the coverage jumps as the limits pass the true rate.
@pytest.mark.parametrize(
    ("n", "exceptions"),
    [
        (
            30,
            {
                0.02: 0.9783,
                0.08: 0.9707,
                0.1: 0.9742,
                0.3: 0.9298,
                0.7: 0.9298,
                0.9: 0.9742,
                0.92: 0.9707,
                0.98: 0.9783,
            },
        ),
        (100, {0.01: 0.9206, 0.07: 0.9716, 0.93: 0.9716, 0.99: 0.9206}),
        (1000, {}),
    ],
)
def test_wilsons_interval_covers_93_to_97_percent_at_every_hundredth_but_these(
    n: int, exceptions: Mapping[float, float]
) -> None:
    found = {}
    for rate in np.arange(1, 100) / 100:
        count, chance = outcomes(n, rate)
        found[rate] = covers(proportions.rates(count, np.full(len(count), n)), chance, rate)
    assert outside(found) == exceptions
    assert np.mean(list(found.values())) == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize(("n", "rest_n"), [(30, 100), (100, 100), (100, 400)])
def test_newcombes_interval_covers_93_to_97_percent_and_more_where_fewer_than_three_rows_of_a_kind_are_expected(
    n: int, rest_n: int
) -> None:
    for rest_rate, gap in itertools.product(np.arange(1, 20) / 20, (0.0, 0.02, 0.1, 0.2)):
        rate = rest_rate + gap
        if rate >= 0.99:
            continue
        (own, own_chance), (rest, rest_chance) = outcomes(n, rate), outcomes(rest_n, rest_rate)
        count, rest_count = (grid.ravel() for grid in np.meshgrid(own, rest, indexing="ij"))
        found = proportions.differences(count, np.full(len(count), n), rest_count, np.full(len(count), rest_n))
        covered = covers(found, np.outer(own_chance, rest_chance).ravel(), gap)
        few = min(n * rate, n * (1 - rate), rest_n * rest_rate, rest_n * (1 - rest_rate)) < 3
        assert 0.93 <= covered <= (0.99 if few else 0.97)


# --- intervals within strata -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "rest_n", "rest_rates", "gap"),
    [
        ([60, 30, 10], [40, 70, 90], [0.1, 0.3, 0.5], 0.0),
        ([600, 300, 100], [400, 700, 900], [0.1, 0.3, 0.5], 0.1),
        ([60, 30, 10], [40, 70, 90], [0.05, 0.05, 0.05], 0.05),
    ],
    ids=["no gap", "many rows", "rare"],
)
def test_the_mantel_haenszel_interval_covers_where_groups_are_spread_unevenly_over_strata(
    n: list[int], rest_n: list[int], rest_rates: list[float], gap: float
) -> None:
    chance, draws, found = np.random.default_rng(2035), 600, []
    own = chance.binomial(n, np.add(rest_rates, gap), size=(draws, 3))
    rest = chance.binomial(rest_n, rest_rates, size=(draws, 3))
    for counts in zip(own.tolist(), rest.tolist(), strict=True):
        cells = zip(counts[0], n, counts[1], rest_n, strict=True)
        found.append(strata.conditional({str(i): cell for i, cell in enumerate(cells)}).stratified)
    assert coverage(found, gap) == pytest.approx(0.95, abs=0.02 + allowed(0.05, draws))
