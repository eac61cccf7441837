"""Notebooks that start in a third of the time, for tests of what the runner makes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from ethics_kit.project import STAGES, Project, notebook_name


@pytest.fixture
def short(project: Callable[..., Path]) -> Callable[..., Path]:
    """As `project`, with templates of its own that open the dossier and save its record: every step is left out."""

    def make(name: str = "demo", **changes: Any) -> Path:
        root = project(name, **changes)
        (root / "notebooks").mkdir(exist_ok=True)
        for stage in STAGES:
            notebook = nbformat.read(Project(root).template(stage), as_version=4)
            code = [cell for cell in notebook.cells if cell.cell_type == "code"]
            notebook.cells = [*code[:2], code[-1]]
            nbformat.write(notebook, root / "notebooks" / notebook_name(stage))
        return root

    return make
