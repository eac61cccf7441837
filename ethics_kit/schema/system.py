"""organisation.yaml and system.yaml: what all systems share, what one system is, and where its tables lie."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from ethics_kit.framework.catalogue import Identifier, Kind, Use
from ethics_kit.schema.answers import Answer, Applicability
from ethics_kit.schema.extracts import Extract
from ethics_kit.schema.fields import Count, Day, Line, Model, Person, Place, Sha256, StandardId, Text, YesNo, yes_no
from ethics_kit.schema.governance import Audit
from ethics_kit.schema.oversight import CardPart
from ethics_kit.schema.signers import Signer
from ethics_kit.schema.tables import RetentionClass, TableSpec
from ethics_kit.schema.transfers import Transfer


class Organisation(Model):
    """organisation.yaml: what all systems share. A system may override an answer or table with a reason.

    `places` says in which country, or region of one, the customers of each region in the tables live;
    `training_required` which courses, as the table training writes them, everybody in a role has to have; `signers`
    whose signatures on records count.
    """

    name: Line
    answers: dict[Identifier, Answer] = {}
    tables: dict[Identifier, TableSpec] = {}
    retention_classes: dict[Identifier, RetentionClass] = {}
    places: dict[Line, Place] = {}
    standards: dict[StandardId, Applicability] = {}
    transfers: list[Transfer] = []
    training_required: dict[Line, Annotated[list[Line], Field(min_length=1)]] = {}
    audits: list[Audit] = []
    signers: list[Signer] = []


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


class Feature(Model):
    """What the system may go by. People alike in these are alike in what matters.

    `table` is that of the events unless said; `training` is the feature's column in the training sample, `attribution`
    the column of the table of attributions that says what the feature added to the score.
    """

    column: Line
    type: Literal["number", "text"] = "number"
    table: Literal["decisions", "conversations", "customers"] | None = None
    training: Line | None = None
    attribution: Line | None = None


class Reason(Model):
    """What a stored reason code tells the customer, by language, and which features it stands for."""

    words: Annotated[dict[Line, Text], Field(min_length=1)]
    features: list[Identifier] = []


class Stratum(Model):
    """A legitimate factor, such as the contract's tier: gaps are looked at again among people equal in it."""

    column: Line
    table: Literal["decisions", "conversations", "customers"] | None = None
    reason: Text


class EarlierVersion(Model):
    """A version that was in use before the present one, with the first and the last day on which it was."""

    version: Line
    from_: Day = Field(alias="from")
    until: Day

    @model_validator(mode="after")
    def _in_order(self) -> EarlierVersion:
        if self.until < self.from_:
            raise ValueError("until on or after from")
        return self


class ModelInfo(Model):
    """The model in use. A supplier's release period may stand for a version; `file` is the model itself, `sha256` the
    digest of the file that was approved, `plugin` the name under which an installed package offers it instead,
    `columns` what it reads, in order, where it does not say so itself, and `positive` its class for a positive outcome,
    where that is not the second in order. `earlier_versions` were in use before: their decisions stand in the log."""

    version: Line | None = None
    released: Day | None = None
    earlier_versions: list[EarlierVersion] = []
    file: Line | None = None
    sha256: Sha256 | None = None
    plugin: Line | None = None
    columns: list[Line] = []
    positive: Line | None = None

    @property
    def label(self) -> str | None:
        """The version, else the day of the release."""
        return self.version or (f"release of {self.released}" if self.released else None)

    @model_validator(mode="after")
    def _versions_once(self) -> ModelInfo:
        names = [v.version for v in self.earlier_versions]
        if len({*names, self.version}) <= len(names):
            raise ValueError("each version once: earlier_versions do not name the version in use, nor one twice")
        return self


class SupplierRequest(Model):
    """What a supplier was asked for, and the answer; `about` is the part of the model card that it would fill."""

    what: Line
    about: CardPart | None = None
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
    """Which values of the decision column mean *selected*; `capacity` is how many can be, at most.

    `taken` lists the values of the action column that mean it was done; without them, those of `selected`.
    `order` lists the classes from the one served first to the one served last, where there is such an order.
    """

    order: list[Line] = []
    selected: list[Annotated[str, BeforeValidator(yes_no)]] = []
    taken: list[Annotated[str, BeforeValidator(yes_no)]] = []
    capacity: Count | None = None

    @property
    def done(self) -> list[str]:
        """The values of the action column that mean it was done."""
        return self.taken or self.selected


class OutcomeRule(Model):
    """Which values of the outcome column count as positive, and after how many days it is known, if that is known.

    `order` lists, position by position with the decision's, the outcome that deserves each class. `changed_by_action`:
    acting on a decision changes the outcome (a customer who is saved looks like a false alarm).
    """

    order: list[Line] = []
    changed_by_action: YesNo | None = None
    positive: list[Annotated[str, BeforeValidator(yes_no)]] = []
    horizon_days: Annotated[int, Field(ge=0, strict=True)] | None = None


class NotKept(Model):
    """Why a table of customers' rows, or a result of the decisions, does not exist for this system."""

    reason: Text
    by: Line
    on: Day


class BalancingTest(Model):
    """The organisation's interest weighed against those of the people concerned: a file or link, kept by whom."""

    evidence: Line
    by: Line
    on: Day


class LawfulBasis(Model):
    """The basis of one purpose, decided by one person and approved by another.

    A purpose that rests on legitimate interest has its `balancing_test` on file.
    """

    purpose: Line
    basis: Literal["contract", "legitimate_interest", "consent"]
    by: Line
    approved_by: Line
    on: Day
    balancing_test: BalancingTest | None = None


class System(Model):
    """system.yaml: what the system is, who answers for it, and where its tables lie.

    While it is `preliminary`, only the short questionnaire is asked, and nothing can be approved.
    """

    name: Line
    preliminary: bool = False
    kind: Kind
    use: Use | None = None
    purpose: Text | None = None
    intended_use: Text | None = None
    out_of_scope: list[Text] = []
    owner: Person | None = None
    deputy: Person | None = None
    model: ModelInfo = ModelInfo()
    supplier: Supplier | None = None
    unit: Unit
    selection_is: Literal["benefit", "burden", "mixed"] | None = None
    score_is: Literal["probability", "rank", "forecast"] | None = None
    decision: DecisionRule = DecisionRule()
    outcome: OutcomeRule = OutcomeRule()
    attributes: dict[Identifier, Attribute] = {}
    not_attributes: dict[Line, Text] = {}
    features: dict[Identifier, Feature] = {}
    strata: dict[Identifier, Stratum] = {}
    reasons: dict[Line, Reason] = {}
    lawful_bases: list[LawfulBasis] = []
    tables: dict[Identifier, TableSpec] = {}
    not_kept: dict[Identifier, NotKept] = {}
    extracts: dict[Identifier, Extract] = {}

    @property
    def events(self) -> str:
        """The table whose rows are what the system did."""
        return "conversations" if self.kind == "generative" else "decisions"
