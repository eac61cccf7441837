"""C2.1: how often each group is selected, plainly and among people equal in a legitimate factor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ethics_kit.measures import gaps
from ethics_kit.measures.counts import UNKNOWN, Counts, bounds
from ethics_kit.measures.disclosure import withheld
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.metrics import Metric
from ethics_kit.measures.proportions import Estimate, Pair, Sample, difference, ratio
from ethics_kit.record import Table
from ethics_kit.report import figures
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing import families
from ethics_kit.stages.bias_testing.tested import tested, uncovered
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.labelled import doubt, labelled, of_people, source

Line = list[str | int | float | None]
"""One line of a record's table."""

SEED = 0


@cache
def demographic_parity(case: Case) -> Outcome:
    """C2.1: how often each group is selected."""
    if case.dossier.system.kind == "generative":
        return Outcome()
    if awaits := _awaits(case):
        return Outcome((not_assessed("C2.1", "group_comparison", awaits),))
    findings = uncovered(case, "C2.1", "selection_rate_difference")
    tables: list[Table] = []
    shown: list[Comparison] = []
    if blank := labelled(case).blank:
        findings.append(not_assessed("C2.1", "decisions_blank", f"a decision in {blank} rows without one"))
    held = tested(case).of("C2.1")
    for name, _ in of_people(case):
        plain = f"{name}.selection_rate_difference"
        if awaits := doubt(case, name):
            findings.append(not_assessed("C2.1", plain, awaits))
            continue
        rows = held.get(plain, [])
        findings.append(told.finding(case, "C2.1", plain, rows))
        if not rows:
            continue
        tables.append(
            told.table(
                case,
                "C2.1",
                f"{name}.selection_rate",
                [rows],
                unknown_note(case, name, rows),
                title=f"Selection rate by {name}",
                ratios=True,
            )
        )
        shown += drawn(case, rows)
        for stratum in labelled(case).strata:
            inside = held.get(f"{plain}_within_{stratum}", [])
            if inside:
                findings.append(told.finding(case, "C2.1", inside[0].name, inside, among=f" within {stratum}"))
                tables.append(_conditional_table(case, name, stratum, inside, rows))
    if not shown:
        return Outcome(tuple(findings), tuple(tables))
    small = case.dossier.policy.records.small_cell.value
    tables += spread_tables(case, "C2.1", [labelled(case).metrics["selection_rate"]])
    labels = {"selection_rate": told.scale("selection_rate").label}
    return Outcome(tuple(findings), tuple(tables), figures.forest(shown, labels, small=small))


def _awaits(case: Case) -> str | None:
    awaits = tested(case).awaits
    if awaits or "selection_rate" in (metric.name for metric in families.decisive(case)):
        return awaits
    return "selection_rate among fairness.metrics of the policy"


def drawn(case: Case, rows: list[Comparison]) -> list[Comparison]:
    """What a figure shows: the policy's attributes, and any disparity; of two groups one, as the other mirrors it."""
    hidden = told.withheld_groups(case, rows)
    some = [c for c in (rows[:1] if len(rows) == 2 else rows) if c.group not in hidden]
    named = case.dossier.policy.fairness.attributes.value
    return [c for c in some if c.attribute in named or c.verdict == "disparity"]


def unknown_note(case: Case, name: str, rows: Sequence[Comparison]) -> list[str]:
    """What is said below a table of groups: rows without a group, what they could change, and rows that repeat."""
    known, small = labelled(case), case.dossier.policy.records.small_cell.value
    unknown = known.unknown[name]
    counted = f"{unknown} of {known.rows}" if unknown >= small or not unknown else f"Fewer than {small}"
    notes = [f"{counted} rows have no known {name}; they are in no comparison."]
    held, metric = source(case), known.metrics.get(rows[0].metric)
    if isinstance(held, Counts) and unknown >= small and metric:
        notes.append(_bounds_told(held, metric, f"attribute_{name}"))
    if known.repeated:
        notes.append(
            f"Rows repeat ({known.repeated}): effective n is the number of independent rows that tell as much."
        )
    if known.weighted:
        notes.append("Rows carry weights: n is their sum, effective n what they are worth.")
    return notes


def _bounds_told(held: Counts, metric: Metric, key: str) -> str:
    shares = held.shares(metric, key)
    count, n = shares.loc[[UNKNOWN]].sum().tolist() if UNKNOWN in shares.index else (0, 0)
    if not n:
        return ""
    sample = Sample(count, n, n)
    limits = {p.group: found for p in held.pairs(metric, key) if (found := bounds(p, sample))}
    if not limits:
        return ""
    group, (low, high) = max(limits.items(), key=lambda item: item[1][1] - item[1][0])
    return (
        f"Whatever groups they belong to, the gap of {group} (where they could change most) lies between "
        f"{low * 100:+.1f} and {high * 100:+.1f} points."
    )


def _conditional_table(case: Case, name: str, stratum: str, rows: list[Comparison], plain: list[Comparison]) -> Table:
    found = families.conditional(case, name, "selection_rate", f"stratum_{stratum}")
    crude = {c.group: c.gap.value for c in plain}
    reason = case.dossier.system.strata[stratum].reason
    notes = [
        f"{stratum} is taken as legitimate: {reason}",
        "The gap is the Mantel–Haenszel difference over its strata.",
    ]
    significance = case.dossier.policy.fairness.significance.value
    turned = [group for group, c in found.items() if c.found.reversed]
    if turned:
        notes.append(f"Simpson's paradox: for {', '.join(turned)} the gap within strata points the other way.")
    maybe = [g for g, c in found.items() if c.found.opposite_everywhere and g not in turned and _clear(c.found.crude)]
    if maybe:
        notes.append(f"For {', '.join(maybe)} it points the other way in every stratum, which may be chance there.")
    apart = [
        g
        for g, c in found.items()
        if c.found.homogeneity_p_value is not None and c.found.homogeneity_p_value <= significance
    ]
    if apart:
        notes.append(f"The strata may not agree for {', '.join(apart)} (Breslow–Day, not adjusted for many tests).")
    title = f"Selection rate by {name}, among people equal in {stratum}"
    table_id = f"{name}.selection_rate_within_{stratum}"
    return told.table(case, "C2.1", table_id, [rows], notes, title=title, extra={"crude gap": crude})


def _clear(gap: Estimate) -> bool:
    """Whether a gap is all on one side of 0."""
    return gap.low is not None and gap.high is not None and (gap.low > 0 or gap.high < 0)


def spread_tables(case: Case, requirement: str, metrics: Sequence[Metric]) -> list[Table]:
    """Per attribute and rate: the largest gap between any two groups, beside what chance alone would make of it."""
    known, held = labelled(case), source(case)
    small = case.dossier.policy.records.small_cell.value
    body: list[Line] = []
    for name in known.compared:
        for metric in metrics:
            every = held.pairs(metric, f"attribute_{name}")
            hidden = withheld([p.own.n for p in every], small)
            pairs = [p for place, p in enumerate(every) if p.own.n and place not in hidden]
            if len(pairs) > 1:
                body.append(_spread(case, name, metric, pairs))
                body += _against_reference(case, name, metric, pairs)
    note = (
        "The largest of many gaps is large by chance alone: what is expected without a difference stands beside, with "
        "the test that all groups are equal. A ratio under 0.8 (four fifths) is a screen, never a verdict."
    )
    columns = ["attribute", "rate", "lowest – highest", "gap", "low", "high", "by chance", "p", "ratio", "low", "high"]
    return [
        Table(
            id=f"{requirement}.spread",
            title="The largest gaps, and what chance alone would make of them",
            requirement=requirement,
            columns=columns,
            rows=body,
            note=note,
        )
    ] * bool(body)


def _spread(case: Case, name: str, metric: Metric, pairs: Sequence[Pair]) -> Line:
    """Where rows repeat or carry weights the counts stand for what they are worth, and the gap has no interval."""
    confidence, plain = case.dossier.policy.fairness.confidence.value, isinstance(source(case), Counts)
    worths = [p.own.worth for p in pairs]
    groups, sizes = [p.group for p in pairs], [round(n) for _, n in worths]
    counts = [min(round(count), n) for (count, _), n in zip(worths, sizes, strict=True)]
    found = gaps.spread(groups, counts, sizes, confidence=confidence, seed=SEED)
    screen = gaps.four_fifths(groups, counts, sizes, confidence=confidence).ratio
    low, high = (found.gap.low, found.gap.high) if plain else (None, None)
    between = f"{found.lowest} – {found.highest}"
    chance = [found.by_chance, found.p_value]
    return [name, told.scale(metric.name).label, between, found.gap.value, low, high, *chance, *told.parts(screen)]


def _against_reference(case: Case, name: str, metric: Metric, pairs: Sequence[Pair]) -> list[Line]:
    """Gaps and ratios to the reference group that the policy names."""
    policy = case.dossier.policy.fairness
    reference, confidence = policy.reference.value.get(name), policy.confidence.value
    samples = {p.group: p.own for p in pairs}
    base = samples.pop(reference, None) if reference else None
    lines: list[Line] = []
    if base is None:
        return lines
    for group, own in samples.items():
        gap = difference(*own.worth, *base.worth, confidence=confidence)
        share = ratio(*own.worth, *base.worth, confidence=confidence)
        between = f"{group} – reference {reference}"
        lines.append([name, told.scale(metric.name).label, between, *told.parts(gap), None, None, *told.parts(share)])
    return lines
