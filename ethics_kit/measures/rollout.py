"""Whether the exposed come to more harm than the control group, step by step, from counts.

Steps accumulate: each is a stratum of its own, weighted by what it can tell (Cochran 1954, Biometrics 10:417), so that
neither a changed base rate nor a changed share of the exposed passes for harm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ethics_kit.measures.proportions import UNDEFINED, Estimate

Array = NDArray[Any]
Decision = Literal["roll_back", "hold", "proceed"]
Reason = Literal["crossed", "too_few", "excluded", "suspected", "as_planned", "not_excluded"]
WORST_FIRST: tuple[Decision, ...] = ("roll_back", "hold", "proceed")


@dataclass(frozen=True)
class Progress:
    """What is known after each step, of all steps so far; arrays whose last axis is the steps.

    `information` is the number of effective customers, summed over steps: n₁n₀/(n₁+n₀), and n₁ against a fixed rate.
    `difference` is the share harmed, exposed minus control, and `error` its standard error; `z` tests that the exposed
    come to no more harm. Where nothing is known all three are 0.
    """

    information: Array
    difference: Array
    z: Array
    error: Array


def against_control(exposed: ArrayLike, harmed: ArrayLike, control: ArrayLike, control_harmed: ArrayLike) -> Progress:
    """From what was counted in each step alone, beside a control group."""
    n1, x1, n0, x0 = (np.asarray(v, dtype=float) for v in (exposed, harmed, control, control_harmed))
    weight = _divided(n1 * n0, n1 + n0)
    gained = _sum(weight * (_divided(x1, n1) - _divided(x0, n0)))
    common = _divided(_sum(x1 + x0), _sum(n1 + n0))
    squares = _variance(x1, n1) * _sum(_divided(weight**2, n1)) + _variance(x0, n0) * _sum(_divided(weight**2, n0))
    return _progress(_sum(weight), gained, common, squares)


def against_rate(exposed: ArrayLike, harmed: ArrayLike, *, rate: float) -> Progress:
    """As `against_control`, beside a rate that was agreed before (0 to 1) and is taken for exact."""
    n1, x1 = (np.asarray(v, dtype=float) for v in (exposed, harmed))
    return _progress(_sum(n1), _sum(x1 - n1 * rate), np.full(n1.shape, rate), _variance(x1, n1) * _sum(n1))


def _progress(information: Array, gained: Array, common: Array, squares: Array) -> Progress:
    return Progress(
        information=information,
        difference=_divided(gained, information),
        z=_divided(gained, np.sqrt(information * common * (1 - common))),
        error=_divided(np.sqrt(squares), information),
    )


def _variance(count: Array, n: Array) -> Array:
    """Of one customer's harm, over the steps so far, with one harmed and one unharmed customer added.

    So that no harm at all is not taken for certainty (Agresti and Caffo 2000, The American Statistician 54:280).
    """
    rate = (_sum(count) + 1) / (_sum(n) + 2)
    return np.asarray(rate * (1 - rate))


def _sum(values: Array) -> Array:
    return np.asarray(np.cumsum(values, axis=-1))


def _divided(numerator: Array, denominator: Array) -> Array:
    """0 where there is nothing to divide by."""
    return np.divide(numerator, denominator, out=np.zeros(np.shape(denominator)), where=np.asarray(denominator) > 0)


@dataclass(frozen=True)
class Look:
    """What one step's look says: the difference so far with its sequential interval, and what follows."""

    difference: Estimate
    z: float
    boundary: float
    decision: Decision
    reason: Reason


def decide(
    seen: Progress,
    boundaries: Sequence[float],
    *,
    margin: float,
    alpha: float,
    enough: Sequence[bool],
    interim: Sequence[bool],
) -> list[Look]:
    """What follows from each step (arrays of one axis).

    - *crossed*, so roll back: z has reached the boundary at this step or one before;
    - *too few*, so hold: the step has not `enough` data of its own;
    - *excluded*, so proceed: the upper limit of the sequential interval lies below `margin`;
    - of a step with others planned after it (`interim`): *suspected*, so hold, where z alone would show harm at
      `alpha`, had it been the only look; else *as planned*, so proceed;
    - *not excluded*, so hold.

    Parameters
    ----------
    boundaries
        For z at each step, each one-sided at `alpha` over all looks: the interval reaches as far to both sides
        (Jennison and Turnbull 1989, JRSS B 51:305), so that it has the level 1 - 2 alpha.
    margin
        The difference of shares that is harm enough to matter, above 0.
    """
    crossed, found = False, []
    looks = zip(seen.difference, seen.z, seen.error, seen.information, boundaries, enough, interim, strict=True)
    for difference, z, error, information, boundary, plenty, between in looks:
        crossed = crossed or bool(z >= boundary)
        interval = UNDEFINED
        if information > 0 and math.isfinite(boundary):
            reach = boundary * error
            interval = Estimate(float(difference), max(difference - reach, -1.0), min(difference + reach, 1.0))
        elif information > 0:
            interval = Estimate(float(difference), -1.0, 1.0)
        reason = _reason(interval, z, crossed=crossed, plenty=plenty, between=between, margin=margin, alpha=alpha)
        found.append(Look(interval, float(z), float(boundary), FOLLOWS[reason], reason))
    return found


FOLLOWS: dict[Reason, Decision] = {
    "crossed": "roll_back",
    "too_few": "hold",
    "excluded": "proceed",
    "suspected": "hold",
    "as_planned": "proceed",
    "not_excluded": "hold",
}


def _reason(
    interval: Estimate, z: float, *, crossed: bool, plenty: bool, between: bool, margin: float, alpha: float
) -> Reason:
    if crossed:
        return "crossed"
    if not plenty or not interval.defined:
        return "too_few"
    if interval.high is not None and interval.high < margin:
        return "excluded"
    if not between:
        return "not_excluded"
    return "suspected" if z >= -special.ndtri(alpha) else "as_planned"


def worst(decisions: Sequence[Decision]) -> Decision:
    """Of several, the one that stops soonest."""
    return min(decisions, key=WORST_FIRST.index)
