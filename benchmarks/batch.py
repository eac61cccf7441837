"""How long a batch takes: beside papermill and nbconvert by hand, over a large portfolio, and on a cluster.

    python -m benchmarks.batch [--small] [--json FILE] [--example NAME] [--systems N] [--only PART]

Everything is made in a temporary folder, which is removed at the end. Seconds are of the wall clock, of one run each:
most take minutes. The machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from importlib import metadata, util
from pathlib import Path
from typing import Any

import papermill
import psutil
from nbconvert import HTMLExporter

from benchmarks import made
from ethics_kit.project import STAGES, Project, Stage
from ethics_kit.runner import job as jobs_module
from ethics_kit.runner import warm
from ethics_kit.runner.assessment import assess
from ethics_kit.runner.job import run_job
from ethics_kit.runner.results import Job

DAY = date(2026, 11, 1)
KIT = [sys.executable, "-c", "from ethics_kit.cli import main; main()"]
JOBS = 2

LEGEND = f"""\
The four stages of one example, in seconds for each assessment (a notebook and its page):

  papermill_cli    `papermill` and `jupyter nbconvert --to html`, a process each, one notebook after another.
  in_process_cold  both called in one process that has imported them, each kernel started anew, one after another.
  ours             `ethics-kit run --jobs {JOBS}` on copies of the example: the whole command, with its start, the check
                   of the dossiers, records, chains, reports and the pages over all systems.

The ratios are theirs ÷ ours. Those that end in _two are against two notebooks at a time.
"""


@dataclass(frozen=True)
class Size:
    """Stages; copies of the example for ours; systems of the portfolio, customers of each, systems for the cluster;
    how many times the rows of the example.
    """

    stages: tuple[Stage, ...]
    copies: int
    systems: int
    customers: int
    on_cluster: int
    times: tuple[int, ...]

    @property
    def selected(self) -> tuple[str, ...]:
        """The option for these stages."""
        return () if self.stages == STAGES else ("--stage", *self.stages)


FULL = Size(STAGES, 12, 250, 400, 8, (1, 10, 100))
SMALL = Size(STAGES[:1], 1, 1, 60, 2, (1,))


@dataclass(frozen=True)
class Run:
    """A run of the kit: seconds, its exit code, its log, and the most memory of it alone and with all below it, MB."""

    seconds: float
    code: int
    log: list[dict[str, Any]]
    own_mb: float
    all_mb: float

    def events(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.log if one["event"] == name]


# --- ours --------------------------------------------------------------------------------------------------------


def kit(root: Path, *options: str) -> Run:
    """`ethics-kit run` on all systems of a project; RuntimeError unless every assessment was made."""
    command = [*KIT, "run", "--as-of", str(DAY), "--log", "json", *options]
    began = time.perf_counter()
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, cwd=root, stdout=pipe, stderr=pipe, text=True)
    with running, watched(running.pid) as peak:
        said, errors = running.communicate()
    seconds = time.perf_counter() - began
    log = [json.loads(line) for line in said.splitlines()]
    if running.returncode or not log or log[-1]["failed"]:
        failed = [one["reason"] for one in log if one.get("verdict") == "failed"]
        raise RuntimeError(f"ethics-kit run ended with {running.returncode}: {failed[:3]} {errors[-2000:]}")
    return Run(seconds, running.returncode, log, peak["own"], peak["all"])


@contextmanager
def watched(pid: int) -> Iterator[Mapping[str, float]]:
    """The most memory (MB) of a process, and of it with all below it, looked at twice a second while the body runs.

    Pages that processes share count once where the system tells them apart (Linux), else in each.
    """
    peak, ended = {"own": 0.0, "all": 0.0}, threading.Event()

    def look() -> None:
        while not ended.wait(0.5):
            try:
                first = psutil.Process(pid)
                held = [_megabytes(process) for process in (first, *first.children(recursive=True))]
            except psutil.Error:
                continue
            peak["own"], peak["all"] = max(peak["own"], held[0]), max(peak["all"], sum(held))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _megabytes(process: psutil.Process) -> float:
    try:
        told = process.memory_full_info()
        return float(getattr(told, "pss", told.rss)) / 1e6
    except psutil.Error:  # it has ended meanwhile
        return 0.0


def overhead(root: Path, system: str, stages: Sequence[Stage]) -> dict[str, float]:
    """Seconds of each stage beyond its notebook's cells: kernel, messages, record, report, chain. One at a time.

    Each is the median of three, as what else the machine does is felt in a third of a second.
    """
    project, cells, found = Project(root), list[float](), {stage: list[float]() for stage in stages}
    execute = papermill.execute_notebook

    def timed(*arguments: Any, **options: Any) -> Any:
        notebook = execute(*arguments, **options)
        cells.append(sum(cell.metadata.papermill.duration or 0.0 for cell in notebook.cells))
        return notebook

    server = warm.Server() if warm.AVAILABLE else None
    jobs_module.papermill.execute_notebook = timed
    try:
        for stage in (stages[0], *stages * 3):
            job = Job(project, root / "parameters" / system, stage, DAY, root / "overhead")
            result = assess(job, partial(run_job, server=server))
            if not result.ok:
                raise RuntimeError(f"{stage}: {result.reason}")
            found[stage].append(result.seconds - cells[-1])
    finally:
        jobs_module.papermill.execute_notebook = execute
        if server:
            server.close()
    found[stages[0]].pop(0)  # in which the server imported, and templates were read
    return {stage: statistics.median(times) for stage, times in found.items()}


# --- by hand -----------------------------------------------------------------------------------------------------


def papermill_cli(root: Path, system: str, stage: str, out: Path) -> None:
    """As a person does it by two commands. The stages read the records that ours left in `reports/`."""
    template = Project(root).template(stage)
    parameters = {"system": f"parameters/{system}", "as_of": str(DAY), "reports": "reports"}
    given = [word for name, value in parameters.items() for word in ("-p", name, value)]
    _called(root, "papermill", str(template), str(out), "--no-progress-bar", *given)
    _called(root, "jupyter", "nbconvert", "--to", "html", str(out))


def _called(root: Path, program: str, *arguments: str) -> None:
    """RuntimeError unless a program that stands beside this interpreter ends well."""
    command = [str(Path(sys.executable).parent / program), *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")


def in_process_cold(root: Path, system: str, stage: str, out: Path) -> None:
    """The same by their libraries, called in this process."""
    notebook = papermill.execute_notebook(
        str(Project(root).template(stage)),
        str(out),
        parameters={"system": f"parameters/{system}", "as_of": str(DAY), "reports": "reports"},
        kernel_name="python3",
        progress_bar=False,
        log_output=False,
        resources={"metadata": {"path": str(root)}},
    )
    out.with_suffix(".html").write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")


def each(
    way: Callable[[Path, str, str, Path], None], root: Path, system: str, stages: Sequence[Stage], at_once: int
) -> float:
    """Seconds for each of the notebooks, so many at a time."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(at_once) as pool:
        began = time.perf_counter()
        futures = [pool.submit(way, root, system, stage, Path(name) / f"{stage}.ipynb") for stage in stages]
        for future in futures:
            future.result()
        return (time.perf_counter() - began) / len(stages)


# --- the parts ---------------------------------------------------------------------------------------------------


def ways(example: str, root: Path, size: Size) -> tuple[dict[str, Any], dict[str, float]]:
    """Ours beside the two other ways, and its overhead."""
    print(LEGEND)
    system, *_ = made.project(root, example, size.copies)
    run = kit(root, "--jobs", str(JOBS), *size.selected)
    ours = run.seconds / len(run.events("assessed"))
    show("ours", ours)
    found: dict[str, Any] = {"example": example, "assessments": len(run.events("assessed")), "ours": ours}
    ratios = {}
    for name, way in (("papermill_cli", papermill_cli), ("in_process_cold", in_process_cold)):
        for suffix, at_once in {"": 1, "_two": JOBS}.items() if len(size.stages) > 1 else [("", 1)]:
            found[name + suffix] = each(way, root, system, size.stages, at_once)
            ratios[name + suffix] = found[name + suffix] / ours
            show(name + suffix, found[name + suffix], f"{ratios[name + suffix]:.1f} times ours")
    beyond = overhead(root, system, size.stages)
    found["overhead"] = beyond
    show("overhead", statistics.fmean(beyond.values()), f"at most {max(beyond.values()):.2f}, one at a time")
    return found, ratios


def portfolio(root: Path, size: Size) -> tuple[dict[str, Any], dict[str, float]]:
    """Many small systems: the first run, one in which nothing has changed, and one in which one system has."""
    names = made.project(root, made.SMALL, size.systems, customers=size.customers)
    first = kit(root, "--jobs", str(JOBS), *size.selected)
    at = [datetime.fromisoformat(one["at"]) for one in (*first.events("started")[:1], *first.events("assessed"))]
    quarter = max(1, len(at) // 4)
    early, late = ((span[-1] - span[0]).total_seconds() / quarter for span in (at[: quarter + 1], at[-quarter - 1 :]))
    again = kit(root, "--jobs", str(JOBS), *size.selected)
    made.touch(root, names[len(names) // 2])
    changed = kit(root, "--jobs", str(JOBS), *size.selected)
    found = {
        "systems": size.systems,
        "assessments": len(at) - 1,
        "seconds": first.seconds,
        "each": first.seconds / (len(at) - 1),
        "each_in_first_quarter": early,
        "each_in_last_quarter": late,
        "own_mb": first.own_mb,
        "all_mb": first.all_mb,
        "unchanged_seconds": again.seconds,
        "unchanged_ms_each": 1000 * again.seconds / (len(at) - 1),
        "unchanged_not_run": again.log[-1]["unchanged"],
        "one_changed_seconds": changed.seconds,
        "one_changed_run": changed.log[-1]["assessed"] - changed.log[-1]["unchanged"],
    }
    print(
        f"\n{size.systems} systems of {size.customers} customers, {len(size.stages)} stages, {JOBS} systems at a time:"
    )
    for name, value in found.items():
        show(name, value)
    return found, {}


def rows(root: Path, size: Size) -> tuple[dict[str, Any], dict[str, float]]:
    """Seconds of each stage of one system, and the most memory of a run, as its customers and decisions grow."""
    found = {}
    print("\nSeconds of each stage of one system, by its decisions; MB of a run with all that it starts:")
    for times in size.times:
        own = root / str(times)
        own.mkdir()
        name, *_ = made.project(own, made.SMALL, 1)
        decisions = made.multiply(own, name, times)
        run = kit(own, "--jobs", "1", *size.selected)
        seconds = {one["stage"]: one["seconds"] for one in run.events("assessed")}
        found[decisions] = {**seconds, "all_mb": run.all_mb}
        show(f"{decisions:,}", "", ", ".join(f"{key} {value:,.1f}" for key, value in found[decisions].items()))
    return {"by_decisions": found}, {}


def on_cluster(root: Path, size: Size) -> tuple[dict[str, Any], dict[str, float]]:
    """One Dask worker, then two, each with one thread on this machine; what they import for the first job counts."""
    made.project(root, made.SMALL, size.on_cluster, customers=size.customers)
    seconds = {}
    print(f"\n{size.on_cluster} systems by {len(size.stages)} stages on Dask workers with a thread each:")
    for workers in (1, 2):
        with cluster(root, workers) as address:
            run = kit(root, "--scheduler", address, "--reports", str(root / f"reports_{workers}"), *size.selected)
            seconds[str(workers)] = run.seconds
            show(f"{workers} of them", run.seconds)
    return {"systems": size.on_cluster, "seconds": seconds}, {"two_dask_workers": seconds["1"] / seconds["2"]}


@contextmanager
def cluster(root: Path, workers: int) -> Iterator[str]:
    """The address of a scheduler with so many workers, all processes of this machine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=root)))
        file = folder / "scheduler.json"

        def start(module: str, *options: str) -> None:
            command = [sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard", *options]
            quiet = subprocess.DEVNULL
            process = stack.enter_context(subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet))
            stack.callback(process.terminate)

        start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        while not file.is_file() or not file.read_text(encoding="utf-8").endswith("}"):
            time.sleep(0.1)
        address = str(json.loads(file.read_text(encoding="utf-8"))["address"])
        for number in range(workers):
            start(
                "dask_worker", address, "--no-nanny", "--nthreads", "1", "--local-directory", str(folder / str(number))
            )
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(workers, timeout=120)
        yield address


def show(name: str, value: object, more: str = "") -> None:
    told = f"{value:,.3f}" if isinstance(value, float) else str(value)
    print(f"  {name:<22} {told:>10}  {more}".rstrip(), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all, print it, and write it where asked."""
    parser = argparse.ArgumentParser(description="Time a batch of assessments.")
    parser.add_argument("--small", action="store_true", help="a quick look: one stage of few systems")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found, and the ratios")
    parser.add_argument("--example", default=made.SMALL, help="whose four stages are timed beside papermill")
    parser.add_argument("--systems", type=int, help=f"systems of the portfolio; {FULL.systems} unless --small")
    parser.add_argument("--only", choices=("ways", "portfolio", "rows", "cluster"), help="this part alone")
    asked = parser.parse_args(arguments)
    size = SMALL if asked.small else FULL
    size = replace(size, systems=asked.systems or size.systems)
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    machine |= {name: metadata.version(name) for name in ("ethics-kit", "papermill", "nbconvert")}
    machine |= {"date": str(date.today()), "load_before": round(os.getloadavg()[0], 2)}
    print(", ".join(f"{name} {value}" for name, value in machine.items()), end="\n\n")
    told: dict[str, Any] = {"small": asked.small, "machine": machine, "ratios": {}}
    parts = {"ways": partial(ways, asked.example), "portfolio": portfolio, "rows": rows, "cluster": on_cluster}
    for name, part in parts.items():
        if asked.only not in (None, name):
            continue
        if name == "cluster" and not util.find_spec("distributed"):
            print("\nNo cluster is measured: Dask distributed is not installed (pip install 'ethics-kit[cluster]').")
            continue
        with tempfile.TemporaryDirectory() as folder:
            told[name], ratios = part(Path(folder).resolve(), size)
            told["ratios"] |= ratios
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
