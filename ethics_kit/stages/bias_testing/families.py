"""The families of comparisons that rest on counts: by attribute, within strata, among people treated alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from ethics_kit import schema
from ethics_kit.measures import fairness, metrics, strata
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.metrics import Metric
from ethics_kit.measures.proportions import Sample, rate
from ethics_kit.measures.strata import Conditional
from ethics_kit.stages.case import Case
from ethics_kit.stages.labelled import labelled, source

Family = tuple[str, Comparison]
"""A comparison, with the requirement it evidences."""

CONSTRAINED = {
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("true_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "predictive_parity": ("positive_predictive_value",),
}
"""The rates that each fairness constraint wants equal."""

SERVED = {
    "selection_rate": "C2.1",
    "action_rate": "P2.2",
    "refused": "P2.2",
    "handover_granted": "P2.2",
    "resolved": "C2.3",
    "reopened": "C2.3",
    "grounded": "C2.3",
} | dict.fromkeys([*metrics.ERRORS, *metrics.ORDER], "C2.3")
"""The requirement that each rate evidences."""


def constraint(case: Case) -> schema.FairnessConstraint | None:
    """The design's own constraint, once it has been chosen."""
    chosen = case.dossier.stage(schema.DesignReview).constraint
    return chosen if chosen and chosen.on <= case.as_of else None


def decisive(case: Case) -> list[Metric]:
    """The rates that get a verdict: those of the policy and of the design's constraint that can be had."""
    known = labelled(case).metrics
    if case.dossier.system.kind == "generative":
        return [metric for name, metric in metrics.CONVERSATIONS.items() if name in known]
    chosen = constraint(case)
    wanted = [*case.dossier.policy.fairness.metrics.value, *(CONSTRAINED[chosen.metric] if chosen else ())]
    return [known[name] for name in [*dict.fromkeys(wanted), *metrics.ORDER, *metrics.TAKEN] if name in known]


def by_attribute(case: Case) -> Iterator[Family]:
    """Each group of each attribute against all others, on each rate that gets a verdict."""
    policy = case.dossier.policy.fairness
    for name in labelled(case).compared:
        for metric in decisive(case):
            pairs = source(case).pairs(metric, f"attribute_{name}")
            for comparison in fairness.compare(
                name, metric.name, pairs, margin=policy.margin.value, confidence=policy.confidence.value
            ):
                yield SERVED[metric.name], comparison


@dataclass(frozen=True)
class Inside:
    """A group's gap within the strata of a factor, and what both sides of it hold in all strata used."""

    found: Conditional
    own: Sample
    rest: Sample


@cache
def conditional(case: Case, attribute: str, metric: str, stratum: str) -> dict[str, Inside]:
    """Each group's gap within the strata of a factor. Where rows repeat, the counts stand for what they are worth."""
    by_group: dict[str, dict[str, tuple[int, int, int, int]]] = {}
    for value, pairs in source(case).within(labelled(case).metrics[metric], stratum, f"attribute_{attribute}").items():
        for pair in pairs:
            by_group.setdefault(pair.group, {})[value] = (*_whole(pair.own), *_whole(pair.rest))
    confidence = case.dossier.policy.fairness.confidence.value
    return {group: _inside(cells, confidence) for group, cells in sorted(by_group.items())}


def _whole(sample: Sample) -> tuple[int, int]:
    count, n = sample.worth
    return min(round(count), round(n)), round(n)


def _inside(cells: Mapping[str, tuple[int, int, int, int]], confidence: float) -> Inside:
    found = strata.conditional(cells, confidence=confidence)
    used = [cell for value, cell in cells.items() if value not in found.left_out]
    count, n, rest_count, rest_n = (sum(part) for part in zip(*used, strict=True)) if used else (0, 0, 0, 0)
    return Inside(found, Sample(count, n, n), Sample(rest_count, rest_n, rest_n))


def within_strata(case: Case) -> Iterator[Family]:
    """The selection rate again, among people equal in a legitimate factor."""
    known = labelled(case)
    if "selection_rate" not in known.metrics:
        return
    for name in known.compared:
        for stratum in known.strata:
            yield from _within(case, "C2.1", name, "selection_rate", f"stratum_{stratum}", stratum)


def treated_alike(case: Case) -> Iterator[Family]:
    """What happened afterwards, among people for whom the same was done."""
    known = labelled(case)
    if "treatment" not in known.events.columns:
        return
    for name in known.compared:
        for metric in (m for m in metrics.RESULTS if m in known.metrics):
            yield from _within(case, "C2.3", name, metric, "treatment", "treatment")


def _within(case: Case, requirement: str, name: str, metric: str, stratum: str, within: str) -> Iterator[Family]:
    policy = case.dossier.policy.fairness
    for group, inside in conditional(case, name, metric, stratum).items():
        rates = [rate(*side.worth, confidence=policy.confidence.value) for side in (inside.own, inside.rest)]
        yield (
            requirement,
            Comparison(
                attribute=name,
                metric=metric,
                group=group,
                n=inside.own.n,
                rest_n=inside.rest.n,
                effective=inside.own.n,
                rest_effective=inside.rest.n,
                rate=rates[0],
                rest_rate=rates[1],
                gap=inside.found.stratified,
                equivalence=inside.found.equivalence,
                p_value=inside.found.p_value,
                margin=policy.margin.value,
                within=within,
            ),
        )
