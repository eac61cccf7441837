"""S4.1: whether a rollout went step by step, and what its guardrails say to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    "as_planned": "proceed: as many customers as planned, and no harm seen; the last step has to rule out the margin",
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
    pictures = [
        picture
        for s in counted.series(case)
        if s.group is None and s.looks
        for picture in figures.rollout_looks(_named(s.metric), s.looks, [r.step for r in s.rows], margin=s.margin)
    ]
    tables = (_steps_table(case), *_groups_table(case))
    return Outcome(tuple(findings), tables, tuple(pictures))


def _named(metric: str) -> str:
    return metric.replace("_", " ")


def _harm(case: Case) -> Iterator[Finding]:
    """What the latest step says of each guardrail, for all customers."""
    for own in counted.series(case):
        if own.group is None:
            yield _finding(case, own, f"{own.metric}.harm", f"{_named(own.metric)}, all customers")


def _groups(case: Case) -> Iterator[Finding]:
    """What the latest step says of each guardrail for the group that stops soonest."""
    if not counted.groups(case):
        if case.level.holds in ("III", "IV"):
            yield not_assessed("S4.1", "groups", "harm by group (rows of rollout_steps with a group)")
        return
    latest, ranks = max(counted.starts(case)), list(STATUS)
    for metric in counted.metrics(case):
        found = [s for s in counted.series(case) if s.metric == metric and s.group]
        silent = [s.group for s in found if s.look(latest) is None]
        if silent:
            lacking = f"rows of rollout_steps with a control group for step {latest} of " + ", ".join(map(str, silent))
            yield not_assessed("S4.1", f"{metric}.groups", lacking)
            continue
        # the most urgent, and of these the one with the highest upper limit
        looks = [(s, look) for s in found if (look := s.look(latest)) is not None]
        first, _ = max(looks, key=lambda pair: (ranks.index(pair[1].decision), pair[1].difference.high or 0.0))
        label = f"{_named(metric)}, {first.group} (of {len(found)} groups the one that stops soonest)"
        yield _finding(case, first, f"{metric}.groups", label)


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
        return "No difference can be computed"
    return f"The exposed come to harm {found.value * 100:+.2f} points more often"


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
    return f"; about {rows} exposed and as many in the control group over all steps would be enough"


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
    body = [_group_row(s) for s in counted.series(case) if s.group and s.rows]
    if not body:
        return ()
    shown, hidden = hide_small(
        body, n_column=3, counts=range(4, len(body[0]) - 1), small=case.dossier.policy.records.small_cell.value
    )
    columns = ["guardrail", "group", "last step", "exposed", "harmed", "control", "control harmed"]
    columns += ["difference, points", "low", "high", "z", "boundary", "what follows"]
    return (
        Table(
            id="S4.1.groups",
            title="The rollout by group, over all steps",
            requirement="S4.1",
            columns=columns,
            rows=shown,
            hidden=hidden,
        ),
    )


def _group_row(own: Series) -> Sequence[Any]:
    sums = [sum(getattr(r, name) or 0 for r in own.rows) for name in ("exposed", "harmed", "control", "control_harmed")]
    look = own.looks[-1] if own.looks else None
    return [_named(own.metric), own.group, own.rows[-1].step, *sums, *_cells(look)]
