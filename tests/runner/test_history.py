"""What a run publishes: the same bytes again, a new record beside the old, never over it."""

import json
import subprocess
import sys
from datetime import date

import pytest

from ethics_kit.project import Project
from ethics_kit.record import read_record
from ethics_kit.runner.assessment import Job, assess
from ethics_kit.runner.job import run_job


@pytest.fixture
def run(forked):
    """Runs one stage; in a kernel that is forked unless it is said how to start one."""

    def run(root, stage="impact_analysis", day=date(2026, 11, 1), reports=None, start=forked):
        return assess(Job(Project(root), root / "parameters/demo", stage, day, reports or root / "reports"), start)

    return run


def body(result):
    record = json.loads((result.folder / "record.json").read_text())
    record.pop("run")
    return record


def test_the_same_input_gives_the_same_record_and_notebook_and_is_not_written_twice(project, run):
    root = project()
    first = run(root)
    before = {p: p.stat().st_mtime_ns for p in first.folder.iterdir()}
    assert not run(root).new
    assert {p: p.stat().st_mtime_ns for p in first.folder.iterdir()} == before
    assert set(json.loads((first.folder / "record.json").read_text())["run"]) == {"finished_at", "by", "seconds"}
    elsewhere = run(root, reports=root / "other")
    assert body(first) == body(elsewhere)
    assert first.folder.name == elsewhere.folder.name
    texts = [(r.folder / "notebook.ipynb").read_text() for r in (first, elsewhere)]
    assert texts[0].replace('"reports\\"', '"other\\"').replace("reports", "other") == texts[1].replace(
        "reports", "other"
    )


def test_a_changed_answer_gives_a_new_record_and_the_old_one_stays(short, edit, run):
    root = short()
    first = run(root)
    answer = {"value": "Ana", "by": "Ana", "role": "officer", "on": date(2026, 9, 1)}
    edit(root / "parameters/demo/impact_analysis.yaml", ("answers", "system_deputy"), answer)
    second = run(root)
    assert second.new
    assert first.folder != second.folder
    assert (first.folder / "record.json").is_file()
    latest = json.loads((root / "reports/demo/impact_analysis/latest.json").read_text())
    assert latest["folder"] == second.folder.name


def test_facts_after_the_day_are_left_out_and_counted(project, run):
    root = project()
    record = body(run(root, "design_review", date(2026, 4, 30)))
    decisions = next(i for i in record["inputs"] if i["role"] == "table decisions")
    assert 0 < decisions["rows_after_as_of"] < decisions["rows"]
    notice = next(f for f in record["findings"] if f["id"] == "P1.1.notice_before_first_decision")
    assert notice["n"] <= decisions["rows"] - decisions["rows_after_as_of"]


def test_a_later_stage_reads_the_earlier_record_by_its_digest(short, run):
    root = short()
    first = run(root)
    record = body(run(root, "bias_testing"))
    assert record["upstream"][0]["record_id"] == body(first)["record_id"]
    assert record["upstream"][0]["status"] == "ok"


def test_an_altered_earlier_record_is_named_and_not_relied_on(short, run):
    root = short()
    path = run(root).folder / "record.json"
    path.write_text(path.read_text().replace('"undetermined"', '"I"', 1))
    record = body(run(root, "bias_testing"))
    assert record["upstream"][0]["status"] == "altered"
    assert record["recommendation"]["verdict"] == "undetermined"


def test_two_runs_at_once_on_one_folder_end_with_whole_records(short):
    root = short()
    kit = [sys.executable, "-c", "from ethics_kit.cli import main; main()", "run", "--as-of", "2026-11-01"]
    both = [subprocess.Popen([*kit, "--stage", "impact_analysis"], cwd=root, stdout=subprocess.PIPE) for _ in range(2)]
    assert [p.wait(timeout=120) for p in both] == [0, 0]
    for process in both:
        process.stdout.close()
    folders = [p for p in (root / "reports/demo/impact_analysis").iterdir() if p.is_dir()]
    assert len(folders) == 1
    assert sorted(p.name for p in folders[0].iterdir()) == [
        "attestation.json",
        "notebook.ipynb",
        "record.json",
        "report.html",
    ]


def test_a_published_folder_that_was_changed_is_set_aside_and_published_anew(short, run):
    root = short()
    first = run(root)
    path = first.folder / "report.html"
    path.write_text(path.read_text().replace("ndetermined", "pproved", 1))
    second = run(root)
    assert second.new
    assert second.folder == first.folder
    assert "Undetermined" in (second.folder / "report.html").read_text()
    assert read_record(second.folder / "record.json")[0]
    assert [p.name for p in first.folder.parent.glob("set_aside_*")] == [f"set_aside_1_{first.folder.name}"]


def test_a_package_in_the_project_does_not_stand_in_for_the_kit(short, run):
    root = short()
    shadow = root / "ethics_kit"
    shadow.mkdir()
    (shadow / "__init__.py").write_text("open('canary', 'w').close()\n")
    assert run(root, start=run_job).ok
    assert not list(root.rglob("canary"))
