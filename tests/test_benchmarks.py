"""The benchmark of the fairness measures still runs. Its times are nobody's business here."""

import json
import math
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_quick_look_writes_every_ratio(tmp_path: Path) -> None:
    written = tmp_path / "found.json"
    command = [sys.executable, "-m", "benchmarks.fairness", "--small", "--json", str(written)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ratios = json.loads(written.read_text(encoding="utf-8"))["ratios"]
    assert set(ratios) == {"metricframe_1e6", "metricframe_bootstrap_1e5", "bare_group_by_1e8"}
    assert all(math.isfinite(ratio) and ratio > 0 for ratio in ratios.values())
