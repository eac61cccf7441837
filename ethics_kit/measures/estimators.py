"""A scikit-learn estimator as a model: which of its methods gives the score, and for which class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from ethics_kit.measures.scoring import Model, ModelError, Scale, named

Predict = Callable[[pd.DataFrame], Any]
Scoring = tuple[Scale, str | None, Predict, Predict | None]


def model_of(
    estimator: Any, warnings: tuple[str, ...], *, positive: object = None, columns: Sequence[str] | None = None
) -> Model:
    """The model that a fitted estimator is. `positive` names its class of interest, else it is the second in order.

    Raises
    ------
    ModelError
        It knows no column names and `columns` gives none, has other than two classes, or gives no score.
    """
    own = getattr(estimator, "feature_names_in_", None)
    width = getattr(estimator, "n_features_in_", None)
    names = named(columns, None if own is None else list(own), width, f"a {type(estimator).__name__}")
    classified = getattr(estimator, "classes_", None) is not None
    scale, name, predict, raw = _classifier(estimator, positive) if classified else _other(estimator)
    if own is None:
        predict, raw = _as_matrix(predict), raw and _as_matrix(raw)
    return Model(names, scale, name, warnings, predict, raw=raw, estimator=estimator)


def _as_matrix(predict: Predict) -> Predict:
    """It was fitted on a matrix, and would warn of names."""
    return lambda data: predict(data.to_numpy())  # type: ignore[arg-type]


def _classifier(estimator: Any, positive: object) -> Scoring:
    classes = [str(c) for c in estimator.classes_]
    wanted = classes[-1] if positive is None else str(positive)
    if len(classes) != 2 or wanted not in classes:
        found = f"a model of the classes {', '.join(classes)[:200]}"
        found += "" if positive is None else f" and {wanted} as the positive one"
        raise ModelError(found, "two classes, one of them the positive one", "name one of the model's two classes")
    place = classes.index(wanted)
    raw: Predict | None = None
    if hasattr(estimator, "decision_function"):
        raw = lambda data: (2 * place - 1) * estimator.decision_function(data)  # noqa: E731
    if hasattr(estimator, "predict_proba"):
        return "probability", wanted, lambda data: estimator.predict_proba(data)[:, place], raw
    if raw:
        return "decision", wanted, raw, None
    raise _no_score(estimator)


def _other(estimator: Any) -> Scoring:
    from sklearn.base import is_regressor

    if is_regressor(estimator):
        return "value", None, estimator.predict, None
    if hasattr(estimator, "decision_function"):
        return "decision", None, estimator.decision_function, None
    raise _no_score(estimator)


def _no_score(estimator: Any) -> ModelError:
    return ModelError(
        f"a {type(estimator).__name__} that gives no score",
        "predict_proba, decision_function, or a regressor",
        "fit a model that gives probabilities",
    )
