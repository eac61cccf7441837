"""Kernels forked from the warm server: the same outputs as cold ones, and nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from functools import partial
from pathlib import Path

import nbformat
import pytest

from ethics_kit import cli_run
from ethics_kit.cli import app
from ethics_kit.project import PASSPHRASE, Project
from ethics_kit.runner import checking, warm
from ethics_kit.runner.assessment import Job, Result, assess
from ethics_kit.runner.job import run_job

pytestmark = pytest.mark.skipif(not warm.AVAILABLE, reason="no fork with process descriptors on this system")

DAY = date(2026, 11, 1)


def assessed(root: Path, server: warm.Server | None, **changes) -> Result:
    job = Job(Project(root), root / "parameters/demo", "impact_analysis", DAY, root / "reports", **changes)
    return assess(job, partial(run_job, server=server))


def spoil(root: Path, source: str) -> None:
    """Put a cell before the last one of the notebook."""
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
import os
open("parent", "w").write(str(os.getppid()))
list({"a", "b", "c", "d"}), hash("x"), book.case.dossier.system
"""


def test_a_warm_kernel_leaves_the_same_bytes_as_a_cold_one(short, server):
    root = short()
    spoil(root, FIGURES)
    left, parents = [], []
    for by in (None, server):
        result = assessed(root, by)
        left.append([(result.folder / "notebook.ipynb").read_bytes(), result.folder.name])
        parents.append(int((root / "parent").read_text()))
        shutil.rmtree(root / "reports")
    assert parents == [os.getpid(), server.pid]
    assert left[0] == left[1]
    assert b"image/png" in left[0][0]


def descriptors(pid: int) -> set[str]:
    return {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}


def test_a_kernel_leaves_no_descriptor_in_the_server_and_gets_none_of_its(short, server):
    root = short()
    spoil(root, "import os; open('open', 'w').write(' '.join(os.readlink(p) for p in os.scandir('/proc/self/fd')))")
    before = descriptors(server.pid)
    assert assessed(root, server).ok
    server.fork(["--version"], env=dict(os.environ), cwd="/", log=2).wait(60)
    assert descriptors(server.pid) == before
    (own,) = (name for name in before if name.startswith("socket:"))
    assert own not in (root / "open").read_text().split()
    assert not [name for name in descriptors(os.getpid()) if "pidfd" in name]


def test_two_kernels_draw_different_random_numbers(short, server):
    root = short()
    spoil(root, "import numpy, random\nopen('drawn', 'a').write(f'{numpy.random.random()} {random.random()}\\n')")
    for _ in range(2):
        assert assessed(root, server).ok
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
    assert "Kernel died" in assessed(root, server).reason
    assert assessed(short("other"), server).ok


def test_a_kernel_over_its_time_limit_is_ended(short, server, monkeypatch):
    root, forked, fork = short(), [], server.fork
    monkeypatch.setattr(server, "fork", lambda *words, **options: forked.append(fork(*words, **options)) or forked[-1])
    spoil(root, "import time; time.sleep(300)")
    result = assessed(root, server, time_limit=4)
    assert result.reason == "stopped after 4 seconds, the limit for one notebook. To do: --time-limit allows more"
    (kernel,) = forked
    assert gone(kernel.pid)


BARE = """\
import os, socket, sys
from ethics_kit.runner import forking
def failing(name):
    whole = getattr(os, name)
    def call(*words):
        if os.path.exists(os.path.join(sys.argv[2], name)):
            raise OSError(24, "Too many open files")
        return whole(*words)
    setattr(os, name, call)
failing("fork"), failing("pidfd_open")
forking._load = lambda: None
forking.serve(socket.socket(fileno=int(sys.argv[1])))
"""


@pytest.fixture
def own(monkeypatch, tmp_path):
    """A server of the test's own that imports nothing beforehand, and what it said of kernels started cold.

    Its `os.fork` or `os.pidfd_open` fails while a file of this name is in `tmp_path`.
    """
    said, popen = [], subprocess.Popen
    with monkeypatch.context() as patch:
        bare = lambda words, **rest: popen([words[0], "-c", BARE, words[-1], str(tmp_path)], **rest)  # noqa: E731
        patch.setattr(subprocess, "Popen", bare)
        server = warm.Server(cold=lambda: said.append(warm.COLD))
    yield server, said
    server.close()


def test_where_the_server_is_gone_kernels_are_started_cold_which_is_said_once(short, own):
    lost, said = own
    os.kill(lost.pid, signal.SIGKILL)
    assert gone(lost.pid)
    root = short()
    assert assessed(root, lost).ok
    with pytest.raises((BrokenPipeError, ChildProcessError)):
        lost.fork(["--version"], env={}, cwd="/", log=2)
    assert said == [warm.COLD]


def start(server: warm.Server, folder: Path) -> warm.Forked:
    """A kernel that runs until it is ended."""
    return server.fork(["-f", str(folder / "connection.json")], env=dict(os.environ), cwd="/", log=2)


def children(pid: int) -> list[str]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return listed.read_text().split() if listed.exists() else []


def test_a_fork_that_fails_fails_alone(own, tmp_path):
    server, said = own
    kernel = start(server, tmp_path)
    for call in ("fork", "pidfd_open"):
        (tmp_path / call).touch()
        with pytest.raises(ChildProcessError, match=r"no fork: .*Too many open files"):
            start(server, tmp_path)
        (tmp_path / call).unlink()
    assert said == [warm.COLD]
    assert server.fork(["--version"], env=dict(os.environ), cwd="/", log=2).wait(60) == 0
    assert kernel.poll() is None
    assert str(kernel.pid) in children(server.pid)
    left = children(server.pid)
    server.close()
    assert kernel.wait(30) == 0
    assert all(gone(int(pid)) for pid in left)


def test_an_answer_that_comes_too_late_is_no_other_kernels(own, monkeypatch, tmp_path):
    server, said = own
    start(server, tmp_path).kill()
    os.kill(server.pid, signal.SIGSTOP)
    server._socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        start(server, tmp_path)
    os.kill(server.pid, signal.SIGCONT)
    with pytest.raises(ChildProcessError, match="still out"):
        start(server, tmp_path)
    assert said == [warm.COLD]


def test_a_run_on_a_system_that_cannot_fork_says_so_once(short, kit, monkeypatch):
    monkeypatch.setattr(warm, "AVAILABLE", False)
    root = short()
    short("second")
    done = kit("run", "--stage", "impact_analysis", "--as-of", str(DAY), cwd=root)
    assert done.code == 0
    assert done.err == f"{warm.COLD}\n"
    assert kit("run", "demo", "--stage", "impact_analysis", "--as-of", str(DAY), cwd=root).err == ""


def test_a_run_forks_its_kernels_from_one_server_that_ends_with_it(short, kit, monkeypatch):
    root, servers, make = short(), [], warm.Server
    short("second")
    spoil(root, "import os; open('parents', 'a').write(f'{os.getppid()} ')")
    monkeypatch.setattr(warm, "Server", lambda **options: servers.append(make(**options)) or servers[-1])
    done = kit("run", "--stage", "impact_analysis", "--as-of", str(DAY), cwd=root)
    assert (done.code, done.err) == (0, "")
    (server,) = servers
    assert (root / "parents").read_text().split() == [str(server.pid)] * 2
    assert gone(server.pid)


def test_a_server_that_no_kernel_was_asked_of_is_not_waited_for(own):
    server, _ = own
    os.kill(server.pid, signal.SIGSTOP)  # as while it imports, it does not hear that its owner is done
    server.close()
    assert server._process.returncode == -signal.SIGKILL


def test_the_server_starts_before_the_dossiers_are_checked_where_several_notebooks_may_run(short, monkeypatch):
    root, happened = short(), []
    monkeypatch.chdir(root)
    load = checking.dossier.load
    monkeypatch.setattr(checking.dossier, "load", lambda *given: happened.append("check") or load(*given))
    monkeypatch.setattr(warm.Reserve, "start", lambda _: happened.append("start"))
    for stages in ((), ("--stage", "impact_analysis")):
        monkeypatch.setattr(cli_run, "assessed", lambda *_, server, **__: happened.append(server) or 0)
        with pytest.raises(SystemExit, match="0"):
            app(["run", *stages])
    assert happened == ["start", "check", None, "check", None]


def test_a_passphrase_reaches_neither_the_server_nor_a_kernel(short, monkeypatch):
    monkeypatch.setenv(PASSPHRASE, "canary-7391")
    own = warm.Server()
    root = short()
    spoil(root, "import os\nassert 'canary' not in open('/proc/self/environ').read() + str(dict(os.environ))")
    assert assessed(root, own).ok
    assert "canary" not in Path(f"/proc/{own.pid}/environ").read_text()
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
