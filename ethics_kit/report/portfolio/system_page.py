"""The page of one system: where it stands, what is to be done, what changed, its model card, and all its records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ethics_kit.framework import catalogue
from ethics_kit.languages import SOURCE
from ethics_kit.project import STAGES
from ethics_kit.record import Table
from ethics_kit.report import card, html
from ethics_kit.report.portfolio import actions, kept, sparkline
from ethics_kit.report.portfolio.kept import Kept, Records
from ethics_kit.report.portfolio.sparkline import Line
from ethics_kit.report.portfolio.summary import System, trends

FILE = "index.html"
STEPS_TOLD = 6
"""Pairs of consecutive records told for each stage; the findings of the newest pair in words, of others by number."""
CHANGES_TOLD = 5
SUPPLIES_TOLD = 8
GAP_RECORDS = 24
"""The most records in a trend."""


@dataclass(frozen=True)
class Listed:
    """A record in the list of all; `replaced`: people decided on a newer one of its stage."""

    kept: Kept
    replaced: bool


def render(
    reports: Path,
    system: System,
    records: Records,
    *,
    day: date,
    label: str,
    language: str = SOURCE,
) -> str:
    """The page. `records` are those that the system has kept, by stage, oldest first."""
    current = [(e, next((k for k in records[e.stage] if k.folder == e.folder), None)) for e in system.entries.values()]
    found = [k.record for _, k in current if k and k.record]
    newest = max(found, key=lambda record: record.as_of, default=None)
    steps = {stage: pairs for stage in STAGES if (pairs := kept.steps(records[stage], STEPS_TOLD))}
    told: dict[str, Any] = {
        "system": system,
        "day": day,
        "label": label,
        "current": current,
        "r": newest,
        "actions": actions.open_rows([system], day),
        "unplanned": actions.unplanned(system),
        "steps": steps,
        "changes_told": CHANGES_TOLD,
        "trends": _trends(system, reports),
        "most": SUPPLIES_TOLD,
        "duties": list(catalogue.levels()[newest.obligations.level]) if newest else [],
        "card": next((_card(k) for e, k in current if e.stage == "design_review"), None),
        "records": _newest_first(records),
    }
    return html.environment(language).get_template("system.html.j2").render(told)


def _trends(system: System, reports: Path) -> list[Line]:
    """The key gaps of the current records, over the records before them."""
    found = [trend for e in system.entries.values() if e.gaps for trend in trends(reports, e, e.gaps, most=GAP_RECORDS)]
    return [line for trend in found if (line := sparkline.line(trend))]


def _card(design_review: Kept | None) -> Table | None:
    """The model card of the current design review, whose tables are read for it alone."""
    found = design_review.published.tables if design_review and design_review.published else []
    return next((table for table in found if table.id == card.TABLE), None)


def _newest_first(records: Records) -> list[Listed]:
    listed = []
    for stage in reversed(STAGES):
        own, decided = records[stage], False
        for one in reversed(own):
            listed.append(Listed(one, decided and one.state == "ok"))
            decided = decided or (one.reviewed is not None and one.reviewed.review.state == "decided")
    return sorted(listed, key=lambda one: one.kept.as_of, reverse=True)
