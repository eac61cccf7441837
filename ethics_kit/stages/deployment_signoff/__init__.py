"""Stage 4: may it go, or stay, live: opt-outs, audit trail, training, reviews, and the three records before it."""

from __future__ import annotations

from ethics_kit.stages.case import Step
from ethics_kit.stages.deployment_signoff.audit_log import (
    audit_log_completeness,
    audit_log_sequence,
    audit_log_versions,
)
from ethics_kit.stages.deployment_signoff.autonomy import decided_after_opt_out, opt_out_latency
from ethics_kit.stages.deployment_signoff.disclosure import card_of_deployed_model, notices_still_reach
from ethics_kit.stages.deployment_signoff.earlier import earlier_records
from ethics_kit.stages.deployment_signoff.human_alternative import human_alternative
from ethics_kit.stages.deployment_signoff.personalisation import control_over_personalisation
from ethics_kit.stages.deployment_signoff.review_due import review_due
from ethics_kit.stages.deployment_signoff.training import training_current

STEPS: dict[Step, tuple[str, ...]] = {
    earlier_records: ("G3",),
    notices_still_reach: ("P1.1",),
    card_of_deployed_model: ("P1.3",),
    decided_after_opt_out: ("C3.1",),
    opt_out_latency: ("C3.1",),
    human_alternative: ("C3.2",),
    control_over_personalisation: ("C3.4",),
    audit_log_completeness: ("P4.2",),
    audit_log_sequence: ("P4.2",),
    audit_log_versions: ("P4.2",),
    training_current: ("G4",),
    review_due: ("G3", "B5"),
}
