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
    fidelity_min: Threshold[Share] = default(
        0.9, "A reason that was not among the weightiest misleads who contests it; one in ten is more than rounding."
    )
    top_features: Threshold[Annotated[int, Field(ge=1, le=20, strict=True)]] = default(
        3, "A customer is told a few reasons; US credit law finds more than four of little use (12 CFR 1002, App. C)."
    )
    sample_rows: Threshold[Annotated[int, Field(ge=100, le=50_000, strict=True)]] = default(
        2000, "What needs rows runs on a seeded sample of this size; 2,000 rows tell a share within 2 points."
    )
    seconds_max: Threshold[Annotated[float, Field(gt=0, le=3600, strict=True)]] = default(
        60.0, "A report is waited for; a model that is slower is looked at in fewer rows, and the report says so."
    )
    faithfulness_min: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]] = default(
        0.1,
        "A tenth of the change that all features make together; attributions dealt out at random stay below 0.02.",
    )
    agreement_min: Threshold[Share] = default(
        0.8,
        "Two right methods share nine tenths of the weight of features, attributions dealt out at random two thirds.",
    )
    proxy_association_min: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]] = default(
        0.2, "Between what Cohen (1988) calls small (0.1) and medium (0.3)."
    )
    proxy_influence_min: Threshold[Annotated[float, Field(gt=0, lt=1, strict=True)]] = default(
        0.05, "A feature with a twentieth of all influence can turn decisions near the threshold."
    )
    attribute_auc_max: Threshold[Annotated[float, Field(ge=0.5, lt=1, strict=True)]] = default(
        0.7,
        "From 0.7 on Hosmer and Lemeshow (2000) call it acceptable how well two groups are told apart; leaving the "
        "attribute out of the model then hides little.",
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
