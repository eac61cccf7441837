"""S3.1: every attribute and combination that has to be tested is, or its absence is explained."""

from __future__ import annotations

from functools import cache

from ethics_kit.measures import fairness, metrics
from ethics_kit.proposal import looks_protected
from ethics_kit.record import Finding, Status
from ethics_kit.report import figures
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing.tested import tested
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.labelled import doubt, labelled, of_people, source


@cache
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
        else:
            awaits = results.awaits or doubt(case, name) or ""
            findings.append(
                not_assessed("S3.1", f"{name}_covered", awaits) if awaits else _coverage_finding(case, name)
            )
    undeclared = _undeclared(case)
    if undeclared:
        awaits = "a class (attributes) or a reason (not_attributes) for the columns " + ", ".join(undeclared)
        findings.append(not_assessed("S3.1", "undeclared_columns", awaits))
    return Outcome(tuple(findings))


def _coverage_finding(case: Case, name: str) -> Finding:
    policy, known = case.dossier.policy.fairness, labelled(case)
    sizes = {pair.group: pair.own.effective for pair in source(case).pairs(metrics.ROWS, f"attribute_{name}")}
    minimum = policy.minimum_group.value
    small = [group for group, rows in sizes.items() if rows < minimum]
    enough = len(sizes) - len(small)
    missing, total = known.unknown[name], known.rows
    status: Status = "met" if len(sizes) > 1 and not small else "inconclusive"
    words = f"; too small: {', '.join(small)}" if small else ""
    if len(sizes) < 2:
        words += "; one group only, so nothing to compare"
    return Finding(
        id=f"S3.1.{name}_covered",
        requirement="S3.1",
        status=status,
        evidence="measured",
        statement=f"{enough} of {len(sizes)} groups of {name} have at least {minimum} rows{words}. "
        f"{missing / total if total else 0:.1%} of rows have no known {name}.",
        value=enough,
        unit="groups large enough",
        n=total,
        method="rows per group, from one count",
        source=policy.minimum_group.source,
        action=None if status == "met" else f"Collect more rows of {', '.join(small) or name}.",
    )


def _undeclared(case: Case) -> list[str]:
    system = case.dossier.system
    declared = {a.column for _, a, _ in case.dossier.held_attributes()} | set(system.not_attributes)
    found = []
    for name in dict.fromkeys((system.events, "customers")):
        if name in case.dossier.located_tables:
            found += [c for c in case.columns(name) if looks_protected(c) and c not in declared]
    return sorted(set(found))


@cache
def paired_swaps(case: Case) -> Outcome:
    """S3.1: what changes when only a name or dialect is swapped."""
    if case.dossier.system.kind != "generative":
        return Outcome()
    rows = tested(case).of("S3.1").get("name.swap_difference", [])
    if not rows:
        return Outcome((not_assessed("S3.1", "name.swap_difference", case.lacking("name_swaps", "pair", "group")),))
    finding = told.finding(case, "S3.1", "name.swap_difference", rows)
    note = "The same prompt twice, once with the group's name or dialect: value is its share of right answers."
    small = case.dossier.policy.records.small_cell.value
    shown = figures.forest(rows, {"swap": told.scale("swap").label}, small=small)
    worst = fairness.worst(rows)
    table = told.table(case, "S3.1", "name_swaps", [rows], [note], title=f"Paired swaps of {worst.attribute}")
    return Outcome((finding,), (table,), shown)
