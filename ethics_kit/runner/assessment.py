"""One assessment: a stage's notebook run by papermill, its record checked, the report rendered, all published."""

from __future__ import annotations

import contextlib
import getpass
import json
import logging
import os
import shutil
import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError

from ethics_kit import archive
from ethics_kit.attestation import statement
from ethics_kit.attestation.folder import publish
from ethics_kit.attestation.proof import Proof
from ethics_kit.dossier import report_language
from ethics_kit.errors import OWN, RunError, Stopped, printable, told
from ethics_kit.project import Project, Stage
from ethics_kit.record import Record, read_record
from ethics_kit.report import card, page, pdf
from ethics_kit.runner import acts
from ethics_kit.runner.kernel import KernelRun
from ethics_kit.runner.warm import Server
from ethics_kit.workbook import STAGING

logging.getLogger("traitlets").addHandler(logging.NullHandler())  # a failure is told once, by its result

TIME_LIMIT = 600.0


@dataclass(frozen=True)
class Job:
    """What to assess."""

    project: Project
    folder: Path
    stage: Stage
    as_of: date
    reports: Path
    pdf: bool = False
    time_limit: float = TIME_LIMIT
    server: Server | None = None

    @property
    def system(self) -> str:
        return self.folder.name


@dataclass(frozen=True)
class Result:
    """How it ended. `verdict` is the recommendation, or *failed* with the reason."""

    job: Job
    verdict: str
    reason: str
    folder: Path
    seconds: float
    new: bool = True

    @property
    def system(self) -> str:
        return self.job.system

    @property
    def stage(self) -> str:
        return self.job.stage

    @property
    def ok(self) -> bool:
        return self.verdict != "failed"


def assess(job: Job) -> Result:
    """Run one stage of one system. A failure leaves its marked notebook and a page, and is a result like others.

    Raises
    ------
    Stopped
        The run was stopped; nothing was published.
    """
    start = time.monotonic()
    staging = archive.staging_name(job.reports)
    notebook = nbformat.v4.new_notebook()
    try:
        staging.mkdir(parents=True)
        notebook, error = _execute(job, staging)
        if error:
            raise RunError(error)
        record = _checked(notebook, staging, job)
        folder, new = _publish(job, staging, notebook, record, time.monotonic() - start)
        verdict = record.recommendation
        return Result(job, verdict.verdict, verdict.reason, folder, time.monotonic() - start, new)
    except Stopped:
        raise
    except Exception as failure:  # whatever befalls one assessment must not take the other systems with it
        reason, folder = _scrubbed(told(failure), job), job.reports
        with contextlib.suppress(Exception):
            folder = _publish_failure(job, staging, notebook, reason)
        return Result(job, "failed", reason, folder, time.monotonic() - start)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _execute(job: Job, staging: Path) -> tuple[nbformat.NotebookNode, str]:
    """The notebook as far as it ran, and why it stopped (empty where it did not)."""
    output = staging / "notebook.ipynb"
    kernel = KernelRun({STAGING: str(staging)}, job.server)
    timer = threading.Timer(job.time_limit, kernel.kill)
    timer.daemon = True
    timer.start()
    error = ""
    try:
        papermill.execute_notebook(
            str(job.project.template(job.stage)),
            str(output),
            parameters=_parameters(job),
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            request_save_on_cell_execute=False,
            kernel_manager_class=kernel.manager_class(),
            resources={"metadata": {"path": str(job.project.root)}},
        )
    except papermill.PapermillExecutionError as failure:
        error = _of_cell(failure, job)
    except DeadKernelError:
        error = "Kernel died: it was ended from outside, or there was too little memory"
    except Exception as failure:  # whatever kills one run must not take the others with it
        error = told(failure)
    finally:
        timer.cancel()
        kernel.close()
    if kernel.stopped:
        raise Stopped
    if kernel.killed:
        error = f"stopped after {job.time_limit:g} seconds, the limit for one notebook"
    source = output if output.is_file() else job.project.template(job.stage)
    return _without_traces(nbformat.read(source, as_version=4), job), error


def _without_traces(notebook: nbformat.NotebookNode, job: Job) -> nbformat.NotebookNode:
    """Errors keep their kind, and their words where these are the kit's own.

    Other words, tracebacks and what was printed may hold data, and paths of this machine.
    """
    for cell in _code(notebook):
        cell.outputs = [o for o in cell.outputs if o.output_type != "stream"]
        for output in cell.outputs:
            if output.output_type == "error":
                own = output.ename in OWN
                output.traceback = []
                output.ename = printable(_scrubbed(output.ename, job), 200)
                output.evalue = printable(_scrubbed(output.evalue, job), 2000) if own else _unsaid(job)
    return notebook


def _of_cell(failure: papermill.PapermillExecutionError, job: Job) -> str:
    """A cell's error: in the kit's own words, else its kind, the step, and how to read the rest."""
    if failure.ename in OWN:
        return f"{failure.ename}: {failure.evalue}"
    step = next((line for line in reversed(failure.source.splitlines()) if line.strip()), "a cell")
    return f"{printable(failure.ename, 200)} in {printable(step.strip(), 120)}. {_unsaid(job)}"


def _unsaid(job: Job) -> str:
    return (
        "What the error says may quote data and is not published. "
        f"To read it, run the cell yourself: ethics-kit open {job.system}"
    )


def _parameters(job: Job) -> dict[str, str]:
    """Plain text only; no absolute path, as the notebook is published."""
    return {
        "system": os.path.relpath(job.folder, job.project.root),
        "as_of": job.as_of.isoformat(),
        "reports": os.path.relpath(job.reports, job.project.root),
    }


def _scrubbed(text: str, job: Job) -> str:
    """Without the folders of this machine."""
    for folder in (job.reports, job.project.root):
        text = text.replace(f"{folder}{os.sep}", "")
    return text.replace(str(Path.home()), "~")


def _checked(notebook: nbformat.NotebookNode, staging: Path, job: Job) -> Record:
    """The record the notebook left.

    Raises
    ------
    RunError
        A cell did not run, or the record is missing, altered or another assessment's.
    """
    pending = sum(not _ran(c) for c in _code(notebook))
    if pending:
        raise RunError(f"{pending} cells of the notebook did not run to their end")
    record, why = read_record(staging / "record.json")
    if record is None:
        raise RunError(f"the notebook saved no valid record: {why}")
    if (record.system["id"], record.stage, record.as_of) != (job.system, job.stage, job.as_of):
        raise RunError("the notebook saved the record of another assessment")
    return record


def _code(notebook: nbformat.NotebookNode) -> list[Any]:
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def _ran(cell: Any) -> bool:
    return cell.execution_count is not None and not any(o.output_type == "error" for o in cell.outputs)


def _publish(
    job: Job, staging: Path, notebook: nbformat.NotebookNode, record: Record, seconds: float
) -> tuple[Path, bool]:
    run = {
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": _user(),
        "seconds": round(seconds, 1),
    }
    (staging / "record.json").write_bytes(record.model_copy(update={"run": run}).to_bytes())
    _write_notebook(staging, notebook)
    if text := card.markdown(record):
        (staging / card.FILE).write_text(text, encoding="utf-8")
    unsigned = Proof(files=statement.digests(staging), signatures=[])
    html = page.render(notebook, record, unsigned)
    (staging / "report.html").write_text(html, encoding="utf-8")
    there = archive.stage_folder(job.reports, job.system, job.stage) / record.folder_name
    if job.pdf and not there.exists():
        (staging / pdf.FILE).write_bytes(pdf.made(html))
    folder, new = publish(staging, job.reports, record)
    becomes_current = archive.current(folder.parent, archive.Latest("ok", folder.name, record.as_of))
    if becomes_current or (job.pdf and not (folder / pdf.FILE).exists()):
        acts.act(job.project, folder, act="run", pdf_wanted=job.pdf)
    return folder, new


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"uid {os.getuid()}"


def _publish_failure(job: Job, staging: Path, notebook: nbformat.NotebookNode, reason: str) -> Path:
    (staging / "record.json").unlink(missing_ok=True)
    _write_notebook(staging, notebook)
    cells = _code(notebook)
    html = page.render_failure(
        system=job.system,
        stage=job.stage,
        as_of=job.as_of,
        reason=printable(reason, 2000),
        ran=sum(map(_ran, cells)),
        cells=len(cells),
        language=report_language(job.project),
    )
    (staging / "report.html").write_text(html, encoding="utf-8")
    return archive.publish_failure(staging, job.reports, job.system, job.stage, job.as_of)


def _write_notebook(staging: Path, notebook: nbformat.NotebookNode) -> None:
    """The notebook without papermill's paths and clock times."""
    kept = json.loads(nbformat.writes(notebook))
    kept["metadata"].pop("papermill", None)
    for place, cell in enumerate(kept["cells"]):
        if "injected-parameters" in cell["metadata"].get("tags", ()):
            cell["id"] = f"injected-{place}"
        for volatile in ("papermill", "execution"):
            cell["metadata"].pop(volatile, None)
    text = json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True)
    (staging / "notebook.ipynb").write_text(text + "\n", encoding="utf-8")
