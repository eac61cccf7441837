"""Numbers on a page, and how a finding's amount reads."""

import re

import pytest

from ethics_kit.record import Finding, Interval
from ethics_kit.report.html import cell, part
from ethics_kit.stages.evidence import not_assessed


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, "0.500"),
        (0.0, "0.000"),
        (1.0, "1.000"),
        (0.0002, "0.0002"),
        (0.9998, "0.9998"),
        (-0.0003, "-0.0003"),
        (0.00001, "0.000"),
        (-0.00001, "0.000"),
        (0.99999, "1.000"),
        (3, "3"),
        (None, "–"),
    ],
)
def test_a_little_is_not_nothing_and_nearly_all_is_not_all(value, shown):
    assert cell(value) == shown


def test_an_amount_names_what_it_is_before_its_number():
    found = Finding(
        id="P4.2.clock_forwards",
        requirement="P4.2",
        status="met",
        evidence="measured",
        statement="None runs backwards.",
        value=0,
        unit="share of steps",
        interval=Interval(low=0, high=0.00019, level=0.95),
        n=19999,
        threshold=0,
    )
    page = part("findings", [found], "All")
    assert "<b>Measured</b>, share of steps: 0 (95% interval 0 to 0.00019), n = 19999, limit 0" in page


def test_a_statement_names_its_source_and_a_measure_without_a_value_says_why():
    common = {"requirement": "G5", "statement": "…", "status": "not_assessed"}
    said = Finding(id="G5.a", evidence="attested", source="levels.yaml", null_reason="a statement", **common)
    lacks = Finding(id="G5.b", evidence="measured", unit="share", null_reason="small cell, withheld", **common)
    page = part("findings", [said, lacks, lacks.model_copy(update={"status": "inconclusive"})], "All")
    assert "Source: levels.yaml" in page
    assert re.findall(r"<b>(\w+ ?\w+)</b>: small cell, withheld", page) == ["Not measured", "Measured"]


def test_what_a_statement_says_already_is_not_said_again_as_the_reason_of_a_missing_value():
    open_ = not_assessed("P1.2", "reasons", "the words for each reason")
    page = part("findings", [open_], "All")
    assert "<b>Not measured</b></td>" in "".join(line.strip() for line in page.splitlines())
    assert page.count(open_.null_reason) == 1
