"""C2.4: combinations of attributes, each cell against all others, small ones partially pooled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ethics_kit.measures import fairness, intersections
from ethics_kit.measures.counts import BETWEEN
from ethics_kit.measures.disclosure import withheld_crossed
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.intersections import Pooled
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.report.figures import Figure
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing import crossed
from ethics_kit.stages.bias_testing.parity import SEED, Line
from ethics_kit.stages.bias_testing.tested import tested, uncovered
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed

WORST_SHOWN = 5

Cells = Sequence[Comparison]


@cache
def intersectional_bias(case: Case) -> Outcome:
    """C2.4: how each combination of groups fares against all others."""
    results, requirement = tested(case), crossed.requirement(case)
    awaits = results.awaits or (
        None if crossed.crossed(case) else "two attributes of people, or intersections the policy names"
    )
    if awaits:
        return Outcome((not_assessed(requirement, "intersections", awaits),))
    findings = uncovered(case, requirement, "intersections")
    tables: list[Table] = []
    drawn: list[Figure] = []
    held = results.of(requirement)
    for names in crossed.crossed(case):
        looked_at: list[tuple[Cells, Pooled]] = []
        for metric in crossed.rates(case):
            name = f"{crossed.JOINED.join(names)}.{metric.name}_difference"
            rows = held.get(name, [])
            if len(rows) < 2:
                findings.append(not_assessed(requirement, name, f"two combinations of {' and '.join(names)}"))
                continue
            fit = _pooled(rows)
            findings.append(_finding(case, requirement, rows, fit))
            looked_at.append((rows, fit))
        if looked_at:
            tables.append(_table(case, requirement, names, looked_at))
            drawn += _heat_map(case, names, looked_at[0][0]) if len(names) == 2 else ()
    return Outcome(tuple(findings), tuple(tables), tuple(drawn))


def _worth(row: Comparison) -> tuple[int, int]:
    """Count and number of independent rows that tell as much."""
    n = round(row.effective)
    return min(round((row.rate.value or 0.0) * row.effective), n), n


def _pooled(rows: Cells) -> Pooled:
    counts, sizes = zip(*map(_worth, rows), strict=True)
    return intersections.pooled(counts, sizes, confidence=0.9)


def _shown_inside(row: Comparison, low: float, high: float) -> bool:
    """Whether the partially pooled rate is shown to lie within the margin of all others' rate."""
    rest = row.rest_rate.value
    return rest is not None and rest - row.margin < low and high < rest + row.margin


def _finding(case: Case, requirement: str, rows: Cells, fit: Pooled) -> Finding:
    """A disparity in any cell; met where every cell is shown inside the margin, by its own rows or pooled.

    Cells under the minimum are not judged on their own; they leave it open only where they hold more rows than the
    policy lets be unknown.
    """
    policy = case.dossier.policy.fairness
    minimum = policy.minimum_group.value
    able = [i for i, row in enumerate(rows) if min(row.effective, row.rest_effective) >= minimum]
    few = sum(row.n for row in rows) - sum(rows[i].n for i in able)
    share = few / sum(row.n for row in rows)
    open_ = [
        i
        for i in able
        if rows[i].verdict not in ("equivalent", "disparity")
        and not _shown_inside(rows[i], float(fit.low[i]), float(fit.high[i]))
    ]
    worst = fairness.worst([rows[i] for i in able] or list(rows))
    status: Status = "met"
    if worst.verdict == "disparity":
        status = "not_met"
    elif open_ or share > policy.max_unknown.value or not able:
        status = "inconclusive"
    label, what = told.scale(worst.metric).label, worst.attribute.replace(crossed.JOINED, BETWEEN)
    settled = f"{len(able) - len(open_)} of {len(rows)} combinations are settled"
    shown = rows.index(worst) not in _withheld(case, rows)
    small = f"; {len(rows) - len(able)} with too few rows hold {share:.1%} of them" if len(rows) > len(able) else ""
    gap = told.scale(worst.metric).gap(worst.gap.value or 0.0)
    return Finding(
        id=f"{requirement}.{worst.name}",
        requirement=requirement,
        status=status,
        evidence="measured",
        statement=told.sentence(
            f"{label} by {what}: largest gap {gap if shown else 'withheld'}, for {worst.group}; {settled}{small}."
        ),
        value=worst.gap.value if shown else None,
        null_reason=None if worst.gap.defined and shown else "small cell, withheld" if not shown else "not estimable",
        unit="difference of rates",
        interval=Interval(low=worst.gap.low, high=worst.gap.high, level=policy.confidence.value)
        if worst.gap.defined and shown
        else None,
        n=int(worst.effective + worst.rest_effective),
        threshold=worst.margin,
        method="each cell against all others, Newcombe interval, Benjamini–Hochberg over the record; small cells by "
        "empirical Bayes (beta-binomial), 90% intervals inside the margin",
        source=policy.margin.source,
        action=None if status == "met" else f"Look at {worst.group} first; collect more rows of small combinations.",
    )


def _table(case: Case, requirement: str, names: tuple[str, ...], looked_at: Sequence[tuple[Cells, Pooled]]) -> Table:
    body: list[Line] = []
    notes = ["Pooled: drawn towards all cells' mean the more, the fewer rows a cell has (90% interval)."]
    hidden = 0
    for rows, fit in looked_at:
        shown = [i for i in range(len(rows)) if i not in _withheld(case, rows)]
        hidden += len(rows) - len(shown)
        label = told.measure(rows[0])
        for i in sorted(shown, key=lambda i: _badness(rows[i], float(fit.mean[i])))[:WORST_SHOWN]:
            row, pooled = rows[i], [float(bound[i]) for bound in (fit.mean, fit.low, fit.high)]
            body.append([label, row.group, int(row.n), *told.parts(row.rate), *pooled, row.adjusted_p, row.verdict])
        notes.append(f"{label}: the {min(WORST_SHOWN, len(shown))} worst of {len(rows)}; {_epsilon_told(case, rows)}")
    return Table(
        id=f"{requirement}.{crossed.JOINED.join(names)}",
        title=f"Where {' and '.join(names)} meet",
        requirement=requirement,
        columns=["measure", "combination", "n", "value", "low", "high", "pooled", "low", "high", *told.LAST],
        rows=body,
        hidden=hidden,
        note=" ".join(notes),
    )


def _withheld(case: Case, rows: Cells) -> set[int]:
    """The places of small combinations, and of those from which these would follow by the groups' own numbers."""
    parts = [tuple(row.group.split(BETWEEN)) for row in rows]
    return withheld_crossed(parts, [row.n for row in rows], case.dossier.policy.records.small_cell.value)


def _badness(row: Comparison, pooled: float) -> tuple[int, float]:
    return fairness.WORST_FIRST.index(row.verdict), -abs(pooled - (row.rest_rate.value or 0.0))


def _epsilon_told(case: Case, rows: Cells) -> str:
    counts, sizes = zip(*map(_worth, rows), strict=True)
    confidence = case.dossier.policy.fairness.confidence.value
    found = intersections.differential_fairness(counts, sizes, confidence=confidence, seed=SEED)
    value, chance = found.epsilon, found.by_chance
    if value.value is None or chance is None:
        return "differential fairness ε is undefined."
    between = f"{value.low:.2f} to {value.high:.2f}"
    return f"differential fairness ε = {value.value:.2f} ({between}), {chance:.2f} by chance alone."


def _heat_map(case: Case, names: tuple[str, ...], rows: Cells) -> tuple[Figure, ...]:
    hidden = _withheld(case, rows)
    cells = {
        (first, second): (row.rate.value, f"{row.rate.value:.0%}", row.verdict)
        for place, row in enumerate(rows)
        if place not in hidden and row.rate.value is not None
        for first, second in [row.group.split(BETWEEN, 1)]
    }
    firsts, seconds = (list(dict.fromkeys(key[i] for key in sorted(cells))) for i in (0, 1))
    title = f"{told.sentence(told.scale(rows[0].metric).label)} by {names[0]} and {names[1]}"
    return figures.heat_map(title, firsts, seconds, cells)
