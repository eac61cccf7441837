"""The purposes that the system's events serve, each with its lawful basis."""

from __future__ import annotations

import ibis.expr.types as ir

from ethics_kit.schema import LawfulBasis
from ethics_kit.stages import events
from ethics_kit.stages.case import Case


def bases(case: Case, *kinds: str) -> dict[str, LawfulBasis]:
    """The bases decided by `as_of`, by purpose: all, or those of some kinds."""
    decided = [b for b in case.dossier.system.lawful_bases if b.on <= case.as_of]
    return {b.purpose: b for b in sorted(decided, key=lambda b: b.purpose) if not kinds or b.basis in kinds}


def served(case: Case) -> ir.Table | None:
    """The events with their purpose, where table and columns allow."""
    table = case.dossier.system.events
    return events.with_purpose(case) if case.has(table, "customer", "time") else None


def lacking(case: Case) -> str:
    """What `served` waits for, in words."""
    table = case.dossier.system.events
    needed = case.has(table, "customer", "time")
    return f"in the table {table} the column for purpose" if needed else case.lacking(table, "customer", "time")
