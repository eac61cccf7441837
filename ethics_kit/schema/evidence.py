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
    membership_auc_max: Threshold[Annotated[float, Field(ge=0.5, le=1, strict=True)]] = default(
        0.6, "Guessing gives 0.5; at 0.6 an attacker is right in six of ten pairs. No standard names a number."
    )
    membership_tpr_max: Threshold[Share] = default(
        0.03, "Guessing gives 1% at 1% false alarms; three times that singles out people. No standard names a number."
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
    understood_min: Threshold[Share] = default(
        0.75, "One tester in four may miss why; a reason that more do not understand is none. No norm names a number."
    )
    understood_margin: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]] = default(
        0.15, "With some fifty sessions a group, a smaller difference cannot be told from chance."
    )
    sus_min: Threshold[Annotated[float, Field(ge=0, le=100, strict=True)]] = default(
        68.0, "The mean of some 500 studies with the System Usability Scale (Sauro 2011): less is below average."
    )
