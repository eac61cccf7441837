"""Where personal data from the European Economic Area may go: the dated table of transfers.yaml."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Annotated

from pydantic import Field, model_validator

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Identifier, Strict

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Adequacy(Strict):
    """One decision under GDPR Art. 45. `at` names the sources it was seen at."""

    to: Country
    decision: str
    on: date
    until: date | None = None
    scope: str | None = None
    at: tuple[Identifier, ...] = Field(min_length=1)

    def holds(self, day: date) -> bool:
        """Whether it was in force on a day, as far as the table knows."""
        return self.on <= day and (self.until is None or day <= self.until)


class Transfers(Strict):
    """The whole table, as it was on the day it was `seen`."""

    seen: date
    sources: dict[Identifier, str]
    eea: frozenset[Country]
    adequacy: tuple[Adequacy, ...]

    @model_validator(mode="after")
    def _sourced(self) -> Transfers:
        unknown = {source for decision in self.adequacy for source in decision.at} - {*self.sources}
        if unknown:
            raise ValueError(f"no such sources: {', '.join(sorted(unknown))}")
        return self

    def decision(self, country: str) -> Adequacy | None:
        """The decision on a country, in force or not."""
        return next((a for a in self.adequacy if a.to == country), None)


@cache
def table() -> Transfers:
    """The table of transfers.yaml."""
    return Transfers.model_validate(catalogue._read("transfers.yaml"))
