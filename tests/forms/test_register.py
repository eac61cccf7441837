"""Tables of a stage's file: rows are added, changed and removed; none is lost, and none is saved that is not valid."""

import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import dossier, yamlfile
from ethics_kit.forms import RegisterForm, StageFile
from ethics_kit.forms.register import form_id
from ethics_kit.framework import catalogue
from ethics_kit.project import Project, bundle
from ethics_kit.record import Finding
from ethics_kit.registers import registers
from ethics_kit.stages.case import Case

Make = Callable[..., Path]
RISK = {"id": "X1", "title": "Own", "inherent": {"likelihood": 2, "severity": 2}, "owner": "Olu"}


def case_of(root: Path, stage: str = "impact_analysis") -> Case:
    found = dossier.load(Project(root), root / "parameters" / "demo", tables=False)
    return Case(found, stage, date.today(), root / "reports")


def form_of(case: Case, register: str, file: StageFile | None = None, findings: Any = ()) -> RegisterForm:
    """A register's form, signed, as a workbook makes it."""
    file = file or StageFile(case, lambda *_: None)
    file.signature.by.value, file.signature.role.value = "Ann Lee", "analyst"
    found = registers(case.stage)[register]
    form = file.forms[form_id(found)] = RegisterForm(found, file, lambda: findings)
    assert isinstance(form, RegisterForm)
    return form


def fill(form: RegisterForm, **values: Any) -> str:
    """Put values into the editor (``a__b`` is the field a.b); what the form then says."""
    for name, value in values.items():
        form.editor.controls[name.replace("__", ".")].value = value
    return said(form)


def said(form: RegisterForm) -> str:
    visible = form.said.value.partition('<p class="silent"')[0]
    return re.sub("<[^>]+>", " ", visible).strip()


def stored(form: RegisterForm) -> Any:
    return yamlfile.plain(yamlfile.read(form.file.path).data).get(form.register.path[0])


def test_a_risk_of_the_library_fills_in_what_is_typical_and_is_saved(project: Make) -> None:
    form = form_of(case_of(project()), "risks")
    risk = catalogue.risks()["R7"]
    assert fill(form, id="R7").startswith("Saved")
    expected = {"id": "R7", "title": risk.title, "inherent": {"likelihood": risk.likelihood, "severity": risk.severity}}
    assert stored(form) == [expected]
    assert risk.cause.split(".")[0] in form.editor.hints["id"].value
    fill(form, inherent__likelihood=1, treatment="Two clicks.")
    assert stored(form) == [
        expected | {"inherent": {"likelihood": 1, "severity": risk.severity}, "treatment": "Two clicks."}
    ]


def test_a_row_lacks_something_is_kept_aside_and_comes_back_with_another_kernel(project: Make) -> None:
    case = case_of(project())
    form = form_of(case, "risks_ruled_out")
    words = fill(form, reason="Prices do not depend on it.")
    assert words.startswith("NOT SAVED in the table yet. Risk: a value is needed.")
    assert stored(form) == []
    again = form_of(case, "risks_ruled_out")
    assert again.editor.controls["reason"].value == "Prices do not depend on it."
    assert "1 not saved in the table yet" in again.foot.status.value
    assert fill(again, id="R3").startswith("Saved")
    assert stored(again) == [{"id": "R3", "reason": "Prices do not depend on it.", "by": "Ann Lee", "on": date.today()}]
    assert not again.file.unfinished.path.exists()


def test_a_change_that_is_not_valid_leaves_the_row_as_it_was_and_is_kept_aside(project: Make) -> None:
    case = case_of(project(impact_analysis={"risks": [RISK]}))
    form = form_of(case, "risks")
    form.chooser.value = "row 0"
    assert fill(form, title="").startswith("NOT SAVED in the table yet. Title: a value is needed.")
    assert stored(form) == [RISK]
    again = form_of(case, "risks")
    assert again.editor.controls["title"].value == ""
    assert "(a change is not saved)" in again.chooser.options[1][0]
    assert fill(again, title="Other").startswith("Saved")
    assert stored(again) == [RISK | {"title": "Other"}]


def test_a_row_is_removed_and_brought_back(project: Make) -> None:
    form = form_of(case_of(project(impact_analysis={"risks": [RISK, RISK | {"id": "X2"}]})), "risks")
    before = form.file.path.read_bytes()
    form.chooser.value = "row 0"
    form.remove_button.click()
    assert [row["id"] for row in stored(form)] == ["X2"]
    assert said(form).startswith("Removed")
    form.foot.undo_button.click()
    assert form.file.path.read_bytes() == before


def test_a_risk_named_twice_is_refused_in_words(project: Make) -> None:
    form = form_of(case_of(project(impact_analysis={"risks": [RISK]})), "risks")
    fill(form, title="Again")
    assert "X1 a second time" in fill(form, id="X1")
    assert stored(form) == [RISK]


def test_somebody_elses_row_is_not_written_over_and_mine_stays(project: Make) -> None:
    form = form_of(case_of(project(impact_analysis={"risks": [RISK]})), "risks")
    path = form.file.path
    form.chooser.value = "row 0"
    theirs = path.read_text().replace("title: Own", "title: Theirs")
    path.write_text(theirs)
    assert fill(form, treatment="Mine.").startswith("NOT SAVED. impact_analysis.yaml was changed by somebody else")
    assert path.read_text() == theirs
    form.load_button.click()
    assert "Theirs" in form.shown.value
    assert form.editor.controls["treatment"].value == "Mine."
    assert path.read_text() == theirs
    form.chooser.value = "row 0"
    assert form.editor.controls["title"].value == "Theirs"
    assert any("Not saved yet" in words for words, _ in form.chooser.options)


def test_consultations_lie_under_their_group(project: Make) -> None:
    once = {"on": date(2026, 1, 2), "how": "panel", "raised": "a"}
    groups = [
        {"group": "customers_decided_on", "name": "Customers", "consulted": once},
        {"group": "agents", "name": "Agents"},
    ]
    form = form_of(case_of(project(impact_analysis={"stakeholders": groups})), "consultations")
    for number in (0, 1):
        form.new()
        fill(form, _of=number, on=date(2026, 5, 5), how="survey", raised="One.\nTwo.")
        assert said(form).startswith("Saved")
    fresh = {"on": date(2026, 5, 5), "how": "survey", "raised": "One.\nTwo."}
    assert [group["consulted"] for group in stored(form)] == [[once, fresh], [fresh]]


def test_a_standard_that_the_organisation_settled_needs_a_reason_to_differ(project: Make) -> None:
    shared = {"gdpr": {"applies": "yes", "reason": "EU", "by": "Cy", "on": date(2026, 1, 2)}}
    form = form_of(case_of(project(organisation={"standards": shared})), "standards")
    assert "The organisation says: yes" in (fill(form, _key="gdpr") and form.editor.hints["_key"].value)
    assert "NOT SAVED" in fill(form, applies="no", reason="No people in the EU.")
    assert fill(form, override_reason="It serves one country.").startswith("Saved")
    assert stored(form)["gdpr"]["applies"] == "no"


def test_the_inventory_says_who_keeps_it_with_its_first_row(project: Make) -> None:
    form = form_of(case_of(project(), "design_review"), "inventory")
    fill(
        form,
        columns="decisions: customer_id, score\ncustomers: region",
        category="behavioural",
        recipients="Mailer: IE",
    )
    assert said(form).startswith("Saved")
    row = {
        "columns": {"decisions": ["customer_id", "score"], "customers": ["region"]},
        "category": "behavioural",
        "recipients": {"Mailer": "IE"},
    }
    assert stored(form) == {"by": "Ann Lee", "on": date.today(), "rows": [row]}


def test_a_finding_to_act_on_is_chosen_from_what_is_not_met(project: Make) -> None:
    finding = Finding(
        id="S1.2.open_risk", requirement="S1.2", status="not_met", evidence="attested", statement="A risk is open.",
        null_reason="a statement, not a number",
    )  # fmt: skip
    form = form_of(case_of(project()), "actions", findings=[finding])
    assert "S1.2.open_risk" in [value for _, value in form.editor.controls["finding"].options]
    fill(form, finding="S1.2.open_risk", action="Close it.", owner="Olu", due=date(2026, 12, 1))
    assert stored(form) == [
        {"finding": "S1.2.open_risk", "action": "Close it.", "owner": "Olu", "due": date(2026, 12, 1)}
    ]


def test_what_others_wrote_is_shown_as_text_and_not_as_markup(project: Make) -> None:
    form = form_of(case_of(project(impact_analysis={"risks": [RISK | {"title": "<img src=x>"}]})), "risks")
    form.chooser.value = "row 0"
    assert "<img" not in form.shown.value + form.said.value
    assert "&lt;img" in form.shown.value


@pytest.mark.parametrize("stage", ["impact_analysis", "design_review", "bias_testing", "deployment_signoff"])
def test_every_register_opens_and_saves_nothing_by_itself(project: Make, stage: str) -> None:
    case = case_of(project(), stage)
    file = StageFile(case, lambda *_: None)
    before = file.path.read_bytes()
    for register in registers(stage):
        form = form_of(case, register, file)
        form.save()
        form.new()
    assert file.path.read_bytes() == before
    assert not file.unfinished.path.exists()


@pytest.mark.parametrize("stage", ["impact_analysis", "design_review"])
@pytest.mark.parametrize("system", ["support_triage", "support_assistant"])
def test_every_row_of_an_example_goes_through_the_form_unchanged(tmp_path: Path, system: str, stage: str) -> None:
    shutil.copytree(bundle() / "parameters", tmp_path / "parameters", ignore=shutil.ignore_patterns("data"))
    found = dossier.load(Project(tmp_path), tmp_path / "parameters" / system, tables=False)
    file = StageFile(Case(found, stage, date(2026, 11, 1), tmp_path / "reports"), lambda *_: None)
    before, opened = file.path.read_bytes(), 0
    for register in registers(stage):
        form = form_of(file.case, register, file)
        for row in form.rows:
            form._open(row)
            form.save()
            opened += 1
    assert opened > 4
    assert file.path.read_bytes() == before
    assert not file.unfinished.path.exists()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"expires": date(2026, 8, 1)}, "before the report of 2026-09-01"),
        ({"evidence": "gone.md"}, "no file gone.md"),
        ({"scope": "other: model-1"}, "an audit of other"),
    ],
)
def test_an_audit_that_check_refuses_is_not_saved_so_that_the_workbook_opens_again(
    project: Make, wrong: dict[str, Any], told: str
) -> None:
    root = project()
    audit = {
        "auditor": "Calder",
        "scope": "demo: model-1",
        "on": date(2026, 9, 1),
        "expires": date(2027, 8, 31),
        "evidence": "https://example.org/audit",
        "by": "Ann Lee",
    }
    form = form_of(case_of(root, "deployment_signoff"), "audits")
    words = fill(form, **audit | wrong)
    assert words.startswith("NOT SAVED")
    assert told in words
    assert not stored(form)
    assert case_of(root, "deployment_signoff")
    assert fill(form, **{name: audit[name] for name in wrong}).startswith("Saved")


def test_steps_of_a_rollout_that_check_refuses_are_not_saved(project: Make) -> None:
    case = case_of(project(), "deployment_signoff")
    file = StageFile(case, lambda *_: None)
    assert fill(form_of(case, "rollout", file), method="pocock", by="Ann Lee").startswith("Saved")
    steps = form_of(case, "rollout_steps", file)
    told = fill(steps, step="2", starts=date(2026, 9, 1), exposed="300", control="300")
    assert told.startswith("NOT SAVED")
    assert "number the steps as they follow each other" in told
    assert fill(steps, step="1").startswith("Saved")
