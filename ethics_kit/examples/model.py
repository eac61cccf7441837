"""The models of the house as files, and the reasons that its decisions carry."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ethics_kit.examples.drawing import Array, Frame, where
from ethics_kit.examples.exports import column_name

INPUTS: Mapping[str, tuple[list[str], list[str]]] = {
    "churn_risk": (["tenure_years", "logins_30d", "tickets_90d"], ["payment"]),
    "health_score": (["logins", "open_issues", "survey", "contract_age"], []),
}
"""The numbers and the classes that each model reads."""
REASONS = {
    "churn_risk": {
        "logins_30d": "usage_down",
        "tenure_years": "contract_ends",
        "tickets_90d": "tickets_up",
        "payment": "payment_failed",
    },
    "health_score": {
        "logins": "logins",
        "open_issues": "open issues",
        "survey": "survey",
        "contract_age": "contract age",
    },
}
"""The code of each input."""
SELECTS_HIGH = {"churn_risk": True, "health_score": False}
PLAIN = 0.05
"""What counts as a push against the decision, in parts of the outputs' deviation: not one that rounding may turn."""


def fitted(system: str, made: Mapping[str, Frame]) -> Any:
    """A regression on the inputs: logistic on the label of the sample's rows for training, or linear on the score."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    read, classes = ([exported(system, name) for name in names] for names in INPUTS[system])
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = [("numbers", numbers, read)]
    if classes:
        columns.append(("classes", OneHotEncoder(handle_unknown="ignore"), classes))
    last, sample, target = LinearRegression(), made["decisions"], "score"
    if system == "churn_risk":
        last, sample, target = LogisticRegression(), made["training_sample"], "outcome"
    rows = pd.DataFrame(sample)
    rows = rows[rows["split"] == "train"] if "split" in rows else rows
    model = make_pipeline(ColumnTransformer(columns), last)
    model.fit(inputs(system, rows), rows[target])
    last.coef_ = np.round(last.coef_, 6)  # what lies behind depends on the processor
    last.intercept_ = np.round(last.intercept_, 6)
    return model


def inputs(system: str, frame: Any) -> pd.DataFrame:
    """The columns that the model reads, under their names in the export."""
    read, classes = INPUTS[system]
    rows = pd.DataFrame(frame)[read + classes].astype(dict.fromkeys(read, float))
    return rows.rename(columns=partial(exported, system))


def exported(system: str, role: str) -> str:
    return column_name(system, "training_sample", role)


def model_file(model: Any) -> bytes:
    """A fitted model in skops' format."""
    import skops.io

    return _reproducible(skops.io.dumps(model))


def reasons(system: str, rng: np.random.Generator, model: Any, decisions: Frame, selected: Array, wrong: int) -> Array:
    """For each decision the code of the input that pushed most towards it; for `wrong` of them it is not borne out.

    Where the log holds no reason, or no input pushed towards the decision, none can be right: these count.
    """
    order = INPUTS[system][0] + INPUTS[system][1]
    lacking = np.array([reason is None for reason in decisions["reason"]])
    prepared = model[:-1].transform(inputs(system, decisions))
    dense = prepared.toarray() if hasattr(prepared, "toarray") else prepared
    parts = (dense - dense.mean(axis=0)) * model[-1].coef_.ravel()
    owner = np.minimum(np.arange(parts.shape[1]), len(order) - 1)  # classes come last
    added = np.column_stack([parts[:, owner == j].sum(axis=1) for j in range(len(order))])
    towards = np.where(selected == SELECTS_HIGH[system], 1, -1)[:, None] * added
    lost = lacking | (towards.max(axis=1) <= 0)
    against = np.flatnonzero(~lost & (towards.min(axis=1) < -PLAIN * added.sum(axis=1).std()))
    misled = np.zeros(len(lacking), dtype=bool)
    misled[rng.choice(against, wrong - int(lost.sum()), replace=False)] = True
    codes = np.array([REASONS[system][name] for name in order], dtype=object)
    told = codes[np.where(misled, towards.argmin(axis=1), towards.argmax(axis=1))]
    return where(lacking, None, told)


def _reproducible(content: bytes) -> bytes:
    """The archive without the time of its making, and its parts numbered instead of named by their place in memory."""
    numbered: dict[str, str] = {}

    def number(place: re.Match[str]) -> str:
        return numbered.setdefault(place[0], str(len(numbered) + 1))

    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        schema = re.sub(r'(?<="__id__": )\d+|\d+(?=\.npy")', number, old.read("schema.json").decode())
        for name in old.namelist():
            part = schema if name == "schema.json" else old.read(name)
            new.writestr(zipfile.ZipInfo(re.sub(r"^\d+(?=\.npy$)", number, name)), part)
    return written.getvalue()
