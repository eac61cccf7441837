"""Stage 1: who is affected and how much, which risks, who answers for them, who was heard; and the impact level."""

from __future__ import annotations

from ethics_kit.stages.case import Step
from ethics_kit.stages.contradictions import bears_on, contradictions
from ethics_kit.stages.impact_analysis.consultation import consultation_coverage
from ethics_kit.stages.impact_analysis.dpia import dpia_threshold
from ethics_kit.stages.impact_analysis.level import impact_level
from ethics_kit.stages.impact_analysis.people import ownership_coverage, stakeholder_harms
from ethics_kit.stages.impact_analysis.risks import risk_register
from ethics_kit.stages.impact_analysis.standards import standards_applicability

STEPS: dict[Step, tuple[str, ...]] = {
    impact_level: ("S1.2",),
    dpia_threshold: ("S3.2",),
    standards_applicability: ("S1.3",),
    risk_register: ("S1.2",),
    ownership_coverage: ("P4.1",),
    stakeholder_harms: ("S1.1",),
    consultation_coverage: ("S1.4",),
    contradictions: bears_on("impact_analysis"),
}
