"""The crosswalk: whole, honest about how each clause was checked, and free of the traps its sources set."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from types import ModuleType
from typing import Any

import pytest

from ethics_kit.framework import catalogue, crosswalk

# Copied by hand from the look-up of 23 November 2026: rows, then by how the id was seen. Not read from the YAML.
COUNTS = """
iso_42001     72  0 32 40 0
iso_42005     32  0 21 11 0
iso_23894     19  0  0 10 9
iso_23053      4  0  1  0 3
iso_tr_24027  12  0  0  7 5
iso_tr_24028  10  0  4  2 4
ieee_7003      5  0  0  3 2
nist_ai_rmf   72 72  0  0 0
eu_ai_act     41 40  0  1 0
gdpr          45 45  0  0 0
ccpa          50 33  0 15 2
soc2          61 61  0  0 0
"""
SEEN = ("text", "contents", "elsewhere", "unverified")

# The same look-up's number of seen rows for each requirement.
COVERAGE = """
P1.1 19 P1.2 6 P1.3 20 P1.4 21 P2.1 18 P2.2 6 P2.3 4 P2.4 13 P3.1 9 P3.2 11 P3.3 10 P3.4 13
P4.1 14 P4.2 14 P4.3 24 P4.4 13 S1.1 28 S1.2 40 S1.3 22 S1.4 17 S2.1 28 S2.2 4 S2.3 14 S2.4 9
S3.1 14 S3.2 13 S3.3 3 S3.4 6 S4.1 10 S4.2 21 S4.3 7 S4.4 14 C1.1 12 C1.2 4 C1.3 11 C1.4 7
C2.1 3 C2.2 1 C2.3 7 C2.4 4 C3.1 13 C3.2 4 C3.3 13 C3.4 11 G1 14 G2 5 G3 18 G4 11
G5 3 B1 6 B2 2 B3 0 B4 0 B5 11
"""

CLAIMS = re.compile(
    r"debias|\bunbiased\b|\bfair (model|system|ai)\b|\bcompliant\b|\bcomplies\b|\bbias-free\b|\blawful\b(?! basis)",
    re.IGNORECASE,
)


def rows() -> list[tuple[crosswalk.Part, crosswalk.Clause]]:
    return [(p, c) for name in catalogue.standards() for p in crosswalk.mapping(name).parts for c in p.rows]


def clause(name: str) -> tuple[crosswalk.Part, crosswalk.Clause]:
    return next((part, row) for part, row in rows() if row.id == name)


@pytest.fixture
def loader() -> ModuleType:
    return crosswalk


def test_the_crosswalk_agrees_with_itself_and_the_framework() -> None:
    assert crosswalk.problems() == []


def test_there_are_423_rows() -> None:
    assert len(rows()) == 423


@pytest.mark.parametrize("line", COUNTS.strip().splitlines(), ids=lambda line: line.split()[0])
def test_each_standard_has_the_rows_that_were_looked_up(line: str) -> None:
    name, *counts = line.split()
    clauses = crosswalk.clauses(name)
    seen = Counter(c.seen for c in clauses)
    assert [len(clauses), *(seen[grade] for grade in SEEN)] == list(map(int, counts))


def test_statute_and_regulations_are_told_apart() -> None:
    laws = Counter(part.cite for part in crosswalk.mapping("ccpa").parts for _ in part.rows)
    assert laws == {"Civ. Code": 14, "11 CCR": 36}


def test_each_requirement_bears_on_as_many_seen_rows_as_were_looked_up() -> None:
    words = COVERAGE.split()
    expected = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    assert list(expected) == list(catalogue.requirements())
    for requirement, count in expected.items():
        found = [c for _, c in rows() if requirement in c.bears and c.seen != "unverified"]
        assert len(found) == count, requirement


@pytest.mark.parametrize("requirement", ["B3", "B4"])
def test_a_requirement_that_bears_on_no_clause_is_explained_by_a_file(requirement: str) -> None:
    assert not [c for _, c in rows() if requirement in c.bears]
    assert any(requirement in crosswalk.mapping(name).as_a_whole for name in catalogue.standards())


def test_what_is_not_verified_has_neither_id_nor_source() -> None:
    unverified = [row for _, row in rows() if row.seen == "unverified"]
    assert len(unverified) == 25
    assert [(row.id, row.at) for row in unverified] == [(None, ())] * 25
    assert [row.gist for row in unverified if re.search(r"\d\.\d|\bclause \d", row.gist)] == []


def test_no_finding_is_the_whole_of_a_clause() -> None:
    assert [row.id for _, row in rows() if "equal" in row.bears.values()] == []


def test_nothing_long_enough_to_be_a_standards_own_text() -> None:
    assert [row.id for _, row in rows() if len(row.gist) > 110] == []


def test_reasons_are_given_for_the_row_and_not_stamped_on_all() -> None:
    reasons = Counter(row.because for _, row in rows() if row.bears)
    assert len(reasons) > 0.8 * sum(reasons.values())
    assert max(reasons.values()) <= 5


def test_no_row_claims_more_than_a_finding_shows() -> None:
    texts = [t for part, row in rows() for t in (part.title, row.gist, row.because or "", row.caution or "")]
    texts += [crosswalk.mapping(name).about for name in catalogue.standards()]
    assert [text for text in texts if CLAIMS.search(text)] == []


def test_every_file_says_what_must_not_be_claimed_and_when_it_was_looked_up() -> None:
    for name in catalogue.standards():
        one = crosswalk.mapping(name)
        assert one.never_claim, name
        assert one.checked_on == date(2026, 11, 23), name


# --- traps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["P1.1", "P2.1", "P3.1", "P3.2", "P4.1", "P4.2", "P4.3", "C1.1", "C1.2"])
def test_an_id_of_soc_2_that_looks_like_ours_keeps_its_key(name: str) -> None:
    assert clause(f"soc2:{name}")[1].number == f"soc2:{name}"


def test_23053_is_a_framework_of_terms_and_says_so() -> None:
    one = crosswalk.mapping("iso_23053")
    assert "says nothing on trustworthiness" in one.about
    assert {r for c in one.clauses if c.id for r in c.bears} == {"P1.3", "B1"}


def test_headings_of_42001_are_no_controls() -> None:
    ids = {row.number for row in crosswalk.clauses("iso_42001")}
    assert not ids & {"A.6.1", "A.6.2", "A.5", "A.7"}
    assert {"6.1.2", "8.2", "6.1.3", "8.3", "6.1.4", "8.4"} <= ids


def test_an_internal_audit_evidences_no_external_one() -> None:
    assert all("G5" not in clause(f"iso_42001:{name}")[1].bears for name in ("9.2.1", "9.2.2"))


def test_nist_ids_are_written_in_full() -> None:
    functions = Counter(str(row.number).split()[0] for row in crosswalk.clauses("nist_ai_rmf"))
    assert functions == {"GOVERN": 19, "MAP": 18, "MEASURE": 22, "MANAGE": 13}
    assert "security" in clause("nist_ai_rmf:MEASURE 2.7")[1].gist
    assert "monitored" in clause("nist_ai_rmf:MEASURE 2.4")[1].gist


def test_duties_for_high_risk_systems_reach_no_other_and_do_not_apply_yet() -> None:
    duties = [(p, c) for p, c in rows() if re.match(r"eu_ai_act:Art\. (9|1\d|2[0-7])\b", c.id or "")]
    assert len(duties) == 21
    for part, row in duties:
        assert part.reach is not None, row.id
        assert row.in_force is not None, row.id
        assert row.in_force.from_ is None or row.in_force.from_ >= date(2027, 12, 2), row.id


@pytest.mark.parametrize("name", ["eu_ai_act:Art. 26(11)", "eu_ai_act:Art. 27", "eu_ai_act:Art. 86"])
def test_rights_of_annex_iii_are_no_general_right(name: str) -> None:
    part, _ = clause(name)
    assert part.reach
    assert "annex_iii_use" in {c.question for c in part.reach.when}


@pytest.mark.parametrize("name", ["eu_ai_act:Art. 5", "eu_ai_act:Art. 50(3)", "eu_ai_act:Annex III 1(c)"])
def test_emotion_recognition_is_not_the_mood_of_a_text(name: str) -> None:
    assert "text" in str(clause(name)[1].caution)


@pytest.mark.parametrize("name", ["7200", "7220", "7221", "7221(b)(1)", "7222"])
def test_californias_rules_on_automated_decisions_begin_in_2027_and_need_a_significant_one(name: str) -> None:
    part, row = clause(f"ccpa:{name}")
    assert part.reach
    assert "significant decisions only" in part.reach.text
    assert row.in_force
    assert row.in_force.from_ == date(2027, 1, 1)


@pytest.mark.parametrize("name", ["7025", "7026"])
def test_a_signal_on_sale_is_no_opt_out_from_decisions(name: str) -> None:
    assert "not automated decisions" in str(clause(f"ccpa:{name}")[1].caution)


def test_article_22_needs_a_significant_effect_and_a_recital_is_no_article() -> None:
    assert clause("gdpr:22(3)")[0].reach
    assert clause("gdpr:Recital 71")[0].cite == ""


# --- what problems() finds -------------------------------------------------------------------------------------


def first_row(content: Any) -> Any:
    return content["parts"][0]["rows"][0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": "soc2:CC1.2"}, "soc2:CC1.2 stands 2 times"),
        ({"id": "gdpr:CC1.1"}, "soc2: gdpr:CC1.1: the id is keyed by another standard"),
        ({"bears": {"G9": "subset"}}, "soc2: soc2:CC1.1: no requirement G9"),
        ({"because": ""}, "soc2: soc2:CC1.1: nothing says why"),
        ({"at": ["a_friend"]}, "soc2: soc2:CC1.1: `at` names no source of the file"),
        ({"seen": "unverified"}, "soc2: soc2:CC1.1: not verified, yet it has an id or a source"),
        (
            {"bears": {"G1": "equal"}},
            "soc2: soc2:CC1.1: equal, and nothing says why one finding shows the whole clause",
        ),
    ],
)
def test_problems_names_a_row_that_is_not_in_order(replace: Any, change: dict[str, Any], problem: str) -> None:
    replace("soc2", lambda content: first_row(content).update(change))
    assert crosswalk.problems() == [problem]


def test_an_equal_with_its_own_reason_is_in_order(replace: Any) -> None:
    because = {"bears": {"G1": "equal"}, "equal_because": "The criterion asks for this and nothing else."}
    replace("soc2", lambda content: first_row(content).update(because))
    assert crosswalk.problems() == []


def test_problems_names_a_requirement_that_is_mapped_nowhere(replace: Any) -> None:
    replace("nist_ai_rmf", lambda content: [row["bears"].pop("C2.2", None) for part in content["parts"]
                                            for row in part["rows"] if "bears" in row])  # fmt: skip
    assert crosswalk.problems() == ["C2.2: bears on no clause that was seen, and no file says why"]


def test_a_clause_that_nobody_saw_does_not_count_as_coverage(replace: Any) -> None:
    def hide(content: Any) -> None:
        for part in content["parts"]:
            for row in part["rows"]:
                if "C2.2" in row.get("bears", {}):
                    row.update(seen="unverified", id=None)

    replace("nist_ai_rmf", hide)
    assert crosswalk.problems() == ["C2.2: bears on no clause that was seen, and no file says why"]


def test_problems_names_a_reach_that_no_question_settles(replace: Any) -> None:
    def spoil(content: Any) -> None:
        part = next(p for p in content["parts"] if "reach" in p)
        part["reach"]["when"] = [{"question": "no_such_question", "is": ["yes"]}]

    replace("gdpr", spoil)
    assert crosswalk.problems() == ["gdpr: Children: reach names no answer of no_such_question"]


def test_problems_names_a_whole_that_is_no_requirement_and_a_file_of_another_standard(replace: Any) -> None:
    replace("gdpr", lambda content: content.update(standard="ccpa", as_a_whole={"B9": "It asks."}))
    found = crosswalk.problems()
    assert "gdpr: the file says standard: ccpa" in found
    assert "gdpr: as_a_whole names no requirement B9" in found


def test_a_rule_without_a_day_says_why() -> None:
    with pytest.raises(ValueError, match="a day, or a note that says why there is none"):
        crosswalk.InForce()
