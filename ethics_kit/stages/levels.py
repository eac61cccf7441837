"""Impact level → obligations: points and legal triggers give the level, level and kind give each duty its weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Evidence, Question
from ethics_kit.measures.impact import LEVELS, Level, higher, impact_level, total_points
from ethics_kit.record import Duty, LevelResult

TRIGGERED: Level = "III"

ConditionState = Literal["holds", "does_not_hold", "unanswered"]

UNKNOWN = LevelResult(
    value="undetermined",
    holds="IV",
    best="I",
    worst="IV",
    reasons=["no impact analysis that can be relied on"],
)


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
    maximum = {name: sum(q.question.max_points for q in rows) for name, rows in scales.items()}
    low = {name: sum(q.points()[0] for q in rows) for name, rows in scales.items()}
    high = {name: sum(q.points()[1] for q in rows) for name, rows in scales.items()}

    def level(raw: int, mitigation: int) -> tuple[int, Level]:
        total = total_points(raw=raw, mitigation=mitigation, max_mitigation=maximum["mitigation"])
        return total, impact_level(total, maximum["raw"])

    worst_total, worst = level(high["raw"], low["mitigation"])
    best_total, best = level(low["raw"], high["mitigation"])
    holding = [q.question.text for q in questions if q.question.trigger and q.answer not in ("no", None)]
    open_ = [q.question.text for q in questions if q.question.trigger and q.answer is None and q.shown is not False]
    floor: Level | None = TRIGGERED if holding or open_ else None
    worst = higher(worst, TRIGGERED) if floor else worst
    best = higher(best, TRIGGERED) if holding else best
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
        points={
            "raw_low": low["raw"],
            "raw_high": high["raw"],
            "raw_max": maximum["raw"],
            "mitigation_low": low["mitigation"],
            "mitigation_high": high["mitigation"],
            "mitigation_max": maximum["mitigation"],
            "total_best": best_total,
            "total_worst": worst_total,
        },
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


def duty(
    requirement: str,
    needs: tuple[Evidence, ...],
    *,
    kind: str,
    level: Level,
    conditions: Mapping[str, str],
) -> Duty:
    """What one obligation means for a system of this kind and level."""
    row = catalogue.obligations()[requirement]
    weight: Literal["required", "informative", "excluded"] = "required"
    reason = row.reason
    if kind not in row.kinds:
        weight, reason = "excluded", f"not asked of a {kind} system"
    elif LEVELS.index(level) < LEVELS.index(row.required_from):
        weight, reason = "informative", f"required from level {row.required_from}"
    elif row.condition and conditions.get(row.condition) == "does_not_hold":
        weight, reason = "informative", f"does not hold: {catalogue.conditions()[row.condition].text}"
    if kind not in row.measured_kinds:
        needs = tuple(e for e in needs if e != "measured")
    return Duty(requirement=requirement, weight=weight, needs=needs, if_not_met=row.if_not_met, reason=reason)
