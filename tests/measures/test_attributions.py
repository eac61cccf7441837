"""Attributions: exact where there is an exact answer, Shapley values by brute force elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ethics_kit.measures.attributions import attributions, burden
from ethics_kit.measures.estimators import model_of
from ethics_kit.measures.scoring import Model, ModelError

N = 300
RNG = np.random.default_rng(20261101)
DATA = pd.DataFrame({"use": RNG.normal(size=N), "tenure": RNG.normal(size=N), "plan": RNG.choice(list("abc"), N)})
LABEL = DATA.use * (1 + (DATA.plan == "a")) + 0.5 * DATA.tenure + RNG.normal(size=N) > 0
NUMBERS = DATA[["use", "tenure"]]


def piped(last: Any) -> Any:
    """A pipeline over two numbers and a text."""
    columns = make_column_transformer(
        (StandardScaler(), ["use", "tenure"]), (OneHotEncoder(sparse_output=False), ["plan"])
    )
    return make_pipeline(columns, last)


def asked(predict: Callable[[pd.DataFrame], Any], *columns: str) -> Model:
    """A model that can only be asked."""
    return Model(columns, "value", None, (), predict)


def test_of_a_linear_model_they_are_the_weight_times_the_distance_from_the_mean() -> None:
    estimator = LinearRegression().fit(NUMBERS, RNG.normal(size=N))
    found = attributions(model_of(estimator, ()), DATA)
    assert found.values == pytest.approx((estimator.coef_ * (NUMBERS - NUMBERS.mean())).to_numpy(), abs=1e-12)
    assert found.base == pytest.approx(np.full(N, estimator.predict(NUMBERS).mean()))
    assert found.method.startswith("exact")


def test_of_a_logistic_pipeline_they_are_exact_in_log_odds_and_a_text_column_is_one() -> None:
    estimator = piped(LogisticRegression()).fit(DATA, LABEL)
    found = attributions(model_of(estimator, ()), DATA)
    prepared = estimator[:-1].transform(DATA)
    parts = estimator[-1].coef_ * (prepared - prepared.mean(axis=0))
    assert found.values == pytest.approx(np.column_stack([parts[:, 0], parts[:, 1], parts[:, 2:].sum(axis=1)]))
    assert found.output == pytest.approx(estimator.decision_function(DATA))
    assert found.error < 1e-12


def test_naming_the_other_class_turns_every_sign() -> None:
    estimator = piped(LogisticRegression()).fit(DATA, np.where(LABEL, "leaves", "stays"))
    stays, leaves = (attributions(model_of(estimator, (), positive=c), DATA) for c in ("stays", "leaves"))
    assert stays.values == pytest.approx(-leaves.values)


@pytest.mark.parametrize(
    "last",
    [
        GradientBoostingClassifier(n_estimators=8, random_state=0),
        RandomForestClassifier(4, max_depth=3, random_state=0),
        HistGradientBoostingRegressor(max_iter=5, random_state=0),
    ],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.parametrize("flipped", [False, True])
def test_of_trees_behind_a_pipeline_they_add_up_to_the_output(last: Any, flipped: bool) -> None:
    estimator = piped(last).fit(DATA, LABEL.astype(int))
    found = attributions(model_of(estimator, (), positive=0 if flipped and hasattr(last, "classes_") else None), DATA)
    assert found.method == "path-dependent tree SHAP by shap"
    assert found.values.shape == (N, 3)
    assert found.error < 1e-5


def test_steps_that_mix_columns_leave_the_model_to_be_asked() -> None:
    estimator = make_pipeline(PCA(2), RandomForestClassifier(3, max_depth=2, random_state=0)).fit(NUMBERS, LABEL)
    found = attributions(model_of(estimator, ()), DATA[:40])
    assert found.method.startswith("sampled")


def shapley(predict: Callable[[pd.DataFrame], Any], row: pd.Series[Any], others: pd.DataFrame) -> list[float]:
    """By the definition: over all subsets, with the other columns those of every other row (Shapley 1953)."""
    names = list(others.columns)

    def worth(kept: tuple[str, ...]) -> float:
        return float(np.mean(predict(others.assign(**{name: row[name] for name in kept}))))

    found = []
    for name in names:
        rest = [other for other in names if other != name]
        total = 0.0
        for size in range(len(rest) + 1):
            weight = math.factorial(size) * math.factorial(len(rest) - size) / math.factorial(len(names))
            total += sum(weight * (worth((*kept, name)) - worth(kept)) for kept in combinations(rest, size))
        found.append(total)
    return found


def test_of_a_model_that_can_only_be_asked_they_are_near_shapley_values_by_their_definition() -> None:
    data = DATA[:30].assign(size=RNG.normal(size=30))

    def predict(rows: pd.DataFrame) -> Any:
        return rows["use"] * rows["tenure"] + np.where(rows["plan"] == "a", rows["size"], 0.5 * rows["use"])

    found = attributions(asked(predict, *data.columns), data)
    expected = np.array([shapley(predict, row, data) for _, row in data.iterrows()])
    assert found.error < 1e-12
    assert np.corrcoef(found.values.ravel(), expected.ravel())[0, 1] > 0.95
    assert np.abs((found.values - expected).mean(axis=0)).max() < 0.1


def test_the_same_seed_gives_the_same_values() -> None:
    model = asked(lambda rows: rows["use"] * rows["tenure"], "use", "tenure")
    first, again, other = (attributions(model, NUMBERS[:50], seed=seed).values for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_column_the_model_ignores_adds_nothing() -> None:
    model = asked(lambda rows: rows["use"] ** 2 * rows["tenure"], "use", "tenure", "plan")
    assert np.all(attributions(model, DATA[:50]).values[:, 2] == 0)


def test_a_missing_column_is_told() -> None:
    with pytest.raises(ModelError, match=r"no column tenure"):
        attributions(asked(lambda rows: rows["use"], "use", "tenure"), DATA[["use"]])


@pytest.mark.parametrize(("joined", "in_vain"), [(np.add, 0), (np.multiply, 3)])
def test_the_burden_is_how_often_a_model_that_can_only_be_asked_is_asked_for_every_row(
    joined: Callable[..., Any], in_vain: int
) -> None:
    """What is no sum is first taken for one: the output, and each of two columns, in vain."""
    scored: list[int] = []

    def predict(data: pd.DataFrame) -> Any:
        scored.append(len(data))
        return joined(data.use, data.tenure)

    model = asked(predict, "use", "tenure")
    work, times = burden(model, NUMBERS[:100])
    assert work == model.output
    scored.clear()
    attributions(model, NUMBERS)
    assert sum(scored) == (times + in_vain) * N


def test_the_burden_of_trees_is_to_look_into_them_once() -> None:
    model = model_of(RandomForestClassifier(5, max_depth=4, random_state=0).fit(NUMBERS, LABEL), ())
    work, times = burden(model, NUMBERS[:100])
    assert (getattr(work(NUMBERS), "method", None), times) == ("path-dependent tree SHAP by shap", 1)
