"""Figures of opt-outs and of waits for a person: what is drawn, and what is said in words."""

import pytest

from ethics_kit.measures.timelines import Share
from ethics_kit.report import figures
from tests.measures.test_fairness import selection


def test_opt_outs_that_are_all_heard_need_no_figure():
    assert figures.still_decided({0: Share(0, 50), 2: Share(0, 50)}, limit=2, confidence=0.95) == ()


def test_the_days_after_an_opt_out_are_told_with_their_numbers():
    (figure,) = figures.still_decided({0: Share(9, 50), 2: Share(4, 50), 90: Share(0, 0)}, limit=2, confidence=0.9)
    assert "9 of 50 more than 0 days later; 4 of 50 more than 2 days later." in figure.alt
    assert "90 days" not in figure.alt
    assert "90% intervals" in figure.caption
    assert "limit of 2 days" in figure.caption


@pytest.mark.parametrize("shares", [[(30, 100), (40, 100), (1, 4)], [(30, 100), (40, 100), (1, 4), (2, 3)]])
def test_a_group_from_which_a_small_one_would_follow_is_not_drawn(shares):
    rows = selection(*shares)
    (figure,) = figures.forest(rows, {rows[0].metric: "selection rate"}, small=10)
    drawn = [row.group for row in rows if f"{row.group} (n" in figure.svg.decode()]
    assert drawn == ["g1"]
