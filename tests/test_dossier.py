"""A dossier is validated whole before anything runs: every problem of every file, with its line."""

import json
import pickle
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from ruamel.yaml import YAML

from ethics_kit import dossier, schema
from ethics_kit.errors import InputError
from ethics_kit.framework import catalogue
from ethics_kit.measures import formats
from ethics_kit.project import STAGES, Project
from ethics_kit.stages.case import Case

Make = Callable[..., Path]
Edit = Callable[..., None]

DEMO = "parameters/demo/"
SYSTEM, IMPACT = DEMO + "system.yaml", DEMO + "impact_analysis.yaml"
REVIEW, ORGANISATION, POLICY = DEMO + "design_review.yaml", "parameters/organisation.yaml", "parameters/policy.yaml"


def load(root: Path, *, tables: bool = False) -> dossier.Dossier:
    return dossier.load(Project(root), root / "parameters" / "demo", tables=tables)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The problems of the demo dossier as a person reads them in the project's root."""

    def read(root: Path, *, tables: bool = False) -> list[str]:
        monkeypatch.chdir(root)
        try:
            load(root, tables=tables)
        except InputError as error:
            return str(error).splitlines()
        return []

    return read


Told = Callable[..., list[str]]


def line_of(root: Path, problem: str) -> str:
    """The text of the line a problem points at."""
    found = re.match(r"(.+?):(\d+): ", problem)
    assert found, problem
    return (root / found[1]).read_text().splitlines()[int(found[2]) - 1]


def matches(problem: str, file: str, words: str) -> bool:
    """`words` is the problem without its line; ``*`` stands for anything."""
    pattern = re.escape(file) + r":\d+: " + ".*".join(map(re.escape, words.split("*")))
    return re.match(pattern, problem) is not None


# --- a sound dossier -------------------------------------------------------------------------------------------


def test_a_sound_dossier_is_loaded_with_its_tables(project: Make) -> None:
    found = load(project(), tables=True)
    assert found.id == "demo"
    assert list(found.located_tables) == ["training", "decisions", "customers", *list(found.system.tables)[2:]]
    assert found.tables.table("decisions").count().to_pyarrow().as_py() == 400


def test_an_answer_of_the_system_comes_before_the_organisations(project: Make) -> None:
    shared = {"optimises_for": {"value": "customer"}, "model_opacity": {"value": "unknown"}}
    own = {"optimises_for": {"value": "both", "override_reason": "Its own target."}, "model_opacity": ...}
    found = load(project(organisation={"answers": shared}, impact_analysis={"answers": own}))
    given = found.answers("impact_analysis")
    assert (given["optimises_for"].answer.value, given["optimises_for"].inherited) == ("both", False)
    assert (given["model_opacity"].answer.value, given["model_opacity"].inherited) == ("unknown", True)


@pytest.mark.parametrize(("written", "value"), [("Yes", "yes"), ("NO", "no"), (True, "yes"), (False, "no")])
def test_yes_no_true_and_false_answer_a_yes_no_question(project: Make, written: Any, value: str) -> None:
    root = project(impact_analysis={"answers": {"personalises_experience": {"value": written}}})
    assert load(root).answers("impact_analysis")["personalises_experience"].answer.value == value


@pytest.mark.parametrize("written", ["yes", "no", True, False])
def test_yes_no_true_and_false_are_flags(project: Make, written: Any) -> None:
    row = {"group": "customers_decided_on", "name": "Customers", "vulnerable": written}
    found = load(project(impact_analysis={"stakeholders": [row]}))
    assert found.stage(schema.ImpactAnalysis).stakeholders[0].vulnerable is (written in ("yes", True))


def test_evidence_is_a_link_or_a_file_beside_the_dossier(project: Make) -> None:
    root = project(
        impact_analysis={
            "answers": {
                "optimises_for": {"value": "both", "evidence": "https://wiki.example/goal?id=7#top"},
                "model_opacity": {"value": "unknown", "evidence": "evidence/card.md"},
            }
        }
    )
    card = root / DEMO / "evidence/card.md"
    card.parent.mkdir()
    card.write_text("A model card.")
    given = load(root).answers("impact_analysis")
    assert given["optimises_for"].evidence_file is None
    assert given["model_opacity"].evidence_file == card


def test_an_inherited_answers_evidence_lies_beside_the_organisations_file(project: Make, told: Told) -> None:
    shared = {"ethics_officer_named": {"value": "Ann", "evidence": "mandate.md"}}
    root = project(organisation={"answers": shared}, impact_analysis={"answers": {"ethics_officer_named": ...}})
    assert told(root)[0].startswith("parameters/organisation.yaml:")
    (root / "parameters/mandate.md").write_text("Ann decides.")
    assert told(root) == []


# --- one mistake each ------------------------------------------------------------------------------------------

ANSWER = ("answers", "optimises_for")
VALUE, EVIDENCE = (*ANSWER, "value"), (*ANSWER, "evidence")
DECISIONS, NOTICES = ("tables", "decisions"), ("tables", "notices", "source")
TODAY = date(2026, 10, 1)
CONSENTED = ("tables", "consents")
BALANCED = {
    "purpose": "retention",
    "basis": "legitimate_interest",
    "by": "A",
    "approved_by": "B",
    "on": date(2026, 1, 2),
}
PERSONS = {"by": "Ann Lee", "on": TODAY}
CONSTRAINT = {"metric": "demographic_parity", "attributes": ["gender"], "reason": "x", **PERSONS}
NOT_APPLICABLE = {"requirement": "C2.1", "reason": "no_personal_data", "explanation": "x", **PERSONS}

MISTAKES: list[tuple[str, tuple[str | int, ...], Any, str]] = [
    # names
    (SYSTEM, ("tables", "decison"), {"source": "a.csv", "columns": {}}, "tables.decison: found an unknown table; *"),
    (SYSTEM, (*DECISIONS, "columns", "csutomer"), "c", "*.csutomer: found an unknown role*: customer, time,"),
    (SYSTEM, (*DECISIONS, "columns", "time"), ..., "*columns: found no column for time*or dated: DATE"),
    (IMPACT, ("answers", "optimizes_for"), {"value": "both"}, "*nobody asks; *did you mean optimises_for?"),
    (REVIEW, ANSWER, {"value": "both"}, "*found a question nobody asks; *stage that asks it"),
    (SYSTEM, ("attributes", "tone"), {"class": "proxy", "column": "x", "table": "conversations"},
     "attributes.tone: found a column in conversations, a table the dossier does not name*decisions or customers"),
    (SYSTEM, (*DECISIONS, "retention_class"), "forever",
     'tables.decisions.retention_class: found "forever"; allowed: decision_log; to do: declare'),
    # answers
    (IMPACT, VALUE, "bothe", '*value: found "bothe"; allowed: company_only, both, customer;'),
    (IMPACT, VALUE, True, '*value: found "yes"; allowed: company_only, both, customer;'),
    (IMPACT, VALUE, 5, '*_for.value: found "5" (a number); *put it in quotes'),
    (IMPACT, VALUE, ["both"], "*optimises_for.value: found a list of 1; allowed: text;"),
    (IMPACT, ("answers", "personalises_experience", "value"), "maybe", '*value: found "maybe"; allowed: yes, no;'),
    (IMPACT, VALUE, "\x1b[31mred\nline", r'*value: found "\x1b[31mred\nline"; allowed: company_only,'),
    (IMPACT, (*ANSWER, "on"), "2026-02-30", '*on: found "2026-02-30" (text); allowed: a date such as 2026-10-31;'),
    (IMPACT, (*ANSWER, "on"), "soon", '*on: found "soon" (text); allowed: a date such as 2026-10-31;'),
    (IMPACT, (*ANSWER, "by"), " ", '*by: found " " (text); allowed: text that is not blank;'),
    (IMPACT, (*ANSWER, "signed"), "Ann", "*signed: found an unknown key; allowed: value, by, role, on, evidence,"),
    (IMPACT, (*ANSWER, "override_reason"), "x", "*override_reason: found a reason to override*remove override_reason"),
    # evidence
    (IMPACT, EVIDENCE, "card.md", "*evidence: found no file card.md; allowed: an https:// link, or a"),
    (IMPACT, EVIDENCE, ".", "*evidence: found no file .; allowed:"),
    (IMPACT, EVIDENCE, "../../../etc/passwd", '*evidence: found "../../../etc/passwd"; allowed: an https'),
    (IMPACT, EVIDENCE, "../../parameters/policy.yaml", '*evidence: found "../../parameters/policy.yaml";'),
    (IMPACT, EVIDENCE, "/etc/passwd", '*evidence: found "/etc/passwd"; allowed: an https:// link,'),
    (IMPACT, EVIDENCE, "javascript:alert(1)", '*evidence: found "javascript:alert(1)"; allowed: an https'),
    (IMPACT, EVIDENCE, "file:///etc/passwd", '*evidence: found "file:///etc/passwd"; allowed: an https'),
    (IMPACT, EVIDENCE, "https://a.example/<b>", '*evidence: found "https://a.example/<b>"; allowed:'),
    (IMPACT, EVIDENCE, "ftp://ann:hunter2@a.example/x", '*evidence: found "ftp://…"; allowed:'),
    (IMPACT, EVIDENCE, "x" * 290, '*evidence: found "xxx*to do: put the document beside the dossier'),
    (IMPACT, EVIDENCE, "a\0b", '*evidence: found "a\\x00b" (text); allowed: text that is not blank'),
    (IMPACT, EVIDENCE, "http://a.example/card", '*evidence: found "http://a.example/card"; allowed: an https'),
    (IMPACT, EVIDENCE, "https://ann:hunter2@a.example/x", "*evidence: found a link with a password, key or*"),
    (IMPACT, EVIDENCE, "https://a.example/x?v=1&X-Amz-Signature=hunter2", "*evidence: found a link with a password*"),
    (IMPACT, EVIDENCE, "https://a.example/x?s%69g=hunter2", "*evidence: found a link with a password*"),
    (IMPACT, EVIDENCE, "https://a.example/x#access_token=hunter2", "*evidence: found a link with a password*"),
    (IMPACT, EVIDENCE, "https://[hunter2", "*evidence: found a link with a password*"),
    (IMPACT, EVIDENCE, "system.yaml", "*evidence: found system.yaml, which only claims; allowed:"),
    # tables' files
    (SYSTEM, NOTICES, "../../../x.csv", '*found "../../../x.csv", which lies outside the project;'),
    (SYSTEM, NOTICES, "/data/x.csv", '*found "/data/x.csv", which lies outside the project;'),
    (SYSTEM, NOTICES, "x" * 290, '*found "xxx*", which lies outside the project;'),
    (SYSTEM, NOTICES, "postgresql://ann:hunter2@db/x", '*found "postgresql://…", an address of a kind'),
    (SYSTEM, NOTICES, "postgresql://db/x?password=hunter2", '*found "postgresql://…", an address of a kind'),
    (SYSTEM, NOTICES, "md:my_db", '*found "md:my_db", an address of a kind*to do: export the table'),
    (ORGANISATION, ("tables", "training", "source"), "../../x.csv", '*found "../../x.csv", which lies outside'),
    (SYSTEM, ("tables", "consents", "dated"), TODAY,
     "*.dated: found one day for all rows; allowed: `dated` in decisions and"),
    (SYSTEM, ("tables", "opt_outs"), {"source": "data/opt_outs.csv", "columns": {"customer": "c"}},
     "*columns: found no column for time; *to do: add time: COLUMN"),
    # two people, reasons
    (SYSTEM, ("lawful_bases",), [{"purpose": p, "basis": "consent", "by": "A", "approved_by": "B", "on": TODAY}
                                 for p in ("retention", "Retention ")],
     'lawful_bases.1.purpose: found "Retention " a second time; allowed: one basis'),
    (SYSTEM, ("lawful_bases", 0, "approved_by"), " bea  BASIS", "lawful_bases.0.approved_by: found *a second person"),
    (SYSTEM, ("lawful_bases", 0, "balancing_test"), {"evidence": "https://x.example/t", "by": "A", "on": TODAY},
     "lawful_bases.0.balancing_test: found a balancing test for consent; allowed: where the basis is legitimate_inte"),
    (SYSTEM, ("lawful_bases", 0), BALANCED | {"balancing_test": {"evidence": "gone.md", "by": "A", "on": TODAY}},
     "lawful_bases.0.balancing_test.evidence: found no file gone.md; allowed: an https:// link, or a file in"),
    (SYSTEM, ("lawful_bases", 0), BALANCED | {"balancing_test": {"evidence": "../../x", "by": "A", "on": TODAY}},
     'lawful_bases.0.balancing_test.evidence: found "../../x"; allowed: an https:// link, or a file in'),
    (SYSTEM, (*CONSENTED, "exempt_from_deletion"), {"reason": "", "by": "A", "on": TODAY},
     "*exempt_from_deletion.reason: found *"),
    (SYSTEM, (*CONSENTED, "exempt_from_deletion"), {"reason": "TBD", "by": "A", "on": TODAY},
     '*exempt_from_deletion.reason: found "TBD"; allowed: the law or duty that asks for these rows to stay;'),
    (ORGANISATION, ("places",), {"north": "Germany"}, 'places.north: found "Germany"*'),
    (IMPACT, ("not_applicable",), [{**NOT_APPLICABLE, "approved_by": "ann lee "}],
     'not_applicable.0.approved_by: found "ann lee " (text); allowed: a second person, not the one in `by`'),
    (IMPACT, ("not_applicable",), [{**NOT_APPLICABLE, "approved_by": "Bo", "requirement": "C9.9"}],
     'not_applicable.0.requirement: found "C9.9" (text); allowed: an id of the framework, such as C2.1'),
    (IMPACT, ("not_applicable",), [{**NOT_APPLICABLE, "approved_by": "Bo", "reason": "too_hard"}],
     'not_applicable.0.reason: found "too_hard" (text); allowed: one of no_personal_data, '),
    (SYSTEM, (*DECISIONS, "override_reason"), "x", "*: found a reason to override; allowed: only"),
    (SYSTEM, ("tables", "training"), {"source": "data/consents.csv", "columns": {"person": "p", "role": "r"}},
     "tables.training: found the table that organisation.yaml has too; *to do: say in override_reason"),
    # registers
    (IMPACT, ("risks",), [{"id": "X1", "title": "a"}, {"id": "X2", "title": "b"}, {"id": "X1", "title": "c"}],
     "risks.2: found X1 a second time; allowed: each id once; to do: merge the two rows"),
    (IMPACT, ("stakeholders",), [{"group": "staff", "name": "a"}, {"group": "staff", "name": "b"}],
     "stakeholders.1: found staff a second time;"),
    (IMPACT, ("risks",), [{"id": "R999", "title": "a"}], 'risks.0.id: found "R999"; allowed: R1 to R*, or X1, X2'),
    (IMPACT, ("risks",), [{"id": "Q1", "title": "a"}], 'risks.0.id: found "Q1" (text); allowed: R1, R2 … of'),
    (IMPACT, ("risks",), [{"id": "X1", "title": "a", "inherent": {"likelihood": 6, "severity": 1}}],
     'risks.0.inherent.likelihood: found "6" (a number); allowed: a number of at most 5;'),
    # the shared files
    (POLICY, ("fairness", "margin", "value"), "5%", 'fairness.margin.value: found "5%" (text); *a number;'),
    (POLICY, ("fairness", "margin", "rationale"), ..., "fairness.margin.rationale: found nothing; *"),
    (POLICY, ("version",), 2026.1, 'version: found "2026.1" (a number); allowed: text; to do: put it in quotes'),
    (POLICY, ("gate", "refuse", "value"), ["rejct"], '*value.0: found "rejct" (text); *mean reject?'),
    (ORGANISATION, ("retention_classes", "decision_log", "days"), 0, "*.days: found *least 1"),
    (ORGANISATION, ("retention_classes", "decision_log", "days"), 36501, "*.days: found *at most 36500"),
    (POLICY, ("fairness", "minimum_group", "value"), 9,
     "*.minimum_group.value: found 9, fewer than records.small_cell"),
    # what the bias tests go by
    (REVIEW, ("constraint",), {**CONSTRAINT, "attributes": ["gender", "gendre"]},
     'constraint.attributes.1: found "gendre"; allowed: gender, age_band, language, plan; to do: correct the name'),
    (REVIEW, ("constraint",), {**CONSTRAINT, "metric": "fairness"},
     'constraint.metric: found "fairness" (text); allowed: demographic_parity, equal_opportunity, '),
    (REVIEW, ("constraint",), {**CONSTRAINT, "attributes": []}, "constraint.attributes: found *at least 1"),
    (SYSTEM, ("outcome", "order"), ["a", "b"],
     "outcome.order: found 2 classes, while decision.order has 0; allowed: as many as decision.order, position by"),
    (SYSTEM, ("decision", "order"), ["a", "b", "a"], 'decision.order.2: found "a" a second time; allowed: each once'),
    (SYSTEM, ("strata", "tier"), {"column": "x", "reason": "y", "table": "conversations"},
     "strata.tier: found a column in conversations, a table the dossier does not name*decisions or customers"),
    (SYSTEM, ("features", "use"), {"column": "x", "table": "conversations"}, "features.use: found a column in *"),
    (SYSTEM, ("model", "file"), "gone.skops", 'model.file: found "gone.skops"; allowed: an existing file whose name'),
    (SYSTEM, ("model", "file"), "system.yaml", '*file: found "system.yaml"; *.skops .txt .json .ubj .onnx*formats*'),
    (SYSTEM, ("model", "sha256"), "ab", "model.sha256: found *"),
    (SYSTEM, ("model", "plugin"), ["x"], "model.plugin: found *"),
    (SYSTEM, ("reasons", "usage_drop"), {"words": {"en": "You use it less."}, "features": ["use"]},
     'reasons.usage_drop.features.0: found "use"; allowed: *gender*'),
    (SYSTEM, ("model", "file"), "../../../m.skops", '*file: found "../../../m.skops", which lies outside the project'),
]  # fmt: skip


@pytest.mark.parametrize(("file", "key", "value", "words"), MISTAKES, ids=lambda v: str(v)[:60])
def test_a_mistake_is_one_problem_at_its_own_line(
    project: Make, edit: Edit, told: Told, file: str, key: tuple[str | int, ...], value: Any, words: str
) -> None:
    root = project()
    edit(root / file, key, value)
    problems = told(root)
    assert len(problems) == 1, problems
    assert matches(problems[0], file, words), problems[0]
    assert "hunter2" not in problems[0]
    assert problems[0].isprintable()
    at = [part for part in problems[0].split(": ")[1].split(".") if not part.isdigit()]
    assert line_of(root, problems[0]).strip().startswith((f"{at[-1]}:", f"{at[-2]}:" if value is ... else "- "))


def test_a_risk_is_registered_or_ruled_out_and_not_both(project: Make, told: Told) -> None:
    risk, reason = {"id": "R1", "title": "a"}, {"id": "R1", "reason": "None here.", **PERSONS}
    root = project(impact_analysis={"risks": [risk], "risks_ruled_out": [reason]})
    assert len(told(root)) == 1
    assert matches(
        told(root)[0], IMPACT, "risks_ruled_out.0: found R1, which is also registered;*remove one of the two"
    )


def test_a_date_question_wants_a_date(project: Make, told: Told) -> None:
    stage, question = next((s, q.id) for s in STAGES for q in catalogue.questions(s).values() if q.type == "date")
    for value in ("soon", "2026-02-30", "2026-10-31"):
        problems = told(project(**{stage: {"answers": {question: {"value": value}}}}))
        words = f'answers.{question}.value: found "{value}"; allowed: a date such as 2026-10-31; to do: write it'
        assert [matches(p, f"{DEMO}{stage}.yaml", words) for p in problems] == [True]
    assert told(project(**{stage: {"answers": {question: {"value": TODAY}}}})) == []


def test_an_answer_over_the_organisations_says_why(project: Make, told: Told) -> None:
    root = project(
        organisation={"answers": {"optimises_for": {"value": "customer"}}},
        impact_analysis={"answers": {"optimises_for": {"value": "both"}}},
    )
    words = "answers.optimises_for: found the answer that organisation.yaml has too; *say in override_reason why"
    assert [matches(p, IMPACT, words) for p in told(root)] == [True]


def test_an_empty_answer_does_not_override_the_organisations(project: Make, told: Told) -> None:
    root = project(organisation={"answers": {"optimises_for": {"value": "customer", "by": "Ann"}}})
    assert told(root) == []
    assert load(root).answers("impact_analysis")["optimises_for"].inherited


# --- links that lead out ---------------------------------------------------------------------------------------


def test_evidence_behind_a_link_out_of_the_folder_is_refused(project: Make, told: Told) -> None:
    root = project(impact_analysis={"answers": {"optimises_for": {"value": "both", "evidence": "goal.md"}}})
    (root / DEMO / "goal.md").symlink_to(root / POLICY)
    assert [
        matches(p, IMPACT, '*evidence: found "goal.md"; allowed: an https:// link, or a file') for p in told(root)
    ] == [True]


def test_links_in_a_circle_are_a_problem_and_not_a_crash(project: Make, told: Told) -> None:
    root = project(
        impact_analysis={"answers": {"optimises_for": {"value": "both", "evidence": "loop.md"}}},
        system={"tables": {"notices": {"source": "loop.md"}}},
    )
    (root / DEMO / "loop.md").symlink_to("loop.md")
    assert len(told(root, tables=True)) == 2


def test_a_table_behind_a_link_out_of_the_project_is_refused_unless_the_policy_lists_where_it_leads(
    project: Make, told: Told, tmp_path: Path
) -> None:
    root = project()
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    source = root / DEMO / "data/notices.csv"
    source.rename(warehouse / "notices.csv")
    source.symlink_to(warehouse / "notices.csv")
    assert [matches(p, SYSTEM, '*found "data/notices.csv", which lies outside the project;') for p in told(root)] == [
        True
    ]
    root = project(policy={"data_roots": [str(tmp_path / "warehous")]})
    source.unlink()
    source.symlink_to(warehouse / "notices.csv")
    assert len(told(root)) == 1
    root = project(
        policy={"data_roots": [str(warehouse)]},
        system={"tables": {"notices": {"source": str(warehouse / "notices.csv")}}},
    )
    assert told(root, tables=True) == []


# --- files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [POLICY, ORGANISATION, SYSTEM, *(f"{DEMO}{stage}.yaml" for stage in STAGES)])
def test_a_missing_file_is_named(project: Make, told: Told, file: str) -> None:
    root = project()
    (root / file).unlink()
    if file == POLICY:
        (root / "policy.yaml").touch()  # an empty policy above makes it a project with its dossiers elsewhere
        assert any("policy.yaml: found an empty file" in p for p in told(root))
        return
    assert told(root) == [
        f"{file}: found no such file; allowed: a YAML file; to do: create it, or check the folder's name"
    ]


@pytest.mark.parametrize("name", ["2fast", "a b", "a\nb", "données", "x" * 65, "demo\n"])
def test_a_folder_whose_name_is_no_system_id_is_refused(project: Make, name: str) -> None:
    root = project()
    (root / "parameters/demo").rename(root / "parameters" / name)
    with pytest.raises(
        InputError, match=r"found the name .*allowed: letters, digits, - and _, beginning with a letter"
    ):
        dossier.load(Project(root), root / "parameters" / name, tables=False)


def test_all_problems_of_all_files_come_at_once(project: Make, edit: Edit, told: Told) -> None:
    root = project(impact_analysis={"answers": {"model_opacity": {"value": "dunno"}}})
    edit(root / SYSTEM, ("kind",), "scord")
    edit(root / SYSTEM, ("owner", "nam"), "x")
    edit(root / IMPACT, ("answers", "optimises_for", "on"), "2026-02-30")
    edit(root / IMPACT, ("answers", "share_automated", "evidence"), "nowhere.md")
    (root / REVIEW).write_text("answers: [\n")
    (root / DEMO / "bias_testing.yaml").write_text("")
    (root / DEMO / "deployment_signoff.yaml").unlink()
    assert [re.sub(r":\d+:|;.*", "", p) for p in told(root)] == [
        f"{DEMO}bias_testing.yaml: found an empty file",
        f"{DEMO}deployment_signoff.yaml: found no such file",
        f"{REVIEW} found the end of the file where more has to come",
        f"{IMPACT} answers.share_automated.evidence: found no file nowhere.md",
        f'{IMPACT} answers.optimises_for.on: found "2026-02-30" (text)',
        f'{IMPACT} answers.model_opacity.value: found "dunno"',
        f'{SYSTEM} kind: found "scord" (text)',
        f"{SYSTEM} owner.nam: found an unknown key",
    ]


def test_mistakes_in_answers_do_not_hide_those_in_tables(project: Make, edit: Edit, told: Told) -> None:
    root = project(impact_analysis={"answers": {"model_opacity": {"value": "dunno"}}})
    edit(root / SYSTEM, (*DECISIONS, "columns", "score"), "no_such")
    problems = told(root, tables=True)
    assert [p.split(":")[0] for p in problems] == [IMPACT, SYSTEM]


def test_a_misspelt_key_hides_nothing_else(project: Make, edit: Edit, told: Told) -> None:
    root = project()
    edit(root / SYSTEM, ("decisoin",), {"selectd": ["call"]})
    edit(root / SYSTEM, ("owner", "nam"), "x")
    edit(root / SYSTEM, (*DECISIONS, "columns", "score"), "no_such")
    edit(root / SYSTEM, (*DECISIONS, "columns", "colour"), "score")
    edit(root / SYSTEM, ("tables", "customers", "columns", "customer"), "no_such")
    edit(root / SYSTEM, ("attributes", "age_band"), {"class": "protected", "column": "aeg"})
    assert [re.sub(r":\d+:|;.*", "", p) for p in told(root, tables=True)] == [
        f"{SYSTEM} owner.nam: found an unknown key",
        f"{SYSTEM} attributes.age_band.column: found no column aeg",
        f"{SYSTEM} tables.decisions.columns.score: found no column no_such",
        f"{SYSTEM} tables.decisions.columns.colour: found an unknown role",
        f"{SYSTEM} tables.customers.columns.customer: found no column no_such",
        f"{SYSTEM} decisoin: found an unknown key",
    ]


CONSTRAINT = {
    "metric": "demographic_parity",
    "attributes": ["age_band"],
    "reason": "r",
    "by": "b",
    "on": date(2026, 8, 1),
}


def test_what_an_unsound_entry_may_have_said_is_no_second_problem(project: Make, edit: Edit, told: Told) -> None:
    root = project(design_review={"constraint": CONSTRAINT})
    edit(root / SYSTEM, ("decision", "selected"), 3)
    edit(root / SYSTEM, (*DECISIONS, "columns", "decision"), "reason")
    edit(root / SYSTEM, ("attributes", "age_band", "class"), "prot")
    edit(root / SYSTEM, ("tables", "customers", "source"), None)
    assert [re.sub(r":\d+:|;.*", "", p) for p in told(root, tables=True)] == [
        f'{SYSTEM} decision.selected: found "3" (a number)',
        f'{SYSTEM} attributes.age_band.class: found "prot" (text)',
        f"{SYSTEM} tables.customers: found the keys source, columns",
    ]


def test_a_mistake_in_the_policy_does_not_hide_those_in_the_dossiers_form(
    project: Make, edit: Edit, told: Told
) -> None:
    root = project(policy={"version": ...})
    edit(root / SYSTEM, ("kind",), "scord")
    assert [p.split(":")[0] for p in told(root)] == [SYSTEM, POLICY]


# --- the tables themselves -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ((*DECISIONS, "source"), "data/decisons.csv", "*source: found no file decisons.csv; *"),
        ((*DECISIONS, "source"), "system.yaml", "*source: found a .yaml file; allowed: .csv*"),
        ((*DECISIONS, "columns", "score"), "scor", "*.score: found no column scor; *did you mean score?"),
        ((*DECISIONS, "columns", "time"), "reason", "*.time: found 400 of 400 values of reason"),
        ((*DECISIONS, "columns", "decision"), "score", "*of score that are not a flag, *under decision.selected"),
        ((*DECISIONS, "columns", "outcome"), "actor", "*values that mean yes under outcome.positive"),
        (("attributes", "gender", "column"), "gendre", "*.column: found no column gendre; *mean gender?"),
        (("decision", "selected"), ["yes", "YES", "ja"], '*.1: found "YES", which no row has; *flagged: no, yes;'),
        (("outcome", "positive"), ["ja"], '*.0: found "ja", which no row has; *'),
        (("decision", "taken"), ["yes", "ja"], '*.taken.1: found "ja", which no row has; *values of called: no, yes;'),
        (("tables", "customers", "columns", "customer"), "plan", "*: found 198 repeated values in plan;"),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_is_told_at_the_dossiers_line(
    project: Make, edit: Edit, told: Told, key: tuple[str, ...], value: Any, words: str
) -> None:
    root = project()
    edit(root / SYSTEM, key, value)
    problems = told(root, tables=True)
    assert matches(problems[0], SYSTEM, words), problems
    assert key[-1] in line_of(root, problems[0]) or line_of(root, problems[0]).strip().startswith("- ")


def test_a_model_of_another_format_is_refused_and_not_opened(
    project: Make, edit: Edit, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, canary = project(), tmp_path / "canary"

    class Touch:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (canary,)

    (root / DEMO / "model.pkl").write_bytes(pickle.dumps(Touch()))
    edit(root / SYSTEM, ("model", "file"), "model.pkl")
    words = (
        'model.file: found "model.pkl", which can run code when it is opened; *model.sha256 and run with --allow-pickle'
    )
    assert [matches(p, SYSTEM, words) for p in told(root, tables=True)] == [True]
    monkeypatch.setenv(formats.ALLOW_PICKLE, "1")
    assert [matches(p, SYSTEM, words) for p in told(root, tables=True)] == [True]
    edit(root / SYSTEM, ("model", "sha256"), "0" * 64)
    other = "model.sha256: found the digest of another file; that of model.pkl is *"
    assert [matches(p, SYSTEM, other) for p in told(root, tables=True)] == [True]
    assert not canary.exists()


def test_a_plug_in_beside_a_file_is_one_too_many(project: Make, told: Told) -> None:
    root = project(system={"model": {"file": "m.skops", "plugin": "ours"}})
    (root / DEMO / "m.skops").write_bytes(b"x")
    assert [matches(p, SYSTEM, "model.plugin: found a plug-in beside a file*") for p in told(root)] == [True]


def test_a_probability_outside_0_to_1_is_told_and_a_rank_may_be_any_number(
    project: Make, edit: Edit, told: Told
) -> None:
    root = project(system={"score_is": "probability"})
    assert told(root, tables=True) == []
    edit(root / SYSTEM, (*DECISIONS, "columns", "score"), "sequence")
    edit(root / SYSTEM, (*DECISIONS, "columns", "sequence"), ...)
    words = "*.score: found 399 of 400 values of sequence that are not a number in range*0 or more*1 or less"
    assert [matches(p, SYSTEM, words) for p in told(root, tables=True)] == [True]
    edit(root / SYSTEM, ("score_is",), "rank")
    assert told(root, tables=True) == []


def test_a_negative_weight_is_told(project: Make, edit: Edit, told: Told) -> None:
    root = project()
    path = root / DEMO / "data/decisions.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},cases", *(f"{row},{i - 2}" for i, row in enumerate(rows))]))
    edit(root / SYSTEM, (*DECISIONS, "columns", "weight"), "cases")
    words = "*.weight: found 2 of 400 values of cases that are not a number in range*0 or more"
    assert [matches(p, SYSTEM, words) for p in told(root, tables=True)] == [True]


def test_a_decision_that_is_no_flag_is_sound_once_its_values_are_listed(project: Make, edit: Edit, told: Told) -> None:
    root = project(system={"decision": {"selected": ["usage_drop"]}})
    edit(root / SYSTEM, (*DECISIONS, "columns", "decision"), "reason")
    assert told(root, tables=True) == []


def test_a_snapshot_without_a_time_column_says_its_day(project: Make, told: Told) -> None:
    changes = {"tables": {"decisions": {"columns": {"time": ...}, "dated": date(2026, 1, 6)}}}
    root = project(system=changes)
    assert told(root, tables=True) == []
    times = load(root).tables.table("decisions")["time"].to_pyarrow().to_pylist()
    assert {t.date() for t in times} == {date(2026, 1, 6)}


def test_an_empty_table_is_not_a_table_without_faults(project: Make, told: Told) -> None:
    root = project()
    (root / DEMO / "data/opt_outs.csv").write_text("customer_id,opted_out_at,purpose\n")
    assert [matches(p, SYSTEM, "tables.opt_outs.source: found no rows; *") for p in told(root, tables=True)] == [True]


def test_a_table_of_a_duckdb_file_is_named_by_table(project: Make, told: Told) -> None:
    spec = {"source": "data/all.duckdb", "table": "told", "columns": {"customer": "c", "time": "t"}}
    root = project(system={"tables": {"notices": ...}})
    with duckdb.connect(str(root / DEMO / "data/all.duckdb")) as connection:
        connection.execute("CREATE TABLE told AS SELECT 'c1' AS c, DATE '2026-01-01' AS t")
    (root / SYSTEM).write_text(
        (root / SYSTEM).read_text().replace("tables:\n", f"tables:\n  notices: {json.dumps(spec)}\n", 1)
    )
    assert told(root, tables=True) == []
    (root / SYSTEM).write_text((root / SYSTEM).read_text().replace('"told"', '"tld"'))
    assert [
        matches(p, SYSTEM, "tables.notices.source: found no table tld in the file;") for p in told(root, tables=True)
    ]


FLAG = "found the yes/no column granted, which no role reads, so every row would count; *"


@pytest.mark.parametrize("table", ["consents", "notices", "opt_outs"])
@pytest.mark.parametrize("values", [("yes", "no"), ("TRUE", ""), ("1.0", "0.0")])
def test_a_yes_no_column_that_no_role_reads_is_a_problem_where_every_row_counts(
    project: Make, edit: Edit, told: Told, table: str, values: tuple[str, ...]
) -> None:
    root = project()
    path = root / DEMO / f"data/{table}.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},granted", *(f"{row},{values[i % 2]}" for i, row in enumerate(rows))]))
    assert [matches(p, SYSTEM, f"tables.{table}.columns: {FLAG}") for p in told(root, tables=True)] == [True]
    edit(root / SYSTEM, ("tables", table, "ignored"), {"granted": "The export holds consents only."})
    assert told(root, tables=True) == []


def test_consent_that_was_not_given_is_read_from_its_role(project: Make, edit: Edit, told: Told) -> None:
    root = project()
    path = root / DEMO / "data/consents.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},said", *(f"{row},{'yes' if i else 'no'}" for i, row in enumerate(rows))]))
    edit(root / SYSTEM, ("tables", "consents", "columns", "granted"), "said")
    assert told(root, tables=True) == []
    assert load(root).tables.table("consents").granted.sum().to_pyarrow().as_py() == len(rows) - 1


def test_columns_of_words_and_blanks_are_no_flags(project: Make, told: Told) -> None:
    root = project()
    path = root / DEMO / "data/notices.csv"
    header, *rows = path.read_text().splitlines()
    lines = (f"{row},,{'yes' if i else 'by post'},{i}" for i, row in enumerate(rows))
    path.write_text("\n".join([f"{header},blank,answer,number", *lines]))
    assert told(root, tables=True) == []


def test_what_is_ignored_has_to_be_there(project: Make, told: Told) -> None:
    root = project(system={"tables": {"notices": {"ignored": {"grantd": "x"}}}})
    assert [
        matches(p, SYSTEM, "tables.notices.ignored.grantd: found no such column; *") for p in told(root, tables=True)
    ]


def test_every_way_of_writing_a_value_that_means_yes_is_listed(project: Make, edit: Edit, told: Told) -> None:
    root = project(system={"decision": {"selected": ["yes"]}})
    path = root / DEMO / "data/decisions.csv"
    path.write_text(path.read_text().replace(",yes,yes,", ",YES,yes,", 5).replace(",yes,yes,", ",Yes,yes,", 5))
    problems = told(root, tables=True)
    words = 'decision.selected.0: found "yes", which rows also write "YES", "Yes"; *'
    assert [matches(p, SYSTEM, words) for p in problems] == [True]
    edit(root / SYSTEM, ("decision", "selected"), ["yes", "Yes", "YES"])
    assert told(root, tables=True) == []


def test_the_values_of_a_column_with_many_are_counted_and_not_listed(project: Make, edit: Edit, told: Told) -> None:
    root = project(system={"decision": {"selected": ["yes"]}})
    edit(root / SYSTEM, (*DECISIONS, "columns", "decision"), "customer_id")
    (problem,) = told(root, tables=True)
    assert "allowed: values of customer_id: 200 different ones;" in problem
    assert "c001" not in problem


def test_a_folder_of_the_policy_is_taken_from_the_projects_root(
    project: Make, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project(
        policy={"data_roots": ["../warehouse"]},
        system={"tables": {"notices": {"source": str(tmp_path / "warehouse/notices.csv")}}},
    )
    (tmp_path / "warehouse").mkdir()
    (root / DEMO / "data/notices.csv").rename(tmp_path / "warehouse/notices.csv")
    assert told(root, tables=True) == []
    monkeypatch.chdir(root / DEMO)
    assert load(root, tables=True).located_tables["notices"].path.is_file()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ann Lee", " ann  LEE", True),
        ("Ann Lee", "Ann\u00a0Lee", True),
        ("Ann Lee", "Ann\u200b Lee\u200d", True),
        ("Ann Lee", "\uff21nn Lee", True),
        ("Ann Lee", "Ann Leigh", False),
        ("Zoe\u0308", "Zo\u00eb", True),
    ],
)
def test_a_name_is_the_same_however_it_is_typed(one: str, other: str, same: bool) -> None:
    assert schema.same_person(one, other) is same


@pytest.mark.parametrize(
    ("text", "holds_the_place"),
    [
        *[(text, True) for text in ("TODO", "todo", "TBD.", "tbc", "?", "-", "n/a", "N.A.", "xxx", "…", "[TODO]")],
        *[(text, True) for text in ("TODO: ask Ann", " fixme ", "???", "___")],
        *[(text, False) for text in ("Todo cliente recibe aviso", "Nan Xu", "3", "No", "all", "не знаю", "EXX")],
    ],
)
def test_a_placeholder_is_told_from_a_short_answer(text: str, holds_the_place: bool) -> None:
    assert schema.placeholder(text) is holds_the_place


def test_a_placeholder_is_no_answer(project: Make) -> None:
    signed = {"by": "Ann Lee", "role": "analyst", "on": date(2026, 9, 1)}
    question = next(q for q in catalogue.questions("impact_analysis").values() if q.type == "text")
    for value, doubt in (("TBD", "answered with a placeholder"), ("It calls customers.", None)):
        root = project(
            impact_analysis={"answers": {question.id: {"value": value, "evidence": "https://a.example", **signed}}}
        )
        case = Case(load(root), "impact_analysis", date(2026, 11, 1), root / "reports")
        assert case.doubt(question) == doubt


# --- schemas ---------------------------------------------------------------------------------------------------


def as_json(path: Path) -> Any:
    """A YAML file as a validator of JSON sees it."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(path), default=str))


@pytest.mark.parametrize("name", schema.FILES)
def test_a_sound_file_fits_its_json_schema_and_an_unknown_key_does_not(project: Make, name: str) -> None:
    root = project()
    path = next(p for p in (root / f"parameters/{name}.yaml", root / f"{DEMO}{name}.yaml") if p.is_file())
    validator = jsonschema.Draft202012Validator(schema.FILES[name].model_json_schema(by_alias=True))
    assert list(validator.iter_errors(as_json(path))) == []
    assert list(validator.iter_errors(as_json(path) | {"nmae": 1}))


PARAMETERS = Path(__file__).parent.parent / "parameters"


@pytest.mark.parametrize("path", sorted(PARAMETERS.glob("**/*.yaml")), ids=lambda p: str(p.relative_to(PARAMETERS)))
def test_a_file_of_the_examples_fits_its_json_schema(path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema.FILES[path.stem].model_json_schema(by_alias=True))
    assert [e.message for e in validator.iter_errors(as_json(path))] == []
