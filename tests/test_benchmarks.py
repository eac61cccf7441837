"""The benchmarks still run, and both ways find the same. Their times are nobody's business here."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RATIOS = {
    "fairness": {"metricframe_1e6", "metricframe_bootstrap_1e5", "bare_group_by_1e8"},
    "privacy": {
        f"{beside}_{measure}_{rows}"
        for measure in ("k", "l_t", "ordered", "consent")
        for beside, rows in (("pandas", "1e6"), ("grows", "1e7"))
    },
}


@pytest.mark.parametrize("name", RATIOS)
def test_a_quick_look_writes_every_ratio(tmp_path: Path, name: str) -> None:
    written = tmp_path / "found.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", "--small", "--json", str(written)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ratios = json.loads(written.read_text(encoding="utf-8"))["ratios"]
    assert set(ratios) == RATIOS[name]
    assert all(math.isfinite(ratio) and ratio > 0 for ratio in ratios.values())
