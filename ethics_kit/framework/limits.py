"""How long a law gives for carrying out a request to delete, from limits.yaml."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Strict


class Span(Strict):
    """Calendar months, then days."""

    months: Annotated[int, Field(ge=0)] = 0
    days: Annotated[int, Field(ge=0)] = 0

    @property
    def days_at_most(self) -> int:
        """How many days it may have."""
        return self.months * 31 + self.days


class Limit(Strict):
    """One law's time limit; `places` are countries or their regions, `not_counted` is what the kit leaves out."""

    id: str
    label: str
    cite: str
    first: Span
    extension: Span
    starts: Literal["receipt", "verified"]
    places: Annotated[tuple[str, ...], Field(min_length=1)]
    source: str
    seen: date
    not_counted: str

    def reaches(self, place: str) -> bool:
        """Whether a place (DE, or DE-BY) is one of the law's."""
        return place in self.places or place.partition("-")[0] in self.places


@cache
def limits() -> tuple[Limit, ...]:
    """The limits, each under the id of its law in standards.yaml."""
    return tuple(Limit.model_validate(row) for row in catalogue._read("limits.yaml"))
