"""Runs that go wrong: each failure is told, stays alone, leaves its notebook and nothing half-written."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from functools import partial

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager

from ethics_kit.project import Project, notebook_name
from ethics_kit.report import page
from ethics_kit.runner.assessment import Job, assess
from ethics_kit.runner.job import run_job
from ethics_kit.runner.limits import Limits

KIT = [sys.executable, "-c", "from ethics_kit.cli import main; main()"]
DAY = "2026-11-01"


def spoil(root, stage, source, *, place=-1):
    """Put `source` in place of a code cell of this project's own template; -1 is the one that saves."""
    template = Project(root).template(stage)
    notebook = nbformat.read(template, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    code[place].source = source
    own = root / "notebooks" / notebook_name(stage)
    own.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, own)


def forked(server):
    return partial(run_job, server=server)


def job(root, stage="impact_analysis", **options):
    return Job(Project(root), root / "parameters/demo", stage, date(2026, 11, 1), root / "reports", **options)


ALTER_THE_RECORD = """\
book.save()
import os, pathlib
path = pathlib.Path(os.environ["ETHICS_KIT_STAGING"]) / "record.json"
path.write_text(path.read_text().replace('"not_assessed"', '"met"', 1))
"""


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("1 / 0", "ZeroDivisionError in 1 / 0. What the error says may quote data and is not published."),
        ("raise SystemExit(0)", "did not run to their end"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "Kernel died"),
        ("pass", "saved no valid record"),
        (ALTER_THE_RECORD, "record.json was changed after it was written"),
    ],
    ids=["a cell raises", "a cell exits", "the kernel is killed", "nothing is saved", "the record is altered"],
)
def test_a_failure_leaves_its_notebook_and_a_page_and_counts_as_failed(short, source, told, either):
    root = short()
    spoil(root, "impact_analysis", source)
    result = assess(job(root), forked(either))
    assert result.verdict == "failed"
    assert told in result.reason
    assert result.folder.name == f"failed_{DAY}"
    assert sorted(p.name for p in result.folder.iterdir()) == ["notebook.ipynb", "report.html"]
    page = (result.folder / "report.html").read_text()
    assert "The assessment failed: there is no result" in page
    assert told in page
    latest = json.loads((root / "reports/demo/impact_analysis/latest.json").read_text())
    assert latest == {"status": "failed", "folder": f"failed_{DAY}", "as_of": DAY}
    assert list((root / "reports/.staging").iterdir()) == []


def test_a_page_that_cannot_be_made_is_a_failure_also_after_an_earlier_success(short, server, monkeypatch):
    root = short()
    assert assess(job(root), forked(server)).ok

    def render(*_):
        raise ValueError(f"no figure in {root}/reports/x")

    monkeypatch.setattr(page, "render", render)
    result = assess(job(root), forked(server))
    assert (result.verdict, result.reason) == ("failed", "ValueError")
    latest = json.loads((root / "reports/demo/impact_analysis/latest.json").read_text())
    assert latest == {"status": "failed", "folder": f"failed_{DAY}", "as_of": DAY}


def test_reports_that_cannot_be_written_are_a_failure_and_no_crash(short):
    root = short()
    (root / "reports").write_text("a file in the way")
    result = assess(job(root))
    assert result.verdict == "failed"
    assert "NotADirectoryError" in result.reason or "FileExistsError" in result.reason
    assert (root / "reports").read_text() == "a file in the way"


def test_a_kernel_that_is_killed_before_it_starts_does_not_run_on(short, either, monkeypatch):
    root = short()
    spoil(root, "impact_analysis", "open('canary', 'w').close()", place=0)
    launch = AsyncKernelManager._async_launch_kernel

    async def killed_while_starting(manager, *arguments, **options):
        manager.kernel_run.kill("told")
        await launch(manager, *arguments, **options)

    monkeypatch.setattr(AsyncKernelManager, "_async_launch_kernel", killed_while_starting)
    result = assess(job(root, time_limit=300), forked(either))
    assert result.reason == "told"
    assert not list(root.rglob("canary"))


def test_a_notebook_over_its_time_limit_is_ended_and_failed(short):
    root = short()
    spoil(root, "impact_analysis", "import time; time.sleep(300)")
    result = assess(job(root, time_limit=3))
    assert result.verdict == "failed"
    assert result.reason == Limits(seconds=3).over_time


def test_the_page_of_a_failure_escapes_what_the_error_says(short, server):
    root = short()
    spoil(root, "impact_analysis", "raise ValueError('<script>alert(1)</script>\\x1b[31m')")
    page = (assess(job(root), forked(server)).folder / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page


def test_one_failing_system_does_not_stop_the_others_and_the_exit_code_is_1(short, kit):
    root = short()
    short("second")
    (root / "parameters/second/data/consents.csv").write_text("customer_id,purpose,given,withdrawn\nc1,x,2026-01-01,\n")
    spoil(root, "design_review", "assert book.case.dossier.id != 'second', 'no'\nbook.save()")
    done = kit("run", "--stage", "design_review", "--as-of", DAY, cwd=root)
    assert done.code == 1, done.err
    assert "second  design_review  failed" in done.out
    assert "demo  design_review  undetermined" in done.out
    index = (root / "reports/index.html").read_text()
    assert "Failed" in index
    assert "Undetermined" in index


def test_one_bad_dossier_is_told_the_others_run_and_the_exit_code_is_2(short, edit, kit):
    root = short()
    short("second")
    edit(root / "parameters/second/system.yaml", ("kindd",), "scored")
    done = kit("run", "--stage", "impact_analysis", "--as-of", DAY, "--gate", cwd=root)
    assert done.code == 2
    assert "parameters/second/system.yaml" in done.err
    assert "kindd: found an unknown key" in done.err
    assert "demo  impact_analysis  undetermined" in done.out
    assert re.search(r"(?m)^second +not run$", done.out)
    assert "Not run, as the dossier is not in order (see above): second" in done.err
    assert "Not run: its dossier is not in order" in (root / "reports/index.html").read_text()


def test_a_run_in_which_no_dossier_is_in_order_marks_the_page_that_is_there(short, edit, kit):
    root = short()
    assert kit("run", "--stage", "impact_analysis", "--as-of", DAY, cwd=root).code == 0
    edit(root / "parameters/demo/system.yaml", ("kindd",), "scored")
    done = kit("run", "--as-of", DAY, cwd=root)
    assert done.code == 2
    assert re.search(r"(?m)^demo +not run", done.out)
    index = (root / "reports/index.html").read_text()
    assert "Not run: its dossier is not in order" in index
    assert "Undetermined" in index


def test_projects_that_share_a_reports_folder_share_its_page(short, tmp_path, kit):
    root = short()
    other = tmp_path / "other"
    shutil.copytree(root, other)
    (other / "parameters/demo").rename(other / "parameters/another")
    shared = ("--stage", "impact_analysis", "--as-of", DAY, "--reports", str(tmp_path / "shared"))
    both = ("run", str(root / "parameters/demo"), str(other / "parameters/another"))
    assert kit(*both, *shared, cwd=tmp_path).code == 0
    index = (tmp_path / "shared/index.html").read_text()
    assert "demo/impact_analysis" in index
    assert "another/impact_analysis" in index
    assert "Of another project" not in index
    (tmp_path / "shared/javascript:x/y").mkdir(parents=True)
    (tmp_path / "shared/javascript:x/y/latest.json").write_text("{}")
    assert kit("run", "demo", *shared, cwd=root).code == 0
    index = (tmp_path / "shared/index.html").read_text()
    assert "another/impact_analysis" in index
    assert index.count("Of another project") == 1
    assert "javascript" not in index


def test_the_gate_of_each_project_is_its_own(short, edit, tmp_path, kit):
    root = short()
    other = tmp_path / "other"
    shutil.copytree(root, other)
    edit(other / "parameters/policy.yaml", ("gate", "refuse", "value"), [])
    both = ("run", str(root / "parameters/demo"), str(other / "parameters/demo"), "--stage", "impact_analysis")
    done = kit(*both, "--as-of", DAY, "--gate", cwd=tmp_path)
    assert done.code == 3
    assert "Gate: refused 1 of 2: demo impact_analysis undetermined" in done.out
    shared = kit(*both, "--reports", "shared", cwd=tmp_path)
    assert shared.code == 2
    assert "several systems called demo" in shared.err


def test_a_failed_notebook_is_published_without_traceback_and_paths(short, either):
    root = short()
    spoil(root, "impact_analysis", "import sys; print('secret', file=sys.stderr); open('/nowhere/x')")
    text = (assess(job(root), forked(either)).folder / "notebook.ipynb").read_text()
    assert "FileNotFoundError" in text
    assert "Traceback" not in text
    assert "secret\\n" not in text
    assert str(root) not in text


def test_nothing_is_written_when_nothing_can_run(short, edit, kit):
    root = short()
    edit(root / "parameters/policy.yaml", ("fairness", "margin", "value"), 7)
    done = kit("run", cwd=root)
    assert done.code == 2
    assert "fairness.margin.value" in done.err
    assert not (root / "reports").exists()


def test_the_gate_refuses_what_the_policy_refuses_and_the_policy_may_let_it_pass(short, edit, kit):
    root = short()
    arguments = ("run", "demo", "--stage", "impact_analysis", "--as-of", DAY, "--gate")
    assert kit(*arguments, cwd=root).code == 3
    edit(root / "parameters/policy.yaml", ("gate", "refuse", "value"), ["reject"])
    assert kit(*arguments, cwd=root).code == 0


def test_a_wrong_day_or_stage_is_bad_input(short, kit):
    root = short()
    done = kit("run", "--as-of", "2026-13-01", cwd=root)
    assert done.code == 2
    assert 'as_of: found "2026-13-01"' in done.err
    assert kit("run", "--stage", "bias", cwd=root).code == 2


def test_a_later_stage_is_undetermined_after_a_failed_earlier_one(short, server):
    root = short()
    assert assess(job(root), forked(server)).verdict == "undetermined"
    spoil(root, "impact_analysis", "1 / 0")
    assert assess(job(root), forked(server)).verdict == "failed"
    result = assess(job(root, "design_review"), forked(server))
    record = json.loads((result.folder / "record.json").read_text())
    assert record["upstream"][0]["status"] == "failed"
    assert record["level"]["holds"] == "IV"
    assert record["recommendation"]["verdict"] in ("undetermined", "reject")


def _wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


# A shell's background job, and what it starts, ignores SIGINT.
INTERRUPTIBLE = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {KIT[-1]}"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_run_that_is_stopped_half_way_leaves_nothing_half_written_and_can_be_run_again(
    short, number, code, kit, private
):
    root = short()
    spoil(root, "design_review", "import time; time.sleep(120)")
    first = root / "reports/demo/impact_analysis/latest.json"
    with subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", INTERRUPTIBLE, "run", "demo", "--as-of", DAY],
        cwd=root,
        env=os.environ | {"TMPDIR": str(private)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            _wait_for(first.exists)
            _wait_for(lambda: any((root / "reports/.staging").iterdir()))
            time.sleep(4)
            running.send_signal(number)
            _, told = running.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGABRT)
            pytest.fail(f"it does not stop; its threads:\n{running.communicate(timeout=60)[1]}")
        finally:
            running.kill()
    assert running.returncode == code
    if number != signal.SIGKILL:
        assert not (root / "reports/.staging").exists()
        assert list(private.iterdir()) == []
        assert "Stopped. What is published is whole" in told
    assert not (root / "reports/demo/design_review").exists()
    before = first.read_bytes()
    (root / "notebooks" / notebook_name("design_review")).unlink()
    again = kit("run", "demo", "--stage", "impact_analysis", "--as-of", DAY, cwd=root)
    assert again.code == 0, again.err
    assert first.read_bytes() == before
    assert "impact_analysis  undetermined" in again.out
    assert "unchanged since" in again.out
    assert list(private.iterdir()) == []
    assert not (root / "reports/.staging").exists()
    _wait_for(lambda: not _kernels_below(root))  # a kernel ends when it misses its parent


def _kernels_below(root):
    """Kernel processes that still run in this project; the test itself is there as well."""
    found = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH112, PTH208
        try:
            if entry.isdigit() and int(entry) != os.getpid() and os.readlink(f"/proc/{entry}/cwd") == str(root):  # noqa: PTH115
                found.append(entry)
        except OSError:
            continue
    return found
