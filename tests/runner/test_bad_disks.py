"""A disk that is full, a folder that may not be written to, two runs in one folder: told, and nothing half-written."""

import ctypes
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from ethics_kit.attestation.chain import read_chain
from ethics_kit.attestation.folder import altered
from ethics_kit.project import Project
from ethics_kit.runner.assessment import assess
from ethics_kit.runner.job import run_job
from ethics_kit.runner.results import Job

DAY = "2026-11-01"
RUN = [
    sys.executable,
    "-c",
    "from ethics_kit.cli import main; main()",
    "run",
    "--stage",
    "impact_analysis",
    "--as-of",
    DAY,
]


def ran(root, *options, prefix=(), **how):
    return subprocess.run(
        [*prefix, *RUN, *options], cwd=root, capture_output=True, text=True, timeout=200, check=False, **how
    )


def whole(reports: Path) -> list[Path]:
    """The records in a reports folder, each of which is as its chain says, and nothing besides."""
    folders = [path.parent for path in reports.glob("*/*/????-??-??_*/record.json")]
    for folder in folders:
        known, why = read_chain(reports, folder.parents[1].name)
        assert known, why
        assert altered(folder, known) == []
    assert len(folders) == len([*reports.glob("*/*/????-??-??_*")])
    assert not (reports / ".staging").exists()
    return folders


def no_mount() -> str:
    """Why this process may not mount a small disk of its own; empty where it may."""
    if not shutil.which("unshare"):
        return "there is no unshare here"
    tried = subprocess.run(
        [*MOUNTS, "mount -t tmpfs -o size=64k none /mnt"], capture_output=True, text=True, check=False
    )
    return tried.stderr


MOUNTS = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
SMALL_DISK = 'mount -t tmpfs -o size={size}k none reports && cp -r "$1/." reports && shift && "$@"; ended=$?; \
rm -rf "$OUT" && cp -r reports "$OUT" && exit $ended'


@pytest.fixture
def assessed(server):
    """Assesses in this process, with the kernels of all tests."""

    def one(root):
        job = Job(Project(root), root / "parameters/demo", "impact_analysis", date.fromisoformat(DAY), root / "reports")
        return assess(job, partial(run_job, server=server))

    return one


@pytest.fixture
def again(short, edit, assessed):
    """A project with one record, of which the next one will differ."""
    root = short()
    assert assessed(root).ok
    (root / "reports/.staging").rmdir()
    edit(root / "parameters/demo/system.yaml", ("purpose",), "Finds other customers to call.")
    return root


def told(done, word):
    assert done.returncode == 1, done.stderr
    assert word in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def goes_on(assessed, root):
    assert assessed(root).ok
    (root / "reports/.staging").rmdir()
    assert len(whole(root / "reports")) == 2


def test_a_file_that_may_not_grow_is_a_failure_that_is_told(again, assessed):
    before = whole(again / "reports")

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = ran(again, preexec_fn=small_files)
    told(done, "demo  impact_analysis  failed")
    told(done, "OSError: File too large in book.save()")
    assert whole(again / "reports") == before
    goes_on(assessed, again)


@pytest.mark.skipif(bool(no_mount()), reason=f"no small disk of its own: {no_mount()}")
@pytest.mark.parametrize(("room", "ends"), [(8, "failed"), (40, "undetermined")], ids=["for nothing", "for no page"])
def test_a_full_disk_is_a_failure_that_is_told_and_the_next_run_goes_on(again, assessed, tmp_path, room, ends):
    reports, kept = again / "reports", tmp_path / "kept"
    before = whole(reports)
    reports.rename(kept)
    reports.mkdir()
    size = sum(-(-path.stat().st_size // 4096) * 4 + 4 for path in kept.rglob("*")) + room
    prefix = [*MOUNTS, SMALL_DISK.format(size=size), "sh", str(kept)]
    done = ran(again, prefix=prefix, env=os.environ | {"OUT": str(kept)})
    reports.rmdir()
    kept.rename(reports)
    told(done, "No space left on device")
    assert f"demo  impact_analysis  {ends}" in done.stdout
    assert len(whole(reports)) == len(before) + (ends != "failed")
    goes_on(assessed, again)


def obey_the_mode_of_files():
    """In the process to be: what is read-only is so also for root."""
    if os.geteuid() == 0:
        for power in (1, 2, 3):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
            assert ctypes.CDLL(None).prctl(24, power, 0, 0, 0) == 0  # PR_CAPBSET_DROP


def test_a_reports_folder_that_may_not_be_written_to_is_told(again):
    reports = again / "reports"
    before = whole(reports)
    folders = [reports, *(path for path in reports.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = ran(again, preexec_fn=obey_the_mode_of_files)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    told(done, "demo  impact_analysis  failed")
    told(done, "Permission denied")
    assert whole(reports) == before


def test_two_runs_at_once_on_one_folder_both_end_well_and_lose_nothing(short):
    root = short()
    short("second")
    both = [subprocess.Popen(RUN, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in "12"]
    ended = [(one.communicate(timeout=200), one.returncode) for one in both]
    assert [code for _, code in ended] == [0, 0], ended
    assert len(whole(root / "reports")) == 2
    lines = "\n".join(out for (out, _), _ in ended)
    assert len(re.findall(r"(?m)^\[.* undetermined", lines)) == 4
    for name in ("demo", "second"):
        latest = json.loads((root / f"reports/{name}/impact_analysis/latest.json").read_text())
        assert latest["status"] == "ok"
