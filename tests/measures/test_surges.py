"""Error reports per window against the time before."""

from datetime import date, datetime, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ethics_kit.measures.surges import windows

SINCE, UNTIL = datetime.fromisoformat("2026-08-01"), datetime.fromisoformat("2026-10-30")


def column(days: list[datetime]) -> ibis.expr.types.Column:
    return ibis.memtable(pd.DataFrame({"time": pd.Series(days, dtype="datetime64[us]")})).time


def every(days: int, start: date, end: date, times: int = 1) -> list[datetime]:
    count = (end - start).days // days
    return [datetime.combine(start, datetime.min.time()) + timedelta(days=days * i) for i in range(count)] * times


def test_a_steady_rate_is_as_expected() -> None:
    steady = every(2, date(2026, 1, 1), date(2026, 10, 30))
    found = windows(column(steady), since=SINCE, until=UNTIL, days=30)
    assert [w.start.date() for w in found] == [date(2026, 8, 1), date(2026, 8, 31), date(2026, 9, 30)]
    assert [w.count for w in found] == [15, 15, 15]
    assert found[0].expected == pytest.approx(15, abs=0.2)
    assert min(w.p_value for w in found) > 0.5


def test_the_p_value_is_the_conditional_binomial_one_adjusted_for_the_windows() -> None:
    usual = every(2, date(2026, 4, 23), date(2026, 8, 1))  # 50 in 100 days
    surge = every(1, date(2026, 10, 1), date(2026, 10, 30))
    found = windows(column(usual + surge), since=SINCE, until=UNTIL, days=30)[-1]
    assert (found.count, found.expected) == (29, 15)
    second = stats.binomtest(29, 79, 30 / 130, alternative="greater").pvalue
    assert found.p_value == pytest.approx(3 * second)


def test_without_reports_before_or_a_whole_window_nothing_is_told() -> None:
    later = every(1, date(2026, 9, 1), date(2026, 10, 30))
    assert windows(column(later), since=SINCE, until=UNTIL, days=30) == ()
    before = every(1, date(2026, 6, 1), date(2026, 8, 1))
    assert windows(column(before), since=SINCE, until=SINCE + timedelta(days=29), days=30) == ()


def test_what_lies_more_than_a_year_before_the_review_is_not_usual() -> None:
    old = every(1, date(2024, 1, 1), date(2025, 7, 31), times=5)
    usual = every(2, date(2026, 4, 23), date(2026, 8, 1))
    assert windows(column(old + usual), since=SINCE, until=UNTIL, days=30)[0].expected == 15


def test_false_alarms_stay_under_the_level_where_nothing_changed() -> None:
    rng = np.random.default_rng(20261101)
    alarms = 0
    for _ in range(200):
        moments = [SINCE + timedelta(days=float(d)) for d in rng.uniform(-200, 90, rng.poisson(58))]
        found = windows(column(moments), since=SINCE, until=UNTIL, days=30)
        alarms += any(w.p_value <= 0.05 for w in found)
    assert alarms <= stats.binom.ppf(0.999, 200, 0.05)
