"""What each column adds to a model's output, row by row: Shapley values against the rows' own mean.

Where the library that made the model gives them exactly, or the model only adds its columns up, they are exact;
else trees are looked into by shap, and any other model is asked again and again with columns exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethics_kit.measures.scoring import Model, Vector

Matrix = npt.NDArray[np.float64]

EXACT = 1e-9
"""Of the largest output: sums that differ by less are equal but for rounding."""
ROUNDS = 50
"""Orders of columns drawn by the sampling method; each is walked in both directions."""


@dataclass(frozen=True)
class Attributions:
    """`values` (rows × columns) add up to `output` less `base` (one of each per row), in the output's unit."""

    values: Matrix
    base: Vector
    output: Vector
    method: str

    @property
    def error(self) -> float:
        """The largest distance of base and values from the output."""
        return float(np.max(np.abs(self.output - self.base - self.values.sum(axis=1)), initial=0.0))


def per_cell(values: npt.ArrayLike, rows: pd.DataFrame) -> Matrix:
    """`values` as a matrix with one attribution per cell of `rows`.

    Raises
    ------
    ValueError
        They have another shape.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.shape != rows.shape:
        raise ValueError(f"attributions of shape {found.shape} for rows of shape {rows.shape}")
    return found


def burden(model: Model, data: pd.DataFrame) -> tuple[Callable[[pd.DataFrame], object], int]:
    """What `attributions` does to rows like `data` (at least two) that takes its time, and how many times over.

    Raises
    ------
    ModelError
        The model cannot score the data.
    """
    output = model.output(data)
    if not model.contributions and _added(model, data, output):
        return model.output, len(model.columns) + 1
    if model.contributions or _trees(model, data, output):
        return partial(attributions, model), 1
    return model.output, 2 * ROUNDS * (len(model.columns) + 1)


def attributions(model: Model, data: pd.DataFrame, *, seed: int = 0) -> Attributions:
    """Attributions of ``model.output`` for every row of `data` (at least two rows), by the first route that is open.

    Raises
    ------
    ModelError
        The model cannot score the data.
    """
    output = model.output(data)
    if model.contributions:
        found = np.asarray(model.contributions(data[list(model.columns)]), dtype=np.float64)
        return Attributions(found[:, :-1], found[:, -1], output, "path-dependent tree SHAP by the model's own library")
    return _added(model, data, output) or _trees(model, data, output) or _sampled(model, data, output, seed)


def _added(model: Model, data: pd.DataFrame, output: Vector) -> Attributions | None:
    """Of a model that adds up functions of one column each, such as a linear one: φ_j = f_j(x_j) - mean f_j.

    Each column in turn is put into one and the same row. Only where the parts add up to the output is the model such a
    sum; else None. For w·x it is w_j (x_j - mean x_j) (Štrumbelj and Kononenko 2014, Knowl Inf Syst 41:647).
    """
    same = data.iloc[np.zeros(len(data), dtype=int)].set_axis(data.index)
    start = output[0]
    parts = np.column_stack([model.output(same.assign(**{c: data[c]})) - start for c in model.columns])
    mean = parts.mean(axis=0)
    found = Attributions(
        parts - mean, np.full(len(data), start + mean.sum()), output, "exact: the model adds its columns up"
    )
    return found if _adds_up(found) else None


def _adds_up(found: Attributions, tolerance: float = EXACT) -> bool:
    return found.error <= tolerance * max(1.0, float(np.max(np.abs(found.output))))


def _trees(model: Model, data: pd.DataFrame, output: Vector) -> Attributions | None:
    """Of a scikit-learn tree or ensemble, also behind steps that each read one column; else None."""
    estimator = model.estimator
    last = getattr(estimator, "steps", [(None, estimator)])[-1][1]
    if not ({"tree_", "estimators_", "_predictors"} & set(vars(last) if last is not None else ())):
        return None
    import shap

    try:
        prepared, owner = _prepared(estimator, data[list(model.columns)])
        explainer = shap.TreeExplainer(last)
        values = np.asarray(explainer.shap_values(prepared, check_additivity=False), dtype=np.float64)
        base = np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64))
    except Exception:  # shap knows some trees and not others, and says so in many ways
        return None
    for held, start in _classes(values, base):
        whole = np.column_stack([held[:, owner == j].sum(axis=1) for j in range(len(model.columns))])
        found = Attributions(whole, np.full(len(data), start), output, "path-dependent tree SHAP by shap")
        if _adds_up(found, 1e-5):  # shap keeps thresholds in single precision
            return found
    return None


def _classes(values: Matrix, base: Vector) -> Iterator[tuple[Matrix, float]]:
    """What may explain the positive class: which one it is shows in the sums."""
    if values.ndim == 3:
        yield from ((values[:, :, k], float(base[k])) for k in range(values.shape[2]))
    else:
        yield values, float(base[-1])
        yield -values, -float(base[-1])


def _prepared(estimator: Any, data: pd.DataFrame) -> tuple[Any, npt.NDArray[np.int64]]:
    """What reaches the last step, and for each of its columns the one column it is made of.

    A column made of several belongs to none: the sums show it.
    """
    if not hasattr(estimator, "steps"):
        return data, np.arange(data.shape[1])
    before = estimator[:-1]
    plain = _dense(before.transform(data))
    moved = np.array(
        [
            np.any(~np.isclose(_dense(before.transform(data.assign(**{c: _turned(data[c])}))), plain), axis=0)
            for c in data.columns
        ]
    )
    return plain, np.where(moved.sum(axis=0) == 1, moved.argmax(axis=0), -1)


def _dense(found: Any) -> Matrix:
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found, dtype=np.float64)


def _turned(column: pd.Series[Any]) -> pd.Series[Any]:
    """Each row's value in the row before it: wherever two neighbours differ, a value changes."""
    return column.iloc[np.arange(1, len(column) + 1) % len(column)].set_axis(column.index)


def _sampled(model: Model, data: pd.DataFrame, output: Vector, seed: int) -> Attributions:
    """Of any model: columns are exchanged for those of another row, one after the other, in random orders.

    Walked forwards and backwards (antithetic; Mitchell et al. 2022, JMLR 23:43); each walk adds up exactly.
    """
    rng, columns = np.random.default_rng(seed), list(model.columns)
    values = np.zeros((len(data), len(columns)))
    for _ in range(ROUNDS):
        order = rng.permutation(len(columns))
        other = data.iloc[rng.permutation(len(data))].set_axis(data.index)
        for walk in (order, order[::-1]):
            mixed, before = other, model.output(other)
            for j in walk:
                mixed = mixed.assign(**{columns[j]: data[columns[j]]})
                after = model.output(mixed)
                values[:, j] += (after - before) / (2 * ROUNDS)
                before = after
    method = f"sampled Shapley values, {2 * ROUNDS} orders of columns"
    return Attributions(values, output - values.sum(axis=1), output, method)
