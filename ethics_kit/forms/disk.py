"""A stage's YAML file under the forms of a workbook: one change at a time, never over a change not seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any, Protocol

from IPython import get_ipython

from ethics_kit import yamlfile
from ethics_kit.errors import InputError, Problem
from ethics_kit.forms.controls import Signature
from ethics_kit.forms.editing import Change, changed
from ethics_kit.forms.unfinished import Unfinished
from ethics_kit.project import write_atomic
from ethics_kit.schema import FILES, StageAnswers
from ethics_kit.stages.case import Case

WAIT = 1.0
"""Seconds of silence after which typed text is saved."""

Check = Callable[[yamlfile.YamlFile], list[Problem]]


def now() -> datetime:
    """The time on the clock of whoever fills in the form."""
    return datetime.now().astimezone()


class ChangedOnDisk(Exception):
    """The file was changed by somebody else since it was read."""


class Form(Protocol):
    """What a form does when another form, or a button, has changed the file."""

    def sign(self) -> None:
        """Put the name and role, now given, under what was given without."""

    def refresh(self) -> None:
        """Count and show again, given the answers so far."""

    def fill(self, place: str | None = None) -> None:
        """Put what is on disk into the controls, of one place or of all; text that is not saved stays to be seen."""


@dataclass(frozen=True)
class Saved:
    """One change that was written: by which form, at which of its places, in which words, and the file around it."""

    form: str
    place: str
    words: str
    at: datetime
    before: bytes
    after: bytes


class StageFile:
    """The file, what is waiting to be written to it, and what was written in this session.

    All forms of a workbook share one, so that none takes another's save for a stranger's. In the workbook's own folder
    lie a copy of the file as it was before the session's first change, and what is unfinished. `took` is told of the
    case as it is after a form, named, has saved.
    """

    def __init__(self, case: Case, took: Callable[[str, Case], None]) -> None:
        self.case, self.took = case, took
        self.path = case.dossier.files[case.stage].path
        self.own = case.dossier.project.workbooks(case.dossier.id)
        self.seen, self.version = b"", 0
        self.forms: dict[str, Form] = {}
        self.done: list[Saved] = []
        self.backup: Path | None = None
        self.unsigned: set[str] = set()
        self.unfinished = Unfinished(self.own / "drafts" / f"{self.path.stem}_unfinished.json")
        self._waiting: dict[str, tuple[asyncio.TimerHandle, Callable[[], None]]] = {}
        self._lock = RLock()  # JupyterLab sends what is typed to a thread of its own
        self.signature = Signature(self._sign)
        self.reload()
        if shell := get_ipython():
            shell.events.register("pre_execute", self.flush)

    def _sign(self) -> None:
        for form in self.forms.values():
            form.sign()

    def reload(self) -> bool:
        """Read the file as it is now; whether it was changed. Forms of an older version do not save any more."""
        content = self.path.read_bytes()
        if content == self.seen:
            return False
        self.file = yamlfile.read_to_edit(self.path)
        self.seen, self.version = content, self.version + 1
        self.done = []
        return True

    @property
    def data(self) -> dict[str, Any]:
        """The file's values as forms last saw them."""
        return dict(yamlfile.plain(self.file.data))

    def answer(self, question: str) -> dict[str, Any]:
        """The answer's fields as they stand in the file."""
        answers = self.file.data.get("answers") or {}
        return dict(yamlfile.plain(answers.get(question)) or {})

    def write(self, *changes: Change, form: str, place: str, words: str, check: Check | None = None) -> None:
        """Write changes that belong together; comments and order stay. `check` names what would be wrong then.

        Raises
        ------
        ChangedOnDisk
            The file is not as the forms last saw it; nothing was written.
        InputError
            The change is not valid; nothing was written.
        OSError
            The disk is full or the file may not be written; the old file is whole.
        """
        with self._lock:
            before = self._untouched()
            fresh = yamlfile.read_to_edit(self.path)
            content = before
            for change in changes:
                content = changed(fresh, content.decode("utf-8-sig"), change)
            if check and (problems := check(fresh)):
                raise InputError(problems)
            if content == before:
                return
            self._back_up(before)
            write_atomic(self.path, content)
            self.seen, self.file = content, fresh
            self.done.append(Saved(form, place, words, now(), before, content))

    def undo(self) -> Saved | None:
        """Take the last change of this session back; None where there is none. Raises as `write` does."""
        with self._lock:
            self._untouched()
            if not self.done:
                return None
            last = self.done[-1]
            write_atomic(self.path, last.before)
            self.seen, self.file = last.before, yamlfile.read_to_edit(self.path)
            return self.done.pop()

    def _untouched(self) -> bytes:
        content = self.path.read_bytes()
        if content != self.seen:
            raise ChangedOnDisk
        return content

    def _back_up(self, content: bytes) -> None:
        """Once in a session, copy the file as it was."""
        if self.backup is None:
            backup = self.own / "backups" / f"{self.path.stem}_{now():%Y-%m-%d_%H%M%S}{self.path.suffix}"
            if not backup.exists():
                write_atomic(backup, content)
            self.backup = backup

    def tell(self, form: str) -> str:
        """After `form` has saved, let every form count again; what is wrong with the dossier then, in words."""
        old, wrong = self.case, ""
        model, problems = yamlfile.validate(FILES[old.stage], self.file)
        if isinstance(model, StageAnswers):
            stages = {**old.dossier.stages, old.stage: model}
            dossier = replace(old.dossier, stages=stages, files={**old.dossier.files, old.stage: self.file})
            self.case = Case(dossier, old.stage, old.as_of, old.reports)
            self.took(form, self.case)
        else:
            wrong = f"ethics-kit check says: {problems[0]}"
        for each in self.forms.values():
            each.refresh()
        return wrong

    def load_theirs(self) -> None:
        """Read what somebody else has written, and show it in every form."""
        self.flush()
        self.reload()
        for name, form in self.forms.items():
            self.tell(name)
            form.fill()

    def later(self, place: str, save: Callable[[], None]) -> None:
        """Call `save` after a second of silence; at once where no event loop runs."""
        with self._lock:
            if waiting := self._waiting.pop(place, None):
                waiting[0].cancel()
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                save()
                return
            self._waiting[place] = (loop.call_later(WAIT, self.flush, place), save)

    def flush(self, *places: str) -> None:
        """Save what is waiting (of these places, else all) now: before a cell runs, nothing typed is left behind."""
        with self._lock:
            for place in places or list(self._waiting):
                if waiting := self._waiting.pop(place, None):
                    waiting[0].cancel()
                    waiting[1]()
