"""The formats of models' files, and which of them may be opened."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

SAFE = (".skops", ".txt", ".json", ".ubj", ".onnx")
"""skops, LightGBM's text, XGBoost's JSON and UBJSON, ONNX: none runs code when it is opened."""
PICKLES = (".pkl", ".pickle", ".joblib")
"""These run code when they are opened."""
ALLOW_PICKLE = "ETHICS_KIT_ALLOW_PICKLE"
"""Set by the command line's --allow-pickle, for its own run and the kernels it starts."""


def pickle_allowed() -> bool:
    """Whether who started this run said that it may open pickle files."""
    return os.environ.get(ALLOW_PICKLE) == "1"


def sha256_of(path: Path) -> str:
    """The digest of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
