"""A report in German: what its reader is told first, what stays as recorded, and the page in a browser."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from ethics_kit.attestation.folder import publish
from ethics_kit.attestation.proof import Proof
from ethics_kit.record import Record
from ethics_kit.report import page
from ethics_kit.report.portfolio import write
from tests.portfolio.test_browser import RULES
from tests.report.assessed import assessed

AS_OF = date(2026, 11, 1)


@pytest.fixture(scope="module")
def german(projects: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Record]:
    """A reports folder with the German page of a design review and the portfolio's, and the record."""
    root = projects(tmp_path_factory.mktemp("project") / "p")(policy={"language": "de"})
    staging, reports = tmp_path_factory.mktemp("staging"), tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        notebook, record = assessed(root / "parameters/demo", "design_review", AS_OF, staging, patch)
    (staging / "report.html").write_text(page.render(notebook, record, Proof({}, [])), encoding="utf-8")
    publish(staging, reports, record)
    write.write(write.Scope(reports, ("demo",), "Intern", (), (), "de"), day=AS_OF)
    return reports, record


def test_it_is_said_before_anything_else_that_what_is_recorded_is_not_translated(german):
    (report,) = german[0].rglob("report.html")
    told = report.read_text(encoding="utf-8")
    notice = "Befunde, Antworten und die Werte von Tabellen stehen in der Sprache, in der sie festgehalten wurden"
    assert told.count(notice) == 1
    assert told.index(notice) < told.index('id="recommendation"')


def test_in_tables_the_words_of_the_kit_are_german_and_what_people_wrote_is_not(german):
    reports, record = german
    card = next(table for table in record.tables if table.id == "P1.3.model_card")
    owner = next(says for _, field, says in card.rows if field == "Who answers for it")
    told = (reports / "demo/index.html").read_text(encoding="utf-8")
    assert f'<th scope="row">Wer dafür einsteht</th><td>{owner}</td>' in told
    assert "Who answers for it" not in told
    assert "Abschnitt: Vorbehalte und Empfehlungen" in told


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_german_pages_fit_their_width_and_have_no_accessibility_fault(chromium, german, width):
    pages = sorted(german[0].rglob("*.html"))
    assert len(pages) == 4
    context = chromium.new_context(viewport={"width": width, "height": 900})
    seen, bare = context.new_page(), context.new_page()
    for path in pages:
        seen.goto(path.as_uri())
        assert seen.evaluate("document.documentElement.lang") == "de", path
        assert seen.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        bare.set_content(seen.content().replace("Content-Security-Policy", "x-policy"))
        found = Axe().run(bare, options=RULES).response["violations"]
        assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == [], path
    context.close()
