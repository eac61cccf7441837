"""A figure's size: like strokes in one path, no style twice, nothing that is not drawn; and it looks as drawn."""

import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit.measures.survival import kaplan_meier
from ethics_kit.report import figures
from ethics_kit.report.figures import paths
from ethics_kit.report.figures.lean import lean
from ethics_kit.report.html import data_uri
from tests.report.drawn import points, strokes


def waiting(n):
    minutes = np.linspace(1, 470, n)
    return kaplan_meier(minutes, [True] * n, [1] * n)


def svg(body):
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {space} width="100pt" height="50pt">{body}</svg>'


def line(x, style="fill: none; stroke: #000000"):
    return f'<path d="M {x} 1 L {x} 9" style="{style}"/>'


def test_no_style_stands_in_a_drawing_twice():
    (figure,) = figures.completion_curve(waiting(40), [("8 hours", 480)], what="requests", done="answered")
    styles = re.findall(r"style='([^']*)'", figure.svg.decode())
    assert len(styles) == len(set(styles))
    ElementTree.fromstring(figure.svg)


@pytest.mark.parametrize("n", [40, 4000])
def test_a_curve_of_many_steps_is_drawn_in_as_many_as_can_be_seen(n):
    (figure,) = figures.completion_curve(waiting(n), [("8 hours", 480)], what="requests", done="answered")
    (curve,) = strokes(figure, fill="none", stroke="#1f5fa8")
    heights = [y for _, y in curve]
    assert len(heights) <= 2 * 122
    assert heights == sorted(heights)
    axes = [y for stroke in strokes(figure, stroke="#000", stroke_linecap="square") for _, y in stroke]
    top, bottom = min(axes), max(axes)
    assert heights[0] == pytest.approx(top + (bottom - top) * 2 / 102, abs=0.3)
    assert heights[-1] == pytest.approx(bottom, abs=0.3)
    assert len(figure.svg) < 5_000


coordinates = st.tuples(*[st.integers(-9999, 9999)] * 2)


@given(st.lists(st.lists(coordinates, min_size=2, max_size=6), min_size=1, max_size=4), st.booleans())
def test_a_path_that_is_written_shorter_goes_through_the_same_points(drawn, closed):
    shape = []
    for stroke in drawn:
        shape += [("M", stroke[0]), *(("L", point) for point in stroke[1:]), *([("z", ())] if closed else [])]
    read = points(paths.path(shape))
    wanted = [[*stroke, *stroke[: int(closed)]] for stroke in drawn]
    assert read == wanted


def test_like_strokes_become_one_path_and_others_stay_apart():
    red = "fill: none; stroke: #ff0000; stroke-width: 0.5"
    made = lean(svg(line(1) + line(20) + line(40, red)))
    assert made.count("<path") == 2
    assert points(re.search("d='([^']*)'", made)[1]) == [[(10, 10), (10, 90)], [(200, 10), (200, 90)]]
    assert "style='stroke:#f00;stroke-width:5'" in made


def test_what_lies_over_another_stroke_is_drawn_after_it():
    over = "fill: none; stroke: #ff0000"
    blue = "fill: none; stroke: #0000ff"
    made = lean(svg(line(5, blue) + line(5, over) + line(5, blue) + line(30, blue)))
    order = re.findall(r"<path [^>]*stroke:(#\w+)", made)
    assert order == ["#00f", "#f00", "#00f"]
    assert made.count("v80") == 4


def test_shapes_that_cover_each_other_stay_apart():
    square = '<path d="M {0} 0 L {1} 0 L {1} 9 L {0} 9 z" style="fill: #0000ff; fill-opacity: 0.2"/>'
    assert lean(svg(square.format(0, 9) + square.format(20, 29))).count("<path") == 1
    assert lean(svg(square.format(0, 9) + square.format(5, 14))).count("<path") == 2


def test_only_what_reaches_out_of_its_frame_is_cut():
    frame = '<defs><clipPath id="p1"><rect x="0" y="0" width="50" height="50"/></clipPath></defs>'
    inside = '<path d="M 1 1 L 9 9" clip-path="url(#p1)" style="fill: none; stroke: #000000"/>'
    out = inside.replace("L 9 9", "L 90 9")
    assert "clip" not in lean(svg(inside + frame))
    cut = re.search(r"clip-path:url\(#(\w+)\)", lean(svg(out + frame)))
    assert f"<clipPath id='{cut[1]}'><path d='m0 0h500v500H0z'/>" in lean(svg(out + frame))


def test_a_mark_keeps_its_place_and_its_own_colour():
    mark = '<defs><path id="m1" d="M -2 2 L 2 2 L 2 -2 z" style="stroke: #00ff00"/></defs>'
    uses = '<g style="fill: none"><use xlink:href="#m1" x="10" y="20" style="stroke: #ff0000"/></g>'
    made = lean(svg(mark + uses))
    assert points(re.search("d='([^']*)'", made)[1]) == [[(80, 220), (120, 220), (120, 180), (80, 220)]]
    assert "stroke:#0f0" in made


def test_words_stand_on_top_as_text_and_are_escaped():
    text = '<text transform="translate(3 4)" style="font-size: 9px; fill: #1a1a1a">a &lt;b&gt; &amp; c</text>'
    made = lean(svg(text + line(1)))
    assert made.endswith("<g style='fill:#1a1a1a'><text x='30' y='40'>a &lt;b&gt; &amp; c</text></g></g></svg>")


def test_an_address_holds_the_whole_drawing():
    (figure,) = figures.completion_curve(waiting(40), [("8 hours", 480)], what="requests", done="answered")
    assert unquote(data_uri(figure.svg, "image/svg+xml").partition(",")[2]) == figure.svg.decode()
