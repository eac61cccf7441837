"""The short way in: twelve questions and one table; nothing is approved on it, and going on loses nothing."""

import csv
import datetime
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ethics_kit import dossier, review, scaffold, yamlfile
from ethics_kit.attestation.identities import Reviewed
from ethics_kit.errors import InputError
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, Project
from ethics_kit.recommendation import recommend
from ethics_kit.record import Obligations
from ethics_kit.report import html
from ethics_kit.report.first import first
from ethics_kit.stages import answers
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude
from ethics_kit.workbook import Workbook

Edit = Callable[..., None]
Make = Callable[..., Path]
DAY = datetime.date(2026, 11, 1)
SYSTEM = "parameters/my_churn"
QUICK = [q for q in catalogue.questions("impact_analysis").values() if q.quick]


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a preliminary dossier made from a table of 60 decisions."""
    root = tmp_path / "short"
    root.mkdir()
    monkeypatch.chdir(root)
    header = ["customer_id", "decided_at", "flagged", "gender"]
    rows = [[i, f"2026-10-{i % 28 + 1:02d}", "yn"[i % 2], "fm"[i % 3 == 0]] for i in range(60)]
    with (root / "decisions.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    scaffold.create("my_churn", like="", data=root / "decisions.csv", quick=True)
    return root


def load(root: Path) -> dossier.Dossier:
    return dossier.load(Project(root), root / SYSTEM)


def case(root: Path, stage: str = "impact_analysis") -> Case:
    return Case(load(root), stage, DAY, root / "reports")


def sign(edit: Edit, root: Path, **values: str) -> None:
    for question, value in values.items():
        given = {"value": value, "by": "Ana Ruiz", "role": "analyst", "on": datetime.date(2026, 10, 31)}
        edit(root / SYSTEM / "impact_analysis.yaml", ("answers", question), given)


# --- what is written -------------------------------------------------------------------------------------------


def test_it_asks_at_most_twelve_questions_every_legal_trigger_among_them() -> None:
    every = [q for stage in STAGES for q in catalogue.questions(stage).values()]
    assert 0 < sum(q.quick for q in every) <= 12
    assert all(q.quick for q in every if q.trigger)


def test_the_questions_with_most_points_are_among_them() -> None:
    raw = [q for q in catalogue.questions("impact_analysis").values() if q.scores == "raw"]
    assert max(raw, key=lambda q: q.max_points).quick


def test_a_short_dossier_is_in_order_and_asks_only_the_short_questionnaire(short: Path) -> None:
    found = load(short)
    assert found.system.preliminary
    assert list(found.answers("impact_analysis")) == [q.id for q in QUICK]
    assert all(not found.answers(stage) for stage in STAGES if stage != "impact_analysis")
    assert found.system.tables["decisions"].columns["decision"] == "flagged"


def test_its_one_workbook_asks_them_in_one_form_and_shows_the_level(short: Path) -> None:
    (path,) = (short / "workbooks/my_churn").iterdir()
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    assert code[-2:] == ['book.ask("quick")', "book.assess(stage.impact_level)"]
    assert f'system = "{SYSTEM}"' in code[0]
    assert answers.section("impact_analysis", "quick").questions == tuple(QUICK)


def test_a_notebook_shows_the_short_questionnaire_as_a_section(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Workbook(case(short), "record").ask("quick")
    assert f"The short questionnaire: {len(QUICK)} questions" in capsys.readouterr().out


def test_what_is_not_asked_at_the_level_is_told_with_the_reason(short: Path) -> None:
    question = catalogue.questions("design_review")["reviewers_have_time"]
    later, other = question.model_copy(update={"from_level": "III"}), question.model_copy(update={"kinds": ("rules",)})
    assert case(short, "design_review").skipped(later) is None  # without an impact analysis the level may be IV
    assert case(short, "design_review").skipped(other) == "asked of rules systems"
    low = case(short, "design_review")
    low.__dict__["level"] = low.level.model_copy(update={"holds": "II"})
    assert low.skipped(later) == "asked from level III"
    page = html.part("answers", "Oversight", "", [], {later.text: "asked from level III"})
    assert "Not asked here: “" in page
    assert "(asked from level III)." in page


def test_it_says_what_to_do_next_in_three_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = scaffold.create("x", like="", data=None, quick=True)
    told = "\n".join(lines[lines.index("") :])
    for number, command in enumerate(("check", "open", "run"), start=1):
        assert f"  {number}. " in told
        assert f"ethics-kit {command} parameters/x" in told
    assert "ethics-kit complete parameters/x" in lines[-1]


@pytest.mark.parametrize("option", [{"quick": True}, {"kind": "scored"}])
def test_an_example_is_copied_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"found --\w+ together with --like .*; allowed: one of the two"):
        scaffold.create("x", like="churn_risk", data=None, **option)
    assert list(tmp_path.iterdir()) == []


# --- nothing is approved on it ---------------------------------------------------------------------------------


def test_a_preliminary_dossier_is_never_approved_whatever_else_is_in_order() -> None:
    with_duties = {"level": "I", "kind": "scored", "conditions": {}, "duties": []}
    verdicts = {
        short: recommend([], Obligations(**with_duties, preliminary=short), [], DAY).missing for short in (True, False)
    }
    assert verdicts == {True: ["preliminary dossier"], False: []}
    assert recommend([], Obligations(**with_duties, preliminary=True), [], DAY).verdict == "undetermined"


@pytest.mark.parametrize("stage", STAGES)
def test_the_mark_reaches_every_stages_obligations(project: Make, stage: str) -> None:
    root = project(system={"preliminary": True})
    found = dossier.load(Project(root), root / "parameters/demo")
    assert Case(found, stage, DAY, root / "reports").obligations.preliminary


@pytest.mark.parametrize("stage", STAGES)
def test_what_was_not_asked_is_not_assessed_and_says_so(short: Path, stage: str) -> None:
    record = conclude(
        case(short, stage), {s.id: answers.attested(case(short, stage), s.id) for s in catalogue.sections(stage)}
    )
    attested = [f for f in record.findings if f.evidence == "attested" and f.null_reason == "not asked yet"]
    assert attested
    assert all(f.status == "not_assessed" and f.statement.endswith("” was not asked yet.") for f in attested)
    assert record.recommendation.verdict in ("undetermined", "reject")
    assert "preliminary dossier" in record.recommendation.missing


def test_page_one_says_that_it_is_preliminary_and_how_little_was_asked(short: Path) -> None:
    record = conclude(case(short), {})
    every = [q for stage in STAGES for q in catalogue.questions(stage).values() if "scored" in q.kinds]
    draft = Reviewed(review.replayed(record, ())[0])
    page = html.part("verdict", record, draft, first(record, draft.review))
    assert f"Preliminary: {len(QUICK)} of {len(every)} questions were asked." in page
    full = record.model_copy(update={"obligations": record.obligations.model_copy(update={"preliminary": False})})
    assert "Preliminary" not in html.part("verdict", full, draft, first(full, draft.review))


def test_questions_not_asked_count_at_their_worst(short: Path, edit: Edit) -> None:
    best = {q.id: min(q.options, key=lambda c: c.points).value for q in QUICK if q.scores}
    sign(edit, short, **best, **{q.id: "no" for q in QUICK if q.trigger})
    level = case(short).level
    unasked = [q for q in catalogue.questions("impact_analysis").values() if q.scores == "raw" and not q.quick]
    assert level.value == "undetermined"
    assert level.points["raw_high"] - level.points["raw_low"] >= sum(q.max_points for q in unasked)


def test_an_answer_given_by_hand_to_a_question_not_asked_counts(short: Path, edit: Edit) -> None:
    before = case(short).level.points["raw_high"]
    sign(edit, short, effect_on_price="unchanged")
    question = catalogue.questions("impact_analysis")["effect_on_price"]
    assert not question.quick
    assert case(short).level.points["raw_high"] == before - question.max_points


# --- going on --------------------------------------------------------------------------------------------------


def test_completing_adds_every_question_of_the_kind_and_the_workbooks(short: Path) -> None:
    lines = scaffold.complete("my_churn")
    found = load(short)
    assert not found.system.preliminary
    for stage in STAGES:
        of_kind = {q.id for q in catalogue.questions(stage).values() if "scored" in q.kinds}
        assert set(found.answers(stage)) == of_kind
    assert sum(line.startswith("wrote  workbooks/my_churn/") for line in lines) == 4
    assert (short / "workbooks/my_churn/0_short_questionnaire.ipynb").is_file()


def test_completing_keeps_every_line_but_the_mark(short: Path, edit: Edit) -> None:
    sign(edit, short, effect_severity="annoyance")
    path = short / SYSTEM / "impact_analysis.yaml"
    path.write_text("# mine, above\n" + path.read_text().replace("  share_automated:", "  # mine\n  share_automated:"))
    before = {p.name: p.read_text().splitlines() for p in (short / SYSTEM).glob("*.yaml")}
    scaffold.complete("my_churn")
    for name, lines in before.items():
        after = (short / SYSTEM / name).read_text().splitlines()
        lost = [line[2:] for line in difflib.ndiff(lines, after) if line.startswith("- ")]
        assert all(line.startswith(("preliminary: yes", "# The short", "answers: {}")) for line in lost), name
    assert load(short).answers("impact_analysis")["effect_severity"].answer.by == "Ana Ruiz"


def test_completing_twice_changes_nothing_more(short: Path) -> None:
    scaffold.complete("my_churn")
    before = {p: p.read_bytes() for p in (short / "parameters").rglob("*.yaml")}
    lines = scaffold.complete("my_churn")
    assert {p: p.read_bytes() for p in (short / "parameters").rglob("*.yaml")} == before
    assert all(line.startswith("whole ") for line in lines)


def test_completing_a_dossier_that_lost_a_question_adds_that_one(short: Path, edit: Edit) -> None:
    scaffold.complete("my_churn")
    path = short / SYSTEM / "design_review.yaml"
    edit(path, ("answers", "reviewers_have_time"), ...)
    scaffold.complete("my_churn")
    assert "reviewers_have_time" in YAML(typ="safe", pure=True).load(path)["answers"]


def test_answers_that_nothing_can_be_added_to_are_refused_and_nothing_is_written(short: Path) -> None:
    path = short / SYSTEM / "design_review.yaml"
    path.write_text("answers: {reviewers_have_time: {value: yes}}\n")
    before = {p: p.read_bytes() for p in short.rglob("*") if p.is_file()}
    with pytest.raises(InputError, match=r"design_review\.yaml:1: answers: found answers written in a way that"):
        scaffold.complete("my_churn")
    assert {p: p.read_bytes() for p in short.rglob("*") if p.is_file()} == before


def test_without_a_kind_it_cannot_be_said_what_to_ask(short: Path, edit: Edit) -> None:
    edit(short / SYSTEM / "system.yaml", ("kind",), "scord")
    with pytest.raises(InputError, match=r"kind: found no kind of system; allowed: scored, ranked"):
        scaffold.complete("my_churn")


WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    notes=st.dictionaries(st.sampled_from([q.id for q in QUICK]), WORDS, max_size=4),
    remark=WORDS,
    indent=st.integers(1, 6),
    ending=st.sampled_from(["", "\n", "\n\n# the end\n", "\nactions: []"]),
)
def test_whatever_stands_there_is_said_afterwards_too(
    short: Path, notes: dict[str, str], remark: str, indent: int, ending: str
) -> None:
    blank = " " * indent
    written = [f"{blank}{q}:  # {remark}\n{blank} note: {yaml_text(note)}" for q, note in notes.items()]
    text = ("answers:\n" + "\n".join(written) if written else "answers:") + ending
    path = short / SYSTEM / "impact_analysis.yaml"
    path.write_text(text, encoding="utf-8")
    before = yamlfile.plain(yamlfile.read(path).data)
    scaffold.complete("my_churn")
    after = yamlfile.plain(yamlfile.read(path).data)
    assert {q: after["answers"][q] for q in notes} == (before["answers"] or {})
    assert set(after["answers"]) == {q.id for q in catalogue.questions("impact_analysis").values()}
    assert path.read_text(encoding="utf-8").count(f"# {remark}\n") >= len(notes)


def yaml_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
