"""What stage 4 asks of disclosure, the audit log, opt-outs, the way to a person and choices on personalisation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ethics_kit.schema.fields import Count, Day, Line, Model, Share, Text, YesNo
from ethics_kit.schema.thresholds import Threshold, default


class AuditPolicy(Model):
    """When the audit log can be relied on: shares of its running numbers and events, and seconds between clocks."""

    missing_numbers_max: Threshold[Share] = default(
        0.0, "A number that no row has stands for an event that nobody can look at again; there is no small hole."
    )
    repeated_numbers_max: Threshold[Share] = default(0.0, "Two events of one number cannot be told apart afterwards.")
    steps_back_max: Threshold[Share] = default(
        0.0, "Where time runs backwards, what came before what cannot be shown: a notice, an opt-out, a decision."
    )
    clock_tolerance_seconds: Threshold[Annotated[float, Field(ge=0, le=3600, strict=True)]] = default(
        1.0, "Machines that write to one log differ by less where their clocks are kept in step."
    )
    unknown_versions_max: Threshold[Share] = default(
        0.0, "A decision of a version that nobody lists was made by a model that nobody assessed."
    )


class AutonomyPolicy(Model):
    """What customers can count on when they opt out, ask for a person or choose.

    `recent_months` is the time before the as-of date over which notices are looked at again.
    """

    recent_months: Threshold[Count] = default(
        3, "A notice that broke this quarter would be hidden in the numbers of all quarters before."
    )
    opt_out_days: Threshold[Annotated[int, Field(ge=0, le=90, strict=True)]] = default(
        2, "A run that had begun may end; what is decided two days later was decided in spite of the opt-out."
    )
    human_minutes: Threshold[Annotated[int, Field(ge=1, le=100_000, strict=True)]] = default(
        480, "Where nothing is promised: who is answered on the same working day has an alternative; next week is none."
    )
    human_in_time_min: Threshold[Share] = default(
        0.9, "One request in ten may come at night or on a holiday; most have to be answered in time."
    )
    group_margin: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]] = default(
        0.1, "Requests and choices are few: a gap of five points could not be told from none in a year of them."
    )
    choices_honoured_min: Threshold[Share] = default(
        0.98, "A choice that is not carried out is worse than none; one in fifty may be lost before anybody notices."
    )


class OfferedChoice(Model):
    """A choice on personalisation that customers are offered: its value in the table, and what it does."""

    choice: Line
    means: Text
    switches_off: YesNo
    by: Line
    on: Day
