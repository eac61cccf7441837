"""Models: the scores are the estimator's own, and what cannot be used says why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from ethics_kit.measures import models
from ethics_kit.measures.models import Model, ModelError

N = 120
RNG = np.random.default_rng(20261101)
DATA = pd.DataFrame({"tickets": RNG.normal(size=N), "tenure": RNG.normal(size=N), "plan": RNG.choice(list("abc"), N)})
LABEL = DATA.tickets + (DATA.plan == "a") + RNG.normal(size=N) > 0
NUMBERS = DATA[["tickets", "tenure"]]


def piped(last: BaseEstimator) -> BaseEstimator:
    """An ordinary pipeline over numbers and text."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_pipeline(
        make_column_transformer(
            (numbers, make_column_selector(dtype_include=np.number)),
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["plan"]),
        ),
        last,
    )


def loaded(
    folder: Path, estimator: object, *, expected_columns: Sequence[str] | None = None, positive: object = None
) -> Model:
    path = folder / "model.skops"
    skops.io.dump(estimator, path)
    return models.load(path, expected_columns=expected_columns, positive=positive)


@pytest.mark.parametrize(
    "last",
    [
        LogisticRegression(),
        SGDClassifier(loss="log_loss"),
        RandomForestClassifier(5),
        GradientBoostingClassifier(n_estimators=5),
        HistGradientBoostingClassifier(max_iter=5),
        AdaBoostClassifier(n_estimators=3),
        BaggingClassifier(n_estimators=3, max_features=0.5),
        GaussianNB(),
        MLPClassifier(max_iter=1000, tol=0.01),
        CalibratedClassifierCV(LogisticRegression()),
        VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft"),
        StackingClassifier([("a", LogisticRegression())]),
        make_pipeline(SelectKBest(k=2), LogisticRegression()),
    ],
    ids=lambda e: type(e).__name__,
)
def test_a_score_is_the_estimators_own_probability(tmp_path: Path, last: BaseEstimator) -> None:
    estimator = piped(last).fit(DATA, LABEL)
    model = loaded(tmp_path, estimator)
    assert (model.columns, model.scale, model.positive) == (("tickets", "tenure", "plan"), "probability", "True")
    assert np.array_equal(model.score(DATA), estimator.predict_proba(DATA)[:, 1])


@pytest.mark.parametrize("last", [SVC(), RidgeClassifier()], ids=lambda e: type(e).__name__)
def test_a_classifier_without_probabilities_gives_its_decision_value(tmp_path: Path, last: BaseEstimator) -> None:
    estimator = piped(last).fit(DATA, LABEL)
    model = loaded(tmp_path, estimator)
    assert model.scale == "decision"
    assert np.array_equal(model.score(DATA), estimator.decision_function(DATA))
    opposite = loaded(tmp_path, estimator, positive=False)
    assert np.array_equal(opposite.score(DATA), -estimator.decision_function(DATA))


def test_a_regressor_gives_its_value(tmp_path: Path) -> None:
    estimator = LinearRegression().fit(NUMBERS, LABEL)
    model = loaded(tmp_path, estimator)
    assert (model.scale, model.positive) == ("value", None)
    assert np.array_equal(model.score(NUMBERS), estimator.predict(NUMBERS))


def test_an_outlier_detector_gives_its_decision_value(tmp_path: Path) -> None:
    estimator = IsolationForest(n_estimators=5, random_state=0).fit(NUMBERS)
    model = loaded(tmp_path, estimator)
    assert (model.scale, model.positive) == ("decision", None)
    assert np.array_equal(model.score(NUMBERS), estimator.decision_function(NUMBERS))


@pytest.mark.parametrize("text", [False, True])
def test_the_order_of_columns_and_columns_it_does_not_read_change_no_score(tmp_path: Path, text: bool) -> None:
    estimator = piped(LogisticRegression()).fit(DATA, LABEL) if text else LogisticRegression().fit(NUMBERS, LABEL)
    model = loaded(tmp_path, estimator)
    other = DATA.assign(gender="f")[["gender", "plan", "tenure", "tickets"]]
    assert np.array_equal(model.score(other), model.score(DATA))


def test_the_positive_class_is_the_one_named(tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(NUMBERS, np.where(LABEL, "churns", "stays"))
    assert loaded(tmp_path, estimator).positive == "stays"
    model = loaded(tmp_path, estimator, positive="churns")
    assert model.positive == "churns"
    assert np.array_equal(model.score(NUMBERS), estimator.predict_proba(NUMBERS)[:, 0])


def test_a_positive_class_the_model_does_not_know_is_refused(tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(NUMBERS, np.where(LABEL, "churns", "stays"))
    with pytest.raises(ModelError, match=r"found a model of the classes churns, stays and left as the positive one"):
        loaded(tmp_path, estimator, positive="left")


def test_more_than_two_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"found a model of the classes a, b, c; allowed: two classes"):
        loaded(tmp_path, LogisticRegression().fit(NUMBERS, DATA.plan))


@pytest.mark.parametrize("odd", [StandardScaler(), KMeans(2, n_init=1), VotingClassifier([("a", GaussianNB())])])
def test_what_gives_no_score_is_refused(tmp_path: Path, odd: BaseEstimator) -> None:
    with pytest.raises(ModelError, match=f"found a {type(odd).__name__} that gives no score"):
        loaded(tmp_path, odd.fit(NUMBERS, LABEL))


@pytest.mark.parametrize(
    "odd",
    [
        {"a": 1},
        LogisticRegression(),
        GradientBoostingClassifier(),
        LogisticRegression().fit(NUMBERS.to_numpy(), LABEL),
    ],
)
def test_what_knows_no_column_names_is_refused(tmp_path: Path, odd: object) -> None:
    with pytest.raises(ModelError, match=f"found a {type(odd).__name__} without column names; allowed: a model that"):
        loaded(tmp_path, odd)


def test_columns_the_data_will_not_have_are_named_at_loading_with_what_was_meant(tmp_path: Path) -> None:
    estimator = LogisticRegression().fit(NUMBERS, LABEL)
    assert loaded(tmp_path, estimator, expected_columns=["id", "tenure", "tickets"]).columns == ("tickets", "tenure")
    with pytest.raises(
        ModelError,
        match=r"found no column tenure; allowed: all columns the model reads: tickets, tenure; "
        r"to do: is tenures the column tenure\?",
    ):
        loaded(tmp_path, estimator, expected_columns=["tickets", "tenures"])
    with pytest.raises(ModelError, match="to do: export these columns, or name another model"):
        loaded(tmp_path, estimator, expected_columns=["tickets"])


def test_columns_the_data_does_not_have_are_named_at_scoring(tmp_path: Path) -> None:
    model = loaded(tmp_path, LogisticRegression().fit(NUMBERS, LABEL))
    with pytest.raises(ModelError, match="found no column tenure"):
        model.score(DATA[["tickets"]])


def test_a_score_that_is_not_a_number_is_no_score(tmp_path: Path) -> None:
    estimator = LinearRegression().fit(NUMBERS, LABEL)
    model = loaded(tmp_path, estimator)
    estimator.coef_[:] = np.nan
    broken = loaded(tmp_path, estimator)
    assert np.isfinite(model.score(NUMBERS)).all()
    with pytest.raises(ModelError, match=f"found {N} of {N} scores that are not finite numbers"):
        broken.score(NUMBERS)


def test_data_the_model_refuses_are_told_without_what_they_say(tmp_path: Path) -> None:
    model = loaded(tmp_path, LogisticRegression().fit(NUMBERS, LABEL))
    with pytest.raises(ModelError, match=r"found data the model refuses \(ValueError: could not convert") as caught:
        model.score(NUMBERS.assign(tenure="smith@example.org"))
    assert "smith" not in str(caught.value)
    with pytest.raises(ModelError, match=r"found data the model refuses \(ValueError: Input X contains NaN"):
        model.score(NUMBERS.assign(tenure=np.nan))


def test_no_rows_have_no_scores(tmp_path: Path) -> None:
    assert len(loaded(tmp_path, LogisticRegression().fit(NUMBERS, LABEL)).score(NUMBERS[:0])) == 0
