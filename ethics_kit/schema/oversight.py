"""design_review.yaml: where a person decides, how much is reviewed, and what a model card says beyond the dossier."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.fields import Day, Line, Model, Share, Text, YesNo, yes_no

CardPart = Literal["model_type", "training_data", "evaluation_data"]
"""Parts of a model card that a supplier may know and the buyer may not."""

Value = Annotated[str, BeforeValidator(yes_no)]
"""A value of a column, as text; yes and no of a flag."""


class Checkpoint(Model):
    """A point of the flow where a person decides.

    `decisions` and `actions` are the values of these columns that need the person. `when`: before it takes effect,
    after it, or on request (an appeal, a handover). `actors` are values of the actor column that stand for people.
    """

    id: Identifier
    where: Line
    who: Line
    when: Literal["before", "after", "on_request"]
    decisions: list[Value] = []
    actions: list[Value] = []
    may_change: YesNo
    time_limit_hours: Annotated[float, Field(gt=0, le=8760, allow_inf_nan=False, strict=True)] | None = None
    at_timeout: Literal["waits", "escalates", "is_dropped", "goes_through"]
    skippable: YesNo
    actors: list[Value] = []
    by: Line
    on: Day

    @property
    def weakness(self) -> str | None:
        """Why a result may pass without a person having decided, or None."""
        if self.may_change == "no":
            return "the person may not change the result"
        if self.skippable == "yes":
            return "it can be skipped"
        return "without a person's act the result goes through" if self.at_timeout == "goes_through" else None


class ReviewPlan(Model):
    """What the oversight protocol plans: the share of all events that people review."""

    share: Share
    by: Line
    on: Day


class ModelCard(Model):
    """What a model card says beyond the rest of the dossier; `limits` are where not to rely on the output."""

    model_type: Text | None = None
    users: Text | None = None
    training_data: Text | None = None
    evaluation_data: Text | None = None
    limits: list[Text] = []
    advice: Text | None = None
    by: Line
    on: Day


class Alternative(Model):
    """Another fairness constraint that was looked at, and why it was not chosen."""

    metric: Literal["demographic_parity", "equal_opportunity", "equalized_odds", "predictive_parity"]
    reason: Text
