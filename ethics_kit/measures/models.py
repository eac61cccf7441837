"""The door to models: a file of a known format, or an installed plug-in, as the columns it reads and a score per row.

The bytes of a file are read once: what is hashed is what is opened. Formats that run code when they are opened (pickle,
joblib) are opened only where a person allowed it for this run and the file is the one whose sha256 the dossier gives.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from ethics_kit.measures import estimators, formats, skopsfile
from ethics_kit.measures.scoring import Model, ModelError, Scale, named

__all__ = ["Model", "ModelError", "Scale", "load", "plugin"]

PLUGINS = "ethics_kit.models"
"""Group of entry points of installed packages. A dossier names one of them; it cannot name code of its own."""


def load(
    path: Path,
    *,
    positive: object = None,
    sha256: str | None = None,
    columns: Sequence[str] | None = None,
) -> Model:
    """The model in a file. `positive` names its class of interest, else it is the second in order.

    `columns` names what a model reads that does not know names. `sha256` is the digest the file has to have.

    Raises
    ------
    ModelError
        The file is missing, too large, damaged, of another format or not the one that was hashed; or it needs a
        library that is not installed, was fitted on other columns or other than two classes, or gives no score.
    """
    content = skopsfile.content_of(path)
    if sha256 is not None and digest(content) != sha256.lower():
        raise ModelError(
            f"a file with the sha256 {digest(content)}",
            f"the file with the sha256 {sha256.lower()}, as model.sha256 says",
            "put the model back that was approved, or have the new one approved and its sha256 written down",
        )
    return _opened(content, path.suffix.lower(), positive=positive, columns=columns, pinned=sha256 is not None)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _opened(content: bytes, suffix: str, *, positive: object, columns: Sequence[str] | None, pinned: bool) -> Model:
    match suffix:
        case ".txt":
            from ethics_kit.measures import boosters

            return boosters.lightgbm_model(content, positive=positive)
        case ".json" | ".ubj":
            from ethics_kit.measures import boosters

            return boosters.xgboost_model(content, text=suffix == ".json", positive=positive, columns=columns)
        case ".onnx":
            from ethics_kit.measures import onnxmodel

            return onnxmodel.onnx_model(content, positive=positive, columns=columns)
        case ".pkl" | ".pickle" | ".joblib":
            return estimators.model_of(_unpickled(content, pinned), (), positive=positive, columns=columns)
        case _:
            estimator, warnings = skopsfile.read(content)
            return estimators.model_of(estimator, warnings, positive=positive, columns=columns)


def _unpickled(content: bytes, pinned: bool) -> object:
    if not (pinned and formats.pickle_allowed()):
        raise ModelError(
            "a pickle or joblib file, which can run code",
            "one of "
            + " ".join(formats.SAFE)
            + "; or model.sha256 in system.yaml, and --allow-pickle on the command line",
            "write the model with skops.io.dump",
        )
    import joblib

    try:
        return joblib.load(io.BytesIO(content))
    except Exception as error:  # whatever the file's own code raises
        raise ModelError(
            f"a file that cannot be read ({type(error).__name__})",
            "a fitted scikit-learn model, written by the versions that are installed",
            "write the model with skops.io.dump",
        ) from None


def plugin(name: str, *, columns: Sequence[str] | None = None) -> Model:
    """A function that an installed package offers under `name`: a data frame of `columns` in, a score per row out.

    Raises
    ------
    ModelError
        No installed package offers it, or it cannot be imported.
    """
    offered = {entry.name: entry for entry in metadata.entry_points(group=PLUGINS)}
    if name not in offered:
        raise ModelError(
            f"no plug-in {name[:60]!r}",
            "an installed package's entry point of the group " + PLUGINS + ": " + (", ".join(offered) or "none yet"),
            "install the package that offers it, or correct the name",
        )
    try:
        predict = offered[name].load()
    except Exception as error:  # whatever the package raises
        raise ModelError(
            f"a plug-in that cannot be imported ({type(error).__name__})",
            "a function of a data frame",
            "repair or install the package again",
        ) from None
    return Model(named(columns, getattr(predict, "columns", None), None, "a plug-in"), "value", None, (), predict)
