"""Processes forked from one that has imported everything already: they start in a fraction of the time.

`forking` is what that process runs. Kernels, and what checks dossiers, end with it, as does what they started; and it
ends with the process that started it. Only where fork and process descriptors are to be had (Linux); elsewhere, and
where the server cannot, kernels are started cold.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from ethics_kit.project import PASSPHRASE
from ethics_kit.runner import forking

AVAILABLE = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")

INLINE = "module://matplotlib_inline.backend_inline"
"""The backend that a kernel gives matplotlib, which reads it once: when the server imports it."""

FIXED = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "PYTHONSAFEPATH": "1",
    "PYTHONHASHSEED": "0",
}
"""For every kernel, cold or warm: one thread for each library, nothing imported from the working folder."""

PATIENCE = 60.0
"""Seconds in which the server answers, its imports included; after that a kernel is started cold."""

COLD = "Each kernel is started anew, which takes longer: this system cannot fork them from one that is ready."


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
                [sys.executable, "-m", forking.__name__, str(theirs.fileno())],
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
        return self._forked({"arguments": list(arguments), "env": dict(env), "cwd": cwd}, log)

    def answer(self, module: str, channel: int) -> Forked:
        """A process that calls the `answer` of a module with a descriptor of its own, which stands for `channel`.

        It has the environment and the folder of this process. Raises as `fork` does.
        """
        return self._forked({"module": module, "env": public_environment(), "cwd": str(Path.cwd())}, channel)

    def _forked(self, request: Mapping[str, object], descriptor: int) -> Forked:
        with self._lock:
            try:
                return self._asked(json.dumps(request).encode(), descriptor)
            except OSError:
                if self._cold:
                    self._cold()
                    self._cold = None
                raise

    def _asked(self, request: bytes, descriptor: int) -> Forked:
        if not self._in_step:
            raise ChildProcessError("an answer of the kernel server is still out")
        self._used = True
        self._in_step = False  # until its answer is here: a late one is another kernel's
        socket.send_fds(self._socket, [request], [descriptor])
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
