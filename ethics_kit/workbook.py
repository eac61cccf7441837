"""What a notebook talks to: opens a dossier, shows forms or answers, runs a stage's steps, saves the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.display import display

from ethics_kit import archive, languages, registers
from ethics_kit import dossier as dossiers
from ethics_kit.dates import parse_as_of
from ethics_kit.errors import InputError, Problem, quoted
from ethics_kit.framework.catalogue import Question, Stage
from ethics_kit.project import STAGES, TITLES, locate_system, write_atomic
from ethics_kit.record import IN_THE_WAY, SINCE_LAST, WAIVERS, Record
from ethics_kit.report import card
from ethics_kit.report.html import Html, part
from ethics_kit.schema import StageAnswers
from ethics_kit.stages import answers, refused
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.conclude import conclude

if TYPE_CHECKING:
    from ethics_kit.forms import StageFile
    from ethics_kit.record import Finding, Table

STAGING = "ETHICS_KIT_STAGING"
"""Set by the runner alone: the private folder from which it publishes."""

MODES = ("record", "workbook")


def _parameter(key: str, found: str, allowed: str) -> Problem:
    return Problem(file=Path("parameters"), key=key, found=quoted(found), allowed=allowed, todo="correct the parameter")


def open_workbook(stage: Stage, *, system: str, as_of: str = "", reports: str = "", mode: str = "record") -> Workbook:
    """Open a system's dossier for one stage.

    Parameters
    ----------
    stage
        One of the four stage names.
    system
        The dossier's folder, or the system's name.
    as_of
        ISO date; facts after it are left out. Empty for today.
    reports
        Where records lie, from the project's root; empty for ``reports``.
    mode
        ``record``: answers as tables. ``workbook``: forms.

    Raises
    ------
    InputError
        A parameter or the dossier is wrong; every problem is named.
    """
    problems = []
    if stage not in STAGES:
        problems.append(_parameter("stage", stage, ", ".join(STAGES)))
    if mode not in MODES:
        problems.append(_parameter("mode", mode, ", ".join(MODES)))
    if problems:
        raise InputError(problems)
    project, folder = locate_system(system)
    dossier = dossiers.load(project, folder, tables=STAGING not in os.environ)  # the runner has checked the tables
    root = project.root / reports if reports else project.reports
    return Workbook(Case(dossier, stage, parse_as_of(as_of), root), mode)


class Workbook:
    """One stage of one system in a notebook."""

    def __init__(self, case: Case, mode: str) -> None:
        self.case = case
        self.mode = mode
        self._outcomes: dict[str, Outcome] = {}

    def _show(self, words: str, macro: str, *arguments: object, marker: Mapping[str, object] | None = None) -> None:
        """Display a piece of the report: in a record in the report's language, in a workbook in that of its forms."""
        language = self.case.dossier.policy.language if self.mode == "record" else languages.SOURCE
        display(Html(part(macro, *arguments, language=language), words, marker))

    def _table(self, table: Table) -> None:
        """Display a table that the record will hold."""
        self._show(table.title, "table", table, marker={"part": "table", "id": table.id})

    def about(self) -> None:
        """Show what is assessed, as of when."""
        case, system = self.case, self.case.dossier.system
        words = f"{system.name}, {TITLES[case.stage].lower()}, as of {case.as_of}"
        self._show(words, "about", system, case.dossier.id, case.as_of.isoformat(), TITLES[case.stage])

    def ask(self, section_id: str) -> None:
        """Show a section's questions: a form in a workbook, the answers with author and date in a record."""
        section = answers.section(self.case.stage, section_id)
        self._outcomes[section_id] = self.case.taken[section_id] = answers.attested(self.case, section_id)
        if self.mode == "workbook":
            from ethics_kit import forms

            display(forms.section_form(section, self._file()))
            return
        rows = [r for q in section.questions if (r := _row(self.case, q)) is not None]
        skipped = {q.text: why for q in section.questions if (why := self.case.skipped(q))}
        words = f"{section.title}: {len(rows)} questions"
        self._show(words, "answers", section.title, section.intro, rows, skipped)

    def edit(self, register_id: str) -> None:
        """Show a table of the stage's file: in a workbook a form to add, change and remove rows, else the rows.

        In a record, what only this stage's file holds is in the table of the step that assesses it.
        """
        register = registers.registers(self.case.stage)[register_id]
        if self.mode == "workbook":
            from ethics_kit import forms

            display(forms.register_form(register, self._file(), self._findings))
            return
        if register.path[0] in StageAnswers.model_fields:
            rows = registers.table(register, self.case.dossier.files[self.case.stage].data)
            words = f"{register.title}: {len(rows.rows)} rows"
            self._show(words, "table", rows)

    def _file(self) -> StageFile:
        from ethics_kit import forms

        return forms.stage_file(self.case, self._take)

    def _findings(self) -> list[Finding]:
        return [finding for outcome in self._outcomes.values() for finding in outcome.findings]

    def assess(self, step: Callable[[Case], Outcome]) -> None:
        """Run one step of the stage and show its findings, tables and figures."""
        outcome = refused.outcome(step, self.case)
        self._outcomes[step.__name__] = self.case.taken[step.__name__] = outcome
        title = (step.__doc__ or step.__name__).strip().splitlines()[0]
        if outcome.findings:
            words = "; ".join(f"{f.id}: {f.status}" for f in outcome.findings)
            ids = [f.id for f in outcome.findings]
            marker = {"part": "findings", "ids": ids, "title": title}
            self._show(words, "step_findings", outcome.findings, title, marker=marker)
        for table in outcome.tables:
            self._table(table)
        for figure in outcome.figures:
            display(figure)

    def changes(self) -> None:
        """Show what changed since the last record of this stage, as its record will tell it."""
        record = conclude(self.case, self._outcomes)
        for table in record.tables:
            if table.id in (SINCE_LAST, f"S4.4.changes_{record.stage}"):
                self._table(table)

    def save(self) -> None:
        """Conclude the stage and save its record: for the runner, or as a draft under ``workbooks/``."""
        record = conclude(self.case, self._outcomes)
        staging = os.environ.get(STAGING)
        path = Path(staging) / "record.json" if staging else self._draft()
        write_atomic(path, record.to_bytes())
        if not staging and (text := card.markdown(record)):
            write_atomic(path.with_name(f"{path.stem}_{card.FILE}"), text.encode())
        where = "" if staging else f"Draft saved: {self.case.dossier.project.address(path)}"
        self._show(_words(record), "conclusion", record, where, marker={"part": "conclusion"})
        for table in record.tables:
            if table.id in (IN_THE_WAY, WAIVERS):
                self._table(table)

    def review(self) -> None:
        """In a workbook, a form to review the published record; a record shows its review on its own page."""
        if self.mode == "workbook":
            from ethics_kit import forms
            from ethics_kit.runner.reviewing import Desk

            case = self.case
            parent = archive.stage_folder(case.reports, case.dossier.id, case.stage)
            display(forms.review_form(self._file(), Desk(case.dossier.project, parent)))

    def _draft(self) -> Path:
        case = self.case
        folder = case.dossier.project.workbooks(case.dossier.id) / "drafts"
        return folder / f"{case.stage}_{case.as_of.isoformat()}.json"

    def _take(self, form: str, case: Case) -> None:
        """Go on with the dossier as it is after a form has saved to it."""
        self.case = case
        if form in self._outcomes:
            self._outcomes[form] = case.taken[form] = answers.attested(case, form)


def _words(record: Record) -> str:
    return f"Recommendation: {record.recommendation.verdict}. {record.recommendation.reason}"


def _row(case: Case, question: Question) -> dict[str, object] | None:
    if case.shown(question) is False:
        return None
    given = case.given.get(question.id)
    answer = given.answer if given else None
    label = next((c.label for c in question.options if answer and c.value == answer.value), None)
    return {
        "text": question.text,
        "chosen": label is not None,
        "answer": label or (answer.value if answer else None),
        "free": question.type == "text" and answer is not None and answer.given,
        "doubt": case.doubt(question),
        "note": answer.note if answer else None,
        "by": f"{answer.by}, {answer.role}" if answer and answer.by else None,
        "on": answer.on if answer else None,
        "evidence": answer.evidence if answer else None,
        "inherited": bool(given and given.inherited),
        "override_reason": answer.override_reason if answer else None,
    }
