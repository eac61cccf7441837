"""The form by which people review the published record of a stage: what is entered is written as the command does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from html import escape
from typing import Any, Protocol, get_args

import ipywidgets as widgets

from ethics_kit.attestation.identities import Reviewed
from ethics_kit.errors import EthicsKitError, InputError
from ethics_kit.forms import controls
from ethics_kit.forms.disk import StageFile, now
from ethics_kit.forms.foot import in_words
from ethics_kit.forms.unfinished import Draft
from ethics_kit.report.html import part
from ethics_kit.schema.review import Act, Decision

ID = "review"
TITLE = "Review of the published record"
INTRO = (
    "What people say and decide about the record that the last run published, not about what this workbook shows now. "
    "Entries are only ever added. Without a key they count as self-declared; ethics-kit review signs them."
)
LABELS = {
    "act": "What you do",
    "decision": "Decision",
    "findings": "Finding the comment is about",
    "text": "Comment",
    "reason": "Reason",
    "by": "Name",
    "role": "Role",
    "recorded_by": "Your name",
    "minute": "Minute",
    "members": "Members present",
}
"""What the form calls the keys of an entry."""


class Desk(Protocol):
    """Where the stage's current record lies, and how an act is entered."""

    def standing(self) -> Reviewed | None:
        """The record's review as it stands; None where there is no record."""

    def enter(self, act: dict[str, Any]) -> Reviewed:
        """The review with one more act, which was written."""


class ReviewForm:
    """The review so far, and one more act. What is typed is kept beside the workbook until it is entered."""

    def __init__(self, file: StageFile, desk: Desk) -> None:
        self.file, self.desk = file, desk
        self.shown, self.said = widgets.HTML(), widgets.HTML()
        choices = [(value, value.replace("_", " ")) for value in get_args(Act)]
        decisions = [(value, value.replace("_", " ")) for value in get_args(Decision)]
        self.controls = {
            "act": controls.choice("What you do", TITLE, None, choices),
            "decision": controls.choice("Decision", TITLE, None, decisions),
            "finding": controls.choice("Finding the comment is about", TITLE, None, ()),
            "words": controls.lines("Comment, or reason", TITLE, rows=3),
            "speaker": controls.text("Who spoke for the committee", TITLE),
            "minute": controls.text("Its minute", TITLE, placeholder="https://… or a file in the dossier"),
            "members": controls.lines("Members present, one a line", TITLE),
        }
        self.heard = controls.Heard()
        self.heard.follow(self.controls.values())
        for control in self.controls.values():
            control.observe(lambda _: self._keep(), names="value")
        heading = widgets.HTML(f"{controls.STYLE}<h3>{escape(TITLE)}</h3><p>{escape(INTRO)}</p>")
        button = controls.button("Enter in the review", self.enter)
        signature = file.signature
        edited = widgets.VBox([*self.controls.values(), button, self.said])
        edited.add_class("question")
        self.box = widgets.VBox([heading, self.shown, signature.by, signature.role, edited, self.heard])
        self.box.add_class("ethics-kit")
        self.refresh()
        self.fill()

    def sign(self) -> None:
        """Name and role are read when the act is entered."""

    def refresh(self) -> None:
        """Show the review as it stands on disk."""
        try:
            found = self.desk.standing()
        except EthicsKitError as error:
            self.shown.value = controls.said(f"The review cannot be read. {error}")
            return
        if found is None:
            case = self.file.case
            told = f"There is no record yet: ethics-kit run {case.dossier.id} --stage {case.stage}"
            self.shown.value = controls.said(told)
            return
        known = [f.id for f in found.review.record.findings]
        control = self.controls["finding"]
        control.options = (("– choose –", ""), *((one, one) for one in known))
        review = found.review
        words = f"As of {review.record.as_of}: {review.state}. {review.signoff.words.capitalize()}."
        self.shown.value = f'{controls.said(words)}<div class="rows" tabindex="0">{part("review", found)}</div>'

    def fill(self, place: str | None = None) -> None:  # noqa: ARG002 - the form has one place
        """Put back what was typed and not entered."""
        drafts = self.file.unfinished.rows(ID)
        typed = drafts[0].values if drafts else {}
        for name, control in self.controls.items():
            controls.put(control, typed.get(name))
        self._say("Not entered yet. It is kept beside the workbook." if drafts else "Nothing typed yet.")

    def enter(self) -> None:
        """Write the act; what could not be written stays in the form and beside the workbook."""
        try:
            self.desk.enter(self._act())
        except InputError as error:
            self._say(f"NOT SAVED. What you typed stays here. {len(error.problems)} to put right:", _faults(error))
            return
        except OSError as error:
            self._say(f"NOT SAVED. {in_words(error, 'the review')}. What you typed stays here.")
            return
        except EthicsKitError as error:
            self._say(f"NOT SAVED. {error}. What you typed stays here.")
            return
        for control in self.controls.values():
            controls.put(control, None)
        self._keep()
        self.refresh()
        self._say(f"Saved {now():%H:%M} in review.yaml beside the record; its report shows it.")

    def _act(self) -> dict[str, Any]:
        typed = {name: controls.clean(control.value) for name, control in self.controls.items()}
        act, signature = typed["act"], self.file.signature.given()
        entry = {
            "act": act,
            "decision": typed["decision"],
            "findings": [typed["finding"]] if typed["finding"] else [],
            "text" if act == "comment" else "reason": typed["words"],
            **signature,
        }
        if typed["minute"] or typed["members"] or typed["speaker"]:
            entry |= {"by": typed["speaker"], "role": "committee", "recorded_by": signature["by"]}
            entry |= {"minute": typed["minute"], "members": (typed["members"] or "").splitlines()}
        return entry

    def _keep(self) -> None:
        typed = {name: controls.clean(control.value) for name, control in self.controls.items()}
        kept = {name: value for name, value in typed.items() if value}
        with contextlib.suppress(OSError):  # it then stands in the form only
            self.file.unfinished.keep_rows(ID, [Draft(None, kept)] if kept else [])

    def _say(self, words: str, more: Iterable[str] = ()) -> None:
        self.said.value = controls.said(words, more)


def _faults(error: InputError) -> list[str]:
    """What is wrong, a line each, under the labels of this form."""
    return [
        f"{LABELS.get(p.key.split('.')[-1], p.key)}: found {p.found}; allowed: {p.allowed}; to do: {p.todo}"
        for p in error.problems
    ]
