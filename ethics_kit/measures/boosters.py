"""Boosted trees that LightGBM (.txt) and XGBoost (.json, .ubj) wrote, opened without trust.

Both libraries follow the node numbers of a file unchecked and end the whole process on some damaged files, so the
numbers are looked at first. Both give exact attributions of the raw score themselves (Lundberg et al. 2020, Nature
Machine Intelligence 2:56).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethics_kit.measures import ubjson
from ethics_kit.measures.scoring import Model, ModelError, Scale, named

WHOLE = "write the model again, with the library's own save_model, and copy the whole file"


def lightgbm_model(content: bytes, *, positive: object = None) -> Model:
    """The model in LightGBM's text format. Its classes have no names: the score is that of the one coded 1.

    Raises
    ------
    ModelError
        LightGBM is not installed, or the file is damaged, of another format, or of several classes.
    """
    _only_coded(positive, "LightGBM")
    lightgbm = _library("lightgbm")
    allowed = "a file written by LightGBM's Booster.save_model"
    text = _decoded(content, allowed)
    if not text.startswith("tree\n"):
        raise ModelError("a text file that is no LightGBM model", allowed, WHOLE)
    # With the sizes, trees are read by several threads, and an error in one of them ends the process; so does a damaged
    # list of the parameters of training, which predictions do not need.
    text = re.sub(r"^tree_sizes=.*\n", "", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^parameters:.*^end of parameters$", "", text, count=1, flags=re.MULTILINE | re.DOTALL)
    if not _sound_text(text):
        raise ModelError("a tree whose nodes lead out of it", "trees as LightGBM writes them", WHOLE)
    try:
        booster = lightgbm.Booster(model_str=text)
        objective, width = booster.dump_model(num_iteration=1).get("objective", ""), booster.num_feature()
    except Exception as error:  # LightGBM raises several types for a damaged file
        raise _damaged(error, allowed) from None
    if booster.num_model_per_iteration() != 1:
        raise ModelError("a model of several classes", "two classes, or a number", "give a table of predictions")
    scale: Scale = "probability" if objective.split(" ")[0] in ("binary", "cross_entropy") else "value"

    def tell(**what: bool) -> Callable[[pd.DataFrame], Any]:
        return lambda data: booster.predict(_categorical(data, booster.pandas_categorical), num_threads=1, **what)

    return Model(
        named(None, booster.feature_name(), width, "a LightGBM model"),
        scale,
        "1" if scale == "probability" else None,
        (),
        tell(),
        raw=tell(raw_score=True),
        contributions=tell(pred_contrib=True),
    )


def _categorical(data: pd.DataFrame, categories: Any) -> pd.DataFrame:
    """Text columns as the categories the model was fitted on, in the order of its text columns."""
    names = [c for c in data.columns if not pd.api.types.is_numeric_dtype(data[c])]
    known = categories or []
    if len(names) != len(known):
        raise ModelError(
            f"{len(names)} columns of text, {', '.join(map(str, names[:10]))}",
            f"{len(known)} columns of text, as when it was fitted",
            "compare the types of the features with those of the training data",
        )
    return data.assign(**{n: pd.Categorical(data[n], categories=k) for n, k in zip(names, known, strict=True)})


def _sound_text(text: str) -> bool:
    """Whether each tree's inner nodes lead to later ones or to its leaves, each once, and look at columns there are."""
    if re.search(r"[\x00-\x08\x0b-\x1f]|^Tree=(?!\d+\n)", text, flags=re.MULTILINE):
        return False
    head, *trees = re.split(r"^Tree=\d+\n", text.split("\nend of trees", maxsplit=1)[0], flags=re.MULTILINE)
    try:
        width = int(_keys(head)["max_feature_idx"]) + 1
        return bool(trees) and all(_sound_tree(_keys(tree), width) for tree in trees)
    except (KeyError, ValueError):
        return False


def _keys(block: str) -> dict[str, str]:
    """The block's keys, by LightGBM's own lines; a repeated one, of which it may read another than we, is an error."""
    told = [line.partition("=")[::2] for line in block.split("\n") if "=" in line]
    found = dict(told)
    if len(found) < len(told):
        raise ValueError("a repeated key")
    return found


def _sound_tree(tree: Mapping[str, str], width: int) -> bool:
    def numbers(key: str) -> npt.NDArray[np.int64]:
        return np.array(tree.get(key, "").split(), dtype=np.int64)

    leaves = int(tree["num_leaves"])
    if tree.get("is_linear", "0") != "0" or leaves < 1 or len(tree["leaf_value"].split()) != leaves:
        return False
    feature, left, right, kind = (
        numbers(key) for key in ("split_feature", "left_child", "right_child", "decision_type")
    )
    inner = leaves - 1
    if any(len(column) != inner for column in (feature, left, right, kind, tree.get("threshold", "").split())):
        return False
    children = np.concatenate([left, right])
    once = len(set(children.tolist())) == len(children)
    onward = np.where(children < 0, ~children < leaves, (children > np.tile(np.arange(inner), 2)) & (children < inner))
    ends, words = numbers("cat_boundaries"), numbers("cat_threshold")
    split = np.array(tree.get("threshold", "").split(), dtype=float)[(kind & 1) == 1]
    listed = len(split) == 0 or (
        len(ends) == int(tree["num_cat"]) + 1
        and ends[0] == 0
        and ends[-1] == len(words)
        and bool(np.all(np.diff(ends) >= 0) and np.all((split >= 0) & (split < len(ends) - 1)))
    )
    return listed and once and bool(np.all(onward) and np.all((feature >= 0) & (feature < width)))


def xgboost_model(
    content: bytes, *, text: bool, positive: object = None, columns: Sequence[str] | None = None
) -> Model:
    """The model in XGBoost's JSON (`text`) or UBJSON. Its classes have no names: the score is that of the one coded 1.

    Raises
    ------
    ModelError
        XGBoost is not installed, or the file is damaged, of another format, or of several classes.
    """
    _only_coded(positive, "XGBoost")
    xgboost = _library("xgboost")
    allowed = "a file written by XGBoost's Booster.save_model, as .json or .ubj"
    if not content.startswith(b"{"):
        raise ModelError("a file that is no XGBoost model", allowed, WHOLE)
    try:
        told = json.loads(content) if text else ubjson.loads(content)
        learner = told["learner"]
        objective, width = str(learner["objective"]["name"]), int(learner["learner_model_param"]["num_feature"])
        several = objective.startswith("multi:")
        sound = not several and _sound_learner(learner, width)
        booster = xgboost.Booster(params={"nthread": 1})
        if sound:
            booster.load_model(bytearray(json.dumps(told).encode()))
    except Exception as error:  # XGBoost raises several types for a damaged file
        raise _damaged(error, allowed) from None
    if several:
        raise ModelError("a model of several classes", "two classes, or a number", "give a table of predictions")
    if not sound:
        raise ModelError("a tree whose nodes lead out of it", "trees as XGBoost writes them", WHOLE)
    names = named(columns, booster.feature_names, width, "an XGBoost model")
    scale: Scale = "probability" if objective == "binary:logistic" else "value"

    def tell(**what: bool) -> Callable[[pd.DataFrame], Any]:
        def predict(data: pd.DataFrame) -> Any:
            rows = xgboost.DMatrix(data, nthread=1)
            if booster.feature_names is None:
                rows.feature_names = rows.feature_types = None
            return booster.predict(rows, **what)

        return predict

    return Model(
        names,
        scale,
        "1" if scale == "probability" else None,
        (),
        tell(),
        raw=tell(output_margin=True),
        contributions=tell(pred_contribs=True),
    )


def _sound_learner(learner: Mapping[str, Any], width: int) -> bool:
    """Whether its trees are plain ones whose inner nodes lead to other nodes, each once, and look at columns there are.

    Categorical splits are refused: XGBoost's files do not say in which order categories were numbered.
    """
    if learner["gradient_booster"].get("name") != "gbtree":
        return False
    model = learner["gradient_booster"]["model"]
    trees = model["trees"]
    one_output = set(model["tree_info"]) <= {0} and all(
        t["tree_param"]["size_leaf_vector"] in ("0", "1") for t in trees
    )
    return bool(trees) and one_output and all(_sound_nodes(tree, width) for tree in trees)


def _sound_nodes(tree: Mapping[str, Any], width: int) -> bool:
    left, right, feature, parent = (
        np.array(tree[k]) for k in ("left_children", "right_children", "split_indices", "parents")
    )
    count, inner = len(left), left != -1
    lists = [held for key, held in tree.items() if isinstance(held, list) and not key.startswith("categories")]
    if not count or any(len(held) != count for held in lists) or any(tree.get("split_type", ())):
        return False
    children = np.concatenate([left[inner], right[inner]])
    inside = np.all((children > 0) & (children < count)) and len(set(children.tolist())) == len(children)
    return bool(
        inside
        and np.all((feature[inner] >= 0) & (feature[inner] < width))
        and np.array_equal(parent[children], np.tile(np.flatnonzero(inner), 2))
    )


def _only_coded(positive: object, library: str) -> None:
    if positive is not None and str(positive) != "1":
        raise ModelError(
            f"{str(positive)[:60]} as the positive class",
            f"1, as {library} codes it",
            "take model.positive out of system.yaml, or fit the model with the class of interest as 1",
        )


def _library(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        raise ModelError(
            f"a model that {name} wrote, and no {name} here",
            f"the kit installed with its extra {name}",
            f'pip install "ethics-kit[{name}]"',
        ) from None


def _decoded(content: bytes, allowed: str) -> str:
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _damaged(error, allowed) from None


def _damaged(error: Exception, allowed: str) -> ModelError:
    return ModelError(f"a file that cannot be read ({type(error).__name__})", allowed, WHOLE)
