"""deployment_signoff.yaml: the plan of a rollout, fixed before its first step; and what the policy says of rollouts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ethics_kit.framework.catalogue import Identifier
from ethics_kit.schema.fields import Count, Day, Line, Model, Share, Text
from ethics_kit.schema.thresholds import Threshold, default

Margin = Annotated[float, Field(gt=0, lt=1, strict=True)]


class Guardrail(Model):
    """A harm that is counted at each step, and how much more of it among the exposed is too much.

    `margin` is a difference of shares, such as 0.02 for 2 points; `baseline` is the share to compare with where there
    is no control group.
    """

    metric: Identifier
    margin: Margin
    why: Text
    baseline: Share | None = None


class PlannedStep(Model):
    """One step: from which day, how many customers with the system and how many in the control group.

    `decided_by`, `decided_on` and `minute` are of the decision to begin it, which from level IV the committee takes.
    """

    step: Count
    starts: Day
    exposed: Count
    control: Count | None = None
    decided_by: Line | None = None
    decided_on: Day | None = None
    minute: Line | None = None

    @property
    def decided(self) -> bool:
        """Whether it is on file who decided, when, and where the minute is."""
        return bool(self.decided_by and self.decided_on and self.minute)


class RolloutPlan(Model):
    """The plan of a rollout; `on` is the day it was fixed, before the first step.

    `method`: a look after each planned step, with boundaries that resemble O'Brien and Fleming's (hard to cross early)
    or Pocock's (about the same at each step); or looks at any time.
    """

    method: Literal["obrien_fleming", "pocock", "open_ended"]
    groups: list[Line] = []
    guardrails: list[Guardrail] = []
    steps: list[PlannedStep] = []
    by: Line
    on: Day


class RolloutPolicy(Model):
    """When a rollout goes on.

    `alpha`: the chance that a rollout without harm is ever called back, over all looks, guardrails and groups.
    `tuned_to`: the number of effective customers at which open-ended watching sees best.
    """

    alpha: Threshold[Annotated[float, Field(gt=0, le=0.2, strict=True)]] = default(
        0.05, "One rollout in twenty without harm may be called back; a smaller number finds real harm later."
    )
    margin: Threshold[Margin] = default(
        0.02, "Two more customers harmed in a hundred; a plan names its own for each guardrail."
    )
    minimum_exposed: Threshold[Count] = default(
        300, "Of 300 customers at least one is harmed with 95% certainty where one in a hundred is (rule of three)."
    )
    planned_min: Threshold[Share] = default(
        0.9, "A tenth fewer than planned widens an interval by a twentieth; more is another plan."
    )
    tuned_to: Threshold[Count] = default(
        1000, "The size of a middle step; the interval is valid at every other size, and a little wider there."
    )
