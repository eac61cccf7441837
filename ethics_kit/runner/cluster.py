"""Jobs on the workers of a Dask cluster: each is sent as a parcel, and what it prepared comes back whole.

A worker needs the kit and nothing of the project's. It unpacks the parcel into a private folder, runs the job as this
machine would, sends back what it prepared and removes the rest. What it sends is checked like what a job of this
machine leaves, and published here.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from distributed import Client, Status, get_worker
from distributed.scheduler import KilledWorker

from ethics_kit import dossier as dossiers
from ethics_kit import storage
from ethics_kit.errors import InputError, Problem, RunError, printable, quoted, told
from ethics_kit.measures.formats import ALLOW_PICKLE
from ethics_kit.runner import kernel, leftovers, limits, parcel, warm
from ethics_kit.runner.job import JobResult, JobSpec, prepare_failure, run_job
from ethics_kit.stages.conclude import versions

if TYPE_CHECKING:
    from distributed import Future, Worker


ADDRESS = re.compile(r"(tcp|tls)://[^/@\s]+:\d{1,5}\Z")
PATIENCE = 10.0
"""Seconds in which the scheduler answers, and in which a first worker is there."""

RETRIES = 3
LOOK = 0.5
"""Seconds between two looks of a worker at whether its job is still wanted."""

ENDED = {Status.closing, Status.closed, Status.failed, Status.stopping}


# --- the side that sends -------------------------------------------------------------------------------------------


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """The cluster whose scheduler is at `address`; what still runs there when this ends is cancelled.

    Raises
    ------
    InputError
        It is no address of a scheduler.
    RunError
        Nothing answers there, there is no worker, or a worker has other versions of what a record names.
    """
    if not ADDRESS.match(address):
        allowed = "tcp://HOST:PORT, or tls://HOST:PORT where Dask is configured for TLS"
        todo = "copy the address that the scheduler shows when it starts"
        raise InputError([Problem(file=Path("--scheduler"), found=quoted(address), allowed=allowed, todo=todo)])
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a failure is told once, by its result
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False, direct_to_workers=False)
    except Exception as error:
        raise RunError(
            f"No scheduler answers at {address} within {PATIENCE:g} seconds ({told(error)}). Start one with: "
            "dask scheduler"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise RunError(f"{address} has no workers. Start some with: dask worker {address}") from None
        _refuse_other_versions(client)
        cluster = Cluster(client, address)
        try:
            yield cluster
        finally:
            cluster.stop()


def _refuse_other_versions(client: Client) -> None:
    lines = []
    for worker, answer in client.run(versions, on_error="return").items():
        if isinstance(answer, BaseException):
            lines.append(f"{worker}: no Ethics Kit that can be used ({told(answer)})")
        elif why := _differing(answer, versions()):
            lines.append(f"{worker}: {why}")
    if lines:
        shown = "\n".join(printable(line, 500) for line in sorted(lines))
        raise RunError(f"Workers have other versions than this machine, and a record names them:\n{shown}")


def _differing(theirs: dict[str, str], wanted: dict[str, str]) -> str:
    """What a worker has instead of what is wanted."""
    return ", ".join(
        f"{name} {theirs.get(name, 'missing')} instead of {version}"
        for name, version in wanted.items()
        if theirs.get(name) != version
    )


class Cluster:
    """Where jobs run instead of on this machine. Jobs may come from any thread."""

    def __init__(self, client: Client, address: str) -> None:
        self.address = address
        self._client = client
        self._contents: dict[str, parcel.Contents] = {}
        self._running: set[Future[bytes]] = set()
        self._stopped = threading.Event()

    @property
    def window(self) -> int:
        """How many jobs to send at the same time, so that no worker waits for the next: two for each thread."""
        threads: dict[str, int] = self._client.nthreads()
        return 2 * sum(threads.values())

    def admit(self, folder: Path, contents: parcel.Contents) -> None:
        """Remember what travels with the jobs of the dossier in `folder`."""
        self._contents[str(folder)] = contents

    def run(self, spec: JobSpec) -> JobResult:
        """Run a job on a worker, as `run_job` does here; what it prepared lies in the staging folder afterwards.

        Raises
        ------
        RunError
            The scheduler is gone: no other job can run either.
        """
        start = time.monotonic()
        try:
            answer = self._answer(parcel.packed(spec, self._contents_of(spec), versions()))
            return parcel.received(answer, Path(spec.staging))
        except CancelledError:
            if self._stopped.is_set():
                return JobResult(status="stopped", seconds=time.monotonic() - start)
            reason = "the cluster dropped the job"
        except KilledWorker:
            reason = "every worker that ran the job was lost: it may need more memory than they have"
        except Exception as failure:  # as in run_job
            reason = told(failure)
        if self._client.status != "running" and not self._stopped.is_set():
            raise RunError(
                f"The connection to {self.address} was lost. What is published is whole; run again to go on."
            )
        with suppress(Exception):
            Path(spec.staging).mkdir(parents=True, exist_ok=True)
            prepare_failure(spec, nbformat.v4.new_notebook(), reason)
        return JobResult(status="failed", reason=reason, seconds=time.monotonic() - start)

    def _contents_of(self, spec: JobSpec) -> parcel.Contents:
        if spec.folder not in self._contents:
            contents, problems = parcel.contents(dossiers.load(spec.project, Path(spec.folder), tables=False))
            if problems:
                raise InputError(problems)
            self._contents[spec.folder] = contents
        return self._contents[spec.folder]

    def _answer(self, sent: bytes) -> bytes:
        future = self._client.submit(work, sent, pure=False, retries=RETRIES)
        self._running.add(future)
        try:
            if self._stopped.is_set():
                future.cancel()
            answer = future.result()
        finally:
            self._running.discard(future)
        if not isinstance(answer, bytes):
            raise RunError("a worker sent back what is no answer of this kit")
        return answer

    def stop(self) -> None:
        """Cancel what is running; workers end its kernels as they notice."""
        self._stopped.set()
        if self._client.status == "running" and (running := list(self._running)):
            with suppress(Exception):
                self._client.cancel(running)


# --- the side that works -------------------------------------------------------------------------------------------

_starting = threading.Lock()


class Unwanted(Exception):
    """The job was cancelled, or its worker ends: where it is still wanted, another worker runs it."""


def work(sent: bytes) -> bytes:
    """Run the job in a parcel, on a worker; whatever befalls it is its answer.

    Raises
    ------
    Unwanted
        The job did not end, as its worker does, or nobody waits for it any more.
    """
    worker = get_worker()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(dir=worker.local_directory, prefix="job-", ignore_cleanup_errors=True) as name:
        try:
            job = parcel.unpacked(sent, Path(name))
            if why := _differing(versions(), job.versions):
                raise RunError(f"the worker on {socket.gethostname()} has other versions than the record names: {why}")
            for address, sha256 in job.stored.items():
                storage.fetched(address, sha256)
            memory = job.spec.memory_limit or _memory_each(worker)
            with _while_wanted(worker, job.spec.staging):
                result = run_job(job.spec.model_copy(update={"memory_limit": memory}), server=_server())
            if result.status != "stopped":
                return parcel.answer(result, Path(job.spec.staging))
        except Exception as failure:
            result = JobResult(status="failed", reason=told(failure), seconds=time.monotonic() - start)
            return parcel.answer(result, Path(name) / parcel.STAGING)
    raise Unwanted


def _memory_each(worker: Worker) -> int:
    """Bytes for each of the kernels that a worker may run at the same time: its own share of its machine, divided."""
    whole = worker.memory_manager.memory_limit or limits.machine_memory()
    return max(limits.MEMORY_LEAST, int(whole * limits.MEMORY_SHARE / worker.state.nthreads))


def _server() -> warm.Server | None:
    with _starting:
        return _only_server()


@functools.cache
def _only_server() -> warm.Server | None:
    """What this worker's kernels are forked from; it ends with the worker."""
    leftovers.sweep([])
    os.environ[ALLOW_PICKLE] = "0"  # whatever the shell says that started the worker
    try:
        return warm.Server()
    except OSError:
        return None


@contextmanager
def _while_wanted(worker: Worker, staging: str) -> Iterator[None]:
    """End the kernel of this thread's job when nobody waits for it any more, or its worker ends.

    Dask lets a job go that was cancelled, or whose client or scheduler is gone; it cannot end what a thread is doing.
    """
    key, done = worker.get_current_task(), threading.Event()

    def watch() -> None:
        while not done.wait(LOOK):
            task: Any = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled" or worker.status in ENDED:
                kernel.stop_all(staging)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()
