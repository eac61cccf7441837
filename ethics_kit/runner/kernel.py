"""A kernel of this very Python, on sockets in a private folder: forked from the warm server, or started cold."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from ethics_kit.runner import warm

IPC = os.name == "posix"
LAUNCHER = (sys.executable, "-m", "ipykernel_launcher")

_running: set[KernelRun] = set()


def stop_all(staging: str | None = None) -> None:
    """End every kernel that is running, or those of the job that prepares in `staging`, as its person asked."""
    for run in list(_running):
        if staging is None or staging in run.environment.values():
            run.stopped = True
            run.kill()


class KernelRun:
    """One kernel's private folder and environment, and the means to end it from outside."""

    def __init__(self, environment: dict[str, str], server: warm.Server | None = None) -> None:
        self.server = server
        self.folder = Path(tempfile.mkdtemp(prefix="ek-"))  # 0700, and short: a socket's path has 107 characters
        self.log = (self.folder / "kernel.log").open("wb")  # what a kernel says while it ends is of no use to a reader
        self.environment = environment | warm.FIXED
        self.manager: PrivateKernelManager | None = None
        self.killed = self.stopped = False
        _running.add(self)

    def manager_class(self) -> type[AsyncKernelManager]:
        """A kernel manager bound to this run, as papermill wants it."""
        return type("BoundKernelManager", (PrivateKernelManager,), {"kernel_run": self})

    def kill(self) -> None:
        """End the kernel at once; what runs in it stops with an error."""
        self.killed = True
        provisioner = self.manager.provisioner if self.manager else None
        process = getattr(provisioner, "process", None)
        if process is not None:
            with contextlib.suppress(ProcessLookupError, OSError):
                process.kill()

    def close(self) -> None:
        """Remove the private folder."""
        _running.discard(self)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


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


class PrivateKernelManager(AsyncKernelManager):
    """Starts this very Python, whatever kernels are registered on this machine."""

    kernel_run: KernelRun

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_run.manager = self
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
        if self.kernel_run.killed:  # while it was starting
            self.kernel_run.kill()

    _launch_kernel = _async_launch_kernel
