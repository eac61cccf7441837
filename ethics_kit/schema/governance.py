"""How often is looked again, what brings a review forward, and who from outside has looked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.fields import Count, Day, Line, Model, Share, Text
from ethics_kit.schema.thresholds import Threshold, default


class GovernancePolicy(Model):
    """When reviews, bias tests and actions are late, and what counts as an incident."""

    review_after_trigger_days: Threshold[Count] = default(
        45,
        "California asks for a new risk assessment within 45 days of a material change (CCPA regulations, § 7155).",
    )
    bias_test_max_months: Threshold[Count] = default(
        6, "Customers and products change within half a year; where the impact level asks for more, its cadence holds."
    )
    bias_test_window_months: Threshold[Count] = default(
        24, "Two years show whether tests recur, and what lies further back was another team's habit."
    )
    newly_not_met_max: Threshold[Annotated[int, Field(ge=0, strict=True)]] = default(
        0, "What a bias test finds for the first time has to be seen by somebody."
    )
    overdue_actions_max: Threshold[Annotated[int, Field(ge=0, strict=True)]] = default(
        0, "An action past its date is either done, or gets a new date from somebody who answers for it."
    )
    closed_in_time_min: Threshold[Share] = default(
        0.8, "One action in five may be late for good reasons; more shows that dates mean nothing."
    )
    came_back_max: Threshold[Annotated[int, Field(ge=0, strict=True)]] = default(
        0, "A finding that returns shows that its cause was not found."
    )
    incident_days: Threshold[Annotated[int, Field(ge=7, le=92, strict=True)]] = default(
        30, "Most errors are reported within weeks of what causes them."
    )
    incident_ratio: Threshold[Annotated[float, Field(gt=1, le=100, strict=True)]] = default(
        2.0, "Twice the usual number of error reports is more than a busy month."
    )


class CommitteePolicy(Model):
    """When the ethics committee meets: its pack tells what changed since the last of these days that is past."""

    meetings: list[Day] = []


class OpenPoint(Model):
    """What an auditor found and is to be mended, by whom and until when."""

    point: Text
    owner: Line
    due: Day
    closed: Day | None = None


class Audit(Model):
    """An audit by somebody who neither built, sold nor runs the system.

    `scope` says which model versions of which systems it covers, `on` the day of the report, `expires` until when it
    counts, `evidence` where the report is (a link, or a file from the folder of the YAML file), `by` who entered it.
    """

    auditor: Line
    scope: Annotated[dict[Identifier, Annotated[list[Line], Field(min_length=1)]], Field(min_length=1)]
    on: Day
    expires: Day
    evidence: Line
    by: Line
    open_points: list[OpenPoint] = []
