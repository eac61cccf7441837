"""Tests that may be looked at more than once: group-sequential boundaries, and a confidence sequence for any look.

Planned looks: Lan and DeMets 1983, Biometrika 70:659, with the spending functions that resemble O'Brien and Fleming's
and Pocock's boundaries. Unplanned: the normal mixture of Howard, Ramdas, McAuliffe and Sekhon 2021, Annals of
Statistics 49:1055.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, optimize, special

Array = NDArray[Any]
Spending = Literal["obrien_fleming", "pocock"]
Sides = Literal[1, 2]

SMALLEST_LOOK = 1e-3
"""A look that adds a smaller share of the information so far tells nothing new, so nothing is spent on it."""
POINTS = 1001
REACH = 8.0
"""Standard deviations of the score that the grid spans on a side without boundary; beyond lies less than 1e-15."""


def spent(fractions: ArrayLike, alpha: float, spending: Spending) -> Array:
    """The part of `alpha` (of one side) that may be used up by each of `fractions` (0 to 1) of the plan."""
    t = np.clip(np.asarray(fractions, dtype=float), 1e-12, 1.0)
    if spending == "pocock":
        return np.asarray(alpha * np.log1p((math.e - 1) * t))
    return np.asarray(2 * special.ndtr(special.ndtri(alpha / 2) / np.sqrt(t)))


def boundaries(
    fractions: Sequence[float],
    *,
    alpha: float,
    spending: Spending,
    information: Sequence[float] | None = None,
    sides: Sides = 1,
) -> list[float]:
    """The value that the z statistic of each look has to reach, so that all looks together err with `alpha`.

    Parameters
    ----------
    fractions
        How much of the plan is behind at each look, rising to 1. It says what may be spent by then.
    alpha
        The chance that any look crosses where there is no effect; with two `sides` half of it for each.
    information
        What the data of each look are worth, in any unit; it says how the looks hang together (Lan and DeMets 1989,
        Biometrics 45:1017). The fractions themselves where it is not given.

    Returns
    -------
    One boundary for each look, on the scale of z; infinite where the look may spend nothing: it adds hardly any
    information, or the plan had ended before.

    Raises
    ------
    ValueError
        Information falls.
    """
    worth = np.asarray(fractions if information is None else information, dtype=float)
    if (np.diff(worth) < 0).any():
        raise ValueError("information cannot fall from one look to the next")
    worth = worth / max(worth.max(initial=0.0), 1e-300)
    budget = spent(fractions, alpha / sides, spending)
    found, used, last = [], 0.0, 0.0
    grid = density = np.zeros(0)
    for now, allowed in zip(worth, budget, strict=True):
        if now <= 0 or now - last < SMALLEST_LOOK * now or allowed - used <= 0:
            found.append(math.inf)
            continue
        edge = _edge(grid, density, last, now, allowed - used)
        found.append(edge / math.sqrt(now))
        grid, density = _next_density(grid, density, last, now, edge, sides)
        used, last = float(allowed), float(now)
    return found


def _edge(grid: Array, density: Array, last: float, now: float, spend: float) -> float:
    """The score at which the chance of crossing now, and not before, is `spend`."""
    if not len(grid):
        return float(-special.ndtri(spend)) * math.sqrt(now)
    step = math.sqrt(now - last)

    def excess(edge: float) -> float:
        return float(integrate.simpson(density * special.ndtr((grid - edge) / step), x=grid)) - spend

    top = (REACH + 30) * math.sqrt(now)
    return float(optimize.brentq(excess, -top, top, xtol=1e-10))


def _next_density(
    grid: Array, density: Array, last: float, now: float, edge: float, sides: Sides
) -> tuple[Array, Array]:
    """The score's density among the paths that have crossed nothing (Armitage, McPherson and Rowe 1969, JRSS A 132)."""
    reach = REACH * math.sqrt(now)
    target = np.linspace(-min(edge, reach) if sides == 2 else -reach, min(edge, reach), POINTS)
    if not len(grid):
        return target, _normal(target, math.sqrt(now))
    kernel = _normal(target[:, None] - grid[None, :], math.sqrt(now - last))
    return target, np.asarray(integrate.simpson(kernel * density[None, :], x=grid, axis=1))


def _normal(at: Array, deviation: float) -> Array:
    return np.asarray(np.exp(-0.5 * (at / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi)))


def mixture_scale(tuned_to: float, alpha: float, *, sides: Sides = 1) -> float:
    """The mixture's parameter ρ that makes the bound tightest at intrinsic time `tuned_to` (Howard et al., 3.5)."""
    room = 2 * math.log(sides / (2 * alpha))
    return tuned_to / (room + math.log1p(room))


def mixture_bound(time: ArrayLike, alpha: float, *, scale: float, sides: Sides = 1) -> Array:
    """What a score without drift exceeds at any intrinsic time, ever, with a chance of at most `alpha`.

    `time` is the score's variance so far (0 or more), in the unit of `scale`; with two `sides` the bound is on its
    size. One-sided, the bound is where the mixture over positive drifts reaches 1/alpha.
    """
    whole = np.asarray(time, dtype=float) + scale
    needed = 2 * math.log(1 / alpha) + np.log(whole / scale)
    if sides == 2:
        return np.asarray(np.sqrt(whole * needed))
    root = np.sqrt(np.maximum(needed - math.log(4), 0.0)) + 1.0
    for _ in range(50):  # Newton, on a convex function from above its root
        over = root**2 + 2 * special.log_ndtr(root) - (needed - math.log(4))
        slope = 2 * root + 2 * np.exp(-0.5 * root**2 - special.log_ndtr(root)) / math.sqrt(2 * math.pi)
        root = root - over / slope
    return np.asarray(root * np.sqrt(whole))
