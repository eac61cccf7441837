"""Forms for an analyst's workbook. The YAML is the only truth: every change is validated and on disk at once.

Only plain controls (drop-down, text, text area, date): they have accessible names and work by keyboard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from ethics_kit import yamlfile
from ethics_kit.errors import InputError
from ethics_kit.framework.catalogue import Question, Section
from ethics_kit.project import write_atomic
from ethics_kit.schema import Answer
from ethics_kit.stages.case import Case

WAIT = 1.0
"""Seconds of silence after which typed text is saved."""

WIDE = {"layout": widgets.Layout(width="100%", max_width="60rem")}


class ChangedOnDisk(Exception):
    """The file was changed by somebody else since it was read."""


class AnswerFile:
    """A stage's YAML file under a form: writes one answer at a time, never over a change it has not seen."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reload()

    def reload(self) -> None:
        """Read the file as it is now."""
        self.seen = self.path.read_bytes()
        self.file = yamlfile.read(self.path)

    def answer(self, question: str) -> dict[str, Any]:
        """The answer's fields as they stand in the file."""
        answers = self.file.data.get("answers") or {}
        return dict(answers.get(question) or {})

    def save(self, question: str, values: dict[str, Any]) -> None:
        """Write one answer; comments and order stay.

        Raises
        ------
        ChangedOnDisk
            The file is not as this form last saw it; nothing was written.
        ValueError
            The answer is not valid; nothing was written.
        OSError
            The disk is full or the file may not be written; the old file is whole.
        """
        Answer.model_validate(values)
        if self.path.read_bytes() != self.seen:
            raise ChangedOnDisk
        if not self.file.data.get("answers"):
            self.file.data["answers"] = {}
        answers = self.file.data["answers"]
        if not answers.get(question):
            answers[question] = {}
        for field, value in values.items():
            if value is not None or field in answers[question]:
                answers[question][field] = value
        content = self.file.dumps()
        write_atomic(self.path, content)
        self.seen = content


def section_form(case: Case, section: Section, file: AnswerFile, *, on_saved: Callable[[], None]) -> widgets.Widget:
    """The form of one section, filled from the file as it is now; `on_saved` is called after each save.

    All forms of a workbook share one `file`, so that none takes another's save for a stranger's.
    """
    file.reload()
    return SectionForm(case, section, file, on_saved).box


class SectionForm:
    """Controls of one section, and the line that says what is on disk."""

    def __init__(self, case: Case, section: Section, file: AnswerFile, on_saved: Callable[[], None]) -> None:
        self.file, self.on_saved = file, on_saved
        self.questions = [q for q in section.questions if case.shown(q) is not False]
        self.status = widgets.HTML()
        self.by = widgets.Text(description="Your name", style={"description_width": "10rem"}, **WIDE)
        self.role = widgets.Text(description="Your role", style={"description_width": "10rem"}, **WIDE)
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self.controls = {q.id: self._controls(case, q) for q in self.questions}
        heading = widgets.HTML(f"<h3>{escape(section.title)}</h3><p>{escape(section.intro)}</p>")
        rows = [widgets.VBox([label, *fields.values()]) for label, fields in self.controls.values()]
        self.box = widgets.VBox([heading, self.by, self.role, *rows, self.status])
        self._say("")

    def _controls(self, case: Case, question: Question) -> tuple[widgets.Widget, dict[str, widgets.Widget]]:
        stored = self.file.answer(question.id)
        given = case.given.get(question.id)
        inherited = ""
        if given and given.inherited:
            inherited = f"<br><em>The organisation answers: {escape(str(given.answer.value))}</em>"
        label = widgets.HTML(
            f"<strong>{escape(question.text)}</strong><br>{escape(question.why)}"
            f"<br><em>Evidence:</em> {escape(question.guidance)}{inherited}"
        )
        fields: dict[str, widgets.Widget] = {"value": _value_control(question, stored.get("value"))}
        if question.evidence != "none":
            fields["evidence"] = widgets.Text(
                value=str(stored.get("evidence") or ""),
                description="Evidence",
                placeholder="https://… or a file",
                **WIDE,
            )
        fields["note"] = widgets.Text(value=str(stored.get("note") or ""), description="Note", **WIDE)
        for control in fields.values():
            control.observe(lambda _, q=question.id: self._later(q), names="value")
        return label, fields

    def _later(self, question: str) -> None:
        """Save after a second of silence; at once where no event loop runs."""
        if question in self._waiting:
            self._waiting.pop(question).cancel()
        self._say(f"{question}: not saved yet …")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.save(question)
            return
        self._waiting[question] = loop.call_later(WAIT, self.save, question)

    def save(self, question: str) -> None:
        """Write one answer and say so; what could not be written is said, and stays in the form."""
        self._waiting.pop(question, None)
        _, fields = self.controls[question]
        values: dict[str, Any] = {name: control.value or None for name, control in fields.items()}
        if values["value"] is not None:
            values["on"] = date.today()
            values |= {k: v for k, v in {"by": self.by.value, "role": self.role.value}.items() if v}
        try:
            self.file.save(question, values)
        except ChangedOnDisk:
            self._say(
                f"{question}: NOT SAVED. {self.file.path.name} was changed by somebody else since this form read it. "
                "Copy your text, then run this cell again to load their version."
            )
            return
        except (OSError, ValueError) as error:
            self._say(f"{question}: NOT SAVED. {error}")
            return
        saved = f"Saved {datetime.now().astimezone():%H:%M}."
        try:
            self.on_saved()
        except InputError as error:
            saved += " But: " + "; ".join(f"{p.key}: {p.found}; {p.todo}" for p in error.problems)
        self._say(saved)

    def _say(self, words: str) -> None:
        open_ = sum(not fields["value"].value for _, fields in self.controls.values())
        count = f"{open_} of {len(self.questions)} unanswered here"
        unsigned = (
            ""
            if self.by.value and self.role.value
            else " Fill in your name and role: an answer without them does not count."
        )
        self.status.value = f'<p role="status"><strong>{escape(words)}</strong> {count}.{unsigned}</p>'


def _value_control(question: Question, stored: Any) -> widgets.Widget:
    if question.options:
        stored = {True: "yes", False: "no"}.get(stored, stored) if isinstance(stored, bool) else stored
        options = [("– choose –", ""), *((c.label, c.value) for c in question.options)]
        known = {value for _, value in options}
        return widgets.Dropdown(options=options, value=stored if stored in known else "", description="Answer", **WIDE)
    if question.type == "date":
        return widgets.DatePicker(value=stored if isinstance(stored, date) else None, description="Answer", **WIDE)
    return widgets.Textarea(value=str(stored or ""), description="Answer", rows=4, **WIDE)
