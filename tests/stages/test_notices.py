"""P1.1 and S2.3 on small projects: which notices there are, how they read, and who gets to see what."""

from datetime import date
from math import floor

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.errors import InputError
from ethics_kit.framework import catalogue
from ethics_kit.measures.readability import readability
from ethics_kit.project import Project
from ethics_kit.record import LevelResult
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude
from ethics_kit.stages.design_review.notice import notice_texts
from ethics_kit.stages.design_review.transparency import transparency_views
from ethics_kit.stages.design_review.wording import READERS

SAID = {"by": "Ann Lee", "on": date(2026, 9, 1)}
PLAIN = "A program looks at how you use our line. It helps us to see who may need a call. A person then decides. "
LONG = PLAIN * 6 + "Read more: demo.example/why"
HARD = (
    "Notwithstanding contractual stipulations, automated categorisation methodologies determine individual "
    "prioritisation considerations regarding telecommunication infrastructure utilisation documentation. "
)
YES = {"value": "yes", "by": "Ann Lee", "role": "lead", "on": date(2026, 9, 1)}


def text(language="en", content=LONG, **more):
    return {"language": language, "channels": ["email"], "text": content, "valid_from": date(2026, 1, 1)} | more


def notices(*texts, **more):
    return {"notices": SAID | {"channels": ["email"], "languages": ["en", "es"], "texts": list(texts)} | more}


def case_of(root, level="II"):
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    case = Case(dossier, "design_review", date(2026, 11, 1), root / "reports")
    case.level = LevelResult(value=level, holds=level, best=level, worst=level)
    return case


def assess(root, level="II"):
    """The findings by the last part of their id, and the rows of the table."""
    outcome = notice_texts(case_of(root, level))
    return {f.id.removeprefix("P1.1."): f for f in outcome.findings}, [row for t in outcome.tables for row in t.rows]


SPANISH = text(
    "es", "Un programa mira cómo usa la línea. Ve a quién le hace falta ayuda. Luego decide una persona. " * 7
)


def test_a_notice_for_each_channel_and_language_that_reads_easily_is_met(project):
    found, rows = assess(project(design_review=notices(text(), SPANISH)))
    assert {name: f.status for name, f in found.items()} == {"notice_on_file": "met", "notice_readability": "met"}
    assert found["notice_on_file"].n == 2
    scores = {"en": readability(LONG, "en").score, "es": readability(SPANISH["text"], "es").score}
    assert found["notice_readability"].value == pytest.approx(min(scores.values()))
    assert found["notice_readability"].threshold == 60
    assert [row[6] for row in rows] == [floor(score) for score in scores.values()]


def test_a_language_in_use_counts_as_served_even_where_nobody_declares_it(project):
    found, _ = assess(project(design_review=notices(text(), languages=["en"])))
    assert found["notice_on_file"].status == "not_met"
    assert found["notice_on_file"].statement.endswith("none for email in es.")


def test_a_channel_in_which_notices_were_logged_counts_as_served(project):
    root = project(design_review=notices(text(channels=["E-Mail"]), SPANISH, channels=["letter"]))
    found, _ = assess(root)
    assert "email in en" in found["notice_on_file"].statement
    assert "letter in es" in found["notice_on_file"].statement


def test_other_and_unknown_name_no_language(project):
    root = project(design_review=notices(text(), SPANISH))
    path = root / "parameters/demo/data/customers.csv"
    path.write_text(path.read_text().replace(",es,", ",other,"))
    assert assess(root)[0]["notice_on_file"].n == 2


@pytest.mark.parametrize(
    "change",
    [
        {"valid_from": date(2026, 11, 2)},
        {"valid_until": date(2026, 10, 31)},
        {"text": "TODO"},
    ],
)
def test_a_text_that_is_not_in_force_or_only_holds_a_place_is_none(project, change):
    found, rows = assess(project(design_review=notices(text() | change, SPANISH)))
    assert found["notice_on_file"].status == "not_met"
    assert [row[0] for row in rows] == ["es"]


@pytest.mark.parametrize("region", ["en-GB", "en"])
def test_a_region_of_a_language_serves_the_language(project, region):
    assert assess(project(design_review=notices(text(region), SPANISH)))[0]["notice_on_file"].status == "met"


def test_a_hard_text_is_not_met_whatever_the_others_are(project):
    found, _ = assess(project(design_review=notices(text(content=HARD * 8), SPANISH, text("pl"))))
    hard = found["notice_readability"]
    assert hard.status == "not_met"
    assert hard.value < 0
    assert "the hardest of 2 judged notices is en (email)" in hard.statement
    assert "no formula for the language of pl (email)" in hard.statement


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (text(content=PLAIN), "too short to judge: en (email) 23 words"),
        (text("pl"), "no formula for the language of pl (email)"),
        (text(content=HARD), "too short to judge: en (email) 15 words"),
    ],
)
def test_what_no_formula_can_judge_is_undecided_until_readers_have_tried_it(project, entry, why):
    alone = notices(entry)
    found, rows = assess(project(design_review=alone))
    assert found["notice_readability"].status == "inconclusive"
    assert found["notice_readability"].value is None
    assert why in found["notice_readability"].statement
    assert rows[0][6] is None
    assert rows[0][7].startswith("not judged")

    tried = project(design_review=notices(entry, SPANISH) | {"answers": {READERS: YES}})
    found, _ = assess(tried)
    assert found["notice_readability"].status == "met"
    assert found["notice_readability"].n == 1
    assert "readers have tried the notices instead" in found["notice_readability"].statement

    untried = project(design_review=notices(entry, SPANISH) | {"answers": {READERS: YES | {"value": "no"}}})
    assert assess(untried)[0]["notice_readability"].status == "inconclusive"


def test_the_policy_sets_the_limit_and_how_many_words_are_enough(project):
    def limits(readable, words):
        said = {"rationale": "A test.", "source": "This test."}
        coverage = {"notice_readability_min": {"value": readable} | said, "notice_words_min": {"value": words} | said}
        return assess(project(design_review=notices(text(), SPANISH), policy={"coverage": coverage}))[0]

    assert limits(99.0, 100)["notice_readability"].status == "not_met"
    assert limits(60.0, 500)["notice_readability"].status == "inconclusive"


@pytest.mark.parametrize(("level", "owed"), [("I", False), ("II", False), ("III", True), ("IV", True)])
def test_levels_iii_and_iv_ask_for_a_link_in_each_text(project, level, owed):
    found, rows = assess(project(design_review=notices(text(), SPANISH)), level)
    assert ("notice_links_to_explanation" in found) is owed
    assert [row[8] for row in rows] == ["yes", "no"]
    if owed:
        link = found["notice_links_to_explanation"]
        assert (link.status, link.value, link.n) == ("not_met", 0.5, 2)
        assert "none in es (email)" in link.statement


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("https://demo.example/why?x=1", True),
        ("www.demo.example", True),
        ("demo.example", False),
        ("demo.example/why", True),
        ("ask@demo.example", False),
        ("0800 5551", False),
        ("a call.Then", False),
    ],
)
def test_an_address_a_reader_can_follow_is_told_from_mail_and_numbers(project, address, there):
    root = project(design_review=notices(text(content=f"{PLAIN * 6} More: {address}."), SPANISH))
    assert assess(root)[1][0][8] == ("yes" if there else "no")


@pytest.mark.parametrize("change", [{"on": date(2026, 11, 2)}, {"on": date(2025, 11, 1)}])
def test_a_register_of_later_or_of_long_ago_is_none(project, change):
    found, rows = assess(project(design_review=notices(text(), SPANISH, **change)))
    assert {f.status for f in found.values()} == {"not_assessed"}
    assert rows == []


def test_without_notices_nothing_is_assessed_and_taking_a_text_out_is_no_better(project):
    assert {f.status for f in assess(project())[0].values()} == {"not_assessed"}
    found, _ = assess(project(design_review=notices()))
    assert found["notice_on_file"].status == "not_met"


def test_a_file_counts_like_a_text_and_is_an_input_of_the_record(project):
    root = project()
    (root / "parameters/demo/notices").mkdir()
    (root / "parameters/demo/notices/en.md").write_text(LONG, encoding="utf-8")
    entry = {k: v for k, v in text(file="notices/en.md").items() if k != "text"}
    case = case_of(project(design_review=notices(entry, SPANISH)))
    outcome = notice_texts(case)
    assert outcome.findings[1].status == "met"
    record = conclude(case, {"notice_texts": outcome})
    read = next(i for i in record.inputs if i.role == "notice 1")
    assert read.address == "parameters/demo/notices/en.md"
    assert len(read.sha256) == 64


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("notices/none.md", "no file notices/none.md"),
        ("../../../secret.md", '"../../../secret.md"'),
        ("https://demo.example/notice", "demo.example"),
        ("system.yaml", "system.yaml"),
        ("empty.md", "empty, too long or no text"),
        ("picture.md", "empty, too long or no text"),
    ],
)
def test_a_notice_s_file_is_a_text_in_the_dossier(project, file, found):
    entry = {k: v for k, v in text(file=file).items() if k != "text"}
    root = project()
    (root / "parameters/demo/empty.md").write_text(" \n")
    (root / "parameters/demo/picture.md").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(InputError) as caught:
        case_of(project(design_review=notices(entry)))
    (problem,) = caught.value.problems
    assert problem.key == "notices.texts.0.file"
    assert found in problem.found


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"valid_until": date(2025, 1, 1)}, "notices.texts.0.valid_until"),
        ({"file": "notices/en.md"}, "notices.texts.0"),
        ({"language": "English"}, "notices.texts.0.language"),
    ],
)
def test_a_notice_that_contradicts_itself_is_an_error(project, change, key):
    with pytest.raises(InputError) as caught:
        case_of(project(design_review=notices(text() | change)))
    assert key in {p.key for p in caught.value.problems}


# --- transparency ----------------------------------------------------------------------------------------------


def test_the_table_of_views_tells_what_counts_and_what_the_level_asks_for(project):
    answers = {
        "customer_sees": YES | {"value": "The reason, <b>in words</b>."},
        "agent_sees": YES | {"value": "TODO"},
        "auditor_sees": YES | {"on": date(2026, 12, 1), "value": "The log."},
    }
    (table,) = transparency_views(case_of(project(design_review={"answers": answers}), "I")).tables
    counts = {row[1]: row[5] for row in table.rows}
    texts = {name: q.text for name, q in catalogue.questions("design_review").items()}
    assert counts[texts["customer_sees"]] == "yes"
    assert counts[texts["agent_sees"]] == "no: answered with a placeholder"
    assert counts[texts["auditor_sees"]] == "no: answered on 2026-12-01, after 2026-11-01"
    assert counts[texts["explanation_published"]] == "no: not answered"
    assert counts[texts["explanation_with_decision"]] == "no: asked from level III"
    assert table.note.endswith("published, general.")


@pytest.mark.parametrize("level", catalogue.LEVELS)
def test_the_questions_ask_for_the_explanation_that_the_level_owes(project, level):
    case = case_of(project(), level)
    asked = {
        words: case.shown(catalogue.questions("design_review")[name])
        for name, words in (
            ("explanation_published", "published, general"),
            ("explanation_on_request", "individual"),
            ("explanation_with_decision", "individual with the decision"),
        )
    }
    assert asked == {words: words in catalogue.levels()[level].explanation for words in asked}
