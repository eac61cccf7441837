"""Dossiers checked before a run: several at a time they are told the same, and no process outlives its owner."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ethics_kit import cli_check
from ethics_kit.errors import RunError
from ethics_kit.project import STAGES, Project
from ethics_kit.runner import cache, checking
from ethics_kit.runner.unchanged import Wanted
from tests.runner.test_unchanged import AS_OF, _aged

Make = Callable[..., Path]
MANY = 60


def several(project: Make) -> Path:
    """Four systems, of which two have something wrong."""
    for name in ("alpha", "beta", "delta"):
        project(name)
    root = project("gamma", system={"name": ...})
    (root / "parameters/beta/data/notices.csv").unlink()
    _aged(root)
    return root


def test_several_at_a_time_tell_what_one_after_another_tells(
    project: Make, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = several(project)
    alone = kit("check", cwd=root)
    assert alone.code == 2
    assert alone.err.splitlines()[-1] == "2 problems to put right."
    monkeypatch.setattr(checking, "FEW", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert kit("check", cwd=root) == alone
    assert multiprocessing.active_children() == []


def test_several_at_a_time_are_remembered_as_in_order(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root, wanted = several(project), Wanted(STAGES, AS_OF)
    monkeypatch.setattr(checking, "FEW", 2)
    systems = [(Project(root), folder) for folder in Project(root).systems()]
    told = dict(checking.each(systems, wanted, travel=True, at_once=2))
    assert [*told] == systems
    assert {one[1].name for one, checked in told.items() if checked.problems} == {"beta", "gamma"}
    for (_, folder), checked in told.items():
        known = cache.read(cache.path(root / "reports", folder.name))
        assert (known.valid is not None) == (not checked.problems)
        assert (checked.contents is not None) == (not checked.problems)


def many(project: Make) -> list[checking.Located]:
    root = project()
    return [(Project(root), root / "parameters/demo")] * MANY


def test_a_process_that_is_ended_from_outside_stops_the_check_and_is_told(project: Make) -> None:
    going = checking.each(many(project), None, travel=False, at_once=2)
    assert not next(going)[1].problems
    for process in multiprocessing.active_children():
        process.kill()
    with pytest.raises(RunError, match=r"ended from outside, perhaps for want of memory; nothing was run\. Try again"):
        list(going)
    assert multiprocessing.active_children() == []


def test_processes_end_with_a_check_that_is_broken_off(project: Make) -> None:
    going = checking.each(many(project), None, travel=False, at_once=2)
    next(going)
    assert multiprocessing.active_children()
    going.close()
    assert multiprocessing.active_children() == []


OWNER = """
import multiprocessing, time
from ethics_kit.project import Project
from ethics_kit.runner import checking
from pathlib import Path
if __name__ == "__main__":
    root = Path.cwd()
    going = checking.each([(Project(root), root / "parameters/demo")] * 60, None, travel=False, at_once=2)
    next(going)
    print(*(process.pid for process in multiprocessing.active_children()), flush=True)
    time.sleep(300)
"""


def test_processes_end_with_the_one_that_started_them(project: Make) -> None:
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, cwd=project(), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        checkers = [psutil.Process(int(pid)) for pid in running.stdout.readline().split()]
        running.kill()
    assert len(checkers) == 2
    _, alive = psutil.wait_procs(checkers, timeout=60)
    assert alive == []


def test_off_a_terminal_a_line_now_and_then_says_how_many_were_checked(
    project: Make, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_check, "SHOWN_EVERY", 2)
    told = kit("check", cwd=several(project)).err.splitlines()
    assert told[:2] == ["Checked 2 of 4 dossiers.", "Checked 4 of 4 dossiers."]
