"""Dossiers checked before a run: several at a time they are told the same, and no process outlives its owner."""

import math
import os
import signal
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
from ethics_kit.runner import cache, checking, warm
from ethics_kit.runner.unchanged import Wanted
from tests.runner.test_unchanged import AS_OF, _aged

pytestmark = pytest.mark.skipif(not warm.AVAILABLE, reason="no fork with process descriptors on this system")

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
    monkeypatch.setattr(cli_check, "MANY", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert kit("check", cwd=root) == alone


def test_a_check_says_nothing_of_kernels_where_none_can_be_forked(
    project: Make, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_check, "MANY", 1)
    monkeypatch.setattr(warm, "AVAILABLE", False)
    done = kit("check", cwd=project())
    assert (done.code, done.err) == (0, "")


def test_several_at_a_time_are_remembered_as_in_order(project: Make, server: warm.Server) -> None:
    root, wanted = several(project), Wanted(STAGES, AS_OF)
    systems = [(Project(root), folder) for folder in Project(root).systems()]
    told = dict(checking.each(systems, wanted, travel=True, at_once=2, server=server))
    assert [*told] == systems
    assert {one[1].name for one, checked in told.items() if checked.problems} == {"beta", "gamma"}
    for (_, folder), checked in told.items():
        known = cache.read(cache.path(root / "reports", folder.name))
        assert (known.valid is not None) == (not checked.problems)
        assert (checked.contents is not None) == (not checked.problems)


def many(project: Make) -> list[checking.Located]:
    root = project()
    return [(Project(root), root / "parameters/demo")] * MANY


def checkers(server: warm.Server) -> list[psutil.Process]:
    return [one for one in psutil.Process(server.pid).children() if one.status() != psutil.STATUS_ZOMBIE]


def test_a_process_that_is_ended_from_outside_stops_the_check_and_is_told(project: Make, server: warm.Server) -> None:
    going = checking.each(many(project), None, travel=False, at_once=2, server=server)
    assert not next(going)[1].problems
    for process in checkers(server):
        process.kill()
    with pytest.raises(RunError, match=r"ended from outside, perhaps for want of memory; nothing was run\. Try again"):
        list(going)
    assert checkers(server) == []


def test_a_process_that_ends_before_it_reads_what_it_was_sent_is_told_alike(
    project: Make, server: warm.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = lambda _, channel: type(server).answer(server, "this", channel)  # noqa: E731  # a module that answers nothing
    monkeypatch.setattr(server, "answer", ended)
    with pytest.raises(RunError, match="ended from outside"):
        list(checking.each(many(project), None, travel=False, at_once=2, server=server))


def test_processes_end_with_a_check_that_is_broken_off(project: Make, server: warm.Server) -> None:
    going = checking.each(many(project), None, travel=False, at_once=2, server=server)
    next(going)
    assert len(checkers(server)) == 2
    going.close()
    assert checkers(server) == []


def test_an_error_in_a_process_is_raised_by_whoever_asked(project: Make, server: warm.Server) -> None:
    with pytest.raises(TypeError, match="must be real number, not tuple"):
        list(checking._forked(math.sqrt, many(project), 2, server))  # type: ignore[arg-type]


def test_where_no_process_is_to_be_had_all_are_checked_here(project: Make) -> None:
    said: list[str] = []
    lost = warm.Server(cold=lambda: said.append("cold"))
    os.kill(lost.pid, signal.SIGKILL)
    found = list(checking.each(many(project)[:3], None, travel=False, at_once=2, server=lost))
    lost.close()
    assert [checked.problems for _, checked in found] == [()] * 3
    assert said == ["cold"]


OWNER = """
import psutil, time
from ethics_kit.project import Project
from ethics_kit.runner import checking, warm
from pathlib import Path
root, server = Path.cwd(), warm.Server()
systems = [(Project(root), root / "parameters/demo")] * 60
going = checking.each(systems, None, travel=False, at_once=2, server=server)
next(going)
print(*(process.pid for process in psutil.Process().children(recursive=True)), flush=True)
time.sleep(300)
"""


def test_processes_end_with_the_one_that_started_them(project: Make) -> None:
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, cwd=project(), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        started = [psutil.Process(int(pid)) for pid in running.stdout.readline().split()]
        running.kill()
    assert len(started) == 3  # the server and two that check
    _, alive = psutil.wait_procs(started, timeout=60)
    assert alive == []


def test_off_a_terminal_a_line_now_and_then_says_how_many_were_checked(
    project: Make, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_check, "SHOWN_EVERY", 2)
    told = kit("check", cwd=several(project)).err.splitlines()
    assert told[:2] == ["Checked 2 of 4 dossiers.", "Checked 4 of 4 dossiers."]
