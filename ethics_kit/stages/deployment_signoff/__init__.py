"""Stage 4: may it go, or stay, live: opt-outs, audit trail, oversight, answers to customers, and the records before."""

from __future__ import annotations

from ethics_kit.stages.case import Step
from ethics_kit.stages.deployment_signoff.appeals import appeals
from ethics_kit.stages.deployment_signoff.audit_log import audit_log_completeness
from ethics_kit.stages.deployment_signoff.autonomy import decided_after_opt_out
from ethics_kit.stages.deployment_signoff.earlier import earlier_records
from ethics_kit.stages.deployment_signoff.errors import error_correction
from ethics_kit.stages.deployment_signoff.feedback import feedback
from ethics_kit.stages.deployment_signoff.oversight import oversight_over_time
from ethics_kit.stages.deployment_signoff.review_due import review_due
from ethics_kit.stages.deployment_signoff.training import training_current

STEPS: dict[Step, tuple[str, ...]] = {
    earlier_records: ("G3",),
    decided_after_opt_out: ("C3.1",),
    audit_log_completeness: ("P4.2",),
    oversight_over_time: ("P4.4",),
    appeals: ("C3.3",),
    error_correction: ("P4.3",),
    feedback: ("S4.3",),
    training_current: ("G4",),
    review_due: ("G3", "B5"),
}
