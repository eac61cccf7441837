"""S2.1 on small projects: an inventory counts for what it lists, and only for what is there."""

import re
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.errors import InputError
from ethics_kit.project import Project
from ethics_kit.stages.case import Case
from ethics_kit.stages.design_review.inventory import data_inventory
from tests.report.drawn import strokes

SAID = {"by": "Ann Lee", "on": date(2026, 9, 1)}
DETAILS = {
    "category": "ordinary",
    "source": "the contract",
    "purpose": "retention",
    "retention": "decision_log",
    "location": "IE",
    "safeguards": ["names replaced by a number"],
}


def columns_of(root):
    """Every column of the project's tables, read from the files themselves."""
    folders = (root / "parameters/demo/data", root / "parameters/data")
    files = [path for folder in folders for path in sorted(folder.glob("*.csv"))]
    return {path.stem: path.read_text().splitlines()[0].split(",") for path in files}


def rows_for(root, **without):
    """One row per table that lists all of its columns but those in `without`."""
    return [
        DETAILS | {"columns": {table: [c for c in columns if c not in without.get(table, ())]}}
        for table, columns in columns_of(root).items()
    ]


def case_of(root, as_of=date(2026, 11, 1)):
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    return Case(dossier, "design_review", as_of, root / "reports")


def assess(root, **when):
    """The outcome and its findings by the last part of their id."""
    outcome = data_inventory(case_of(root, **when))
    return outcome, {f.id.removeprefix("S2.1."): f for f in outcome.findings}


@pytest.fixture
def with_rows(project):
    """A project whose inventory holds `rows`, or by default lists every column."""

    def make(change=None, system=None, **without):
        root = project()
        rows = rows_for(root, **without)
        rows = change(rows) if change else rows
        return project(design_review={"inventory": SAID | {"rows": rows}}, system=system or {})

    return make


def test_an_inventory_of_everything_is_met_and_counts_every_column_of_every_file(with_rows):
    root = with_rows()
    _, found = assess(root)
    total = sum(len(columns) for columns in columns_of(root).values())
    assert {n for n, f in found.items() if f.status != "met"} == {"tables_accounted_for"}
    assert found["columns_listed"].n == found["listed_columns_exist"].n == total
    assert found["rows_complete"].n == len(columns_of(root))
    assert found["columns_listed"].method == "count of the register"


def test_a_table_that_is_not_named_stays_open_until_somebody_says_it_is_not_kept(with_rows):
    _, found = assess(with_rows())
    assert found["tables_accounted_for"].status == "not_assessed"
    absent = re.findall(
        r"\w+", found["tables_accounted_for"].statement.partition("the tables ")[2].partition(", or")[0]
    )
    why = {"reason": "There is none.", "by": "Ana Lyst", "on": date(2026, 8, 1)}
    _, found = assess(with_rows(system={"not_kept": dict.fromkeys(absent, why)}))
    assert "tables_accounted_for" not in found


def test_a_column_nobody_listed_is_named_whether_the_assessment_reads_it_or_not(with_rows):
    root = with_rows(customers=["region"], decisions=["score"])
    path = root / "parameters/demo/data/opt_outs.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{lines[0]},mood", *(f"{line},low" for line in lines[1:])]))
    outcome, found = assess(root)
    listed = found["columns_listed"]
    assert listed.status == "not_met"
    assert round((1 - listed.value) * listed.n) == 3
    assert (
        "customers.region, decisions.score, opt_outs.mood; 2 of these the assessment itself reads" in listed.statement
    )
    apart = next(t for t in outcome.tables if t.id == "S2.1.columns_apart")
    assert apart.rows == [
        ["customers", "region", "not listed", "yes"],
        ["decisions", "score", "not listed", "yes"],
        ["opt_outs", "mood", "not listed", "no"],
    ]


def test_a_listed_column_that_is_gone_is_named(with_rows):
    def older(rows):
        return [*rows, DETAILS | {"columns": {"decisions": ["old_score"]}}]

    _, found = assess(with_rows(older))
    assert found["columns_listed"].status == "met"
    assert found["listed_columns_exist"].status == "not_met"
    assert found["listed_columns_exist"].statement.endswith("in no table any more: decisions.old_score.")


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ({"location": ...}, "no location"),
        ({"purpose": ...}, "no purpose, no lawful basis"),
        ({"purpose": "TBD"}, "no purpose, no lawful basis"),
        ({"purpose": "quality"}, "no lawful basis"),
        ({"safeguards": []}, "no safeguard"),
        ({"safeguards": ["TODO"]}, "no safeguard"),
        ({"retention": ..., "columns": {"consents": ["customer_id"]}}, "no retention"),
        ({"retention": ..., "columns": {"decisions": ["score"]}}, None),
        ({"retention": ..., "columns": {"decisions": ["score"]}, "other": ["prompts"]}, "no retention"),
        ({"purpose": "quality", "basis": "legitimate_interest"}, None),
        ({"purpose": " Retention "}, None),
        ({"category": "not_personal", "purpose": "quality", "safeguards": []}, None),
    ],
)
def test_a_row_says_all_it_has_to(with_rows, change, lacking):
    row = {k: v for k, v in ({"other": ["logs"]} | DETAILS | change).items() if v is not ...}
    if "columns" in change and "other" not in change:
        del row["other"]
    _, found = assess(with_rows(lambda rows: [*rows, row]))
    complete = found["rows_complete"]
    assert complete.status == ("not_met" if lacking else "met")
    assert not lacking or complete.statement.endswith(f"): {lacking}.")


def test_the_purpose_s_basis_counts_from_its_day_on(with_rows):
    root = with_rows()
    assert assess(root, as_of=date(2026, 11, 1))[1]["rows_complete"].status == "met"
    early = {"lawful_bases": [{"purpose": "retention", "basis": "consent", "on": date(2026, 10, 1)}]}
    early["lawful_bases"][0] |= {"by": "Bea Basis", "approved_by": "Abe Approver"}
    assert assess(with_rows(system=early), as_of=date(2026, 9, 15))[1]["rows_complete"].status == "not_met"


def test_a_special_category_without_a_safeguard_is_a_finding_of_its_own(with_rows):
    special = DETAILS | {"category": "special", "other": ["notes on health"]}
    _, found = assess(with_rows(lambda rows: [*rows, special, special | {"safeguards": [], "other": ["diagnoses"]}]))
    assert found["special_categories_protected"].status == "not_met"
    assert "none for: diagnoses" in found["special_categories_protected"].statement
    assert "special_categories_protected" not in assess(with_rows())[1]


@pytest.mark.parametrize(("name", "status"), [("acme  scoring", "met"), ("Another", "not_met")])
def test_a_supplier_has_to_be_among_the_recipients(with_rows, name, status):
    _, found = assess(
        with_rows(
            lambda rows: [rows[0] | {"recipients": {name: "FR"}}, *rows[1:]],
            system={"supplier": {"name": "Acme Scoring"}},
        )
    )
    assert found["supplier_listed"].status == status


@pytest.mark.parametrize("day", [date(2026, 11, 2), date(2025, 11, 1)])
def test_an_inventory_of_later_or_of_long_ago_is_none(project, day):
    root = project()
    inventory = SAID | {"on": day, "rows": rows_for(root)}
    outcome, found = assess(project(design_review={"inventory": inventory}))
    assert {f.status for f in found.values()} == {"not_assessed"}
    assert not outcome.tables
    assert str(day) in found["columns_listed"].statement


def test_without_an_inventory_nothing_is_assessed(project):
    outcome, found = assess(project())
    assert {f.status for f in found.values()} == {"not_assessed"}
    assert outcome.figures == ()


def test_taking_a_row_out_never_makes_the_columns_look_better(with_rows):
    whole = assess(with_rows())[1]["columns_listed"].value
    for index in range(3):
        less = assess(with_rows(lambda rows, i=index: rows[:i] + rows[i + 1 :]))[1]["columns_listed"]
        assert less.value < whole
        assert less.status == "not_met"


def test_every_file_looked_into_is_an_input_of_the_record(with_rows):
    root = with_rows()
    case = case_of(root)
    data_inventory(case)
    assert case.tables_used.keys() == columns_of(root).keys()


def test_the_figure_tells_who_else_gets_data_and_what_is_special(with_rows):
    def more(rows):
        sensitive = DETAILS | {"category": "special", "other": ["notes"], "recipients": {"<Lab> & Co": "US-CA"}}
        return [*rows, sensitive]

    outcome, _ = assess(with_rows(more))
    figure = outcome.figures[0]
    assert "others who get some: <Lab> & Co, US-CA (1 field)" in figure.caption
    assert "1 of a special category (red, dashed)" in figure.caption
    assert "the contract to retention: 1 (special category)" in figure.alt
    assert len(strokes(figure, stroke_dasharray=None)) == 3  # from the source, to the own systems, to the laboratory
    assert b"<Lab>" not in figure.svg


def test_many_sources_become_few_boxes_and_the_drawing_is_the_same_each_time(with_rows):
    def many(rows):
        return [DETAILS | {"source": f"source {i}", "other": [f"field {i}"]} for i in range(30)] + rows

    root = with_rows(many)
    first, second = assess(root)[0].figures[0], assess(root)[0].figures[0]
    assert first.svg == second.svg
    words = re.findall(rb"<text[^>]*>([^<]*)", first.svg)
    assert b"24 others" in words
    assert len([w for w in words if w.startswith(b"source ")]) <= 8


def problem_of(project, **row):
    rows = [{k: v for k, v in (DETAILS | {"other": ["logs"]} | row).items() if v is not ...}]
    with pytest.raises(InputError) as caught:
        case_of(project(design_review={"inventory": SAID | {"rows": rows}}))
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("row", "key", "found"),
    [
        ({"columns": {"tickets": ["id"]}}, "inventory.rows.0.columns.tickets", "a table the dossier does not name"),
        ({"retention": "forever"}, "inventory.rows.0.retention", '"forever"'),
        (
            {"retention": "other_class", "columns": {"decisions": ["score"]}},
            "inventory.rows.0.retention",
            "while the table decisions names decision_log",
        ),
        ({"basis": "contract"}, "inventory.rows.0.basis", '"contract", while system.yaml says consent for retention'),
        ({"location": "Ireland"}, "inventory.rows.0.location", "Ireland"),
        ({"category": "secret"}, "inventory.rows.0.category", "secret"),
        ({"other": ...}, "inventory.rows.0", "columns"),
    ],
)
def test_what_contradicts_the_rest_of_the_dossier_is_an_error_with_its_place(project, row, key, found):
    classes = {n: {"days": 10, "reason": "A test."} for n in ("decision_log", "other_class")}
    problem = problem_of(lambda **files: project(organisation={"retention_classes": classes}, **files), **row)
    assert problem.key == key
    assert problem.line > 0
    assert found in str(problem)
