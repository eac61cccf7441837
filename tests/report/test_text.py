"""Untrusted text on a page: shown whole, as text, and without power over what stands around it."""

import re
import unicodedata

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit.report.text import clean, inline, markdown, plain, prose

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PERSIAN = "\u0646\u0627\u0645\u200c\u0647\u0627"


def shown(html: str) -> str:
    """The text of a piece of HTML, as a browser builds it."""
    return BeautifulSoup(html, "html.parser").get_text()


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("a\x00b\x1b[2Jc\x07", "a\ufffdb\ufffd[2Jc\ufffd"),
        ("invoice\u202efdp.exe\u202c", "invoice\ufffdfdp.exe\ufffd"),
        ("\u2066a\u2069", "\ufffda\ufffd"),
        ("half \ud83d of one", "half \ufffd of one"),
        ("a\u2028b\u2029c\rd", "a\nb\nc\nd"),
        (FAMILY, FAMILY),
        (PERSIAN, PERSIAN),
        ("12\u00a0000\u202f\u20ac\u3000x", "12\u00a0000\u202f\u20ac\u3000x"),
    ],
)
def test_what_steers_a_screen_is_replaced_and_what_names_and_numbers_are_written_with_stays(given_text, kept):
    assert plain(given_text) == kept


@given(st.text())
def test_no_text_steers_a_screen_or_makes_an_element(text):
    told = plain(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in told)
    assert not any(unicodedata.bidirectional(c) in ("LRO", "RLO", "LRE", "RLE", "RLI", "LRI", "FSI") for c in told)
    for html in (inline(text), markdown(text)):
        if hasattr(html, "__html__"):
            assert set(re.findall(r"</?(\w+)", html)) <= ALLOWED


ALLOWED = {
    "p",
    "em",
    "strong",
    "del",
    "ul",
    "ol",
    "li",
    "code",
    "pre",
    "blockquote",
    "br",
    "hr",
    "a",
    "bdi",
    "wbr",
    "div",
}


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=300))
def test_a_line_of_text_is_found_on_the_page_as_it_was_given(text):
    html = inline(text)
    assert (shown(html) if hasattr(html, "__html__") else html) == plain(text)


def test_text_from_right_to_left_is_kept_apart_from_its_neighbours_and_other_text_is_left_alone():
    assert inline("\u05e9\u05dc\u05d5\u05dd <1>") == "<bdi>\u05e9\u05dc\u05d5\u05dd &lt;1&gt;</bdi>"
    named = inline("Group \u05e9\u05dc (1) \u05d5\u05dd 2: 30 <rows>")
    assert named == "Group <bdi>\u05e9\u05dc (1) \u05d5\u05dd</bdi> 2: 30 &lt;rows&gt;"
    assert (
        markdown("Group \u05e9\u05dc: 30")
        == '<div class="said"><p dir="auto">Group <bdi>\u05e9\u05dc</bdi>: 30</p></div>'
    )
    assert inline("Zoë & <Łukasz>") == "Zoë & <Łukasz>"
    assert not hasattr(inline("Zoë & <Łukasz>"), "__html__")


def test_a_very_long_word_may_break_and_is_not_cut():
    word = "x" * 10_000
    assert re.fullmatch(r"(x{9,10}<wbr>)+x+", inline(word))
    assert shown(inline(word)) == word
    finding = "C2.3.age_band.true_positive_rate_difference"
    assert inline(finding) == finding


def test_what_people_write_may_hold_paragraphs_lists_emphasis_code_and_links():
    html = markdown(
        "We *asked* **ten** people:\n\n- one\n- two\n\nSee [the minutes](https://example.org/m?a=1) and `run`."
    )
    assert "<p>We <em>asked</em> <strong>ten</strong> people:</p>" in html
    assert "<li>one</li>" in html
    assert '<a href="https://example.org/m?a=1" rel="noopener noreferrer">the minutes</a> and <code>run</code>' in html
    assert markdown("One *short* line") == "One <em>short</em> line"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a <b onclick=x>b</b>", "a <b onclick=x>b</b>"),
        (
            '<section class="verdict approve"><h2>Recommendation</h2>',
            '<section class="verdict approve"><h2>Recommendation</h2>',
        ),
        ("[go](javascript:alert(1))", "[go](javascript:alert(1))"),
        ("[go](DATA:text/html,x)", "[go](DATA:text/html,x)"),
        ("<javascript:alert(1)>", "[javascript:alert(1)](javascript:alert(1))"),
        ("![a < *b*](http://e.example/p.png?a=1&b=2)", "a < b (http://e.example/p.png?a=1&b=2)"),
        ("[note]: javascript:alert(1)", "[note]: javascript:alert(1)"),
        ("{{ 7*7 }} %s %(x)s ]]> </style>", "{{ 7*7 }} %s %(x)s ]]> </style>"),
    ],
)
def test_what_people_write_neither_runs_nor_loads_nor_is_lost(written, text):
    html = markdown(written)
    assert shown(html) == text
    assert not re.search(r"<(?!/?(em|strong)\b)", html)


def test_a_heading_that_people_write_does_not_enter_the_page_s_outline():
    assert markdown("# Approved\n\nreally") == '<div class="said"><p><strong>Approved</strong></p>\n<p>really</p></div>'


def test_a_notebook_s_headings_stand_below_the_page_s_and_its_html_is_cleaned():
    html = prose("# Title\n\n<b onclick='x()'>bold</b> ![alt](http://e.example/p.png) [x](javascript:y)")
    assert html.startswith("<h2>Title</h2>")
    assert "<b>bold</b> alt (http://e.example/p.png) [x](javascript:y)" in html


def test_html_of_a_notebook_keeps_its_table_and_loses_what_runs_loads_or_restyles():
    html = clean(
        '<table onclick="x()" style="position:fixed"><tr><td>1\u202e</td></tr></table><style>body{}</style>'
        '<img src="http://e.example/t.png"><iframe src="//e"></iframe><svg><script>x</script></svg>'
        '<a href="javascript:x">y</a><form action="//e"><input></form>'
    )
    assert "<table><tbody><tr><td>1\ufffd</td></tr></tbody></table>" in html
    assert not re.search(r"style|script|src|onclick|iframe|svg|form|input", html)
