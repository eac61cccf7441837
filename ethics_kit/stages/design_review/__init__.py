"""Stage 2: is the design ready: notice, lawful basis and consent, retention, oversight, documentation."""

from __future__ import annotations

from ethics_kit.stages.case import Step
from ethics_kit.stages.design_review.consent import consent_in_force
from ethics_kit.stages.design_review.notice import notice_before_first_decision
from ethics_kit.stages.design_review.retention import retention

STEPS: dict[Step, tuple[str, ...]] = {
    notice_before_first_decision: ("P1.1",),
    consent_in_force: ("P3.2",),
    retention: ("C1.3",),
}
