"""One stage assessed in this process: the notebook's own cells, without a kernel."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import nbformat
import pytest

from ethics_kit import workbook
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Stage
from ethics_kit.project import bundle, notebook_name
from ethics_kit.record import Record, read_record


@contextmanager
def _displayed(patch: pytest.MonkeyPatch) -> Iterator[list[nbformat.NotebookNode]]:
    outputs: list[nbformat.NotebookNode] = []

    def display(shown: Any) -> None:
        data = shown._repr_mimebundle_()
        data, metadata = data if isinstance(data, tuple) else (data, {})
        outputs.append(nbformat.v4.new_output("display_data", data=data, metadata=metadata))

    patch.setattr(workbook, "display", display)
    yield outputs


def assessed(
    folder: Path, stage: Stage, day: date, staging: Path, patch: pytest.MonkeyPatch
) -> tuple[nbformat.NotebookNode, Record]:
    """The notebook of a stage of the dossier in `folder` as it ran, and its record, which `staging` gets."""
    patch.setenv(workbook.STAGING, str(staging))
    book = workbook.open_workbook(stage, system=str(folder), as_of=day.isoformat())
    with _displayed(patch) as outputs:
        book.about()
        for section in catalogue.sections(stage):
            book.ask(section.id)
        for step in import_module(f"ethics_kit.stages.{stage}").STEPS:
            book.assess(step)
        book.save()
    template = nbformat.read(bundle() / "notebooks" / notebook_name(stage), as_version=4)
    prose = [cell for cell in template.cells if cell.cell_type == "markdown"]
    notebook = nbformat.v4.new_notebook(cells=[*prose, nbformat.v4.new_code_cell("", outputs=outputs)])
    record, why = read_record(staging / "record.json")
    assert record, why
    return notebook, record
