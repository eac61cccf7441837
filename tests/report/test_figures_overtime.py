"""Shares over time as small panels."""

from datetime import date
from xml.etree import ElementTree

from ethics_kit.measures.proportions import rate
from ethics_kit.report import figures

MONTHS = [date(2026, month, 1) for month in (5, 6, 7)]


def lines(*shares):
    return [(month, rate(count, 100)) for month, count in zip(MONTHS, shares, strict=True)]


def test_panels_say_who_ends_above_the_limit_and_tell_every_point():
    panels = [
        figures.Lines("too fast", 0.1, {"day <b>": lines(2, 3, 4), "night": lines(20, 30, 40)}),
        figures.Lines("in runs", 0.1, {"day <b>": lines(50, 5, 5), "night": []}),
    ]
    (figure,) = figures.shares_over_time(panels, what="team")
    assert figure.caption.startswith("Above the limit in the newest period: night (too fast, 40%, limit 10%).")
    assert "too fast, limit 10%: day <b> 2026-05 2%, 2026-06 3%, 2026-07 4%; night 2026-05 20%" in figure.alt
    words = " ".join(ElementTree.fromstring(figure.svg.decode()).itertext())
    assert "day <b>" in words
    assert "in runs" in words
    assert figures.shares_over_time(panels, what="team") == (figure,)


def test_nothing_above_a_limit_is_said_and_nothing_at_all_is_not_drawn():
    (figure,) = figures.shares_over_time([figures.Lines("too fast", 0.5, {"day": lines(1, 2, 3)})], what="team")
    assert figure.caption.startswith("No team is above a limit in its newest period.")
    assert figures.shares_over_time([figures.Lines("too fast", 0.5, {"day": []})], what="team") == ()


def test_of_many_groups_five_are_drawn_and_the_caption_says_so():
    panel = figures.Lines("too fast", 0.5, {f"team {i}": lines(1, 2, 3) for i in range(7)})
    (figure,) = figures.shares_over_time([panel], what="team")
    assert "The first 5 of 7 are drawn" in figure.caption
    assert "team 6 2026-05" in figure.alt
