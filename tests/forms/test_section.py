"""A section's form never loses an answer, never writes over a change it has not seen, and says what is on disk."""

import errno
import hashlib
import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest

from ethics_kit import dossier, yamlfile
from ethics_kit.forms import SectionForm, StageFile, section_form, stage_file
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Section
from ethics_kit.project import Project
from ethics_kit.stages.case import Case

Make = Callable[..., Path]
STAGE = "impact_analysis"
CHOICE, YES_NO = "optimises_for", "personalises_experience"
TEXT = next(q for q in catalogue.questions(STAGE).values() if q.type == "text" and not q.shown_when).id


def section_of(question: str) -> Section:
    return next(s for s in catalogue.sections(STAGE) if question in {q.id for q in s.questions})


@pytest.fixture
def case(project: Make) -> Callable[..., Case]:
    """The impact analysis of a project's demo system, read from disk."""

    def read(**changes: Any) -> Case:
        root = project(**changes)
        return reread(root)

    return read


def reread(root: Path) -> Case:
    found = dossier.load(Project(root), root / "parameters" / "demo", tables=False)
    return Case(found, STAGE, date.today(), root / "reports")


def file_of(case: Case) -> StageFile:
    """The stage's file as one workbook holds it."""
    return StageFile(case, lambda *_: None)


def form_of(case: Case, question: str, file: StageFile | None = None) -> SectionForm:
    """The form that shows `question`, signed, as a workbook makes it."""
    section, file = section_of(question), file or file_of(case)
    form = file.forms[section.id] = SectionForm(section, file)
    file.signature.by.value, file.signature.role.value = "Ann Lee", "analyst"
    return form


def fill(form: SectionForm, question: str, **values: Any) -> str:
    """Put values into the controls as a person does; what the form then says under the question."""
    for name, value in values.items():
        form.controls[question][name].value = value
    return said(form, question)


def said(form: SectionForm, question: str) -> str:
    """What the form says under a question, without what is shown only while no kernel answers."""
    visible = form.said[question].value.partition('<p class="silent"')[0]
    return re.sub("<[^>]+>", " ", visible).strip()


def press(form: SectionForm, question: str, words: str) -> None:
    buttons = [w for w in form.rows[question].children if isinstance(w, widgets.Button)]
    next(b for b in buttons if b.description == words).click()


def stored(form: SectionForm, question: str) -> dict[str, Any]:
    """The answer as it stands on disk."""
    return yamlfile.plain(yamlfile.read(form.file.path).data)["answers"][question]


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


# --- saving ----------------------------------------------------------------------------------------------------


def test_a_choice_is_on_disk_at_once_with_who_and_when(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    assert re.match(r"Saved \d\d:\d\d · \d+ of \d+ unanswered\. Answered by Ann Lee", fill(form, CHOICE, value="both"))
    found = stored(form, CHOICE)
    assert {name: found[name] for name in ("value", "by", "role", "on")} == {
        "value": "both",
        "by": "Ann Lee",
        "role": "analyst",
        "on": date.today(),
    }
    assert found["evidence"] is None


def test_saving_an_answer_changes_its_own_lines_and_no_other(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    before = form.file.path.read_text().splitlines()
    fill(form, CHOICE, value="both", evidence="https://a.example/x")
    after = form.file.path.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new.split("#")[0].rstrip() for _, new in changed] == [
        "    value: both",
        "    by: Ann Lee",
        "    role: analyst",
        f"    on: {date.today()}",
        "    evidence: https://a.example/x",
    ]
    assert all(old.partition("#")[2] == new.partition("#")[2] for old, new in changed)


def test_a_form_opens_with_what_is_in_the_file(case: Callable[..., Case]) -> None:
    answers = {CHOICE: {"value": "both", "evidence": "https://a.example", "note": "n"}, YES_NO: {"value": True}}
    form = form_of(case(**{STAGE: {"answers": answers}}), CHOICE)
    fields = form.controls[CHOICE]
    assert [fields[name].value for name in ("value", "evidence", "note")] == ["both", "https://a.example", "n"]
    assert form.controls[YES_NO]["value"].value == "yes"


def test_what_is_typed_and_taken_back_leaves_the_answer_with_its_author(case: Callable[..., Case]) -> None:
    theirs = {"value": "both", "by": "Bo", "role": "lead", "on": date(2026, 1, 2)}
    form = form_of(case(**{STAGE: {"answers": {CHOICE: theirs}}}), CHOICE)
    form.save(CHOICE)
    assert stored(form, CHOICE)["by"] == "Bo"
    assert form.file.backup is None


def test_taking_an_answer_back_takes_its_signature_too(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    fill(form, CHOICE, value="both")
    fill(form, CHOICE, value="")
    assert [stored(form, CHOICE).get(name) for name in ("value", "by", "role", "on")] == [None] * 4


def test_an_answer_without_a_name_is_kept_and_said_not_to_count(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    signature = form.file.signature
    signature.by.value = signature.role.value = ""
    words = fill(form, CHOICE, value="both")
    assert "Does not count yet: answered, but without the name, role and date" in words
    assert "1 not counted yet" in words
    assert stored(form, CHOICE)["value"] == "both"
    signature.by.value, signature.role.value = "Bo", "lead"
    assert stored(form, CHOICE)["by"] == "Bo"


def test_every_answer_counts_down_what_is_open(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    before = int(re.findall(r"(\d+) of", form.foot.status.value)[0])
    fill(form, CHOICE, value="both")
    assert int(re.findall(r"(\d+) of", form.foot.status.value)[0]) == before - 1


def test_evidence_that_is_a_file_is_found_and_its_hash_shown(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    (form.file.path.parent / "minutes.md").write_text("Agreed.")
    words = fill(form, CHOICE, value="both", evidence="minutes.md")
    assert f"minutes.md, found, sha256 {hashlib.sha256(b'Agreed.').hexdigest()[:12]}…" in words
    assert "Evidence: a link" in fill(form, CHOICE, evidence="https://a.example/x")


@pytest.mark.parametrize("evidence", ["../../policy.yaml", "/etc/passwd", "javascript:alert(1)", "no_such_file.pdf"])
def test_evidence_that_may_not_stand_is_told_and_the_answer_kept(case: Callable[..., Case], evidence: str) -> None:
    form = form_of(case(), CHOICE)
    fill(form, CHOICE, value="both")
    assert "NOT SAVED: evidence: found" in fill(form, CHOICE, evidence=evidence)
    found = stored(form, CHOICE)
    assert (found["value"], found["evidence"]) == ("both", None)
    reread(form.file.case.dossier.project.root)


def test_what_the_organisation_answers_is_shown_and_a_difference_needs_its_reason(case: Callable[..., Case]) -> None:
    shared = {CHOICE: {"value": "customer", "by": "Cy", "role": "chair", "on": date.today()}}
    form = form_of(case(organisation={"answers": shared}), CHOICE)
    assert "A result customers want, such as the issue resolved" in form.labels[CHOICE].value
    assert "NOT SAVED" in fill(form, CHOICE, value="both")
    assert "Saved" in fill(form, CHOICE, override_reason="Its target is its own.")
    given = reread(form.file.case.dossier.project.root).given[CHOICE]
    assert (given.answer.value, given.inherited) == ("both", False)


def test_what_others_wrote_is_shown_as_text_and_not_as_markup(case: Callable[..., Case]) -> None:
    shared = {TEXT: {"value": "<img src=x onerror=alert(1)>", "by": "<b>Cy</b>"}}
    form = form_of(case(organisation={"answers": shared}), TEXT)
    shown = form.labels[TEXT].value + "".join(html.value for html in form.said.values())
    assert "&lt;img" in shown
    assert "<img" not in shown
    assert "<b>" not in shown


# --- somebody else's change ------------------------------------------------------------------------------------


def test_a_change_by_somebody_else_is_not_written_over_and_can_be_loaded(case: Callable[..., Case]) -> None:
    form = form_of(case(), TEXT)
    path = form.file.path
    theirs = path.read_text().replace(f"  {TEXT}:\n    value:", f"  {TEXT}:\n    value: Theirs.")
    path.write_text(theirs)
    words = fill(form, TEXT, value="My long text.")
    assert words.startswith("NOT SAVED. impact_analysis.yaml was changed by somebody else since this form read it.")
    assert path.read_text() == theirs
    assert form.controls[TEXT]["value"].value == "My long text."
    press(form, TEXT, "Load their version")
    assert form.controls[TEXT]["value"].value == "Theirs."
    assert re.search(r"Your text, not saved: Answer\s+My long text\.", said(form, TEXT))
    assert path.read_text() == theirs
    press(form, TEXT, "Put my text back")
    assert stored(form, TEXT)["value"] == "My long text."
    assert "not saved" not in said(form, TEXT)
    assert not form.file.unfinished.path.exists()


def test_text_that_is_not_saved_comes_back_with_another_kernel(case: Callable[..., Case]) -> None:
    sound = case()
    form = form_of(sound, TEXT)
    form.file.path.write_text(form.file.path.read_text() + "# theirs\n")
    fill(form, TEXT, value="My long text.")
    again = form_of(sound, TEXT)
    assert re.search(r"Your text, not saved: Answer\s+My long text\.", said(again, TEXT))
    press(again, TEXT, "Forget my text")
    assert again.file.unfinished.answer(TEXT) == {}


def test_forms_of_one_workbook_do_not_take_each_other_for_strangers(case: Callable[..., Case]) -> None:
    sound = case()
    file = file_of(sound)
    first, second = form_of(sound, CHOICE, file), form_of(sound, TEXT, file)
    assert first.questions != second.questions
    for form, question, value in ((first, CHOICE, "both"), (second, TEXT, "words"), (first, YES_NO, "no")):
        assert "Saved" in fill(form, question, value=value)
    assert [stored(first, q)["value"] for q in (CHOICE, TEXT, YES_NO)] == ["both", "words", "no"]


def test_two_workbooks_on_one_file_are_strangers(case: Callable[..., Case]) -> None:
    sound = case()
    mine, yours = form_of(sound, CHOICE), form_of(sound, CHOICE)
    assert "Saved" in fill(mine, CHOICE, value="both")
    assert "NOT SAVED" in fill(yours, CHOICE, value="customer")
    assert stored(mine, CHOICE)["value"] == "both"


def test_a_question_in_two_sections_shows_what_was_answered_in_the_other(case: Callable[..., Case]) -> None:
    sound = case()
    file = file_of(sound)
    form = form_of(sound, CHOICE, file)
    short = Section(id="quick", title="Short", intro="", questions=section_of(CHOICE).questions)
    file.forms["quick"] = other = SectionForm(short, file)
    fill(other, CHOICE, value="both")
    assert form.controls[CHOICE]["value"].value == "both"
    fill(form, CHOICE, note="Mine.")
    assert stored(form, CHOICE)["value"] == "both"


def test_a_section_is_shown_from_the_file_as_it_is_now(case: Callable[..., Case]) -> None:
    sound = case()
    file = file_of(sound)
    fill(form_of(sound, CHOICE), CHOICE, value="both")
    box = section_form(section_of(CHOICE), file)
    assert isinstance(box, widgets.Box)
    shown = file.forms[section_of(CHOICE).id]
    assert isinstance(shown, SectionForm)
    assert shown.controls[CHOICE]["value"].value == "both"


def test_running_the_cells_again_keeps_signature_and_what_can_be_undone(case: Callable[..., Case]) -> None:
    sound = case()
    root = sound.dossier.project.root
    file = stage_file(sound, lambda *_: None)
    fill(form_of(sound, CHOICE, file), CHOICE, value="both")
    again = stage_file(reread(root), lambda *_: None)
    section_form(section_of(CHOICE), again)
    assert (again.signature.by.value, len(again.done)) == ("Ann Lee", 1)


# --- a disk that refuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_full_disk_is_told_the_old_file_is_whole_and_the_next_try_succeeds(
    case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    form = form_of(case(), TEXT)
    before = form.file.path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(os, broken, full)
        words = fill(form, TEXT, value="My text.")
    assert words.startswith("NOT SAVED. impact_analysis.yaml: No space left on device.")
    assert "Your text stands in this form only: copy it." in words
    assert form.file.path.read_bytes() == before
    assert list(form.file.path.parent.glob(".impact_analysis*")) == []
    assert "Saved" in fill(form, TEXT, value="My text. ")
    assert stored(form, TEXT)["value"] == "My text."


def test_a_disk_that_really_takes_no_more_is_told_and_the_old_file_is_whole(case: Callable[..., Case]) -> None:
    import resource

    form = form_of(case(), TEXT)
    before = form.file.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        words = fill(form, TEXT, value="My text.")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert words.startswith("NOT SAVED. impact_analysis.yaml: File too large. Your text stays here, and is kept")
    assert form.file.path.read_bytes() == before
    assert form.file.unfinished.answer(TEXT) == {"value": "My text."}


def test_a_file_that_may_not_be_written_is_told_and_the_text_kept_aside(
    case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_of(case(), TEXT)
    fill(form, TEXT, value="First.")
    whole = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target == form.file.path:
            raise PermissionError(errno.EACCES, "Permission denied")
        return whole(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refuse)
        words = fill(form, TEXT, value="Second.")
    assert words.startswith("NOT SAVED. impact_analysis.yaml: Permission denied. Your text stays here, and is kept")
    assert stored(form, TEXT)["value"] == "First."
    assert form.file.unfinished.answer(TEXT) == {"value": "Second."}


def test_a_file_that_went_away_is_told(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    form.file.path.unlink()
    assert fill(form, CHOICE, value="both").startswith("NOT SAVED. impact_analysis.yaml: No such file or directory")
    assert not form.file.path.exists()


# --- the way back ----------------------------------------------------------------------------------------------


def status(form: SectionForm) -> str:
    return re.sub("<[^>]+>", " ", form.foot.status.value)


def test_changes_are_undone_one_by_one_to_the_very_bytes(case: Callable[..., Case]) -> None:
    sound = case()
    file = file_of(sound)
    first, second = form_of(sound, CHOICE, file), form_of(sound, TEXT, file)
    start = file.path.read_bytes()
    fill(first, CHOICE, value="both")
    middle = file.path.read_bytes()
    fill(second, TEXT, value="Words.")
    first.foot.undo()
    assert file.path.read_bytes() == middle
    assert second.controls[TEXT]["value"].value == ""
    assert f"the answer to “{second.questions[TEXT].text}”" in status(first)
    first.foot.undo()
    assert file.path.read_bytes() == start
    assert first.controls[CHOICE]["value"].value == ""
    first.foot.undo()
    assert "Nothing to undo" in status(first)
    assert file.path.read_bytes() == start


def test_somebody_elses_change_is_not_undone(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    fill(form, CHOICE, value="both")
    theirs = form.file.path.read_text() + "# theirs\n"
    form.file.path.write_text(theirs)
    form.foot.undo()
    assert "NOT UNDONE: impact_analysis.yaml was changed by somebody else" in status(form)
    assert form.file.path.read_text() == theirs


def test_the_file_as_it_was_is_kept_once_in_a_session_and_the_form_says_where(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    start = form.file.path.read_bytes()
    assert "Before your first change the file is copied to workbooks/demo/backups/" in status(form)
    for value in ("both", "customer"):
        fill(form, CHOICE, value=value)
    backups = list((form.file.own / "backups").iterdir())
    assert [path.read_bytes() for path in backups] == [start]
    assert f"workbooks/demo/backups/{backups[0].name}" in status(form)


def test_without_room_for_the_copy_nothing_is_changed(
    case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_of(case(), CHOICE)
    start = form.file.path.read_bytes()
    form.file.own.parent.mkdir(parents=True, exist_ok=True)
    form.file.own.write_text("a file where the workbook's folder should be")
    assert "NOT SAVED" in fill(form, CHOICE, value="both")
    assert form.file.path.read_bytes() == start
