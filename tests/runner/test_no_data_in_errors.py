"""Whatever goes wrong with data that hold one mark in every column, the mark stands in nothing that is published."""

import csv
import os
from datetime import date
from functools import partial

import nbformat
import pytest

from ethics_kit.project import Project, notebook_name
from ethics_kit.runner.assessment import Job, assess
from ethics_kit.runner.job import JobSpec, run_job, scrubbed

CANARY = "Canaria Vogelsang"
HIDDEN = CANARY.split()
OPEN = """\
import duckdb, pandas
from ethics_kit.stages import deployment_signoff as stage
from ethics_kit.workbook import open_workbook
book = open_workbook("deployment_signoff", system=system, as_of=as_of, reports=reports, mode=mode)
"""
FAILURES = {
    "a query casts a value": f"duckdb.sql(\"select cast('{CANARY}' as int)\").fetchall()",
    "pandas converts a value": f"pandas.Series(['{CANARY}']).astype(int)",
    "an error with a name of the kit's kind": f"raise type('Inputs', (Exception,), {{}})('{CANARY}')",
    "a value is in the path": f"open('/nowhere/{CANARY}')",
    "a step of a model prints and fails": f"print('{CANARY}'); import sys; print('{CANARY}', file=sys.stderr); 1 / 0",
    "a table is gone": "import os; os.remove('parameters/demo/data/decisions.csv'); "
    "book.assess(stage.audit_log_sequence)",
}


def spoiled(root, source):
    """The project with a template of its own in which one cell fails; its source is published, so it hides the mark."""
    notebook = nbformat.read(Project(root).template("deployment_signoff"), as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    (root / "failing.py").write_text(OPEN + source, encoding="utf-8")
    code[1].source = "exec(open('failing.py', encoding='utf-8').read())"
    notebook.cells = code[:2]
    own = root / "notebooks" / notebook_name("deployment_signoff")
    own.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, own)
    day = date(2026, 11, 1)
    return Job(Project(root), root / "parameters/demo", "deployment_signoff", day, root / "reports")


def published(root):
    return {p: p.read_text(encoding="utf-8") for p in (root / "reports").rglob("*") if p.is_file()}


@pytest.mark.parametrize("source", FAILURES.values(), ids=FAILURES)
def test_a_run_that_fails_publishes_no_value(project, source, server):
    root = project()
    result = assess(spoiled(root, source), partial(run_job, server=server))
    assert not result.ok
    files = published(root)
    assert len(files) >= 3
    for text in (result.reason, *files.values()):
        assert not [word for word in HIDDEN if word in text], text[:2000]
    assert "ethics-kit open demo" in result.reason
    assert "exec(open(" in result.reason


def columns(root, name):
    with (root / f"parameters/demo/data/{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write(root, name, rows, encoding="utf-8"):
    with (root / f"parameters/demo/data/{name}.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)


TABLES = ("decisions", "customers", "consents", "notices", "opt_outs", "past_assessments")


@pytest.mark.parametrize("table", TABLES)
def test_check_names_column_and_row_of_a_bad_value_and_not_the_value(project, kit, table):
    root = project()
    header, *rows = columns(root, table)
    for place in range(len(header)):
        rows[3 % len(rows)][place] = CANARY
    write(root, table, [header, *rows])
    done = kit("run", "--stage", "deployment_signoff", cwd=root)
    assert done.code == 2
    assert not [word for word in HIDDEN if word in done.out + done.err]
    assert f"the first in row {3 % len(rows) + 1}, written like “Aaaaaaa Aaaaaaaaa”" in done.err


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: [[CANARY] * len(rows[0]), *rows[1:]],
        lambda rows: [rows[0], [*rows[1], CANARY], *rows[2:]],
        lambda rows: [["1984-02-03", CANARY, *rows[1][2:]], *rows[1:]],
    ],
    ids=["no such columns", "a value too many", "no header"],
)
def test_check_does_not_quote_a_file_that_is_badly_made(project, kit, spoil):
    root = project()
    write(root, "opt_outs", spoil(columns(root, "opt_outs")))
    done = kit("check", cwd=root)
    assert done.code == 2
    shown = done.out + done.err
    assert not [word for word in HIDDEN if word in shown] or "a column of the file" in shown


def test_check_does_not_quote_a_file_in_another_encoding(project, kit):
    root = project()
    header, *rows = columns(root, "notices")
    rows[0][2] = f"{CANARY} ü"
    write(root, "notices", [header, *rows], encoding="latin-1")
    done = kit("check", cwd=root)
    assert done.code == 2
    assert "not in UTF-8" in done.err
    assert not [word for word in HIDDEN if word in done.out + done.err]


def test_an_unexpected_error_of_a_command_is_told_by_kind_and_place(project, kit, monkeypatch):
    from ethics_kit import dossier

    def load(*_, **__):
        raise ValueError(f"Could not convert string '{CANARY}' to INT32")

    monkeypatch.setattr(dossier, "load", load)
    done = kit("check", cwd=project())
    assert done.code == 1
    assert done.err.startswith("ValueError at runner/checking.py:")
    assert not [word for word in HIDDEN if word in done.out + done.err]


@pytest.mark.parametrize("home", ["/", "", "/srv/people", None])
def test_folders_of_this_machine_are_not_told_and_no_others_are_altered(tmp_path, monkeypatch, home):
    if home is None:  # as in a container whose user is a number without a name
        monkeypatch.delenv("HOME")
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    else:
        monkeypatch.setenv("HOME", home)
    places = {name: str(tmp_path / name) for name in ("root", "reports", "staging")}
    spec = JobSpec(**places, folder="demo", stage="bias_testing", as_of=date(2026, 11, 1), by="Ann")
    told = scrubbed(f"{tmp_path}/root/parameters/demo/x.csv and /srv/people/y.csv", spec)
    assert told == f"parameters/demo/x.csv and {'~' if home == '/srv/people' else '/srv/people'}/y.csv"
