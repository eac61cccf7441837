"""P3.3 on small projects: who is hidden in an extract, what stays open, and what is wrong with naming one."""

from datetime import date

import pytest

from ethics_kit.errors import InputError
from ethics_kit.stages.bias_testing import extract_anonymity
from tests.stages.planted_rows import assess, case_of, found_in, people, planted, write

EXTRACT = {
    "source": "data/passed_on.csv",
    "made_on": date(2026, 10, 1),
    "recipient": "Acme",
    "purpose": "Research",
    "quasi_identifiers": ["age", "area"],
    "sensitive": {"offer": "offer"},
}
CUSTOMERS = {"source": "data/customers.csv", "columns": {"customer": "customer", "region": ..., "since": ...}}
HIDDEN = [
    {"age": age, "area": area, "offer": offer}
    for age in (30, 40)
    for area in ("N1", "")
    for offer in ("a", "b", "c") * 4
]
"""Four classes of twelve, each with three offers as often as all have them."""


@pytest.fixture(autouse=True)
def nothing_is_drawn(monkeypatch, request):
    """Figures take most of the time."""
    if "figure" not in request.node.name:
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda _, target, **__: target.write(b"<svg/>"))


def with_extract(project, rows=HIDDEN, *, extracts=None, impact_analysis=None, **spec):
    """A project that passes `rows` on; ``...`` takes a key out."""
    extract = {key: value for key, value in {**EXTRACT, **spec}.items() if value is not ...}
    root = planted(
        project,
        people(4),
        system={"extracts": {"file": extract} if extracts is None else extracts},
        tables={"customers": CUSTOMERS},
        impact_analysis=impact_analysis or {},
    )
    folder = root / "parameters/demo/data"
    write(folder / "passed_on.csv", rows)
    write(folder / "customers.csv", [{"customer": f"c{i:05d}", "band": 30 + 10 * (i % 2)} for i in range(200)])
    return root


def findings(root):
    found, tables = assess(root, extract_anonymity)
    return {name.removeprefix("P3.3.file."): f for name, f in found.items()}, tables


def measured(table):
    return {row[0]: row[1] for row in table.rows}


def test_people_hidden_in_classes_that_are_like_all_others_meet_every_limit(project):
    found, tables = findings(with_extract(project))
    assert {name: (f.status, f.value) for name, f in found.items()} == {
        "identifiers": ("met", 0),
        "k": ("met", 12),
        "unique": ("met", 0.0),
        "risk": ("met", pytest.approx(4 / 48)),
        "l_offer": ("met", 3),
        "t_offer": ("met", 0.0),
    }
    assert all(f.n == 48 for f in found.values())
    assert "P3.3.file.generalisation" not in tables


def test_who_stands_out_is_counted_and_a_way_to_hide_them_is_shown(project):
    alone = [{"age": age, "area": "N1", "offer": "a"} for age in (31, 32, 33, 34)]
    found, tables = findings(with_extract(project, HIDDEN + alone))
    assert (found["k"].status, found["k"].value) == ("not_met", 1)
    assert "4 of 52 people look like fewer than 5" in found["k"].statement
    assert (found["unique"].status, found["unique"].value) == ("not_met", 4)
    assert (found["l_offer"].status, found["t_offer"].status) == ("not_met", "not_met")
    assert "4 of 52 rows share their single value" in found["l_offer"].statement
    assert tables["P3.3.file.generalisation"].rows == [["age", "bands of 5"], ["area", "as it is"]]
    assert "0 of 52 people would be left out" in tables["P3.3.file.generalisation"].note
    assert measured(tables["P3.3.file.measures"])["prosecutor risk, worst row"] == 1.0


def test_direct_identifiers_are_found_in_every_column_and_no_value_is_shown(project):
    notes = ["ask ann.lee@example.org", "+49 30 1234567", "c00002", *[""] * 45]
    rows = [row | {"note": note} for row, note in zip(HIDDEN, notes, strict=True)]
    root = with_extract(project, rows, other={"note": "Remarks of the desk."})
    found, tables = findings(root)
    assert (found["identifiers"].status, found["identifiers"].value) == ("not_met", 1)
    assert "note (1 e-mail addresses, 1 telephone numbers, 1 ids of customers)" in found["identifiers"].statement
    told = " ".join([*(f.statement for f in found.values()), *(str(t) for t in tables.values())])
    assert not any(part in told for part in ("ann.lee", "1234567", "c00002"))


def test_without_ids_to_look_for_nothing_shows_that_there_are_none(project):
    root = with_extract(project)
    case = case_of(root)
    case.dossier.located_tables.pop("customers")
    case.dossier.located_tables.pop("decisions")
    found = found_in(case, extract_anonymity)[0]["P3.3.file.identifiers"]
    assert (found.status, "the table customers" in found.action) == ("not_assessed", True)


def test_a_column_nobody_declared_counts_as_a_quasi_identifier_and_stays_open(project):
    rows = [row | {"serial": f"s{i}"} for i, row in enumerate(HIDDEN)]
    found, _ = findings(with_extract(project, rows))
    assert (found["k"].value, found["unique"].value) == (1, len(rows))
    assert found["columns_declared"].status == "not_assessed"
    assert "serial" in found["columns_declared"].statement
    found, _ = findings(with_extract(project, rows, other={"serial": "Drawn anew for each file."}))
    assert found["k"].value == 12
    assert "columns_declared" not in found


def test_without_a_sensitive_column_somebody_says_why(project):
    rows = [{k: v for k, v in row.items() if k != "offer"} for row in HIDDEN]
    assert findings(with_extract(project, rows, sensitive=...))[0]["sensitive"].status == "not_assessed"
    found, tables = findings(with_extract(project, rows, sensitive=..., none_sensitive="Counts of seats only."))
    assert "sensitive" not in found
    assert "Counts of seats only" in tables["P3.3.file.measures"].note


def test_rows_of_one_person_do_not_hide_each_other(project):
    rows = [row | {"who": f"p{i // 6}"} for i, row in enumerate(HIDDEN)]
    found, _ = findings(with_extract(project, rows, person="who"))
    assert (found["k"].status, found["k"].value, found["k"].n) == ("not_met", 2, 8)


def test_everybody_in_a_table_lowers_the_risk_that_a_row_is_named(project):
    rows = [row for row in HIDDEN if row["area"]]
    named = {"quasi_identifiers": ["age"], "other": {"area": "One for all."}}
    own = findings(with_extract(project, rows, **named))[1]["P3.3.file.measures"]
    among = {"table": "customers", "columns": {"age": "band"}}
    found, tables = findings(with_extract(project, rows, **named, population=among))
    table = measured(tables["P3.3.file.measures"])
    assert table["journalist risk, worst row"] == pytest.approx(1 / 100)
    assert found["risk"].value == pytest.approx(1 / 100)
    assert measured(own)["journalist risk, worst row"] == pytest.approx(1 / 12)
    assert table["unique among everybody, share"] == 0.0
    silent = findings(with_extract(project, rows, quasi_identifiers=["age"], population=among))[0]
    assert silent["risk"].value == pytest.approx(1 / 12)


@pytest.mark.parametrize("day", [date(2026, 11, 2), date(2025, 9, 1)])
def test_a_file_of_tomorrow_or_of_long_ago_shows_nothing(project, day):
    found, tables = findings(with_extract(project, made_on=day))
    assert {f.status for f in found.values()} == {"not_assessed"}
    assert str(day) in found["k"].statement
    assert not tables


def test_extracts_that_are_passed_on_and_not_named_are_awaited(project):
    case = case_of(with_extract(project, extracts={}))
    (finding,) = found_in(case, extract_anonymity)[0].values()
    assert (finding.id, finding.status) == ("P3.3.extracts", "not_assessed")
    no = {**case.obligations.conditions, "shares_extracts": "does_not_hold"}
    vars(case)["obligations"] = case.obligations.model_copy(update={"conditions": no})
    assert found_in(case, extract_anonymity)[0]["P3.3.extracts"].status == "not_applicable"


def test_the_file_is_an_input_of_the_record_and_the_figure_counts_everybody(project):
    case = case_of(with_extract(project))
    outcome = extract_anonymity(case)
    assert case.documents["extract file"].name == "passed_on.csv"
    (figure,) = outcome.figures
    assert "10–19: 48" in figure.alt
    assert figure.svg == extract_anonymity(case).figures[0].svg


@pytest.mark.parametrize("clash", ["p", "class_size", "column_0"])
def test_a_column_may_have_any_name(project, clash):
    rows = [{("age" if k == "age" else clash if k == "area" else k): v for k, v in row.items()} for row in HIDDEN]
    found, _ = findings(with_extract(project, rows, quasi_identifiers=["age", clash]))
    assert {f.status for f in found.values()} == {"met"}


def test_taking_anything_from_what_is_declared_settles_nothing(project):
    rows = [row | {"note": "x"} for row in HIDDEN]
    whole = {"other": {"note": "One for all."}, "population": {"size": 100_000}}
    met = {n for n, f in findings(with_extract(project, rows, **whole))[0].items() if f.status == "met"}
    for less in ({"other": ..., "population": ...}, {"sensitive": ...}):
        found = findings(with_extract(project, rows, **{**whole, **less}))[0]
        assert {n for n, f in found.items() if f.status == "met"} <= met
        assert "not_assessed" in {f.status for f in found.values()}


@pytest.mark.parametrize(
    ("spec", "key", "found"),
    [
        ({"source": "../../../other.csv"}, "source", "outside the project"),
        ({"source": "https://example.org/x.csv"}, "source", "an address"),
        ({"source": "data/none.csv"}, "source", "no file none.csv"),
        ({"quasi_identifiers": ["age", "aera"]}, "quasi_identifiers.1", "no column aera"),
        ({"sensitive": {"offer": "price"}}, "sensitive.offer", "no column price"),
        ({"other": {"age": "It is old."}}, "other.age", '"age" a second time'),
        ({"none_sensitive": "Nothing."}, "", "none_sensitive"),
        ({"quasi_identifiers": []}, "quasi_identifiers", ""),
        ({"population": {"size": 10, "table": "customers"}}, "population", "either size"),
        ({"population": {"table": "tickets"}}, "population.table", "does not name"),
        ({"population": {"table": "customers"}}, "population", 'no column for "age" in customers'),
        ({"population": {"table": "customers", "columns": {"ege": "band"}}}, "population.columns.ege", "no quasi"),
    ],
)
def test_what_is_wrong_with_an_extract_is_said_with_its_place(project, spec, key, found):
    with pytest.raises(InputError) as caught:
        case_of(with_extract(project, **spec))
    problem = next(p for p in caught.value.problems if p.key == f"extracts.file.{key}".rstrip("."))
    assert found in f"{problem.found} {problem.allowed}"
    assert problem.line > 0


def test_an_empty_extract_is_a_problem_and_not_a_pass(project):
    root = with_extract(project)
    (root / "parameters/demo/data/passed_on.csv").write_text("age,area,offer\n")
    with pytest.raises(InputError, match="no rows"):
        case_of(root)


def test_a_dossier_that_denies_the_extracts_it_names_is_wrong(project):
    answer = {"value": "no", "by": "Ann Lee", "role": "DPO", "on": date(2026, 9, 1)}
    with pytest.raises(InputError, match="1 named, while extracts_shared is answered no"):
        case_of(with_extract(project, impact_analysis={"answers": {"extracts_shared": answer}}))
