"""LightGBM, XGBoost and ONNX files: scores and attributions as the library gives them; damaged files told in words."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost
from onnx import TensorProto, helper

from ethics_kit.measures import boosters, models
from ethics_kit.measures.attributions import attributions
from ethics_kit.measures.scoring import ModelError

N = 200
RNG = np.random.default_rng(20261101)
DATA = pd.DataFrame({"use": RNG.normal(size=N), "tenure": RNG.normal(size=N)})
PLAN = pd.Series(RNG.choice(list("abc"), N), dtype=object)
LABEL = (DATA.use + (PLAN == "a") + RNG.normal(size=N) > 0).astype(int)
WITH_TEXT = DATA.assign(plan=PLAN)


@pytest.fixture(scope="module")
def light() -> lightgbm.Booster:
    rows = lightgbm.Dataset(WITH_TEXT.astype({"plan": "category"}), LABEL)
    return lightgbm.train({"objective": "binary", "num_threads": 1, "verbosity": -1, "min_data_per_group": 5}, rows, 6)


@pytest.fixture(scope="module")
def extreme() -> xgboost.Booster:
    return xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(DATA, LABEL), 6)


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path, message: str, **how: Any) -> None:
    with pytest.raises(ModelError, match=message):
        models.load(path, **how)


# --- LightGBM ------------------------------------------------------------------------------------------------------


def test_a_lightgbm_file_gives_its_own_probability_from_numbers_and_text(tmp_path: Path, light: Any) -> None:
    model = models.load(written(tmp_path, "m.txt", light.model_to_string()))
    known = WITH_TEXT.astype({"plan": "category"})
    assert (model.columns, model.scale, model.positive) == (("use", "tenure", "plan"), "probability", "1")
    assert model.score(WITH_TEXT) == pytest.approx(light.predict(known))
    found = attributions(model, WITH_TEXT)
    assert found.output == pytest.approx(light.predict(known, raw_score=True))
    assert found.values == pytest.approx(light.predict(known, pred_contrib=True)[:, :3])
    assert found.error < 1e-12


def test_a_lightgbm_regression_gives_its_value(tmp_path: Path) -> None:
    rows = lightgbm.Dataset(DATA, DATA.use)
    booster = lightgbm.train({"objective": "regression", "num_threads": 1, "verbosity": -1}, rows, 3)
    model = models.load(written(tmp_path, "m.txt", booster.model_to_string()))
    assert (model.scale, model.positive) == ("value", None)
    assert model.score(DATA) == pytest.approx(booster.predict(DATA))


LIGHT_DAMAGE: dict[str, Callable[[str], str]] = {
    "a child beyond the tree": lambda t: re.sub(r"left_child=-?\d+", "left_child=90000", t, count=1),
    "a loop": lambda t: re.sub(r"(left_child=)(\S+) \S+", r"\1\2 0", t, count=1),
    "a column beyond the width": lambda t: re.sub(r"split_feature=\d+", "split_feature=99", t, count=1),
    "a threshold that is no number": lambda t: re.sub(r"threshold=\S+", "threshold=x", t, count=1),
    "a category beyond its list": lambda t: re.sub(r"cat_boundaries=0 \d+", "cat_boundaries=0 999", t, count=1),
    "cut off": lambda t: t[: len(t) // 3],
    "no trees": lambda t: t[: t.index("Tree=0")] + "end of trees\n",
}


@pytest.mark.parametrize("damage", LIGHT_DAMAGE)
def test_a_damaged_lightgbm_file_is_told_and_ends_nothing(tmp_path: Path, light: Any, damage: str) -> None:
    text = light.model_to_string()
    spoilt = LIGHT_DAMAGE[damage](text)
    assert spoilt != text
    refused(written(tmp_path, "m.txt", spoilt), "a tree whose nodes lead out of it|a file that cannot be read")


def test_a_text_that_is_no_model_is_told(tmp_path: Path) -> None:
    refused(written(tmp_path, "m.txt", "dear all"), "a text file that is no LightGBM model")
    refused(written(tmp_path, "m.txt", b"\xff\xfe"), "cannot be read")


def test_text_where_lightgbm_was_fitted_on_numbers_is_told(tmp_path: Path, light: Any) -> None:
    model = models.load(written(tmp_path, "m.txt", light.model_to_string()))
    with pytest.raises(ModelError, match="2 columns of text, tenure, plan; allowed: 1 columns of text"):
        model.score(WITH_TEXT.assign(tenure="long"))


# --- XGBoost -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["json", "ubj"])
def test_an_xgboost_file_gives_its_own_probability(tmp_path: Path, extreme: Any, kind: str) -> None:
    model = models.load(written(tmp_path, f"m.{kind}", bytes(extreme.save_raw(kind))))
    rows = xgboost.DMatrix(DATA)
    assert (model.columns, model.scale, model.positive) == (("use", "tenure"), "probability", "1")
    assert model.score(DATA) == pytest.approx(extreme.predict(rows))
    found = attributions(model, DATA)
    assert found.output == pytest.approx(extreme.predict(rows, output_margin=True))
    assert found.error < 1e-5  # XGBoost computes in single precision


def changed(extreme: Any, change: Callable[[dict[str, Any]], None]) -> bytes:
    content = json.loads(bytes(extreme.save_raw("json")))
    change(content["learner"]["gradient_booster"]["model"]["trees"][0])
    return json.dumps(content).encode()


EXTREME_DAMAGE: dict[str, Callable[[dict[str, Any]], None]] = {
    "a child beyond the tree": lambda tree: tree["left_children"].__setitem__(0, 10**6),
    "a loop": lambda tree: tree["left_children"].__setitem__(1, 0),
    "a column beyond the width": lambda tree: tree["split_indices"].__setitem__(0, 999),
}


@pytest.mark.parametrize("damage", EXTREME_DAMAGE)
def test_an_xgboost_tree_that_leads_out_of_itself_is_refused(tmp_path: Path, extreme: Any, damage: str) -> None:
    content = changed(extreme, EXTREME_DAMAGE[damage])
    refused(written(tmp_path, "m.json", content), "a tree whose nodes lead out of it")


@pytest.mark.parametrize("content", [b"", b"[]", b"tree", b"{}", b'{"learner":{}}', b"{" * 5000])
def test_what_is_no_xgboost_model_is_told(tmp_path: Path, content: bytes) -> None:
    refused(written(tmp_path, "m.json", content), "a file that (is no XGBoost model|cannot be read)")


def test_a_cut_xgboost_file_is_told(tmp_path: Path, extreme: Any) -> None:
    for kind in ("json", "ubj"):
        whole = bytes(extreme.save_raw(kind))
        refused(written(tmp_path, f"m.{kind}", whole[: len(whole) // 2]), "a file that cannot be read")


def test_columns_that_an_xgboost_file_does_not_name_come_from_the_dossier(tmp_path: Path) -> None:
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(DATA.to_numpy(), LABEL), 2)
    path = written(tmp_path, "m.json", bytes(booster.save_raw("json")))
    refused(path, "an XGBoost model without column names")
    refused(path, "1 column names for an XGBoost model that reads 2", columns=["use"])
    model = models.load(path, columns=["use", "tenure"])
    assert model.score(DATA) == pytest.approx(booster.predict(xgboost.DMatrix(DATA.to_numpy())))


@pytest.mark.parametrize("kind", ["txt", "json"])
def test_classes_that_have_no_names_cannot_be_named(tmp_path: Path, light: Any, extreme: Any, kind: str) -> None:
    content = light.model_to_string() if kind == "txt" else bytes(extreme.save_raw("json"))
    refused(written(tmp_path, f"m.{kind}", content), "yes as the positive class; allowed: 1", positive="yes")


@pytest.mark.parametrize(("kind", "library"), [("txt", "lightgbm"), ("json", "xgboost"), ("onnx", "onnxruntime")])
def test_a_library_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    refused(written(tmp_path, f"m.{kind}", b"{}"), rf'pip install "ethics-kit\[{library}\]"')


# --- ONNX ----------------------------------------------------------------------------------------------------------


def onnx_file(*, inputs: list[str], width: int, output: str = "score") -> bytes:
    """The sum of all columns: one matrix, or a column each."""
    held = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]) for name in inputs]
    joined = helper.make_node("Concat", inputs, ["all"], axis=1)
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    added = helper.make_node("ReduceSum", ["all", "axes"], [output], keepdims=1)
    told = [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, 1])]
    graph = helper.make_graph([joined, added], "g", held, told, [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def test_an_onnx_file_with_an_input_per_column_is_asked_by_name(tmp_path: Path) -> None:
    model = models.load(written(tmp_path, "m.onnx", onnx_file(inputs=["use", "tenure"], width=1)))
    assert (model.columns, model.scale) == (("use", "tenure"), "value")
    assert model.score(DATA) == pytest.approx((DATA.use + DATA.tenure).to_numpy(), abs=1e-6)


def test_an_onnx_file_with_one_matrix_takes_its_columns_from_the_dossier(tmp_path: Path) -> None:
    path = written(tmp_path, "m.onnx", onnx_file(inputs=["X"], width=2, output="probabilities"))
    model = models.load(path, columns=["tenure", "use"])
    assert (model.columns, model.scale) == (("tenure", "use"), "probability")
    assert model.score(DATA) == pytest.approx((DATA.use + DATA.tenure).to_numpy(), abs=1e-6)
    refused(path, "3 column names for an ONNX model that reads 2", columns=["a", "b", "c"])


def test_an_onnx_file_that_is_damaged_or_takes_weights_from_elsewhere_is_refused(tmp_path: Path) -> None:
    content = onnx_file(inputs=["use"], width=1)
    refused(written(tmp_path, "m.onnx", content[:40]), "a file that cannot be read")
    model = onnx.load_from_string(content)
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "/etc/hostname"
    refused(written(tmp_path, "m.onnx", model.SerializeToString()), "whose weights lie in another file")


@pytest.mark.parametrize("cut", ["Tree=x\n", "\x0bleft_child=0"])
def test_a_lightgbm_file_with_lines_that_only_one_of_two_readers_would_see_is_refused(cut: str) -> None:
    assert not boosters._sound_text(f"max_feature_idx=1\nTree=0\nnum_leaves=1\nleaf_value=1\n{cut}\nend of trees\n")
    assert boosters._sound_text("max_feature_idx=1\nTree=0\nnum_leaves=1\nleaf_value=1\n\nend of trees\n")
