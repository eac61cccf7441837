"""Whether the model that a dossier names can be opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ethics_kit.errors import Problem

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.measures.models import Model


def opened(dossier: Dossier) -> Model | None:
    """The model that the dossier names, or None where it names none.

    Raises
    ------
    ModelError
        It cannot be used: see `measures.models`.
    """
    from ethics_kit.measures import models

    told, path = dossier.system.model, dossier.model_file
    columns = told.columns or None
    if path is not None:
        return models.load(path, positive=told.positive, sha256=told.sha256, columns=columns)
    return models.plugin(told.plugin, columns=columns) if told.plugin else None


def problems(dossier: Dossier) -> Iterator[Problem]:
    """What is wrong with the model of a dossier that is sound but for it."""
    told = dossier.system.model
    if not (told.file or told.plugin):
        return  # before its library is imported, which takes a second
    from ethics_kit.measures.models import ModelError

    try:
        opened(dossier)
    except ModelError as error:
        key = ("model", "file" if told.file else "plugin")
        yield dossier.files["system"].problem(key, found=error.found, allowed=error.allowed, todo=error.todo)
