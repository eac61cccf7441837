"""Answers → impact level: points and legal triggers give the level, answers say which conditions hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ethics_kit.duties import level_of
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Question
from ethics_kit.measures.impact import Level
from ethics_kit.record import LevelResult

TRIGGERED: Level = "III"

ConditionState = Literal["holds", "does_not_hold", "unanswered"]


@dataclass(frozen=True)
class Scored:
    """A question, whether it is shown (None: hangs on an open answer), and the answer that counts, if any."""

    question: Question
    shown: bool | None
    answer: str | None

    def points(self) -> tuple[int, int]:
        """The fewest and the most points it may bring."""
        if self.shown is False:
            return 0, 0
        possible = [c.points for c in self.question.options if self.answer in (None, c.value)]
        return (min(possible) if self.shown else 0), max(possible)


def score(questions: Sequence[Scored]) -> LevelResult:
    """The level with best and worst case over what is unanswered; legal triggers set a floor nothing lowers.

    The maxima are the whole questionnaire's, hidden questions included, so that no removed answer lowers the level.
    """
    scales = {name: [q for q in questions if q.question.scores == name] for name in ("raw", "mitigation")}
    points: dict[str, int] = {}
    for name, rows in scales.items():
        points[f"{name}_low"] = sum(q.points()[0] for q in rows)
        points[f"{name}_high"] = sum(q.points()[1] for q in rows)
        points[f"{name}_max"] = sum(q.question.max_points for q in rows)
    holding = [q.question.text for q in questions if q.question.trigger and q.answer not in ("no", None)]
    open_ = [q.question.text for q in questions if q.question.trigger and q.answer is None and q.shown is not False]
    floor: Level | None = TRIGGERED if holding or open_ else None
    total_worst, worst = level_of(points, "worst", floor)
    total_best, best = level_of(points, "best", TRIGGERED if holding else None)
    reasons = [f"Legal trigger: {text}" for text in holding]
    reasons += [f"Legal trigger not answered, so taken as holding: {text}" for text in open_]
    counted = [q for rows in scales.values() for q in rows] + [q for q in questions if q.question.trigger]
    return LevelResult(
        value=worst if worst == best else "undetermined",
        holds=worst,
        best=best,
        worst=worst,
        floor=floor,
        reasons=reasons,
        unanswered=sum(q.answer is None and q.shown is not False for q in counted),
        points={**points, "total_best": total_best, "total_worst": total_worst},
    )


def conditions(questions: Sequence[Scored]) -> dict[str, ConditionState]:
    """Whether each condition of obligations.yaml holds; silence counts as holding."""
    answers = {q.question.id: q.answer for q in questions}
    found: dict[str, ConditionState] = {}
    for condition in catalogue.conditions().values():
        answer = answers.get(condition.question)
        if answer is None:
            found[condition.id] = "unanswered"
        else:
            found[condition.id] = "holds" if answer in condition.holds_when else "does_not_hold"
    return found
