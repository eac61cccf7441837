"""Stage 4: may it go, or stay, live: opt-outs, audit trail, oversight, answers to customers, and the records before."""

from __future__ import annotations

from ethics_kit.stages.case import Step
from ethics_kit.stages.deployment_signoff.appeals import appeals
from ethics_kit.stages.deployment_signoff.audit_log import (
    audit_log_completeness,
    audit_log_sequence,
    audit_log_versions,
)
from ethics_kit.stages.deployment_signoff.audits import external_audits
from ethics_kit.stages.deployment_signoff.autonomy import decided_after_opt_out, opt_out_latency
from ethics_kit.stages.deployment_signoff.bias_cadence import bias_tests_recur
from ethics_kit.stages.deployment_signoff.changes import changes_since_last
from ethics_kit.stages.deployment_signoff.disclosure import card_of_deployed_model, notices_still_reach
from ethics_kit.stages.deployment_signoff.drift_by_period import drift_by_period
from ethics_kit.stages.deployment_signoff.earlier import earlier_records
from ethics_kit.stages.deployment_signoff.errors import error_correction
from ethics_kit.stages.deployment_signoff.feedback import feedback
from ethics_kit.stages.deployment_signoff.gaps_by_period import gaps_by_period
from ethics_kit.stages.deployment_signoff.human_alternative import human_alternative
from ethics_kit.stages.deployment_signoff.improvement import actions_followed
from ethics_kit.stages.deployment_signoff.oversight import oversight_over_time
from ethics_kit.stages.deployment_signoff.performance_by_period import performance_by_period
from ethics_kit.stages.deployment_signoff.personalisation import control_over_personalisation
from ethics_kit.stages.deployment_signoff.returned import findings_returned
from ethics_kit.stages.deployment_signoff.review_due import review_due
from ethics_kit.stages.deployment_signoff.rollout import rollout_guardrails
from ethics_kit.stages.deployment_signoff.training import training_current
from ethics_kit.stages.deployment_signoff.triggers import review_triggers

STEPS: dict[Step, tuple[str, ...]] = {
    earlier_records: ("G3",),
    rollout_guardrails: ("S4.1",),
    drift_by_period: ("S4.2",),
    performance_by_period: ("S4.2",),
    gaps_by_period: ("S4.2",),
    oversight_over_time: ("P4.4",),
    appeals: ("C3.3",),
    error_correction: ("P4.3",),
    feedback: ("S4.3",),
    notices_still_reach: ("P1.1",),
    decided_after_opt_out: ("C3.1",),
    opt_out_latency: ("C3.1",),
    human_alternative: ("C3.2",),
    control_over_personalisation: ("C3.4",),
    audit_log_completeness: ("P4.2",),
    audit_log_sequence: ("P4.2",),
    audit_log_versions: ("P4.2",),
    card_of_deployed_model: ("P1.3",),
    review_due: ("G3", "B5"),
    review_triggers: ("G3",),
    training_current: ("G4",),
    external_audits: ("G5",),
    bias_tests_recur: ("P2.3",),
    actions_followed: ("S4.4",),
    findings_returned: ("S4.4",),
    changes_since_last: ("S4.4",),
}
"""The last three read what the others of this stage found, so that they come last."""
