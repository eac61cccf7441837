"""What customers were promised when they write (deployment_signoff.yaml), and how much of it has to be kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ethics_kit.schema.fields import Count, Day, Line, Model, Share
from ethics_kit.schema.thresholds import Threshold, default

Gap = Annotated[float, Field(gt=0, lt=1, strict=True)]


class Promises(Model):
    """How long customers wait at most, as they were told: in calendar days, and in minutes until a person answers."""

    appeal_days: Count | None = None
    error_days: Count | None = None
    answer_days: Count | None = None
    human_minutes: Count | None = None
    by: Line
    on: Day


class ResponsePolicy(Model):
    """When appeals, reports of errors and feedback count as answered, and what they tell against the system."""

    appeals_in_time_min: Threshold[Share] = default(
        0.9, "An appeal answered late leaves the decision standing; one in ten may need longer to look into."
    )
    overturned_max: Threshold[Share] = default(
        0.3, "Who appeals has a reason to; where a third of them is right, the decisions that nobody contests err, too."
    )
    filed_margin: Threshold[Gap] = default(
        0.01, "Ten customers in a thousand; appeals are rare, and a gap as wide as between decisions would hide them."
    )
    outcome_margin: Threshold[Gap] = default(
        0.1, "What is compared are the few who wrote; with some hundred of a group a smaller gap is chance."
    )
    errors_in_time_min: Threshold[Share] = default(
        0.9, "An error that is known and stays does harm every day; one in ten may need a new release."
    )
    repeats_max: Threshold[Share] = default(
        0.1, "One report in ten may come before the correction has reached everybody; more show that it did not last."
    )
    answered_in_time_min: Threshold[Share] = default(
        0.8, "Who takes the time to write is to hear back; thanks and plain praise may stay without an answer."
    )
    rating_min: Threshold[Annotated[float, Field(ge=1, le=5, strict=True)]] = default(
        3.0, "The middle of the scale from 1 to 5: below it more customers are put off than pleased."
    )
