"""policy.yaml: what counts as enough for the protection of data, for explanations and for user acceptance."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ethics_kit.schema.fields import Model, Share
from ethics_kit.schema.thresholds import Threshold, default


class PrivacyPolicy(Model):
    """How well people are hidden in what is shared, and how far data may go beyond what was promised."""

    k_min: Threshold[Annotated[int, Field(ge=2, le=1000, strict=True)]] = default(
        5, "Fewer than five people who look alike are soon told apart by somebody who knows one of them."
    )
    contribution_min: Threshold[Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False, strict=True)]] = default(
        0.005, "Half a point of AUC: of 200 pairs of a positive and a negative case, one more is put in order."
    )

    l_min: Threshold[Annotated[int, Field(ge=1, le=100, strict=True)]] = default(
        2, "Where all who look alike share one value, knowing the person is knowing the value (homogeneity)."
    )
    t_max: Threshold[Share] = default(
        0.2,
        "Belonging to a class may shift what one expects of a person by a fifth at most; no standard names a number.",
    )
    risk_max: Threshold[Share] = default(
        0.09,
        "Of a hundred rows nine may be named rightly when all are guessed; the European Medicines Agency asks that of "
        "every row of what is published (guidance on Policy 0070).",
    )
    suppressed_max: Threshold[Share] = default(
        0.05, "A generalisation that hides people by leaving out more than one row in twenty tells of other people."
    )


class ExplanationPolicy(Model):
    """When the reasons given for decisions count as reasons."""

    reasons_min: Threshold[Share] = default(
        0.99, "A decision without a stored reason cannot be contested; 1% may be lost by a log."
    )


class AcceptancePolicy(Model):
    """When the people who will use the system have shown that they can."""

    success_min: Threshold[Share] = default(
        0.78, "The mean completion rate of some 1,200 usability tasks (Sauro 2011): less is below average."
    )
