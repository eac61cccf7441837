"""The process that others are forked from: one thread, which imports, then answers requests over a socket.

A request is for a kernel, or names a module that answers; with it comes a descriptor, a kernel's log or a channel. Back
goes a descriptor by which the forked process is watched and ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import psutil

PRELOADED = (
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "_duckdb",
    "ethics_kit.report.figures.renderer",
    "ethics_kit.runner.checking",
    "ethics_kit.workbook",
    "ethics_kit.stages.impact_analysis",
    "ethics_kit.stages.design_review",
    "ethics_kit.stages.bias_testing",
    "ethics_kit.stages.deployment_signoff",
    "fairlearn.metrics",
    "fairlearn.reductions",
    "ibis.backends.sql.compilers",
    "ipykernel.debugger",
    "ipykernel.kernelapp",
    "pyarrow.acero",
    "shap",
    "skops.io",
)
"""What takes long to import and starts no thread. The rest of DuckDB does, so each kernel imports that by itself."""

USELESS = "debugpy"
"""ipykernel's debugger, which takes as long to load as all else of a kernel, and which nobody attaches to one here."""

PR_SET_CHILD_SUBREAPER = 36
"""As in Linux's <sys/prctl.h>: what a kernel leaves behind becomes the server's child, not the system's."""

LONGEST = 1 << 20
PATIENCE_AT_THE_END = 4.0
"""Seconds in which all that was forked has ended; less than the owner waits for."""


def serve(connection: socket.socket) -> None:
    """Import, then fork a process for each request until the owner is gone; what still runs ends then."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _load()
    gc.collect()
    gc.freeze()  # a kernel's collector leaves the pages alone that it shares with the server
    try:
        while True:
            request, descriptors, _, _ = socket.recv_fds(connection, LONGEST, 1)
            _reap()
            if not request:
                return
            _answer(connection, request, descriptors)
    finally:
        _end_all()


def _end_all() -> None:
    """End what was forked and still runs, and all it started; who loses its parent becomes this process's child."""
    own, end = psutil.Process(), time.monotonic() + PATIENCE_AT_THE_END
    while (left := own.children(recursive=True)) and time.monotonic() < end:
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.01)
        _reap()


def _answer(connection: socket.socket, request: bytes, descriptors: Sequence[int]) -> None:
    """A process's number and its descriptor, or why there is none."""
    made: list[int] = []
    try:
        server, (descriptor,) = os.getpid(), descriptors
        pid = os.fork()
        if not pid:
            _become(request, descriptor, connection, server)
        made.append(_watched(pid))
        told = str(pid)
    except (OSError, ValueError) as error:  # none to be had, for this request
        told = f"no fork: {error}"
    try:
        socket.send_fds(connection, [told.encode()], made)
    finally:
        for given in (*made, *descriptors):
            os.close(given)


def _watched(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)  # nobody could end it later
        raise


def _load() -> None:
    """Import, and read what is the same for every system: the framework's files and the templates."""
    sys.modules[USELESS] = None  # type: ignore[assignment]  # as where it is not installed
    for name in PRELOADED:
        importlib.import_module(name)
    from ethics_kit import registers
    from ethics_kit.framework import catalogue, crosswalk, limits, transfers
    from ethics_kit.project import STAGES
    from ethics_kit.report import html

    for stage in STAGES:
        catalogue.questions(stage)
        catalogue.stage_requirements(stage)
        registers.registers(stage)
    for standard in catalogue.standards():
        crosswalk.mapping(standard)
    for whole in (catalogue.obligations, catalogue.levels, catalogue.conditions, catalogue.contradictions):
        whole()
    catalogue.risks(), catalogue.dpia_criteria(), catalogue.results(), catalogue.not_applicable_reasons()
    limits.limits(), transfers.table()
    html.environment().get_template("parts.html.j2")


def _reap() -> None:
    """Let go of the processes that ended since; until then, nobody else gets their numbers."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become(request: bytes, descriptor: int, connection: socket.socket, server: int) -> NoReturn:
    """Be what was asked for in this forked process, and end with it."""
    status = 1
    try:
        connection.close()
        os.setsid()
        asked: dict[str, Any] = json.loads(request)
        os.environ.clear()
        os.environ.update(asked["env"])
        os.chdir(asked["cwd"])
        tempfile.tempdir = None  # the server may have asked for its own
        random.seed()
        if numpy := sys.modules.get("numpy"):
            numpy.random.seed()
        if "module" in asked:
            importlib.import_module(asked["module"]).answer(descriptor)
        elif os.getppid() == server:  # whose end the kernel watches for from here on
            _run_kernel(asked["arguments"], descriptor, server)
        status = 0
    finally:
        os._exit(status)


def _run_kernel(arguments: Sequence[str], log: int, server: int) -> None:
    from ipykernel.kernelapp import IPKernelApp

    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    IPKernelApp.launch_instance([*arguments, f"--IPKernelApp.parent_handle={server}"])


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as own:
        serve(own)
