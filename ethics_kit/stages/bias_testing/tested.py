"""All comparisons of a record, judged together: p-values are adjusted over every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from ethics_kit.measures import fairness
from ethics_kit.measures.engines import RowsRefused
from ethics_kit.measures.fairness import Comparison
from ethics_kit.record import Finding
from ethics_kit.stages.bias_testing import crossed, families, individuals, scored, sessions
from ethics_kit.stages.bias_testing.families import Family
from ethics_kit.stages.case import Case
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.labelled import in_parts, lacking, of_people

FAMILIES: tuple[Callable[[Case], Iterator[Family]], ...] = (
    families.by_attribute,
    families.within_strata,
    families.treated_alike,
    crossed.by_cell,
    scored.calibrated_apart,
    scored.under_capacity,
    scored.waited,
    scored.forecast_apart,
)
OF_ROWS: tuple[Callable[[Case], Iterator[Family]], ...] = (individuals.next_to_each_other, individuals.flipped)
"""What compares single rows: left out where they stay in a database, which the finding on people alike (C2.2) says."""


@dataclass(frozen=True)
class Tested:
    """A record's comparisons with their verdicts, by requirement; `awaits` says what is lacking for any."""

    judged: tuple[tuple[str, Comparison], ...]
    awaits: str | None = None

    def of(self, requirement: str) -> dict[str, list[Comparison]]:
        """The comparisons that evidence a requirement, by name."""
        found: dict[str, list[Comparison]] = {}
        for served, comparison in self.judged:
            if served == requirement:
                found.setdefault(comparison.name, []).append(comparison)
        return found

    def all(self) -> list[Comparison]:
        return [comparison for _, comparison in self.judged]


@cache
def tested(case: Case) -> Tested:
    """Compare everything that can be compared, then judge."""
    beside = [*individuals.swapped(case), *sessions.understood_apart(case)]
    awaits = lacking(case) or in_parts(case)
    found = beside + ([] if awaits else [entry for family in FAMILIES for entry in family(case)] + _of_rows(case))
    policy = case.dossier.policy.fairness
    judged = fairness.judge(
        [comparison for _, comparison in found],
        significance=policy.significance.value,
        minimum_group=policy.minimum_group.value,
    )
    served = (requirement for requirement, _ in found)
    return Tested(tuple(zip(served, judged, strict=True)), awaits)


def _of_rows(case: Case) -> list[Family]:
    try:
        return [entry for family in OF_ROWS for entry in family(case)]
    except RowsRefused:
        return []


def uncovered(case: Case, requirement: str, what: str) -> list[Finding]:
    """A finding for each attribute that the policy names and that nothing of people is compared by; S3.1 says why."""
    compared = {name for name, _ in of_people(case)}
    names = [name for name in case.dossier.policy.fairness.attributes.value if name not in compared]
    return [not_assessed(requirement, f"{name}.{what}", f"the attribute {name}, which S3.1 tells of") for name in names]
