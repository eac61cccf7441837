"""What a page is on paper: its margins, whatever a dossier holds, and its print style in a real Chromium."""

import base64
import hashlib
import re

import pytest
import tinycss2
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from ethics_kit.report import paper
from tests.report.pages import small, written

A4_INSIDE = 680
"""CSS pixels between the margins of A4."""


def parsed(css: str) -> str:
    """The one string that a CSS parser reads."""
    (token,) = tinycss2.parse_component_value_list(css)
    assert token.type == "string"
    return str(token.value)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('say "no"', 'say "no"'),
        ("back\\slash \\22 \\a", "back\\slash \\22 \\a"),
        ("two\nlines\tand\r\nmore", "two lines and more"),
        ("</style><script>", "</style><script>"),
        ("a: b", "a: b"),
        ("bell\x07 and \u202eturned", "bell� and �turned"),
        ("größe 👍 עברית", "größe 👍 עברית"),
        (Markup("Tom &amp; Co"), "Tom & Co"),
        ("", ""),
    ],
)
def test_a_css_string_reads_as_its_text(text, read):
    assert parsed(paper.css_string(text)) == read


def test_a_long_text_is_cut_with_a_mark():
    assert parsed(paper.css_string("x" * 10_000)) == "x" * (paper.MOST - 1) + "…"


@given(st.text())
def test_no_text_ends_its_css_string_or_the_style_element(text):
    css = paper.css_string(text)
    assert re.fullmatch(r'"(?:[A-Za-z0-9 .,()-]|\\[0-9a-f]{1,6} )*"', css)
    assert len(parsed(css)) <= paper.MOST


def margins_of(page: str) -> dict[str, str]:
    """What the page's margin boxes say, as a CSS parser reads it, with counters by their name."""
    style = re.search(r"(?s)<style>(.*?)</style>", page)
    assert style
    rules = [r for r in tinycss2.parse_stylesheet(style[1], skip_whitespace=True) if r.type == "at-rule"]
    last = [r for r in rules if r.at_keyword == "page"][-1]
    boxes = tinycss2.parse_blocks_contents(last.content, skip_whitespace=True)
    found = {}
    for box in boxes:
        (content,) = tinycss2.parse_blocks_contents(box.content, skip_whitespace=True)
        parts = [p for p in content.value if p.type != "whitespace"]
        found[box.at_keyword] = "".join(p.value if p.type == "string" else f"<{p.arguments[0].value}>" for p in parts)
    return found


def test_every_sheet_carries_label_status_record_and_number():
    page = small(policy={"confidentiality": 'Secret "board" only'})
    margins = margins_of(page)
    record_id = re.search(r"record ([0-9a-f]{12})", page)
    assert record_id
    assert margins == {
        "top-left": 'Secret "board" only · Draft',
        "top-right": f"Record {record_id[1]}",
        "bottom-left": "Churn: bias testing as of 2026-11-01",
        "bottom-right": "Page <page> of <pages>",
    }


def test_a_hostile_label_stays_text_and_the_policy_allows_the_style_it_is_in():
    page = small(policy={"confidentiality": "</style><script>alert(1)</script>"}, system={"name": 'A"}</style>&amp;'})
    assert page.count("</style>") == 1
    assert "<script" not in page
    assert margins_of(page)["top-left"] == "</style><script>alert(1)</script> · Draft"
    assert margins_of(page)["bottom-left"].startswith('A"}</style>&amp;: bias testing')
    style = re.search(r"(?s)<style>(.*?)</style>", page)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page


@pytest.mark.browser
def test_paper_is_light_whatever_the_screen_is(chromium, tmp_path):
    page = chromium.new_page(color_scheme="dark")
    page.goto(written(tmp_path, small()))
    ink = "getComputedStyle(document.body).color"
    assert page.evaluate(ink) == "rgb(233, 235, 238)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(ink) == "rgb(26, 26, 26)"
    page.close()


@pytest.mark.browser
def test_long_words_do_not_run_off_the_paper(chromium, tmp_path):
    page = chromium.new_page(viewport={"width": A4_INSIDE, "height": 900})
    page.goto(written(tmp_path, small("| a | b |\n|---|---|\n| " + "x" * 400 + " | y |\n", system={"name": "N" * 300})))
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_INSIDE
    page.close()


@pytest.mark.browser
def test_a_link_prints_where_it_leads_only_if_that_is_outside(chromium, tmp_path):
    page = chromium.new_page()
    page.goto(written(tmp_path, small("[law](https://eur-lex.europa.eu/x) and [below](#verify)")))
    page.emulate_media(media="print")
    after = "n => getComputedStyle(n, '::after').content"
    assert page.eval_on_selector("#assessment ~ * a[href^=http]", after) == '" (https://eur-lex.europa.eu/x)"'
    assert page.eval_on_selector("#assessment ~ * a[href='#verify']", after) == "none"
    page.close()
