"""C1.4: each country that data goes to rests on something that is in force, or is a finding."""

import csv
from dataclasses import replace
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit import schema
from ethics_kit.errors import InputError
from ethics_kit.project import Project
from ethics_kit.stages.design_review.transfers import OWN, Movement, _counts, cross_border, ground
from tests.stages.listed_columns import DETAILS, every_column, extract

PLACES = {"north": "IE", "south": "US-CA"}
CLAUSES = {
    "from": "EEA",
    "to": "IN",
    "mechanism": "standard_contractual_clauses",
    "evidence": "https://example.org/clauses",
    "assessment": "https://example.org/assessment",
    "by": "Ann Lee",
    "on": date(2026, 3, 1),
}


def assess(case):
    outcome = cross_border(case)
    return {f.id.removeprefix("C1.4."): f for f in outcome.findings}, outcome.tables


def at(case, name="customers", **details):
    """The whole of one table, listed in IE unless `details` say otherwise."""
    return [DETAILS | {"columns": {name: every_column(case.dossier)[name]}} | details]


def by_region(case, name):
    """Rows of a table by region of their customer, counted from the files."""
    paths = {n: located.path for n, located in case.dossier.located_tables.items()}
    with paths["customers"].open(newline="") as file:
        regions = {row["customer_id"]: row["region"] for row in csv.DictReader(file)}
    with paths[name].open(newline="") as file:
        rows = [regions.get(row["customer_id"]) for row in csv.DictReader(file)]
    return {region: rows.count(region) for region in ("north", "south", None)}


@pytest.mark.parametrize(
    ("origin", "place", "rows", "status", "words"),
    [
        ("US", "US-CA", [], "met", "one country"),
        ("FR", "IE", [], "met", "within the European Economic Area"),
        ("NO", "DE", [], "met", "within the European Economic Area"),
        ("IE", "GB", [], "met", "adequacy (the renewal of 19 December 2025)"),
        ("IE", "IN", [], "not_met", "no mechanism"),
        ("IE", "US", [], "not_met", "Data Privacy Framework, and no row says so"),
        ("US", "IE", [], "not_assessed", "speaks of the EEA, not of US"),
        ("IE", "IN", [CLAUSES], "met", "standard contractual clauses, by Ann Lee on 2026-03-01"),
        ("IE", "IN-MH", [CLAUSES], "met", "standard contractual clauses"),
        ("US", "IN", [CLAUSES], "not_assessed", "speaks of the EEA"),
        ("IE", "IN", [CLAUSES | {"from": "FR"}], "not_met", "no mechanism"),
        ("IE", "IN", [CLAUSES | {"to": "IN-MH"}], "not_met", "no mechanism"),
        ("IE", "IN", [CLAUSES | {"recipient": "desk in  PUNE"}], "met", "clauses"),
        ("IE", "IN", [CLAUSES | {"recipient": "Somebody else"}], "not_met", "no mechanism"),
        ("IE", "IN", [CLAUSES | {"on": date(2026, 11, 2)}], "not_met", "no mechanism"),
        ("IE", "IN", [CLAUSES | {"until": date(2026, 11, 1)}], "met", "until 2026-11-01"),
        ("IE", "IN", [CLAUSES | {"until": date(2026, 10, 31)}], "not_met", "clauses that expired on 2026-10-31"),
        ("IE", "IN", [CLAUSES | {"until": date(2026, 10, 31)}, CLAUSES], "met", "clauses"),
        ("IE", "IN", [CLAUSES | {"assessment": None}], "not_assessed", "without a transfer impact assessment"),
        ("IE", "US", [CLAUSES | {"to": "US", "mechanism": "adequacy", "assessment": None}], "met", "adequacy, by Ann"),
        ("US", "IE", [CLAUSES | {"from": "US", "to": "IE", "mechanism": "not_restricted"}], "met", "not restricted"),
    ],
)
def test_what_a_transfer_rests_on(inventoried, origin, place, rows, status, words):
    case = inventoried(organisation={"transfers": rows})
    found = ground(case, Movement(origin, place, "Desk in Pune", 10))
    assert found.status == status
    assert words in found.words


@pytest.mark.parametrize(
    ("as_of", "status", "words"),
    [
        (date(2025, 12, 18), "not_met", "no mechanism"),
        (date(2027, 11, 28), "met", "adequacy"),
        (date(2027, 11, 29), "not_assessed", "last looked up on 2026-11-29"),
        (date(2031, 12, 28), "not_met", "no mechanism"),
    ],
)
def test_an_adequacy_decision_counts_while_it_is_in_force_and_was_looked_up_lately(inventoried, as_of, status, words):
    found = ground(inventoried(as_of=as_of), Movement("IE", "GB", OWN, 10))
    assert (found.status, words in found.words) == (status, True)


def test_rows_are_counted_by_the_customer_s_country_over_all_tables_of_a_place(inventoried):
    base = inventoried()
    columns = {name: every_column(base.dossier)[name] for name in ("decisions", "consents")}
    rows = [DETAILS | {"columns": columns, "recipients": {"Desk": "FR"}}, *at(base, "consents")]
    case = inventoried(rows, organisation={"places": PLACES})
    found, (table,) = assess(case)
    counts = [by_region(case, name) for name in columns]
    north, south = (sum(count[region] for count in counts) for region in ("north", "south"))
    assert {tuple(row[:4]) for row in table.rows} == {
        (origin, place, who, n)
        for origin, n in (("IE", north), ("US", south))
        for place, who in (("IE", OWN), ("FR", "Desk"))
    }
    assert (found["to_FR"].status, found["to_FR"].n) == ("not_assessed", north + south)
    assert found["to_FR"].value == pytest.approx(north / (north + south))


def test_a_pair_without_a_mechanism_is_named_with_its_rows_and_the_others_still_count(inventoried):
    case = inventoried(
        at(inventoried(), recipients={"Vector shop": "IN"}), organisation={"places": PLACES | {"south": "DE"}}
    )
    found, _ = assess(case)
    counts = by_region(case, "customers")
    assert found["to_IN"].status == "not_met"
    assert f"{counts['north']} rows from IE (Vector shop): no mechanism" in found["to_IN"].statement
    assert found["to_IE"].status == "met"


def test_rows_of_a_region_without_a_country_stay_open_and_no_region_is_told(inventoried):
    case = inventoried(at(inventoried()), organisation={"places": {"north": "IE"}})
    found, _ = assess(case)
    count = by_region(case, "customers")["south"]
    assert found["origins_known"].status == "not_assessed"
    assert f"{count} of 200 rows" in found["origins_known"].statement
    assert "south" not in found["origins_known"].statement


def test_data_in_no_table_counts_a_row_per_event(inventoried):
    rows = [DETAILS | {"other": ["prompts"], "recipients": {"Model host": "IN"}}]
    found, _ = assess(inventoried(rows, organisation={"places": dict.fromkeys(PLACES, "IE")}))
    assert (found["to_IN"].status, found["to_IN"].n) == ("not_met", 400)


def test_a_table_that_names_no_customer_comes_from_where_it_is_kept(inventoried):
    rows = at(inventoried(), "training", recipients={"Course shop": "IN"})
    found, (table,) = assess(inventoried(rows, organisation={"places": PLACES}))
    assert [row[:4] for row in table.rows] == [["IE", "IE", OWN, 20], ["IE", "IN", "Course shop", 20]]
    assert found["to_IN"].status == "not_met"


def test_data_about_nobody_crosses_no_border(inventoried):
    rows = [*at(inventoried()), *at(inventoried(), "past_assessments", category="not_personal", location="IN")]
    found, _ = assess(inventoried(rows, organisation={"places": dict.fromkeys(PLACES, "IE")}))
    assert set(found) == {"to_IE"}


def test_a_row_without_a_location_stays_open(inventoried):
    found, _ = assess(inventoried([*at(inventoried()), *at(inventoried(), "consents", location=...)],
                                  organisation={"places": PLACES}))  # fmt: skip
    assert "the location of 1 rows" in found["places_of_processing"].statement


@pytest.mark.parametrize(("rows", "organisation", "awaits"), [([], {}, "inventory"), (None, {}, "places")])
def test_without_inventory_or_places_nothing_is_judged(inventoried, rows, organisation, awaits):
    found, tables = assess(inventoried(rows, organisation=organisation))
    (finding,) = found.values()
    assert finding.status == "not_assessed"
    assert awaits in finding.statement
    assert not tables


def test_evidence_that_is_not_there_and_days_that_cannot_be_are_told_with_their_place(project):
    row = CLAUSES | {"evidence": "evidence/none.md", "until": date(2026, 2, 1), "assessment": "../outside.md"}
    root = project(organisation={"transfers": [row, CLAUSES | {"from": "IN"}]})
    with pytest.raises(InputError) as error:
        dossiers.load(Project(root), root / "parameters/demo", tables=False)
    told = str(error.value)
    for part in (
        "transfers.0.evidence: found no file evidence/none.md",
        "transfers.0.assessment",
        "transfers.0.until: found 2026-02-01, before `on`",
        "transfers.1.to: found IN, the country it comes from",
    ):
        assert part in told, told


@pytest.mark.parametrize(("who", "placed"), [("desk ", True), ("Desk of another firm", False)])
def test_who_gets_an_extract_has_to_have_a_place(inventoried, who, placed):
    rows = at(inventoried(), recipients={who.strip(): "FR"})
    found, _ = assess(inventoried(rows, system=extract(), organisation={"places": dict.fromkeys(PLACES, "IE")}))
    assert ("extract_weekly_placed" not in found) == placed


@pytest.mark.parametrize(("answer", "found"), [("does_not_hold", True), ("holds", False), ("unanswered", False)])
def test_rows_abroad_that_the_impact_analysis_denies_are_a_fault_of_the_inventory(inventoried, answer, found):
    case = inventoried(organisation={"places": PLACES})
    conditions = {**case.obligations.conditions, "processed_abroad": answer}
    vars(case)["obligations"] = case.obligations.model_copy(update={"conditions": conditions})
    denied = assess(case)[0].get("S2.1.processed_abroad_denied")
    assert (denied is not None) is found
    if denied:
        assert (denied.status, denied.value > 0) == ("not_met", True)
        assert "no personal data is processed in another country" in denied.statement


def test_customers_rows_without_their_column_of_customers_have_no_known_origin(inventoried):
    case, without = (inventoried(organisation={"places": PLACES}) for _ in range(2))
    name = next(n for n, t in case.dossier.located_tables.items() if n != "customers" and "customer" in t.spec.columns)
    located = case.dossier.located_tables[name]
    columns = {role: column for role, column in located.spec.columns.items() if role != "customer"}
    spec = located.spec.model_copy(update={"columns": columns})
    vars(without.dossier)["located_tables"] = {**case.dossier.located_tables, name: replace(located, spec=spec)}
    listed = case.dossier.stage(schema.DesignReview).inventory.rows
    known, unknown = (_counts(c, listed)[name] for c in (case, without))
    assert unknown == {None: known.total()}
    assert known[None] < known.total()
