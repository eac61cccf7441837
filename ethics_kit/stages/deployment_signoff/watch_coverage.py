"""S4.2: what monitoring leaves out: features that nobody watches, periods without counts."""

from __future__ import annotations

from datetime import date

from ethics_kit.record import Finding
from ethics_kit.stages.case import Case
from ethics_kit.stages.deployment_signoff.watch import SCORE, Watch
from ethics_kit.stages.evidence import not_assessed, register_share


def _expected(case: Case) -> list[str]:
    """What has to be watched: the features that system.yaml names, and the score where there is one."""
    system = case.dossier.system
    return [*system.features, *[SCORE] * case.has(system.events, "score")]


def covered(case: Case, seen: Watch) -> list[Finding]:
    """The features of system.yaml, and the score, that the last period holds counts of."""
    wanted = _expected(case)
    if case.dossier.system.kind == "generative":
        return []
    if not case.dossier.system.features:
        return [not_assessed("S4.2", "watched", "the features that monitoring has to cover (features in system.yaml)")]
    missing = [name for name in wanted if seen.last not in seen.counts.get(name, {})]
    policy = case.dossier.policy.monitoring.watched_min
    return [
        register_share(
            case,
            "S4.2",
            "watched",
            len(wanted) - len(missing),
            len(wanted),
            statement=f"{len(wanted) - len(missing)} of {len(wanted)} are watched in the period from {seen.last}: the "
            "features that system.yaml names, and the score"
            + (f". Nobody watches {', '.join(missing)}." if missing else "."),
            at_least=policy.value,
            unit="share of features",
            action=f"Count {', '.join(missing)} by period, too.",
            source=policy.source,
        )
    ]


def present(case: Case, seen: Watch) -> Finding:
    """The periods that each series has counts of, since its first."""
    gaps: dict[date, list[str]] = {}
    cells = 0
    for name, by_period in sorted(seen.counts.items()):
        for day in (d for d in seen.periods if d >= min(by_period, default=seen.last)):
            cells += 1
            if day not in by_period:
                gaps.setdefault(day, []).append(name)
    lacking = sum(map(len, gaps.values()))
    all_of = len(seen.counts)
    told = "; ".join(f"{day} ({'all' if len(n) == all_of else ', '.join(n)})" for day, n in sorted(gaps.items()))
    policy = case.dossier.policy.monitoring.present_min
    return register_share(
        case,
        "S4.2",
        "periods_present",
        cells - lacking,
        cells,
        statement=f"Each {seen.every} from {seen.periods[0]} to {seen.last} is looked at. "
        + (f"Without counts: {told}." if told else "None is without counts."),
        at_least=policy.value,
        unit=f"share of {seen.every}s and series",
        action="Count the missing periods again from the log, and find out why nobody noticed.",
        source=policy.source,
    )
