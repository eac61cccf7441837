"""What the registers of an impact analysis have in common."""

from __future__ import annotations

from ethics_kit import schema
from ethics_kit.stages.case import Case
from ethics_kit.stages.evidence import register_share

__all__ = ["affected", "impact", "register_share", "said"]


def impact(case: Case) -> schema.ImpactAnalysis:
    return case.dossier.stage(schema.ImpactAnalysis)


def affected(case: Case) -> list[schema.Stakeholder]:
    """The groups of the register that no reason says are not affected."""
    return [s for s in impact(case).stakeholders if not said(s.not_affected)]


def said(text: str | None) -> bool:
    """Whether a text says something."""
    return text is not None and not schema.placeholder(text)
