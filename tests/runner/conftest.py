"""Notebooks that start in a third of the time, for tests of what the runner makes of them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from ethics_kit.project import STAGES, Project, notebook_name
from ethics_kit.runner import batch, warm
from ethics_kit.runner.job import JobResult, JobSpec, run_job


@pytest.fixture(scope="session")
def server() -> Iterator[warm.Server | None]:
    """One warm server for all tests, ready; none where kernels cannot be forked."""
    if not warm.AVAILABLE:
        yield None
        return
    server = warm.Server(cold=lambda: pytest.fail("a kernel was started cold"))
    server.fork(["--version"], env=dict(os.environ), cwd="/", log=2).wait(60)
    yield server
    server.close()


@pytest.fixture
def forked(server: warm.Server | None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JobResult]:
    """Runs of one job fork its kernel from that server, as runs of several jobs do from their own."""

    def run(spec: JobSpec, **own: warm.Server | None) -> JobResult:
        return run_job(spec, server=own.get("server") or server)

    monkeypatch.setattr(batch, "run_job", run)
    return run


@pytest.fixture(params=["warm", "cold"])
def either(request: pytest.FixtureRequest, server: warm.Server | None) -> warm.Server | None:
    """What a kernel is forked from, and none, so that it is started cold."""
    return server if request.param == "warm" else None


@pytest.fixture
def short(project: Callable[..., Path]) -> Callable[..., Path]:
    """As `project`, with templates of its own that open the dossier and save its record: every step is left out."""

    def make(name: str = "demo", **changes: Any) -> Path:
        root = project(name, **changes)
        (root / "notebooks").mkdir(exist_ok=True)
        for stage in STAGES:
            notebook = nbformat.read(Project(root).template(stage), as_version=4)
            code = [cell for cell in notebook.cells if cell.cell_type == "code"]
            notebook.cells = [*code[:2], code[-1]]
            nbformat.write(notebook, root / "notebooks" / notebook_name(stage))
        return root

    return make


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the private folders of this test's kernels go: short, as their sockets are there."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)
