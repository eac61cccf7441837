"""S4.1: whether a rollout went step by step, and what its guardrails say to do next."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.deployment_signoff import rollout_rows as counted
from ethics_kit.stages.deployment_signoff.rollout_steps import step_findings
from ethics_kit.stages.evidence import not_assessed

if TYPE_CHECKING:
    from ethics_kit.measures.rollout import Look
    from ethics_kit.stages.deployment_signoff.rollout_rows import Series

STATUS: dict[str, Status] = {"proceed": "met", "hold": "inconclusive", "roll_back": "not_met"}
WORDS = {
    "crossed": "roll back: harm among the exposed has crossed the sequential boundary",
    "too_few": "hold: too few customers so far",
    "excluded": "proceed: harm beyond the margin is ruled out",
    "suspected": "hold: this look alone would show harm, all looks together do not yet",
    "as_planned": "proceed: enough customers for this step, and no harm seen; the last step has to rule out the margin",
    "not_excluded": "hold: harm beyond the margin is not ruled out",
}
METHODS = {
    "obrien_fleming": "group-sequential boundaries, Lan-DeMets spending of O'Brien-Fleming type",
    "pocock": "group-sequential boundaries, Lan-DeMets spending of Pocock type",
    "open_ended": "normal-mixture confidence sequence, valid at any look",
}


def rollout_guardrails(case: Case) -> Outcome:
    """S4.1: the rollout's steps, their guardrails overall and by group, and what each step allowed."""
    if lacking := counted.awaits(case):
        return Outcome((not_assessed("S4.1", "rollout", lacking),))
    from ethics_kit.report import figures

    findings = [*step_findings(case), *_harm(case), *_groups(case)]
    drawn = [s for s in counted.series(case) if s.group is None] + [s for s in _soonest(case) if s.group]
    pictures = [p for s in drawn for p in figures.rollout_looks(_label(s), s.looks or [], _looked(s), margin=s.margin)]
    tables = (_steps_table(case), *_groups_table(case))
    return Outcome(tuple(findings), tables, tuple(pictures))


def _named(metric: str) -> str:
    return metric.replace("_", " ")


def _label(own: Series) -> str:
    return f"{_named(own.metric)}, {own.group or 'all customers'}"


def _looked(own: Series) -> list[int]:
    return [r.step for r in own.rows] if own.looks else []


def _harm(case: Case) -> Iterator[Finding]:
    """What the latest step says of each guardrail, for all customers."""
    for own in counted.series(case):
        if own.group is None:
            yield _finding(case, own, f"{own.metric}.harm", _label(own))


def _groups(case: Case) -> Iterator[Finding]:
    """What the latest step says of each guardrail for the group that stops soonest."""
    if not counted.groups(case) and case.level.holds in ("III", "IV"):
        yield not_assessed("S4.1", "groups", "harm by group (rows of rollout_steps with a group)")
    latest, count = max(counted.starts(case)), len(counted.groups(case))
    for own in _soonest(case):
        if own.look(latest) is None:
            lacking = f"rows of {counted.TABLE} with a control group for {own.metric}, {own.group}, step {latest}"
            yield not_assessed("S4.1", f"{own.metric}.groups", lacking)
        else:
            label = f"{_label(own)} (of {count} groups the one that stops soonest)"
            yield _finding(case, own, f"{own.metric}.groups", label)


def _soonest(case: Case) -> list[Series]:
    """For each guardrail the group to look at first: one without a look, else by decision and upper limit."""
    latest, order = max(counted.starts(case)), list(STATUS)

    def urgency(own: Series) -> tuple[int, float]:
        look = own.look(latest)
        return (len(order), 0.0) if look is None else (order.index(look.decision), look.difference.high or 0.0)

    of_groups = {m: [s for s in counted.series(case) if s.metric == m and s.group] for m in counted.metrics(case)}
    return [max(found, key=urgency) for found in of_groups.values() if found]


def _finding(case: Case, own: Series, name: str, label: str) -> Finding:
    latest = max(counted.starts(case))
    look = own.look(latest)
    if look is None:
        lacking = f"rows of {counted.TABLE} for {own.metric} and all customers up to step {latest}"
        if own.rows and own.looks is None:
            lacking = f"the counts of a control group for {own.metric}, or a baseline agreed in the plan beforehand"
        return not_assessed("S4.1", name, lacking)
    plan = counted.binding(case)
    status = STATUS[look.decision]
    said = _said(look)
    return Finding(
        id=f"S4.1.{name}",
        requirement="S4.1",
        status=status,
        evidence="measured",
        statement=f"Step {latest}, {label}: {WORDS[look.reason]}. {said}, against {own.against}"
        f"{_enough(own, look) if look.decision == 'hold' else ''}.",
        value=look.difference.value,
        null_reason=None if look.difference.defined else "no customers to compare",
        unit="difference of shares harmed, exposed minus control, over all steps",
        interval=_interval(case, look),
        n=own.customers(latest),
        threshold=own.margin,
        method=f"{METHODS[plan.method if plan else 'open_ended']}; one-sided error {counted.alpha(case):.3g} of "
        f"{case.dossier.policy.rollout.alpha.value:.3g} for all guardrails and groups; steps as strata (Cochran)",
        source="the plan in deployment_signoff.yaml" if plan else case.dossier.policy.rollout.margin.source,
        action=None if status == "met" else ACTIONS[look.decision],
    )


ACTIONS = {
    "hold": "Expose no more customers until the step can be decided, and look again.",
    "roll_back": "Take the system back to the step before, find the cause, and plan anew.",
}


def _said(look: Look) -> str:
    found = look.difference
    if found.value is None:
        return "There is nothing to compare"
    points = round(found.value * 100, 2)
    if not points:
        return "The share harmed is the same to a hundredth of a point"
    return f"The share harmed is {abs(points):.2f} points {'higher' if points > 0 else 'lower'} among the exposed"


def _interval(case: Case, look: Look) -> Interval | None:
    if not look.difference.defined:
        return None
    return Interval(low=look.difference.low, high=look.difference.high, level=1 - 2 * counted.alpha(case))


def _enough(own: Series, look: Look) -> str:
    """How many customers would settle it, if the difference stayed as it is."""
    from ethics_kit.measures.proportions import rows_needed

    n, harmed = sum(r.exposed for r in own.rows), sum(r.harmed for r in own.rows)
    gap = max(look.difference.value or 0.0, 0.0)
    rows = rows_needed((harmed + 1) / (n + 2), gap, own.margin)
    if rows is None:
        return "; a difference this close to the margin no number of customers would settle"
    return f"; about {rows:,} exposed and as many in the control group over all steps would be enough"


def _steps_table(case: Case) -> Table:
    columns = ["step", "began", "guardrail", "exposed", "harmed", "control", "control harmed"]
    columns += ["difference, points", "low", "high", "z", "boundary", "what follows"]
    shown = [
        [r.step, r.start.isoformat(), _named(s.metric), r.exposed, r.harmed, r.control, r.control_harmed, *_cells(look)]
        for s in counted.series(case)
        if s.group is None
        for r, look in zip_longest(s.rows, s.looks or ())
    ]
    return Table(
        id="S4.1.steps",
        title="The rollout step by step: counts of the step alone; difference, z and boundary over all steps so far",
        requirement="S4.1",
        columns=columns,
        rows=shown,
    )


def _cells(look: Look | None) -> list[Any]:
    if look is None:
        return [None, None, None, None, None, "no control group and no baseline"]
    found = look.difference
    points = [None if v is None else round(v * 100, 3) for v in (found.value, found.low, found.high)]
    boundary = round(look.boundary, 3) if look.boundary < float("inf") else None
    return [*points, round(look.z, 3), boundary, WORDS[look.reason]]


def _groups_table(case: Case) -> tuple[Table, ...]:
    body: list[list[Any]] = [_group_row(s) for s in counted.series(case) if s.group and s.rows]
    if not body:
        return ()
    small, hidden = case.dossier.policy.records.small_cell.value, 0
    for side in (3, 5):  # the exposed, the control group
        body, more = hide_small(body, n_column=side, counts=range(3, len(body[0]) - 1), small=small)
        hidden += more
    columns = ["guardrail", "group", "last step", "exposed", "harmed", "control", "control harmed"]
    columns += ["difference, points", "low", "high", "z", "boundary", "what follows"]
    return (
        Table(
            id="S4.1.groups",
            title="The rollout by group, over all steps",
            requirement="S4.1",
            columns=columns,
            rows=body,
            hidden=hidden,
        ),
    )


def _group_row(own: Series) -> list[Any]:
    sums = [sum(getattr(r, name) or 0 for r in own.rows) for name in ("exposed", "harmed", "control", "control_harmed")]
    look = own.looks[-1] if own.looks else None
    return [_named(own.metric), own.group, own.rows[-1].step, *sums, *_cells(look)]
