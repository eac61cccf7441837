"""The door to models: a fitted model as the columns it reads and a score per row. So far, skops files only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethics_kit.measures import skopsfile
from ethics_kit.measures.skopsfile import ModelError

__all__ = ["Model", "ModelError", "Scale", "load"]

Scale = Literal["probability", "decision", "value"]
Scoring = tuple[Scale, str | None, Callable[[pd.DataFrame], Any]]


@dataclass(frozen=True)
class Model:
    """A fitted model: the columns it reads, what its scores are, and for which class.

    `positive` is None where there are no classes. `warnings` says what loading gave reason to doubt.
    """

    columns: tuple[str, ...]
    scale: Scale
    positive: str | None
    warnings: tuple[str, ...]
    predict: Callable[[pd.DataFrame], Any] = field(repr=False)

    def score(self, data: pd.DataFrame) -> npt.NDArray[np.float64]:
        """One finite score per row: the probability of `positive`, its decision value, or a predicted value.

        Columns the model does not read are ignored.

        Raises
        ------
        ModelError
            A column is missing, the model refuses the data, or a score is not a number.
        """
        _check_columns(self.columns, list(data.columns))
        if not len(data):
            return np.empty(0)
        try:
            scores = np.asarray(self.predict(data[list(self.columns)]), dtype=np.float64).reshape(len(data))
        except Exception as error:  # estimators raise many types
            raise ModelError(
                f"data the model refuses ({type(error).__name__}: {without_values(error)})",
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


def load(path: Path, *, expected_columns: Sequence[str] | None = None, positive: object = None) -> Model:
    """The model in a skops file. `positive` names its class of interest, else it is the second in order.

    `expected_columns` are those the data will have: every column of the model must be among them.

    Raises
    ------
    ModelError
        The file cannot be used (see `skopsfile.read`), or the model knows no column names, was fitted on other columns
        or on other than two classes, or gives no score.
    """
    estimator, warnings = skopsfile.read(path)
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        raise ModelError(
            f"a {type(estimator).__name__} without column names",
            "a fitted scikit-learn model that knows its columns (feature_names_in_)",
            "fit it on a data frame with named columns and write it again",
        )
    columns = tuple(map(str, names))
    if expected_columns is not None:
        _check_columns(columns, expected_columns)
    classified = getattr(estimator, "classes_", None) is not None
    scale, name, predict = _classifier(estimator, positive) if classified else _other(estimator)
    return Model(columns, scale, name, warnings, predict)


def _classifier(estimator: Any, positive: object) -> Scoring:
    classes = [str(c) for c in estimator.classes_]
    wanted = classes[-1] if positive is None else str(positive)
    if len(classes) != 2 or wanted not in classes:
        found = f"a model of the classes {', '.join(classes)[:200]}"
        found += "" if positive is None else f" and {wanted} as the positive one"
        raise ModelError(found, "two classes, one of them the positive one", "name one of the model's two classes")
    place = classes.index(wanted)
    if hasattr(estimator, "predict_proba"):
        return "probability", wanted, lambda data: estimator.predict_proba(data)[:, place]
    if hasattr(estimator, "decision_function"):
        return "decision", wanted, lambda data: (2 * place - 1) * estimator.decision_function(data)
    raise _no_score(estimator)


def _other(estimator: Any) -> Scoring:
    from sklearn.base import is_regressor

    if is_regressor(estimator):
        return "value", None, estimator.predict
    if hasattr(estimator, "decision_function"):
        return "decision", None, estimator.decision_function
    raise _no_score(estimator)


def _no_score(estimator: Any) -> ModelError:
    return ModelError(
        f"a {type(estimator).__name__} that gives no score",
        "predict_proba, decision_function, or a regressor",
        "fit a model that gives probabilities",
    )


def without_values(error: Exception) -> str:
    """The first line of a message; what it quotes may be a person's data."""
    first = str(error).strip().split("\n")[0]
    return re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", first)[:160]


def _check_columns(needed: Sequence[str], offered: Sequence[str]) -> None:
    missing = [name for name in needed if name not in offered]
    if missing:
        close = difflib.get_close_matches(missing[0], [str(name) for name in offered], n=1, cutoff=0.6)
        raise ModelError(
            f"no column {', '.join(missing[:10])}",
            f"all columns the model reads: {', '.join(needed[:40])}",
            f"is {close[0]} the column {missing[0]}?" if close else "export these columns, or name another model",
        )
