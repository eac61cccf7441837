"""One stage of one system as a job: told in plain JSON, run here or on another machine, its files left in a folder.

`run_job` runs the stage's notebook by papermill, checks its record and renders its report. It publishes nothing, so
that a job may run wherever its project's files are; `assessment` publishes what it prepared.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from pydantic import BaseModel, ConfigDict

from ethics_kit import archive
from ethics_kit.attestation import statement
from ethics_kit.attestation.proof import Proof
from ethics_kit.dossier import report_language
from ethics_kit.errors import OWN, RunError, Stopped, printable, told
from ethics_kit.framework.catalogue import Stage
from ethics_kit.project import Project
from ethics_kit.record import Record, read_record
from ethics_kit.report import card, commands, page, pdf
from ethics_kit.runner import secrets
from ethics_kit.runner.kernel import KernelRun
from ethics_kit.runner.limits import OUT_OF_MEMORY, OUTPUT_LIMIT, TIME_LIMIT, Limits, machine_memory
from ethics_kit.runner.warm import Server
from ethics_kit.workbook import STAGING

for _name in ("papermill", "traitlets"):
    logging.getLogger(_name).addHandler(logging.NullHandler())  # a failure is told once, by its result

ERROR_NUMBER = re.compile(r"\[Errno (\d{1,4})\]")
"""How the words of an OSError begin; what the number stands for is no data."""

DIED = "Kernel died"
"""How jupyter_client's and nbclient's messages about it begin."""


class Plain(BaseModel):
    """What is the same after a way through JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class JobSpec(Plain):
    """What to run, and where: `root` is the project's folder, `folder` the dossier's; results go into `staging`.

    `by` is who runs it. `time_limit` is in seconds, for the whole notebook; `memory_limit` in bytes, for its kernel and
    what that starts (none: all memory of the machine that runs it); `output_limit` in bytes, for all that it shows.
    """

    root: str
    folder: str
    stage: Stage
    as_of: date
    reports: str
    staging: str
    by: str
    pdf: bool = False
    time_limit: float = TIME_LIMIT
    memory_limit: int | None = None
    output_limit: int = OUTPUT_LIMIT

    @property
    def limits(self) -> Limits:
        return Limits(self.time_limit, self.memory_limit or machine_memory(), self.output_limit)

    @property
    def system(self) -> str:
        return Path(self.folder).name

    @property
    def project(self) -> Project:
        return Project(Path(self.root))


class JobResult(Plain):
    """How a job ended; `reason` says why it failed. Seconds are of the wall clock.

    `attempts` is 2 where a kernel died and a new one was tried.
    """

    status: Literal["ok", "failed", "stopped"]
    reason: str = ""
    seconds: float
    attempts: int = 1


def run_job(spec: JobSpec, *, server: Server | None = None) -> JobResult:
    """Run a job; whatever befalls it is its result, and nothing is raised.

    A job that is *ok* leaves ``record.json``, ``notebook.ipynb``, ``report.html`` and what belongs to the record
    besides in its staging folder; one that *failed*, its marked notebook and a page, where these can be made.
    """
    start, attempts = time.monotonic(), 1
    staging, notebook = Path(spec.staging), nbformat.v4.new_notebook()
    try:
        staging.mkdir(parents=True, exist_ok=True)
        ran = _execute(spec, staging, server)
        if ran.died:
            attempts = 2
            shutil.rmtree(staging)
            staging.mkdir()
            ran = _execute(spec, staging, server)
        notebook = ran.notebook
        if ran.error:
            raise RunError(ran.error)
        _prepare(spec, staging, notebook, _checked(notebook, staging, spec), time.monotonic() - start)
    except Stopped:
        return JobResult(status="stopped", seconds=time.monotonic() - start, attempts=attempts)
    except Exception as failure:  # whatever befalls one job must not take the others with it
        reason = scrubbed(told(failure), spec)
        with contextlib.suppress(Exception):
            prepare_failure(spec, notebook, reason)
        return JobResult(status="failed", reason=reason, seconds=time.monotonic() - start, attempts=attempts)
    return JobResult(status="ok", seconds=time.monotonic() - start, attempts=attempts)


@dataclass(frozen=True)
class _Ran:
    """A notebook as far as it ran, and why it stopped (empty where it did not); whether its kernel died by itself."""

    notebook: nbformat.NotebookNode
    error: str
    died: bool


def _execute(spec: JobSpec, staging: Path, server: Server | None) -> _Ran:
    output = staging / "notebook.ipynb"
    kernel = KernelRun({STAGING: str(staging)}, spec.limits, server)
    error, died = "", False
    try:
        papermill.execute_notebook(
            str(spec.project.template(spec.stage)),
            str(output),
            parameters=_parameters(spec),
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            request_save_on_cell_execute=False,
            shutdown_kernel="immediate",  # all it made is on disk, or in its private folder, which goes with it
            kernel_manager_class=kernel.manager_class(),
            resources={"metadata": {"path": spec.root}},
        )
    except papermill.PapermillExecutionError as failure:
        error = _of_cell(failure, spec)
    except Exception as failure:  # whatever kills one run must not take the others with it
        died = isinstance(failure, DeadKernelError) or str(failure).startswith(DIED)
        error = f"{DIED}: it was ended from outside, or there was too little memory" if died else told(failure)
    finally:
        kernel.close()
    if kernel.stopped:
        raise Stopped
    source = output if output.is_file() else spec.project.template(spec.stage)
    notebook = _without_traces(nbformat.read(source, as_version=4), spec)
    return _Ran(notebook, kernel.why or error, died and not kernel.why)


def _without_traces(notebook: nbformat.NotebookNode, spec: JobSpec) -> nbformat.NotebookNode:
    """Errors keep their kind, and their words where these are the kit's own.

    Other words, tracebacks and what was printed may hold data, and paths of this machine.
    """
    for cell in _code(notebook):
        cell.outputs = [o for o in cell.outputs if o.output_type != "stream"]
        for output in cell.outputs:
            if output.output_type == "error":
                own = output.ename in OWN
                output.traceback = []
                output.ename = printable(scrubbed(output.ename, spec), 200)
                output.evalue = printable(scrubbed(output.evalue, spec), 2000) if own else _unsaid(spec)
    return notebook


def _of_cell(failure: papermill.PapermillExecutionError, spec: JobSpec) -> str:
    """A cell's error: in the kit's own words, else its kind, the step, and how to read the rest."""
    if failure.ename in OWN:
        return f"{failure.ename}: {failure.evalue}"
    if failure.ename in OUT_OF_MEMORY:
        return spec.limits.over_memory
    step = next((line for line in reversed(failure.source.splitlines()) if line.strip()), "a cell")
    reason = f": {os.strerror(int(number[1]))}" if (number := ERROR_NUMBER.match(failure.evalue)) else ""
    return f"{printable(failure.ename, 200)}{reason} in {printable(step.strip(), 120)}. {_unsaid(spec)}"


def _unsaid(spec: JobSpec) -> str:
    return (
        "What the error says may quote data and is not published. "
        f"To read it, run the cell yourself: ethics-kit open {spec.system}"
    )


def _parameters(spec: JobSpec) -> dict[str, str]:
    """Plain text only; no absolute path, as the notebook is published."""
    return {
        "system": os.path.relpath(spec.folder, spec.root),
        "as_of": spec.as_of.isoformat(),
        "reports": os.path.relpath(spec.reports, spec.root),
    }


def scrubbed(text: str, spec: JobSpec) -> str:
    """Without the folders of this machine; nothing of a text that shows a secret of the environment."""
    for folder in (spec.reports, spec.root):
        text = text.replace(f"{folder}{os.sep}", "")
    home = os.path.expanduser("~")  # noqa: PTH111  # which is no folder of a user's, or ~ itself, in many containers
    cleaned: str = secrets.without(text.replace(home, "~") if home.strip(os.sep) else text)
    return cleaned


def _checked(notebook: nbformat.NotebookNode, staging: Path, spec: JobSpec) -> Record:
    """The record the notebook left.

    Raises
    ------
    RunError
        A cell did not run, or the record is missing, altered or another assessment's, or a secret is shown.
    """
    pending = sum(not _ran(c) for c in _code(notebook))
    if pending:
        raise RunError(f"{pending} cells of the notebook did not run to their end")
    record, why = read_record(staging / "record.json")
    if record is None:
        raise RunError(f"the notebook saved no valid record: {why}")
    if (record.system["id"], record.stage, record.as_of) != (spec.system, spec.stage, spec.as_of):
        raise RunError("the notebook saved the record of another assessment")
    if name := secrets.shown(dict(notebook)) or secrets.shown(record.to_bytes().decode()):
        raise RunError(f"the notebook or its record shows the value of the environment's variable {name}")
    return record


def _code(notebook: nbformat.NotebookNode) -> list[Any]:
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def _ran(cell: Any) -> bool:
    return cell.execution_count is not None and not any(o.output_type == "error" for o in cell.outputs)


def _prepare(spec: JobSpec, staging: Path, notebook: nbformat.NotebookNode, record: Record, seconds: float) -> None:
    """The record with who ran it, its notebook, its card and its page."""
    run = {"finished_at": datetime.now(UTC).isoformat(timespec="seconds"), "by": spec.by, "seconds": round(seconds, 1)}
    (staging / "record.json").write_bytes(record.model_copy(update={"run": run}).to_bytes())
    _write_notebook(staging, notebook)
    if text := card.markdown(record):
        (staging / card.FILE).write_text(text, encoding="utf-8")
    html = page.render(notebook, record, Proof(files=statement.digests(staging), signatures=[]))
    (staging / commands.REPORT).write_text(html, encoding="utf-8")
    there = archive.stage_folder(Path(spec.reports), spec.system, spec.stage) / record.folder_name
    if spec.pdf and not there.exists():
        (staging / pdf.FILE).write_bytes(pdf.made(html))


def prepare_failure(spec: JobSpec, notebook: nbformat.NotebookNode, reason: str) -> None:
    """Leave the notebook as far as it ran and a page that tells `reason`, and nothing else, in the staging folder."""
    staging = Path(spec.staging)
    for name in statement.belonging(staging):
        (staging / name).unlink(missing_ok=True)
    _write_notebook(staging, notebook)
    cells = _code(notebook)
    html = page.render_failure(
        system=spec.system,
        stage=spec.stage,
        as_of=spec.as_of,
        reason=printable(reason, 2000),
        ran=sum(map(_ran, cells)),
        cells=len(cells),
        language=report_language(spec.project),
    )
    (staging / commands.REPORT).write_text(html, encoding="utf-8")


def _write_notebook(staging: Path, notebook: nbformat.NotebookNode) -> None:
    """The notebook without papermill's paths and clock times."""
    kept = json.loads(nbformat.writes(nbformat.from_dict(secrets.without(notebook))))
    kept["metadata"].pop("papermill", None)
    for place, cell in enumerate(kept["cells"]):
        if "injected-parameters" in cell["metadata"].get("tags", ()):
            cell["id"] = f"injected-{place}"
        for volatile in ("papermill", "execution"):
            cell["metadata"].pop(volatile, None)
    text = json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True)
    (staging / "notebook.ipynb").write_text(text + "\n", encoding="utf-8")
