"""Monitoring after release: what the policy calls a change, and what one system compares with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ethics_kit.schema.fields import Count, Day, Line, Model, Share
from ethics_kit.schema.thresholds import Threshold, default

Change = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False, strict=True)]


class MonitoringPolicy(Model):
    """When a change counts, how often chance alone may raise an alarm, and how fresh the counts have to be."""

    alarm_rate: Threshold[Annotated[float, Field(gt=0, le=0.2, strict=True)]] = default(
        0.05,
        "One period in twenty may raise an alarm by chance, over all features together; with months, one in 20 months.",
    )
    psi_max: Threshold[Annotated[float, Field(gt=0, le=2, allow_inf_nan=False, strict=True)]] = default(
        0.1, "In use since credit scoring: below 0.1 little has shifted, above 0.25 much has (Siddiqi 2006)."
    )
    ks_max: Threshold[Change] = default(
        0.1, "One row in ten has moved past some point of the scale; no standard names a number."
    )
    performance_drop_max: Threshold[Change] = default(
        0.1, "One more error in ten cases is noticed by those who work with the result; no standard names a number."
    )
    widening_max: Threshold[Change] = default(
        0.05, "The number of points from which many policies call a gap between groups one."
    )
    widening_seen: Threshold[Change] = default(
        0.25,
        "A growth by a quarter must not stay unseen; smaller ones show when the bias tests count all rows.",
    )
    trend_periods_min: Threshold[Annotated[int, Field(ge=3, le=60, strict=True)]] = default(
        3, "Two points always lie on a line, so a trend takes three."
    )
    periods: Threshold[Annotated[int, Field(ge=3, le=400, strict=True)]] = default(
        12, "A year of months shows the seasons; what is older often tells of another model."
    )
    watched_min: Threshold[Share] = default(1.0, "What nobody watches can drift for years.")
    present_min: Threshold[Share] = default(1.0, "A period without counts is one in which nobody would have noticed.")
    max_age_days: Threshold[Count] = default(45, "A month and the two weeks that its figures may take.")


class MonitoringPlan(Model):
    """How a system is monitored: the length of a period, and the period that others are compared with.

    Without `every` the table's own periods tell. Without `baseline` it is the rows marked as baseline, else the first
    period.
    """

    every: Literal["day", "week", "month", "quarter"] | None = None
    baseline: Day | None = None
    by: Line
    on: Day
