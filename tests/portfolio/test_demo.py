"""The whole job on the example portfolio: what the demo prints, and whether the records hold the planted facts."""

import json
import re
from datetime import date
from pathlib import Path

import jsonschema
import nbformat
import pytest
from bs4 import BeautifulSoup

from ethics_kit import examples
from ethics_kit.attestation.told import lines
from ethics_kit.attestation.verify import verify
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES
from ethics_kit.recommendation import recommend
from ethics_kit.record import read_record
from ethics_kit.report.html import SENTENCES
from tests.published import read_all

FACTS = examples.planted()["systems"]
GOVERNANCE = ("P2.3", "S4.4", "G3", "G4", "G5", "B5")
ALL = [(system, stage) for system in FACTS for stage in STAGES]


def test_the_demo_ends_with_a_table_of_verdicts_and_the_way_to_the_index(portfolio):
    assert portfolio.printed.count("report.html") == 20
    assert re.search(
        r"(?m)^system +impact_analysis +design_review +bias_testing +deployment_signoff$", portfolio.printed
    )
    assert re.search(r"(?m)^Pages: reports/index\.html\nTook .*\Z", portfolio.printed.rstrip())
    assert (portfolio.reports / "index.html").is_file()


@pytest.mark.parametrize(("system", "stage"), ALL)
def test_a_record_is_valid_intact_and_follows_the_published_schema(portfolio, system, stage):
    folder = portfolio.folder(system, stage)
    record, why = read_record(folder / "record.json")
    assert record, why
    assert folder.name == f"2026-11-01_{record.record_id[:12]}"
    published = json.loads((portfolio.root / "parameters/.schema/record.json").read_text())
    jsonschema.validate(portfolio.record(system, stage), published)
    assert recommend(record.findings, record.obligations, record.upstream, record.as_of) == record.recommendation


@pytest.mark.parametrize(("system", "stage"), ALL)
def test_every_requirement_of_the_stage_has_the_evidence_it_owes(portfolio, system, stage):
    record = portfolio.record(system, stage)
    needs = {d["requirement"]: set(d["needs"]) for d in record["obligations"]["duties"]}
    assert set(needs) == set(catalogue.stage_requirements(stage))
    for requirement, evidence in needs.items():
        assert evidence <= {f["evidence"] for f in record["findings"] if f["requirement"] == requirement}


@pytest.mark.parametrize(("system", "stage"), ALL)
def test_finding_ids_are_unique(portfolio, system, stage):
    ids = [f["id"] for f in portfolio.record(system, stage)["findings"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("system", FACTS)
def test_planted_notices_are_counted_exactly(portfolio, system):
    found = portfolio.finding(system, "design_review", "P1.1.notice_before_first_decision")
    assert round((1 - found["value"]) * found["n"]) == FACTS[system]["without_notice"]
    assert found["n"] == FACTS[system].get("decisions", FACTS[system].get("conversations"))


@pytest.mark.parametrize("system", [s for s, facts in FACTS.items() if facts["consent"]])
def test_planted_consents_are_counted_exactly_and_apart(portfolio, system):
    tables = {t["id"]: t for t in portfolio.record(system, "design_review")["tables"]}
    (row,) = tables["P3.2.consent_states"]["rows"]
    counts = dict(zip(tables["P3.2.consent_states"]["columns"], row, strict=True))
    planted = FACTS[system]["consent"]
    assert counts["none"] == planted["none"]
    assert counts["withdrawn"] == planted["withdrawn"]
    assert counts["expired"] == planted["expired"]
    assert counts["another purpose"] == planted["wrong_purpose"]


@pytest.mark.parametrize("system", FACTS)
def test_planted_deletion_requests_and_people_who_still_stand_are_counted_exactly(portfolio, system):
    tables = {t["id"]: t["rows"] for t in portfolio.record(system, "design_review")["tables"]}
    planted = FACTS[system]["deletion_requests"]
    assert [row[1] for row in tables["P3.4.requests"]] == [planted["in_time"], planted["late"], planted["overdue"], 6]
    standing = {row[0]: row[1:3] for row in tables["P3.4.standing"]}
    assert standing["customers"] == [planted["still_there"], planted["overdue"]]
    found = portfolio.finding(system, "design_review", "P3.4.still_standing")
    assert round(found["value"] * found["n"]) == planted["still_there"] + planted["overdue"]


@pytest.mark.parametrize("system", FACTS)
def test_planted_opt_outs_audit_gaps_and_old_rows_are_counted_exactly(portfolio, system):
    facts = FACTS[system]
    after = portfolio.finding(system, "deployment_signoff", "C3.1.decided_after_opt_out")
    assert round(after["value"] * after["n"]) == facts["after_opt_out"]
    audit = portfolio.finding(system, "deployment_signoff", "P4.2.audit_log_complete")
    assert round((1 - audit["value"]) * audit["n"]) == facts["audit_log_incomplete"]
    missing = portfolio.finding(system, "deployment_signoff", "P4.2.sequence_complete")
    assert round(missing["value"] * missing["n"]) == facts["sequence_gaps"]
    faults = facts.get("audit_log", {})
    named = {"sequence_unique": "repeated", "clock_forwards": "steps_back", "versions_known": "unknown_version"}
    for name, key in named.items():
        found = portfolio.finding(system, "deployment_signoff", f"P4.2.{name}")
        if (system, name) == ("next_best_offer", "versions_known"):  # its supplier names no version
            assert found["status"] == "not_assessed"
            continue
        assert round(found["value"] * found["n"]) == faults.get(key, 0)
    for table, count in facts["over_retention"].items():
        kept = portfolio.finding(system, "design_review", f"C1.3.{table}_over_limit")
        assert round(kept["value"] * kept["n"]) == count


@pytest.mark.parametrize("system", FACTS)
def test_planted_appeals_errors_and_feedback_are_counted_exactly(portfolio, system):
    facts = FACTS[system]
    appeals, more = facts["appeals"], facts.get("more_appeals", {"rows": 0, "overturned": 0})
    tables = {t["id"]: t for t in portfolio.record(system, "deployment_signoff")["tables"]}
    filed, resolved = tables["C3.3.filed"]["rows"][0][:2]
    assert (filed, resolved) == (appeals["rows"] + more["rows"], appeals["resolved"] + more["rows"])
    changed = portfolio.finding(system, "deployment_signoff", "C3.3.overturned")
    assert round(changed["value"] * changed["n"]) == appeals["overturned"] + more["overturned"]
    assert changed["n"] == resolved
    repeats = portfolio.finding(system, "deployment_signoff", "P4.3.repeat_errors")
    assert (round(repeats["value"] * repeats["n"]), repeats["n"]) == (
        facts["error_reports"]["repeats"],
        facts["error_reports"]["rows"],
    )
    periods = tables["P4.3.by_period"]
    assert periods["hidden"] or sum(row[2] for row in periods["rows"]) == facts["error_reports"]["corrected"]
    assert sum(row[1] for row in tables["S4.3.topics"]["rows"]) == facts["feedback"]["rows"]
    received = portfolio.finding(system, "deployment_signoff", "S4.3.received")
    assert received["n"] == facts["feedback"]["rows"]


@pytest.mark.parametrize("system", FACTS)
def test_planted_reviews_are_counted_exactly(portfolio, system):
    facts = FACTS[system]
    for stage in ("design_review", "deployment_signoff"):
        (table,) = [t for t in portfolio.record(system, stage)["tables"] if t["id"] == "P4.4.reviews"]
        found = {row[0]: dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}
        for team, plan in facts["reviews"].items():
            more = facts.get("more_reviews", {}).get(team, {"counts": [0] * 4})["counts"]
            right, right_changed, wrong, wrong_changed = map(sum, zip(plan["counts"], more, strict=True))
            assert found[team]["reviews"] == right + right_changed + wrong + wrong_changed
            assert (found[team]["system right"], found[team]["system wrong"]) == (
                right + right_changed,
                wrong + wrong_changed,
            )
            assert round(found[team]["accepted all the same"] * (wrong + wrong_changed)) == wrong


def test_the_team_that_comes_to_sign_is_found_and_no_other(portfolio):
    worse = {
        (system, finding["id"])
        for system in FACTS
        for finding in portfolio.record(system, "deployment_signoff")["findings"]
        if finding["id"].endswith("_over_time") and finding["status"] == "not_met"
    }
    signs = ("accepted_when_wrong", "reviews_too_fast", "reviews_in_runs")
    assert worse == {("support_triage", f"P4.4.{sign}_over_time") for sign in signs}


def test_the_clean_system_answers_its_customers(portfolio):
    answered = [
        f
        for f in portfolio.record("health_score", "deployment_signoff")["findings"]
        if f["requirement"] in ("C3.3", "P4.3", "P4.4", "S4.3")
    ]
    assert len(answered) > 20
    assert {f["status"] for f in answered} == {"met"}


@pytest.mark.parametrize("system", FACTS)
def test_planted_requests_for_a_person_and_choices_are_counted_exactly(portfolio, system):
    facts, later = FACTS[system], FACTS[system].get("requests_later", 0)
    asked = facts["human_requests"]
    offered = portfolio.finding(system, "deployment_signoff", "C3.2.person_offered")
    assert (round(offered["value"] * offered["n"]), offered["n"]) == (asked["offered"] + later, asked["rows"] + later)
    served = portfolio.finding(system, "deployment_signoff", "C3.2.served_in_time")
    due = later - facts.get("requests_not_due", 0)
    in_time = asked["served"] + due - facts.get("answered_slowly", 0)
    assert (round(served["value"] * served["n"]), served["n"]) == (in_time, asked["rows"] + due)
    assert "within 48 hours (promised to customers)" in served["statement"]
    honoured = portfolio.finding(system, "deployment_signoff", "C3.4.choices_honoured")
    assert round(honoured["value"] * honoured["n"]) == facts["personalisation_choices"]["honoured"]
    assert portfolio.finding(system, "deployment_signoff", "C3.4.can_be_switched_off")["status"] == "met"


def test_what_customers_can_decide_and_the_log_of_the_clean_system_are_met(portfolio):
    record = portfolio.record("health_score", "deployment_signoff")
    asked = ("C3.1", "C3.2", "C3.4", "P1.1", "P1.3", "P4.2")
    found = {f["id"]: f["status"] for f in record["findings"] if f["requirement"] in asked}
    assert len(found) > 20
    assert set(found.values()) == {"met"}


@pytest.mark.parametrize("system", FACTS)
def test_planted_gaps_of_the_inventory_and_hard_notices_are_found_and_no_others(portfolio, system):
    planted = FACTS[system]["inventory"]
    apart = [t for t in portfolio.record(system, "design_review")["tables"] if t["id"] == "S2.1.columns_apart"]
    rows = [(f"{table}.{column}", what) for t in apart for table, column, what, _ in t["rows"]]
    assert [name for name, what in rows if what == "not listed"] == planted["not_listed"]
    assert [name for name, what in rows if what != "not listed"] == planted["gone"]
    complete = portfolio.finding(system, "design_review", "S2.1.rows_complete")
    assert round((1 - complete["value"]) * complete["n"]) == planted["open_rows"]
    notices = next(t for t in portfolio.record(system, "design_review")["tables"] if t["id"] == "P1.1.notices")
    scores = {row[0]: row[6] for row in notices["rows"] if row[6] is not None}
    assert [language for language, score in scores.items() if score < 60] == FACTS[system]["hard_notices"]


def test_people_who_stand_out_in_an_extract_are_counted_exactly(portfolio):
    planted = FACTS["next_best_offer"]["extract"]
    found = {
        what: portfolio.finding("next_best_offer", "bias_testing", f"P3.3.supplier_file.{what}")
        for what in ("k", "unique", "identifiers", "l_offer")
    }
    assert found["k"]["value"] == found["l_offer"]["value"] == 1
    assert found["unique"]["value"] == planted["unique"]
    assert f"{planted['unique'] + 3 * planted['in_threes']} of" in found["k"]["statement"]
    assert f"NOTE ({planted['emails']} e-mail addresses)" in found["identifiers"]["statement"]
    assert portfolio.finding("health_score", "bias_testing", "P3.3.extracts")["status"] == "not_applicable"


@pytest.mark.parametrize("system", FACTS)
def test_planted_drift_is_found_where_it_is_and_nowhere_else(portfolio, system):
    record, planted = portfolio.record(system, "deployment_signoff"), FACTS[system]["drift"]
    found = {f["id"].removeprefix("S4.2."): f for f in record["findings"] if f["requirement"] == "S4.2"}
    drifted = {f"drift.{planted['feature']}"} if planted else set()
    assert {name for name, f in found.items() if f["status"] == "not_met"} == drifted
    assert {f"drift.{name}" for name in FACTS[system]["watched"]} <= set(found)
    assert all(f"Alarm since the period from {planted['from']}" in found[name]["statement"] for name in drifted)


def test_the_system_without_a_fault_is_monitored_without_an_alarm_or_a_doubt(portfolio):
    found = portfolio.record("health_score", "deployment_signoff")["findings"]
    assert {f["status"] for f in found if f["requirement"] == "S4.2"} == {"met"}


@pytest.mark.parametrize("system", FACTS)
def test_training_is_counted_exactly(portfolio, system):
    training = examples.planted()["training"]
    lapsed = training["not_completed"] + training["completed_later"] + training["lapsed"]
    found = portfolio.finding(system, "deployment_signoff", "G4.training_current")
    assert round((1 - found["value"]) * found["n"]) == lapsed


def test_planted_rollouts_end_as_their_harm_asks_for(portfolio):
    def statuses(system: str) -> dict[str, str]:
        found = portfolio.record(system, "deployment_signoff")["findings"]
        return {f["id"].split(".")[-1]: f["status"] for f in found if f["id"].startswith("S4.1.")}

    assert statuses("churn_risk") == {"staged": "met", "went_on": "met", "harm": "met"}
    assert statuses("health_score") == {"staged": "met", "went_on": "met", "harm": "met", "groups": "met"}
    begun = {"staged": "met", "planned": "met", "went_on": "met"}
    assert statuses("support_triage") == {**begun, "harm": "inconclusive", "groups": "not_met"}
    assert statuses("support_assistant") == {"staged": "met", "went_on": "met", "harm": "met", "groups": "met"}
    unknown = dict.fromkeys(("planned", "went_on", "committee", "groups"), "not_assessed")
    assert statuses("next_best_offer") == {"staged": "met", "harm": "met", **unknown}
    group = portfolio.finding("support_triage", "deployment_signoff", "S4.1.urgent_answered_late.groups")
    assert "es (of 4 groups the one that stops soonest): roll back" in group["statement"]
    counts = FACTS["support_triage"]["rollout_groups"]["es"]
    assert group["n"] == sum(exposed + control for exposed, _, control, _ in counts)


@pytest.mark.parametrize("system", FACTS)
def test_planted_faults_of_governance_are_found_and_no_others(portfolio, system):
    planted = FACTS[system]["governance"]
    record = portfolio.record(system, "deployment_signoff")
    found = {f["id"]: f for f in record["findings"]}
    triggered = found["G3.review_triggered"]
    assert (triggered["n"], triggered["value"]) == (planted.get("triggers"), planted.get("late_for"))
    assert found["G5.audit_current"]["status"] == planted["audit"]
    assert found["S4.4.actions_overdue"]["value"] == planted["overdue_actions"]
    closed = found.get("S4.4.actions_closed_in_time", {"value": 1, "n": 0})
    assert round((1 - closed["value"]) * closed["n"]) == planted["closed_late"]
    assert found.get("S4.4.closed_yet_not_met", {"value": 0})["value"] == planted.get("closed_in_vain")
    assert "S4.4.came_back" not in found
    assert not [i for i in record["inputs"] if i["role"] == "earlier record"]


def test_the_clean_system_is_met_in_everything_of_governance(portfolio):
    record = portfolio.record("health_score", "deployment_signoff")
    statuses = {f["id"]: f["status"] for f in record["findings"] if f["requirement"] in GOVERNANCE}
    assert {i.split(".")[0] for i in statuses} == {"P2", "S4", "G3", "G4", "G5", "B5"}
    assert set(statuses.values()) == {"met"}


def test_the_system_without_disparity_is_not_accused(portfolio):
    record = portfolio.record("health_score", "bias_testing")
    assert "not_met" not in {f["status"] for f in record["findings"] if f["evidence"] == "measured"}


def test_planted_disparities_are_found_where_they_are_and_nowhere_else(portfolio):
    def accused(system: str) -> set[str]:
        fairness = [
            f
            for f in portfolio.record(system, "bias_testing")["findings"]
            if f["requirement"].startswith(("P2.", "C2.", "S2.2", "S3.1"))
        ]
        return {f["id"] for f in fairness if f["status"] == "not_met" and f["evidence"] == "measured"}

    gaps = ("P2.1.gaps_found", "S2.2.constraint_met")
    assert accused("churn_risk") == {
        *gaps,
        "C2.3.age_band.true_positive_rate_difference",
        "C2.4.age_band_x_language.true_positive_rate_difference",
        "C2.4.gender_x_age_band.true_positive_rate_difference",
        "P2.2.age_band.recall_at_k_difference",
    }
    triage = accused("support_triage")
    assert {i for i in triage if not i.startswith("C2.4")} == {
        *gaps,
        "C2.1.language.selection_rate_difference",
        "C2.1.language.selection_rate_difference_within_plan",
        "C2.3.language.placed_lower_difference",
        "C2.3.language.true_positive_rate_difference",
        "P2.2.language.action_rate_difference",
    }
    assert all("language" in i for i in triage - set(gaps))
    offers = accused("next_best_offer")
    assert {"C2.1.language.selection_rate_difference", "C2.1.postcode_area.selection_rate_difference"} <= offers
    assert "C2.3.language.received_difference_within_treatment" in offers
    assert all("language" in i or "postcode_area" in i for i in offers - set(gaps))
    assistant = accused("support_assistant")
    assert {
        "C2.3.language.resolved_difference",
        "S3.1.name.swap_difference",
    } <= assistant
    assert all("language" in i or "postcode_area" in i or "name" in i for i in assistant)


def test_the_planted_recall_gap_has_its_exact_size(portfolio):
    cells = FACTS["churn_risk"]["groups"]["age_band"]["cells"]
    known = {group: c for group, c in cells.items() if group != "unknown"}
    rest = [c for group, c in known.items() if group != "65+"]
    own = known["65+"][0] / (known["65+"][0] + known["65+"][2])
    others = sum(c[0] for c in rest) / sum(c[0] + c[2] for c in rest)
    found = portfolio.finding("churn_risk", "bias_testing", "C2.3.age_band.true_positive_rate_difference")
    assert found["value"] == pytest.approx(own - others)
    assert found["interval"]["low"] < found["value"] < found["interval"]["high"]


def test_every_number_has_a_sample_size_and_every_share_an_interval(portfolio):
    for system, stage in ALL:
        for finding in portfolio.record(system, stage)["findings"]:
            if finding["value"] is not None and finding["evidence"] == "measured":
                assert finding["n"] is not None, finding["id"]
                register = finding["method"] == "count of the register"  # all there is: no sample
                if finding["unit"].startswith(("share", "difference")) and not register:
                    assert finding["interval"], finding["id"]


def test_no_published_file_names_a_path_of_this_machine_or_a_customer(portfolio):
    customers = {c for system in ("churn_risk", "health_score") for c in _some_customers(portfolio.root, system)}
    for path in portfolio.reports.rglob("*.*"):
        if path.suffix in (".json", ".html", ".ipynb"):
            text = path.read_text()
            assert str(portfolio.root) not in text, path
            assert str(Path.home()) + "/" not in text, path
            assert not any(c in text for c in customers), path


def _some_customers(root: Path, system: str) -> list[str]:
    from ethics_kit import dossier
    from ethics_kit.project import Project

    table = dossier.load(Project(root), root / "parameters" / system).tables.table("decisions")
    return table.customer.as_table().limit(50).to_pyarrow()["customer"].to_pylist()


@pytest.mark.parametrize(("system", "stage"), ALL)
def test_every_line_and_cell_that_the_notebook_put_out_is_on_the_page(portfolio, system, stage):
    folder = portfolio.folder(system, stage)
    page = BeautifulSoup((folder / "report.html").read_text(), "html.parser")
    shown = " ".join([*_lines(page), *(" ".join(image["alt"].split()) for image in page("img"))])
    cells = nbformat.read(folder / "notebook.ipynb", as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    for output in outputs:
        if "text/html" in output.data:
            html = BeautifulSoup(output.data["text/html"], "html.parser")
            for proposed in html.select("table.findings td:last-child"):
                proposed.decompose()  # gives way to the action that the dossier has for the finding
            lines = _lines(html)
        else:
            about = output.metadata.get("image/svg+xml", {})
            texts = (output.data["text/plain"], *about.values())
            lines = [" ".join(s.split()) for text in texts for s in SENTENCES.split(text)]
        assert lines
        assert [line for line in lines if line not in shown] == []


def _lines(html: BeautifulSoup) -> list[str]:
    """The pieces of text of some HTML, each without the blanks around and inside that a reader does not see."""
    return [" ".join(text.split()) for text in html.stripped_strings]


@pytest.mark.parametrize(("system", "stage"), ALL)
def test_a_report_is_one_small_file_without_script_or_outside_request(portfolio, system, stage):
    page = (portfolio.folder(system, stage) / "report.html").read_text()
    assert len(page.encode()) < 250_000
    assert not re.search(r"<script|<iframe|<object|<link\b|\son\w+=|javascript:", page, re.IGNORECASE)
    assert not re.search(r'(?:src|srcset|poster)="(?!data:)', page)
    assert "default-src 'none'" in page


def test_the_index_lists_every_system_worst_first_with_links_that_work(portfolio):
    page = (portfolio.reports / "index.html").read_text()
    links = [link.partition("#") for link in re.findall(r'href="([^"]+)"', page)]
    assert len({file for file, _, _ in links}) == 27  # five systems, their twenty reports, the pack, the actions
    assert all((portfolio.reports / file).is_file() for file, _, _ in links)
    findings = [(file, place) for file, _, place in links if place]
    assert len(findings) == 4  # the worst of each system but the one without a fault
    assert all(f'id="{place}"' in (portfolio.reports / file).read_text() for file, place in findings)
    assert page.index("next_best_offer") < page.index("health_score")


def test_every_example_with_a_model_has_a_gap_to_follow(portfolio):
    found = {s.id: s.trend for s in read_all(portfolio.reports, [], as_of=date(2026, 11, 1))}
    assert found["churn_risk"].points[-1].finding == "C2.3.age_band.true_positive_rate_difference"
    assert all(found.values())


def test_the_recipe_of_the_documents_recomputes_a_record_id(portfolio, monkeypatch):
    page = (Path(__file__).parents[2] / "docs/record.md").read_text()
    recipe = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert recipe
    monkeypatch.chdir(portfolio.folder("churn_risk", "bias_testing"))
    exec(compile(recipe.group(1), "docs/record.md", "exec"), {})  # noqa: S102


def test_every_record_of_the_portfolio_verifies_and_so_does_every_input(portfolio):
    found = verify(portfolio.reports, inputs=True)
    assert not found.altered, "\n".join(lines(found))
    assert sum(len(system.records) for system in found.systems) == 5 * len(STAGES)


def test_the_five_systems_end_with_recommendations_of_all_four_kinds_for_the_reasons_planted(portfolio):
    ended = {system: portfolio.record(system, "deployment_signoff") for system in FACTS}
    assert {s: r["recommendation"]["verdict"] for s, r in ended.items()} == {s: f["ends"] for s, f in FACTS.items()}
    assert {f["ends"] for f in FACTS.values()} == {"approve", "approve_with_conditions", "reject", "undetermined"}
    before = {"impact_analysis", "design_review", "bias_testing"}
    reason = {system: record["recommendation"] for system, record in ended.items()}
    assert {"C3.1.decided_after_opt_out", *before} <= set(reason["churn_risk"]["blocking"])
    assert {"S4.1.urgent_answered_late.groups", *before} <= set(reason["support_triage"]["blocking"])
    assert before <= set(reason["next_best_offer"]["missing"])
    assert {u["status"] for u in ended["next_best_offer"]["upstream"]} == {"other_model"}
    assert ended["next_best_offer"]["obligations"]["level"] == "IV"
    assert reason["support_assistant"]["conditions"] == ["G3.review_triggered", "design_review", "bias_testing"]
    assert not any(reason["health_score"][kind] for kind in ("blocking", "conditions", "missing"))
