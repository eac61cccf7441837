"""Stage 3: who is selected, who is missed, and whether the difference between groups is more than chance."""

from __future__ import annotations

from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.proportions import MINIMUM_CLUSTERS, Estimate
from ethics_kit.proposal import looks_protected
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.stages.case import Case, Outcome, Step, hide_small
from ethics_kit.stages.comparisons import TESTED, Tested, of_people, tested
from ethics_kit.stages.evidence import not_assessed

METHOD = (
    "each group against all others; Newcombe interval; pooled z test, Benjamini–Hochberg over the record; "
    "equivalence by two one-sided tests (90% Newcombe interval inside the margin)"
)
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


def demographic_parity(case: Case) -> Outcome:
    """C2.1: how often each group is selected."""
    return _requirement(case, "C2.1")


def outcome_equity(case: Case) -> Outcome:
    """C2.3: how often the system is right and wrong about each group, among matured outcomes."""
    return _requirement(case, "C2.3")


def _requirement(case: Case, requirement: str) -> Outcome:
    results = tested(case)
    if results.awaits:
        return Outcome((not_assessed(requirement, "group_comparison", results.awaits),))
    findings: list[Finding] = []
    tables, shown = [], []
    policy = case.dossier.policy
    if results.blank:
        findings.append(not_assessed(requirement, "decisions_blank", f"a decision in {results.blank} rows without one"))
    for name, _ in of_people(case):
        for metric in TESTED[requirement]:
            doubt = results.doubt(name, policy.fairness.max_unknown.value)
            if doubt or not any(c.metric == metric for c in results.comparisons):
                awaits = doubt or "outcome.horizon_days, and the table's column for outcome"
                findings.append(not_assessed(requirement, f"{name}.{metric}_difference", awaits))
                continue
            rows = [c for c in results.comparisons if c.attribute == name and c.metric == metric]
            findings.append(_finding(case, requirement, name, metric, rows))
            tables.append(_table(case, requirement, name, metric, rows, results))
            shown += _one_of_a_pair(rows)
    margin, small = policy.fairness.margin.value, policy.records.small_cell.value
    return Outcome(tuple(findings), tuple(tables), figures.forest(shown, margin, LABELS, small=small) if shown else ())


def _one_of_a_pair(rows: list[Comparison]) -> list[Comparison]:
    """With two groups the second comparison mirrors the first."""
    return rows[:1] if len(rows) == 2 else rows


def _finding(case: Case, requirement: str, attribute: str, metric: str, rows: list[Comparison]) -> Finding:
    name = f"{attribute}.{metric}_difference"
    if not rows:
        return not_assessed(requirement, name, f"rows with a known {attribute}")
    if len(rows) == 1:
        return not_assessed(requirement, name, f"a second group: every known {attribute} is the same")
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
            statement=_sentence(f"{label} of {attribute} = {group} cannot be estimated: {_why_not(worst)}."),
            null_reason=f"not estimable: {_why_not(worst)}",
            action=f"Collect more rows with {attribute} = {group}, or with another {attribute}.",
        )
    action = None if worst.verdict == "equivalent" else _action(worst)
    if min(worst.n, worst.rest_n) < small:
        withheld = f"{label} by {attribute}: a group has fewer than {small} rows, withheld and too few to tell."
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
        n=int(worst.effective + worst.rest_effective),
        action=action,
    )


def _why_not(worst: Comparison) -> str:
    """What is lacking on one side of a comparison that cannot be estimated."""
    if min(worst.n, worst.rest_n) <= 0:
        return "no row to divide by on one side"
    return f"fewer than {MINIMUM_CLUSTERS} independent units on one side"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _told(worst: Comparison, margin: float) -> str:
    points = f"{round((worst.gap.value or 0) * 100, 1) + 0:+.1f} percentage points"
    match worst.verdict:
        case "disparity":
            return (
                f"differs by {points} from the other groups: more than chance (after adjustment), the estimate "
                f"beyond the margin of {margin * 100:g}"
            )
        case "equivalent":
            return (
                f"has the largest gap, {points}; every group lies within ±{margin * 100:g} points of the others (a "
                "margin the policy chose; not a legal finding)"
            )
        case _:
            return f"differs by {points} from the other groups, which settles nothing; {_needed(worst)} would"


def _action(worst: Comparison) -> str:
    if worst.verdict == "disparity":
        return f"Find out why {worst.attribute} = {worst.group} is treated differently, mitigate, and test again."
    return f"Collect {_needed(worst)}."


def _needed(worst: Comparison) -> str:
    if worst.rows_needed is None:
        return "rows beyond any realistic number (the gap lies at the margin)"
    return f"about {worst.rows_needed:,} independent rows per group"


COLUMNS = [
    "group",
    "n",
    "effective n",
    "rate",
    "low",
    "high",
    "gap to the rest",
    "low",
    "high",
    "adjusted p",
    "verdict",
]


def _table(case: Case, requirement: str, attribute: str, metric: str, rows: list[Comparison], results: Tested) -> Table:
    small = case.dossier.policy.records.small_cell.value
    body = [
        [c.group, int(c.n), int(c.effective), *_parts(c.rate), *_parts(c.gap), c.adjusted_p, c.verdict] for c in rows
    ]
    shown, hidden = hide_small(body, n_column=1, counts=range(2, len(COLUMNS) - 1), small=small)
    unknown, total = results.unknown[attribute]
    notes = [f"{unknown} of {total}" if unknown >= small or not unknown else f"Fewer than {small}"]
    notes[0] += f" rows have no known {attribute}; they are in no comparison."
    if results.repeated:
        notes.append(
            f"Rows repeat ({results.repeated}): effective n is the number of independent rows that tell as much."
        )
    if results.immature and requirement != "C2.1":
        notes.append(f"{results.immature} rows are left out, as their outcome is not known yet.")
    return Table(
        id=f"{requirement}.{attribute}.{metric}",
        title=f"{_sentence(LABELS[metric])} by {attribute}",
        requirement=requirement,
        columns=COLUMNS,
        rows=shown,
        hidden=hidden,
        note=" ".join(notes),
    )


def _parts(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


def segment_coverage(case: Case) -> Outcome:
    """S3.1: every attribute the policy names is tested, or its absence explained; lookalike columns are declared."""
    results, dossier = tested(case), case.dossier
    held = {name for name, _ in of_people(case)}
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
        elif results.awaits or results.doubt(name, dossier.policy.fairness.max_unknown.value):
            awaits = results.awaits or results.doubt(name, dossier.policy.fairness.max_unknown.value) or ""
            findings.append(not_assessed("S3.1", f"{name}_covered", awaits))
        else:
            findings.append(_coverage_finding(case, name, results))
    undeclared = _undeclared(case)
    if undeclared:
        awaits = "a class (attributes) or a reason (not_attributes) for the columns " + ", ".join(undeclared)
        findings.append(not_assessed("S3.1", "undeclared_columns", awaits))
    return Outcome(tuple(findings))


def _coverage_finding(case: Case, name: str, results: Tested) -> Finding:
    rows = [c for c in results.comparisons if c.attribute == name and c.metric == "selection_rate"]
    minimum = case.dossier.policy.fairness.minimum_group.value
    small = [c.group for c in rows if c.effective < minimum]
    enough = len(rows) - len(small)
    missing, total = results.unknown[name]
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
            found += [c for c in case.dossier.tables.columns(name) if looks_protected(c) and c not in declared]
    return sorted(set(found))


STEPS: dict[Step, tuple[str, ...]] = {
    demographic_parity: ("C2.1",),
    outcome_equity: ("C2.3",),
    segment_coverage: ("S3.1",),
}
