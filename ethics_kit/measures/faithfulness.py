"""Whether the features that attributions put first are those the model goes by: deletion and insertion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ethics_kit.measures.attributions import per_cell
from ethics_kit.measures.proportions import UNDEFINED, Estimate
from ethics_kit.measures.resampling import codes, totals

Array = npt.NDArray[np.float64]
Predict = Callable[[pd.DataFrame], Array]

RANDOM_ORDERS = 3


@dataclass(frozen=True)
class Faithfulness:
    """How far deletion and insertion in the order of the attributions beat random orders, as a share of the change.

    The change is the mean of |output − output once all features are replaced|. Curves are mean outputs after so many
    features: deletion in the order of the attributions, in the reverse order, and at random.
    """

    deletion: Estimate
    insertion: Estimate
    curves: dict[str, tuple[float, ...]]
    n: int


def faithfulness(
    predict: Predict,
    rows: pd.DataFrame,
    attributions: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    seed: int = 0,
    confidence: float = 0.95,
) -> Faithfulness:
    """Deletion and insertion areas against `RANDOM_ORDERS` random orders of each row's features, paired by row.

    Features are replaced by those of another row drawn by `seed`, from the one that raises the output most to the one
    that lowers it most (Petsiuk et al. 2018, BMVC; Samek et al. 2017, IEEE TNNLS 28:2660, for random orders). Insertion
    is deletion in the reverse order, read backwards. Rows with some features replaced may be none the model would meet,
    which counts against the model as much as the explanation (Hooker et al. 2019, NeurIPS). Intervals: t, from the
    ratio's linearised variance over clusters. Undefined for fewer than 2 features, or where nothing changes the output.

    Raises
    ------
    ValueError
        Not one attribution per cell of `rows`.
    """
    parts = per_cell(attributions, rows)
    n, width = parts.shape
    if n < 2 or width < 2:
        return Faithfulness(UNDEFINED, UNDEFINED, {}, n)
    rng = np.random.default_rng(seed)
    both = pd.concat([rows, rows.iloc[rng.permutation(n)]], ignore_index=True)
    place = np.argsort(np.argsort(-parts, axis=1, kind="stable"), axis=1, kind="stable")
    orders = [place, width - 1 - place, *(np.argsort(rng.random((n, width)), axis=1) for _ in range(RANDOM_ORDERS))]
    steps = _steps(predict, both, np.concatenate(orders), width).reshape(width + 1, len(orders), n)
    areas = (steps[:-1] + steps[1:]).mean(axis=0) / 2
    change, at_random = np.abs(steps[0, 0] - steps[-1, 0]), areas[2:].mean(axis=0)
    code = codes(clusters, n)
    mean = steps.mean(axis=2)
    curves = {"attributions": mean[:, 0], "reverse": mean[:, 1], "random": mean[:, 2:].mean(axis=1)}
    return Faithfulness(
        _ratio(at_random - areas[0], change, code, confidence),
        _ratio(areas[1] - at_random, change, code, confidence),
        {name: tuple(curve.tolist()) for name, curve in curves.items()},
        n,
    )


def _steps(predict: Predict, both: pd.DataFrame, places: npt.NDArray[np.int64], width: int) -> Array:
    """Outputs with no feature replaced, the first one, the first two … all: one call of `predict` for each."""
    n = len(both) // 2
    own = np.tile(np.arange(n), len(places) // n)
    ends = [np.tile(predict(both.iloc[part]), len(places) // n) for part in (slice(0, n), slice(n, 2 * n))]
    between = []
    for step in range(1, width):
        taken = {name: both[name].array.take(own + n * (places[:, j] < step)) for j, name in enumerate(both.columns)}
        between.append(predict(pd.DataFrame(taken)))
    return np.stack([ends[0], *between, ends[1]])


def _ratio(top: Array, bottom: Array, code: npt.NDArray[np.int64], confidence: float) -> Estimate:
    """Sum of `top` over sum of `bottom`; linearised variance over clusters (Cochran 1977, section 6.3)."""
    sums = totals(np.column_stack([top, bottom]), code)
    whole, count = sums.sum(axis=0), len(sums)
    if whole[1] <= 0 or count < 2:
        return UNDEFINED
    value = float(whole[0] / whole[1])
    spread = float(np.sum((sums[:, 0] - value * sums[:, 1]) ** 2)) * count / (count - 1)
    reach = float(stats.t.ppf((1 + confidence) / 2, count - 1)) * spread**0.5 / float(whole[1])
    return Estimate(value, value - reach, value + reach)
