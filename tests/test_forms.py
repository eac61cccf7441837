"""Forms never lose an answer, never write over a change they have not seen, and say what is on disk."""

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ethics_kit import dossier, yamlfile
from ethics_kit.errors import InputError
from ethics_kit.forms import AnswerFile, ChangedOnDisk, SectionForm, section_form
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


def path_of(case: Case) -> Path:
    return case.dossier.folder / f"{STAGE}.yaml"


def form_of(case: Case, question: str, file: AnswerFile | None = None) -> SectionForm:
    """The form that shows `question`, signed, as a workbook makes it."""
    root = case.dossier.project.root
    form = SectionForm(case, section_of(question), file or AnswerFile(path_of(case)), lambda: reread(root))
    form.by.value, form.role.value = "Ann Lee", "analyst"
    return form


def fill(form: SectionForm, question: str, **values: Any) -> str:
    """Put values into the controls as a person does; what the form then says under the question."""
    for name, value in values.items():
        form.controls[question][1][name].value = value
    return re.sub("<[^>]+>", "", form.said[question].value)


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


# --- the file --------------------------------------------------------------------------------------------------


def test_saving_an_answer_changes_its_own_lines_and_no_other(case: Callable[..., Case]) -> None:
    path = path_of(case())
    before = path.read_text().splitlines()
    AnswerFile(path).save(CHOICE, {"value": "both", "by": "Ann", "evidence": "https://a.example/x", "note": None})
    after = path.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new.split("#")[0].rstrip() for _, new in changed] == [
        "    value: both",
        "    by: Ann",
        "    evidence: https://a.example/x",
    ]
    assert all(old.partition("#")[2] == new.partition("#")[2] for old, new in changed)


def test_a_file_without_answers_gets_its_first(case: Callable[..., Case]) -> None:
    path = path_of(case())
    path.write_text("# mine\nanswers:\n\n# rows\nrisks: []\n")
    AnswerFile(path).save(CHOICE, {"value": "both"})
    assert yamlfile.plain(yamlfile.read(path).data) == {"answers": {CHOICE: {"value": "both"}}, "risks": []}
    assert comments(path.read_text()) == ["# mine", "# rows"]


def test_a_change_by_somebody_else_is_not_written_over(case: Callable[..., Case]) -> None:
    path = path_of(case())
    file = AnswerFile(path)
    theirs = path.read_text() + "# theirs\n"
    path.write_text(theirs)
    with pytest.raises(ChangedOnDisk):
        file.save(CHOICE, {"value": "both"})
    assert path.read_text() == theirs


def test_an_answer_that_is_not_valid_is_not_written(case: Callable[..., Case]) -> None:
    path = path_of(case())
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"evidence: found .* allowed: at most 300 characters"):
        AnswerFile(path).save(CHOICE, {"value": "both", "evidence": "x" * 301})
    assert path.read_bytes() == before


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_whole_and_the_next_try_succeeds(
    case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = path_of(case())
    file, before = AnswerFile(path), path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, broken, full)
        with pytest.raises(OSError, match="No space left"):
            file.save(CHOICE, {"value": "both"})
    assert path.read_bytes() == before
    file.save(CHOICE, {"value": "both"})
    assert file.answer(CHOICE)["value"] == "both"


LINES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n#:'\"-|>&*!%@`{}[], "), max_size=300
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=LINES, note=LINES)
def test_whatever_is_typed_comes_back_and_leaves_the_rest_alone(tmp_path: Path, text: str, note: str) -> None:
    path = tmp_path / "impact_analysis.yaml"
    path.write_text(
        "# top\nanswers:\n  # before\n  first:\n    value:   # text\n    by:\n\n"
        "  # between\n  second:\n    value: kept\n\n# after\nrisks: []   # rows\n"
    )
    AnswerFile(path).save("first", {"value": text or None, "note": note.strip() or None})
    found = yamlfile.plain(yamlfile.read(path).data)
    expected = {"value": text or None, "by": None} | ({"note": note.strip()} if note.strip() else {})
    assert found == {"answers": {"first": expected, "second": {"value": "kept"}}, "risks": []}
    assert [c for c in comments(path.read_text()) if c in ("# top", "# before", "# between", "# after")] == [
        "# top",
        "# before",
        "# between",
        "# after",
    ]


# --- the form --------------------------------------------------------------------------------------------------


def test_a_choice_is_on_disk_at_once_with_who_and_when(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    assert "Saved" in fill(form, CHOICE, value="both")
    stored = AnswerFile(form.file.path).answer(CHOICE)
    assert {name: stored[name] for name in ("value", "by", "role", "on")} == {
        "value": "both",
        "by": "Ann Lee",
        "role": "analyst",
        "on": date.today(),
    }
    assert stored["evidence"] is None


def test_a_form_opens_with_what_is_in_the_file(case: Callable[..., Case]) -> None:
    answers = {CHOICE: {"value": "both", "evidence": "https://a.example", "note": "n"}, YES_NO: {"value": True}}
    form = form_of(case(**{STAGE: {"answers": answers}}), CHOICE)
    fields = form.controls[CHOICE][1]
    assert [fields[name].value for name in ("value", "evidence", "note")] == ["both", "https://a.example", "n"]
    assert form.controls[YES_NO][1]["value"].value == "yes"


def test_taking_an_answer_back_takes_its_signature_too(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    fill(form, CHOICE, value="both")
    fill(form, CHOICE, value="")
    stored = AnswerFile(form.file.path).answer(CHOICE)
    assert [stored.get(name) for name in ("value", "by", "role", "on")] == [None] * 4


def test_an_answer_without_a_name_is_kept_and_said_not_to_count(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    form.by.value = form.role.value = ""
    said = fill(form, CHOICE, value="both")
    assert "Does not count yet: answered, but without the name, role and date" in said
    assert form.file.answer(CHOICE)["value"] == "both"
    form.by.value, form.role.value = "Bo", "lead"
    assert form.file.answer(CHOICE)["by"] == "Bo"


def test_a_change_by_somebody_else_is_told_and_the_text_stays_in_the_form(case: Callable[..., Case]) -> None:
    form = form_of(case(), TEXT)
    theirs = form.file.path.read_text() + "# theirs\n"
    form.file.path.write_text(theirs)
    said = fill(form, TEXT, value="my long text")
    assert said.startswith("NOT SAVED. impact_analysis.yaml was changed by somebody else since this form read it.")
    assert form.file.path.read_text() == theirs
    assert form.controls[TEXT][1]["value"].value == "my long text"


def test_a_disk_that_refuses_is_told_and_the_old_file_is_whole(
    case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_of(case(), TEXT)
    before = form.file.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        said = fill(form, TEXT, value="my text")
    assert said == "NOT SAVED. impact_analysis.yaml: No space left on device"
    assert form.file.path.read_bytes() == before
    assert list(form.file.path.parent.glob(".impact_analysis*")) == []


def test_a_file_that_went_away_is_told(case: Callable[..., Case]) -> None:
    form = form_of(case(), CHOICE)
    form.file.path.unlink()
    assert fill(form, CHOICE, value="both") == "NOT SAVED. impact_analysis.yaml: No such file or directory"
    assert not form.file.path.exists()


def test_forms_of_one_workbook_do_not_take_each_other_for_strangers(case: Callable[..., Case]) -> None:
    sound = case()
    file = AnswerFile(path_of(sound))
    first, second = form_of(sound, CHOICE, file), form_of(sound, TEXT, file)
    assert first.questions != second.questions
    for form, question, value in ((first, CHOICE, "both"), (second, TEXT, "words"), (first, YES_NO, "no")):
        assert "Saved" in fill(form, question, value=value)
    stored = AnswerFile(file.path)
    assert [stored.answer(q)["value"] for q in (CHOICE, TEXT, YES_NO)] == ["both", "words", "no"]


def test_two_workbooks_on_one_file_are_strangers(case: Callable[..., Case]) -> None:
    sound = case()
    mine, yours = form_of(sound, CHOICE), form_of(sound, CHOICE)
    assert "Saved" in fill(mine, CHOICE, value="both")
    assert "NOT SAVED" in fill(yours, CHOICE, value="customer")
    assert AnswerFile(path_of(sound)).answer(CHOICE)["value"] == "both"


@pytest.mark.parametrize("evidence", ["../../policy.yaml", "/etc/passwd", "javascript:alert(1)", "no_such_file.pdf"])
def test_evidence_that_may_not_stand_is_told_and_the_answer_kept(case: Callable[..., Case], evidence: str) -> None:
    form = form_of(case(), CHOICE)
    fill(form, CHOICE, value="both")
    said = fill(form, CHOICE, evidence=evidence)
    assert "NOT SAVED: evidence: found" in said
    stored = AnswerFile(form.file.path).answer(CHOICE)
    assert (stored["value"], stored["evidence"]) == ("both", None)
    reread(form.case.dossier.project.root)


def test_what_the_organisation_answers_is_shown_and_a_difference_needs_its_reason(case: Callable[..., Case]) -> None:
    shared = {CHOICE: {"value": "customer", "by": "Cy", "role": "chair", "on": date.today()}}
    form = form_of(case(organisation={"answers": shared}), CHOICE)
    assert "A result customers want, such as the issue resolved" in form.controls[CHOICE][0].value
    assert "NOT SAVED" in fill(form, CHOICE, value="both")
    assert "Saved" in fill(form, CHOICE, override_reason="Its target is its own.")
    given = reread(form.case.dossier.project.root).given[CHOICE]
    assert (given.answer.value, given.inherited) == ("both", False)


def test_what_others_wrote_is_shown_as_text_and_not_as_markup(case: Callable[..., Case]) -> None:
    shared = {TEXT: {"value": "<img src=x onerror=alert(1)>", "by": "<b>Cy</b>"}}
    form = form_of(case(organisation={"answers": shared}), TEXT)
    shown = form.controls[TEXT][0].value + "".join(said.value for said in form.said.values())
    assert "&lt;img" in shown
    assert "<img" not in shown
    assert "<b>" not in shown


def test_a_section_is_shown_from_the_file_as_it_is_now(case: Callable[..., Case]) -> None:
    sound = case()
    file = AnswerFile(path_of(sound))
    AnswerFile(path_of(sound)).save(CHOICE, {"value": "both"})
    root = sound.dossier.project.root
    box = section_form(reread(root), section_of(CHOICE), file, on_saved=lambda: reread(root))
    assert isinstance(box, widgets.Box)
    assert file.forms[section_of(CHOICE).id].controls[CHOICE][1]["value"].value == "both"
