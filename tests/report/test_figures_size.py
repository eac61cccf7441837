"""A figure's size: no style twice, no more steps than can be seen, nothing that is not drawn."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from ethics_kit.measures.survival import kaplan_meier
from ethics_kit.report import figures
from tests.report.drawn import styled


def waiting(n):
    minutes = np.linspace(1, 470, n)
    return kaplan_meier(minutes, [True] * n, [1] * n)


def test_no_style_stands_in_a_drawing_twice():
    (figure,) = figures.completion_curve(waiting(40), [("8 hours", 480)], what="requests", done="answered")
    styles = re.findall(r"style='([^']*)'", figure.svg.decode())
    assert len(styles) == len(set(styles))
    assert "<g>" not in figure.svg.decode()
    ElementTree.fromstring(figure.svg)


@pytest.mark.parametrize("n", [40, 4000])
def test_a_curve_of_many_steps_is_drawn_in_as_many_as_can_be_seen(n):
    (figure,) = figures.completion_curve(waiting(n), [("8 hours", 480)], what="requests", done="answered")
    (line,) = re.findall(r"<path d='([^']*)'[^>]*fill:none;stroke:#1f5fa8", styled(figure))
    heights = [float(point.split()[1]) for point in re.split("[ML]", line)[1:]]
    assert len(heights) <= 2 * 122
    assert heights == sorted(heights)
    whole = re.search(r"<rect x='[^']*' y='([^']*)' width='[^']*' height='([^']*)'", figure.svg.decode())
    top, tall = float(whole[1]), float(whole[2])
    assert heights[0] == pytest.approx(top + tall * 2 / 102, abs=0.3)
    assert heights[-1] == pytest.approx(top + tall, abs=0.3)
