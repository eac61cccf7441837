"""Kernels forked from the warm server: the same outputs as cold ones, and nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from ethics_kit.project import PASSPHRASE, Project
from ethics_kit.runner import warm
from ethics_kit.runner.assessment import Job, assess

pytestmark = pytest.mark.skipif(not warm.AVAILABLE, reason="no fork with process descriptors on this system")

DAY = date(2026, 11, 1)


@pytest.fixture(scope="module")
def server():
    server = warm.Server()
    yield server
    server.close()


def job(root: Path, server: warm.Server | None, stage="impact_analysis", **changes) -> Job:
    return Job(Project(root), root / "parameters/demo", stage, DAY, root / "reports", server=server, **changes)


def spoil(root: Path, source: str) -> None:
    """Put a cell before the last one of the notebook."""
    import nbformat

    path = Project(root).template("impact_analysis")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(-1, nbformat.v4.new_code_cell(source, id="spoiled"))
    nbformat.write(notebook, path)


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


FIGURES = """\
import matplotlib.pyplot as plt
plt.plot([1, 2, 3]); plt.show()
list({"a", "b", "c", "d"}), hash("x"), book.case.dossier.system
"""


def test_a_warm_kernel_leaves_the_same_bytes_as_a_cold_one(short, server, tmp_path):
    root = short()
    spoil(root, FIGURES)
    left = []
    for by in (None, server):
        result = assess(job(root, by))
        left.append([(result.folder / "notebook.ipynb").read_bytes(), result.folder.name])
        shutil.rmtree(root / "reports")
    assert left[0] == left[1]
    assert b"image/png" in left[0][0]


def test_two_kernels_draw_different_random_numbers(short, server):
    root = short()
    spoil(root, "import numpy, random\nopen('drawn', 'a').write(f'{numpy.random.random()} {random.random()}\\n')")
    for _ in range(2):
        assert assess(job(root, server)).ok
    first, second = (root / "drawn").read_text().splitlines()
    assert not set(first.split()) & set(second.split())


def test_the_server_has_no_thread_that_a_kernel_could_miss(server):
    server.fork(["--version"], env=dict(os.environ), cwd="/", log=2).wait(30)
    tasks = Path(f"/proc/{server.pid}/task").iterdir()
    assert {(task / "comm").read_text().strip() for task in tasks} <= {"python", "jemalloc_bg_thd"}
    assert sum((task / "comm").read_text() == "python\n" for task in Path(f"/proc/{server.pid}/task").iterdir()) == 1


def test_a_kernel_that_dies_is_told_and_the_server_goes_on(short, server):
    root = short()
    spoil(root, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert "Kernel died" in assess(job(root, server)).reason
    assert assess(job(short("other"), server)).ok


def test_a_kernel_over_its_time_limit_is_ended(short, server):
    root = short()
    spoil(root, "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(300)")
    result = assess(job(root, server, time_limit=8))
    assert result.reason == "stopped after 8 seconds, the limit for one notebook"
    assert gone(int((root / "pid").read_text()))


def test_where_the_server_is_gone_a_kernel_is_started_cold(short):
    lost = warm.Server()
    os.kill(lost.pid, signal.SIGKILL)
    assert gone(lost.pid)
    assert assess(job(short(), lost)).ok
    lost.close()


def test_a_passphrase_reaches_neither_the_server_nor_a_kernel(short, monkeypatch):
    monkeypatch.setenv(PASSPHRASE, "canary-7391")
    own = warm.Server()
    root = short()
    spoil(root, "import os\nassert 'canary' not in open('/proc/self/environ').read() + str(dict(os.environ))")
    assert assess(job(root, own)).ok
    own.close()


OWNER = """\
import os, sys, time
from ethics_kit.runner import warm
server = warm.Server()
kernel = server.fork(["-f", sys.argv[1]], env=dict(os.environ), cwd="/", log=2)
print(server.pid, kernel.pid, flush=True)
time.sleep(300)
"""


def test_server_and_kernels_end_with_the_process_that_started_them(tmp_path):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path / "connection.json")], stdout=subprocess.PIPE, text=True
    )
    pids = list(map(int, owner.stdout.readline().split()))
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert all(gone(pid) for pid in pids)
