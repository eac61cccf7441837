"""Where things lie in a figure: all words find room, none lies on another, and marks stand where their numbers are."""

from datetime import date
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path

from ethics_kit.measures.anonymity import Sizes
from ethics_kit.measures.proportions import Estimate, rate
from ethics_kit.measures.rankstability import Ranked, Stability
from ethics_kit.measures.survival import kaplan_meier
from ethics_kit.report import figures
from ethics_kit.report.figures import drawing
from ethics_kit.report.figures.renderer import drawn
from ethics_kit.report.figures.widths import SIZE, width
from ethics_kit.schema import Rating
from tests.report.drawn import strokes, words

MONTHS = [date(2026, month, 1) for month in range(1, 11)]


def near(value):
    return Estimate(value, value - 0.02, value + 0.02)


def ranks(*names):
    return Stability(tuple(Ranked(name, near(0.5 / (i + 1)), i + 1, 1, 40) for i, name in enumerate(names)), (), 500)


def panels(n, label="a group of some size"):
    some = tuple(near(v) for v in (0.01, 0.2, 0.1))
    return [figures.Panel(label, ("2026-05", "2026-06", "2026-07"), some, (False,) * 3, detail="x") for _ in range(n)]


def over_time(n):
    points = [(month, rate(30, 100)) for month in MONTHS]
    return [figures.Lines("reviews too fast", 0.1, {f"team {i}": points for i in range(5)}) for _ in range(n)]


def every_kind():
    curve = kaplan_meier([1, 40, 300], [True, True, False], [5, 5, 5])
    found = [("a feature with a long name", near(0.3), near(0.2), "proxy"), ("b", near(0.02), near(0.6), "no_proxy")]
    cells = {(f"row {i}", f"column {j}"): (0.1 * i, "10%", "disparity") for i in range(3) for j in range(4)}
    return {
        "long names": figures.rank_intervals(ranks(*(f"{i} " + "WM" * 30 for i in range(40)))),
        "other scripts": figures.rank_intervals(ranks("顧客の満足度と解約の可能性" * 3, "b")),
        "one panel": figures.small_multiples(panels(1), measure="gap, percentage points", explained=""),
        "nine panels": figures.small_multiples(panels(9), measure="gap, percentage points", explained=""),
        "lines": figures.shares_over_time(over_time(3), what="team"),
        "curve": figures.completion_curve(curve, [("promised to customers", 310)], what="x", done="y"),
        "proxies": figures.proxies("gender", found, limits=(0.1, 0.05)),
        "cells": figures.heat_map("a", [f"row {i}" for i in range(3)], [f"column {i}" for i in range(4)], cells),
        "matrix": figures.risk_matrix({"R1": Rating(likelihood=3, severity=4)}, 9, when="after"),
        "classes": figures.class_sizes("extract", Sizes(((1, 5), (200, 10_000))), 5),
    }


@pytest.mark.parametrize("kind", every_kind().items(), ids=lambda kind: kind[0])
def test_no_word_is_cut_off_and_none_lies_on_another(kind):
    ((figure,),) = [kind[1]]
    tall, wide = (
        float(figure.svg.decode().partition(f"{side}='")[2].partition("pt")[0]) for side in ("height", "width")
    )
    written = words(figure)
    assert len(written) > 5
    for text, (left, top, right, bottom) in written:
        assert min(left, top, wide - right, tall - bottom) > 0, text
    for (text, one), (other, two) in combinations(written, 2):
        apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
        assert apart, (text, other)


def test_a_drawing_lies_where_matplotlib_would_lay_it():
    def made():
        canvas, axes = drawing._panels(6, 4, 2, 2)
        axes[0].barh(["a name that needs room", "b"], [1, 2000])
        axes[1].text(1.1, 0.5, "beside it", transform=axes[1].transAxes)
        axes[2].set_xlabel("rows")
        axes[3].set_ylabel("share")
        axes[3].set_title("title", fontsize=SIZE, loc="left")
        return canvas

    theirs, ours = made(), made()
    FigureCanvasSVG(theirs)
    ConstrainedLayoutEngine().execute(theirs)
    drawn(ours)
    for mine, its in zip(ours.axes, theirs.axes, strict=True):
        assert np.allclose(mine.bbox.extents, its.bbox.extents, atol=2)


@given(st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:()%äéß–−", min_size=1), st.booleans())
def test_words_are_as_wide_as_when_their_font_is_shaped(text, bold):
    font = FontProperties(family="DejaVu Sans", size=SIZE, weight="bold" if bold else "normal")
    shaped, _, _ = text_to_path.get_text_width_height_descent(f"|{text}|", font, ismath=False)
    assert SIZE * width(f"|{text}|", bold=bold) == pytest.approx(shaped, rel=0.05, abs=3)


def test_a_character_that_the_font_lacks_has_room_for_the_readers_own():
    assert width("顧客") == 2
    assert width("ab") < 1.5


def test_marks_stand_where_their_numbers_are():
    curve = kaplan_meier([10, 390], [True, True], [5, 5])
    (figure,) = figures.completion_curve(curve, [("limit", 150)], what="x", done="y")
    (limit,) = {x for stroke in strokes(figure, stroke="#b3261e") for x, _ in stroke}
    number = {text: (box[0] + box[2]) / 2 for text, box in words(figure)}["150"]
    assert limit == pytest.approx(number, abs=0.2)
    marks = [
        stroke for stroke in strokes(figure, stroke="#000") if abs(stroke[0][1] - stroke[1][1]) == pytest.approx(3.5)
    ]
    assert any(x == pytest.approx(limit, abs=0.1) for (x, _), _ in marks)


def test_large_numbers_at_an_axis_are_written_out():
    (figure,) = figures.class_sizes("extract", Sizes(((200, 30_000),)), 5)
    assert "5000000" in {text for text, _ in words(figure)}


def test_where_words_leave_no_room_a_panel_keeps_a_tenth():
    canvas, axes = drawing._canvas(2, 2)
    axes.text(1, 0.5, "words " * 100, transform=axes.transAxes)
    drawn(canvas)
    assert axes.bbox.width == pytest.approx(14.4)
