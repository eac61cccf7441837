"""review.yaml: what people said and decided about one record. A log: entries are only ever added."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ethics_kit.schema.fields import Day, Line, Model, Text

Act = Literal["submit", "comment", "return", "decide", "withdraw", "supersede"]
Decision = Literal["approve", "approve_with_conditions", "reject"]
State = Literal["draft", "submitted", "returned", "decided", "superseded", "withdrawn"]


class Entry(Model):
    """One act of a review: who, in which role, when, and what.

    `recorded_by`, `minute` (a link, or a file of the project with `minute_sha256`) and `members` belong to a decision
    of the committee that an officer wrote down; `by` is then who spoke for the committee.
    """

    act: Act
    by: Line
    role: Line
    on: Day
    findings: list[Line] = []
    text: Text | None = None
    decision: Decision | None = None
    reason: Text | None = None
    recorded_by: Line | None = None
    minute: Line | None = None
    minute_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    members: list[Line] = []


class ReviewFile(Model):
    """review.yaml"""

    schema_: Literal["ethics-kit/review/1"] = Field(alias="schema")
    record_id: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    entries: list[Entry] = []
