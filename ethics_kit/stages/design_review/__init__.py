"""Stage 2: is the design ready: notice, lawful basis and consent, retention, oversight, documentation."""

from __future__ import annotations

from ethics_kit.stages.case import Step
from ethics_kit.stages.contradictions import bears_on, contradictions
from ethics_kit.stages.design_review.card import model_card
from ethics_kit.stages.design_review.checkpoints import checkpoints
from ethics_kit.stages.design_review.consent import consent_in_force
from ethics_kit.stages.design_review.constraint import constraint_chosen
from ethics_kit.stages.design_review.deletion import deletion_requests
from ethics_kit.stages.design_review.interest import legitimate_interest
from ethics_kit.stages.design_review.inventory import data_inventory
from ethics_kit.stages.design_review.minimisation import contributions, unused_columns
from ethics_kit.stages.design_review.notice import notice_before_first_decision, notice_texts
from ethics_kit.stages.design_review.privacy_law import privacy_law_evidence
from ethics_kit.stages.design_review.purpose import purpose_limitation
from ethics_kit.stages.design_review.representation import training_representation
from ethics_kit.stages.design_review.retention import retention
from ethics_kit.stages.design_review.transfers import cross_border
from ethics_kit.stages.design_review.transparency import transparency_views
from ethics_kit.stages.oversight import human_oversight

STEPS: dict[Step, tuple[str, ...]] = {
    notice_before_first_decision: ("P1.1",),
    notice_texts: ("P1.1",),
    transparency_views: ("S2.3",),
    data_inventory: ("S2.1",),
    purpose_limitation: ("C1.1",),
    unused_columns: ("P3.1",),
    contributions: ("C1.2",),
    cross_border: ("C1.4", "S2.1"),
    consent_in_force: ("P3.2",),
    legitimate_interest: ("P3.2",),
    deletion_requests: ("P3.4",),
    retention: ("C1.3",),
    training_representation: ("P2.4",),
    checkpoints: ("S2.4",),
    human_oversight: ("P4.4",),
    constraint_chosen: ("S2.2",),
    model_card: ("P1.3", "P1.4"),
    privacy_law_evidence: ("B2",),
    contradictions: bears_on("design_review"),
}
