"""The four templates: readable by a lawyer, runnable by anything that runs notebooks, and complete."""

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, notebook_name

CHECKOUT = Path(__file__).parents[1]
NOTEBOOKS = CHECKOUT / "notebooks"


def read(stage):
    return nbformat.read(NOTEBOOKS / notebook_name(stage), as_version=4)


def code(stage):
    return [c for c in read(stage).cells if c.cell_type == "code"]


def test_the_folder_holds_the_four_stages_and_nothing_else():
    assert sorted(p.name for p in NOTEBOOKS.glob("*.ipynb")) == [notebook_name(s) for s in STAGES]


@pytest.mark.parametrize("stage", STAGES)
def test_a_template_is_committed_without_outputs(stage):
    assert all(not c.outputs and c.execution_count is None for c in code(stage))
    assert set(read(stage).metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("stage", STAGES)
def test_one_cell_holds_the_parameters_as_plain_text(stage):
    tagged = [c for c in code(stage) if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    names = {n.targets[0].id: ast.literal_eval(n.value) for n in ast.parse(tagged[0].source).body}
    assert set(names) == {"system", "as_of", "reports", "mode"}
    assert names["mode"] == "record"


@pytest.mark.parametrize("stage", STAGES)
def test_cells_are_short_calls_with_prose_before_them(stage):
    cells = read(stage).cells
    set_up = 2
    for place, cell in enumerate(cells):
        if cell.cell_type != "code" or place <= set_up:
            continue
        assert cells[place - 1].cell_type == "markdown"
        assert len(cell.source.splitlines()) <= 5
        forbidden = (
            ast.FunctionDef,
            ast.ClassDef,
            ast.For,
            ast.While,
            ast.If,
            ast.Try,
            ast.With,
            ast.Import,
            ast.ImportFrom,
            ast.Lambda,
        )
        assert not any(isinstance(node, forbidden) for node in ast.walk(ast.parse(cell.source)))


@pytest.mark.parametrize("stage", STAGES)
def test_a_template_asks_every_section_and_takes_every_step(stage):
    source = "\n".join(c.source for c in code(stage))
    for section in catalogue.sections(stage):
        assert f'book.ask("{section.id}")' in source
    for step in import_module(f"ethics_kit.stages.{stage}").STEPS:
        assert f"book.assess(stage.{step.__name__})" in source
    assert source.rstrip().endswith("book.save()")


def test_plain_papermill_runs_a_template_from_another_folder_and_leaves_a_draft(project, tmp_path):
    root = project()
    elsewhere = root / "some" / "folder"
    elsewhere.mkdir(parents=True)
    output = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(NOTEBOOKS / notebook_name("impact_analysis")), str(output)]
    command += ["-p", "system", "parameters/demo", "-p", "as_of", "2026-11-01", "--no-progress-bar"]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    draft = json.loads((root / "workbooks/demo/drafts/impact_analysis_2026-11-01.json").read_text())
    assert draft["system"]["id"] == "demo"
    assert not (root / "reports").exists()
