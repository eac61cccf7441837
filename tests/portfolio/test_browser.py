"""The pages in a real browser: readable at desktop and phone width, silent, and without accessibility faults."""

import json
import re
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe

SEEN = [(1280, "light"), (1280, "dark"), (320, "light"), (320, "dark")]
DARK_ON_PHONE = (320, "dark")
"""Looked at for width and silence alone: its colours are those of 1280, its layout that of the light scheme."""

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
"""What a dark scheme can change; a width can change every rule."""

pytestmark = pytest.mark.browser


def pages(reports):
    """Every page of the current portfolio: those in folders of records only where the record is the current one."""
    current = {path.parent / json.loads(path.read_text())["folder"] for path in reports.glob("*/*/latest.json")}
    return sorted(p for p in reports.rglob("*.html") if len(p.relative_to(reports).parts) < 4 or p.parent in current)


@pytest.mark.parametrize(("width", "scheme"), SEEN)
def test_every_page_is_silent_fits_its_width_and_has_no_accessibility_fault(chromium, portfolio, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, bare = context.new_page(), context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    found = {}
    addresses = pages(portfolio.reports)
    for path in addresses:
        page.goto(path.as_uri())
        name = path.relative_to(portfolio.reports).as_posix()
        if not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
            found[name] = "is wider than the window"
        if (width, scheme) == DARK_ON_PHONE:
            continue
        # The policy of the page forbids scripts, so axe runs in a copy without it.
        bare.set_content(page.content().replace("Content-Security-Policy", "x-policy"))
        violations = Axe().run(bare, options=RULES if scheme == "light" else COLOURS).response["violations"]
        if violations:
            found[name] = [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in violations]
    context.close()
    assert found == {}
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len(addresses) > 20


def test_every_page_has_landmarks_headings_in_order_and_words_for_each_figure_and_status(chromium, portfolio):
    page = chromium.new_page()
    for path in pages(portfolio.reports):
        page.goto(path.as_uri())
        name = path.relative_to(portfolio.reports).as_posix()
        levels = page.eval_on_selector_all("h1, h2, h3, h4, h5, h6", "all => all.map(h => +h.tagName[1])")
        assert levels[0] == 1, name
        assert levels.count(1) == 1, name
        assert all(after - before <= 1 for before, after in pairwise(levels)), name
        assert page.locator("main").count() == page.locator("header").first.count() == 1, name
        pictures = page.eval_on_selector_all("img", "all => all.map(i => [i.alt, i.complete && i.naturalWidth > 0])")
        assert all(len(alt) > 20 and drawn for alt, drawn in pictures), name
        assert not any(re.search(r"\.(svg|png)\b|Figure without", alt) for alt, _ in pictures), name
        statuses = page.eval_on_selector_all(".status", "all => all.map(s => s.textContent.trim())")
        assert all(statuses), name
        bare = "all => all.filter(t => !t.caption || [...t.tHead.rows[0].cells].some(h => !h.scope)).length"
        assert page.eval_on_selector_all("table", bare) == 0, name
    page.close()


def test_the_verdict_stands_on_the_first_screen(chromium, portfolio):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto((portfolio.folder("churn_risk", "bias_testing") / "report.html").as_uri())
    box = page.get_by_role("heading", name="Recommendation: Reject").bounding_box()
    assert box
    assert box["y"] < 400
    assert page.get_by_text("No decision taken").is_visible()
    page.close()


def test_no_table_is_cut_off_on_paper(chromium, portfolio):
    page = chromium.new_page(viewport={"width": 680, "height": 960})  # A4 between the margins
    page.emulate_media(media="print")
    wide = "e => e.map(t => [t.scrollWidth, t.caption?.innerText]).filter(([width]) => width > 681)"
    for path in pages(portfolio.reports):
        page.goto(path.as_uri())
        assert page.eval_on_selector_all("table", wide) == [], path
    page.close()


def test_the_portfolio_shows_its_worst_findings_without_scrolling(chromium, portfolio):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto((portfolio.reports / "index.html").as_uri())
    assert page.locator(".wide").evaluate("table => table.scrollWidth <= table.clientWidth")
    page.close()
