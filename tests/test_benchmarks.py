"""The benchmarks still run, and both ways find the same. Their times are nobody's business here."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from ethics_kit.attestation.chain import read_chain
from ethics_kit.attestation.folder import altered
from ethics_kit.project import STAGES
from tests.published import put, record

ROOT = Path(__file__).parents[1]
RATIOS = {
    "batch": {"papermill_cli", "in_process_cold", "two_dask_workers"},
    "fairness": {"metricframe_1e6", "metricframe_bootstrap_1e5", "bare_group_by_1e8"},
    "privacy": {
        f"{beside}_{measure}_{rows}"
        for measure in ("k", "l_t", "ordered", "consent")
        for beside, rows in (("pandas", "1e6"), ("grows", "1e7"))
    },
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", RATIOS)
def test_a_quick_look_writes_every_ratio(tmp_path: Path, name: str) -> None:
    written = tmp_path / "found.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", "--small", "--json", str(written)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ratios = json.loads(written.read_text(encoding="utf-8"))["ratios"]
    assert set(ratios) == RATIOS[name]
    assert all(math.isfinite(ratio) and ratio > 0 for ratio in ratios.values())


def test_the_portfolio_is_measured_on_copies_that_are_as_their_chains_say(tmp_path: Path) -> None:
    put(tmp_path / "reports", *(record(stage=stage) for stage in STAGES))
    options = [
        "--systems",
        "3",
        "--months",
        "2",
        "--json",
        str(tmp_path / "found.json"),
        "--keep",
        str(tmp_path / "kept"),
    ]
    command = [sys.executable, "-m", "benchmarks.portfolio", str(tmp_path / "reports"), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert (found["systems"], found["records"], found["months"]) == (3, 15, 2)
    assert {len(list((tmp_path / "kept/reports").glob(name))) for name in ("*/index.html", "*/chain.json")} == {3}
    assert found["bytes_of_index"] == (tmp_path / "kept/reports/index.html").stat().st_size
    copies = sorted((tmp_path / "kept/reports").glob("*/*/*/record.json"))
    assert len(copies) == 15
    for path in copies:
        assert altered(path.parent, read_chain(tmp_path / "kept/reports", path.parts[-4])[0]) == []
