"""Stage 3: who is selected, who is missed, what comes of it, and whether differences are more than chance."""

from __future__ import annotations

from ethics_kit.stages.bias_testing.acceptance import user_acceptance
from ethics_kit.stages.bias_testing.alike import individual_fairness
from ethics_kit.stages.bias_testing.by_score import scores_by_group
from ethics_kit.stages.bias_testing.cells import intersectional_bias
from ethics_kit.stages.bias_testing.constraints import constraint_met
from ethics_kit.stages.bias_testing.coverage import paired_swaps, segment_coverage
from ethics_kit.stages.bias_testing.equity import equitable_treatment
from ethics_kit.stages.bias_testing.explained import reasons_borne_out
from ethics_kit.stages.bias_testing.explanations import explanations_verified
from ethics_kit.stages.bias_testing.extracts import extract_anonymity
from ethics_kit.stages.bias_testing.membership import membership_inference
from ethics_kit.stages.bias_testing.mitigations import mitigation
from ethics_kit.stages.bias_testing.outcomes import (
    classes_by_group,
    effect_of_acting,
    outcome_equity,
)
from ethics_kit.stages.bias_testing.parity import demographic_parity
from ethics_kit.stages.bias_testing.performance import performance_by_segment
from ethics_kit.stages.bias_testing.privacy import privacy_impact_assessment
from ethics_kit.stages.bias_testing.profile import bias_profile
from ethics_kit.stages.bias_testing.proxies import proxies_found
from ethics_kit.stages.bias_testing.reasons import reasons_given
from ethics_kit.stages.case import Step

STEPS: dict[Step, tuple[str, ...]] = {
    segment_coverage: ("S3.1",),
    demographic_parity: ("C2.1",),
    outcome_equity: ("C2.3",),
    scores_by_group: ("C2.3",),
    classes_by_group: ("C2.3",),
    effect_of_acting: ("C2.3",),
    equitable_treatment: ("P2.2",),
    performance_by_segment: ("P1.4",),
    intersectional_bias: ("C2.4",),
    individual_fairness: ("C2.2",),
    paired_swaps: ("S3.1",),
    reasons_given: ("P1.2",),
    reasons_borne_out: ("P1.2",),
    explanations_verified: ("S3.3",),
    proxies_found: ("S3.3",),
    mitigation: ("P2.1",),
    constraint_met: ("S2.2",),
    extract_anonymity: ("P3.3",),
    user_acceptance: ("S3.4",),
    membership_inference: ("S3.2",),
    privacy_impact_assessment: ("S3.2",),
    bias_profile: ("B3",),
}
