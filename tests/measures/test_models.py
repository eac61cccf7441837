"""Models: the scores are the estimator's own, and what cannot be used says why."""

from __future__ import annotations

import pickle
from pathlib import Path

import joblib
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

from ethics_kit.measures import formats, models
from ethics_kit.measures.models import Model, ModelError
from ethics_kit.measures.scoring import check_columns

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


def loaded(folder: Path, estimator: object, *, positive: object = None) -> Model:
    path = folder / "model.skops"
    skops.io.dump(estimator, path)
    return models.load(path, positive=positive)


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


def test_columns_the_data_will_not_have_are_named_with_what_was_meant(tmp_path: Path) -> None:
    columns = loaded(tmp_path, LogisticRegression().fit(NUMBERS, LABEL)).columns
    assert columns == ("tickets", "tenure")
    check_columns(columns, ["id", "tenure", "tickets"])
    with pytest.raises(
        ModelError,
        match=r"found no column tenure; allowed: all columns the model reads: tickets, tenure; "
        r"to do: is tenures the column tenure\?",
    ):
        check_columns(columns, ["tickets", "tenures"])
    with pytest.raises(ModelError, match="to do: export these columns, or name another model"):
        check_columns(columns, ["tickets"])


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
    with pytest.raises(ModelError, match=r"found data the model refuses \(ValueError\)") as caught:
        model.score(NUMBERS.assign(tenure="smith@example.org"))
    assert "smith" not in str(caught.value)
    with pytest.raises(ModelError, match=r"found data the model refuses \(ValueError\)"):
        model.score(NUMBERS.assign(tenure=np.nan))


def test_no_rows_have_no_scores(tmp_path: Path) -> None:
    assert len(loaded(tmp_path, LogisticRegression().fit(NUMBERS, LABEL)).score(NUMBERS[:0])) == 0


# --- the door ------------------------------------------------------------------------------------------------------


class Touch:
    """Its pickle makes a file when it is opened."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.canary,)


@pytest.fixture
def fitted() -> LogisticRegression:
    return LogisticRegression().fit(NUMBERS, LABEL)


def test_a_file_other_than_the_one_approved_is_refused_whatever_its_format(
    tmp_path: Path, fitted: LogisticRegression
) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(fitted, path)
    approved = models.digest(path.read_bytes())
    assert models.load(path, sha256=approved.upper()).columns == ("tickets", "tenure")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(
        ModelError, match=f"found a file with the sha256 .*; allowed: the file with the sha256 {approved}"
    ):
        models.load(path, sha256=approved)


@pytest.mark.parametrize("ending", [".pkl", ".pickle", ".joblib"])
@pytest.mark.parametrize(("allowed", "pinned"), [(False, False), (True, False), (False, True)])
def test_a_pickle_runs_nothing_unless_it_is_both_allowed_and_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, allowed: bool, pinned: bool
) -> None:
    monkeypatch.setenv(formats.ALLOW_PICKLE, "1" if allowed else "0")
    content = pickle.dumps(Touch(tmp_path / "canary"))
    (tmp_path / f"model{ending}").write_bytes(content)
    with pytest.raises(ModelError, match=r"a pickle or joblib file, which can run code; .*--allow-pickle"):
        models.load(tmp_path / f"model{ending}", sha256=models.digest(content) if pinned else None)
    assert not (tmp_path / "canary").exists()


def test_a_pickle_that_is_allowed_and_pinned_gives_its_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fitted: LogisticRegression
) -> None:
    monkeypatch.setenv(formats.ALLOW_PICKLE, "1")
    for name, write in (
        ("m.pkl", lambda f: f.write_bytes(pickle.dumps(fitted))),
        ("m.joblib", lambda f: joblib.dump(fitted, f)),
    ):
        write(tmp_path / name)
        model = models.load(tmp_path / name, sha256=models.digest((tmp_path / name).read_bytes()))
        assert np.array_equal(model.score(DATA), fitted.predict_proba(NUMBERS)[:, 1])


def test_a_pickle_changed_after_it_was_pinned_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(formats.ALLOW_PICKLE, "1")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Touch(tmp_path / "canary")))
    with pytest.raises(ModelError, match="found a file with the sha256"):
        models.load(tmp_path / "m.pkl", sha256="0" * 64)
    assert not (tmp_path / "canary").exists()


def test_a_damaged_pickle_is_told_without_what_it_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(formats.ALLOW_PICKLE, "1")
    (tmp_path / "m.pkl").write_bytes(b"Ann")
    with pytest.raises(ModelError, match="found a file that cannot be read"):
        models.load(tmp_path / "m.pkl", sha256=models.digest(b"Ann"))


def offering(monkeypatch: pytest.MonkeyPatch, **found: object) -> None:
    """Entry points as if a package were installed that offers these."""

    class Entry:
        def __init__(self, name: str) -> None:
            self.name = name

        def load(self) -> object:
            if isinstance(found[self.name], Exception):
                raise found[self.name]  # type: ignore[misc]
            return found[self.name]

    monkeypatch.setattr(
        models.metadata, "entry_points", lambda group: [Entry(n) for n in found if group == models.PLUGINS]
    )


def test_a_plug_in_is_asked_by_the_name_under_which_a_package_offers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    offering(monkeypatch, ours=lambda data: data["tickets"] * 2)
    model = models.plugin("ours", columns=["tickets"])
    assert np.array_equal(model.score(DATA), DATA.tickets * 2)
    with pytest.raises(ModelError, match="found a plug-in without column names"):
        models.plugin("ours")


def test_what_no_package_offers_is_never_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    offering(monkeypatch, ours=print)
    for name in ("os.system", "os:system", "../model.py"):
        with pytest.raises(ModelError, match=r"found no plug-in .*: ours; to do"):
            models.plugin(name)


def test_a_plug_in_that_cannot_be_imported_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    offering(monkeypatch, ours=ImportError("no module named 'gone'"))
    with pytest.raises(ModelError, match=r"a plug-in that cannot be imported \(ImportError\)"):
        models.plugin("ours", columns=["tickets"])


def test_a_plug_in_that_gives_no_number_for_a_row_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    offering(monkeypatch, ours=lambda data: np.where(data["tickets"] > 0, np.nan, 1.0))
    with pytest.raises(ModelError, match=r"found \d+ of 120 scores that are not finite numbers"):
        models.plugin("ours", columns=["tickets"]).score(DATA)
