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
    after_withdrawal_max: Threshold[Share] = default(
        0.0, "Withdrawing consent is to be as easy as giving it (GDPR Art. 7(3)); going on afterwards makes it neither."
    )
    deletion_in_time_min: Threshold[Share] = default(
        1.0, "The laws that set a time limit for requests allow no share of late ones."
    )
    still_standing_max: Threshold[Share] = default(
        0.0, "Who asked to be deleted and still stands in a table was not deleted, unless the law asks for the row."
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
