"""What a job takes too much of ends it, is told, and leaves neither a process nor a file."""

import os
import sys
import time
from datetime import date

import nbformat
import psutil
import pytest

from ethics_kit.measures.tables import MEMORY, Source, Tables
from ethics_kit.project import Project, notebook_name
from ethics_kit.runner import batch, job, kernel, leftovers, limits
from ethics_kit.runner.job import JobResult, JobSpec, run_job
from ethics_kit.runner.limits import Limits
from ethics_kit.runner.unchanged import Wanted


def spoil(root, source):
    """This project's own template of a stage, with `source` in place of the cell that opens the dossier."""
    notebook = nbformat.read(Project(root).template("impact_analysis"), as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    code[0].source = source
    nbformat.write(notebook, root / "notebooks" / notebook_name("impact_analysis"))


def spec(root, **changes):
    own = {"memory_limit": 1_000_000_000, "output_limit": 2_000_000, "time_limit": 120} | changes
    return JobSpec(
        root=str(root),
        folder=str(root / "parameters/demo"),
        stage="impact_analysis",
        as_of=date(2026, 11, 1),
        reports=str(root / "reports"),
        staging=str(root / "staging"),
        by="a test",
        **own,
    )


def gone(pid: int) -> bool:
    end = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
        time.sleep(0.05)
    return time.monotonic() < end


CHILD_GROWS = """\
import subprocess, sys
grows = "import time; kept = [b'x' * 20_000_000 for _ in range(75)]; time.sleep(300)"
subprocess.run([sys.executable, "-c", grows], start_new_session=True)
"""


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("kept = [b'x' * 5_000_000 for _ in range(1000)]", "over_memory"),
        ("import numpy; numpy.ones(10**12)", "over_memory"),
        (CHILD_GROWS, "over_memory"),
        ("while True: print('x' * 1000)", "over_output"),
        ("print('x' * 50_000_000)", "over_output"),
        ("raise ValueError('x' * 50_000_000)", "over_output"),
        ("import os\nwhile True: os.write(2, b'x' * 10000)", "over_output"),
    ],
    ids=["it grows", "one huge piece", "a child", "a flood", "one message", "one error", "past the notebook"],
)
def test_a_job_that_takes_too_much_is_ended_and_told_and_not_tried_again(short, private, server, source, why):
    root = short()
    spoil(root, source)
    asked = spec(root)
    result = run_job(asked, server=server)
    assert (result.status, result.reason, result.attempts) == ("failed", getattr(asked.limits, why), 1)
    assert list(private.iterdir()) == []
    assert "To do:" in result.reason
    assert (root / "staging/notebook.ipynb").stat().st_size < 100_000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit for another process")
def test_a_kernel_may_not_ask_for_more_address_space_than_its_limit_and_what_libraries_reserve(short, either):
    root = short()
    spoil(root, "import resource; open('space', 'w').write(str(resource.getrlimit(resource.RLIMIT_DATA)))")
    run_job(spec(root), server=either)
    assert (root / "space").read_text() == str((5_000_000_000, 5_000_000_000))


def test_the_words_of_the_limits_say_how_much_and_what_to_do():
    own = Limits(seconds=90, memory=2_500_000_000, output=50_000_000)
    assert own.over_time.startswith("stopped after 90 seconds")
    assert own.over_memory.startswith("stopped at 2.5 GB of memory")
    assert own.over_output.startswith("stopped at 50 MB of output")


COUNT = "open('attempts', 'a').write('x')\n"


def test_a_kernel_that_dies_is_tried_once_more_with_a_new_one(short, private, server):
    root = short()
    first = (
        f"{COUNT}import os, signal\n"
        "if len(open('attempts').read()) == 1:\n"
        "    open(os.environ['ETHICS_KIT_STAGING'] + '/left', 'w').close()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    template = nbformat.read(Project(root).template("impact_analysis"), as_version=4)
    template.cells[0].source += f"\n{first}"
    nbformat.write(template, root / "notebooks" / notebook_name("impact_analysis"))
    result = run_job(spec(root), server=server)
    assert (result.status, result.reason, result.attempts) == ("ok", "", 2)
    assert (root / "attempts").read_text() == "xx"
    assert not (root / "staging/left").exists()
    assert list(private.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "attempts"),
    [("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 2), ("1 / 0", 1), ("raise SystemExit(0)", 1)],
    ids=["a kernel that dies again", "a cell that fails", "a cell that exits"],
)
def test_what_fails_is_tried_as_often_as_it_may_help(short, server, source, attempts):
    root = short()
    spoil(root, COUNT + source)
    result = run_job(spec(root), server=server)
    assert (result.status, result.attempts) == ("failed", attempts)
    assert (root / "attempts").read_text() == "x" * attempts


LEAVES_CHILDREN = """\
import subprocess, sys, time
for own_session in (False, True):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=own_session)
    with open("children", "a") as file:
        file.write(f"{child.pid} ")
"""


@pytest.mark.parametrize("then", ["time.sleep(600)", "time.sleep(3)"], ids=["a limit", "its own end"])
def test_what_a_kernel_started_ends_with_it(short, private, either, then):
    root = short()
    spoil(root, LEAVES_CHILDREN + then)
    run_job(spec(root, time_limit=8), server=either)
    children = [int(pid) for pid in (root / "children").read_text().split()]
    assert len(children) == 2
    assert all(gone(pid) for pid in children)
    assert list(private.iterdir()) == []


def test_the_folder_of_a_kernel_whose_owner_is_gone_is_swept_and_no_other(private):
    mine = kernel.KernelRun({})
    owner = os.fork()
    if not owner:
        kernel.KernelRun({})
        os._exit(0)
    os.waitpid(owner, 0)
    other = private / "ek-00000000-1-other"
    other.mkdir()
    assert len(list(private.iterdir())) == 3
    leftovers.sweep([])
    assert {path.name for path in private.iterdir()} == {mine.folder.name, other.name}
    mine.close()


def test_tables_are_read_in_a_part_of_a_kernels_memory(monkeypatch, tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    run = kernel.KernelRun({}, Limits(memory=1_000_000_000))
    run.close()
    monkeypatch.setenv(MEMORY, run.environment[MEMORY])
    tables = Tables({"t": Source(tmp_path / "t.csv")})
    ((setting,),) = tables._connection.con.execute("SELECT current_setting('memory_limit')").fetchall()
    assert setting == "476.8 MiB"


def test_the_memory_of_a_container_is_shared_among_the_jobs(tmp_path, monkeypatch):
    mount, own = tmp_path / "cgroup", tmp_path / "own"
    inner = mount / "outer/inner"
    inner.mkdir(parents=True)
    (mount / "memory/box").mkdir(parents=True)
    (mount / "outer/memory.max").write_text("8000000000\n")
    (inner / "memory.max").write_text("max\n")
    (mount / "memory/box/memory.limit_in_bytes").write_text("16000000000\n")
    own.write_text("4:memory:/box\n3:cpu:/elsewhere\n0::/outer/inner\n")
    assert sorted(limits._control_group_limits(mount, own)) == [8_000_000_000, 16_000_000_000]
    assert limits._control_group_limits(mount, tmp_path / "none") == []
    monkeypatch.setattr(limits, "machine_memory", lambda: 8_000_000_000)
    assert [limits.memory_each(jobs) for jobs in (1, 4, 100)] == [6_400_000_000, 1_600_000_000, limits.MEMORY_LEAST]


def test_one_system_may_take_what_all_jobs_may_take_together(project, monkeypatch):
    asked = []

    def ended(spec, *, server):
        asked.append((spec.memory_limit, server))
        return JobResult(status="failed", reason="as planned", seconds=0)

    monkeypatch.setattr(limits, "machine_memory", lambda: 64_000_000_000)
    monkeypatch.setattr(batch, "run_job", ended)
    root = project()
    located = [(Project(root), root / "parameters/demo")]
    wanted = Wanted(["impact_analysis"], date(2026, 11, 1))
    batch.run(located, wanted, jobs=64, begun=lambda _: None, report=lambda _: None)
    assert asked == [(51_200_000_000, None)]


def test_a_job_that_says_no_memory_may_take_its_machines(short, monkeypatch):
    monkeypatch.setattr(job, "machine_memory", lambda: 7)
    assert spec(short(), memory_limit=None).limits.memory == 7
