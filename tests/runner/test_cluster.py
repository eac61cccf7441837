"""Jobs on a real Dask cluster: a scheduler and two workers, each a process of its own, killed as tests see fit."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import nbformat
import pytest
from distributed.scheduler import KilledWorker

from ethics_kit import dossier
from ethics_kit.errors import RunError
from ethics_kit.project import STAGES, Project, notebook_name
from ethics_kit.runner import assessment, cluster, parcel
from ethics_kit.runner.assessment import assess
from ethics_kit.runner.job import JobResult, JobSpec
from ethics_kit.runner.results import Job

DAY = "2026-11-01"
KIT = "from ethics_kit.cli import main; main()"
# A shell's background job, and what it starts, ignores SIGINT.
INTERRUPTIBLE = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {KIT}"


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


class Grid:
    """A scheduler and two workers. `start` brings to life what a test has killed."""

    def __init__(self, folder: Path, s3: str) -> None:
        self.folder = folder
        self.environment = {
            "AWS_ENDPOINT_URL": s3,
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "tester",
            "AWS_DEFAULT_REGION": "us-east-1",
            "ETHICS_KIT_CACHE": str(folder / "cache"),
        }
        self.file = folder / "scheduler.json"
        self.started = 0
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: dict[Path, subprocess.Popen[bytes]] = {}

    def start(self, *, least: int = 2) -> None:
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.end()
            self.file.unlink(missing_ok=True)
            options = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file), "--no-dashboard")
            self.scheduler = self._process("dask_scheduler", *options)
            wait_for(lambda: self.file.is_file() and self.file.read_text().endswith("}"))
        alive = [worker for worker in self.workers.values() if worker.poll() is None]
        for name in ("one", "two") if len(alive) < least else ():
            place = self.folder / name
            if place not in self.workers or self.workers[place].poll() is not None:
                shutil.rmtree(place, ignore_errors=True)
                options = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(place))
                self.started += 1
                self.workers[place] = self._process("dask_worker", self.address, *options)
        log = self.folder / "dask_worker.log"
        wait_for(lambda: log.read_text().count("Starting established connection") >= self.started)

    def _process(self, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{module}.log").open("ab") as log:
            command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
            environment = os.environ | self.environment
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

    @property
    def address(self) -> str:
        return json.loads(self.file.read_text())["address"]

    def at_work(self) -> list[Path]:
        """The places of the living workers that have unpacked a job."""
        alive = [place for place, worker in self.workers.items() if worker.poll() is None]
        return [place for place in alive if any(place.rglob("job-*/files"))]

    def kernels(self) -> list[str]:
        """The processes that run in the folder of a job."""
        found = []
        for entry in Path("/proc").iterdir() if sys.platform == "linux" else []:
            try:
                if entry.name.isdigit() and "/job-" in (cwd := os.readlink(entry / "cwd")) and str(self.folder) in cwd:  # noqa: PTH115
                    found.append(entry.name)
            except OSError:
                continue
        return found

    def end(self) -> None:
        for process in (*self.workers.values(), *([self.scheduler] if self.scheduler else [])):
            process.kill()
            process.wait()
        self.workers.clear()


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory, s3_server: str) -> Iterator[Grid]:
    grid = Grid(tmp_path_factory.mktemp("grid"), s3_server)
    yield grid
    grid.end()


@pytest.fixture
def grid(processes: Grid) -> Grid:
    processes.start()
    return processes


@pytest.fixture
def workers(grid: Grid) -> Iterator[cluster.Cluster]:
    with cluster.connected(grid.address) as found:
        yield found


def spoil(root: Path, stage: str, source: str) -> None:
    """Put `source` before the last cell of this project's own template, the one that saves."""
    own = root / "notebooks" / notebook_name(stage)
    notebook = nbformat.read(own, as_version=4)
    notebook.cells.insert(-1, nbformat.v4.new_code_cell(source))
    nbformat.write(notebook, own)


def job(root: Path, stage: str = "impact_analysis", **options: object) -> Job:
    return Job(Project(root), root / "parameters/demo", stage, date(2026, 11, 1), root / "reports", **options)


def spec(root: Path, stage: str = "impact_analysis") -> JobSpec:
    return assessment._spec(job(root, stage), root / "reports/.staging/x")


# --- runs ----------------------------------------------------------------------------------------------------------


def whole(reports: Path) -> dict[str, object]:
    """What runs left, but for the clock: what says when a record was made, and what is signed over that."""
    found: dict[str, object] = {}
    for path in sorted(p for p in reports.rglob("*") if p.is_file() and not p.name.startswith(".")):
        name = path.relative_to(reports).as_posix()
        if path.name == "record.json":
            record = json.loads(path.read_bytes())
            found[name] = (record.pop("run").keys(), record)
        elif path.name in ("notebook.ipynb", "latest.json", "model_card.md"):
            found[name] = path.read_bytes()
        else:
            found[name] = None
    return found


def test_a_cluster_makes_the_records_that_this_machine_makes(short, kit, grid):
    """Of all stages, the first with an earlier record to look back at."""
    root = short()
    assert kit("run", "--stage", "impact_analysis", "--as-of", "2026-10-01", cwd=root).code == 0
    shutil.copytree(root / "reports", root / "before")
    made = []
    for where in ((), ("--scheduler", grid.address)):
        done = kit("run", "--as-of", DAY, *where, cwd=root)
        assert done.code == 0, done.err
        made.append(whole(root / "reports"))
        shutil.rmtree(root / "reports")
        shutil.copytree(root / "before", root / "reports")
    assert len([name for name in made[0] if name.endswith("record.json")]) == 1 + len(STAGES)
    assert made[0] == made[1]
    assert wait_for(lambda: not grid.at_work())


def test_a_worker_sees_nothing_of_the_environment_of_this_machine(short, workers, monkeypatch):
    root = short()
    monkeypatch.setenv("ETHICS_KIT_CANARY", "canary")
    monkeypatch.setenv("ETHICS_KIT_ALLOW_PICKLE", "1")
    spoil(
        root,
        "impact_analysis",
        "import os\nassert 'canary' not in str(os.environ) and os.environ['ETHICS_KIT_ALLOW_PICKLE'] == '0'",
    )
    result = assess(job(root), workers.run)
    assert result.ok, result.reason


def test_a_failing_cell_is_a_failed_assessment_and_not_tried_again(short, workers, tmp_path):
    root, tries = short(), tmp_path / "tries"
    spoil(root, "impact_analysis", f"print('x', file=open({str(tries)!r}, 'a')); raise ValueError('secret')")
    result = assess(job(root), workers.run)
    assert result.reason.startswith("ValueError in print(")
    assert "secret" not in result.reason
    assert tries.read_text() == "x\n"
    assert sorted(p.name for p in result.folder.iterdir()) == ["notebook.ipynb", "report.html"]
    assert json.loads((result.folder.parent / "latest.json").read_text())["status"] == "failed"


def test_a_worker_reads_from_storage_what_this_machine_saw_there(short, edit, bucket, grid, workers):
    root = short(policy={"data_roots": ["s3://warehouse/crm/"]})
    table, address = root / "parameters/demo/data/customers.csv", "s3://warehouse/crm/customers.csv"
    content = table.read_bytes()
    bucket.put("crm/customers.csv", content)
    table.unlink()
    edit(root / "parameters/demo/system.yaml", ("tables", "customers", "source"), address)
    contents, problems = parcel.contents(loaded(root))
    assert problems == []
    workers.admit(root / "parameters/demo", contents)
    done = assess(job(root), workers.run)
    assert done.ok, done.reason
    assert content in [p.read_bytes() for p in (grid.folder / "cache").rglob("*") if p.is_file()]
    bucket.put("crm/customers.csv", content + b"c999,male,60+,en,plus,north,2020-01-01\n")
    assert "sha256" in assess(job(root), workers.run).reason


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_when_the_run_is_stopped_its_jobs_end_on_the_workers(short, grid, number):
    root = short()
    spoil(root, "impact_analysis", "import time; time.sleep(300)")
    command = [sys.executable, "-c", INTERRUPTIBLE, "run", "demo", "--as-of", DAY, "--scheduler", grid.address]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            wait_for(grid.kernels if sys.platform == "linux" else grid.at_work)
            running.send_signal(number)
            _, told = running.communicate(timeout=60)
        finally:
            running.kill()
    if number == signal.SIGINT:
        assert running.returncode == 130
        assert told == "Stopped. What is published is whole; run again to go on.\n"
        assert not (root / "reports/.staging").exists()
    wait_for(lambda: not grid.at_work() and not grid.kernels(), 30)
    assert not (root / "reports/demo").exists()
    assert all(worker.poll() is None for worker in grid.workers.values())


def test_a_job_that_no_worker_survives_is_a_failed_assessment(short, workers, monkeypatch):
    def lost(_: bytes) -> bytes:
        raise KilledWorker("work", None, 3)

    monkeypatch.setattr(workers, "_answer", lost)
    root = short()
    result = assess(job(root), workers.run)
    assert result.reason == "every worker that ran the job was lost: it may need more memory than they have"
    assert result.folder.name == f"failed_{DAY}"
    assert "every worker that ran the job was lost" in (result.folder / "report.html").read_text()


# --- connecting ----------------------------------------------------------------------------------------------------


def test_a_scheduler_that_does_not_answer_is_told_and_nothing_runs(short, kit, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    root = short()
    done = kit("run", "--scheduler", "tcp://127.0.0.1:9", cwd=root)
    assert done.code == 1
    assert "No scheduler answers at tcp://127.0.0.1:9 within 0.5 seconds" in done.err
    assert not (root / "reports").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "http://x:1", "tcp://me:secret@x:1", "tcp://x", "inproc://x:1"])
def test_what_is_no_address_of_a_scheduler_is_bad_input(short, kit, address):
    done = kit("run", "--scheduler", address, cwd=short())
    assert done.code == 2
    assert "--scheduler: found" in done.err
    assert "allowed: tcp://HOST:PORT" in done.err
    assert "secret" not in done.err


def test_tls_that_is_not_configured_is_told(short, kit, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    done = kit("run", "--scheduler", "tls://127.0.0.1:9", cwd=short())
    assert done.code == 1
    assert "No scheduler answers at tls://127.0.0.1:9" in done.err


def test_without_dask_it_is_told_what_to_install(short, kit, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "ethics_kit.runner.cluster")
    done = kit("run", "--scheduler", "tcp://127.0.0.1:9", cwd=short())
    assert done.code == 2
    assert "to do: pip install 'ethics-kit[cluster]'" in done.err


def test_models_that_can_run_code_are_not_opened_on_other_machines(short, kit):
    done = kit("run", "--allow-pickle", "--scheduler", "tcp://127.0.0.1:9", cwd=short())
    assert done.code == 2
    assert "found --allow-pickle with --scheduler" in done.err


def test_workers_with_other_versions_are_refused(short, kit, grid, monkeypatch):
    monkeypatch.setattr("ethics_kit.stages.conclude.LIBRARIES", ("numpy", "toolz"))
    done = kit("run", "--scheduler", grid.address, cwd=short())
    assert done.code == 1
    assert done.err.count("toolz missing instead of ") == 2
    assert "a record names them" in done.err


def test_a_worker_that_joins_with_other_versions_runs_nothing(short, workers, monkeypatch):
    monkeypatch.setattr("ethics_kit.stages.conclude.LIBRARIES", ("numpy", "toolz"))
    result = assess(job(short()), workers.run)
    assert "has other versions than the record names: toolz missing instead of" in result.reason


# --- what travels --------------------------------------------------------------------------------------------------


NOTHING = parcel.Contents([], {})


def names(packed: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(packed)).namelist())


def loaded(root: Path) -> dossier.Dossier:
    return dossier.load(Project(root), root / "parameters/demo")


def test_a_parcel_holds_what_its_job_reads_and_nothing_of_other_systems(short):
    root = short()
    short("second")
    (root / "parameters/demo/unnamed.csv").write_text("customer\n1\n")
    (root / "reports/second/impact_analysis").mkdir(parents=True)
    (root / "reports/second/chain.json").write_text("{}")
    contents, problems = parcel.contents(loaded(root))
    packed = parcel.packed(spec(root), contents, {})
    assert problems == []
    base = f"files/{root.name}"
    tables = ["decisions", "customers", "consents", "notices", "opt_outs", "past_assessments"]
    assert names(packed) == {
        "job.json",
        f"{base}/notebooks/1_impact_analysis.ipynb",
        f"{base}/parameters/policy.yaml",
        f"{base}/parameters/organisation.yaml",
        f"{base}/parameters/data/training.csv",
        *(f"{base}/parameters/demo/{name}.yaml" for name in ("system", *STAGES)),
        *(f"{base}/parameters/demo/data/{name}.csv" for name in tables),
    }
    assert str(root).encode() not in zipfile.ZipFile(io.BytesIO(packed)).read("job.json")


def test_with_a_duckdb_file_travels_its_log_which_is_read_with_it(short, edit):
    root = short()
    folder = root / "parameters/demo"
    for name in ("customers.duckdb", "customers.duckdb.wal", "unnamed.wal"):
        (folder / "data" / name).write_text("")
    edit(folder / "system.yaml", ("tables", "customers", "source"), "data/customers.duckdb")
    contents, problems = parcel.contents(dossier.load(Project(root), folder, tables=False))
    assert problems == []
    assert {p.name for p in contents.files} >= {"customers.duckdb", "customers.duckdb.wal"}
    assert "unnamed.wal" not in {p.name for p in contents.files}


def test_an_example_takes_along_all_that_it_names(tmp_path):
    """With the tables in their places: a dossier in a parcel is as much in order as the one it was made from."""
    root = Path(__file__).parents[2]
    project = Project(root)
    for folder in (project.parameters / name for name in ("churn_risk", "support_assistant")):
        contents, problems = parcel.contents(dossier.load(project, folder, tables=False))
        assert problems == []
        here = assessment._spec(Job(project, folder, "design_review", date(2026, 11, 1), root / "reports"), root / "x")
        there = parcel.unpacked(parcel.packed(here, contents, {}), tmp_path / folder.name).spec
        moved = dossier.load(there.project, Path(there.folder), tables=False)
        assert moved.id == folder.name
        named = {p.name for p in (folder / "evidence").iterdir()}
        assert named <= {p.name for p in (Path(there.folder) / "evidence").iterdir()}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("link.csv", '"link.csv", a link,'),
        ("../../../shared/customers.csv", '"../../../shared/customers.csv", outside the project,'),
        ("data/customers.csv", '"data/customers.csv", 0 MB,'),
    ],
)
def test_a_table_that_cannot_travel_is_told_before_anything_is_sent(short, edit, kit, grid, source, told, monkeypatch):
    root = short()
    folder = root / "parameters/demo"
    (root.parent / "shared").mkdir()
    shutil.copy(folder / "data/customers.csv", root.parent / "shared/customers.csv")
    (folder / "link.csv").symlink_to(folder / "data/customers.csv")
    edit(root / "parameters/policy.yaml", ("data_roots",), ["../shared"])
    edit(folder / "system.yaml", ("tables", "customers", "source"), source)
    monkeypatch.setattr(parcel, "LARGEST_FILE", 20_000_000 if "data" not in source else 5000)
    done = kit("run", "--as-of", DAY, "--scheduler", grid.address, cwd=root)
    assert done.code == 2
    assert f"tables.customers.source: found {told} which does not travel to other machines" in done.err
    assert "to do: put a copy into the project, or a large file into storage that the policy lists" in done.err
    assert not (root / "reports/demo").exists()


def test_a_parcel_that_would_be_too_large_is_a_failed_assessment(short, workers, monkeypatch):
    monkeypatch.setattr(parcel, "LARGEST", 10_000)
    result = assess(job(short()), workers.run)
    assert "is larger than 0 MB" in result.reason or "travel to another machine" in result.reason


# --- hostile parcels -----------------------------------------------------------------------------------------------


def archive(**entries: bytes) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as out:
        for name, content in entries.items():
            out.writestr(name, content)
    return whole.getvalue()


ESCAPES = ["../x", "files/../../x", "/etc/x", "files//x", "files/./x", "files/a\\..\\x", "files/", "other/x", "files"]


@pytest.mark.parametrize("name", ESCAPES)
def test_no_file_of_a_parcel_lies_outside_its_folder(short, tmp_path, name):
    root = short()
    sent = parcel.packed(spec(root), NOTHING, {})
    job_file = zipfile.ZipFile(io.BytesIO(sent)).read("job.json")
    into = tmp_path / "into"
    with pytest.raises(RunError, match="a file where none may be"):
        parcel.unpacked(archive(**{"job.json": job_file, name: b"x"}), into)
    assert not into.exists()


@pytest.mark.parametrize("key", ["root", "folder", "reports"])
@pytest.mark.parametrize("value", ["/etc", "..", "a/../../b", ""])
def test_no_folder_of_a_job_lies_outside_its_parcel(short, tmp_path, key, value):
    sent = json.loads(zipfile.ZipFile(io.BytesIO(parcel.packed(spec(short()), NOTHING, {}))).read("job.json"))
    sent["spec"][key] = value
    with pytest.raises(RunError, match=f"not a job's parcel: {key} is"):
        parcel.unpacked(archive(**{"job.json": json.dumps(sent).encode()}), tmp_path / "into")


OK, FAILED, STOPPED = (JobResult(status=s, seconds=1).model_dump_json().encode() for s in ("ok", "failed", "stopped"))
JUNK = {"record.json": b"{}", "notebook.ipynb": b"[", "report.html": b"<script>evil()</script>"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"not a zip", "not an archive that can be read"),
        (archive(**{"result.json": OK, "../evil": b"x"}), "a file where none may be: ../evil"),
        (archive(**{"result.json": OK, "attestation.json": b"{}"}), "a file where none may be: attestation.json"),
        (archive(**{"result.json": OK, "sub/record.json": b"{}"}), "a file where none may be: sub/record.json"),
        (archive(**{"record.json": b"{}"}), "not a job's answer"),
        (archive(**{"result.json": b'{"status": "fine"}'}), "not a job's answer"),
        (archive(**{"result.json": OK}), "not a job's answer: ok, with no file"),
        (archive(**{"result.json": STOPPED}), "not a job's answer: stopped"),
        (archive(**{"result.json": FAILED, "record.json": b"{}"}), "not a job's answer: failed, with record.json"),
        (archive(**{"result.json": OK, **JUNK}), "the job left no record of its assessment"),
        ("text", "a worker sent back what is no answer of this kit"),
    ],
)
def test_what_a_worker_sends_is_looked_at_before_it_is_published(short, workers, monkeypatch, answer, told):
    root = short()
    monkeypatch.setattr(cluster, "work", lambda _: answer)
    result = assess(job(root), workers.run)
    assert result.verdict == "failed"
    assert told in result.reason
    files = {p.relative_to(root / "reports").as_posix() for p in (root / "reports").rglob("*") if p.is_file()}
    stage = "demo/impact_analysis"
    assert files <= {f"{stage}/latest.json", *(f"{stage}/failed_{DAY}/{n}" for n in ("notebook.ipynb", "report.html"))}
    assert "<script>" not in (root / f"reports/{stage}/failed_{DAY}/report.html").read_text()
    assert not list(root.parent.rglob("evil"))


def test_an_archive_that_unpacks_to_more_than_it_may_is_refused(tmp_path, monkeypatch):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("result.json", OK)
        out.writestr("record.json", b"0" * 3_000_000)
    monkeypatch.setattr(parcel, "LARGEST", 2_000_000)
    with pytest.raises(RunError, match="more than 2 MB"):
        parcel.received(whole.getvalue(), tmp_path / "staging")
    assert not (tmp_path / "staging").exists()


def test_a_worker_refuses_a_hostile_parcel_and_goes_on(short, workers):
    answer = workers._answer(archive(**{"job.json": b"{}", "files/../../evil": b"x"}))
    ended = json.loads(zipfile.ZipFile(io.BytesIO(answer)).read("result.json"))
    assert (ended["status"], ended["reason"]) == ("failed", "a file where none may be: files/../../evil")
    assert assess(job(short()), workers.run).ok


# --- what is killed, last: to start it again for other tests takes long ---------------------------------------------


def test_a_lost_worker_costs_a_retry_and_not_the_batch(short, kit, grid):
    root = short()
    short("second")
    spoil(root, "impact_analysis", "import time; time.sleep(6)")
    lost: list[Path] = []

    def kill() -> None:
        lost.extend(wait_for(grid.at_work)[:1])
        wait_for(grid.kernels)
        grid.workers[lost[0]].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    done = kit("run", "--stage", "impact_analysis", "--as-of", DAY, "--scheduler", grid.address, cwd=root)
    killer.join()
    assert done.code == 0, done.out + done.err
    assert grid.workers[lost[0]].wait(10) == -signal.SIGKILL
    assert {p.parent.name for p in (root / "reports").glob("*/impact_analysis")} == {"demo", "second"}
    wait_for(lambda: not grid.kernels())


def test_a_scheduler_that_is_lost_ends_the_run_and_its_jobs(short, kit, processes):
    grid = processes
    grid.start(least=1)
    root = short()
    short("second")
    spoil(root, "impact_analysis", "import time; time.sleep(300)")

    def kill() -> None:
        wait_for(grid.at_work)
        assert grid.scheduler
        grid.scheduler.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    done = kit("run", "--as-of", DAY, "--scheduler", grid.address, cwd=root)
    killer.join()
    assert done.code == 1
    assert done.err == (f"The connection to {grid.address} was lost. What is published is whole; run again to go on.\n")
    assert not list((root / "reports").glob("[!.]*/*"))
    wait_for(lambda: not grid.kernels(), 60)
