"""A fitted model, whatever wrote it: the columns it reads, a score per row, and what its attributions add up to."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Scale = Literal["probability", "decision", "value"]
Vector = npt.NDArray[np.float64]


class ModelError(ValueError):
    """A model cannot be used: what was found, what is allowed, what to do."""

    def __init__(self, found: str, allowed: str, todo: str) -> None:
        self.found, self.allowed, self.todo = found, allowed, todo
        super().__init__(f"found {found}; allowed: {allowed}; to do: {todo}")


@dataclass(frozen=True)
class Model:
    """A fitted model: the columns it reads, what its scores are, and for which class.

    `positive` is None where there are no classes. `warnings` says what loading gave reason to doubt. `raw` gives the
    number that the model adds up inside, such as log-odds, where that is not the score. `contributions` gives the
    library's own attributions of it, one column per column read and a last one for the base. `estimator` is a
    scikit-learn model, for an explainer that looks inside.
    """

    columns: tuple[str, ...]
    scale: Scale
    positive: str | None
    warnings: tuple[str, ...]
    predict: Callable[[pd.DataFrame], Any] = field(repr=False)
    raw: Callable[[pd.DataFrame], Any] | None = field(default=None, repr=False)
    contributions: Callable[[pd.DataFrame], Any] | None = field(default=None, repr=False)
    estimator: Any = field(default=None, repr=False)

    def score(self, data: pd.DataFrame) -> Vector:
        """One finite score per row: the probability of `positive`, its decision value, or a predicted value.

        Columns the model does not read are ignored.

        Raises
        ------
        ModelError
            A column is missing, the model refuses the data, or a score is not a number.
        """
        return self._finite(self.predict, data)

    def output(self, data: pd.DataFrame) -> Vector:
        """As `score`, of the number that attributions explain: `raw` where there is one."""
        return self._finite(self.raw or self.predict, data)

    def _finite(self, predict: Callable[[pd.DataFrame], Any], data: pd.DataFrame) -> Vector:
        check_columns(self.columns, list(data.columns))
        if not len(data):
            return np.empty(0)
        try:
            scores = np.asarray(predict(data[list(self.columns)]), dtype=np.float64).reshape(len(data))
        except ModelError:
            raise
        except Exception as error:  # estimators raise many types
            raise ModelError(
                f"data the model refuses ({type(error).__name__})",
                "columns of the types it was fitted on",
                "compare the table's columns with those of the training data",
            ) from None
        bad = int(np.sum(~np.isfinite(scores)))
        if bad:
            raise ModelError(
                f"{bad} of {len(scores)} scores that are not finite numbers",
                "a number for every row",
                "look for missing or extreme values in the columns the model reads",
            )
        return scores


def check_columns(needed: Sequence[str], offered: Sequence[str]) -> None:
    """Raise a ModelError that names the columns which are not offered."""
    missing = [name for name in needed if name not in offered]
    if missing:
        close = difflib.get_close_matches(missing[0], [str(name) for name in offered], n=1, cutoff=0.6)
        raise ModelError(
            f"no column {', '.join(missing[:10])}",
            f"all columns the model reads: {', '.join(needed[:40])}",
            f"is {close[0]} the column {missing[0]}?" if close else "export these columns, or name another model",
        )


def named(columns: Sequence[str] | None, own: Sequence[str] | None, width: int | None, kind: str) -> tuple[str, ...]:
    """The columns a model reads: its own names, else the `columns` the dossier gives it, as many as it is wide."""
    names = tuple(map(str, own or columns or ()))
    if not names:
        raise ModelError(
            f"{kind} without column names",
            "a model that knows its columns (feature_names_in_), or model.columns in system.yaml",
            "fit it on a data frame with named columns and write it again, or list the columns in order",
        )
    if width is not None and len(names) != width:
        raise ModelError(
            f"{len(names)} column names for {kind} that reads {width}",
            f"{width} names in the model's own order",
            "correct model.columns in system.yaml",
        )
    return names
