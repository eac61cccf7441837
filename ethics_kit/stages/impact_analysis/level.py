"""S1.2: the impact level from the scored questionnaire."""

from __future__ import annotations

from ethics_kit.framework import catalogue
from ethics_kit.record import Finding, Table
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
    rows: list[list[str | int | float | None]] = []
    for area in dict.fromkeys(q.area or "other" for q in catalogue.questions("impact_analysis").values() if q.scores):
        scored = [s for s in case.points_answered if s.question.scores and (s.question.area or "other") == area]
        for scale in ("raw", "mitigation"):
            part = [s for s in scored if s.question.scores == scale]
            if part:
                low, high = sum(s.points()[0] for s in part), sum(s.points()[1] for s in part)
                rows.append([area, scale, low, high, sum(s.question.max_points for s in part)])
    table = Table(
        id="S1.2.points",
        title="Points by area",
        requirement="S1.2",
        columns=["area", "scale", "fewest", "most", "maximum"],
        rows=rows,
        note="Fewest and most differ where a question is not answered.",
    )
    return Outcome((finding,), (table,))
