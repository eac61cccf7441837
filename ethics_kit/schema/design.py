"""design_review.yaml: which data flows where and why, and what customers are told of the AI."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.fields import Day, Line, Model, Place, Text, placeholder

Category = Literal["ordinary", "contact", "behavioural", "free_text", "special", "not_personal"]
"""What kind of data it is. `special`: as in GDPR Art. 9; `not_personal`: counts and the like, about nobody."""

Basis = Literal["contract", "legitimate_interest", "consent", "legal_obligation", "public_task", "vital_interest"]

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
"""A language (ISO 639: en), with a country where that matters (en-GB)."""


class DataFlow(Model):
    """One row of the inventory: data of one kind that share a purpose, a place and what protects them.

    `columns` lists columns by the dossier's table, `other` what lies in none of its tables (prompts, logs, copies).
    Without `basis` the purpose's in system.yaml holds, without `retention` the tables' own class. `recipients` says who
    gets the data, and in which country. `allowed_by` is for the category `special`: the condition of GDPR Art. 9(2).
    """

    columns: dict[Identifier, Annotated[list[Line], Field(min_length=1)]] = {}
    other: list[Line] = []
    category: Category
    source: Line | None = None
    purpose: Line | None = None
    basis: Basis | None = None
    allowed_by: Line | None = None
    retention: Identifier | None = None
    location: Place | None = None
    recipients: dict[Line, Place] = {}
    safeguards: list[Line] = []

    @model_validator(mode="after")
    def _of_something(self) -> DataFlow:
        if not (self.columns or self.other):
            raise ValueError("columns of the dossier's tables, other data, or both")
        return self

    def serves(self, purpose: str) -> bool:
        """Whether the row is for this purpose; case and blanks around it do not matter."""
        return self.purpose is not None and self.purpose.strip().casefold() == purpose.strip().casefold()

    @property
    def personal(self) -> bool:
        return self.category != "not_personal"

    @property
    def protected(self) -> bool:
        """Whether at least one safeguard is named."""
        return any(not placeholder(text) for text in self.safeguards)

    @property
    def listed(self) -> int:
        """How many fields the row stands for."""
        return sum(len(columns) for columns in self.columns.values()) + len(self.other)


class Inventory(Model):
    """The data-flow inventory, and who keeps it."""

    by: Line
    on: Day
    rows: Annotated[list[DataFlow], Field(min_length=1)]


class NoticeText(Model):
    """A notice as customers get it, in one language, by one or more channels. `file` lies in the dossier's folder."""

    language: Language
    channels: Annotated[list[Line], Field(min_length=1)]
    text: Text | None = None
    file: Line | None = None
    version: Line | None = None
    valid_from: Day
    valid_until: Day | None = None

    @model_validator(mode="after")
    def _text_or_file(self) -> NoticeText:
        if (self.text is None) == (self.file is None):
            raise ValueError("either text (the notice itself) or file (where it lies)")
        return self


class Notices(Model):
    """The channels and languages in which customers are served, and the notice of AI use for each."""

    by: Line
    on: Day
    channels: Annotated[list[Line], Field(min_length=1)]
    languages: Annotated[list[Language], Field(min_length=1)]
    texts: list[NoticeText] = []
