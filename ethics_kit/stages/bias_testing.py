"""Stage 3: who is selected, who is missed, and whether the difference between groups is more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import ibis

from ethics_kit.measures import fairness
from ethics_kit.measures.fairness import Comparison
from ethics_kit.proposal import looks_protected
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.schema import Attribute
from ethics_kit.stages import events
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed

METHOD = (
    "each group against all others; Newcombe interval; pooled z test, Benjamini–Hochberg over the record; "
    "equivalence by two one-sided tests (90% Newcombe interval inside the margin)"
)
TESTED: dict[str, tuple[str, ...]] = {
    "C2.1": ("selection_rate",),
    "C2.3": ("true_positive_rate", "false_positive_rate"),
}
"""The metrics that evidence each requirement."""

LABELS = {
    "selection_rate": "selection rate",
    "true_positive_rate": "recall (true positive rate)",
    "false_positive_rate": "false positive rate",
}
STATUS: dict[str, Status] = {
    "disparity": "not_met",
    "not_estimable": "not_assessed",
    "inconclusive": "inconclusive",
    "equivalent": "met",
}


@dataclass(frozen=True)
class Tested:
    """All comparisons of a record with their verdicts, and what was left out."""

    comparisons: list[Comparison]
    unknown: dict[str, tuple[int, int]]
    immature: int
    awaits: str | None = None


@cache
def _tested(case: Case) -> Tested:
    dossier, table = case.dossier, case.dossier.system.events
    if not case.has(table, "customer", "time", "decision"):
        return Tested([], {}, 0, case.lacking(table, "customer", "time", "decision"))
    if not _of_people(case):
        return Tested([], {}, 0, "an attribute of people that groups can be formed by (attributes in system.yaml)")
    decided = events.with_attributes(case)
    repeated = _repeated(decided, "cluster" if "cluster" in decided.columns else "customer")
    if repeated:
        return Tested(
            [],
            {},
            0,
            f"intervals that respect repeated rows ({repeated}); a later release of the kit has them",
        )
    horizon = timedelta(days=dossier.system.outcome.horizon_days)
    positive = ibis.null("boolean")
    immature = 0
    if "outcome" in decided.columns:
        mature = decided.time < ibis.literal(case.end - horizon, type="timestamp")
        immature = int(decided.filter(~mature).count().to_pyarrow().as_py())
        known = events.meaning(decided.outcome, dossier.system.outcome.positive)
        positive = ibis.ifelse(mature, known, ibis.null("boolean"))
    names = [name for name, _ in _of_people(case)]
    columns = [f"attribute_{name}" for name in names]
    counted = decided.select(
        *columns, selected=events.meaning(decided.decision, dossier.system.decision.selected), positive=positive
    )
    groups = dict(zip(names, fairness.counts(counted, columns).values(), strict=True))
    policy = dossier.policy.fairness
    comparisons = []
    for name in names:
        for metrics in TESTED.values():
            for metric in metrics:
                cells = fairness.metric_cells(groups[name], metric)
                comparisons += fairness.compare(name, metric, cells, confidence=policy.confidence.value)
    judged = fairness.judge(
        comparisons,
        margin=policy.margin.value,
        significance=policy.significance.value,
        minimum_group=policy.minimum_group.value,
    )
    unknown = {}
    for name in names:
        sizes = {c.group: c.n for c in fairness.metric_cells(groups[name], "selection_rate")}
        unknown[name] = (sizes.get(fairness.UNKNOWN, 0), sum(sizes.values()))
    return Tested(judged, unknown, immature)


def _of_people(case: Case) -> list[tuple[str, Attribute]]:
    """The held attributes that say something of people; a segment never evidences fairness towards them."""
    return [(name, a) for name, a, _ in case.dossier.held_attributes() if a.class_ in ("protected", "proxy")]


def _repeated(decided: ibis.Table, unit: str) -> str | None:
    row = decided.aggregate(n=decided.count(), units=decided[unit].nunique()).to_pyarrow().to_pylist()[0]
    return f"{row['n']} rows of {row['units']} distinct {unit}s" if row["units"] < row["n"] else None


def demographic_parity(case: Case) -> Outcome:
    """C2.1: how often each group is selected."""
    return _requirement(case, "C2.1")


def outcome_equity(case: Case) -> Outcome:
    """C2.3: how often the system is right and wrong about each group, among matured outcomes."""
    return _requirement(case, "C2.3")


def _requirement(case: Case, requirement: str) -> Outcome:
    tested = _tested(case)
    if tested.awaits:
        return Outcome((not_assessed(requirement, "group_comparison", tested.awaits),))
    findings, tables, shown = [], [], []
    for name, _ in _of_people(case):
        for metric in TESTED[requirement]:
            rows = [c for c in tested.comparisons if c.attribute == name and c.metric == metric]
            findings.append(_finding(case, requirement, name, metric, rows))
            tables.append(_table(case, requirement, name, metric, rows, tested.unknown[name]))
            shown += _one_of_a_pair(rows)
    margin = case.dossier.policy.fairness.margin.value
    return Outcome(tuple(findings), tuple(tables), figures.forest(shown, margin, LABELS) if shown else ())


def _one_of_a_pair(rows: list[Comparison]) -> list[Comparison]:
    """With two groups the second comparison mirrors the first."""
    return rows[:1] if len(rows) == 2 else rows


def _finding(case: Case, requirement: str, attribute: str, metric: str, rows: list[Comparison]) -> Finding:
    name = f"{attribute}.{metric}_difference"
    if not rows:
        return not_assessed(requirement, name, f"rows with a known {attribute}")
    order = ("disparity", "not_estimable", "inconclusive", "equivalent")
    worst = min(rows, key=lambda c: (order.index(c.verdict), -abs(c.gap.value or 0)))
    policy = case.dossier.policy.fairness
    small = case.dossier.policy.records.small_cell.value
    label, group = LABELS[metric], worst.group
    common = {
        "id": f"{requirement}.{name}",
        "requirement": requirement,
        "evidence": "measured",
        "unit": "difference of rates",
        "threshold": policy.margin.value,
        "method": METHOD,
        "source": policy.margin.source,
    }
    if worst.verdict == "not_estimable" or worst.gap.value is None:
        return Finding(
            **common,
            status="not_assessed",
            statement=_sentence(f"{label} of {attribute} = {group} cannot be estimated: no row to divide by."),
            null_reason="not estimable: an empty denominator",
            action=f"Collect outcomes for {attribute} = {group}.",
        )
    action = None if worst.verdict == "equivalent" else _action(worst)
    if min(worst.n, worst.rest_n) < small:
        withheld = f"{label} of {attribute} = {group}: fewer than {small} rows, withheld and too few to tell."
        return Finding(
            **common,
            status=STATUS[worst.verdict],
            statement=_sentence(withheld),
            null_reason="small cell, withheld",
            action=action,
        )
    return Finding(
        **common,
        status=STATUS[worst.verdict],
        statement=_sentence(f"{label} of {attribute} = {group} {_told(worst, policy.margin.value)}."),
        value=worst.gap.value,
        interval=Interval(low=worst.gap.low, high=worst.gap.high, level=policy.confidence.value),
        n=worst.n + worst.rest_n,
        action=action,
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _told(worst: Comparison, margin: float) -> str:
    points = f"{(worst.gap.value or 0) * 100:+.1f} percentage points"
    match worst.verdict:
        case "disparity":
            return f"differs by {points} from the other groups, beyond the margin of {margin * 100:g}"
        case "equivalent":
            return (
                f"has the largest gap, {points}; every group lies within ±{margin * 100:g} points of the others (a "
                "margin the policy chose; not a legal finding)"
            )
        case _:
            return (
                f"differs by {points} from the other groups: too few rows to tell; about {worst.rows_needed} rows per "
                "group would settle it"
            )


def _action(worst: Comparison) -> str:
    if worst.verdict == "disparity":
        return f"Find out why {worst.attribute} = {worst.group} is treated differently, mitigate, and test again."
    return f"Collect about {worst.rows_needed} rows per group, or a longer period."


def _table(
    case: Case,
    requirement: str,
    attribute: str,
    metric: str,
    rows: list[Comparison],
    unknown: tuple[int, int],
) -> Table:
    small = case.dossier.policy.records.small_cell.value
    body = [
        [
            c.group,
            c.n,
            c.rate.value,
            c.rate.low,
            c.rate.high,
            c.gap.value,
            c.gap.low,
            c.gap.high,
            c.adjusted_p,
            c.verdict,
        ]
        for c in rows
    ]
    shown, hidden = hide_small(body, n_column=1, counts=range(2, 9), small=small)
    return Table(
        id=f"{requirement}.{attribute}.{metric}",
        title=f"{LABELS[metric].capitalize()} by {attribute}",
        requirement=requirement,
        columns=[
            "group",
            "n",
            "rate",
            "low",
            "high",
            "gap to the rest",
            "low",
            "high",
            "adjusted p",
            "verdict",
        ],
        rows=shown,
        hidden=hidden,
        note=f"{unknown[0]} of {unknown[1]} rows have no known {attribute}; they are in no comparison."
        if unknown[0] >= small or not unknown[0]
        else f"Fewer than {small} rows have no known {attribute}.",
    )


def segment_coverage(case: Case) -> Outcome:
    """S3.1: every attribute the policy names is tested, or its absence explained; lookalike columns are declared."""
    tested, dossier = _tested(case), case.dossier
    held = {name for name, _ in _of_people(case)}
    findings: list[Finding] = []
    for name in dossier.policy.fairness.attributes.value:
        attribute = dossier.system.attributes.get(name)
        if attribute is None:
            findings.append(not_assessed("S3.1", f"{name}_covered", f"the attribute {name}, or why it is not held"))
        elif attribute.class_ == "segment":
            findings.append(not_assessed("S3.1", f"{name}_covered", f"{name} as an attribute of people, not a segment"))
        elif name not in held and attribute.not_held:
            why = attribute.not_held
            awaits = f"the substitute for {name} ({why.substitute}), which is not held: {why.reason}"
            findings.append(not_assessed("S3.1", f"{name}_covered", awaits))
        elif tested.awaits:
            findings.append(not_assessed("S3.1", f"{name}_covered", tested.awaits))
        else:
            findings.append(_coverage_finding(case, name, tested))
    undeclared = _undeclared(case)
    if undeclared:
        awaits = "a class (attributes) or a reason (not_attributes) for the columns " + ", ".join(undeclared)
        findings.append(not_assessed("S3.1", "undeclared_columns", awaits))
    return Outcome(tuple(findings))


def _coverage_finding(case: Case, name: str, tested: Tested) -> Finding:
    rows = [c for c in tested.comparisons if c.attribute == name and c.metric == "selection_rate"]
    minimum = case.dossier.policy.fairness.minimum_group.value
    small = [c.group for c in rows if c.n < minimum]
    enough = len(rows) - len(small)
    missing, total = tested.unknown[name]
    status: Status = "met" if rows and not small and len(rows) > 1 else "inconclusive"
    words = f"; too small: {', '.join(small)}" if small else ""
    if len(rows) < 2:
        words += "; one group only, so nothing to compare"
    return Finding(
        id=f"S3.1.{name}_covered",
        requirement="S3.1",
        status=status,
        evidence="measured",
        statement=f"{enough} of {len(rows)} groups of {name} have at least {minimum} rows{words}. "
        f"{missing / total if total else 0:.1%} of rows have no known {name}.",
        value=enough,
        unit="groups large enough",
        n=total,
        threshold=minimum,
        method="rows per group, from one count",
        source=case.dossier.policy.fairness.minimum_group.source,
        action=None if status == "met" else f"Collect more rows of {', '.join(small) or name}.",
    )


def _undeclared(case: Case) -> list[str]:
    system = case.dossier.system
    declared = {a.column for _, a, _ in case.dossier.held_attributes()} | set(system.not_attributes)
    found = []
    for name in dict.fromkeys((system.events, "customers")):
        if name in case.dossier.located_tables:
            roles = set(case.dossier.located_tables[name].spec.columns.values())
            found += [c for c in case.dossier.tables.columns(name) if looks_protected(c) and c not in declared | roles]
    return sorted(set(found))


STEPS = (demographic_parity, outcome_equity, segment_coverage)
