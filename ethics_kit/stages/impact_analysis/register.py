"""What the registers of an impact analysis have in common: who keeps them, and how their shares become findings."""

from __future__ import annotations

from typing import Any

from ethics_kit import schema
from ethics_kit.record import Finding
from ethics_kit.stages.case import Case
from ethics_kit.stages.evidence import share_finding

REGISTER = "count of the register"


def impact(case: Case) -> schema.ImpactAnalysis:
    return case.dossier.stage(schema.ImpactAnalysis)


def register_share(case: Case, requirement: str, name: str, count: int, n: int, **said: Any) -> Finding:
    """A share of a register's rows. A register is no sample: it has no interval, and one row is enough."""
    found = share_finding(case, requirement, name, count, n, minimum=1, **said)
    return found.model_copy(update={"interval": None, "method": REGISTER})
