"""One question of a form: its words, its controls, what is on disk of it and whether that counts."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets

from ethics_kit.forms import controls
from ethics_kit.framework.catalogue import Question
from ethics_kit.record import file_sha256
from ethics_kit.schema import Answer
from ethics_kit.stages.case import Case

LABELS = {"value": "Answer", "override_reason": "Why it differs here", "evidence": "Evidence", "note": "Note"}


def label(question: Question, case: Case) -> str:
    """The question in full, why it matters, how to answer it, and what the organisation answers."""
    words = f"<h4>{escape(question.text)}</h4><p>{escape(question.why)}</p><p>{escape(question.guidance)}</p>"
    if shared := case.dossier.organisation.answers.get(question.id):
        word = next((c.label for c in question.options if c.value == shared.value), shared.value)
        words += f"<p>The organisation answers: <strong>{escape(str(word))}</strong> ({escape(_who(shared))})</p>"
    return words


def fields(question: Question, case: Case, held: dict[str, Any]) -> dict[str, widgets.Widget]:
    """The controls of an answer, filled with what is `held`."""
    dossier, of = case.dossier, question.text
    if question.options:
        value = controls.choice("Answer", of, held["value"], [(c.value, c.label) for c in question.options])
    elif question.type == "date":
        value = controls.day("Answer", of, held["value"])
    else:
        value = controls.lines("Answer", of, held["value"], rows=4)
    made = {"value": value}
    if question.id in dossier.organisation.answers:
        made["override_reason"] = controls.text(LABELS["override_reason"], of, held["override_reason"])
    if question.evidence != "none":
        needed = "Evidence (needed)" if question.evidence == "required" else "Evidence"
        where = f"https://… or a file in {dossier.project.address(dossier.folder)}/"
        made["evidence"] = controls.text(needed, of, held["evidence"], placeholder=where)
    made["note"] = controls.lines("Note", of, held["note"])
    return made


def held(question: Question, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer on disk, as the controls hold it."""
    value = answer.get("value")
    if question.options:
        value = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    elif question.type != "date":
        value = None if value is None else str(value)
    return {"value": value, **{name: answer.get(name) for name in LABELS if name != "value"}}


def standing(question: Question, case: Case) -> str:
    """Whether there is an answer, by whom, and whether it counts."""
    doubt, given = case.doubt(question), case.given.get(question.id)
    if given is None or not given.answer.given:
        return "Not answered yet."
    if doubt:
        unsigned = " Fill in your name and role." if "without the name" in doubt else ""
        return f"Does not count yet: {doubt}.{unsigned}"
    return f"Answered {'for all systems ' if given.inherited else ''}by {_who(given.answer)}."


def evidence(question: Question, case: Case) -> list[str]:
    """Whether the evidence on disk is there; a file with its hash, which the record keeps."""
    given = case.given.get(question.id)
    if given is None or not given.answer.evidence:
        return []
    if given.evidence_file is None:
        return ["Evidence: a link. The record keeps the address; what it leads to may change."]
    try:
        digest = file_sha256(given.evidence_file)
    except OSError as error:
        return [f"Evidence: {given.answer.evidence}: {error.strerror}. Put the file there, or correct the name."]
    return [f"Evidence: {given.answer.evidence}, found, sha256 {digest[:12]}…, which the record keeps."]


def _who(answer: Answer) -> str:
    return ", ".join(str(part) for part in (answer.by, answer.role, answer.on) if part) or "not signed"
