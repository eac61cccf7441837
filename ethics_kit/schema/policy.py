"""policy.yaml: the organisation's thresholds, each with its rationale and source."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from ethics_kit import languages
from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.autonomy import AuditPolicy, AutonomyPolicy
from ethics_kit.schema.databases import Database
from ethics_kit.schema.evidence import AcceptancePolicy, ExplanationPolicy, PrivacyPolicy
from ethics_kit.schema.fields import Count, Day, Line, Model, Person, ReportLanguage, Share, YesNo
from ethics_kit.schema.governance import CommitteePolicy, GovernancePolicy
from ethics_kit.schema.monitoring import MonitoringPolicy
from ethics_kit.schema.response import ResponsePolicy
from ethics_kit.schema.rollout import RolloutPolicy
from ethics_kit.schema.thresholds import Threshold, default

Verdict = Literal["approve", "approve_with_conditions", "reject", "undetermined"]


Metric = Literal[
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "positive_predictive_value",
    "negative_predictive_value",
    "accuracy",
]


class FairnessPolicy(Model):
    """What stage 3 compares, and when a gap counts."""

    attributes: Threshold[list[Identifier]]
    margin: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]]
    significance: Threshold[Annotated[float, Field(gt=0, le=0.2, strict=True)]]
    confidence: Threshold[Annotated[float, Field(ge=0.5, lt=1, strict=True)]]
    max_unknown: Threshold[Share]
    minimum_group: Threshold[Annotated[int, Field(ge=2, strict=True)]]
    metrics: Threshold[Annotated[list[Metric], Field(min_length=1)]] = default(
        ["selection_rate", "true_positive_rate", "false_positive_rate"],
        "Who is selected, who is missed, who is flagged wrongly; other gaps cannot all vanish together with these.",
    )
    reference: Threshold[dict[Identifier, Line]] = default(
        {}, "Each group is compared with all others; a reference group is shown besides where one is named."
    )
    intersections: Threshold[list[Annotated[list[Identifier], Field(min_length=2)]]] = default(
        [], "None is named, so the impact level decides: pairs from level II, all combinations from level III."
    )
    capacity_shares: Threshold[list[Annotated[float, Field(gt=0, le=2, strict=True)]]] = default(
        [0.5, 1.0, 1.5], "Half, all and half again of the capacity show what a change of capacity would do to groups."
    )
    result_margin: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]] = default(
        0.1, "A tenth of the mean wait is what customers notice."
    )
    calibration_margin: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]] = default(
        0.05, "The same number of points as many policies allow a gap between rates."
    )
    neighbours: Threshold[Annotated[int, Field(ge=2, le=50, strict=True)]] = default(
        5, "Five neighbours are near enough to be alike and enough to smooth one odd case."
    )
    consistency_min: Threshold[Share] = default(
        0.8,
        "At most one decision in five may differ from those on the most similar people; no standard names a number.",
    )
    representation_min: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]] = default(
        0.8,
        "A group with less than four fifths of its share among customers is learnt from too little; no law says so.",
    )
    sample_rows: Threshold[Annotated[int, Field(ge=100, le=50_000, strict=True)]] = default(
        2000, "What needs rows runs on a seeded sample of this size; 2,000 rows tell a share within 2 points."
    )


class RiskPolicy(Model):
    """When a residual risk is more than the organisation accepts.

    `dpia_criteria`: how many of the nine criteria make a data protection impact assessment due.
    """

    appetite: Threshold[Annotated[int, Field(ge=1, le=25, strict=True)]]
    dpia_criteria: Threshold[Annotated[int, Field(ge=1, le=9, strict=True)]] = default(
        2,
        "One of the nine criteria holds for nearly every system of customer success, so one alone tells little apart.",
    )


class ConsultationPolicy(Model):
    """Who has to be thought of, and how long a consultation counts."""

    groups: Threshold[list[Identifier]]
    max_age_months: Threshold[Count]


class RecordsPolicy(Model):
    """How old evidence may be, how few rows tell nothing, and which small cells stay hidden."""

    answers_max_age_months: Threshold[Count]
    data_max_age_days: Threshold[Count]
    upstream_max_age_days: Threshold[Count]
    minimum_rows: Threshold[Count]
    small_cell: Threshold[Count]


class CoveragePolicy(Model):
    """The share that each coverage measure has to reach, and the share of failures each may have."""

    ownership_min: Threshold[Share]
    notice_min: Threshold[Share]
    audit_log_min: Threshold[Share]
    training_min: Threshold[Share]
    without_consent_max: Threshold[Share]
    after_opt_out_max: Threshold[Share]
    over_retention_max: Threshold[Share]
    model_card_min: Threshold[Share] = default(1.0, "What a model card leaves out every reader has to ask for again.")
    inventory_min: Threshold[Share] = default(1.0, "What nobody listed, nobody protects or deletes.")
    notice_readability_min: Threshold[Annotated[float, Field(ge=0, le=100, strict=True)]] = default(
        60.0,
        "Flesch called 60 to 70 standard, plain to most adults; the other formulas are meant for about the same scale.",
    )
    notice_words_min: Threshold[Count] = default(
        100, "Flesch's formula was made for samples of 100 words; on fewer, one long word moves it by points."
    )


class OversightPolicy(Model):
    """When people's review of the results counts as more than a form."""

    checkpoint_min: Threshold[Share] = default(
        0.99, "A decision that needs a person and passed nobody lacks its main safeguard; 1% may be lost by a log."
    )
    handover_min: Threshold[Share] = default(
        0.95, "Who asks an assistant for a person is to get one; one in twenty may hang up before."
    )
    seconds_min: Threshold[Annotated[float, Field(gt=0, le=3600, strict=True)]] = default(
        10.0,
        "Nobody reads a case and its reasons in less; 1.2 seconds a case were reported of an insurer (Cigna, 2023).",
    )
    too_fast_max: Threshold[Share] = default(0.1, "One case in ten may be plain at first sight.")
    run_length: Threshold[Annotated[int, Field(ge=2, strict=True)]] = default(
        20, "Twenty cases in a row with one decision in the same number of seconds look like a script or a batch."
    )
    in_runs_max: Threshold[Share] = default(0.1, "One batch of plain cases may happen; a habit of them is no review.")
    worse_per_quarter_max: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]] = default(
        0.15,
        "Fifteen points a quarter take the errors a team passes on from one in ten to most within a year.",
    )
    override_min: Threshold[Share] = default(
        0.01, "Reviewers who decide otherwise in fewer than 1 of 100 cases, while the system errs, change nothing."
    )
    accepted_when_wrong_max: Threshold[Share] = default(
        0.5, "Reviewers who pass on more than half of the errors do worse than a coin would."
    )
    overridden_when_right_max: Threshold[Share] = default(
        0.2, "Overruling one right result in five does harm of its own."
    )


class GatePolicy(Model):
    """What ``ethics-kit run --gate`` refuses, who may waive a finding, and whether and when people sign off."""

    refuse: Threshold[list[Verdict]]
    may_waive: Threshold[list[Line]] = default(
        ["ethics officer", "ethics committee", "chair of the ethics committee", "executive"],
        "Those who sign beside the owner; whoever answers for a system does not accept its faults for customers.",
    )
    signoff: Threshold[YesNo] = default(
        "no", "People sign off a release once, not every assessment; ask for it where only signed-off records may go."
    )
    decide_within_days: Threshold[Count] = default(
        30,
        "A committee that meets every month decides at its next meeting, and the data are still those of the quarter.",
    )


class Policy(Model):
    """policy.yaml: the organisation's thresholds. Until it is approved, nothing is better than undetermined."""

    version: Line
    approved_by: Person | None = None
    approved_on: Day | None = None
    confidentiality: Line
    language: ReportLanguage = languages.SOURCE
    data_roots: list[Line] = []
    databases: dict[Identifier, Database] = {}
    fairness: FairnessPolicy
    risk: RiskPolicy
    consultation: ConsultationPolicy
    records: RecordsPolicy
    coverage: CoveragePolicy
    oversight: OversightPolicy = OversightPolicy()
    audit: AuditPolicy = AuditPolicy()
    autonomy: AutonomyPolicy = AutonomyPolicy()
    privacy: PrivacyPolicy = PrivacyPolicy()
    explanations: ExplanationPolicy = ExplanationPolicy()
    acceptance: AcceptancePolicy = AcceptancePolicy()
    rollout: RolloutPolicy = RolloutPolicy()
    governance: GovernancePolicy = GovernancePolicy()
    committee: CommitteePolicy = CommitteePolicy()
    monitoring: MonitoringPolicy = MonitoringPolicy()
    response: ResponsePolicy = ResponsePolicy()
    gate: GatePolicy

    def approved(self, as_of: date) -> bool:
        """Whether a named person had approved the policy by `as_of`."""
        return self.approved_by is not None and self.approved_on is not None and self.approved_on <= as_of

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """What a threshold is where policy.yaml does not say, by its dotted name; some have no default."""
        parts = {area: field.annotation for area, field in cls.model_fields.items()}
        return {
            f"{area}.{name}": field.default.value
            for area, part in parts.items()
            if isinstance(part, type) and issubclass(part, Model)
            for name, field in part.model_fields.items()
            if isinstance(field.default, Threshold)
        }

    def thresholds(self) -> dict[str, Any]:
        """Every threshold by its dotted name."""
        found: dict[str, Any] = {}
        for area, part in self:
            if isinstance(part, Model):
                found |= {f"{area}.{k}": t.value for k, t in part if isinstance(t, Threshold)}
        return found
