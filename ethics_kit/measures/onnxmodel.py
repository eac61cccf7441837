"""An ONNX model, run by onnxruntime on one thread of the processor. Its scores can be had, but not what is inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ethics_kit.measures.scoring import Model, ModelError, Scale, named

ALLOWED = "an ONNX file that holds all its weights"
ELSEWHERE = b"\x0a\x08location"
"""How a protobuf file spells the key under which a tensor names another file as its place."""
KINDS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(string)": object}


def onnx_model(content: bytes, *, positive: object = None, columns: Sequence[str] | None = None) -> Model:
    """The model in an ONNX file: one input per column, or one matrix of the `columns` given.

    The score is the column of `positive` (else the last) of the output called probabilities, else the only number.

    Raises
    ------
    ModelError
        onnxruntime is not installed, or the file is damaged, takes its weights from elsewhere, or has other inputs or
        outputs.
    """
    try:
        import onnxruntime
    except ImportError:
        todo = 'pip install "ethics-kit[onnxruntime]"'
        raise ModelError(
            "an ONNX model, and no onnxruntime here", "the kit installed with its extra onnxruntime", todo
        ) from None
    if ELSEWHERE in content:
        raise ModelError("a model whose weights lie in another file", ALLOWED, "save it with its weights in one file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises types of its own
        found = f"a file that cannot be read ({type(error).__name__})"
        raise ModelError(found, ALLOWED, "export the model again, and copy the whole file") from None
    inputs = session.get_inputs()
    unknown = [i.type for i in inputs if i.type not in KINDS]
    if unknown:
        raise ModelError(f"an input of the type {unknown[0][:60]}", ", ".join(KINDS), "export it with such inputs")
    matrix = len(inputs) == 1 and columns is not None
    width = inputs[0].shape[-1] if matrix and isinstance(inputs[0].shape[-1], int) else None
    names = named(columns if matrix else None, None if matrix else [i.name for i in inputs], width, "an ONNX model")
    output = _output(session)

    def predict(data: pd.DataFrame) -> Any:
        if matrix:
            fed = {inputs[0].name: data.to_numpy(dtype=KINDS[inputs[0].type])}
        else:
            fed = {i.name: data[[i.name]].to_numpy(dtype=KINDS[i.type]) for i in inputs}
        return _scores(session.run([output], fed)[0], positive)

    scale: Scale = "probability" if "prob" in output.lower() else "value"
    return Model(names, scale, None if positive is None else str(positive), (), predict)


def _output(session: Any) -> str:
    names = [o.name for o in session.get_outputs()]
    probable = [name for name in names if "prob" in name.lower()]
    if len(probable) == 1 or len(names) == 1:
        return str((probable or names)[0])
    raise ModelError(
        f"the outputs {', '.join(names)[:200]}", "one output, or one called probabilities", "export it with one output"
    )


def _scores(found: Any, positive: object) -> Any:
    """A score per row from a column, a matrix with a column per class, or a mapping of classes per row."""
    if isinstance(found, list):
        table = pd.DataFrame(found)
        names = [str(c) for c in table.columns]
        if len(names) > 2:
            raise ModelError("a model of several classes", "two classes, or a number", "give a table of predictions")
        if positive is not None and str(positive) not in names:
            raise ModelError(
                f"a model of the classes {', '.join(names)[:200]}", str(positive)[:60], "correct model.positive"
            )
        return table.iloc[:, -1 if positive is None else names.index(str(positive))]
    matrix = np.asarray(found).reshape(len(found), -1)
    if matrix.shape[1] > 2:
        raise ModelError(f"{matrix.shape[1]} numbers for a row", "one score, or two probabilities", "export one score")
    if matrix.shape[1] == 2 and positive is not None:
        if str(positive) not in ("0", "1"):
            raise ModelError("two probabilities without names", "0 or 1 (model.positive)", "correct model.positive")
        return matrix[:, int(str(positive))]
    return matrix[:, -1]
