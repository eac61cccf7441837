"""Comparisons of combinations of attributes: each cell against all others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ethics_kit.measures import fairness
from ethics_kit.measures.metrics import Metric
from ethics_kit.stages.bias_testing.families import SERVED, Family, decisive
from ethics_kit.stages.case import Case
from ethics_kit.stages.labelled import labelled, source

JOINED = "_x_"
"""Between the attributes of a combination, in a finding's id."""


def crossed(case: Case) -> list[tuple[str, ...]]:
    """The combinations of attributes to test: those the policy names, else those the impact level asks for.

    Pairs up to level II, from level III also all together; of the attributes that the policy names.
    """
    policy, compared = case.dossier.policy.fairness, labelled(case).compared
    if policy.intersections.value:
        return [tuple(names) for names in policy.intersections.value if set(names) <= set(compared)]
    names = [name for name in policy.attributes.value if name in compared]
    found: list[tuple[str, ...]] = list(combinations(names, 2))
    return found + ([tuple(names)] if len(names) > 2 and case.level.holds in ("III", "IV") else [])


def requirement(case: Case) -> str:
    """What combinations evidence: for an assistant whose level asks for them, that segments are covered."""
    asked = case.dossier.system.kind == "generative" and case.level.holds != "I"
    return "S3.1" if asked else "C2.4"


def rates(case: Case) -> list[Metric]:
    """The rates looked at in each cell: those with a verdict that decisions or conversations have."""
    return [metric for metric in decisive(case) if SERVED[metric.name] != "P2.2"]


def by_cell(case: Case) -> Iterator[Family]:
    """Each combination of known groups against all others. Combinations that do not occur do not exist."""
    policy = case.dossier.policy.fairness
    for names in crossed(case):
        for metric in rates(case):
            pairs = source(case).pairs(metric, *(f"attribute_{name}" for name in names))
            for comparison in fairness.compare(
                JOINED.join(names),
                metric.name,
                [pair for pair in pairs if pair.own.n > 0],
                margin=policy.margin.value,
                confidence=policy.confidence.value,
            ):
                yield requirement(case), comparison
