"""Figure of a rollout: what is drawn at each step, and what is said in words."""

import math

import pytest

from ethics_kit.measures.proportions import UNDEFINED, Estimate
from ethics_kit.measures.rollout import Look
from ethics_kit.report import figures

LOOKS = [
    Look(Estimate(0.0, -1.0, 1.0), 0.0, 9.2, "proceed", "as_planned"),
    Look(Estimate(0.011, -0.002, 0.024), 2.5, 3.1, "hold", "suspected"),
    Look(Estimate(0.08, 0.03, 0.13), 4.3, math.inf, "roll_back", "crossed"),
]


def test_every_step_is_told_and_the_last_one_is_the_message():
    (figure,) = figures.rollout_looks("late $reply$", LOOKS, [1, 2, 3], margin=0.02)
    assert figure.caption.startswith(r"Late \$reply\$: after step 3 roll back, at +8.00 points.")
    assert "step 2 +1.10 points, z 2.50, boundary 3.10, hold" in figure.alt
    assert "boundary none, roll back" in figure.alt
    for words in ("margin", "boundary", "more harm, points"):
        assert f">{words}<" in figure.svg.decode()


@pytest.mark.parametrize("looks", [[], [Look(UNDEFINED, 0.0, math.inf, "hold", "too_few")]])
def test_without_a_difference_nothing_is_drawn(looks):
    assert figures.rollout_looks("late reply", looks, range(1, len(looks) + 1), margin=0.02) == ()
