"""What a job takes too much of ends it, is told, and leaves neither a process nor a file."""

import os
import subprocess
import tempfile
from datetime import date
from functools import partial
from pathlib import Path

import nbformat
import psutil
import pytest

from ethics_kit.project import Project, notebook_name
from ethics_kit.runner import kernel, limits
from ethics_kit.runner.assessment import Job, assess
from ethics_kit.runner.job import JobSpec, run_job
from ethics_kit.runner.limits import Limits

DAY = date(2026, 11, 1)
MEMORY = 1_000_000_000


def spoil(root, source):
    """This project's own template of a stage, with `source` in place of the cell that opens the dossier."""
    notebook = nbformat.read(Project(root).template("impact_analysis"), as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    code[0].source = source
    nbformat.write(notebook, root / "notebooks" / notebook_name("impact_analysis"))


def spec(root, staging, **changes):
    """A job of its own staging folder."""
    whole = Job(Project(root), root / "parameters/demo", "impact_analysis", DAY, root / "reports").spec(staging)
    return whole.model_copy(update={"memory_limit": MEMORY, "output_limit": 2_000_000, "time_limit": 60} | changes)


@pytest.fixture
def private(tmp_path, monkeypatch):
    """Where the private folders of this test's kernels go."""
    folder = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    folder.rmdir()


GROWS = "kept = [bytearray(5_000_000) for _ in range(1000)]"
CHILD_GROWS = """\
import subprocess, sys
subprocess.run([sys.executable, "-c",
    "import resource, mmap, time\\n"
    "kept = mmap.mmap(-1, 1_500_000_000)\\n"
    "for at in range(0, 1_500_000_000, 4096): kept[at] = 1\\n"
    "time.sleep(100)"])
"""
@pytest.mark.parametrize(
    ("source", "why"),
    [
        (GROWS, "over_memory"),
        ("import numpy; numpy.ones(10**9)", "over_memory"),
        (CHILD_GROWS, "over_memory"),
        ("while True: print('x' * 1000)", "over_output"),
        ("print('x' * 50_000_000)", "over_output"),
        ("raise ValueError('x' * 50_000_000)", "over_output"),
        ("import os\nwhile True: os.write(2, b'x' * 10000)", "over_output"),
        ("import IPython\nIPython.display.display({'text/html': 'x' * 50_000_000}, raw=True)", "over_output"),
    ],
)
def test_a_job_that_takes_too_much_is_ended_and_told(short, tmp_path, private, either, source, why):
    root = short()
    spoil(root, source)
    import time
    t=time.time()
    job = spec(root, tmp_path / "staging")
    result = run_job(job, server=either)
    print(result, time.time()-t, psutil.Process().memory_info().rss/1e6)
    assert (result.status, result.reason, result.attempts) == ("failed", getattr(job.limits, why), 1)
