"""The registers of impact_analysis.yaml: the groups a system touches, and its risks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.fields import Day, Line, Model, Points, Text, yes_no_in_any_case


def _one_is_a_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Consultation(Model):
    """One concern a group raised, and what it was answered; a group has a row for each concern and each time."""

    on: Day
    how: Line
    raised: Text
    answered: Text | None = None
    answered_on: Day | None = None


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
    consulted: Annotated[list[Consultation], BeforeValidator(_one_is_a_list)] = []


class Rating(Model):
    """Likelihood and severity, 1 (lowest) to 5."""

    likelihood: Points
    severity: Points

    @property
    def score(self) -> int:
        return self.likelihood * self.severity

    def __str__(self) -> str:
        return f"{self.score} ({self.likelihood}×{self.severity})"


class RegisteredRisk(Model):
    """One row of the risk register; `id` is the library's (R1…) or the system's own (X1…).

    `why_lower` says why `inherent` is far below the library's typical rating; `done` is the day the treatment was
    complete.
    """

    id: Annotated[str, Field(pattern=r"^[RX][0-9]+$")]
    title: Line
    inherent: Rating | None = None
    why_lower: Text | None = None
    treatment: Text | None = None
    residual: Rating | None = None
    owner: Line | None = None
    deputy: Line | None = None
    due: Day | None = None
    done: Day | None = None
    accepted_by: Line | None = None
    accepted_until: Day | None = None


class RuledOut(Model):
    """A risk of the library that this system does not have, with the reason."""

    id: Annotated[str, Field(pattern=r"^R[0-9]+$")]
    reason: Text
    by: Line
    on: Day
