"""Forms for an analyst's workbook. The YAML is the only truth: every change is validated and on disk at once.

Only plain controls (drop-down, text, text area, date, button): they have accessible names and work by keyboard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets as widgets

from ethics_kit.forms import controls
from ethics_kit.forms.disk import ChangedOnDisk, StageFile
from ethics_kit.forms.register import RegisterForm, form_id
from ethics_kit.forms.review import ID as REVIEW
from ethics_kit.forms.review import Desk, ReviewForm
from ethics_kit.forms.section import SectionForm
from ethics_kit.framework.catalogue import Section
from ethics_kit.record import Finding
from ethics_kit.registers import Register
from ethics_kit.stages.case import Case

__all__ = [
    "ChangedOnDisk",
    "RegisterForm",
    "ReviewForm",
    "SectionForm",
    "StageFile",
    "register_form",
    "review_form",
    "section_form",
    "stage_file",
]

AnyForm = SectionForm | RegisterForm | ReviewForm
_files: dict[Path, StageFile] = {}


def stage_file(case: Case, took: Callable[[str, Case], None]) -> StageFile:
    """The stage's file under the forms: one for as long as the kernel lives, so that changes can be undone."""
    path = case.dossier.files[case.stage].path
    if path not in _files:
        _files[path] = StageFile(case, took)
    file = _files[path]
    file.case, file.took = case, took
    return file


def section_form(section: Section, file: StageFile) -> widgets.Widget:
    """The form of one section, filled from the file as it is now. All forms of a workbook share one `file`."""
    return _shown(file, section.id, lambda: SectionForm(section, file))


def register_form(register: Register, file: StageFile, findings: Callable[[], Sequence[Finding]]) -> widgets.Widget:
    """The form of one table; `findings` gives those that its rows may refer to."""
    return _shown(file, form_id(register), lambda: RegisterForm(register, file, findings))


def review_form(file: StageFile, desk: Desk) -> widgets.Widget:
    """The form that reviews the stage's current record."""
    return _shown(file, REVIEW, lambda: ReviewForm(file, desk))


def _shown(file: StageFile, name: str, make: Callable[[], AnyForm]) -> widgets.Widget:
    file.flush()
    old = file.forms.get(name)
    if file.reload():
        file.tell(name)
    form = file.forms[name] = make()
    if isinstance(old, AnyForm):
        controls.close(old.box, but=(file.signature.by, file.signature.role))
    return form.box
