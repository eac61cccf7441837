"""The pages in a real browser: readable at desktop and phone width, silent, and without accessibility faults."""

import pytest
from axe_playwright_python.sync_playwright import Axe

PAGES = [
    "index.html",
    "committee.html",
    "churn_risk/index.html",
    "churn_risk/impact_analysis",
    "churn_risk/bias_testing",
    "support_assistant/design_review",
    "next_best_offer/deployment_signoff",
]

pytestmark = pytest.mark.browser


@pytest.fixture(params=PAGES)
def address(request, portfolio):
    if request.param.endswith(".html"):
        return (portfolio.reports / request.param).as_uri()
    return (portfolio.folder(*request.param.split("/")) / "report.html").as_uri()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (320, "light"), (320, "dark")])
def test_a_page_is_silent_fits_its_width_and_has_no_accessibility_fault(chromium, address, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator("h1").count() == 1
    # The policy of the page forbids scripts, so axe runs in a copy without it.
    bare = context.new_page()
    bare.set_content(page.content().replace("Content-Security-Policy", "x-policy"))
    violations = Axe().run(bare).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in violations] == []
    context.close()


def test_the_verdict_stands_on_the_first_screen(chromium, portfolio):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto((portfolio.folder("churn_risk", "bias_testing") / "report.html").as_uri())
    box = page.get_by_role("heading", name="Recommendation: Reject").bounding_box()
    assert box
    assert box["y"] < 400
    assert page.get_by_text("No decision taken").is_visible()
    page.close()


def test_no_table_is_cut_off_on_paper(chromium, address):
    page = chromium.new_page(viewport={"width": 680, "height": 960})  # A4 between the margins
    page.emulate_media(media="print")
    page.goto(address)
    wide = "e => e.map(t => [t.scrollWidth, t.caption?.innerText]).filter(([width]) => width > 681)"
    assert page.eval_on_selector_all("table", wide) == []
    page.close()


def test_the_portfolio_shows_its_worst_findings_without_scrolling(chromium, portfolio):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto((portfolio.reports / "index.html").as_uri())
    assert page.locator(".wide").evaluate("table => table.scrollWidth <= table.clientWidth")
    page.close()
