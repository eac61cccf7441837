"""Figures of explanations: what is drawn where, and what is said in words."""

import xml.etree.ElementTree as ElementTree

from ethics_kit.measures.proportions import UNDEFINED, Estimate
from ethics_kit.measures.rankstability import Ranked, Stability
from ethics_kit.report import figures
from tests.report.drawn import strokes

SVG = "{http://www.w3.org/2000/svg}"


def texts(figure):
    nodes = ElementTree.fromstring(figure.svg).iter(f"{SVG}text")
    return [" ".join("".join(node.itertext()).split()) for node in nodes]


def ranked(*rows, cuts=()):
    found = [Ranked(name, Estimate(s, s - 0.02, s + 0.02), i + 1, *ends) for i, (name, s, *ends) in enumerate(rows)]
    return Stability(tuple(found), cuts, 500)


def test_ranks_are_intervals_and_a_line_parts_what_the_rows_tell_apart():
    order = ranked(("logins", 0.6, 1, 1), ("tickets", 0.21, 2, 3), ("survey", 0.19, 2, 3), cuts=(1,))
    (figure,) = figures.rank_intervals(order)
    assert figure.caption.startswith("Most influence: logins, 60% of all. ")
    assert "tickets 21.0%, rank 2 to 3" in figure.alt
    assert [t for t in texts(figure) if t.startswith("rank")] == ["rank 2 to 3", "rank 2 to 3", "rank 1"]
    assert len(strokes(figure, stroke_dasharray=None)) == 1


def test_where_no_order_is_shown_none_is_drawn():
    (figure,) = figures.rank_intervals(ranked(("logins", 0.51, 1, 2), ("tickets", 0.49, 1, 2)))
    assert "The rows support no order of the features." in figure.alt
    assert "stroke-dasharray" not in figure.svg.decode()


def test_features_without_a_share_are_not_drawn():
    assert figures.rank_intervals(Stability((Ranked("logins", UNDEFINED, 1, 1, 1),), (), 5)) == ()


ROWS = [
    ("visits", Estimate(0.6, 0.5, 0.7), Estimate(0.3, 0.28, 0.32), "proxy"),
    ("use", Estimate(0.02, 0.0, 0.06), Estimate(0.7, 0.68, 0.72), "no_proxy"),
    ("zone", Estimate(0.22, 0.1, 0.3), Estimate(0.06, 0.05, 0.07), "inconclusive"),
]


def test_a_proxy_is_named_and_both_limits_are_drawn():
    (figure,) = figures.proxies("gender", ROWS, limits=(0.2, 0.05))
    assert figure.caption.startswith(
        "gender: visits stand in for it. Nearest to it: visits, association 0.60 (limit 0.2)."
    )
    assert "visits association 0.60, influence 30.0%, proxy" in figure.alt
    assert {"visits", "use", "zone", "association with gender, Cramér's V"} <= set(texts(figure))
    assert len(strokes(figure, stroke_dasharray=None)) == 2


def test_without_influence_no_proxy_can_be_drawn():
    assert (
        figures.proxies("gender", [("zone", Estimate(0.4, 0.3, 0.5), UNDEFINED, "inconclusive")], limits=(0.2, 0.05))
        == ()
    )


def test_names_from_data_are_drawn_as_text():
    name = "<script>$x$"
    (figure,) = figures.proxies(name, [(name, *ROWS[0][1:])], limits=(0.2, 0.05))
    assert b"<script" not in figure.svg
    (figure,) = figures.rank_intervals(ranked((name, 1.0, 1, 1)))
    assert b"<script" not in figure.svg
