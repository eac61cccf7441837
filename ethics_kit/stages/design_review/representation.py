"""P2.4: whether the training sample holds each group in its share among customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ethics_kit.measures import representation
from ethics_kit.measures.proportions import Estimate
from ethics_kit.measures.representation import Representation, Shares
from ethics_kit.proposal import MOST_GROUPS
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed

if TYPE_CHECKING:
    import ibis.expr.types as ir

STATUS: dict[str, Status] = {
    "disparity": "not_met",
    "not_estimable": "not_assessed",
    "inconclusive": "inconclusive",
    "equivalent": "met",
}
METHOD = (
    "customers in the training sample, each once, against all customers; Wilson interval over the base's share; exact "
    "binomial test, Benjamini–Hochberg over all groups; enough where the 90% interval lies above the minimum"
)
NAME = "training_representation"
COLUMNS = [
    "group",
    "in the sample",
    "customers",
    "share of the sample",
    "low",
    "high",
    "share of customers",
    "ratio",
    "low",
    "high",
    "adjusted p",
    "verdict",
]


def training_representation(case: Case) -> Outcome:
    """P2.4: groups in the training sample, against their share among customers."""
    if not case.has("training_sample", "customer"):
        owed = "measured" in case.duty("P2.4").needs
        return Outcome((_without_sample(case),) if owed else ())
    sample = representation.training_rows(case.table("training_sample"))
    findings, held_in = [], dict[str, dict[str, str]]()
    policy = case.dossier.policy.fairness
    blank, rows = (int(c.to_pyarrow().as_py()) for c in (sample.customer.isnull().sum(), sample.count()))
    if not rows or blank > policy.max_unknown.value * rows:
        awaits = f"the customer of more rows of the training sample: {blank} of {rows} have none"
        return Outcome((not_assessed("P2.4", NAME, awaits),))
    for name, _, where in case.dossier.held_attributes():
        if not case.has(where, "customer"):
            findings.append(not_assessed("P2.4", f"{name}.{NAME}", case.lacking(where, "customer")))
            continue
        held_in.setdefault(where, {})[name] = f"attribute_{name}"
    found = _shares(case, sample.filter(sample.customer.notnull()), held_in)
    of_people = [n for n, a, _ in case.dossier.held_attributes() if a.class_ != "segment" and n in found]
    lines = _judged(case, [found[n] for n in of_people])
    apart = _judged(case, [shares for name, shares in found.items() if name not in of_people])
    held = {f.id for f in findings} | {f"P2.4.{n}.{NAME}" for n in of_people}
    findings += [
        not_assessed("P2.4", f"{name}.{NAME}", f"the attribute {name}, held of people: it is not, or is a segment here")
        for name in policy.attributes.value
        if f"P2.4.{name}.{NAME}" not in held
    ]
    findings += [_finding(case, found[name], lines[name]) for name in of_people]
    tables = [_table(case, found[name], rows) for name, rows in {**lines, **apart}.items() if rows]
    return Outcome(tuple(findings), tuple(tables), _drawn(case, lines))


def _shares(case: Case, sample: ir.Table, held_in: Mapping[str, Mapping[str, str]]) -> dict[str, Shares]:
    """Customers by group, for the attributes and their columns in each table, in the order of the dossier."""
    counted: dict[str, Shares] = {}
    for where, columns in held_in.items():
        base = representation.one_group_each(case.table(where), columns)
        counted |= representation.shares([*columns], sample, base)
    return {name: counted[name] for name, _, _ in case.dossier.held_attributes() if name in counted}


def _without_sample(case: Case) -> Finding:
    """Why there is no sample, where a supplier has it: asked, and what the answer was."""
    supplier = case.dossier.system.supplier
    requests = supplier.requests if supplier else ()
    asked = [r for r in requests if r.about == "training_data" and r.asked_on <= case.as_of]
    if not (supplier and asked) or "training_sample" in case.dossier.located_tables:
        return not_assessed("P2.4", NAME, case.lacking("training_sample", "customer"))
    last = max(asked, key=lambda r: r.asked_on)
    answered = last.answered_on if last.answered_on and last.answered_on <= case.as_of else None
    if last.answer == "refused" and answered:
        told, reason = f"{supplier.name} refused it on {answered}", "supplier refused"
        action = "Ask again with the contract's renewal, have the supplier measure it, or compare outcomes by group."
    elif last.answer == "received" and answered:
        return not_assessed("P2.4", NAME, f"the table training_sample, which {supplier.name} sent on {answered}")
    else:
        told, reason = f"{supplier.name} has not answered", "supplier has not answered"
        action = "Press for the answer, and note it in system.yaml."
    statement = f"Not assessed: “{last.what}” was asked for on {last.asked_on}; {told}."
    return not_assessed("P2.4", NAME, "the training sample").model_copy(
        update={"statement": statement, "null_reason": reason, "action": action, "source": "system.yaml: supplier"}
    )


def _judged(case: Case, found: Sequence[Shares]) -> dict[str, list[Representation]]:
    """The groups of each attribute with their verdicts, over all of them."""
    policy = case.dossier.policy.fairness
    sure = [shares for shares in found if not _doubt(case, shares)]
    judged = representation.judge(
        [row for shares in sure for row in representation.compare(shares, confidence=policy.confidence.value)],
        minimum=policy.representation_min.value,
        significance=policy.significance.value,
        minimum_group=policy.minimum_group.value,
    )
    return {shares.attribute: [r for r in judged if r.attribute == shares.attribute] for shares in found}


def _doubt(case: Case, found: Shares) -> str | None:
    """Why nothing can be concluded for an attribute, or None."""
    limit = case.dossier.policy.fairness.max_unknown.value
    if len(found.groups) > MOST_GROUPS:
        return f"{found.attribute} in at most {MOST_GROUPS} groups: it has {len(found.groups)}; band them"
    if len(found.groups) < 2:
        return f"a second group: every known {found.attribute} is the same"
    places = (("the training sample", found.unknown, found.n), ("the customer base", found.base_unknown, found.base_n))
    for where, unknown, known in places:
        if unknown > limit * (unknown + known):
            return f"the {found.attribute} of more customers: {_unknown(unknown, known)} of {where} have none known"
    return None


def _unknown(unknown: int, known: int) -> str:
    return f"{unknown} of {unknown + known} ({unknown / (unknown + known):.1%})" if unknown + known else "0 of 0"


def _finding(case: Case, found: Shares, rows: Sequence[Representation]) -> Finding:
    policy, name = case.dossier.policy.fairness, f"{found.attribute}.{NAME}"
    if awaits := _doubt(case, found):
        return not_assessed("P2.4", name, awaits)
    worst = representation.worst(rows)
    if worst.ratio.value is None:
        return not_assessed("P2.4", name, f"customers in the training sample with a known {found.attribute}")
    small = case.dossier.policy.records.small_cell.value
    hidden = 0 < min(worst.count, worst.base_count) < small
    absent = [r.group for r in rows if not r.count]
    statement = "a group too small to show settles nothing" if hidden else _told(worst, policy.representation_min.value)
    if absent:
        statement += f"; absent from the training sample: {', '.join(absent)}"
    return Finding(
        id=f"P2.4.{name}",
        requirement="P2.4",
        status=STATUS[worst.verdict],
        evidence="measured",
        statement=f"Training data by {found.attribute}: {statement}.",
        value=None if hidden else worst.ratio.value,
        null_reason="small cell, withheld" if hidden else None,
        unit="ratio of shares (sample to customers)",
        interval=None
        if hidden
        else Interval(low=worst.ratio.low, high=worst.ratio.high, level=policy.confidence.value),
        n=worst.n,
        threshold=policy.representation_min.value,
        method=METHOD,
        source=policy.representation_min.source,
        action=None if worst.verdict == "equivalent" else _action(worst),
    )


def _told(row: Representation, minimum: float) -> str:
    shares = f"{row.group} are {row.share.value or 0:.1%} of the sample and {row.base_share:.1%} of customers"
    match row.verdict:
        case "disparity":
            return f"{shares}: more than chance, and under {minimum:.0%} of their share"
        case "equivalent":
            return f"{shares}, the smallest ratio; every group is shown above {minimum:.0%} of its share"
        case _:
            return f"{shares}, which settles nothing"


def _action(row: Representation) -> str:
    if row.verdict == "disparity":
        return f"Add rows of {row.group} to the training data, weight them, or say what the model is not used for."
    needed = f"about {row.rows_needed:,} customers" if row.rows_needed else "more customers than anybody collects"
    return f"Settle it by a training sample of {needed}, or by the outcomes of {row.group}."


def _parts(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


def _table(case: Case, found: Shares, rows: Sequence[Representation]) -> Table:
    segment = case.dossier.system.attributes[found.attribute].class_ == "segment"
    small = case.dossier.policy.records.small_cell.value
    body = [
        [r.group, r.count, r.base_count, *_parts(r.share), r.base_share, *_parts(r.ratio), r.adjusted_p, r.verdict]
        for r in rows
    ]
    values = range(1, 11)
    shown, hidden = hide_small(body, n_column=1, counts=values, small=small)
    shown, more = hide_small(shown, n_column=2, counts=values, small=small)
    p_value = representation.goodness_of_fit(found)
    fit = "" if p_value is None else "p <0.001" if p_value < 0.001 else f"p {p_value:.3f}"
    lost, base_lost = _unknown(found.unknown, found.n), _unknown(found.base_unknown, found.base_n)
    notes = [
        f"Without a known {found.attribute}: {lost} of the sample, {base_lost} of customers; they are in no share.",
        f"Chi-squared test of all shares at once: {fit}." if fit else "",
        "A segment is no evidence on people; it is shown only." if segment else "",
    ]
    return Table(
        id=f"P2.4.{found.attribute}.representation",
        title=f"Training sample and customers by {found.attribute}" + (", a segment" if segment else ""),
        requirement="P2.4",
        columns=COLUMNS,
        rows=shown,
        hidden=hidden + more,
        note=" ".join(n for n in notes if n),
    )


def _drawn(case: Case, lines: dict[str, list[Representation]]) -> tuple[figures.Figure, ...]:
    """The attributes that the policy names, and any with a group short of its share."""
    named, small = case.dossier.policy.fairness.attributes.value, case.dossier.policy.records.small_cell.value
    chosen = [
        row
        for name, rows in lines.items()
        if name in named or any(r.verdict == "disparity" for r in rows)
        for row in rows
        if row.base_count >= small and not 0 < row.count < small
    ]
    return figures.dumbbell(chosen)
