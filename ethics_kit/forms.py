"""Forms for an analyst's workbook. The YAML is the only truth: every change is validated and on disk at once.

Only plain controls (drop-down, text, text area, date): they have accessible names and work by keyboard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from html import escape
from pathlib import Path
from threading import RLock
from typing import Any

import ipywidgets as widgets
from IPython import get_ipython
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import CommentMark
from ruamel.yaml.scalarstring import LiteralScalarString
from ruamel.yaml.tokens import CommentToken

from ethics_kit import checks, yamlfile
from ethics_kit.errors import InputError, Problem
from ethics_kit.framework.catalogue import Question, Section
from ethics_kit.project import write_atomic
from ethics_kit.schema import FILES, Answer, StageAnswers
from ethics_kit.stages.case import Case

WAIT = 1.0
"""Seconds of silence after which typed text is saved."""

DIFFERS = "Why it differs here"

STYLE = """<style>
.ethics-kit { max-width: 60rem; font-size: var(--jp-content-font-size1); }
.ethics-kit .widget-html-content { line-height: 1.5; white-space: normal; }
.ethics-kit h3, .ethics-kit h4, .ethics-kit p { margin: 0 0 0.3rem; }
.ethics-kit h4 { font-size: 1em; }
.ethics-kit .question { border-top: 1px solid var(--jp-border-color1); margin-top: 1rem; padding-top: 0.8rem; }
.ethics-kit .widget-label { text-align: left; }
.ethics-kit .jupyter-widgets :focus-visible { outline: 2px solid var(--jp-brand-color1) !important; }
.ethics-kit textarea { font-family: var(--jp-ui-font-family); }
.ethics-kit .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.ethics-kit .said { border-left: 4px solid var(--jp-border-color1); padding-left: 0.6rem; }
.ethics-kit .said.good { border-color: var(--jp-success-color1); }
.ethics-kit .said.bad { border-color: var(--jp-error-color1); font-weight: 600; }
</style>"""


class ChangedOnDisk(Exception):
    """The file was changed by somebody else since it was read."""


class AnswerFile:
    """A stage's YAML file under the forms of a workbook: one answer at a time, never over a change not seen.

    `by` and `role` say who is answering; all forms show the same two controls.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = b""
        self.version = 0
        self.unsigned: set[str] = set()
        self._waiting: dict[str, tuple[asyncio.TimerHandle, Callable[[], None]]] = {}
        self._lock = RLock()  # JupyterLab sends what is typed to a thread of its own
        self.forms: dict[str, SectionForm] = {}
        self.by, self.role = (_text(label, continuous_update=False) for label in ("Your name", "Your role"))
        for signature in (self.by, self.role):
            signature.observe(self._sign, names="value")
        self.reload()
        if shell := get_ipython():
            shell.events.register("pre_execute", self.flush)

    def _sign(self, _: Any) -> None:
        for form in self.forms.values():
            form.sign()

    def reload(self) -> bool:
        """Read the file as it is now; whether it was changed. Forms of an older version do not save any more."""
        content = self.path.read_bytes()
        if content == self.seen:
            return False
        self.file = yamlfile.read(self.path)
        self.seen, self.version = content, self.version + 1
        return True

    def answer(self, question: str) -> dict[str, Any]:
        """The answer's fields as they stand in the file."""
        answers = self.file.data.get("answers") or {}
        return dict(answers.get(question) or {})

    def save(
        self, question: str, values: dict[str, Any], check: Callable[[yamlfile.YamlFile], list[Problem]] | None = None
    ) -> None:
        """Write one answer; comments and order stay. `check` names what would be wrong with the file then.

        Raises
        ------
        ChangedOnDisk
            The file is not as this form last saw it; nothing was written.
        InputError
            The answer is not valid; nothing was written.
        OSError
            The disk is full or the file may not be written; the old file is whole.
        """
        _, problems = yamlfile.validate(Answer, yamlfile.YamlFile(self.path, values))
        if problems:
            raise InputError(problems)
        with self._lock:
            if self.path.read_bytes() != self.seen:
                raise ChangedOnDisk
            fresh = yamlfile.read(self.path)
            _put(fresh.data, question, values)
            if check and (problems := check(fresh)):
                raise InputError(problems)
            content = fresh.dumps()
            write_atomic(self.path, content)
            self.seen, self.file = content, fresh

    def later(self, question: str, save: Callable[[], None]) -> None:
        """Call `save` after a second of silence; at once where no event loop runs."""
        with self._lock:
            if waiting := self._waiting.pop(question, None):
                waiting[0].cancel()
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                save()
                return
            self._waiting[question] = (loop.call_later(WAIT, self.flush, question), save)

    def flush(self, *questions: str) -> None:
        """Save what is waiting (of these questions, else all) now: before a cell runs, nothing typed is left behind."""
        with self._lock:
            for question in questions or list(self._waiting):
                if waiting := self._waiting.pop(question, None):
                    waiting[0].cancel()
                    waiting[1]()


def section_form(case: Case, section: Section, file: AnswerFile, *, on_saved: Callable[[], Case]) -> widgets.Widget:
    """The form of one section, filled from the file as it is now; `on_saved` is called after each save.

    All forms of a workbook share one `file`, so that none takes another's save for a stranger's.
    """
    file.flush()
    file.reload()
    return SectionForm(case, section, file, on_saved).box


class SectionForm:
    """Controls of one section; under each question, what is on disk of it."""

    def __init__(self, case: Case, section: Section, file: AnswerFile, on_saved: Callable[[], Case]) -> None:
        self.case, self.file, self.on_saved = case, file, on_saved
        self.version = file.version
        self.questions = [q for q in section.questions if case.dossier.system.kind in q.kinds]
        self.by, self.role = file.by, file.role
        self.controls = {q.id: self._controls(q) for q in self.questions}
        self.said = {q.id: widgets.HTML() for q in self.questions}
        self.rows = {q: widgets.VBox([label, *f.values(), self.said[q]]) for q, (label, f) in self.controls.items()}
        for row in self.rows.values():
            row.add_class("question")
        heading = widgets.HTML(f"{STYLE}<h3>{escape(section.title)}</h3><p>{escape(section.intro)}</p>")
        self.status = widgets.HTML()
        self.box = widgets.VBox([heading, self.by, self.role, *self.rows.values(), self.status])
        self.box.add_class("ethics-kit")
        file.forms[section.id] = self
        self._refresh()
        for question in self.questions:
            self._say(question, self._standing(question))

    def _controls(self, question: Question) -> tuple[widgets.Widget, dict[str, widgets.Widget]]:
        stored = self.file.answer(question.id)
        shared = self.case.dossier.organisation.answers.get(question.id)
        label = f"<h4>{escape(question.text)}</h4><p>{escape(question.why)}</p><p>{escape(question.guidance)}</p>"
        fields: dict[str, widgets.Widget] = {"value": _value_control(question, stored.get("value"))}
        if shared:
            word = next((c.label for c in question.options if c.value == shared.value), shared.value)
            label += f"<p>The organisation answers: <strong>{escape(str(word))}</strong> ({escape(_who(shared))})</p>"
            fields["override_reason"] = _text(DIFFERS, question, stored.get("override_reason"))
        if question.evidence != "none":
            needed = "Evidence (needed)" if question.evidence == "required" else "Evidence"
            where = f"https://… or a file in {self.case.dossier.project.address(self.case.dossier.folder)}/"
            fields["evidence"] = _text(needed, question, stored.get("evidence"), placeholder=where)
        fields["note"] = _text("Note", question, stored.get("note"), kind=widgets.Textarea, rows=2)
        for control in fields.values():
            control.observe(lambda change, q=question: self._changed(q, change["owner"]), names="value")
        return widgets.HTML(label), fields

    def _changed(self, question: Question, control: widgets.Widget) -> None:
        self._say(question, "Not saved yet …")
        self.file.later(question.id, lambda: self.save(question.id))
        if isinstance(control, widgets.Dropdown):
            self.file.flush(question.id)

    def save(self, question_id: str) -> None:
        """Write one answer and say so; what could not be written is said, and stays in the form."""
        question = next(q for q in self.questions if q.id == question_id)
        name = self.file.path.name
        try:
            left_out = self._write(question_id)
        except ChangedOnDisk:
            words = (
                f"NOT SAVED. {name} was changed by somebody else since this form read it. "
                "Copy your text, then choose Run > Run All Cells to load their version."
            )
        except InputError as error:
            words = f"NOT SAVED. {_in_words(error)}"
        except OSError as error:
            words = f"NOT SAVED. {name}: {error.strerror or error}"
        else:
            words = self._saved(question, left_out)
        self._say(question, words)

    def _saved(self, question: Question, left_out: InputError | None) -> str:
        saved = f"Saved {datetime.now().astimezone():%H:%M}"
        try:
            self.case = self.on_saved()
        except InputError as error:
            return f"{saved}. But the dossier cannot be read any more: {_in_words(error)}"
        self._refresh()
        return f"{saved}, but NOT SAVED: {_in_words(left_out)}" if left_out else f"{saved}. {self._standing(question)}"

    def _write(self, question: str) -> InputError | None:
        """Write what the controls hold. Evidence or a note that may not stand is left out, and returned."""
        if self.version != self.file.version:
            raise ChangedOnDisk
        values: dict[str, Any] = {name: _clean(c.value) for name, c in self.controls[question][1].items()}
        signature = {"by": _clean(self.by.value), "role": _clean(self.role.value), "on": date.today()}
        values |= signature if values["value"] else dict.fromkeys(signature)
        if "override_reason" in values and not any(values.values()):
            values = {}
        try:
            self.file.save(question, values, lambda file: self._problems(question, file))
            left_out = None
        except InputError as error:
            wrong = {p.key.rpartition(".")[2] for p in error.problems}
            if not wrong <= {"evidence", "note"}:
                raise
            kept = {name: value for name, value in values.items() if name not in wrong}
            self.file.save(question, kept, lambda file: self._problems(question, file))
            left_out = error
        unsigned = values.get("value") and not (values["by"] and values["role"])
        (self.file.unsigned.add if unsigned else self.file.unsigned.discard)(question)
        return left_out

    def _problems(self, question: str, file: yamlfile.YamlFile) -> list[Problem]:
        """What `ethics-kit check` would say about this answer, were `file` on disk."""
        dossier, stage = self.case.dossier, self.case.stage
        model, problems = yamlfile.validate(FILES[stage], file)
        if isinstance(model, StageAnswers):
            stages, files = {**dossier.stages, stage: model}, {**dossier.files, stage: file}
            problems += checks.answers.problems(replace(dossier, stages=stages, files=files))
        return [p for p in problems if f"{p.key}.".startswith(f"answers.{question}.")]

    def sign(self) -> None:
        """Put the name and role, now given, under the answers that were given without."""
        if self.by.value.strip() and self.role.value.strip():
            for question in self.file.unsigned.intersection(self.controls):
                self.save(question)

    def _standing(self, question: Question) -> str:
        doubt, given = self.case.doubt(question), self.case.given.get(question.id)
        if doubt or given is None:
            unsigned = " Fill in your name and role." if doubt and "without the name" in doubt else ""
            return "Not answered yet." if doubt == "not answered" else f"Does not count yet: {doubt}.{unsigned}"
        return f"Answered {'for all systems ' if given.inherited else ''}by {_who(given.answer)}."

    def _say(self, question: Question, words: str) -> None:
        """Say `words` under the question. What went wrong interrupts a screen reader; the rest waits its turn."""
        bad = "NOT SAVED" in words
        kind = "bad" if bad else "good" if "Answered" in words else ""
        role = "alert" if bad else "status"
        self.said[question.id].value = f'<p class="said {kind}" role="{role}">{escape(words)}</p>'

    def _refresh(self) -> None:
        """Show the questions that are asked, given the answers so far, and count those that are open."""
        asked = [q for q in self.questions if self.case.shown(q) is not False]
        for question, row in self.rows.items():
            row.layout.display = None if question in {q.id for q in asked} else "none"
        open_ = sum(self.case.doubt(q) is not None for q in asked)
        self.status.value = f'<p class="question"><strong>{open_} of {len(asked)} open in this section.</strong></p>'


def _put(data: CommentedMap, question: str, values: dict[str, Any]) -> None:
    """Set one answer in a file's data; no values take it out."""
    if not data.get("answers"):
        data["answers"] = CommentedMap()
    answers = data["answers"]
    if not values:
        answers.pop(question, None)
        return
    if not answers.get(question):
        fields = CommentedMap((name, value) for name, value in values.items() if value is not None)
        if question in answers:
            answers[question] = fields
        else:
            _append(answers, question, fields)
    answer = answers[question]
    for name, value in values.items():
        if name in answer:
            answer[name] = value
        elif value is not None:
            _append(answer, name, value)
        if isinstance(value, str) and "\n" in value:
            answer[name] = LiteralScalarString(value)
            marks = answer.ca.items.get(name)
            if marks and marks[2] and not marks[2].value.startswith("\n"):  # a comment has to stand before the text
                own, _, after = marks[2].value.partition("\n")
                marks[2:4] = [CommentToken(f"\n{after}", CommentMark(0), None) if after else None, [f" {own}"]]


def _append(mapping: CommentedMap, key: str, value: Any) -> None:
    """Add a key at the end. The comment that the parser hung on the value before it belongs to what follows."""
    old, last = _last(mapping)
    mapping[key] = value
    marks = old.ca.items.get(last)
    if not marks or not marks[2] or "\n" not in marks[2].value.rstrip("\n"):
        return
    own, _, after = marks[2].value.partition("\n")
    marks[2] = CommentToken(f"{own}\n", marks[2].start_mark, None) if own else None
    new, last = _last(mapping)
    new.ca.items[last] = [None, None, CommentToken(f"\n{after}", CommentMark(0), None), None]


def _last(mapping: CommentedMap) -> tuple[CommentedMap, Any]:
    """The innermost mapping that ends where `mapping` does, and its last key."""
    last = next(reversed(mapping), None)
    below = mapping[last] if last is not None else None
    return _last(below) if isinstance(below, CommentedMap) and below else (mapping, last)


def _clean(value: Any) -> Any:
    """Text without blanks at the ends of lines, which YAML could not show as lines; nothing as None."""
    return "\n".join(line.rstrip() for line in value.splitlines()).strip() or None if isinstance(value, str) else value


def _in_words(error: InputError) -> str:
    words = "; ".join(f"{p.key.rpartition('.')[2]}: found {p.found}; to do: {p.todo}" for p in error.problems)
    return words.replace("override_reason", f"“{DIFFERS}”")


def _who(answer: Answer) -> str:
    return ", ".join(str(part) for part in (answer.by, answer.role, answer.on) if part) or "not signed"


def _common(label: str, question: Question | None = None) -> dict[str, Any]:
    """A short label for the eye; for a screen reader it goes on with the question."""
    whole = f'{label}<span class="unseen">: {escape(question.text)}</span>' if question else label
    style = {"description_width": "9.5rem"}
    return {
        "description": whole,
        "description_allow_html": True,
        "tooltip": "",
        "style": style,
        "layout": {"width": "auto"},
    }


def _text(
    label: str, question: Question | None = None, value: Any = None, *, kind: type = widgets.Text, **more: Any
) -> widgets.Widget:
    return kind(value=str(value or ""), **_common(label, question), **more)


def _value_control(question: Question, stored: Any) -> widgets.Widget:
    if question.options:
        stored = {True: "yes", False: "no"}.get(stored, stored) if isinstance(stored, bool) else stored
        options = [("– choose –", ""), *((c.label, c.value) for c in question.options)]
        known = {value for _, value in options}
        return widgets.Dropdown(options=options, value=stored if stored in known else "", **_common("Answer", question))
    if question.type == "date":
        return widgets.DatePicker(value=stored if isinstance(stored, date) else None, **_common("Answer", question))
    return _text("Answer", question, stored, kind=widgets.Textarea, rows=4)
