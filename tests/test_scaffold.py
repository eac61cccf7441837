"""`new` writes files that load again, never over what is there, and proposes no more than it saw."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import jsonschema
import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ethics_kit import dossier, proposal, scaffold, schema, yamlfile
from ethics_kit.errors import InputError
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, Project, bundle, locate_system, notebook_name

Make = Callable[..., Path]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def new(system: str, *, like: str = "", data: Path | None = None) -> list[str]:
    return scaffold.create(system, like=like, data=data)


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def problems(root: Path, system: str, *, tables: bool = True) -> list[str]:
    try:
        dossier.load(Project(root), root / "parameters" / system, tables=tables)
    except InputError as error:
        return str(error).splitlines()
    return []


def write_csv(path: Path, header: list[str], row: Callable[[int], list[object]], rows: int = 60) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *(row(number) for number in range(rows))])
    return path


SCORES = ["customer_id", "scored_at", "score", "churned", "gender"]


def scores(path: Path) -> Path:
    return write_csv(path, SCORES, lambda i: [i, f"2026-01-{i % 28 + 1:02d}", i / 60, "yn"[i % 2], "fm"[i % 2]])


# --- starting --------------------------------------------------------------------------------------------------


def test_in_an_empty_folder_it_starts_a_project_that_is_in_order(here: Path) -> None:
    lines = new("my_system")
    written = [line.removeprefix("wrote  ") for line in lines if line.startswith("wrote")]
    assert sorted(written) == sorted(content(here))
    assert {f"parameters/my_system/{name}.yaml" for name in ("system", *STAGES)} <= set(written)
    assert lines[-1] == "Next: fill in parameters/my_system/system.yaml, then: ethics-kit check parameters/my_system"
    assert problems(here, "my_system") == []


def test_what_nobody_filled_in_is_no_answer(here: Path) -> None:
    new("my_system")
    found = dossier.load(Project(here), here / "parameters/my_system")
    for stage in STAGES:
        given = found.answers(stage)
        assert set(given) == set(catalogue.questions(stage))
        assert not any(g.answer.given or g.answer.by or g.answer.on for g in given.values())
    assert not found.system.tables
    assert found.policy.approved_by is None


def test_from_a_folder_inside_a_project_it_adds_to_that_project(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project()
    policy = (root / "parameters/policy.yaml").read_bytes()
    monkeypatch.chdir(root / "parameters/demo")
    new("second")
    assert [p.name for p in Project(root).systems()] == ["demo", "second"]
    assert (root / "parameters/policy.yaml").read_bytes() == policy
    assert problems(root, "second") == []


@pytest.mark.parametrize("name", ["system", *STAGES])
def test_every_file_says_which_schema_it_follows_and_fits_it(here: Path, name: str) -> None:
    new("my_system")
    path = here / f"parameters/my_system/{name}.yaml"
    first, address = path.read_text().splitlines()[0].split("$schema=")
    assert first == "# yaml-language-server: "
    described = json.loads((path.parent / address).read_text())
    assert described["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(described)
    values = json.loads(json.dumps(YAML(typ="safe", pure=True).load(path), default=str))
    assert [e.message for e in jsonschema.Draft202012Validator(described).iter_errors(values)] == []


@pytest.mark.parametrize("name", ["policy", "organisation"])
def test_the_shared_files_fit_their_schemas(here: Path, name: str) -> None:
    new("my_system")
    path = here / f"parameters/{name}.yaml"
    described = json.loads((path.parent / path.read_text().splitlines()[0].split("$schema=")[1]).read_text())
    values = json.loads(json.dumps(YAML(typ="safe", pure=True).load(path), default=str))
    assert [e.message for e in jsonschema.Draft202012Validator(described).iter_errors(values)] == []


def test_the_schemas_of_the_checkout_are_those_of_the_models() -> None:
    committed = Project(bundle()).schemas
    for name, model in schema.FILES.items():
        described = json.loads((committed / f"{name}.json").read_text())
        described.pop("$schema")
        assert described == model.model_json_schema(by_alias=True), f"{name}.json: run ethics-kit schema"


@pytest.mark.parametrize("stage", STAGES)
def test_every_question_stands_in_its_stages_file_under_its_text(stage: str) -> None:
    text = scaffold.stage_yaml("my_system", stage)
    squeezed = " ".join(line.strip(" #") for line in text.splitlines())
    for question in catalogue.questions(stage).values():
        assert f"\n  {question.id}:\n" in text
        assert " ".join(question.text.split()) in " ".join(squeezed.split())
        assert all(choice.value in text for choice in question.options)


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_of_a_known_kind_only_its_questions_are_written(here: Path, kind: catalogue.Kind) -> None:
    scaffold.create("my_system", like="", data=None, kind=kind)
    found = dossier.load(Project(here), here / "parameters/my_system")
    assert found.system.kind == kind
    for stage in STAGES:
        assert set(found.answers(stage)) == {q.id for q in catalogue.questions(stage).values() if kind in q.kinds}


def test_a_question_that_is_not_always_asked_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = catalogue.questions("design_review")["reviewers_have_time"]
    section = catalogue.sections("design_review")[0].model_copy(
        update={"questions": (asked.model_copy(update={"from_level": "III", "kinds": ("scored", "rules")}),)}
    )
    monkeypatch.setattr(catalogue, "sections", lambda _: (section,))
    text = scaffold.stage_yaml("my_system", "design_review")
    assert "  # Asked of scored and rules systems.\n  # Asked from impact level III.\n  reviewers_have_time:\n" in text
    assert "Asked of" not in scaffold.stage_yaml("my_system", "design_review", kind="rules")
    assert "reviewers_have_time" not in scaffold.stage_yaml("my_system", "design_review", kind="ranked")


def test_the_workbooks_of_a_new_project_name_the_dossiers_folder(here: Path) -> None:
    new("my_system")
    for path in (here / "workbooks/my_system").iterdir():
        assert '"parameters/my_system"' in json.loads(path.read_text())["cells"][2]["source"][1]


def test_the_librarys_risks_stand_above_the_register() -> None:
    above = scaffold.stage_yaml("x", "impact_analysis").split("\nrisks: []")[0]
    listed = [f"# {r.id}: {r.title} ({r.likelihood} × {r.severity} = " for r in catalogue.risks().values()]
    assert [line.rsplit("= ")[0] + "= " for line in above.splitlines()[-len(listed) :]] == listed
    assert "# R1:" not in scaffold.stage_yaml("x", "design_review")


def test_how_long_an_outcome_takes_is_left_to_the_analyst(here: Path) -> None:
    new("my_churn", data=scores(here / "scores.csv"))
    root = Project(here)
    found = dossier.load(root, root.parameters / "my_churn")
    assert found.system.outcome.horizon_days is None


def test_a_workbook_opens_forms_for_its_system_from_its_own_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new("my_system")
    workbooks = Project(here).workbooks("my_system")
    monkeypatch.chdir(workbooks)
    for stage in STAGES:
        notebook = nbformat.read(workbooks / notebook_name(stage), as_version=4)
        cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
        given: dict[str, str] = {}
        exec(cell.source, given)  # noqa: S102
        assert locate_system(given["system"])[1] == here / "parameters/my_system"
        assert given["mode"] == "workbook"


# --- never over what is there ----------------------------------------------------------------------------------


def test_a_second_time_it_refuses_and_changes_nothing(here: Path) -> None:
    new("my_system")
    before = content(here)
    with pytest.raises(
        InputError, match=r"my_system: found a dossier of that name; allowed: a new name; to do: choose"
    ):
        new("my_system")
    assert content(here) == before


def test_a_file_that_is_there_already_is_kept_and_named(here: Path) -> None:
    kept = {
        "parameters/my_system/design_review.yaml": "answers: {}  # mine\n",
        "parameters/organisation.yaml": "name: Mine\n",
        ".gitignore": "mine\n",
        "workbooks/my_system/3_bias_testing.ipynb": "mine",
    }
    for name, text in kept.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
    lines = new("my_system")
    assert {name: (here / name).read_text() for name in kept} == kept
    assert "kept   parameters/my_system/design_review.yaml (it was there)" in lines
    assert problems(here, "my_system") == []


def test_a_policy_that_is_there_already_is_kept(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project()
    monkeypatch.chdir(root)
    before = content(root)
    new("second")
    assert {name: data for name, data in content(root).items() if name in before} == before


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "/abs", "", ".", "..", "2fast", "a b", "a\nb", "demo\n", "données", "x" * 200, "-x", "data"]
)
def test_a_name_no_folder_should_have_is_refused_before_anything_is_written(here: Path, name: str) -> None:
    with pytest.raises(
        InputError, match="allowed: letters, digits, _ and -, beginning with a letter; at most 64"
    ) as told:
        new(name)
    assert str(told.value).isprintable()
    assert content(here.parent) == {}


@pytest.mark.parametrize("name", ["con", "x" * 64, "Churn-EU_2"])
def test_other_names_are_as_good_as_any(here: Path, name: str) -> None:
    new(name)
    assert problems(here, name) == []


# --- from an example -------------------------------------------------------------------------------------------


def test_like_copies_an_examples_answers_and_evidence_but_not_its_tables(here: Path) -> None:
    lines = new("my_churn", like="churn_risk")
    example = bundle() / "parameters/churn_risk"
    expected = {n: b for n, b in content(example).items() if not n.startswith("data/")}
    copied = content(here / "parameters/my_churn")
    assert copied.keys() == expected.keys()
    assert all(copied[name] == expected[name] for name in expected if not name.endswith(".yaml"))
    assert "What stands there is the example churn_risk's. Nobody has signed it, so nothing counts yet." in lines


def test_nothing_of_an_example_counts_as_signed_by_its_fictional_people(here: Path) -> None:
    new("my_churn", like="churn_risk")
    folder = here / "parameters/my_churn"
    for stage in STAGES:
        answers = YAML().load(folder / f"{stage}.yaml")
        assert answers["answers"]
        assert not any(answer.get("by") or answer.get("on") for answer in answers["answers"].values())
        assert not any(answers.get(name) for name in ("actions", "waivers", "not_applicable", "risks_ruled_out"))
        registers = ("privacy_assessment", "inventory", "notices", "constraint", "review_plan", "model_card")
        assert not any(answers.get(name) for name in registers)
    system = YAML().load(folder / "system.yaml")
    assert (system["owner"], system["deputy"], system["lawful_bases"]) == (None, None, [])
    assert "Emre Yildiz" not in (here / "parameters/organisation.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("like", ["nonsense", "../churn_risk", ".", "data"])
def test_an_unknown_example_is_answered_with_those_there_are_and_nothing_is_written(here: Path, like: str) -> None:
    with pytest.raises(
        InputError, match=r"found no such example; allowed: churn_risk, health_score, .*; to do: choose"
    ):
        new("my_churn", like=like)
    assert content(here) == {}


def test_a_table_at_an_address_is_to_be_downloaded_first_and_nothing_is_written(here):
    with pytest.raises(InputError, match="found an address; allowed: a file of this machine; to do: download") as told:
        new("my_churn", data=Path("s3://ann:hunter2@warehouse/scores.csv"))
    assert "hunter2" not in str(told.value)
    assert [*here.iterdir()] == []


def test_like_and_data_together_are_refused(here: Path) -> None:
    with pytest.raises(InputError, match=r"found --data together with --like .*; allowed: one of the two"):
        new("my_churn", like="churn_risk", data=scores(here / "scores.csv"))
    assert list(content(here)) == ["scores.csv"]


# --- from a table ----------------------------------------------------------------------------------------------


def test_what_the_table_suggests_is_written_loads_again_and_is_in_order(here: Path) -> None:
    lines = new("my_churn", data=scores(here / "warehouse/scores.csv"))
    found = dossier.load(Project(here), here / "parameters/my_churn")
    assert found.system.tables["decisions"].source == "../../warehouse/scores.csv"
    assert found.system.tables["decisions"].columns == {
        "customer": "customer_id",
        "time": "scored_at",
        "score": "score",
        "outcome": "churned",
    }
    assert {n: (a.class_, a.column) for n, a in found.system.attributes.items()} == {"gender": ("protected", "gender")}
    assert "  outcome        churned" in lines
    assert not (here / "parameters/my_churn/data").exists()


def test_what_is_proposed_is_marked_as_proposed(here: Path) -> None:
    new("my_churn", data=scores(here / "scores.csv"))
    lines = (here / "parameters/my_churn/system.yaml").read_text().splitlines()
    assert "attributes:   # proposed: confirm each class" in lines
    assert "    columns:   # proposed: confirm each" in lines


def test_a_table_outside_the_project_is_copied_into_the_dossier(here: Path, tmp_path: Path) -> None:
    outside = scores(tmp_path / "elsewhere/scores.csv")
    assert "copied parameters/my_churn/data/scores.csv" in new("my_churn", data=outside)
    assert (here / "parameters/my_churn/data/scores.csv").read_bytes() == outside.read_bytes()
    assert problems(here, "my_churn") == []


def test_a_link_in_the_project_to_a_table_outside_is_copied_too(here: Path, tmp_path: Path) -> None:
    (here / "link.csv").symlink_to(scores(tmp_path / "elsewhere/scores.csv"))
    new("my_churn", data=here / "link.csv")
    assert not (here / "parameters/my_churn/data/link.csv").is_symlink()
    assert problems(here, "my_churn") == []


def test_another_file_of_the_tables_name_is_not_taken_for_it(here: Path, tmp_path: Path) -> None:
    kept = write_csv(here / "parameters/my_churn/data/scores.csv", ["a"], lambda i: [i])
    before = kept.read_bytes()
    with pytest.raises(InputError, match="found another file of that name; allowed: a new name"):
        new("my_churn", data=scores(tmp_path / "elsewhere/scores.csv"))
    assert kept.read_bytes() == before
    assert not (here / "parameters/policy.yaml").exists()


@pytest.mark.parametrize("suffix", ["parquet", "duckdb"])
def test_parquet_and_duckdb_tables_are_in_order_too(here: Path, suffix: str) -> None:
    source, path = scores(here / "scores.csv"), here / f"scores.{suffix}"
    if suffix == "parquet":
        duckdb.sql(f"COPY (FROM '{source}') TO '{path}'")
    else:
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE \"Scores: 2026 #1\" AS FROM '{source}'")
    new("my_churn", data=path)
    assert problems(here, "my_churn") == []


@pytest.mark.parametrize(
    "name",
    ["with space.csv", "it's.csv", 'say "hi".csv', "größe 年.csv", "a: b #c.csv", "& x, y !.csv", "'.csv", "-.CSV"],
)
def test_a_tables_file_may_have_an_odd_name(here: Path, tmp_path: Path, name: str) -> None:
    new("inside", data=scores(here / name))
    new("outside", data=scores(tmp_path / "elsewhere" / name))
    assert problems(here, "inside") == []
    assert problems(here, "outside") == []


def test_columns_may_have_odd_names(here: Path) -> None:
    odd = ["customer: id", "score # [1]", "gender {&} *x", "! churn", "'language'", '"plan"', "% time", "@ @"]
    source = write_csv(
        here / "t.csv", odd, lambda i: [i, i / 7, "fm"[i % 2], i % 2, "en", "ab"[i % 2], "2026-01-01", 1]
    )
    new("my_churn", data=source)
    found = dossier.load(Project(here), here / "parameters/my_churn")
    assert found.system.tables["decisions"].columns == {
        "customer": "customer: id",
        "time": "% time",
        "score": "score # [1]",
        "outcome": "! churn",
    }
    assert {a.column for a in found.system.attributes.values()} == {"gender {&} *x", '"plan"'}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(column=TEXT, source=TEXT, values=st.lists(TEXT, min_size=1, max_size=3))
def test_any_text_a_table_may_hold_survives_the_yaml(
    tmp_path: Path, column: str, source: str, values: list[str]
) -> None:
    found = proposal.Proposal(
        roles={"customer": column, "decision": column},
        attributes={"gender": schema.Attribute.model_construct(class_="protected", column=column)},
        values={"decision": tuple(values)},
        too_many={column: 99},
        table=source,
    )
    path = tmp_path / "system.yaml"
    path.write_text(scaffold.system_yaml("my_system", found, source), encoding="utf-8")
    written = yamlfile.plain(yamlfile.read(path).data)
    decisions = written["tables"]["decisions"]
    assert (decisions["source"], decisions["table"], decisions["columns"]["customer"]) == (source, source, column)
    assert written["attributes"] == {"gender": {"class": "protected", "column": column}}
    assert written["decision"] == {"selected": [], "taken": [], "capacity": None, "order": []}
    assert set(written) == set(schema.System.model_fields) - {"supplier", "preliminary"}


def test_values_to_choose_from_stand_beside_an_empty_list_and_check_asks_for_them(here: Path) -> None:
    header = ["customer_id", "decided_at", "priority"]
    source = write_csv(here / "t.csv", header, lambda i: [i, "2026-01-01", ("high", "low")[i % 2]])
    new("my_triage", data=source)
    text = (here / "parameters/my_triage/system.yaml").read_text()
    assert '  selected: []   # choose from those of "priority": "high", "low"\n' in text
    told = problems(here, "my_triage")
    assert len(told) == 1
    assert told[0].endswith("to do: list the values that mean yes under decision.selected")


def test_a_column_that_needs_bands_is_named_where_attributes_are(here: Path) -> None:
    source = write_csv(here / "t.csv", ["customer_id", "date", "age"], lambda i: [i, "2026-01-01", 18 + i])
    new("my_churn", data=source)
    text = (here / "parameters/my_churn/system.yaml").read_text()
    assert '\n# "age" has 60 different values, and groups need few: add a column with bands' in text
    assert problems(here, "my_churn") == []


def test_a_table_without_a_time_asks_for_the_day_of_the_snapshot(here: Path) -> None:
    new("my_churn", data=write_csv(here / "t.csv", ["customer_id", "churn"], lambda i: [i, i % 2]))
    path = here / "parameters/my_churn/system.yaml"
    (told,) = problems(here, "my_churn")
    assert told.endswith("to do: add time: COLUMN, or dated: DATE for a snapshot")
    path.write_text(path.read_text().replace("    dated:   #", "    dated: 2026-10-31   #"))
    assert problems(here, "my_churn") == []


def test_a_table_nothing_is_known_of_leaves_every_role_to_the_analyst(here: Path) -> None:
    new("my_churn", data=write_csv(here / "t.csv", ["aa", "bb"], lambda i: [i % 2, i % 2]))
    told = "tables.decisions.columns.customer: found nothing; allowed: text; to do: give customer: a value"
    found = problems(here, "my_churn")
    assert any(told in problem for problem in found)
    assert any("found no column for time" in problem for problem in found)


def test_a_table_that_cannot_be_used_leaves_nothing_behind(here: Path) -> None:
    with pytest.raises(InputError, match=r"found no file missing.csv"):
        new("my_churn", data=here / "missing.csv")
    assert content(here) == {}


# --- schemas ---------------------------------------------------------------------------------------------------


def test_schemas_are_written_once_and_again_when_out_of_date(project: Make) -> None:
    root = project()
    first = scaffold.write_schemas(Project(root))
    assert sorted(p.name for p in first) == sorted(f"{name}.json" for name in (*schema.FILES, "record"))
    assert scaffold.write_schemas(Project(root)) == []
    first[0].write_text("{}")
    assert scaffold.write_schemas(Project(root)) == [first[0]]
