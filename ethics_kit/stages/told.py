"""From comparisons to findings and tables: in words for a reader who has to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ethics_kit.measures import fairness, metrics
from ethics_kit.measures.disclosure import withheld
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.proportions import MINIMUM_CLUSTERS, Estimate
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.stages.case import Case, hide_alike
from ethics_kit.stages.evidence import not_assessed

METHOD = (
    "each group against {beside}; {interval}; Benjamini–Hochberg over the record; equivalence by two one-sided tests "
    "(90% interval inside the margin)"
)
STATUS: dict[str, Status] = {
    "disparity": "not_met",
    "not_estimable": "not_assessed",
    "inconclusive": "inconclusive",
    "equivalent": "met",
}


@dataclass(frozen=True)
class Scale:
    """How the values of a metric are told: points of a rate, or units of a mean."""

    label: str
    unit: str = "difference of rates"
    points: bool = True
    interval: str = "Newcombe interval; pooled z test"
    beside: str = "the other groups"

    def gap(self, value: float) -> str:
        """A gap in words, with its sign."""
        return f"{round(value * 100, 1) + 0:+.1f} percentage points" if self.points else f"{value:+.3g} {self.unit}"

    def margin(self, value: float) -> str:
        return f"±{value * 100:g} points" if self.points else f"±{value:.3g} {self.unit}"


RATES = metrics.BINARY | metrics.ORDER | metrics.TAKEN | metrics.RESULTS | metrics.CONVERSATIONS
SCALES: dict[str, Scale] = {
    **{name: Scale(metric.label) for name, metric in RATES.items()},
    "wait_hours": Scale("mean wait", "hours", points=False, interval="Welch interval and test"),
    "forecast_error": Scale("mean error of the forecast", "units", points=False, interval="Welch interval and test"),
    "top_k": Scale("share among the first that can be served"),
    "recall_at_k": Scale("recall among the first that can be served"),
    "calibration": Scale("observed less predicted rate", interval="Zou–Donner interval; z test of equal departure"),
    "neighbour_selection": Scale(
        "selection",
        interval="Abadie–Imbens variance",
        beside="their nearest neighbours in other groups",
    ),
    "swap": Scale(
        "right answers after the swap", interval="paired interval; McNemar test", beside="the same prompts before it"
    ),
    "understood": Scale("understanding of the explanation"),
    "appealed": Scale("share of customers who appealed"),
    "resolved_in_time": Scale("share with all appeals resolved within the promise"),
    "overturned": Scale("share with success in all resolved appeals"),
    "answered_in_time": Scale("share with all feedback answered within the promise"),
    "served_in_time": Scale("share always answered by a person in time"),
    "honoured": Scale("share with all choices carried out"),
    "flip": Scale(
        "selection after the attribute is flipped",
        interval="paired interval; McNemar test",
        beside="the same cases as they are",
    ),
}


def scale(metric: str) -> Scale:
    """How a metric is told."""
    return SCALES[metric]


def sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def finding(
    case: Case, requirement: str, name: str, rows: Sequence[Comparison], *, among: str = "", label: str = ""
) -> Finding:
    """What a family of comparisons shows, by its worst member; `among` says of whom, where not of everybody."""
    attribute = name.split(".", maxsplit=1)[0]
    if not rows:
        return not_assessed(requirement, name, f"rows with a known {attribute}")
    if len(rows) == 1 and rows[0].rest_n <= 0:
        return not_assessed(requirement, name, f"a second group: every known {attribute} is the same")
    worst = fairness.worst(rows)
    policy, told = case.dossier.policy.fairness, scale(worst.metric)
    small = case.dossier.policy.records.small_cell.value
    what = f"{label or told.label}{among}"
    common = {
        "id": f"{requirement}.{name}",
        "requirement": requirement,
        "evidence": "measured",
        "unit": told.unit,
        "threshold": worst.margin,
        "method": METHOD.format(interval=told.interval, beside=told.beside),
        "source": policy.margin.source,
    }
    if worst.verdict == "not_estimable" or worst.gap.value is None:
        return Finding(
            **common,
            status="not_assessed",
            statement=sentence(f"{what}, {attribute} = {worst.group}: cannot be estimated, {_why_not(worst)}."),
            null_reason=f"not estimable: {_why_not(worst)}",
            action=f"Collect more rows with {attribute} = {worst.group}, or with another {attribute}.",
        )
    action = None if worst.verdict == "equivalent" else _action(worst)
    if worst.group in withheld_groups(case, rows) or min(worst.n, worst.rest_n) < small:
        withheld = f"{what} by {attribute}: a group has fewer than {small} rows, withheld and too few to tell."
        return Finding(
            **common,
            status=STATUS[worst.verdict],
            statement=sentence(withheld),
            null_reason="small cell, withheld",
            action=action,
        )
    return Finding(
        **common,
        status=STATUS[worst.verdict],
        statement=sentence(f"{what}, {attribute} = {worst.group}: {_told(case, worst)}."),
        value=worst.gap.value,
        interval=Interval(low=worst.gap.low, high=worst.gap.high, level=policy.confidence.value),
        n=int(worst.effective + worst.rest_effective),
        action=action,
    )


def withheld_groups(case: Case, rows: Sequence[Comparison]) -> set[str]:
    """The groups of a family whose numbers are not shown: small ones, and those from which these would follow."""
    small = case.dossier.policy.records.small_cell.value
    return {rows[place].group for place in withheld([c.n for c in rows], small)}


def _why_not(worst: Comparison) -> str:
    """What is lacking on one side of a comparison that cannot be estimated."""
    if min(worst.n, worst.rest_n) <= 0:
        return "no row to divide by on one side"
    return f"fewer than {MINIMUM_CLUSTERS} independent units on one side"


def _told(case: Case, worst: Comparison) -> str:
    told = scale(worst.metric)
    gap = told.gap(worst.gap.value or 0.0)
    match worst.verdict:
        case "disparity":
            return (
                f"differs by {gap} from {told.beside}: more than chance (after adjustment), the estimate beyond "
                f"the margin of {told.margin(worst.margin).removeprefix('±')}"
            )
        case "equivalent":
            policy = case.dossier.policy
            chosen = f"by {policy.approved_by.name} on {policy.approved_on}" if policy.approved_by else "by nobody yet"
            return (
                f"the largest gap, {gap}; every gap is shown within {told.margin(worst.margin)}, a margin chosen "
                f"{chosen}; not a legal finding"
            )
        case _:
            return f"differs by {gap} from {told.beside}, which settles nothing; {_needed(worst)} would"


def _action(worst: Comparison) -> str:
    if worst.verdict == "disparity":
        return f"Find out why {worst.attribute} = {worst.group} is treated differently, mitigate, and test again."
    return f"Collect {_needed(worst)}."


def _needed(worst: Comparison) -> str:
    if worst.rows_needed is None:
        return "rows beyond any realistic number (the gap lies at the margin)"
    return f"about {worst.rows_needed:,} independent rows per group"


def parts(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    """Value and interval, as three cells of a table."""
    return estimate.value, estimate.low, estimate.high


VALUES = ["value", "low", "high", "gap to the rest", "low", "high"]
LAST = ["adjusted p", "verdict"]


def table(
    case: Case,
    requirement: str,
    name: str,
    families: Sequence[Sequence[Comparison]],
    notes: Sequence[str],
    *,
    title: str,
    ratios: bool = False,
    extra: Mapping[str, Mapping[str, float | None]] | None = None,
) -> Table:
    """The comparisons behind an attribute's findings, one line per measure and group.

    `ratios` to the rest, and `extra` columns by heading and group, stand before the verdict.
    """
    more, several = extra or {}, len(families) > 1
    share = ["ratio to the rest", "low", "high"] if ratios else []
    small = case.dossier.policy.records.small_cell.value
    worth = ["effective n"] if any(int(c.effective) != int(c.n) for rows in families for c in rows) else []
    columns = ["group", "n", *worth, *VALUES, *share, *more, *LAST]
    blocks = [
        [
            [c.group, int(c.n), *[int(c.effective) for _ in worth], *parts(c.rate), *parts(c.gap)]
            + [*(parts(c.ratio) if ratios else ())]
            + [values.get(c.group) for values in more.values()]
            + [c.adjusted_p, c.verdict]
            for c in rows
        ]
        for rows in families
    ]
    shown, hidden = hide_alike(blocks, key=0, n_column=1, counts=range(2, len(columns) - 1), small=small)
    body: list[list[str | int | float | None]] = []
    for rows, lines in zip(families, shown, strict=True):
        body += [[measure(rows[0]), *line] for line in lines] if several else lines
    return Table(
        id=f"{requirement}.{name}",
        title=title,
        requirement=requirement,
        columns=["measure", *columns] if several else columns,
        rows=body,
        hidden=hidden,
        note=" ".join(notes) or None,
    )


def measure(comparison: Comparison) -> str:
    """What was measured, and of whom, where not of everybody."""
    if comparison.metric == "neighbour_selection":
        return "Selection, near neighbours"
    among = {"treatment": ", treated alike", None: ""}.get(comparison.within, f", within {comparison.within}")
    return sentence(scale(comparison.metric).label) + among
