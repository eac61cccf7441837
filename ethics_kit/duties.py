"""What a stage owes: the records it rests on and, by kind, impact level and conditions, each requirement's weight.

Pure functions of the framework, so that a stage and whoever checks its record compute the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Evidence
from ethics_kit.measures.impact import LEVELS, Level, higher, impact_level, total_points
from ethics_kit.project import STAGES, Stage
from ethics_kit.record import Duty, LevelResult

UNKNOWN = LevelResult(
    value="undetermined",
    holds="IV",
    best="I",
    worst="IV",
    reasons=["no impact analysis that can be relied on"],
)
"""The level of a later stage without an impact analysis to rest on."""


def rests_on(stage: str) -> list[tuple[Stage, Literal["level", "gate", "read"]]]:
    """The earlier stages whose records a stage rests on, and what it takes from each."""
    count = {"impact_analysis": 0, "bias_testing": 2, "deployment_signoff": 3}.get(stage, 1)
    if stage == "deployment_signoff":
        return [(earlier, "gate") for earlier in STAGES[:count]]
    return [(earlier, "level" if earlier == STAGES[0] else "read") for earlier in STAGES[:count]]


def level_of(points: Mapping[str, int], case: Literal["worst", "best"], floor: Level | None) -> tuple[int, Level]:
    """Total points and impact level of one case of `LevelResult.points`; the level is at least `floor`."""
    raw, mitigation = ("raw_high", "mitigation_low") if case == "worst" else ("raw_low", "mitigation_high")
    total = total_points(raw=points[raw], mitigation=points[mitigation], max_mitigation=points["mitigation_max"])
    level = impact_level(total, points["raw_max"])
    return total, higher(level, floor) if floor else level


def duties(stage: str, *, kind: str, level: Level, conditions: Mapping[str, str]) -> list[Duty]:
    """What a system of this kind and level owes in a stage, requirement by requirement."""
    return [
        duty(requirement, needs, kind=kind, level=level, conditions=conditions)
        for requirement, needs in catalogue.stage_requirements(stage).items()
    ]


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
