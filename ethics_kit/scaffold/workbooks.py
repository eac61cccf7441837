"""An analyst's workbooks: the four notebooks with forms, or the short questionnaire as one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ethics_kit import yamlfile
from ethics_kit.errors import InputError
from ethics_kit.project import STAGES, Project, notebook_name, write_atomic

QUICK = "0_short_questionnaire.ipynb"

HOW_TO = """\
**How to fill in this workbook.** Choose *Run > Run All Cells*: the forms appear. (Asked for a kernel, choose *Select*.)
Give your name and role once, in any form. Every answer is saved as you give it, in `{folder}/{stage}.yaml`; under each
question you see whether it was. *Undo last change* takes it back; a copy of the file as it was when you began lies in
`workbooks/{system}/backups/`. To see what your answers change, choose *Run > Run All Cells* again. The last cell
saves a draft; `ethics-kit run {folder}` makes the record."""

QUICK_HOW_TO = """\
# The short questionnaire

1. Choose *Run > Run All Cells*: the form appears. (Asked for a kernel, choose *Select*.)
2. Give your name and role once, then answer. Every answer is saved as you give it, in `{folder}/impact_analysis.yaml`;
   under each question you see whether it was. What you cannot answer, leave empty: it counts at its worst.
3. Choose *Run > Run All Cells* again to see the impact level that follows.
4. In a terminal (*File > New > Terminal* opens one): `ethics-kit run {folder}` makes the preliminary reports. Each ends
   in what to supply next. `ethics-kit complete {folder}` then adds the full questionnaires; your answers stay."""

QUICK_SETUP = """\
from ethics_kit.stages import impact_analysis as stage
from ethics_kit.workbook import open_workbook

book = open_workbook("impact_analysis", system=system, as_of=as_of, mode=mode)
book.about()"""

QUICK_LEVEL = """\
## The impact level so far

It lies between the best and the worst case of what was not asked or not answered. Until it is settled, the obligations
of the worst case hold."""


def create_workbooks(project: Project, system: str) -> list[str]:
    """The workbooks of a dossier, showing forms; never over existing ones. Returns a line per file written."""
    short = preliminary(project.parameters / system)
    lines = []
    for name in [QUICK] if short else [notebook_name(stage) for stage in STAGES]:
        path = project.workbooks(system) / name
        if not path.exists():
            folder = project.address(project.parameters / system)
            notebook = _short(folder) if short else _full(project, folder, name)
            write_atomic(path, (nbformat.writes(notebook) + "\n").encode())
            lines.append(f"wrote  workbooks/{system}/{name}")
    return lines


def first_workbook(project: Project, system: str) -> Path:
    """The workbook to begin with."""
    short = preliminary(project.parameters / system)
    return project.workbooks(system) / (QUICK if short else notebook_name(STAGES[0]))


def preliminary(folder: Path) -> bool:
    """Whether a dossier says that it is preliminary; one that cannot be read does not."""
    try:
        said = yamlfile.read(folder / "system.yaml").data.get("preliminary")
    except InputError:
        return False
    return said is True or str(said).strip().lower() in ("yes", "true")


def _full(project: Project, folder: str, name: str) -> NotebookNode:
    stage = next(s for s in STAGES if notebook_name(s) == name)
    notebook: NotebookNode = nbformat.read(project.template(stage), as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source = _workbook_parameters(cell.source, folder)
    how_to = HOW_TO.format(folder=folder, stage=stage, system=folder.rpartition("/")[2])
    notebook.cells.insert(1, new_markdown_cell(how_to, id="how-to"))
    return notebook


def _workbook_parameters(source: str, folder: str) -> str:
    for name, value in _values(folder).items():
        source = re.sub(rf"(?m)^{name} = .*$", f"{name} = {json.dumps(value)}", source)
    return source


def _values(folder: str) -> dict[str, str]:
    return {"system": folder, "as_of": "", "mode": "workbook"}


def _short(folder: str) -> NotebookNode:
    """The short questionnaire: one form, and the level that follows."""
    parameters = "\n".join(f"{name} = {json.dumps(value)}" for name, value in _values(folder).items())
    cells = [
        new_markdown_cell(QUICK_HOW_TO.format(folder=folder), id="how-to"),
        new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
        new_code_cell(QUICK_SETUP, id="set-up"),
        new_code_cell('book.ask("quick")', id="quick"),
        new_markdown_cell(QUICK_LEVEL, id="level"),
        new_code_cell("book.assess(stage.impact_level)", id="impact-level"),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook: NotebookNode = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return notebook
