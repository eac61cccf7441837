"""Whether attributions add up to the output they are said to explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DOUBLE, SINGLE = 1e-13, 1e-5
"""Error that summing leaves, as a share of what is summed: in double precision, and in trees that add float32."""


def precision(*numbers: npt.ArrayLike) -> float:
    """`SINGLE` where all of some of the `numbers` fit into single precision, which then was theirs; else `DOUBLE`."""
    held = (np.asarray(part, dtype=np.float64) for part in numbers)
    return SINGLE if any(np.array_equal(part, part.astype(np.float32), equal_nan=True) for part in held) else DOUBLE


@dataclass(frozen=True)
class Additivity:
    """The largest error in units of the output, and how many of `n` rows are further off than their tolerance."""

    largest: float
    outside: int
    n: int


def additivity(
    attributions: npt.ArrayLike, base: npt.ArrayLike, output: npt.ArrayLike, *, tolerance: float = DOUBLE
) -> Additivity:
    """|base + sum of a row's attributions − output| (local accuracy: Lundberg and Lee 2017, NeurIPS, property 1).

    A row's tolerance is `tolerance` times the sum of the magnitudes added, so that it knows no unit.

    Raises
    ------
    ValueError
        Not one output per row of attributions, or no row.
    """
    parts, wanted = np.asarray(attributions, dtype=np.float64), np.asarray(output, dtype=np.float64)
    if parts.ndim != 2 or wanted.shape != parts.shape[:1] or not len(parts):
        raise ValueError(f"attributions of shape {parts.shape} for outputs of shape {wanted.shape}: one per row")
    start = np.broadcast_to(np.asarray(base, dtype=np.float64), wanted.shape)
    error = np.abs(start + parts.sum(axis=1) - wanted)
    allowed = tolerance * (np.abs(start) + np.abs(parts).sum(axis=1) + np.abs(wanted))
    outside = ~(error <= allowed)  # a sum that is no number is outside
    return Additivity(float(error.max()), int(outside.sum()), len(wanted))
