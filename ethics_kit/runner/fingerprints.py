"""What tells whether something is as it was: this kit itself, and the files that a dossier names."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ethics_kit.attestation import statement
from ethics_kit.dossier import Dossier
from ethics_kit.project import is_file
from ethics_kit.stages.conclude import LIBRARIES
from ethics_kit.yamlfile import Key, YamlFile

LONGEST = 1000
"""Characters of a text that may be a path."""


def digest(told: Any) -> str:
    """The sha256 of plain values."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@cache
def kit() -> str:
    """The digest of this kit's own files and of the versions of what it computes with."""
    home = Path(statement.__file__).parents[1]
    files = sorted(p for p in home.rglob("*") if p.suffix != ".pyc" and p.is_file())
    own = [(p.relative_to(home).as_posix(), hashlib.sha256(p.read_bytes()).hexdigest()) for p in files]
    return digest([version("ethics-kit"), platform.python_version(), [(n, version(n)) for n in LIBRARIES], own])


def named(dossier: Dossier) -> Iterator[str]:
    """The YAML files of a dossier, every file that one of them names, from the parameters folder, and every address."""
    yield from dossier.stored
    for file in dossier.files.values():
        yield os.path.relpath(file.path, dossier.project.parameters)
    for _, _, _, path in files_named(dossier):
        yield os.path.relpath(path, dossier.project.parameters)


def files_named(dossier: Dossier) -> Iterator[tuple[YamlFile, Key, str, Path]]:
    """Each text of a dossier's YAML files that is a file's path from there: where it stands, the text and the path.

    With a DuckDB file comes its log, whether or not there is one: DuckDB reads it with the file.
    """
    for file in dossier.files.values():
        for key, text in _texts(file.data, ()):
            path = file.path.parent / text
            if is_file(path):
                yield file, key, text, path
                if path.suffix.lower() == ".duckdb":
                    yield file, key, f"{text}.wal", Path(f"{path}.wal")


def _texts(node: Any, key: Key) -> Iterator[tuple[Key, str]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _texts(value, (*key, name))
    elif isinstance(node, str):
        if node and len(node) < LONGEST and "\n" not in node:
            yield key, str(node)
    elif isinstance(node, Sequence):
        for index, value in enumerate(node):
            yield from _texts(value, (*key, index))


def changed(path: Path) -> float:
    """When a file, or the link to it, last changed, in seconds of the clock; 0 where there is none."""
    try:
        return max(path.lstat().st_ctime, path.stat().st_ctime)
    except OSError:
        return 0.0
