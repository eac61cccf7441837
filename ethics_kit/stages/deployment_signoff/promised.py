"""Waiting against a promise: the share kept, the curve of what is still open, and both by group."""

from __future__ import annotations

from collections.abc import Sequence

import ibis.expr.types as ir

from ethics_kit import schema
from ethics_kit.measures import waiting
from ethics_kit.measures.waiting import Cell
from ethics_kit.record import Finding, Table
from ethics_kit.report import figures
from ethics_kit.schema.thresholds import Threshold
from ethics_kit.stages.case import Case, hide_small
from ethics_kit.stages.deployment_signoff import groups
from ethics_kit.stages.evidence import not_assessed, register_awaits, share_finding

SOURCE = "deployment_signoff.yaml: promises"


def given(case: Case, key: str) -> bool:
    """Whether customers were promised anything under `key`, in force or not."""
    promises = case.dossier.stage(schema.DeploymentSignoff).promises
    return promises is not None and getattr(promises, key) is not None


def promised(case: Case, key: str) -> int | None:
    """The days (under `human_minutes`, minutes) promised under `key`, where the promise is in force."""
    promises = case.dossier.stage(schema.DeploymentSignoff).promises
    if promises is None or register_awaits(case, promises, key):
        return None
    found: int | None = getattr(promises, key)
    return found


def awaits_promise(case: Case, key: str) -> str:
    """What to supply where `promised` is None."""
    promises = case.dossier.stage(schema.DeploymentSignoff).promises
    held = promises if given(case, key) else None
    return register_awaits(case, held, f"the promise {key} to customers ({SOURCE})")


def in_time(
    case: Case,
    requirement: str,
    name: str,
    cells: Sequence[Cell],
    key: str,
    *,
    what: str,
    did: str,
    at_least: Threshold[float],
    action: str,
) -> Finding:
    """The share of `what` that customers got (`did`) within the promise, of all whose time has run out.

    What is open past the promise is late. The median is Kaplan and Meier's, over all, open ones included.
    """
    days = promised(case, key)
    if days is None:
        return not_assessed(requirement, name, awaits_promise(case, key))
    found = waiting.kept(cells, days)
    if not found.due:
        return not_assessed(requirement, name, f"{what} received {days} days or longer before {case.as_of}")
    median = waiting.curve(cells).median
    half = f"half within {median:.0f} days" if median is not None else "half not yet"
    more = f"; {found.not_due} more {'is' if found.not_due == 1 else 'are'} not due yet" if found.not_due else ""
    return share_finding(
        case,
        requirement,
        name,
        found.in_time,
        found.due,
        statement=f"{found.in_time} of {found.due} {what} were {did} within the {days} days promised, {half}; "
        f"{found.open} are open past the promise{more}.",
        at_least=at_least.value,
        unit=f"share of {what}",
        action=action,
        source=f"{SOURCE}; policy: {at_least.source}",
        minimum=case.dossier.policy.fairness.minimum_group.value,
    )


def drawn_until(case: Case, cells: Sequence[Cell], key: str, *, what: str, done: str) -> tuple[figures.Figure, ...]:
    """The curve of what is still open, with the promise where there is one."""
    curve, days = waiting.curve(cells, confidence=case.dossier.policy.fairness.confidence.value), promised(case, key)
    limits = [(f"promised: {days} days", days)] if days else []
    return figures.completion_curve(curve, limits, what=what, done=done)


def times_by_group(
    case: Case, requirement: str, rows: ir.Table, ended: str, key: str, *, title: str, did: str
) -> Table:
    """Time by attribute and group: rows, the median, and the share still open when the promise runs out."""
    days, policy = promised(case, key), case.dossier.policy
    body: list[list[str | int | float | None]] = []
    tests, hidden = [], 0
    columns = {name: f"attribute_{name}" for name in groups.attributes(case)}
    counted = waiting.waits_by(groups.of_customers(case, rows), ended, [*columns.values()], end=case.end)
    for attribute, column in columns.items():
        cells = counted[column]
        lines: list[list[str | int | float | None]] = []
        for group, of_group in waiting.by_group(cells).items():
            curve = waiting.curve(of_group, confidence=policy.fairness.confidence.value)
            still = curve.at(days) if days is not None else None
            bounds = [still.value, still.low, still.high] if still else [None] * 3
            lines.append([group, curve.n, sum(c.n for c in of_group if c.ended), curve.median, *bounds])
        shown, count = hide_small(lines, n_column=1, counts=range(2, 7), small=policy.records.small_cell.value)
        body += [[attribute, *line] for line in shown]
        hidden += count
        p_value = waiting.apart(cells)
        if p_value is not None:
            tests.append(f"{attribute} {p_value:.3f}")
    return Table(
        id=f"{requirement}.times",
        title=title,
        requirement=requirement,
        columns=["attribute", "group", "n", did, "median days", "still open at the promise", "low", "high"],
        rows=body,
        hidden=hidden,
        note="Kaplan–Meier estimates; what is open counts for as long as it has been. Log-rank test that groups wait "
        f"alike, p: {', '.join(tests) or 'not to be had'}.",
    )
