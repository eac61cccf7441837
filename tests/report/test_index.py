"""The portfolio's first page: what it says of each system, and what its script adds."""

import base64
import hashlib
import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit.report import html
from ethics_kit.report.portfolio.index import SHORT, write_index
from ethics_kit.report.portfolio.sparkline import EDGE, HEIGHT, WIDTH, line
from ethics_kit.report.portfolio.summary import Gap, Trend
from tests.attested import put_review
from tests.published import DAY, DECIDE, SUBMIT, finding, put, read_all, record, review


def page_of(reports, systems=(), *, day=DAY, not_run=()):
    found = read_all(reports, systems, as_of=day, not_run=not_run)
    return write_index(reports, found, as_of=day, confidentiality="Internal").read_text()


def text_of(page):
    seen = page.split("<body", 1)[1].split("<script", 1)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", seen).split())


def row_of(page, system):
    rows = page.split("<tbody>")[1].split("<tr ")
    return text_of("<body" + next(row for row in rows if f'href="{system}/index.html"' in row))


def test_a_row_tells_verdict_age_what_is_settled_review_signatures_owner_and_worst_finding(tmp_path):
    one = record(
        finding("P2.2.a", "not_met", action="Retrain.", due=DAY + timedelta(3)), finding("P1.1.b", "inconclusive")
    )
    put(tmp_path, one)
    page = page_of(tmp_path, ["demo"], day=DAY + timedelta(10))
    row = row_of(page, "demo")
    assert "Reject 2026-11-01, 10 days old 1 of 2 settled, draft, not signed" in row
    assert "demo, Olu Owner" in row
    assert "P2.2: P2.2.a is not_met." in row
    assert "1 action overdue" in row
    assert "Not known" in row
    assert f'href="demo/bias_testing/{one.folder_name}/report.html"' in page
    assert "As of 2026-11-11: ages and due dates are counted up to this day." in text_of(page)


def test_the_counts_stand_on_top(tmp_path):
    put(tmp_path, record(finding(status="not_met")), record(stage="impact_analysis"))
    one = record(finding(status="inconclusive"), system="other")
    (place,) = put(tmp_path, one)
    put_review(place, review(one, [SUBMIT]))
    told = text_of(page_of(tmp_path, ["demo", "other", "registered"])).split("Committee pack")[0]
    assert "1 Reject 1 Undetermined 9 Not assessed 1 Approve 1 decision due 0 actions overdue" in told
    assert "2 reviews overdue or not known 1 system not assessed" in told


def test_a_decision_and_an_overdue_review_are_told(tmp_path):
    counted = finding("G3.review_overdue", "not_met", value=12, unit="days")
    one = record(counted, stage="deployment_signoff")
    (place,) = put(tmp_path, one)
    assert "2026-10-20 12 days overdue" in row_of(page_of(tmp_path, ["demo"]), "demo")
    departs = [{**e, "decision": "reject"} for e in DECIDE]
    put_review(place, review(one, [SUBMIT, *departs]))
    row = row_of(page_of(tmp_path, ["demo"]), "demo")
    assert "decided: Reject, not signed" in row
    assert "2027-11-03 in 367 days" in row


def test_what_is_not_assessed_altered_failed_not_run_or_elsewhere_is_listed(tmp_path):
    altered, _ = put(tmp_path, record(system="altered"), record(system="elsewhere"))
    (altered / "report.html").write_text("<p>Another page.")
    page = page_of(tmp_path, ["altered", "registered"], not_run=["altered"])
    assert row_of(page, "registered").count("Not assessed") == 4
    assert "Altered or missing" in row_of(page, "altered")
    assert "Approve" not in row_of(page, "altered")
    assert "Not run: its dossier is not in order" in row_of(page, "altered")
    row = row_of(page, "elsewhere")
    assert "Of another project, whose keys these pages do not know" in row
    assert "signatures not checked" in row
    assert "not signed" not in row


def test_no_system_yet_says_how_to_create_one(tmp_path):
    page = page_of(tmp_path)
    assert "ethics-kit new NAME" in page
    assert "<script" not in page


def test_a_page_is_the_same_when_it_is_written_again(tmp_path):
    put(tmp_path, record(), record(system="other"))
    assert page_of(tmp_path) == page_of(tmp_path)


def test_names_and_statements_are_escaped_and_a_long_one_says_how_much_is_left(tmp_path):
    long = finding(status="not_met", statement="<b>" + "x" * 10_000)
    put(tmp_path, record(long, name="<script>alert(1)</script>\x1b"))
    page = page_of(tmp_path)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert f"… ({10_003 - SHORT} more characters in the report)" in page


def test_the_policy_allows_this_one_script_and_style_and_nothing_else(tmp_path):
    put(tmp_path, record())
    page = page_of(tmp_path)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in (style, script)]
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    policy = policy.replace("&#39;", "'")
    assert f"style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in html.content_security_policy()


def gap(day, value, width=0.05):
    low, high = (value - width, value + width) if width is not None else (None, None)
    return Gap("P2.2.gender.rate_difference", day, value, low, high, 500)


def test_a_trend_is_drawn_to_scale_in_days_and_values_and_says_what_it_shows(tmp_path):
    days = [DAY - timedelta(days) for days in (30, 20, 0)]
    found = line(Trend(tuple(gap(d, v, 0.1) for d, v in zip(days, (-0.9, -0.5, -0.4), strict=True)), 0))
    assert found.line == "3,25 41,15 117,13"  # -1.0 to 0 on 27 to 3, thirty days on 3 to 117
    assert found.band == "3,22 41,13 117,10 117,15 41,17 3,27"
    assert (found.zero, found.end) == (3, (117, 13))
    assert line(Trend((gap(DAY, 0.1),), 0)) is None
    measured = {
        "value": -0.4,
        "unit": "difference of rates",
        "interval": {"low": -0.5, "high": -0.3, "level": 0.95},
        "n": 70,
    }
    name = "P2.2.gender.rate_difference"
    put(
        tmp_path,
        *(
            record(finding(name, "not_met", **measured | {"value": v}), day=d)
            for d, v in zip(days, (-0.9, -0.5, -0.4), strict=True)
        ),
    )
    page = page_of(tmp_path)
    assert f"{name}: -0.90 on 2026-10-02, -0.40 on 2026-11-01 (-0.50 to -0.30), n = 70; 3 records" in row_of(
        page, "demo"
    )
    assert 'aria-labelledby="demo"' in page
    assert page.count('id="demo"') == 1


@given(
    st.lists(
        st.tuples(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.floats(-1, 1), st.floats(0, 1) | st.none()),
        min_size=2,
        max_size=12,
        unique_by=lambda point: point[0],
    )
)
def test_every_trend_stays_in_its_box_with_zero_in_it(points):
    found = line(Trend(tuple(gap(*point) for point in sorted(points)), 0))
    for part in (found.line, found.band):
        for x, y in (map(int, pair.split(",")) for pair in part.split()):
            assert EDGE <= x <= WIDTH - EDGE
            assert EDGE <= y <= HEIGHT - EDGE
    assert EDGE <= found.zero <= HEIGHT - EDGE
    assert (found.band == "") == any(width is None for _, _, width in points)


# --- in a real browser -------------------------------------------------------------------------------------------


@pytest.fixture
def address(tmp_path):
    put(
        tmp_path,
        record(finding(status="not_met"), system="bad", name="Bad one", level="III"),
        record(finding(status="inconclusive"), system="unknown", name="Unknown one", day=DAY - timedelta(60)),
        record(system="good", name="A good one", level="I"),
        record(system="good", name="A good one", level="I", stage="impact_analysis"),
    )
    page_of(tmp_path, ["good", "bad", "unknown", "registered"])
    return (tmp_path / "index.html").as_uri()


def shown(page):
    return [row.get_attribute("href").split("/")[0] for row in page.locator("tbody th a:visible").all()]


def chosen(page, name):
    return page.get_by_role("combobox", name=name, exact=True)


@pytest.mark.browser
def test_without_a_script_everything_is_there_and_no_control_is(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert shown(page) == ["bad", "registered", "unknown", "good"]
    assert page.get_by_role("searchbox").count() == 0
    assert page.get_by_role("combobox").count() == 0
    context.close()


@pytest.mark.browser
def test_the_script_filters_by_text_verdict_stage_and_level_and_counts_aloud(chromium, address):
    page = chromium.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    status = page.get_by_role("status")
    assert status.inner_text() == "4 of 4 systems shown"
    page.get_by_label("Find").fill("one  GOOD")
    assert shown(page) == ["good"]
    assert status.inner_text() == "1 of 4 systems shown"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.querySelectorAll('tbody tr[hidden]').length === 0")
    chosen(page, "Recommendation").select_option(label="Approve")
    assert shown(page) == ["good"]
    chosen(page, "Stage").select_option(label="Deployment sign-off")
    assert shown(page) == []
    chosen(page, "Recommendation").select_option(label="Not assessed")
    assert len(shown(page)) == 4
    chosen(page, "Impact level").select_option(label="III")
    assert shown(page) == ["bad"]
    assert said == []
    page.close()


@pytest.mark.browser
def test_the_script_orders_by_keyboard_and_says_so_in_the_header(chromium, address):
    page = chromium.new_page()
    page.goto(address)
    order = chosen(page, "Order")
    order.focus()
    page.keyboard.type("Name")
    assert shown(page) == ["good", "bad", "registered", "unknown"]
    assert page.locator("th[aria-sort]").all_inner_texts() == ["System"]
    page.get_by_role("button", name="Next review").press("Enter")
    assert shown(page)[0] == "bad"
    assert order.input_value() == "due"
    assert page.locator("th[aria-sort]").all_inner_texts() == ["Next review"]
    order.select_option(label="Highest level first")
    assert shown(page)[0] == "bad"
    assert page.locator("th[aria-sort]").all_inner_texts() == ["Impact level"]
    order.select_option(label="Oldest record first")
    assert shown(page)[0] == "unknown"
    order.select_option(label="Worst first")
    assert shown(page) == ["bad", "registered", "unknown", "good"]
    page.close()
