"""A batch of which four in ten jobs go wrong, each in a way of its own: what becomes of all of them, and what is left.

    python -m benchmarks.faults REPORTS [--systems 1000] [--jobs 10] [--json FILE]

Each system has one notebook of two cells, whose kernel is forked as in any run. Of ten, one kernel is killed by a
signal (and in its second attempt, too), one raises, one takes longer than it may, one takes more memory than it may,
and six leave a record: the first in REPORTS, under their own id. Told are how many ended in each way, those that did
not end as they should, and the processes, files and descriptors that are left. Seconds are of the wall clock, and of
all processors.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
import psutil

from ethics_kit import archive
from ethics_kit.attestation.chain import read_chain
from ethics_kit.attestation.folder import altered
from ethics_kit.project import STAGES, Project, notebook_name
from ethics_kit.record import Record, read_record
from ethics_kit.runner import batch, warm
from ethics_kit.runner.limits import Limits
from ethics_kit.runner.results import Result
from ethics_kit.runner.unchanged import Wanted

LIMITS = Limits(seconds=20, memory=800_000_000)

SOURCE = """\
import os, pathlib, signal, time
from ethics_kit.record import read_record
name = pathlib.Path(system).name
match int(name.rpartition("_")[2]) % 10:
    case 0: os.kill(os.getpid(), signal.SIGKILL)
    case 1: raise ValueError("as asked")
    case 2: time.sleep(300)
    case 3: kept = [b"x" * 20_000_000 for _ in range(500)]
    case _:
        record, _ = read_record(pathlib.Path("record.json"))
        own = record.model_copy(update={"system": {**record.system, "id": name}, "run": {}}).sealed()
        pathlib.Path(os.environ["ETHICS_KIT_STAGING"], "record.json").write_bytes(own.to_bytes())
"""
ENDS = {
    0: "Kernel died",
    1: "ValueError in",
    2: LIMITS.over_time,
    3: LIMITS.over_memory,
}
"""How the reason of a failure begins, by the last digit of the system's number; the others are to be right."""


@dataclass(frozen=True)
class Found:
    """What became of a batch."""

    systems: int
    ended: dict[str, int]
    not_as_they_should: list[str]
    processes_left: int
    files_left: list[str]
    descriptors_left: int
    seconds: float
    processor_seconds: float
    peak_mb: float


def made(root: Path, record: Record, systems: int) -> list[batch.Located]:
    """A project whose systems have a name, a notebook that all share, and nothing else."""
    (root / "notebooks").mkdir(parents=True)
    (root / "record.json").write_bytes(record.to_bytes())
    parameters = nbformat.v4.new_code_cell("system = ''\nas_of = ''\nreports = ''", metadata={"tags": ["parameters"]})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(
        cells=[parameters, nbformat.v4.new_code_cell(SOURCE)], metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, root / "notebooks" / notebook_name(record.stage))
    return [(Project(root), root / f"parameters/system_{number:04}") for number in range(systems)]


def run(root: Path, record: Record, *, systems: int, jobs: int) -> Found:
    """Run such a batch in the new folder `root`."""
    located = made(root, record, systems)
    private = root / "tmp"
    private.mkdir()
    before, descriptors, start = tempfile.tempdir, psutil.Process().num_fds(), time.perf_counter()
    used = _processor_seconds()
    tempfile.tempdir = str(private)
    wanted = Wanted([record.stage], record.as_of, time_limit=LIMITS.seconds, memory_limit=LIMITS.memory)
    quiet: Callable[[object], None] = lambda _: None  # noqa: E731
    try:
        with warm.Reserve(say=quiet) as reserve:
            reserve.start()
            results = batch.run(located, wanted, jobs=jobs, server=reserve.server, begun=quiet, report=quiet)
    finally:
        tempfile.tempdir = before
    gc.collect()  # each thread's event loop, which jupyter_client leaves to it
    wrong = [result.system for result in results if not _as_it_should(result)]
    missing = {folder.name for _, folder in located} - {result.system for result in results}
    return Found(
        systems=systems,
        ended=dict(Counter(_end(result) for result in results)),
        not_as_they_should=sorted({*wrong, *missing}),
        processes_left=sum(_below(process, root) for process in psutil.process_iter()),
        files_left=[str(path) for path in (*private.iterdir(), *(root / "reports").glob(archive.STAGED))],
        descriptors_left=psutil.Process().num_fds() - descriptors,
        seconds=round(time.perf_counter() - start, 1),
        processor_seconds=round(_processor_seconds() - used, 1),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    )


def _end(result: Result) -> str:
    return "ok" if result.ok else next((e for e in ENDS.values() if result.reason.startswith(e)), result.reason)


def _as_it_should(result: Result) -> bool:
    """A right one is published as its chain says; a failure is told as what it was, and left its page."""
    expected = ENDS.get(int(result.system.rpartition("_")[2]) % 10, "ok")
    if _end(result) != expected or not (result.folder / "report.html").is_file():
        return False
    if not result.ok:
        return not (result.folder / "record.json").exists()
    known, _ = read_chain(result.job.reports, result.system)
    return read_record(result.folder / "record.json")[0] is not None and not altered(result.folder, known)


def _below(process: psutil.Process, root: Path) -> bool:
    """Whether a process is a kernel of this batch, or what one started."""
    try:
        return process.pid != os.getpid() and Path(process.cwd()).is_relative_to(root)
    except psutil.Error:
        return False


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path)
    parser.add_argument("--systems", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    paths = sorted(path for stage in STAGES for path in asked.reports.glob(f"*/{stage}/????-??-??_*/record.json"))
    if not paths or not (record := read_record(paths[0])[0]):
        raise SystemExit(f"{asked.reports}: no record to begin with")
    folder = Path(tempfile.mkdtemp())
    try:
        found = run(folder / "project", record, systems=asked.systems, jobs=asked.jobs)
    finally:
        shutil.rmtree(folder)
    text = json.dumps(asdict(found), indent=1)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
