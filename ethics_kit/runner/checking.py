"""Dossiers checked one by one, or several at a time in processes of their own: a check is mostly Python's own work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ethics_kit import checks, dossier
from ethics_kit.errors import InputError, Problem, RunError
from ethics_kit.project import Project
from ethics_kit.runner.unchanged import Wanted
from ethics_kit.storage import Fetched

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.runner.parcel import Contents
    from ethics_kit.runner.warm import Forked, Server

Located = tuple[Project, Path]

FEW = 3
"""Dossiers of which the check takes less time here than elsewhere."""


@dataclass(frozen=True)
class Checked:
    """What is wrong with a dossier; where nothing is, what a run has to know of it.

    `read` are the sizes in bytes of what was read from storage just now; `contents` is what travels to a cluster.
    """

    problems: Sequence[Problem] = ()
    read: Sequence[int] = ()
    in_database: bool = False
    contents: Contents | None = None


Check = Callable[[Located], Checked]


def each(
    systems: Sequence[Located], wanted: Wanted | None, *, travel: bool, at_once: int, server: Server | None = None
) -> Iterator[tuple[Located, Checked]]:
    """Check `systems`, in their order. What is in order is remembered for runs as `wanted`; `travel`: to a cluster.

    Where there is a `server`, so many processes forked from it check `at_once`.

    Raises
    ------
    RunError
        The system ended a process that checked.
    """
    check = partial(_checked, wanted=wanted, travel=travel)
    if server is None or at_once == 1 or len(systems) < FEW:
        yield from zip(systems, map(check, systems), strict=True)
    else:
        yield from zip(systems, _forked(check, systems, min(at_once, len(systems)), server), strict=True)


def _forked(check: Check, systems: Sequence[Located], at_once: int, server: Server) -> Iterator[Checked]:
    with ExitStack() as stack:
        channels = []
        for first in range(at_once):
            ours, theirs = map(stack.enter_context, Pipe())
            try:
                stack.callback(_end, server.answer(__name__, theirs.fileno()))
            except OSError:  # no more are to be had
                yield from map(check, systems)
                return
            theirs.close()
            with _told_if_ended():
                ours.send((check, systems[first::at_once]))
            channels.append(ours)
        for place in range(len(systems)):
            with _told_if_ended():
                found = channels[place % at_once].recv()
            if isinstance(found, Exception):
                raise found
            yield found


@contextmanager
def _told_if_ended() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError):
        told = "A process that checked dossiers was ended from outside, perhaps for want of memory"
        raise RunError(f"{told}; nothing was run. Try again with --jobs 1.") from None


def _end(process: Forked) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()


def answer(channel: int) -> None:
    """In a process of its own: check what comes over `channel`, and send back each result, or the error it met."""
    asked: Connection[Any, Any]
    with Connection(channel) as asked:
        check, systems = asked.recv()
        for one in systems:
            try:
                asked.send(check(one))
            except Exception as error:  # as it would be raised by whoever asks
                asked.send(error)
                return


def _checked(located: Located, *, wanted: Wanted | None, travel: bool) -> Checked:
    began = time.time()
    try:
        loaded = dossier.load(*located)
    except InputError as error:
        return Checked(error.problems)
    contents, problems = _contents(loaded) if travel else (None, [])
    if unusable := [*checks.model.problems(loaded), *problems]:
        return Checked(InputError(unusable).problems)
    if wanted:
        wanted.found_sound(loaded, began)
    read = [given.size for given in loaded.stored.values() if isinstance(given, Fetched) and given.new]
    return Checked((), read, loaded.database is not None, contents)


def _contents(loaded: Dossier) -> tuple[Contents, list[Problem]]:
    from ethics_kit.runner import parcel  # with what runs notebooks, which takes two seconds to import

    return parcel.contents(loaded)
