"""A kernel of this very Python, on sockets in a private folder: forked from the warm server, or started cold."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import queue
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.session import Session
from traitlets import Instance, Type

from ethics_kit.measures.tables import MEMORY
from ethics_kit.runner import leftovers, warm
from ethics_kit.runner.family import Family
from ethics_kit.runner.limits import TABLE_SHARE, Limits

IPC = os.name == "posix"
LAUNCHER = (sys.executable, "-m", "ipykernel_launcher")

TICK, LOOK = 0.1, 1.0
"""Seconds between two looks at a kernel's clock and memory, and at the processes it started."""

AGAIN = 2
"""Milliseconds until a connection is tried again, as the kernel's sockets are there only once it has started."""

_running: set[KernelRun] = set()


def stop_all(staging: str | None = None) -> None:
    """End every kernel that is running, or those of the job that prepares in `staging`, as its person asked."""
    for run in list(_running):
        if staging is None or staging in run.environment.values():
            run.stopped = True
            run.kill("stopped")


class KernelRun:
    """One kernel's private folder, environment and limits, and the means to end it with all that it started.

    `why` says, once it was ended from here, what for.
    """

    def __init__(
        self, environment: dict[str, str], limits: Limits | None = None, server: warm.Server | None = None
    ) -> None:
        self.server, self.limits = server, limits or Limits()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{leftovers.machine()}{os.getpid()}-"))  # 0700
        self.log = (self.folder / "kernel.log").open("wb")  # what a kernel says while it ends is of no use to a reader
        (self.folder / "tmp").mkdir()
        own = {"TMPDIR": str(self.folder / "tmp"), MEMORY: str(int(self.limits.memory * TABLE_SHARE))}
        self.environment = environment | own | warm.FIXED
        self.family: Family | None = None
        self.began: float | None = None
        self.received = 0
        self.why, self.stopped = "", False
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._watched, daemon=True)
        self._watch.start()
        _running.add(self)

    def manager_class(self) -> type[AsyncKernelManager]:
        """A kernel manager bound to this run, as papermill wants it."""
        return type("BoundKernelManager", (PrivateKernelManager,), {"kernel_run": self})

    def launched(self, pid: int) -> None:
        """The kernel runs as process `pid`: limit what it may take, or end it where it was to be ended meanwhile."""
        self.family, self.began = Family(pid), time.monotonic()
        if sys.platform == "linux":
            with contextlib.suppress(OSError, ValueError):  # it is gone, or may have less
                resource.prlimit(pid, resource.RLIMIT_DATA, (self.limits.address_space,) * 2)
        if self.why:
            self.family.end()

    def count(self, size: int) -> None:
        """So many bytes came from the kernel."""
        self.received += size
        if self.received > self.limits.output:
            self.kill(self.limits.over_output)

    def kill(self, why: str) -> None:
        """End the kernel at once, with all that it started; what runs in it stops with an error."""
        self.why = self.why or why
        if self.family:
            self.family.end()

    def close(self) -> None:
        """End what is left, and remove the private folder."""
        self._closed.set()
        self._watch.join()
        _running.discard(self)
        if self.family:
            self.family.end()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _watched(self) -> None:
        looked = time.monotonic()
        while not self._closed.wait(TICK) and not self.why:
            now = time.monotonic()
            if now - looked > LOOK and self.family:
                self.family.look()
                looked = now
            if why := self._over(now):
                self.kill(why)

    def _over(self, now: float) -> str:
        if self.began and now - self.began > self.limits.seconds:
            return self.limits.over_time
        if self.family and self.family.memory(self.limits.memory) > self.limits.memory:
            return self.limits.over_memory
        return self.limits.over_output if os.fstat(self.log.fileno()).st_size > self.limits.output else ""


class ForkingProvisioner(LocalProvisioner):
    """Has the warm server fork the kernel; where it cannot, the kernel is started cold."""

    def __init__(self, *, server: warm.Server, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.server = server

    async def launch_kernel(self, cmd: Sequence[str], **kwargs: Any) -> KernelConnectionInfo:
        try:
            forked = self.server.fork(
                cmd[len(LAUNCHER) :], env=kwargs["env"], cwd=str(kwargs["cwd"]), log=kwargs["stderr"].fileno()
            )
        except OSError:
            return await super().launch_kernel(list(cmd), **kwargs)
        self.process = forked  # type: ignore[assignment]  # what Popen is used for
        self.pid = self.pgid = forked.pid
        self.cwd = kwargs["cwd"]
        return self.connection_info


class CountedSession(Session):
    """Counts what comes from a kernel before it is kept."""

    kernel_run = Instance(KernelRun)

    def deserialize(self, msg_list: list[Any], content: bool = True, copy: bool = True) -> dict[str, Any]:
        self.kernel_run.count(sum(map(len, msg_list)))
        return super().deserialize(msg_list, content=content, copy=copy)


class LimitedClient(AsyncKernelClient):
    """Takes no message that is larger than all output may be: ZeroMQ ends the connection over which one comes."""

    kernel_run = Instance(KernelRun)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._ended: list[Any] = []
        self.context.setsockopt(zmq.MAXMSGSIZE, self.kernel_run.limits.output)
        self.context.setsockopt(zmq.RECONNECT_IVL, AGAIN)

    def _create_connected_socket(self, channel: str, identity: bytes | None = None) -> Any:
        connected = super()._create_connected_socket(channel, identity)
        self._ended.append(connected.get_monitor_socket(zmq.EVENT_DISCONNECTED))
        return connected

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Until the kernel has answered on both channels by which it tells what it does.

        The base class also waits 0.2 s for silence; whoever reads on tells by its parent what a message is about.
        """
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        while True:
            self.kernel_info()
            try:
                answer = await self.get_shell_msg(timeout=LOOK)
                await self.get_iopub_msg(timeout=TICK)
            except queue.Empty:
                if not await super()._async_is_alive():
                    raise RuntimeError("Kernel died before it answered") from None
                if time.monotonic() > end:
                    raise RuntimeError(f"The kernel did not answer within {timeout} s") from None
            else:
                self._handle_kernel_info_reply(answer)
                return

    async def is_alive(self) -> bool:
        """Asked every second while a cell runs."""
        alive: bool = await super()._async_is_alive()
        if alive and any([await ended.poll(0) for ended in self._ended]):
            await asyncio.sleep(TICK)
            alive = await super()._async_is_alive()  # a kernel that dies ends its connections first
            if alive:
                self.kernel_run.kill(self.kernel_run.limits.over_output)
        return alive


class PrivateKernelManager(AsyncKernelManager):
    """Starts this very Python, whatever kernels are registered on this machine."""

    kernel_run: KernelRun
    client_factory = Type(LimitedClient)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.session = CountedSession(kernel_run=self.kernel_run, parent=self)
        self.connection_file = str(self.kernel_run.folder / "connection.json")
        if IPC:
            self.transport = "ipc"
            self.ip = str(self.kernel_run.folder / "socket")

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [*LAUNCHER, "-f", "{connection_file}"]
        argv.append("--InteractiveShellApp.ignore_cwd=True")  # nothing in the project's folder is imported
        return KernelSpec(argv=argv, display_name="Ethics Kit", language="python")

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        if self.kernel_run.server:
            self.provisioner = ForkingProvisioner(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self, server=self.kernel_run.server
            )
        kwargs["env"] = warm.public_environment() | self.kernel_run.environment
        kwargs["stderr"] = self.kernel_run.log
        return await super()._async_pre_start_kernel(**kwargs)

    pre_start_kernel = _async_pre_start_kernel

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kwargs: Any) -> None:
        await super()._async_launch_kernel(kernel_cmd, **kwargs)
        self.kernel_run.launched(self.provisioner.pid)  # type: ignore[union-attr]  # it has just launched

    _launch_kernel = _async_launch_kernel

    async def _async_wait(self, pollinterval: float = TICK / 20) -> None:
        await super()._async_wait(pollinterval)  # a kernel that is killed ends at once

    def client(self, **kwargs: Any) -> AsyncKernelClient:  # type: ignore[override]  # as the class above it
        return super().client(kernel_run=self.kernel_run, **kwargs)
