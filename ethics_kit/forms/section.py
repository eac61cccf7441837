"""The form of a questionnaire's section: under each question, what is on disk of it and what is wrong."""

from __future__ import annotations

import contextlib
from datetime import date
from html import escape
from typing import Any

import ipywidgets as widgets

from ethics_kit import yamlfile
from ethics_kit.errors import InputError, Problem
from ethics_kit.forms import controls
from ethics_kit.forms.controls import Heard, clean
from ethics_kit.forms.disk import ChangedOnDisk, StageFile, now
from ethics_kit.forms.editing import Change
from ethics_kit.forms.foot import Foot, conflict, in_words
from ethics_kit.forms.problems import stage_problems
from ethics_kit.forms.question import LABELS, evidence, fields, held, label, standing
from ethics_kit.framework.catalogue import Question, Section


class SectionForm:
    """Controls of one section, filled from the file as it is."""

    def __init__(self, section: Section, file: StageFile) -> None:
        self.section, self.file, self.version = section, file, file.version
        self.questions = {q.id: q for q in section.questions if file.case.dossier.system.kind in q.kinds}
        self.labels = {q: widgets.HTML(label(question, file.case)) for q, question in self.questions.items()}
        self.controls = {q: self._controls(question) for q, question in self.questions.items()}
        self.said = {q: widgets.HTML() for q in self.questions}
        self.rows = {q: widgets.VBox([self.labels[q], *c.values(), self.said[q]]) for q, c in self.controls.items()}
        for row in self.rows.values():
            row.add_class("question")
        self.foot, self.heard = Foot(file), Heard()
        self.heard.follow(c for made in self.controls.values() for c in made.values())
        self._filling = False
        heading = widgets.HTML(f"{controls.STYLE}<h3>{escape(section.title)}</h3><p>{escape(section.intro)}</p>")
        signature = file.signature
        self.box = widgets.VBox([heading, signature.by, signature.role, *self.rows.values(), self.foot.box, self.heard])
        self.box.add_class("ethics-kit")
        for q in self.questions:
            self._offer(q)
            self._say(q, self._standing(q))
        self.refresh()

    def _controls(self, question: Question) -> dict[str, widgets.Widget]:
        made = fields(question, self.file.case, self._stored(question))
        for control in made.values():
            control.observe(lambda change: self._changed(question.id, change["owner"]), names="value")
        return made

    # --- what is shown -----------------------------------------------------------------------------------------

    def _stored(self, question: Question) -> dict[str, Any]:
        """The answer on disk, as the controls hold it."""
        return held(question, self.file.answer(question.id))

    def _standing(self, q: str) -> str:
        return standing(self.questions[q], self.file.case)

    def _say(self, q: str, words: str) -> None:
        kept = [(LABELS[name], str(v)) for name, v in self._kept(q).items() if name in LABELS]
        self.said[q].value = controls.said(words, evidence(self.questions[q], self.file.case), kept)

    def _kept(self, q: str) -> dict[str, Any]:
        """What was typed before, is not saved, and does not stand in the controls."""
        return {n: v for n, v in self.file.unfinished.answer(q).items() if self._lacks(q, n, v)}

    def _lacks(self, q: str, name: str, value: Any) -> bool:
        """Whether a field does not hold what was typed into it before."""
        control = self.controls[q].get(name)
        return control is None or str(clean(control.value) or "") != value

    def refresh(self) -> None:
        """Show the questions that are asked, given the answers so far, and count those that are open."""
        self.foot.say(self._count().capitalize() + ".")

    def _count(self) -> str:
        case = self.file.case
        asked = {q for q, question in self.questions.items() if case.shown(question) is not False}
        for q, row in self.rows.items():
            row.layout.display = None if q in asked else "none"
        given = {q for q in asked if q in case.given and case.given[q].answer.given}
        doubtful = sum(case.doubt(self.questions[q]) is not None for q in given)
        words = f"{len(asked) - len(given)} of {len(asked)} unanswered"
        return f"{words}, {doubtful} not counted yet" if doubtful else words

    def fill(self, place: str | None = None) -> None:
        """Put what is on disk into the controls; what was typed and not saved is shown under its question."""
        if place is None:
            self.version = self.file.version
        for q in [place] if place else self.questions:
            self._put(q, self._stored(self.questions[q]))
            self._offer(q)
            self._say(q, self._standing(q))

    def _put(self, q: str, values: dict[str, Any]) -> None:
        self._filling = True
        for name, control in self.controls[q].items():
            if name in values:
                controls.put(control, values[name])
        self._filling = False

    # --- what is saved -----------------------------------------------------------------------------------------

    def _changed(self, q: str, control: widgets.Widget) -> None:
        if self._filling:
            return
        self._say(q, "Not saved yet …")
        self.file.later(f"{self.section.id}.{q}", lambda: self.save(q))
        if isinstance(control, widgets.Dropdown):
            self.file.flush(f"{self.section.id}.{q}")

    def save(self, q: str) -> None:
        """Write one answer and say so; what could not be written is said, kept aside, and stays in the form."""
        name, left_out = self.file.path.name, None
        try:
            left_out = self._write(q)
        except ChangedOnDisk:
            words = conflict(name)
        except InputError as error:
            words = f"NOT SAVED. {_labelled(in_words(error, name))}."
        except OSError as error:
            words = f"NOT SAVED. {in_words(error, name)}."
        else:
            wrong = self.file.tell(self.section.id)
            words = f"Saved {now():%H:%M} · {self._count()}"
            words += (
                f", but NOT SAVED: {_labelled(in_words(left_out, name))}." if left_out else f". {self._standing(q)}"
            )
            words += f" {wrong}" * bool(wrong)
            self.foot.say(words.partition(". ")[0] + ".")
            for form in self.file.forms.values():
                if form is not self and isinstance(form, SectionForm) and q in form.questions:
                    form.fill(q)
        if "NOT SAVED" in words:
            words += f" {self._keep(q)}"
        else:
            self._forget(q, self._kept(q))
        self._offer(q, conflict=words.startswith(conflict(name)))
        self._say(q, words)

    def _write(self, q: str) -> InputError | None:
        """Write what the controls hold. Evidence or a note that may not stand is left out, and returned."""
        if self.version != self.file.version:
            raise ChangedOnDisk
        typed = {name: clean(control.value) for name, control in self.controls[q].items()}
        try:
            self._write_fields(q, typed)
        except InputError as error:
            wrong = {p.key.rpartition(".")[2] for p in error.problems}
            if not wrong <= {"evidence", "note"}:
                raise
            self._write_fields(q, {name: value for name, value in typed.items() if name not in wrong})
            return error
        return None

    def _write_fields(self, q: str, typed: dict[str, Any]) -> None:
        """Write the fields that differ from those on disk, with who answers and when."""
        stored, answer = self._stored(self.questions[q]), self.file.answer(q)
        values = {name: value for name, value in typed.items() if (value or None) != (stored[name] or None)}
        if not values and (answer.get("by") or not self.file.signature.complete):
            return
        signature = {**self.file.signature.given(), "on": date.today()}
        given = bool(typed.get("value"))
        values |= signature if given else dict.fromkeys(signature)
        fresh = {name: value for name, value in values.items() if value != answer.get(name)}
        self.file.write(
            Change("set", ("answers", q), {name: None if value == "" else value for name, value in fresh.items()}),
            form=self.section.id,
            place=q,
            words=f"the answer to “{self.questions[q].text}”",
            check=lambda file: self._problems(q, file),
        )
        (self.file.unsigned.add if given and not all(signature.values()) else self.file.unsigned.discard)(q)

    def _problems(self, q: str, file: yamlfile.YamlFile) -> list[Problem]:
        """What `ethics-kit check` would say about this answer, were `file` on disk."""
        return [p for p in stage_problems(self.file.case, file) if f"{p.key}.".startswith(f"answers.{q}.")]

    def sign(self) -> None:
        """Put the name and role, now given, under the answers that were given without."""
        if self.file.signature.complete:
            for q in self.file.unsigned.intersection(self.controls):
                self.save(q)

    # --- what is not saved -------------------------------------------------------------------------------------

    def _keep(self, q: str) -> str:
        """Keep what is typed and not on disk beside the workbook; says so."""
        stored = self._stored(self.questions[q])
        typed = {name: str(clean(c.value) or "") for name, c in self.controls[q].items()}
        try:
            self.file.unfinished.keep_answer(q, {n: v for n, v in typed.items() if v != str(stored[n] or "")})
        except OSError:
            return "Your text stands in this form only: copy it."
        return "Your text stays here, and is kept beside the workbook until it is saved."

    def _offer(self, q: str, *, conflict: bool = False) -> None:
        """Buttons for what stands in the way: somebody else's version, or text that was typed and not saved."""
        row = self.rows[q]
        kept = self._kept(q)
        buttons = []
        if conflict:
            buttons = [controls.button("Load their version", self.file.load_theirs)]
        elif kept:
            buttons = [
                controls.button("Put my text back", lambda: self._put_back(q)),
                controls.button("Forget my text", lambda: self._forgotten(q)),
            ]
        row.children = [self.labels[q], *self.controls[q].values(), self.said[q], *buttons]

    def _put_back(self, q: str) -> None:
        self._put(q, self.file.unfinished.answer(q))
        self.save(q)

    def _forgotten(self, q: str) -> None:
        self._forget(q, {})
        self._offer(q)
        self._say(q, self._standing(q))

    def _forget(self, q: str, kept: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the side file then holds more than is needed
            self.file.unfinished.keep_answer(q, kept)


def _labelled(words: str) -> str:
    return words.replace("override_reason", f"“{LABELS['override_reason']}”")
