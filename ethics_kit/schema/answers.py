"""The four stages' files: answers, actions, waivers and registers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.autonomy import OfferedChoice
from ethics_kit.schema.design import Inventory, Notices
from ethics_kit.schema.fields import (
    Day,
    Line,
    Model,
    RequirementId,
    StandardId,
    Text,
    YesNo,
    same_person,
    yes_no_in_any_case,
)
from ethics_kit.schema.governance import Audit
from ethics_kit.schema.monitoring import MonitoringPlan
from ethics_kit.schema.oversight import Alternative, Checkpoint, ModelCard, ReviewPlan
from ethics_kit.schema.privacy import PrivacyAssessment
from ethics_kit.schema.registers import RegisteredRisk, RuledOut, Stakeholder
from ethics_kit.schema.response import Promises
from ethics_kit.schema.rollout import RolloutPlan


def _known_reason(value: str) -> str:
    if value not in catalogue.not_applicable_reasons():
        raise ValueError("one of " + ", ".join(catalogue.not_applicable_reasons()))
    return value


class Answer(Model):
    """One answered question: what, who, in which role, when, and the evidence (a link or a file beside it)."""

    value: Annotated[str, BeforeValidator(yes_no_in_any_case), Field(max_length=20_000)] | Day | None = None
    by: Line | None = None
    role: Line | None = None
    on: Day | None = None
    evidence: Line | None = None
    note: Text | None = None
    override_reason: Text | None = None

    @property
    def given(self) -> bool:
        """Whether there is an answer at all; a question that `new` wrote and nobody filled in has none."""
        return self.value is not None and bool(str(self.value).strip())


class Action(Model):
    """What will be done about a finding, by whom and until when."""

    finding: Line
    action: Text
    owner: Line
    deputy: Line | None = None
    opened: Day | None = None
    due: Day
    closed: Day | None = None


class Waiver(Model):
    """A finding that somebody with the right to do so accepts for a time."""

    finding: Line
    reason: Text
    by: Line
    role: Line
    on: Day
    until: Day


class NotApplicable(Model):
    """A requirement declared not applicable: a reason from the list, a person, a second person, a date."""

    requirement: RequirementId
    reason: Annotated[str, AfterValidator(_known_reason)]
    explanation: Text
    by: Line
    approved_by: Line
    on: Day

    @field_validator("approved_by")
    @classmethod
    def _two_people(cls, approved_by: str, others: ValidationInfo) -> str:
        if same_person(approved_by, others.data.get("by", "")):
            raise ValueError("a second person, not the one in `by`")
        return approved_by


class StageAnswers(Model):
    """What every stage's file holds."""

    answers: dict[Identifier, Answer] = {}
    actions: list[Action] = []
    waivers: list[Waiver] = []
    not_applicable: list[NotApplicable] = []


class Applicability(Model):
    """Whether a law or standard applies; *no* is a decision too, with a reason, a name and a date."""

    applies: YesNo
    reason: Text
    by: Line
    on: Day
    override_reason: Text | None = None


class ImpactAnalysis(StageAnswers):
    """impact_analysis.yaml"""

    standards: dict[StandardId, Applicability] = {}
    stakeholders: list[Stakeholder] = []
    risks: list[RegisteredRisk] = []
    risks_ruled_out: list[RuledOut] = []


class GroupThresholds(Model):
    """Who approved trying thresholds that differ by group, which may be unlawful in some places."""

    approved_by: Line
    role: Line
    on: Day
    reason: Text


class FairnessConstraint(Model):
    """What the design asks of the model, in terms that the bias tests can check; the margin is the policy's.

    `considered` lists the constraints that were looked at and not chosen: not all can hold at once.
    """

    metric: Literal["demographic_parity", "equal_opportunity", "equalized_odds", "predictive_parity"]
    attributes: Annotated[list[Identifier], Field(min_length=1)]
    reason: Text
    by: Line
    on: Day
    considered: list[Alternative] = []
    group_thresholds: GroupThresholds | None = None


class DesignReview(StageAnswers):
    """design_review.yaml"""

    constraint: FairnessConstraint | None = None
    checkpoints: list[Checkpoint] = []
    review_plan: ReviewPlan | None = None
    model_card: ModelCard | None = None
    inventory: Inventory | None = None
    notices: Notices | None = None


class BiasTesting(StageAnswers):
    """bias_testing.yaml"""

    privacy_assessment: PrivacyAssessment | None = None


class DeploymentSignoff(StageAnswers):
    """deployment_signoff.yaml"""

    rollout: RolloutPlan | None = None
    audits: list[Audit] = []
    monitoring: MonitoringPlan | None = None
    promises: Promises | None = None
    choices_offered: list[OfferedChoice] = []
