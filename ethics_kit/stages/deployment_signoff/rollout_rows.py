"""The rollout's counts and its plan, and what follows from each step for each guardrail and group."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import ibis

from ethics_kit import schema
from ethics_kit.stages.case import Case

if TYPE_CHECKING:
    from ethics_kit.measures.rollout import Look, Progress

TABLE = "rollout_steps"
UNNAMED = "guardrail_event"
"""The guardrail metric of a table that names none, where the plan does not either."""


@dataclass(frozen=True)
class Row:
    """What was counted in one step alone of one metric, for one group or (None) all customers."""

    step: int
    start: date
    metric: str
    group: str | None
    exposed: int
    harmed: int
    control: int | None
    control_harmed: int | None


@dataclass(frozen=True)
class Series:
    """One guardrail for one group or all customers: its rows by step, and a look for each, None without comparison."""

    metric: str
    group: str | None
    margin: float
    rows: list[Row]
    looks: list[Look] | None
    against: str

    def look(self, step: int) -> Look | None:
        """The look of a step, where the series has one."""
        return next((k for r, k in zip(self.rows, self.looks or (), strict=False) if r.step == step), None)

    def customers(self, step: int) -> int:
        """The customers counted up to and with a step, once for each step they were in."""
        return sum(r.exposed + (r.control or 0) for r in self.rows if r.step <= step)


def stated(case: Case) -> schema.RolloutPlan | None:
    """The plan that stood by the as-of date and says something."""
    plan = case.dossier.stage(schema.DeploymentSignoff).rollout
    return plan if plan and plan.on <= case.as_of and plan.guardrails and plan.steps else None


def binding(case: Case) -> schema.RolloutPlan | None:
    """The plan, where it was fixed before the first step."""
    plan, found = stated(case), rows(case)
    return plan if plan and found and plan.on < found[0].start else None


@cache
def rows(case: Case) -> list[Row]:
    """The table's rows by step; only where `awaits` finds nothing."""
    plan = stated(case)
    unnamed = plan.guardrails[0].metric if plan and len(plan.guardrails) == 1 else UNNAMED
    found = [
        Row(
            int(r["step"]),
            r["start"].date(),
            (r["metric"] or "").strip() or unnamed,
            (r["group"] or "").strip() or None,
            int(r["exposed"]),
            int(r["harmed"]),
            *(None if r[name] is None else int(r[name]) for name in ("control", "control_harmed")),
        )
        for r in _raw(case)
    ]
    return sorted(found, key=lambda r: (r.step, r.metric, r.group or ""))


@cache
def _raw(case: Case) -> list[dict[str, Any]]:
    table = case.table(TABLE)
    texts = {n: table[n] if n in table.columns else ibis.null("string") for n in ("metric", "group")}
    counts = {n: table[n] if n in table.columns else ibis.null("float64") for n in ("control", "control_harmed")}
    found: list[dict[str, Any]] = (
        table.select("step", "start", "exposed", "harmed", **texts, **counts).to_pyarrow().to_pylist()
    )
    return found


def awaits(case: Case) -> str | None:
    """What is lacking without which no row of the table can be relied on."""
    if not case.has(TABLE, "step", "start", "exposed", "harmed"):
        return case.lacking(TABLE, "step", "start", "exposed", "harmed")
    if not _raw(case):
        return f"steps that began by {case.as_of}"
    wrong = [r for r in _raw(case) if not _countable(r)]
    if wrong:
        return (
            f"{TABLE} with whole counts in every row, of which no more are harmed than there are: {len(wrong)} of "
            f"{len(_raw(case))} rows have others"
        )
    faults = list(_faults(rows(case)))
    return f"{TABLE} with {' and '.join(faults)}" if faults else None


def _countable(row: dict[str, Any]) -> bool:
    needed = [row[name] for name in ("step", "exposed", "harmed")]
    given = [*needed, *(row[n] for n in ("control", "control_harmed") if row[n] is not None)]
    if row["start"] is None or any(v is None or v < 0 or v != int(v) for v in given):
        return False
    if (row["control"] is None) != (row["control_harmed"] is None):
        return False
    return bool(row["harmed"] <= row["exposed"] and (row["control_harmed"] or 0) <= (row["control"] or 0))


def _faults(found: Sequence[Row]) -> Iterator[str]:
    repeated = sum(n > 1 for n in Counter((r.step, r.metric, r.group) for r in found).values())
    if repeated:
        yield f"one row for each step, metric and group: {repeated} have more"
    starts = sorted({(r.step, r.start) for r in found})
    if [step for step, _ in starts] != list(range(1, len(starts) + 1)):
        yield "steps numbered from 1 without a gap, each with one start"
    if any(later <= earlier for (_, earlier), (_, later) in pairwise(starts)):
        yield "steps that begin one after the other"
    if any(not re.fullmatch(r"[a-z][a-z0-9_]*", r.metric) for r in found):
        yield "metrics named in small letters, digits and _"


def starts(case: Case) -> dict[int, date]:
    """When each step began."""
    return {r.step: r.start for r in rows(case)}


def exposed(case: Case) -> dict[int, int]:
    """How many customers each step exposed: the most of any metric."""
    return {step: max(r.exposed for r in rows(case) if r.step == step) for step in starts(case)}


def groups(case: Case) -> list[str]:
    """The groups the plan means to watch, and those the table has."""
    plan = stated(case)
    return sorted({*(plan.groups if plan else ()), *(r.group for r in rows(case) if r.group)})


def metrics(case: Case) -> list[str]:
    """The guardrails of the plan, and the metrics of the table."""
    plan = stated(case)
    return sorted({*(g.metric for g in (plan.guardrails if plan else ())), *(r.metric for r in rows(case))})


def alpha(case: Case) -> float:
    """The error of one series: the policy's, split evenly among guardrails and, for each, all customers and groups."""
    return float(case.dossier.policy.rollout.alpha.value / (len(metrics(case)) * (1 + len(groups(case)))))


@cache
def series(case: Case) -> list[Series]:
    """Each guardrail for all customers, and for each group."""
    return [_series(case, metric, group) for metric in metrics(case) for group in (None, *groups(case))]


def _series(case: Case, metric: str, group: str | None) -> Series:
    plan = binding(case)
    rail = next((g for g in (plan.guardrails if plan else ()) if g.metric == metric), None)
    margin = rail.margin if rail else case.dossier.policy.rollout.margin.value
    own = [r for r in rows(case) if (r.metric, r.group) == (metric, group)]
    rate = rail.baseline if rail and group is None else None
    seen, against = _progress(own, rate)
    looks = _looks(case, own, seen, margin) if seen else None
    return Series(metric, group, margin, own, looks, against)


def _progress(own: Sequence[Row], rate: float | None) -> tuple[Progress | None, str]:
    from ethics_kit.measures import rollout  # scipy, which a stage without a rollout does not need

    counted = [r.exposed for r in own], [r.harmed for r in own]
    control = [(r.control, r.control_harmed) for r in own if r.control is not None and r.control_harmed is not None]
    if own and len(control) == len(own):
        return rollout.against_control(*counted, *zip(*control, strict=True)), "the control group"
    if own and rate is not None:
        return rollout.against_rate(*counted, rate=rate), f"the agreed rate of {rate:.2%}"
    return None, "nothing"


def _looks(case: Case, own: Sequence[Row], seen: Progress, margin: float) -> list[Look]:
    from ethics_kit.measures import rollout

    plan = binding(case)
    last = max((s.step for s in plan.steps), default=0) if plan and plan.method != "open_ended" else 0
    return rollout.decide(
        seen,
        _boundaries(case, own, seen),
        margin=margin,
        alpha=alpha(case),
        enough=[_enough(case, own, index) for index in range(len(own))],
        interim=[r.step < last for r in own],
    )


def _boundaries(case: Case, own: Sequence[Row], seen: Progress) -> list[float]:
    from ethics_kit.measures import sequential

    plan, error = binding(case), alpha(case)
    if plan is None or plan.method == "open_ended":
        scale = sequential.mixture_scale(case.dossier.policy.rollout.tuned_to.value, error)
        bound = sequential.mixture_bound(seen.information, error, scale=scale)
        return [float(b / i**0.5) if i > 0 else float("inf") for b, i in zip(bound, seen.information, strict=True)]
    behind = fractions(plan)
    return sequential.boundaries(
        [behind.get(r.step, 1.0) for r in own],
        alpha=error,
        spending=plan.method,
        information=[float(i) for i in seen.information],
    )


def fractions(plan: schema.RolloutPlan) -> dict[int, float]:
    """How much of the planned information lies behind each step, as planned: what comes of it moves nothing."""
    steps = sorted(plan.steps, key=lambda s: s.step)
    planned = [s.exposed * s.control / (s.exposed + s.control) if s.control else float(s.exposed) for s in steps]
    return {s.step: total / sum(planned) for s, total in zip(steps, accumulate(planned), strict=True)}


def _enough(case: Case, own: Sequence[Row], index: int) -> bool:
    """All customers: what the policy and nearly what the plan asks of the step; a group: enough so far to compare."""
    row, policy, plan = own[index], case.dossier.policy, binding(case)
    if row.group is not None:
        so_far = own[: index + 1]
        fewest = min(sum(r.exposed for r in so_far), sum(r.control or 0 for r in so_far))
        return fewest >= policy.fairness.minimum_group.value
    planned = next((s for s in (plan.steps if plan else ()) if s.step == row.step), None)
    share, least = policy.rollout.planned_min.value, policy.rollout.minimum_exposed.value
    asked = max(least, share * planned.exposed if planned else 0)
    beside = max(least, share * (planned.control or 0) if planned else 0)
    return row.exposed >= asked and (row.control is None or row.control >= beside)
