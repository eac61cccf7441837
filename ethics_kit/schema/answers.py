"""The four stages' files: answers, actions, waivers and registers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.fields import (
    Day,
    Line,
    Model,
    Points,
    RequirementId,
    StandardId,
    Text,
    YesNo,
    same_person,
    yes_no_in_any_case,
)


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


class Consultation(Model):
    """What a group was heard on, what it raised and what it was answered."""

    on: Day
    how: Line
    raised: Text
    answered: Text | None = None


class Stakeholder(Model):
    """A group the system touches. A group of the policy that it does not touch says why in `not_affected`."""

    group: Identifier
    name: Line
    benefit: Text | None = None
    harm: Text | None = None
    severity: Points | None = None
    scale: Points | None = None
    reversible: Annotated[Literal["yes", "partly", "no"], BeforeValidator(yes_no_in_any_case)] | None = None
    vulnerable: bool = False
    not_affected: Text | None = None
    consulted: Consultation | None = None


class Rating(Model):
    """Likelihood and severity, 1 (lowest) to 5."""

    likelihood: Points
    severity: Points

    @property
    def score(self) -> int:
        return self.likelihood * self.severity


class RegisteredRisk(Model):
    """One row of the risk register; `id` is the library's (R1…) or the system's own (X1…)."""

    id: Annotated[str, Field(pattern=r"^[RX][0-9]+$")]
    title: Line
    inherent: Rating | None = None
    treatment: Text | None = None
    residual: Rating | None = None
    owner: Line | None = None
    deputy: Line | None = None
    due: Day | None = None
    accepted_by: Line | None = None


class RuledOut(Model):
    """A risk of the library that this system does not have, with the reason."""

    id: Annotated[str, Field(pattern=r"^R[0-9]+$")]
    reason: Text
    by: Line
    on: Day


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
    """What the design asks of the model, in terms that the bias tests can check; the margin is the policy's."""

    metric: Literal["demographic_parity", "equal_opportunity", "equalized_odds", "predictive_parity"]
    attributes: Annotated[list[Identifier], Field(min_length=1)]
    reason: Text
    by: Line
    on: Day
    group_thresholds: GroupThresholds | None = None


class DesignReview(StageAnswers):
    """design_review.yaml"""

    constraint: FairnessConstraint | None = None


class BiasTesting(StageAnswers):
    """bias_testing.yaml"""


class DeploymentSignoff(StageAnswers):
    """deployment_signoff.yaml"""
