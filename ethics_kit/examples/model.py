"""The churn model as a file."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np

from ethics_kit.examples.drawing import Frame

NUMBERS = ["tenure_years", "logins_30d", "tickets_90d"]
CLASSES = ["payment"]


def model_file(sample: Frame) -> bytes:
    """A logistic regression on the inputs in the training sample's rows for training, in skops' format."""
    import pandas as pd
    import skops.io
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = [("numbers", numbers, NUMBERS), ("classes", OneHotEncoder(handle_unknown="ignore"), CLASSES)]
    model = make_pipeline(ColumnTransformer(columns), LogisticRegression())
    rows = pd.DataFrame(sample)[sample["split"] == "train"]
    model.fit(rows[NUMBERS + CLASSES].astype(dict.fromkeys(NUMBERS, float)), rows["outcome"])
    regression = model[-1]
    regression.coef_ = np.round(regression.coef_, 6)  # what lies behind depends on the processor
    regression.intercept_ = np.round(regression.intercept_, 6)
    return _reproducible(skops.io.dumps(model))


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
