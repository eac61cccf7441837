"""Small multiples: what is drawn, in which order, and what is said in words."""

import xml.etree.ElementTree as ElementTree

from ethics_kit.measures.proportions import UNDEFINED, Estimate
from ethics_kit.report import figures
from ethics_kit.report.figures import Panel
from tests.report.drawn import strokes

SVG = "{http://www.w3.org/2000/svg}"
PERIODS = ("2026-05", "2026-06", "2026-07")


def texts(figure):
    nodes = ElementTree.fromstring(figure.svg).iter(f"{SVG}text")
    return [" ".join("".join(node.itertext()).split()) for node in nodes]


def panel(label, *values, alarm=False, **more):
    estimates = tuple(UNDEFINED if v is None else Estimate(v, v - 0.01, v + 0.01) for v in values)
    return Panel(label, PERIODS, estimates, (False, False, alarm), **more)


def drawn(*panels):
    return figures.small_multiples(panels, measure="PSI", explained="Explained.")


def test_an_alarm_comes_first_and_is_said_in_caption_and_alt():
    (figure,) = drawn(panel("steady", 0.02, 0.02, 0.02), panel("moved", 0.02, 0.1, 0.2, alarm=True, limit=0.1))
    assert figure.caption == "Alarm in the last period: moved (0.2). Explained."
    assert "moved: 2026-05 0.02, 2026-06 0.1, 2026-07 0.2 (alarm)" in figure.alt
    assert texts(figure).index("moved") < texts(figure).index("steady")


def test_without_an_alarm_the_caption_says_so():
    (figure,) = drawn(panel("steady", 0.02, 0.02, 0.02, detail="share"))
    assert figure.caption.startswith("No alarm in the last period.")
    assert {"steady", "share", "2026-05", "2026-07", "PSI"} <= set(texts(figure))


def line_of(figure):
    return strokes(figure, stroke="#1f5fa8", stroke_width="12")


def test_a_period_without_a_value_breaks_the_line():
    (whole,), (broken,) = drawn(panel("a", 0.1, 0.2, 0.1)), drawn(panel("a", 0.1, None, 0.1))
    assert len(line_of(whole)) == 1
    assert len(line_of(broken)) == 2
    assert "2026-06" not in broken.alt


def test_of_many_series_nine_are_drawn_and_the_rest_counted():
    (figure,) = drawn(*(panel(f"s{i}", 0.1, 0.1, 0.1) for i in range(12)))
    assert "9 of 12 series are drawn." in figure.caption


def test_nothing_known_is_nothing_drawn():
    assert drawn(panel("a", None, None, None)) == ()
    assert drawn() == ()


def test_names_from_data_are_drawn_as_text():
    (figure,) = drawn(panel("<script>$x$", 0.1, 0.1, 0.1, detail="<b>$"))
    assert b"<script" not in figure.svg
