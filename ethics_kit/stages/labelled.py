"""The events as they are counted by group: who belongs to which group, what was decided, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import clusters, counts, metrics
from ethics_kit.measures.clusters import Clustered
from ethics_kit.measures.counts import Counts
from ethics_kit.measures.metrics import Metric
from ethics_kit.proposal import MOST_GROUPS
from ethics_kit.schema import Attribute
from ethics_kit.stages import events
from ethics_kit.stages.case import Case

SAID = {
    "resolved": "resolved",
    "retained": "retained",
    "received": "received",
    "reopened": "reopened",
    "refused": "refused",
    "asked": "handover_asked",
    "granted": "handover_granted",
    "grounded": "grounded",
}
"""Flags that the tables hold as they are, with their role."""

KEPT_ROWS = 2_000_000
"""Up to so many rows are read, joined and typed once and kept in memory; more are read again by each count."""


@dataclass(frozen=True)
class Labelled:
    """The events with `unit`, `person`, columns ``attribute_…``, ``segment_…``, ``stratum_…``, and a boolean per flag.

    `blank` counts events without a decision, `immature` those whose outcome is not known yet; `groups` and `unknown`
    give for each attribute and segment the number of different values and the rows without one; `repeated` says what
    rows repeat within, and `split` how many customers fall into several clusters.
    """

    events: ir.Table
    attributes: tuple[str, ...]
    segments: tuple[str, ...]
    strata: tuple[str, ...]
    flags: tuple[str, ...]
    rows: int
    blank: int
    immature: int
    groups: Mapping[str, int]
    unknown: Mapping[str, int]
    repeated: str | None
    split: int
    weighted: bool

    @property
    def too_many(self) -> dict[str, int]:
        """The attributes and segments with more groups than can be shown."""
        return {name: n for name, n in self.groups.items() if n > MOST_GROUPS}

    @property
    def compared(self) -> tuple[str, ...]:
        """The attributes that can be compared."""
        return tuple(a for a in self.attributes if a not in self.too_many)

    @property
    def metrics(self) -> dict[str, Metric]:
        """The rates that can be had."""
        flags = {*self.flags, "correct"} if {"selected", "positive"} <= set(self.flags) else set(self.flags)
        known = metrics.BINARY | metrics.ORDER | metrics.TAKEN | metrics.RESULTS | metrics.CONVERSATIONS
        return {name: metric for name, metric in known.items() if metric.flags <= flags}


def of_people(case: Case) -> list[tuple[str, Attribute]]:
    """The held attributes that say something of people; a segment never evidences fairness towards them."""
    return [(name, a) for name, a, _ in case.dossier.held_attributes() if a.class_ in ("protected", "proxy")]


def lacking(case: Case) -> str | None:
    """What is not there without which nothing can be compared."""
    table = case.dossier.system.events
    roles = ("customer", "time") if table == "conversations" else ("customer", "time", "decision")
    if not case.has(table, *roles):
        return case.lacking(table, *roles)
    if not of_people(case):
        return "an attribute of people that groups can be formed by (attributes in system.yaml)"
    return None


def in_parts(case: Case) -> str | None:
    """What is awaited where customers fall into several clusters, or None."""
    split = labelled(case).split
    return f"a cluster that holds each customer whole: {split} customers are in several" if split else None


def doubt(case: Case, attribute: str) -> str | None:
    """Why nothing can be concluded for an attribute, or None."""
    known, most_unknown = labelled(case), case.dossier.policy.fairness.max_unknown.value
    if attribute in known.too_many:
        return f"{attribute} in at most {MOST_GROUPS} groups: it has {known.too_many[attribute]}; band them"
    unknown, total = known.unknown[attribute], known.rows
    if unknown > most_unknown * total:
        limit = f"the policy allows {most_unknown:.0%}"
        return f"the {attribute} of more rows: {unknown} of {total} ({unknown / total:.0%}) have none; {limit}"
    return None


def knows_outcomes(case: Case) -> bool:
    """Whether there are outcomes, and the days after which they are known."""
    return case.has(case.dossier.system.events, "outcome") and case.dossier.system.outcome.horizon_days is not None


@cache
def labelled(case: Case) -> Labelled:
    """The events of `case`; `positive` is null until the outcome has matured, the unit is the cluster or customer."""
    system, told = case.dossier.system, events.described(case)
    names = tuple(name for name, _ in of_people(case))
    segments = tuple(name for name, a, _ in case.dossier.held_attributes() if a.class_ == "segment")
    strata = tuple(system.strata)
    columns: dict[str, ir.Value] = {f"attribute_{name}": told[f"attribute_{name}"] for name in names}
    columns |= {f"segment_{name}": told[f"attribute_{name}"] for name in segments}
    columns |= {f"stratum_{name}": told[f"stratum_{name}"] for name in strata}
    flags, mature = _flags(case, told)
    treated = next((role for role in ("action", "decision") if role in told.columns), None)
    if treated:
        columns["treatment"] = told[treated].cast("string")
    columns |= {
        role: told[role] for role in ("score", "weight", "wait_hours", "holdout", "time") if role in told.columns
    }
    columns |= {f"feature_{name}": told[f"feature_{name}"] for name in system.features}
    if system.outcome.order and "positive" in flags:
        columns["decided"], columns["deserved"] = told.decision, _deserved(case, told, mature)
        flags["placed_lower"] = _placed_lower(case, columns["decided"], columns["deserved"])
    if "actual" in told.columns:
        columns["actual"] = ibis.ifelse(mature, told.actual, ibis.null("float64"))
    unit = told.cluster.fill_null(told.customer) if "cluster" in told.columns else told.customer
    table = told.select(**columns, **flags, mature=mature, unit=unit, person=told.customer)
    if case.tables_used[system.events].rows <= KEPT_ROWS:
        table = case.dossier.tables.kept(table)
    decided = (table.selected if "selected" in flags else table.person).notnull()
    held = {name: f"attribute_{name}" for name in names} | {name: f"segment_{name}" for name in segments}
    seen = _seen(table, decided, held)
    kept = table.filter(decided)
    return Labelled(
        events=kept,
        attributes=names,
        segments=segments,
        strata=strata,
        flags=tuple(name for name in flags if name != "correct"),
        rows=int(seen["rows"] or 0),
        blank=int(seen["blank"] or 0),
        immature=int(seen["immature"] or 0),
        groups={name: int(seen[f"groups_{name}"] or 0) for name in held},
        unknown={name: int(seen[f"unknown_{name}"] or 0) for name in held},
        repeated=_repeated(case, seen),
        split=_split(kept),
        weighted="weight" in told.columns,
    )


def _flags(case: Case, told: ir.Table) -> tuple[dict[str, ir.Value], ir.BooleanValue]:
    system = case.dossier.system
    flags: dict[str, ir.Value] = {flag: told[role] for flag, role in SAID.items() if role in told.columns}
    mature: ir.BooleanValue = ibis.literal(True)
    if system.outcome.horizon_days is not None:
        horizon = timedelta(days=system.outcome.horizon_days)
        mature = told.time < ibis.literal(case.end - horizon, type="timestamp")
    if "decision" in told.columns:
        flags["selected"] = events.meaning(told.decision, system.decision.selected)
    if knows_outcomes(case):
        known = events.meaning(told.outcome, system.outcome.positive)
        flags["positive"] = ibis.ifelse(mature, known, ibis.null("boolean"))
        flags["correct"] = flags["selected"] == flags["positive"]
    if "action" in told.columns:
        flags["taken"] = events.meaning(told.action, system.decision.done)
    return flags, mature


def _deserved(case: Case, told: ir.Table, mature: ir.BooleanValue) -> ir.StringValue:
    """The class that a matured outcome deserves; null where the outcome is in no order."""
    system = case.dossier.system
    pairs = zip(system.outcome.order, system.decision.order, strict=True)
    return ibis.cases(*[(mature & (told.outcome == o), d) for o, d in pairs], else_=ibis.null("string"))


def _placed_lower(case: Case, decided: ir.StringValue, deserved: ir.StringValue) -> ir.BooleanValue:
    """Whether a case was served later than it deserved; null where it deserved the last class, or no order tells."""
    order = case.dossier.system.decision.order
    place, right = (
        ibis.cases(*[(c == d, i) for i, d in enumerate(order)], else_=ibis.null("int64")) for c in (decided, deserved)
    )
    return ibis.ifelse(right < len(order) - 1, place > right, ibis.null("boolean"))


def _seen(table: ir.Table, decided: ir.BooleanValue, held: Mapping[str, str]) -> dict[str, int | None]:
    wanted = {"rows": decided.sum(), "blank": (~decided).sum(), "immature": (decided & ~table.mature).sum()}
    wanted |= {"units": table.unit.nunique(where=decided)}
    for name, where in held.items():
        column = table[where]
        wanted |= {
            f"groups_{name}": column.nunique(where=decided),
            f"unknown_{name}": (decided & column.isnull()).sum(),
        }
    row: dict[str, int | None] = table.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    return row


def _repeated(case: Case, seen: Mapping[str, int | None]) -> str | None:
    rows, units = seen["rows"] or 0, seen["units"] or 0
    what = "cluster" if "cluster" in case.dossier.tables.sources[case.dossier.system.events].columns else "customer"
    return f"{rows} rows of {units} {what}s" if units < rows else None


def _split(table: ir.Table) -> int:
    units = table.group_by("person").aggregate(units=table.unit.nunique())
    return int(units.filter(units.units > 1).count().to_pyarrow().as_py())


@cache
def source(case: Case) -> Counts | Clustered:
    """The count table, or the moments over clusters where rows repeat or carry weights."""
    known = labelled(case)
    if known.repeated or known.weighted:
        return clusters.Clustered(known.events, (metrics.ROWS, *known.metrics.values()), weight=known.weighted)
    treatment = ("treatment",) if "treatment" in known.events.columns else ()
    segments = (f"segment_{name}" for name in known.segments if name not in known.too_many)
    keys = [*(f"attribute_{name}" for name in known.compared), *segments]
    keys += [f"stratum_{name}" for name in known.strata]
    return counts.count(known.events, [*keys, *treatment], known.flags)
