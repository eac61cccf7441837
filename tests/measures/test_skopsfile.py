"""Skops files: what is refused, that refusing runs nothing, and that trees are looked at before they are followed."""

from __future__ import annotations

import copy
import io
import json
import pickle
import re
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from ethics_kit.measures import skopsfile
from ethics_kit.measures.skopsfile import ModelError

RNG = np.random.default_rng(20261101)
DATA = pd.DataFrame(RNG.normal(size=(80, 3)), columns=["tickets", "tenure", "spend"])
LABEL = DATA.tickets + RNG.normal(size=80) > 0


def dumped(path: Path, model: object, compression: int = zipfile.ZIP_STORED) -> Path:
    skops.io.dump(model, path, compression=compression)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.skops"


@pytest.fixture
def logistic(path: Path) -> Path:
    return dumped(path, LogisticRegression().fit(DATA, LABEL))


def archive(path: Path, **entries: bytes | str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name.replace("_json", ".json"), content)
    return path


def rewritten(path: Path, change: Callable[[str], str]) -> Path:
    """The same file with its schema changed."""
    with zipfile.ZipFile(path) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    entries["schema.json"] = change(entries["schema.json"].decode()).encode()
    with zipfile.ZipFile(path, "w") as new:
        for name, content in entries.items():
            new.writestr(name, content)
    return path


def refused(path: Path, message: str) -> ModelError:
    with pytest.raises(ModelError, match=message) as caught:
        skopsfile.read(skopsfile.content_of(path))
    return caught.value


# --- what is read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_model_comes_back_as_it_was_written(path: Path, compression: int) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(DATA, LABEL)
    found, warnings = skopsfile.read(skopsfile.content_of(dumped(path, model, compression)))
    assert np.array_equal(found.predict_proba(DATA), model.predict_proba(DATA))
    assert warnings == ()


def test_another_version_of_scikit_learn_is_told(logistic: Path) -> None:
    rewritten(
        logistic,
        lambda schema: re.sub(r'(_sklearn_version": \{.*?content": "\\")[^\\]*', r"\g<1>1.2.0", schema, flags=re.S),
    )
    _, warnings = skopsfile.read(skopsfile.content_of(logistic))
    assert len(warnings) == 1
    assert "1.2.0" in warnings[0]


def test_a_forest_predicts_on_one_thread_so_that_its_sums_do_not_depend_on_timing(path: Path) -> None:
    forest = RandomForestClassifier(3, n_jobs=2, random_state=0).fit(DATA, LABEL)
    found, _ = skopsfile.read(skopsfile.content_of(dumped(path, make_pipeline(forest))))
    assert found[0].n_jobs is None


# --- code ----------------------------------------------------------------------------------------------------------


class Touch:
    """Its pickle makes a file when it is opened."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.canary,)


@pytest.mark.parametrize("protocol", [2, 5])
def test_a_renamed_pickle_is_named_and_not_opened(path: Path, tmp_path: Path, protocol: int) -> None:
    canary = tmp_path / "canary"
    path.write_bytes(pickle.dumps(Touch(canary), protocol=protocol))
    error = refused(path, r"found a pickle or joblib file, which can run code; allowed: a \.skops file")
    assert error.todo == "write the model with skops.io.dump"
    assert not canary.exists()


def test_a_pickle_within_an_archive_is_not_opened(path: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    refused(archive(path, data=pickle.dumps(Touch(canary))), "an archive without schema.json")
    refused(archive(path, schema_json=pickle.dumps(Touch(canary))), "cannot be read")
    assert not canary.exists()


def test_an_array_of_pickled_objects_is_not_opened(logistic: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    objects = io.BytesIO()
    np.save(objects, np.array([Touch(canary)], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(logistic) as old:
        entries = {n: objects.getvalue() if n.endswith(".npy") else old.read(n) for n in old.namelist()}
    with zipfile.ZipFile(logistic, "w") as new:
        for name, content in entries.items():
            new.writestr(name, content)
    refused(logistic, "cannot be read")
    assert not canary.exists()


def doubled(values: pd.DataFrame) -> pd.DataFrame:
    return values * 2


def test_a_function_of_ones_own_is_named(path: Path) -> None:
    model = make_pipeline(FunctionTransformer(doubled), LogisticRegression()).fit(DATA, LABEL)
    error = refused(dumped(path, model), r"types that are not allowed: .*test_skopsfile\.doubled")
    assert error.todo == "leave these parts out of the pipeline, or give a table of predictions instead"


def test_a_type_of_an_estimator_that_is_not_on_the_list_is_named(path: Path) -> None:
    refused(dumped(path, KNeighborsClassifier(algorithm="kd_tree").fit(DATA, LABEL)), r"_kd_tree\.KDTree")


@pytest.mark.parametrize("loader", ["FunctionNode", "TypeNode", "ObjectNode", "ConstructorFromReduceNode"])
def test_a_module_named_in_the_schema_is_not_imported(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: str
) -> None:
    (tmp_path / "lurking.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('canary').touch()\nrun = print\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    nothing = {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": "null",
        "is_json": True,
    }
    node = {"__class__": "run", "__module__": "lurking", "__loader__": loader, "content": nothing}
    archive(path, schema_json=json.dumps({**node, "protocol": 2, "_skops_version": "0.16"}))
    refused(path, r"types that are not allowed: lurking\.run")
    assert not (tmp_path / "canary").exists()
    assert "lurking" not in sys.modules


# --- damage and size -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"cannot be read \(BadZipFile"),
        (b"tree\nversion=v4\n", r"cannot be read \(BadZipFile"),
        (b"PK\x03\x04 and nothing else", r"cannot be read \(BadZipFile"),
    ],
)
def test_a_file_of_another_format_is_refused(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    assert refused(path, message).allowed == "a .skops file written by skops.io.dump"


def test_a_missing_file_and_a_folder_are_refused(path: Path) -> None:
    refused(path, "found no file model.skops")
    path.mkdir()
    refused(path, "found no file model.skops")


@pytest.mark.parametrize("schema", ["", "null", "[]", "{}", '{"protocol": 99}', "[" * 100_000])
def test_a_broken_schema_is_refused(path: Path, schema: str) -> None:
    refused(archive(path, schema_json=schema), "cannot be read")


def test_a_truncated_file_is_refused(logistic: Path) -> None:
    logistic.write_bytes(logistic.read_bytes()[:-100])
    refused(logistic, "cannot be read")


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_is_refused_or_changes_nothing(logistic: Path, data: st.DataObject) -> None:
    whole = logistic.read_bytes()
    spot = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    damaged = logistic.with_name("damaged.skops")
    damaged.write_bytes(whole[:spot] + bytes([whole[spot] ^ (1 << bit)]) + whole[spot + 1 :])
    expected = skopsfile.read(skopsfile.content_of(logistic))[0].predict_proba(DATA)
    try:
        found = skopsfile.read(skopsfile.content_of(damaged))[0]
    except ModelError:
        return
    assert np.array_equal(found.predict_proba(DATA), expected)


def test_an_encrypted_entry_is_refused(logistic: Path) -> None:
    whole = bytearray(logistic.read_bytes())
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    logistic.write_bytes(whole)
    refused(logistic, r"cannot be read \(RuntimeError")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_repeated_name_and_a_rare_compression_are_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("schema.json", "{}")
        file.writestr("schema.json", "{}")
    refused(path, "repeated names or a rare compression")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("schema.json", "{}")
    refused(path, "repeated names or a rare compression")


def test_a_file_over_the_limit_is_refused(logistic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skopsfile, "MOST_BYTES", 10_000)
    refused(logistic, r"found a model of [\d,]+ bytes; allowed: up to 10,000 bytes, unpacked")


def test_a_large_file_is_refused_though_its_archive_is_small(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = archive(path, schema_json="{}").read_bytes()
    path.write_bytes(bytes(20_000) + small)
    monkeypatch.setattr(skopsfile, "MOST_BYTES", 10_000)
    refused(path, f"found a model of {20_000 + len(small):,} bytes")


def peak_of_refusing(path: Path, message: str) -> int:
    """Bytes held at most while the file is refused."""
    refused(path, message)  # once before, so that imports do not count
    tracemalloc.start()
    try:
        refused(path, message)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


BOMB = 20 * 2**20


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skopsfile, "MOST_BYTES", 2**20)


@pytest.mark.usefixtures("low_limit")
def test_an_archive_that_says_it_unpacks_beyond_the_limit_is_not_unpacked(path: Path) -> None:
    archive(path, schema_json="{}", zeros=bytes(BOMB))
    assert path.stat().st_size < 2**16
    assert peak_of_refusing(path, f"a model of {BOMB + 2:,} bytes") < 2**20


@pytest.mark.usefixtures("low_limit")
def test_an_archive_that_hides_its_size_is_not_unpacked_beyond_what_it_says(path: Path) -> None:
    whole = archive(path, schema_json="{}", zeros=bytes(BOMB)).read_bytes()
    path.write_bytes(whole.replace(BOMB.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    assert peak_of_refusing(path, "cannot be read") < 2**20


@pytest.mark.usefixtures("low_limit")
def test_an_archive_within_the_archive_counts_unpacked(path: Path) -> None:
    inner = io.BytesIO()
    np.savez_compressed(inner, data=np.zeros(BOMB // 8))
    archive(path, schema_json="{}", matrix=inner.getvalue())
    assert peak_of_refusing(path, r"a model of [\d,]+ bytes") < 2**20


# --- trees ---------------------------------------------------------------------------------------------------------


def tree() -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(DATA, LABEL)


@pytest.fixture(scope="module")
def boosted() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=5).fit(DATA, LABEL)


@pytest.mark.parametrize(
    ("field", "value"),
    [("children_left", 10**6), ("children_right", 10**6), ("children_left", 0), ("children_right", -7), ("feature", 3)],
)
@pytest.mark.parametrize("ensemble", [False, True])
def test_a_tree_that_leads_out_of_itself_round_in_circles_or_to_no_column_is_refused(
    path: Path, field: str, value: int, ensemble: bool
) -> None:
    model = RandomForestClassifier(2, max_depth=3, random_state=0).fit(DATA, LABEL) if ensemble else tree()
    within = model[0] if ensemble else model
    skopsfile.read(skopsfile.content_of(dumped(path, make_pipeline(model))))
    getattr(within.tree_, field)[0] = value
    refused(dumped(path, make_pipeline(model)), "found a tree whose nodes lead out of it")


@pytest.mark.parametrize("nodes", [0, 3])
def test_a_tree_cut_short_is_refused(path: Path, nodes: int) -> None:
    model = tree()
    model.tree_.node_count = nodes
    refused(dumped(path, model), "found a tree|cannot be read")


@pytest.mark.parametrize("nodes", [0, -1, 2])
def test_a_tree_that_says_it_has_fewer_nodes_than_it_has_is_refused(path: Path, nodes: int) -> None:
    def said(schema: str) -> str:
        changed, times = re.subn(r'(node_count": \{[^{}]*"content": ")\d+', rf"\g<1>{nodes}", schema)
        assert times == 1
        return changed

    refused(rewritten(dumped(path, tree()), said), "found a tree|cannot be read")


@pytest.mark.parametrize("width", [2, 4])
def test_a_tree_of_another_width_than_its_model_is_refused(path: Path, width: int) -> None:
    model = tree()
    model.n_features_in_ = width
    refused(dumped(path, model), "found a tree whose nodes lead out of it")


def test_boosted_trees_of_another_width_than_their_ensemble_are_refused(path: Path) -> None:
    model = GradientBoostingClassifier(n_estimators=2).fit(DATA, LABEL)
    skopsfile.read(skopsfile.content_of(dumped(path, model)))
    model.n_features_in_ = 2
    refused(dumped(path, model), "found a tree whose nodes lead out of it")


@pytest.mark.parametrize(
    ("field", "value"),
    [("left", 10**6), ("right", 10**6), ("left", 0), ("feature_idx", 3), ("feature_idx", -1), ("is_categorical", 1)],
)
def test_a_histogram_tree_that_leads_out_of_itself_or_splits_on_sets_is_refused(
    path: Path, boosted: HistGradientBoostingClassifier, field: str, value: int
) -> None:
    skopsfile.read(skopsfile.content_of(dumped(path, boosted)))
    broken = copy.deepcopy(boosted)
    broken._predictors[0][0].nodes[field][0] = value
    refused(dumped(path, broken), "found a tree whose nodes lead out of it")
