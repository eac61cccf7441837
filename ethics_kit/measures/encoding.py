"""Rows of numbers and text as points, so that a distance between two of them means something."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]

RARE = 0.01
"""Text values of a smaller share of the rows are one value, *other*; so are all beyond the `MOST_VALUES` commonest."""
MOST_VALUES = 20


def encode(features: pd.DataFrame) -> Array:
    """Rows as points whose squared distances add up column by column, each with a like say.

    A column of numbers or times has variance 1, so two rows chosen at random differ by 2 in it on average; a missing
    number lies at the median, 1 aside. Any other column, and numbers of two values, counts 2 to 4 where two rows
    differ, at most 2 on average (after Gower 1971, Biometrics 27:857). Constant columns are left out.
    """
    blocks = [np.empty((len(features), 0))]
    for place in range(features.shape[1] if len(features) else 0):
        column = features.iloc[:, place]
        numbers = numbers_of(column)
        many = numbers is not None and len(np.unique(numbers[np.isfinite(numbers)])) > 2
        blocks.append(_standardised(numbers) if numbers is not None and many else _one_hot(column))
    return np.hstack(blocks)


def numbers_of(column: pd.Series[Any]) -> Array | None:
    """Numbers as floats, times as days; None for flags and text."""
    kind = column.dtype
    if pd.api.types.is_datetime64_any_dtype(kind):
        column = (column - pd.Timestamp(0, tz=column.dt.tz)) / pd.Timedelta(days=1)
    elif pd.api.types.is_bool_dtype(kind) or not pd.api.types.is_numeric_dtype(kind):
        return None
    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _standardised(numbers: Array) -> Array:
    known = np.isfinite(numbers)
    filled = np.where(known, numbers, np.median(numbers[known]))
    points = (filled - numbers[known].mean()) / numbers[known].std()
    return points[:, None] if known.all() else np.column_stack([points, ~known])


def _one_hot(column: pd.Series[Any]) -> Array:
    codes, values = pd.factorize(column)
    # The code of a missing value is -1: the last label is its.
    labels, place = np.unique([*(f"={v}" for v in values), "missing"], return_inverse=True)
    codes = place[codes]
    counts = np.bincount(codes, minlength=len(labels))
    commonest = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    kept = np.sort(commonest[counts[commonest] >= RARE * len(column)])
    points = np.column_stack([codes[:, None] == kept, ~np.isin(codes, kept)]).astype(np.float64)
    points = points[:, points.any(axis=0)]
    spread = 1 - float(np.sum(points.mean(axis=0) ** 2))
    return points / math.sqrt(max(spread, 0.5)) if points.shape[1] > 1 else points[:, :0]


def learnt(train: pd.DataFrame, test: pd.DataFrame) -> tuple[Array, Array]:
    """Two splits of the same columns as numbers for a learner, by what the training split alone shows.

    Numbers are standardised, missing ones at the median with a mark; text is one-hot, what is rare or new in the test
    split being one value.
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    plain, other = train.apply(_plain), test.apply(_plain)
    numbers = [name for name in plain if pd.api.types.is_numeric_dtype(plain[name].dtype)]
    text = [name for name in plain if name not in numbers]
    filled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=RARE, max_categories=MOST_VALUES + 1, sparse_output=False
    )
    encoder = make_column_transformer((filled, numbers), (one_hot, text))
    return np.asarray(encoder.fit_transform(plain)), np.asarray(encoder.transform(other))


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    numbers = numbers_of(column)
    if numbers is None:
        return column.astype(object).where(column.notna(), "missing").astype(str)
    return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan), index=column.index)
