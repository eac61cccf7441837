"""S1.2: the impact level from the scored questionnaire."""

from __future__ import annotations

from ethics_kit.framework import catalogue
from ethics_kit.measures import impact
from ethics_kit.record import Finding, Table
from ethics_kit.report import figures
from ethics_kit.report.figures import AreaPoints
from ethics_kit.stages.case import Case, Outcome


def impact_level(case: Case) -> Outcome:
    """S1.2: the impact level from the scored questionnaire, best and worst case over what is unanswered."""
    level = case.level
    points = level.points
    settled = level.value != "undetermined"
    if settled:
        statement = f"Impact level {level.value}: {points['total_worst']} of {points['raw_max']} points."
    else:
        statement = (
            f"Impact level undetermined: {level.unanswered} open answers leave it between {level.best} and "
            f"{level.worst}; the obligations of level {level.worst} hold."
        )
    finding = Finding(
        id="S1.2.impact_level",
        requirement="S1.2",
        status="met" if settled else "not_assessed",
        evidence="measured",
        statement=statement,
        value=points["total_worst"],
        unit="points",
        n=len([q for q in catalogue.questions("impact_analysis").values() if q.scores or q.trigger]),
        method="Canadian Algorithmic Impact Assessment: 25, 50 and 75% of the maximum; mitigation of 80% lowers by 15%",
        source="canada-ca/aia-eia-js v1.0.1",
        action=None if settled else "Answer the open questions of the impact analysis.",
    )
    scales = {scale: _areas(case, scale) for scale in ("raw", "mitigation")}
    table = Table(
        id="S1.2.points",
        title="Points by area",
        requirement="S1.2",
        columns=["area", "scale", "fewest", "most", "maximum"],
        rows=[[a.area, scale, a.fewest, a.most, a.maximum] for scale, areas in scales.items() for a in areas],
        note="Fewest and most differ where a question is not answered.",
    )
    drawn = figures.points_by_area(scales["raw"], scales["mitigation"], level, thresholds(points["raw_max"]))
    return Outcome((finding,), (table,), drawn)


def thresholds(raw_max: int) -> dict[str, int]:
    """The most points that levels I to III hold."""
    levels = [impact.impact_level(points, raw_max) for points in range(raw_max + 1)]
    return {name: len(levels) - 1 - levels[::-1].index(name) for name in impact.LEVELS[:3] if name in levels}


def _areas(case: Case, scale: str) -> list[AreaPoints]:
    """The points of each area on one scale, in the questionnaire's order."""
    scored = [s for s in case.points_answered if s.question.scores == scale]
    found = []
    for area in dict.fromkeys(s.question.area or "other" for s in scored):
        part = [s for s in scored if (s.question.area or "other") == area]
        low, high = sum(s.points()[0] for s in part), sum(s.points()[1] for s in part)
        found.append(AreaPoints(area, low, high, sum(s.question.max_points for s in part)))
    return found
