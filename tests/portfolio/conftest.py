"""The example portfolio, assessed once for all tests that read what came out."""

import fcntl
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
KIT = [sys.executable, "-c", "from ethics_kit.cli import main; main()"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first of these tests waits for the whole portfolio."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(1500))


@dataclass(frozen=True)
class Portfolio:
    """A project folder with the examples' records, and what the demo printed."""

    root: Path
    printed: str

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    def folder(self, system: str, stage: str) -> Path:
        parent = self.reports / system / stage
        return parent / json.loads((parent / "latest.json").read_text())["folder"]

    def record(self, system: str, stage: str) -> dict[str, Any]:
        return json.loads((self.folder(system, stage) / "record.json").read_text())

    def finding(self, system: str, stage: str, name: str) -> dict[str, Any]:
        return next(f for f in self.record(system, stage)["findings"] if f["id"] == name)


def kit(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [*KIT, *arguments], cwd=cwd, capture_output=True, text=True, timeout=1500, check=False, **options
    )


@pytest.fixture(scope="session")
def portfolio(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Portfolio:
    """`ethics-kit demo`, run once even where several workers test."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "portfolio"
    with (root.with_suffix(".lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        printed = root / "printed.txt"
        if not printed.exists():
            shutil.copytree(CHECKOUT / "parameters", root / "parameters", ignore=shutil.ignore_patterns("data"))
            done = kit("demo", "--jobs", "2", cwd=root)
            assert done.returncode == 0, done.stderr
            printed.write_text(done.stdout)
    return Portfolio(root, printed.read_text())
