"""Figures of stage 1: what is drawn where, and what is said in words."""

import xml.etree.ElementTree as ElementTree

import pytest

from ethics_kit.measures.survival import kaplan_meier
from ethics_kit.record import LevelResult
from ethics_kit.report import figures
from ethics_kit.report.figures import AreaPoints
from ethics_kit.schema import Rating
from tests.report.drawn import strokes

SVG = "{http://www.w3.org/2000/svg}"


def at(likelihood, severity):
    return Rating(likelihood=likelihood, severity=severity)


def texts(figure):
    root = ElementTree.fromstring(figure.svg)
    return [" ".join("".join(node.itertext()).split()) for node in root.iter(f"{SVG}text")]


def level(value="II", **points):
    whole = {
        "raw_low": 40,
        "raw_high": 40,
        "raw_max": 100,
        "mitigation_low": 10,
        "mitigation_high": 10,
        "mitigation_max": 50,
        "total_best": 40,
        "total_worst": 40,
    }
    best, worst = ("I", "IV") if value == "undetermined" else (value, value)
    return LevelResult(value=value, holds=worst, best=best, worst=worst, points=whole | points)


RAW = [AreaPoints("effect", 30, 30, 70), AreaPoints("use", 10, 10, 30)]
SAFE = [AreaPoints("privacy", 10, 10, 50)]
LIMITS = {"I": 25, "II": 50, "III": 75}


def test_the_matrix_names_the_risks_above_the_appetite_and_every_cell_in_words():
    (figure,) = figures.risk_matrix({"R1": at(3, 4), "R2": at(3, 3), "X1": at(3, 3)}, 9, when="after")
    assert figure.caption == "1 of 3 risks stays above the appetite of 9 after treatment: R1."
    assert "likelihood 3, severity 3: R2, X1; likelihood 3, severity 4: R1." in figure.alt
    assert {"R1", "R2 X1", "likelihood after treatment"} <= set(texts(figure))


def test_a_full_cell_says_how_many_more_there_are():
    ratings = {f"R{n}": at(2, 2) for n in range(1, 14)}
    (figure,) = figures.risk_matrix(ratings, 9, when="before")
    assert "R7 +6" in texts(figure)
    assert "R13" in figure.alt


def test_many_risks_above_the_appetite_are_counted_in_the_caption():
    (figure,) = figures.risk_matrix({f"R{n}": at(5, 5) for n in range(1, 14)}, 9, when="before")
    assert figure.caption.endswith("R9, R10 and 3 more.")


def test_no_rating_is_no_figure():
    assert figures.risk_matrix({}, 9, when="after") == ()
    assert figures.points_by_area([], SAFE, level(), LIMITS) == ()


@pytest.mark.parametrize("appetite", range(1, 26))
def test_cells_above_the_appetite_are_shaded_and_no_others(appetite):
    (figure,) = figures.risk_matrix({"R1": at(1, 1)}, appetite, when="after")
    shaded = len(strokes(figure, fill="#e9cdc8"))
    assert shaded == sum(x * y > appetite for x in range(1, 6) for y in range(1, 6))


def test_shades_and_ids_keep_their_contrast_without_colour():
    def grey(colour):
        r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (r, g, b)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    shade, ink = grey("#e9cdc8"), grey("#1a1a1a")
    assert (shade + 0.05) / (ink + 0.05) > 7
    assert 1.05 / (shade + 0.05) > 1.3


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (level(), "40 of 100 points: level II. Most points come from effect (30 of 70)."),
        (level(total_worst=34), "enough to lower the total by 15%"),
        (level(), "Safeguards reach 10 of 50 points: too few to lower the total by 15%."),
        (
            level("undetermined", total_best=5),
            "Open answers leave the total between 5 and 40 of 100 points, level I to IV.",
        ),
    ],
)
def test_the_points_say_the_level_the_heaviest_area_and_what_safeguards_do(found, told):
    (figure,) = figures.points_by_area(RAW, SAFE, found, LIMITS)
    assert told in figure.caption
    assert told in figure.alt


def test_a_legal_trigger_is_said():
    found = level("III").model_copy(update={"floor": "III"})
    assert "a legal trigger sets level III as the floor" in figures.points_by_area(RAW, SAFE, found, LIMITS)[0].caption


def test_bars_are_labelled_with_their_points_and_thresholds_with_theirs():
    open_ = AreaPoints("use", 4, 10, 30)
    (figure,) = figures.points_by_area([RAW[0], open_], SAFE, level(), LIMITS)
    assert {"4–10 of 30", "10 of 50", "25", "50", "75", "100", "I", "II", "III", "IV"} <= set(texts(figure))


def test_an_area_whose_name_is_code_stays_text():
    (figure,) = figures.points_by_area([AreaPoints("<b>$x$</b>", 1, 1, 2)], [], level(), LIMITS)
    assert "<b>$x$</b>" in texts(figure)


def test_the_completion_curve_tells_what_is_open_at_each_limit():
    curve = kaplan_meier([10, 40, 50], [True, True, False], [3, 1, 1])
    limits, words = [("one month", 31), ("45 days", 45)], {"what": "requests to delete", "done": "carried out"}
    (figure,) = figures.completion_curve(curve, limits, **words)
    assert "Of 5 requests to delete, still open: 40% after 31 days, 20% after 45 days." in figure.alt
    assert figure.alt.endswith("Half were carried out after 10 days.")
    assert "one month" in ElementTree.fromstring(figure.svg.decode()).itertext()
    hours = kaplan_meier([0.5, 1, 10], [True, True, False], [40, 40, 20])
    (figure,) = figures.completion_curve(hours, [("promised", 8)], what="requests", done="answered", unit="hours")
    assert "Of 100 requests, still open: 20% after 8 hours." in figure.caption
    assert figure.alt.endswith("Half were answered after 1 hours.")
    assert figures.completion_curve(kaplan_meier([3], [False], [2]), [("one month", 31)], what="x", done="y") == ()


def test_figures_are_the_same_on_every_run():
    open_ = [AreaPoints("use", 4, 10, 30)]
    for draw in (
        lambda: figures.risk_matrix({"R1": at(3, 4)}, 9, when="after"),
        lambda: figures.points_by_area(open_, SAFE, level(), LIMITS),
    ):
        assert draw() == draw()
