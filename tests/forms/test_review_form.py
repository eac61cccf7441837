"""The form of a review writes what the command writes, and what is typed is never lost."""

import errno
import re
from datetime import date

import ipywidgets as widgets
import nbformat
import pytest

from ethics_kit import archive, dossier, yamlfile
from ethics_kit.attestation.folder import publish
from ethics_kit.attestation.proof import Proof
from ethics_kit.forms import ReviewForm, StageFile, review_form
from ethics_kit.project import Project
from ethics_kit.report import page
from ethics_kit.runner.reviewing import Desk
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude
from ethics_kit.workbook import Workbook

STAGE = "impact_analysis"
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


def case_of(root):
    found = dossier.load(Project(root), root / "parameters" / "demo", tables=False)
    return Case(found, STAGE, date(2026, 11, 1), root / "reports")


def published(root):
    """A record published without a kernel."""
    record = conclude(case_of(root), {})
    staging = archive.staging_name(root / "reports")
    staging.mkdir(parents=True)
    (staging / "record.json").write_bytes(record.to_bytes())
    (staging / "notebook.ipynb").write_text(NOTEBOOK)
    notebook = nbformat.reads(NOTEBOOK, as_version=4)
    (staging / "report.html").write_text(page.render(notebook, record, Proof({}, [])))
    return publish(staging, root / "reports", record)[0]


def form_of(root, *, signed=True):
    file = StageFile(case_of(root), lambda *_: None)
    form = ReviewForm(file, Desk(Project(root), root / "reports/demo" / STAGE))
    file.forms["review"] = form
    if signed:
        file.signature.by.value, file.signature.role.value = "Ann Lee", "analyst"
    return form


def type_in(form, **values):
    for name, value in values.items():
        form.controls[name].value = value


def press(form):
    edited = form.box.children[4]
    next(w for w in edited.children if isinstance(w, widgets.Button)).click()
    return re.sub("<[^>]+>", " ", form.said.value.partition('<p class="silent"')[0]).strip()


def entries(folder):
    return yamlfile.plain(yamlfile.read(folder / "review.yaml").data)["entries"]


def test_an_act_is_written_with_who_and_when_and_the_form_is_empty_again(project):
    root = project()
    folder = published(root)
    form = form_of(root)
    finding = form.controls["finding"].options[1][1]
    type_in(form, act="comment", finding=finding, words="Which customers?")
    assert press(form).startswith("Saved")
    (entry,) = entries(folder)
    assert entry == {
        "act": "comment",
        "by": "Ann Lee",
        "role": "analyst",
        "on": date.today(),
        "findings": [finding],
        "text": "Which customers?",
    }
    assert {control.value for control in form.controls.values()} == {""}
    assert "Which customers?" in form.shown.value
    assert "Which customers?" in (folder / "report.html").read_text()
    assert form_of(root).controls["words"].value == ""


def test_a_minute_names_who_recorded_it_and_who_was_there(project):
    root = project()
    folder = published(root)
    form = form_of(root)
    type_in(form, act="submit")
    press(form)
    form.file.signature.by.value, form.file.signature.role.value = "Oda Officer", "ethics officer"
    why = {"act": "decide", "decision": "reject", "words": "Too early."}
    type_in(form, **why, speaker="Cy Chair", minute="https://minutes.example/7", members="Cy Chair\nDi")
    assert press(form).startswith("Saved")
    entry = entries(folder)[1]
    assert (entry["by"], entry["role"], entry["recorded_by"]) == ("Cy Chair", "committee", "Oda Officer")
    assert entry["members"] == ["Cy Chair", "Di"]


def test_what_is_refused_is_said_and_comes_back_with_the_next_form(project):
    root = project()
    folder = published(root)
    form = form_of(root)
    type_in(form, act="decide", decision="approve", words="A pilot.")
    told = press(form)
    assert told.startswith("NOT SAVED. What you typed stays here.")
    assert "What you do: found decide of a record that is draft; allowed: submit, comment, withdraw, supersede;" in told
    assert "to do: submit the record first" in told
    assert not (folder / "review.yaml").exists()
    again = form_of(root)
    assert (again.controls["act"].value, again.controls["words"].value) == ("decide", "A pilot.")
    assert "Not entered yet" in again.said.value


def test_an_act_without_a_name_is_not_written(project):
    root = project()
    folder = published(root)
    form = form_of(root, signed=False)
    type_in(form, act="submit")
    assert "Name: found nothing" in press(form)
    assert not (folder / "review.yaml").exists()


def test_a_full_disk_loses_nothing(project, monkeypatch):
    root = project()
    folder = published(root)
    form = form_of(root)
    type_in(form, act="comment", words="Typed for an hour.")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "flush", full)
    assert "No space left on device" in press(form)
    assert form.controls["words"].value == "Typed for an hour."
    assert not (folder / "review.yaml").exists()
    monkeypatch.undo()
    assert press(form).startswith("Saved")


def test_without_a_record_it_says_what_to_do(project):
    root = project()
    form = form_of(root)
    assert "There is no record yet: ethics-kit run demo --stage impact_analysis" in form.shown.value
    type_in(form, act="submit")
    assert "found no record" in press(form)


@pytest.mark.parametrize("mode", ["workbook", "record"])
def test_the_form_is_for_workbooks_a_record_shows_its_review_itself(project, mode, monkeypatch):
    root = project()
    published(root)
    shown = []
    monkeypatch.setattr("ethics_kit.workbook.display", shown.append)
    Workbook(case_of(root), mode).review()
    assert len(shown) == (mode == "workbook")


def test_a_form_shown_again_takes_the_place_of_the_old_one(project):
    root = project()
    published(root)
    file = StageFile(case_of(root), lambda *_: None)
    desk = Desk(Project(root), root / "reports/demo" / STAGE)
    first = review_form(file, desk)
    second = review_form(file, desk)
    assert file.forms["review"].box is second
    assert first is not second


def test_what_others_wrote_is_shown_as_text(project):
    root = project()
    published(root)
    form = form_of(root)
    type_in(form, act="comment", words="<img src=x onerror=alert(1)>")
    press(form)
    assert "&lt;img" in form.shown.value
    assert "<img" not in form.shown.value
