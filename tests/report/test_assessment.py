"""The assessment part of a page: what the record holds is shown from the record, all else as the notebook left it."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from types import SimpleNamespace

import nbformat
import nh3
import pytest
import tinycss2
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ethics_kit import workbook
from ethics_kit.attestation.proof import Proof
from ethics_kit.record import SINCE_LAST, Table
from ethics_kit.report import html, page, text
from ethics_kit.report.html import MARKER, Html, part, shown
from tests.made import complete, duty, finding, obliged, record

RATES = Table(
    id="C2.1.rates",
    title="Rates",
    requirement="C2.1",
    columns=["group", "n", "value", "low", "high", "adjusted p", "verdict"],
    rows=[["a <b>", 400, 0.148453, 0.1414, 0.155706, 0.00004, "equivalent"], ["c", 9, None, None, None, None, ""]],
    hidden=1,
    note="Note on $rates$.",
)
MARKED = {"part": "table", "id": "C2.1.rates"}
FORGED = "<table><tr><td>99.9</td></tr></table><script>alert(1)</script>"
ALL_STATUSES = [
    finding(requirement="C2.1", name="good"),
    finding("inconclusive", requirement="C2.1", name="open"),
    finding("not_met", requirement="C2.1", name="bad", action="Mend it."),
]


def made(**more):
    policy = {
        "version": "1",
        "confidentiality": "Internal",
        "approved_by": {"name": "Ann"},
        "approved_on": "2026-01-01",
    }
    owner = {"name": "Ann", "role": "product owner"}
    system = {"id": "demo", "name": "Demo", "kind": "scored", "organisation": "Org", "owner": owner}
    extra = {"purpose": "", "intended_use": "", "out_of_scope": [], "selection_is": None, "deputy": None}
    content = {"tables": [RATES], "findings": ALL_STATUSES, "policy": policy} | more
    return record(system=system | extra | {"model_version": None}, upstream=[], **content)


def shows(*outputs, **more):
    """The assessment part of the page of a notebook with `outputs`, each a dictionary of types."""
    cells = [
        new_markdown_cell("## First"),
        *(new_code_cell(outputs=[new_output("display_data", data)]) for data in outputs),
        new_markdown_cell("Last."),
    ]
    notebook = new_notebook(cells=cells)
    nbformat.validate(notebook)
    whole = page.render(notebook, made(**more), Proof({}, []))
    return re.search(r'<section aria-labelledby="assessment">.*?</section>', whole, re.DOTALL)[0]


def test_a_table_changed_in_the_notebook_shows_the_record_all_the_same():
    page = shows({"text/html": FORGED, "text/plain": "99.9", MARKER: MARKED})
    assert "99.9" not in page
    assert "0.148 (0.141 to 0.156)" in page
    assert "Note on $rates$." in page
    assert page.index("<h3>First</h3>") < page.index("Rates") < page.index("Last.")


@pytest.mark.parametrize(
    "marker",
    [
        None,
        [],
        "table",
        {"part": "table"},
        {"part": "table", "id": "elsewhere"},
        {"part": "table", "id": ["C2.1.rates"]},
        {"part": "findings", "ids": [], "title": "T"},
        {"part": "findings", "ids": ["C2.1.good", "C2.1.elsewhere"], "title": "T"},
        {"part": "findings", "ids": [["C2.1.good"]], "title": "T"},
        {"part": "findings", "ids": "C2.1.good", "title": "T"},
        {"part": "findings", "ids": ["C2.1.good"], "title": None},
        {"part": "script"},
    ],
)
def test_what_names_nothing_in_the_record_is_shown_as_the_notebook_left_it(marker):
    page = shows({"text/html": FORGED, MARKER: marker})
    assert "99.9" in page
    assert "<script" not in page
    assert "0.148" not in page


def test_a_name_of_two_tables_names_none():
    page = shows({"text/html": FORGED, MARKER: MARKED}, tables=[RATES, RATES])
    assert "99.9" in page


def test_the_findings_of_a_step_stand_worst_first_in_words_by_id_or_by_number():
    ids = ["C2.1.good", "C2.1.open", "C2.1.bad"]
    page = shows({"text/html": FORGED, MARKER: {"part": "findings", "ids": ids, "title": "Rates <i>"}})
    assert "Rates &lt;i&gt;" in page
    links = re.findall(r'<a href="#f-([^"]*)">([^<]*)</a>', page)
    assert links == [(name, name) for name in ("C2.1.bad", "C2.1.open")]
    assert page.index("C2.1 is not_met.") < page.index("C2.1.open</a>") < page.index("Met</b>: 1 finding")
    assert "C2.1 is inconclusive." not in page
    assert page.count("Met</b>") == 1


def test_findings_that_are_met_stand_once_under_their_requirement():
    duties = [duty(name, needs=()) for name in ("C2.1", "P1.1", "P1.2")]
    findings = [finding(requirement="P1.1"), finding(requirement="P1.1", name="y"), finding(requirement="C2.1")]
    obligations = complete(obliged(*duties))
    whole = page.render(new_notebook(), made(findings=findings, obligations=obligations), Proof({}, []))
    settled = whole[whole.index("and met or not applicable</caption>") :]
    settled = settled[: settled.index("</table>")]
    heads = re.findall(r"<th scope=rowgroup colspan=3>([^<]*)", settled)
    assert [head.split()[0] for head in heads] == ["P1.1", "C2.1"]
    rows = re.findall(r'<tr id="f-([^"]*)"', settled)
    assert rows == ["P1.1.x", "P1.1.y", "C2.1.x"]
    assert settled.index("P1.1.y") < settled.index(heads[1]) < settled.index("C2.1.x")


def test_changes_are_led_to_where_the_notebook_shows_them():
    since = Table(
        id=SINCE_LAST,
        title="What changed",
        requirement="S4.4",
        columns=["what", "before", "now"],
        rows=[["recommendation", "approve", "reject"]],
        note="Findings since the record of 2026-10-01: 1 worse.",
    )
    cells = [
        new_code_cell(outputs=[new_output("display_data", {"text/plain": "x", MARKER: MARKED | {"id": SINCE_LAST}})])
    ]
    for shows, cells_shown in ((True, cells), (False, [])):
        whole = page.render(new_notebook(cells=cells_shown), made(tables=[since]), Proof({}, []))
        one = whole[whole.index('<div class="first">') : whole.index("<nav")]
        assert since.note in one
        assert [whole.count('href="#changes"'), whole.count('id="changes"')] == ([2, 1] if shows else [0, 0])
        assert ('href="#changes"' in one) is shows


def test_the_contents_name_every_section_and_lead_somewhere():
    whole = page.render(new_notebook(), made(), Proof({}, []))
    nav = whole[whole.index("<nav") : whole.index("</nav>")]
    leads = re.findall(r'href="#(\w+)"', nav)
    sections = re.findall(r'<section aria-labelledby="(\w+)"', whole)
    assert set(sections) <= {*leads}
    assert [name for name in leads if whole.count(f'id="{name}"') != 1] == []


def test_the_conclusion_is_the_record_s():
    page = shows({"text/html": "<p>Recommendation: approve</p>", MARKER: {"part": "conclusion"}})
    assert "Recommendation: approve" not in page
    assert "Recommendation: Reject." in page


def test_a_figure_s_description_does_not_say_its_caption_again():
    alt, caption = "Forest plot. No gap: 0.5 points. men 0.1; women 0.5.", "No gap: 0.5 points. Lines are intervals."
    data = {"image/svg+xml": "<svg/>", "text/plain": alt}
    output = new_output("display_data", data, metadata={"image/svg+xml": {"alt": alt, "caption": caption}})
    cells = [new_code_cell(outputs=[output])]
    whole = page.render(new_notebook(cells=cells), made(), Proof({}, []))
    assert 'alt="Forest plot. men 0.1; women 0.5."' in whole
    assert f"<figcaption>{caption}</figcaption>" in whole
    assert html.beside("All said.", "All said.") == "All said."


def test_an_output_carries_its_html_for_jupyter_and_its_name_for_the_page():
    bundle = Html("<p>x</p>", "x", MARKED)._repr_mimebundle_()
    assert bundle == {"text/html": "<p>x</p>", "text/plain": "x", MARKER: MARKED}
    assert MARKER not in Html("<p>x</p>", "x")._repr_mimebundle_()


def test_every_step_and_table_of_a_notebook_says_which_part_of_the_record_it_shows(monkeypatch):
    displayed = []
    monkeypatch.setattr(workbook, "display", displayed.append)
    case = SimpleNamespace(dossier=SimpleNamespace(policy=SimpleNamespace(language="en")))
    workbook.Workbook(case, "record")._table(RATES)
    (output,) = displayed
    assert output.marker == MARKED
    json.dumps(output.marker)


# --- tables -----------------------------------------------------------------------------------------------------


def rows_of(table):
    return [row for _, rows in shown(table).groups for row in rows]


def test_columns_of_numbers_are_named_by_their_place_and_headers_with_them():
    page = part("table", RATES)
    assert '<table class="n2 n3 n4">' in page
    headers = re.findall(r'<th scope="col">([^<]*)</th>', page)
    assert headers == ["group", "n", "value (interval)", "adjusted p", "verdict"]
    assert "(1 small group withheld)" in page


def test_cells_are_escaped_rounded_and_gaps_are_dashes():
    page = part("table", RATES)
    assert '<th scope="row">a &lt;b&gt;</th><td>400</td><td>0.148 (0.141 to 0.156)</td><td>&lt;0.001</td>' in page
    assert '<th scope="row">c</th><td>9</td><td>–</td><td>–</td><td>–</td>' in page


def test_a_bound_that_is_not_known_is_a_dash_and_the_other_stays():
    table = RATES.model_copy(update={"rows": [["a", 4, 0.25, 0.05, None, 1.0, ""]]})
    assert rows_of(table)[0][2] == ("0.25", "0.05", "–")


@pytest.mark.parametrize(("value", "numeric"), [("x", False), (True, False), (0.5, True), (None, True), ("", True)])
def test_a_column_is_of_numbers_where_it_holds_nothing_else(value, numeric):
    rows = [["a", 1], ["b", value]]
    table = Table.model_construct(id="t", title="T", requirement="", columns=["a", "b"], rows=rows, hidden=0, note=None)
    assert shown(table).numeric == ([2] if numeric else [])


def test_a_table_without_rows_says_none():
    page = part("table", RATES.model_copy(update={"rows": []}))
    assert "<strong>Rates:</strong> none." in page
    assert "Note on $rates$." in page


def grouped(*names):
    rows = [[name, f"g{i}", i, 0.5, 0.4, 0.6] for i, name in enumerate(names)]
    columns = ["measure", "group", "n", "value", "low", "high"]
    return Table(id="t", title="T", requirement="", columns=columns, rows=rows)


def test_rows_that_share_their_first_cell_stand_under_it():
    page = part("table", grouped("recall", "recall", "precision", "precision"))
    assert page.count("<tbody>") == 2
    assert '<tr><th scope="rowgroup" colspan="3">measure: recall</th></tr>' in page
    assert re.findall(r'<th scope="row">(\w+)</th>', page) == ["g0", "g1", "g2", "g3"]
    assert re.findall(r'<th scope="col">([^<]*)</th>', page) == ["group", "n", "value (interval)"]
    assert '<table class="few n2 n3">' in page


@pytest.mark.parametrize(
    "names", [("a", "a", "a"), ("a", "b", "b"), ("a", "a", "b", "b", "a", "a"), ("", "", "b", "b"), (1, 1, 2, 2)]
)
def test_rows_stay_a_list_where_groups_would_tell_nothing_or_part_what_belongs_together(names):
    table = grouped(*names)
    assert shown(table).of == ""
    assert [row[0][0] for row in rows_of(table)] == [html.cell(name) for name in names]


# --- the weight of a page -----------------------------------------------------------------------------------------

WHOLE = """<style>td { content: "</td>"; }

</style><table><caption>C</caption><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>
<tbody><tr><th scope="row">1</th>
  <td>2 &lt;/td&gt;</td></tr>

<tr><td><ul><li>x</li> <li>y</li></ul></td><td></td></tr></tbody></table>
<p>One  word.</p> <p>Two.</p>
<ul><li>class="x" scope="row"</li></ul><div tabindex="0"><p>Three.</p></div><p>Four</p>
<dl><dt>k</dt><dd>v</dd><dt>l</dt><dd><p>w</p></dd></dl>
<pre class="commands">a </td>

  b</pre><p>End.</p>"""


def test_a_page_without_the_tags_it_may_leave_out_is_the_same_page():
    """nh3 reads both as a browser does, and writes every end tag."""

    def read(html):
        tags = text.TAGS
        return re.sub(r"\s*(<[^>]*>)\s*", r"\1", nh3.clean(html, tags=tags, attributes=text.ATTRIBUTES))

    lean = html.lean(WHOLE)
    assert read(lean) == read(WHOLE)
    assert len(lean) < len(WHOLE) - 60


def test_a_date_alone_in_a_cell_is_not_broken():
    assert html.lean("<td>2026-11-01</td><td>by 2026-11-01</td>") == "<td class=d>2026-11-01<td>by 2026-11-01"
    assert ".d{white-space:nowrap;}" in html.style()


def test_a_step_that_left_nothing_says_so_under_its_words():
    note = "This step has nothing to show for this system."
    step, silent = new_markdown_cell("## Scores"), new_code_cell("book.assess(scores)")
    setting = new_code_cell("x = 1", metadata={"tags": ["parameters"]})
    assert note in page.render(new_notebook(cells=[step, silent]), made(), Proof({}, []))
    assert note not in page.render(new_notebook(cells=[step, setting, silent]), made(), Proof({}, []))


def test_what_is_set_line_by_line_and_the_style_sheet_keep_every_character():
    lean = html.lean(WHOLE)
    assert '<pre class="commands">a </td>\n\n  b</pre>' in lean
    assert '<style>td { content: "</td>"; }\n\n</style>' in lean
    assert "2 &lt;/td&gt;" in lean


def test_the_style_sheet_in_the_page_is_the_one_its_policy_names():
    whole = page.render(new_notebook(), made(), Proof({}, []))
    (sheet,) = re.findall(r"(?s)<style>(.*?)</style>", whole)
    assert sheet.startswith(html.style())
    assert f"style-src 'sha256-{b64encode(sha256(sheet.encode()).digest()).decode()}'" in whole


def rules(css):
    """What a CSS parser reads of a style sheet."""
    for rule in tinycss2.parse_stylesheet(css, skip_whitespace=True):
        head = re.sub(r"\s*([,:])\s*", r"\1", " ".join(tinycss2.serialize(rule.prelude).split()))
        inside = tinycss2.parse_blocks_contents(rule.content, skip_whitespace=True)
        for one in inside:
            told = " ".join(one.serialize().split())
            yield head, re.sub(r"\s*([{};,:])\s*", r"\1", told)


def test_the_shorter_style_sheet_says_the_same():
    whole = "".join((html.TEMPLATES / name).read_text() for name in ("style.css", "print.css", "portfolio.css"))
    assert list(rules(html.style("portfolio.css"))) == list(rules(whole))
    assert len(html.style("portfolio.css")) < 0.95 * len(whole)
