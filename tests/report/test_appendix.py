"""What an auditor reads: the terms, every threshold with its default, and how to run the assessment again."""

import subprocess
from xml.etree.ElementTree import Element

import tinyhtml5

from ethics_kit.record import Input
from ethics_kit.report import commands
from ethics_kit.schema import Policy
from tests.conftest import POLICY
from tests.made import finding, record, waiver
from tests.report.pages import small


def told(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def rows(page: str, caption: str) -> list[list[str]]:
    """The cells of a table's body as text."""
    tables = tinyhtml5.parse(page, namespace_html_elements=False).iter("table")
    (table,) = [t for t in tables if (head := t.find("caption")) is not None and told(head).startswith(caption)]
    return [[told(cell) for cell in row] for row in table.findall("tbody/tr")]


def terms(page: str) -> list[str]:
    root = tinyhtml5.parse(page, namespace_html_elements=False)
    return [told(term) for term in root.findall(".//dl[@class='glossary']/dt")]


def test_the_glossary_has_the_terms_of_the_page_alone():
    without, with_it = terms(small()), terms(small("Rows are **k-anonymous** here."))
    assert {"measured", "attested", "met", "recommendation"} <= set(without)
    assert "equalized odds" not in without
    assert set(with_it) - set(without) == {"k-anonymity"}


def test_a_term_in_a_figures_data_is_no_term_of_the_page():
    assert "drift" not in terms(small("[x](https://a.example/drift)"))
    assert "drift" in terms(small("The drift is small."))


def test_every_threshold_has_a_default_or_stands_in_the_policy():
    thresholds = Policy.model_validate(POLICY).thresholds()
    written = {f"{area}.{name}" for area, part in POLICY.items() if isinstance(part, dict) for name in part}
    assert set(thresholds) - written == set(Policy.defaults()) - written
    assert "fairness.margin" not in Policy.defaults()


def test_a_threshold_stands_beside_its_default():
    given = {"fairness.margin": 0.03, "gate.signoff": "no", "rollout.alpha": 0.2}
    shown = rows(small(parameters=given), "Parameters")
    assert shown == [
        ["fairness.margin", "0.03", "–"],
        ["gate.signoff", "no", ""],
        ["rollout.alpha", "0.2", str(Policy.defaults()["rollout.alpha"])],
    ]


def test_of_a_table_in_a_database_the_page_says_that_its_digest_is_no_files():
    said = "was counted in that database"
    tables = [Input(role="table decisions", address=f"{place}decisions", sha256="0" * 64) for place in ("wh:crm.", "")]

    assert said in small(inputs=tables)
    assert said not in small(inputs=tables[1:])


def test_a_waiver_is_told_with_its_reason_and_days():
    waived = finding("not_met", waiver=waiver(), name="late")
    page = small(findings=[waived, finding(requirement="C2.1", evidence="measured", value=0.1, n=100)])
    assert rows(page, "Waivers") == [["P1.1.late", "Ben, chair", "2026-11-01", "2026-11-01", "a pilot"]]
    assert "No finding of this record is waived." in small()


def test_the_appendix_names_whom_to_ask_what_is_decided_and_where_limits_come_from():
    ann, ben = {"name": "Ann", "role": "boss", "contact": "a@x.example"}, {"name": "Ben", "role": "her deputy"}
    unit = {"decision": "one <score>", "affected_person": "the contact", "cluster": None}
    measured = [
        finding(requirement="C2.1", name=n, evidence="measured", value=0.1, source="Minutes of <May>") for n in "ab"
    ]
    page = small(findings=[*measured, finding(source="notes.md")], system={"owner": ann, "deputy": ben, "unit": unit})
    *_, facts_of_record = tinyhtml5.parse(page, namespace_html_elements=False).findall(".//dl[@class='facts']")
    facts = dict(zip(*(map(told, facts_of_record.findall(tag)) for tag in ("dt", "dd")), strict=True))
    assert (
        facts.items()
        >= {
            "Approver of the policy": "Ada Policy, chair",
            "Owner": "Ann, boss, a@x.example",
            "Deputy": "Ben, her deputy",
            "What is decided": "one <score>",
            "Who is affected": "the contact",
        }.items()
    )
    assert "What repeated decisions belong to" not in facts
    assert rows(page, "Where the limits") == [["Minutes of <May>", "C2.1"]]


def test_the_commands_to_run_again_name_the_assessment_and_read_its_id(tmp_path):
    made = record()
    run, read = commands.of_rerun(made).splitlines()
    assert run == "ethics-kit run churn_risk --stage bias_testing --as-of 2026-11-01"
    folder = tmp_path / "reports/churn_risk/bias_testing" / made.folder_name
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(made.model_copy(update={"run": {"by": "x"}}).to_bytes())
    printed = subprocess.run(["sh", "-c", read], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == made.record_id
