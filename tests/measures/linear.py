"""A linear model, whose SHAP values are known."""

import numpy as np
import pandas as pd

WEIGHTS = np.array([3.0, -2.0, 1.0, 0.0])


def linear(n=400, *, seed=1, weights=WEIGHTS):
    """Rows, the linear model w·x, and its SHAP values w·(x − mean x) with base w·mean x."""
    rows = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, len(weights)))).rename(columns="x{}".format)
    mean = rows.to_numpy().mean(axis=0)

    def predict(frame):
        return frame.to_numpy(dtype=float) @ weights

    return rows, predict, (rows.to_numpy() - mean) * weights, float(mean @ weights)
