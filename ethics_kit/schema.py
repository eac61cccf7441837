"""The YAML files a person writes, as models: policy, organisation, system and the four stages' answers."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Identifier, Kind
from ethics_kit.yamlfile import NOT_BLANK

Text = Annotated[str, Field(pattern=NOT_BLANK, max_length=20_000)]
Line = Annotated[str, Field(pattern=NOT_BLANK, max_length=300)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Points = Annotated[int, Field(ge=1, le=5, strict=True)]
Count = Annotated[int, Field(ge=1, strict=True)]
T = TypeVar("T")
Verdict = Literal["approve", "approve_with_conditions", "reject", "undetermined"]


PLACEHOLDER = re.compile(r"(?i:[\W_]*|\W*(todo|tb[acd]|fixme|n\W?a|x+)\W*)|(TODO|TBD|FIXME)\b.*", re.DOTALL)


def placeholder(text: str) -> bool:
    """Whether a text only holds the place of one: TODO, TBD, n/a, xxx, or nothing but signs."""
    return PLACEHOLDER.fullmatch(text.strip()) is not None


def _yes_no(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _yes_no_in_any_case(value: Any) -> Any:
    lower = value.strip().lower() if isinstance(value, str) else None
    return lower if lower in ("yes", "no") else _yes_no(value)


def _day(value: Any) -> Any:
    """A date, or one in quotes; pydantic would also take numbers, as seconds since 1970."""
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("a date such as 2026-10-31") from None


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same but for case, spaces, and forms and signs that look the same or do not show."""
    return _name(one) == _name(other)


def _name(text: str) -> list[str]:
    shown = (c for c in unicodedata.normalize("NFKC", text) if c.isprintable() or c.isspace())
    return "".join(shown).casefold().split()


def _known_requirement(value: str) -> str:
    if value not in catalogue.requirements():
        raise ValueError("an id of the framework, such as C2.1")
    return value


def _known_reason(value: str) -> str:
    if value not in catalogue.not_applicable_reasons():
        raise ValueError("one of " + ", ".join(catalogue.not_applicable_reasons()))
    return value


Day = Annotated[date, BeforeValidator(_day)]
RequirementId = Annotated[str, AfterValidator(_known_requirement)]


class Model(BaseModel):
    """Unknown keys are errors; a key without a value is the same as no key; other values are those in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, data: Any) -> Any:
        if data is None:
            return {}
        if not isinstance(data, dict):
            return data
        known = {*cls.model_fields, *(field.alias for field in cls.model_fields.values())}
        return {key: value for key, value in data.items() if value is not None or key not in known}


class Person(Model):
    """A named person."""

    name: Line
    role: Line
    contact: Line | None = None


# --- policy.yaml -----------------------------------------------------------------------------------------------


class Threshold(Model, Generic[T]):
    """A limit, with why it was chosen and where it comes from."""

    value: T
    rationale: Text
    source: Text


class FairnessPolicy(Model):
    """What stage 3 compares, and when a gap counts."""

    attributes: Threshold[list[Identifier]]
    margin: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]]
    significance: Threshold[Annotated[float, Field(gt=0, le=0.2, strict=True)]]
    confidence: Threshold[Annotated[float, Field(ge=0.5, lt=1, strict=True)]]
    max_unknown: Threshold[Share]
    minimum_group: Threshold[Annotated[int, Field(ge=2, strict=True)]]


class RiskPolicy(Model):
    """When a residual risk is more than the organisation accepts."""

    appetite: Threshold[Annotated[int, Field(ge=1, le=25, strict=True)]]


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


class GatePolicy(Model):
    """The recommendations that ``ethics-kit run --gate`` refuses."""

    refuse: Threshold[list[Verdict]]


class Policy(Model):
    """policy.yaml: the organisation's thresholds. Until it is approved, nothing is better than undetermined."""

    version: Line
    approved_by: Person | None = None
    approved_on: Day | None = None
    confidentiality: Line
    data_roots: list[Line] = []
    fairness: FairnessPolicy
    risk: RiskPolicy
    consultation: ConsultationPolicy
    records: RecordsPolicy
    coverage: CoveragePolicy
    gate: GatePolicy

    def approved(self, as_of: date) -> bool:
        """Whether a named person had approved the policy by `as_of`."""
        return self.approved_by is not None and self.approved_on is not None and self.approved_on <= as_of

    def thresholds(self) -> dict[str, Any]:
        """Every threshold by its dotted name."""
        found: dict[str, Any] = {}
        for area, part in self:
            if isinstance(part, Model):
                found |= {f"{area}.{k}": t.value for k, t in part if isinstance(t, Threshold)}
        return found


# --- tables ----------------------------------------------------------------------------------------------------


class TableSpec(Model):
    """Where a table lies and which column plays which part.

    `source` is a CSV, Parquet or DuckDB file, from the dossier's folder; `table` names the table in a DuckDB
    file. `columns` maps roles (see framework/tables.yaml) to the table's own column names. A snapshot without a time
    column says its day in `dated`. `ignored` says why a yes/no column that no role reads does not matter.
    """

    source: Line
    table: Line | None = None
    columns: dict[Identifier, Line]
    dated: Day | None = None
    ignored: dict[Line, Text] = {}
    retention_class: Identifier | None = None
    override_reason: Text | None = None


# --- answers ---------------------------------------------------------------------------------------------------


class Answer(Model):
    """One answered question: what, who, in which role, when, and the evidence (a link or a file beside it)."""

    value: Annotated[str, BeforeValidator(_yes_no_in_any_case), Field(max_length=20_000)] | Day | None = None
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
    reversible: Annotated[Literal["yes", "partly", "no"], BeforeValidator(_yes_no_in_any_case)] | None = None
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


def _known_standard(value: str) -> str:
    if value not in catalogue.standards():
        raise ValueError("one of " + ", ".join(catalogue.standards()))
    return value


StandardId = Annotated[str, AfterValidator(_known_standard)]


class Applicability(Model):
    """Whether a law or standard applies; *no* is a decision too, with a reason, a name and a date."""

    applies: Annotated[Literal["yes", "no"], BeforeValidator(_yes_no_in_any_case)]
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


class DesignReview(StageAnswers):
    """design_review.yaml"""


class BiasTesting(StageAnswers):
    """bias_testing.yaml"""


class DeploymentSignoff(StageAnswers):
    """deployment_signoff.yaml"""


# --- organisation.yaml -----------------------------------------------------------------------------------------


class RetentionClass(Model):
    """How long rows of a class may be kept."""

    days: Annotated[int, Field(ge=1, le=36_500, strict=True)]
    reason: Text


class Organisation(Model):
    """organisation.yaml: what all systems share. A system may override an answer or table with a reason."""

    name: Line
    answers: dict[Identifier, Answer] = {}
    tables: dict[Identifier, TableSpec] = {}
    retention_classes: dict[Identifier, RetentionClass] = {}
    standards: dict[StandardId, Applicability] = {}


# --- system.yaml -----------------------------------------------------------------------------------------------


class NotHeld(Model):
    """Why an attribute is not held, what stands in for it, and what stays unknown."""

    reason: Text
    substitute: Literal["voluntary_survey", "paired_test", "bounds", "none"]
    unknown: Text
    by: Line
    on: Day


class Attribute(Model):
    """What groups are formed by. A `segment` (plan, company size) never evidences fairness towards people."""

    class_: Literal["protected", "proxy", "segment"] = Field(alias="class")
    column: Line | None = None
    table: Literal["decisions", "conversations", "customers"] | None = None
    not_held: NotHeld | None = None

    @model_validator(mode="after")
    def _held_or_not(self) -> Attribute:
        if (self.column is None) == (self.not_held is None):
            raise ValueError("either column (where it is held) or not_held (why it is not)")
        return self


class ModelInfo(Model):
    """The model in use. A supplier's release period may stand for a version."""

    version: Line | None = None
    released: Day | None = None

    @property
    def label(self) -> str | None:
        """The version, else the day of the release."""
        return self.version or (f"release of {self.released}" if self.released else None)


class SupplierRequest(Model):
    """What a supplier was asked for, and the answer."""

    what: Line
    asked_on: Day
    answer: Literal["received", "refused", "pending"]
    answered_on: Day | None = None


class Supplier(Model):
    """Who made a bought system."""

    name: Line
    requests: list[SupplierRequest] = []


class Unit(Model):
    """What is decided on, who is affected, and what repeated rows belong to."""

    decision: Line
    affected_person: Line
    cluster: Line | None = None


class DecisionRule(Model):
    """Which values of the decision column mean *selected*; `capacity` is how many can be, at most."""

    selected: list[Annotated[str, BeforeValidator(_yes_no)]] = []
    capacity: Count | None = None


class OutcomeRule(Model):
    """Which values of the outcome column count as positive, and after how many days it is known, if that is known."""

    positive: list[Annotated[str, BeforeValidator(_yes_no)]] = []
    horizon_days: Annotated[int, Field(ge=0, strict=True)] | None = None


class NotKept(Model):
    """Why a table of customers' rows does not exist for this system."""

    reason: Text
    by: Line
    on: Day


class LawfulBasis(Model):
    """The basis of one purpose, decided by one person and approved by another."""

    purpose: Line
    basis: Literal["contract", "legitimate_interest", "consent"]
    by: Line
    approved_by: Line
    on: Day


class System(Model):
    """system.yaml: what the system is, who answers for it, and where its tables lie."""

    name: Line
    kind: Kind
    use: Literal["churn", "health", "triage", "offers", "bot"] | None = None
    purpose: Text | None = None
    intended_use: Text | None = None
    out_of_scope: list[Text] = []
    owner: Person | None = None
    deputy: Person | None = None
    model: ModelInfo = ModelInfo()
    supplier: Supplier | None = None
    unit: Unit
    selection_is: Literal["benefit", "burden", "mixed"] | None = None
    decision: DecisionRule = DecisionRule()
    outcome: OutcomeRule = OutcomeRule()
    attributes: dict[Identifier, Attribute] = {}
    not_attributes: dict[Line, Text] = {}
    lawful_bases: list[LawfulBasis] = []
    tables: dict[Identifier, TableSpec] = {}
    not_kept: dict[Identifier, NotKept] = {}

    @property
    def events(self) -> str:
        """The table whose rows are what the system did."""
        return "conversations" if self.kind == "generative" else "decisions"


STAGE_FILES: dict[str, type[StageAnswers]] = {
    "impact_analysis": ImpactAnalysis,
    "design_review": DesignReview,
    "bias_testing": BiasTesting,
    "deployment_signoff": DeploymentSignoff,
}
FILES: dict[str, type[Model]] = {
    "policy": Policy,
    "organisation": Organisation,
    "system": System,
    **STAGE_FILES,
}
