"""The pages in a real browser: readable at desktop and phone width, silent, and without accessibility faults."""

import json
import re
from itertools import pairwise

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from ethics_kit import examples
from ethics_kit.project import STAGES
from tests.portfolio.conftest import kit

pytestmark = pytest.mark.browser

SYSTEMS = examples.planted()["systems"]
SEEN = [(1280, "light"), (1280, "dark"), (320, "light"), (320, "dark")]

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"color-contrast": {"enabled": False}},
    "resultTypes": ["violations"],
}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
"""All that a dark scheme can change; a width can change every rule."""

MARK_LOOKS = """() => {
  const parts = ['backgroundColor', 'backgroundImage', 'color', 'display', 'filter', 'fontSize', 'fontWeight',
    'mixBlendMode', 'opacity', 'position', 'textShadow', 'visibility'];
  const looks = new Map(), look = new WeakMap([[document, 0]]), asked = new Set();
  for (const element of document.querySelectorAll('*')) {
    const style = getComputedStyle(element);
    const key = [look.get(element.parentNode), ...parts.map(part => style[part])].join();
    if (!looks.has(key)) looks.set(key, looks.size + 1);
    look.set(element, looks.get(key));
    const says = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (says && !asked.has(looks.get(key))) element.dataset.asked = asked.add(looks.get(key)).size;
  }
}"""
"""Contrast takes axe a millisecond for each element with text. It is the same for two elements that are painted alike
and stand in elements that are painted alike, so the first of each look is asked."""

AXE = "async ([context, options]) => (await axe.run(context, options)).violations"


@pytest.fixture(scope="module")
def addresses(portfolio, tmp_path_factory):
    """Every page of the current portfolio, and one that compares two of its records."""
    reports = portfolio.reports
    current = {path.parent / json.loads(path.read_text())["folder"] for path in reports.glob("*/*/latest.json")}
    pages = [p for p in reports.rglob("*.html") if len(p.relative_to(reports).parts) < 4 or p.parent in current]
    assert len(pages) == len(SYSTEMS) * (len(STAGES) + 1) + len(["index", "committee"])
    compared = tmp_path_factory.mktemp("compared") / "compared.html"
    two = [f"{system}/bias_testing" for system in ("churn_risk", "support_triage")]
    done = kit("compare", *two, "--page", str(compared), cwd=portfolio.root)
    assert done.returncode == 0, done.stderr
    return [*sorted(pages), compared]


def violations(page, scheme):
    """What axe finds, as (rule, the first places)."""
    page.evaluate(MARK_LOOKS)
    found = page.evaluate(AXE, ["[data-asked]", CONTRAST])
    if scheme == "light":
        found += page.evaluate(AXE, [":root", RULES])
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]


@pytest.mark.parametrize(("width", "scheme"), SEEN)
def test_every_page_is_silent_fits_its_width_and_has_no_accessibility_fault(chromium, addresses, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.add_init_script(AXE_SCRIPT)  # no script of the page, so its policy does not stop it
    page = context.new_page()
    said, asked, found = [], [], {}
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for path in addresses:
        page.goto(path.as_uri())
        faults = violations(page, scheme)
        if not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
            faults.append("is wider than the window")
        if faults:
            found[path] = faults
    context.close()
    assert found == {}
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_every_page_has_landmarks_headings_in_order_and_words_for_each_figure_and_status(chromium, addresses):
    page = chromium.new_page()
    for name in addresses:
        page.goto(name.as_uri())
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


def test_no_table_is_cut_off_on_paper(chromium, addresses):
    page = chromium.new_page(viewport={"width": 680, "height": 960})  # A4 between the margins
    page.emulate_media(media="print")
    wide = "e => e.map(t => [t.scrollWidth, t.caption?.innerText]).filter(([width]) => width > 681)"
    for path in addresses:
        page.goto(path.as_uri())
        assert page.eval_on_selector_all("table", wide) == [], path
    page.close()


def test_the_portfolio_shows_its_worst_findings_without_scrolling(chromium, portfolio):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto((portfolio.reports / "index.html").as_uri())
    assert page.locator(".wide").evaluate("table => table.scrollWidth <= table.clientWidth")
    page.close()
