"""Whether stored reasons are borne out by the model: a reason names what weighed most towards the decision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ethics_kit.measures.attributions import Matrix
from ethics_kit.measures.scoring import Vector

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fidelity:
    """Per row, whether its reason is `borne_out`; `higher` is whether a higher output leads to being selected."""

    borne_out: Flags
    higher: bool


def fidelity(values: Matrix, output: Vector, selected: Flags, named: Flags, *, top: int) -> Fidelity | None:
    """Rows whose reason stands for one of the `top` features that pushed most towards what was decided.

    `values` and `named` are rows × features: attributions, and the features that the row's reason stands for. Features
    that pushed the other way never count. A row without attributions (NaN) or without a reason is not borne out. The
    direction is that in which the selected differ from the others on average; None where there are not both.
    """
    known = np.isfinite(output)
    if not ((known & selected).any() and (known & ~selected).any()):
        return None
    higher = bool(output[known & selected].mean() >= output[known & ~selected].mean())
    towards = np.where(selected == higher, 1.0, -1.0)[:, None] * np.nan_to_num(values)
    place = np.argsort(np.argsort(-towards, axis=1, kind="stable"), axis=1, kind="stable")
    weighty = (place < top) & (towards > 0)
    return Fidelity(np.asarray((weighty & named).any(axis=1)), higher)
