"""A skops file opened without trust: size, archive, types and trees are checked before a model is used.

pickle and joblib files run code when they are opened: `models` alone reads them, where somebody asked for it.
"""

from __future__ import annotations

import io
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ethics_kit.measures.scoring import ModelError

KNOWN = (
    "numpy.dtype",
    "numpy.number",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)
"""Parts of ordinary pipelines that skops leaves to its caller. It distrusts trees for their content, because predicting
follows their node numbers unchecked; here every number is looked at first."""

MOST_BYTES = 512 * 2**20
"""Larger files, packed or unpacked, are not opened."""

ALLOWED = "a .skops file written by skops.io.dump"
WRITE = "write the model with skops.io.dump"


def read(content: bytes) -> tuple[Any, tuple[str, ...]]:
    """The object in a skops file, and the warnings that loading it gave, such as another version of scikit-learn.

    Every type in it is known before an object is built.

    Raises
    ------
    ModelError
        The file is too large unpacked, corrupt or of another format, or holds a type or a tree that is not allowed.
    """
    import skops.io

    data = _unpacked(content)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - set(KNOWN))
            if unknown:
                raise ModelError(
                    f"types that are not allowed: {', '.join(unknown)[:400]}",
                    "what skops trusts, and the few types in skopsfile.KNOWN",
                    "leave these parts out of the pipeline, or give a table of predictions instead",
                )
            found = skops.io.loads(data, trusted=list(KNOWN))
            _check_parts(found)
        except ModelError:
            raise
        except Exception as error:  # a broken schema raises many types
            raise _corrupt(error) from None
    return found, tuple(dict.fromkeys(" ".join(str(w.message).split()) for w in told))


def _corrupt(error: Exception) -> ModelError:
    return ModelError(f"a file that cannot be read ({type(error).__name__})", ALLOWED, WRITE)


def content_of(path: Path) -> bytes:
    """A model's file, read once and never beyond `MOST_BYTES`."""
    if not path.is_file():
        raise ModelError(f"no file {path.name}", "an existing file", "correct the path, or put the model there")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_size(size)
        return file.read(size)


def _unpacked(content: bytes) -> bytes:
    """The archive uncompressed, never beyond `MOST_BYTES`."""
    plain = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(plain, "w") as out:
            _check_archive(packed)
            for entry in packed.infolist():
                with packed.open(entry) as stream:
                    part = stream.read(entry.file_size)  # and no further, whatever it would unpack to
                if part.startswith(b"PK"):  # a sparse matrix is an archive of its own
                    with zipfile.ZipFile(io.BytesIO(part)) as inner:
                        _check_size(sum(e.file_size for e in inner.infolist()))
                out.writestr(entry.filename, part)
    except zipfile.BadZipFile as error:
        if content[:1] == b"\x80":
            raise ModelError("a pickle or joblib file, which can run code", ALLOWED, WRITE) from None
        raise _corrupt(error) from None
    except (OSError, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:  # encrypted or damaged entries
        raise _corrupt(error) from None
    return plain.getvalue()


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        found, allowed = f"a model of {size:,} bytes", f"up to {MOST_BYTES:,} bytes, unpacked"
        raise ModelError(found, allowed, "give a table of predictions instead")


def _check_archive(packed: zipfile.ZipFile) -> None:
    names = packed.namelist()
    _check_size(sum(entry.file_size for entry in packed.infolist()))
    if "schema.json" not in names:
        raise ModelError("an archive without schema.json", ALLOWED, WRITE)
    kinds = {entry.compress_type for entry in packed.infolist()}
    if len(set(names)) < len(names) or not kinds <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ModelError("an archive with repeated names or a rare compression", ALLOWED, WRITE)


def _parts(whole: Any) -> Iterator[Any]:
    """Every object that holds others, once."""
    seen: set[int] = set()
    waiting = [whole]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, (type, str, bytes)):
            continue
        seen.add(id(item))
        yield item
        inner: Iterable[Any] = ()
        if isinstance(item, dict):
            inner = item.values()
        elif isinstance(item, (list, tuple, set)):
            inner = item
        elif isinstance(item, np.ndarray):
            inner = item.ravel() if item.dtype == object else ()
        elif hasattr(item, "__dict__"):
            inner = vars(item).values()
        waiting.extend(inner)


def _check_parts(whole: Any) -> None:
    """Refuse trees whose node numbers lead out of them; keep to one thread, so that sums keep their last digit."""
    for part in _parts(whole):
        own = getattr(part, "__dict__", {})
        if "n_jobs" in own:
            part.n_jobs = None
        sound = True
        if "tree_" in own:
            sound = _sound_tree(part.tree_, part.n_features_in_)
        elif "_predictors" in own:
            trees = [tree for stage in part._predictors for tree in stage]
            sound = all(_sound_histogram_tree(tree.nodes, part.n_features_in_) for tree in trees)
        elif "estimators_" in own and type(part).__module__ == "sklearn.ensemble._gb":
            # these do not ask their trees whether the width is theirs
            sound = all(tree.n_features_in_ == part.n_features_in_ for tree in part.estimators_.ravel())
        if not sound:
            raise ModelError("a tree whose nodes lead out of it", "trees as scikit-learn writes them", "fit it again")


def _sound_tree(tree: Any, width: int) -> bool:
    if not tree.node_count == tree.capacity > 0 or tree.n_features != width:
        return False
    return _sound(tree.children_left, tree.children_right, tree.children_left == -1, tree.feature, width)


def _sound_histogram_tree(nodes: Any, width: int) -> bool:
    leaf = nodes["is_leaf"] != 0
    if np.any(nodes["is_categorical"][~leaf]):
        return False  # skops writes these with functools.partial, which is not known
    return _sound(nodes["left"], nodes["right"], leaf, nodes["feature_idx"], width)


def _sound(left: Any, right: Any, leaf: Any, feature: Any, width: int) -> bool:
    """Whether there are nodes, and each inner one leads to later nodes and looks at a column there is."""
    own, count = np.arange(len(left)), len(left)
    onward = (left > own) & (right > own) & (left < count) & (right < count)
    return count > 0 and bool(np.all(leaf | (onward & (feature >= 0) & (feature < width))))
