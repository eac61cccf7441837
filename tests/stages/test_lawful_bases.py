"""P3.2 on small projects: each purpose by its own lawful basis."""

import csv
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from ethics_kit.stages import design_review
from ethics_kit.stages.case import Case
from ethics_kit.stages.evidence import in_id

BASIS = {"purpose": "retention", "by": "Bea Basis", "approved_by": "Abe Approver", "on": date(2026, 1, 2)}
CONSENT, CONTRACT = BASIS | {"basis": "consent"}, BASIS | {"basis": "contract"}
TEST = {"evidence": "https://files.example/balancing", "by": "Bea Basis", "on": date(2026, 8, 1)}
INTEREST = BASIS | {"basis": "legitimate_interest", "balancing_test": TEST}


def case_of(root):
    dossier = dossiers.load(Project(root), root / "parameters/demo", tables=False)
    return Case(dossier, "design_review", date(2026, 11, 1), root / "reports")


def assess(root, step=design_review.consent_in_force):
    outcome = step(case_of(root))
    return {f.id.removeprefix("P3.2."): f for f in outcome.findings}, {t.id: t for t in outcome.tables}


def based(project, *bases, **tables):
    return project(system={"lawful_bases": list(bases), "tables": tables})


def rewrite(root, table, change):
    """Write a table again with `change` made to each of its rows."""
    path = root / f"parameters/demo/data/{table}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        change(number, row)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


# --- consent ---------------------------------------------------------------------------------------------------


def test_consent_in_force_at_every_event_is_met_and_nobody_withdrew(project):
    findings, tables = assess(based(project, CONSENT))
    found = findings["retention.without_consent"]
    assert (found.status, found.value, found.n) == ("met", 0.0, 400)
    assert found.statement.endswith("The table does not say when consents lapse.")
    assert found.interval.high > 0
    assert "retention.after_withdrawal" not in findings
    assert tables["P3.2.withdrawals"].rows == [["retention", 0, 0, None, None]]


def test_consent_given_one_second_after_a_decision_is_none(project):
    root = based(project, CONSENT)
    rewrite(root, "consents", lambda n, row: row.update(given="2026-02-01T09:00:01") if n == 0 else None)
    found = assess(root)[0]["retention.without_consent"]
    assert (found.status, round(found.value * found.n)) == ("not_met", 1)
    assert "1 none, 0 withdrawn" in found.statement


def test_a_purpose_under_consent_that_no_event_served_stays_open(project):
    found = assess(based(project, CONSENT, CONSENT | {"purpose": "surveys"}))[0]["surveys.without_consent"]
    assert (found.status, found.null_reason) == ("not_assessed", "no row to count")


def test_consent_given_under_another_id_of_the_customer_counts(project):
    known = {"source": "data/ids.csv", "columns": {"id": "id", "customer": "customer"}}
    root = based(project, CONSENT, customer_ids=known)
    (root / "parameters/demo/data/ids.csv").write_text("id,customer\nweb0,c000\n")
    rewrite(root, "consents", lambda n, row: row.update(customer_id="web0") if n == 0 else None)
    assert assess(root)[0]["retention.without_consent"].status == "met"
    (root / "parameters/demo/data/ids.csv").write_text("id,customer\nweb0,c001\n")
    assert assess(root)[0]["retention.without_consent"].status == "not_met"


def test_purposes_are_counted_apart(project):
    root = based(project, CONSENT, CONSENT | {"purpose": "offers"}, CONTRACT | {"purpose": "billing"})
    purposes = ["retention", "offers", "billing"]
    rewrite(root, "decisions", lambda n, row: row.update(purpose=purposes[n % 3]))
    findings, tables = assess(root)
    assert findings["retention.without_consent"].status == "met"
    assert findings["offers.without_consent"].status == "not_met"
    assert "133 for another purpose" in findings["offers.without_consent"].statement
    assert findings["billing.basis_is_contract"].status == "not_applicable"
    assert tables["P3.2.consent_states"].rows == [
        ["offers", 133, 0, 0, 0, 0, 133],
        ["retention", 134, 134, 0, 0, 0, 0],
    ]


def test_an_event_whose_purpose_has_no_basis_leaves_the_requirement_open(project):
    root = based(project, CONSENT)
    rewrite(root, "decisions", lambda n, row: row.update(purpose="" if n < 3 else "retention"))
    found = assess(root)[0]["purposes_with_a_basis"]
    assert (found.status, found.null_reason) == ("not_assessed", "awaits a lawful basis for the purpose of 3 events")


def test_days_run_from_the_withdrawal_to_the_last_event(project):
    root = based(project, CONSENT)
    ends = {0: "2026-05-01T09:00:00", 1: "2026-05-01", 2: "2026-10-01", 3: "2026-12-01"}
    rewrite(root, "consents", lambda n, row: row.update(withdrawn=ends.get(n, "")))
    findings, tables = assess(root)
    found = findings["retention.after_withdrawal"]
    assert (found.status, found.n, round(found.value * found.n)) == ("not_met", 3, 2)
    assert found.statement.endswith("(for 1.4 days at the longest, 1.2 in the median).")
    assert tables["P3.2.withdrawals"].rows == [["retention", 3, 2, 1.1875, 1.375]]


def test_withdrawals_that_ended_the_processing_are_met_however_few(project):
    root = based(project, CONSENT)
    rewrite(root, "consents", lambda n, row: row.update(withdrawn="2026-10-01" if n == 0 else ""))
    found = assess(root)[0]["retention.after_withdrawal"]
    assert (found.status, found.value, found.n) == ("met", 0.0, 1)


def test_without_the_column_of_withdrawals_it_cannot_be_said_whether_they_were_honoured(project):
    found = assess(based(project, CONSENT, consents={"columns": {"withdrawn": ...}}))[0]["retention.after_withdrawal"]
    assert (found.status, found.null_reason) == (
        "not_assessed",
        "awaits in the table consents the column for withdrawn",
    )


def test_without_consents_each_purpose_waits_for_them(project):
    findings = assess(based(project, CONSENT, consents=...))[0]
    assert findings["retention.without_consent"].null_reason == "awaits the table consents"


def test_flags_without_history_give_bounds_and_never_a_pass(project):
    flags = {"source": "data/flags.csv", "columns": {"customer": "id", "consented": "yes"}, "dated": date(2026, 10, 31)}
    root = based(project, CONSENT, consents=..., current_consents=flags)
    lines = "".join(f"c{i:03d},yes\n" for i in range(200))
    (root / "parameters/demo/data/flags.csv").write_text("id,yes\n" + lines)
    findings, _ = assess(root)
    assert findings["retention.current_consent"].status == "inconclusive"


def test_without_any_basis_nothing_is_assessed(project):
    findings, _ = assess(based(project))
    assert [f.status for f in findings.values()] == ["not_assessed"]


def test_a_basis_decided_later_does_not_count(project):
    findings, _ = assess(based(project, CONSENT | {"on": date(2026, 11, 2)}))
    assert [f.status for f in findings.values()] == ["not_assessed"]


@pytest.mark.parametrize("purpose", ["offers", "Retention_2"])
def test_a_plain_purpose_is_its_own_part_of_an_id(purpose):
    assert in_id(purpose) == purpose


def test_purposes_that_an_id_cannot_hold_stay_apart(project):
    strange = ["price offers", "price-offers", "Ünter", "客户"]
    assert len({in_id(p) for p in strange}) == 4
    findings, _ = assess(based(project, *(CONTRACT | {"purpose": p} for p in strange)))
    assert len(findings) == 5


# --- legitimate interest -----------------------------------------------------------------------------------------


def interest(root):
    return assess(root, design_review.legitimate_interest)[0]


def test_objections_after_the_last_event_are_honoured_and_the_test_is_on_file(project):
    findings = interest(based(project, INTEREST))
    assert findings["retention.objections_honoured"].status == "met"
    balanced = findings["retention.balancing_test"]
    assert (balanced.status, balanced.evidence, balanced.author) == ("met", "attested", "Bea Basis")


def test_events_after_an_objection_are_counted(project):
    root = based(project, INTEREST)
    rewrite(root, "opt_outs", lambda n, row: row.update(opted_out_at="2026-01-15", purpose="retention" if n else ""))
    found = interest(root)["retention.objections_honoured"]
    assert (found.status, round(found.value * found.n), found.n) == ("not_met", 10, 400)


@pytest.mark.parametrize(
    ("test", "awaits"),
    [
        (..., "awaits the balancing test of “retention” (balancing_test in system.yaml)"),
        (TEST | {"on": date(2026, 12, 1)}, "as it was on 2026-11-01; this one is dated 2026-12-01"),
        (TEST | {"on": date(2025, 1, 1)}, "looked through in the last 12 months; this one is dated 2025-01-01"),
    ],
)
def test_without_a_balancing_test_that_counts_it_is_not_assessed(project, test, awaits):
    basis = {k: v for k, v in (INTEREST | {"balancing_test": test}).items() if v is not ...}
    found = interest(based(project, basis))["retention.balancing_test"]
    assert (found.status, found.evidence) == ("not_assessed", "attested")
    assert awaits in found.null_reason


def test_the_balancing_test_is_an_input_of_the_record(project):
    root = based(project, INTEREST | {"balancing_test": TEST | {"evidence": "test.md"}})
    path = root / "parameters/demo/test.md"
    path.write_text("Weighed.")
    case = case_of(root)
    design_review.legitimate_interest(case)
    assert case.documents == {"balancing test retention": path}


def test_without_opt_outs_it_cannot_be_said_whether_objections_were_honoured(project):
    found = interest(based(project, INTEREST, opt_outs=...))["retention.objections_honoured"]
    assert found.null_reason == "awaits the table opt_outs"


def test_other_bases_ask_for_no_balancing(project):
    assert interest(based(project, CONSENT)) == {}
