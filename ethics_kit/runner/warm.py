"""Kernels forked from one process that has imported everything already: they start in a fraction of the time.

A server is a process with a single thread. It imports what the notebooks need, then forks a kernel for each request
that comes over its socket, and hands back a descriptor by which the kernel is watched and ended. Kernels and what they
started end with the server, and the server with the process that started it. Only where fork and process descriptors
are to be had (Linux); elsewhere, and where the server cannot, kernels are started cold.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Self

import psutil

from ethics_kit.project import PASSPHRASE

AVAILABLE = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")

PRELOADED = (
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "_duckdb",
    "ethics_kit.report.figures.renderer",
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

INLINE = "module://matplotlib_inline.backend_inline"
"""The backend that a kernel gives matplotlib, which reads it once: when the server imports it."""

FIXED = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "PYTHONSAFEPATH": "1",
    "PYTHONHASHSEED": "0",
}
"""For every kernel, cold or warm: one thread for each library, nothing imported from the working folder."""

PR_SET_CHILD_SUBREAPER = 36
"""As in Linux's <sys/prctl.h>: what a kernel leaves behind becomes the server's child, not the system's."""

LONGEST = 1 << 20
PATIENCE = 60.0
"""Seconds in which the server answers, its imports included; after that a kernel is started cold."""

COLD = "Each kernel is started anew, which takes longer: this system cannot fork them from one that is ready."

PATIENCE_AT_THE_END = 4.0
"""Seconds in which all that was forked has ended; less than the owner waits for."""


def public_environment() -> dict[str, str]:
    """What this process's environment holds for a kernel: all but what signs."""
    return {name: value for name, value in os.environ.items() if name != PASSPHRASE}


class Forked:
    """A kernel, with the part of `subprocess.Popen` that jupyter_client uses. Its exit status is not known."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self._ended = select.poll()
        self._ended.register(descriptor, select.POLLIN)
        self._lock = threading.Lock()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with self._lock:
            if self.returncode is None and self._ended.poll(0):
                self.returncode = 0
                os.close(self._descriptor)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.poll() is None and not self._ended.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return self.poll() or 0

    def send_signal(self, number: int) -> None:
        with self._lock:
            if self.returncode is None:
                signal.pidfd_send_signal(self._descriptor, signal.Signals(number))

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Server:
    """The process that kernels are forked from, as its owner sees it. Requests may come from any thread.

    `cold` is called the first time that a kernel cannot be forked.

    Raises
    ------
    OSError
        The system starts no such process.
    """

    def __init__(self, cold: Callable[[], None] = lambda: None) -> None:
        if not AVAILABLE:
            raise OSError("no fork with process descriptors on this system")
        self._lock = threading.Lock()
        self._cold: Callable[[], None] | None = cold
        self._in_step, self._used = True, False
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(PATIENCE)
        with contextlib.ExitStack() as unless_started, theirs:
            unless_started.callback(self._socket.close)
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                env={**public_environment(), **FIXED, "MPLBACKEND": INLINE},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for its owner, who ends it
            )
            unless_started.pop_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    def fork(self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: str, log: int) -> Forked:
        """A kernel of its own session, told `arguments`; `log` is a descriptor for what it says.

        Raises
        ------
        OSError
            The server is gone, does not answer or cannot fork.
        """
        request = json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": cwd}).encode()
        with self._lock:
            try:
                return self._asked(request, log)
            except OSError:
                if self._cold:
                    self._cold()
                    self._cold = None
                raise

    def _asked(self, request: bytes, log: int) -> Forked:
        if not self._in_step:
            raise ChildProcessError("an answer of the kernel server is still out")
        self._used = True
        self._in_step = False  # until its answer is here: a late one is another kernel's
        socket.send_fds(self._socket, [request], [log])
        answer, descriptors, _, _ = socket.recv_fds(self._socket, 1000, 1)
        self._in_step = True
        if not descriptors:
            raise ChildProcessError(answer.decode() or "the kernel server ended")
        return Forked(int(answer), descriptors[0])

    def close(self) -> None:
        """End the server; kernels that still run end with it."""
        self._socket.close()
        if not self._used:
            self._process.kill()  # it may be importing still
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Reserve:
    """The server of a command, started ahead as it takes seconds, and ended with the command.

    `say` is told, once, that kernels are started cold where they could have been forked.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.server: Server | None = None

    def start(self) -> None:
        try:
            self.server = Server(cold=lambda: self._say(COLD))
        except OSError:
            self._say(COLD)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.server:
            self.server.close()


def serve(connection: socket.socket) -> None:
    """Import, then fork a kernel for each request until the owner is gone; kernels that still run end then."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _load()
    gc.collect()
    gc.freeze()  # a kernel's collector leaves the pages alone that it shares with the server
    try:
        while True:
            request, logs, _, _ = socket.recv_fds(connection, LONGEST, 1)
            _reap()
            if not request:
                return
            _answer(connection, request, logs)
    finally:
        _end_all()


def _end_all() -> None:
    """End the kernels that still run and all they started; who loses its parent becomes this process's child."""
    own, end = psutil.Process(), time.monotonic() + PATIENCE_AT_THE_END
    while (left := own.children(recursive=True)) and time.monotonic() < end:
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.01)
        _reap()


def _answer(connection: socket.socket, request: bytes, logs: Sequence[int]) -> None:
    """A kernel's number and its descriptor, or why there is none."""
    made: list[int] = []
    try:
        server, (log,) = os.getpid(), logs
        pid = os.fork()
        if not pid:
            _become_kernel(request, log, connection, server)
        made.append(_watched(pid))
        told = str(pid)
    except (OSError, ValueError) as error:  # no process or no descriptor to be had, for this kernel
        told = f"no fork: {error}"
    try:
        socket.send_fds(connection, [told.encode()], made)
    finally:
        for descriptor in (*made, *logs):
            os.close(descriptor)


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


def _become_kernel(request: bytes, log: int, connection: socket.socket, server: int) -> NoReturn:
    """Run a kernel in this forked process, and end with it."""
    status = 1
    try:
        connection.close()
        os.setsid()
        for stream in (1, 2):
            os.dup2(log, stream)
        os.close(log)
        asked: dict[str, Any] = json.loads(request)
        os.environ.clear()
        os.environ.update(asked["env"])
        os.chdir(asked["cwd"])
        tempfile.tempdir = None  # the server may have asked for its own
        random.seed()
        if numpy := sys.modules.get("numpy"):
            numpy.random.seed()
        from ipykernel.kernelapp import IPKernelApp

        if os.getppid() == server:  # whose end the kernel watches for from here on
            IPKernelApp.launch_instance([*asked["arguments"], f"--IPKernelApp.parent_handle={server}"])
            status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as own:
        serve(own)
