"""P1.4: how well the system works in each segment, with the weakest named. This tells limits; it judges no gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ethics_kit.measures import metrics, proportions
from ethics_kit.measures.metrics import Metric
from ethics_kit.measures.proportions import Estimate, Pair
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing.parity import Line
from ethics_kit.stages.bias_testing.tested import tested
from ethics_kit.stages.case import Case, Outcome, hide_alike
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.labelled import doubt, labelled, source

NAME = "performance_by_segment"
TABLE = f"P1.4.{NAME}"


@dataclass(frozen=True)
class Segment:
    """One rate in one group of an attribute or segment; `enough`: on as many rows as the policy wants of a group."""

    metric: Metric
    by: str
    group: str
    n: int
    value: Estimate
    rest: Estimate
    enough: bool

    def __str__(self) -> str:
        low, high, rest = (part or 0.0 for part in (self.value.low, self.value.high, self.rest.value))
        what = f"{told.scale(self.metric.name).label} of {self.by} = {self.group}"
        return f"{what}, {self.value.value or 0:.0%} ({low:.0%} to {high:.0%}, n {self.n:,}; the others {rest:.0%})"


def performance_by_segment(case: Case) -> Outcome:
    """P1.4: how well the system works for each group and segment, and where it is weakest."""
    if awaits := tested(case).awaits:
        return Outcome((not_assessed("P1.4", NAME, awaits),))
    wanted = metrics.ANSWERING if case.dossier.system.kind == "generative" else metrics.PREDICTING
    known = labelled(case).metrics
    rates = [known[name] for name in wanted if name in known]
    if not rates:
        awaits = (
            "outcome.horizon_days and the column for outcome, or for an assistant the columns resolved and grounded"
        )
        return Outcome((not_assessed("P1.4", NAME, awaits),))
    found = list(_segments(case, rates))
    absent = [name for name in wanted if name not in known and case.dossier.system.kind == "generative"]
    awaits = f"in the table conversations the column for {', '.join(absent)}"
    open_ = [not_assessed("P1.4", f"{NAME}_rates", awaits)] * bool(absent)
    return Outcome((_finding(case, rates, found), *open_), (_table(case, rates, found),))


def _segments(case: Case, rates: Sequence[Metric]) -> Iterator[Segment]:
    known = labelled(case)
    keys = {name: f"attribute_{name}" for name in known.compared}
    keys |= {name: f"segment_{name}" for name in known.segments if name not in known.too_many}
    for metric in rates:
        for by, key in keys.items():
            yield from _of(case, metric, by, source(case).pairs(metric, key))


def _of(case: Case, metric: Metric, by: str, pairs: Sequence[Pair]) -> Iterator[Segment]:
    policy = case.dossier.policy
    least = max(policy.fairness.minimum_group.value, policy.records.small_cell.value)
    own, rest = ([p.own.worth if p.own.estimable else (0.0, 0.0) for p in pairs], [p.rest.worth for p in pairs])
    values, others = (
        proportions.rates([c for c, _ in side], [n for _, n in side], confidence=policy.fairness.confidence.value)
        for side in (own, rest)
    )
    for pair, value, other in zip(pairs, values, others, strict=True):
        enough = value.defined and pair.own.worth[1] >= least
        yield Segment(metric, by, pair.group, int(pair.own.n), value, other, enough)


def _finding(case: Case, rates: Sequence[Metric], found: Sequence[Segment]) -> Finding:
    """Met where each attribute of the policy has at least two groups to tell apart; small ones are told as such."""
    policy, compared = case.dossier.policy.fairness, labelled(case).compared
    names = policy.attributes.value
    open_ = [n for n in names if n not in compared or doubt(case, n)]
    if open_:
        awaits = f"the attributes {', '.join(open_)}, which S3.1 tells of"
        return not_assessed("P1.4", NAME, awaits)
    able = [s for s in found if s.enough]
    weakest = [
        min(own, key=lambda s: s.value.value or 0.0) for m in rates if (own := [s for s in able if s.metric == m])
    ]
    few = [n for n in names if any(sum(s.by == n and s.metric == m for s in able) < 2 for m in rates)]
    status: Status = "inconclusive" if few else "met"
    groups, small = {(s.by, s.group) for s in found}, {(s.by, s.group) for s in found if not s.enough}
    words = f"Performance is known for {len(groups) - len(small)} of {len(groups)} groups and segments"
    words += f"; the others have fewer than {policy.minimum_group.value} rows for one of the rates" if small else ""
    first = weakest[0] if weakest else None
    interval = None
    if first:
        interval = Interval(low=first.value.low, high=first.value.high, level=policy.confidence.value)
        words += f". Weakest: {'; '.join(map(str, weakest))}"
    return Finding(
        id=f"P1.4.{NAME}",
        requirement="P1.4",
        status=status,
        evidence="measured",
        statement=f"{words}.",
        value=first.value.value if first else None,
        null_reason=None if first else "no group with enough rows",
        unit=told.scale(first.metric.name).label if first else None,
        interval=interval,
        n=first.n if first else None,
        method="each rate by group with its Wilson interval; the weakest is the lowest of those on enough rows",
        source=policy.minimum_group.source,
        action=f"Collect more rows with a known outcome by {', '.join(few)}." if few else None,
    )


def _table(case: Case, rates: Sequence[Metric], found: Sequence[Segment]) -> Table:
    small = case.dossier.policy.records.small_cell.value
    body: list[Line] = []
    hidden = 0
    for by in dict.fromkeys(s.by for s in found):
        blocks = [
            [[s.group, s.n, *told.parts(s.value)] for s in found if (s.metric, s.by) == (metric, by)]
            for metric in rates
        ]
        shown, count = hide_alike(blocks, key=0, n_column=1, counts=(2, 3, 4), small=small)
        for metric, lines in zip(rates, shown, strict=True):
            body += [[told.scale(metric.name).label, by, *line] for line in lines]
        hidden += count
    body.sort(key=lambda line: [told.scale(metric.name).label for metric in rates].index(str(line[0])))
    note = "n counts the rows that the rate divides by."
    if case.dossier.system.outcome.changed_by_action == "yes" and rates[0].name in metrics.ERRORS:
        note += " Acting changes the outcome, so who was helped looks like a false alarm."
    return Table(
        id=TABLE,
        title="Performance by group and segment",
        requirement="P1.4",
        columns=["measure", "by", "group", "n", "value", "low", "high"],
        rows=body,
        hidden=hidden,
        note=note,
    )
