"""organisation.yaml: what transfers of personal data from one country to another rest on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ethics_kit.schema.fields import Day, Line, Model, Place

Origin = Annotated[str, Field(pattern=r"^(EEA|[A-Z]{2})$")]
"""A country (ISO 3166), or EEA for all of the European Economic Area."""

Mechanism = Literal[
    "adequacy", "standard_contractual_clauses", "binding_corporate_rules", "derogation", "not_restricted"
]
ASSESSED: tuple[Mechanism, ...] = ("standard_contractual_clauses", "binding_corporate_rules")
"""What a transfer may rest on only after the law of the destination was looked at (CJEU C-311/18, Schrems II)."""


class Transfer(Model):
    """What transfers rest on, by the organisation's own account; `evidence` and `assessment` are links or files.

    Without `recipient` it is for all that are in `to`. `assessment`: the transfer impact assessment. `not_restricted`:
    the law of the origin does not restrict the transfer, as the evidence shows.
    """

    from_: Origin = Field(alias="from")
    to: Place
    recipient: Line | None = None
    mechanism: Mechanism
    evidence: Line
    assessment: Line | None = None
    by: Line
    on: Day
    until: Day | None = None
