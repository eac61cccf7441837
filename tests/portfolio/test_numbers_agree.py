"""No number on a page disagrees with record.json: read again from the page as a browser builds it, cell by cell."""

import re
from collections import Counter
from decimal import Decimal

import pytest

from ethics_kit import examples
from ethics_kit.project import STAGES

ALL = [(system, stage) for system in examples.planted()["systems"] for stage in STAGES]
NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
AMOUNT = re.compile(
    rf": (?P<value>{NUMBER})"
    rf"(?: \((?P<level>\d+)% interval (?:from )?(?:(?P<low>{NUMBER}))?(?: ?to (?P<high>{NUMBER}))?\))?"
    rf"(?:, n = (?P<n>\d+))?(?:, limit (?P<limit>{NUMBER}))?"
)
READ = """() => ({
  findings: [...document.querySelectorAll('tr[id^="f-"]')].map(row => ({id: row.id.slice(2), text: row.innerText,
    status: row.querySelector('b[class]').innerText, evidence: row.querySelector('td').innerText})),
  cited: [...document.querySelectorAll('.worst li')].map(li => [li.querySelector('a').hash.slice(3),
    li.querySelector('.meta').innerText]),
  tables: [...document.querySelectorAll('main table')].filter(t => !t.matches('.findings')).map(t => ({
    title: t.caption.innerText, header: [...t.tHead.rows[0].cells].map(c => c.innerText),
    rows: [...t.tBodies].flatMap(body => { let group = null; return [...body.rows].flatMap(row => {
      if (row.cells[0].scope === 'rowgroup') { group = row.cells[0].innerText; return []; }
      return [[group, [...row.cells].map(c => c.innerText)]]; }); })}))})"""

EVIDENCE = 'tr[id^="f-"] td:has-text("interval")'

pytestmark = pytest.mark.browser


def told(text):
    return " ".join(str(text).split())


def agrees(shown, exact):
    """Whether `shown` is `exact` as far as its digits go; text is the same text."""
    if exact is None or exact == "":
        return shown == "–"
    if isinstance(exact, bool):
        return shown == ("yes" if exact else "no")
    if isinstance(exact, str):
        return told(shown) == told(exact)
    if shown == "<0.001":
        return exact < 0.001
    if not re.fullmatch(NUMBER, shown):
        return False
    number, given = Decimal(shown), Decimal(repr(exact))
    last = Decimal(1).scaleb(number.as_tuple().exponent)
    return abs(number - given) <= last / 2


def faults_of_finding(shown, finding):
    """What the evidence of a finding on the page says other than the record; its statement may say why it lacks one."""
    if finding["value"] is None:
        said = told(shown) + told(finding["statement"])
        return [] if finding["evidence"] != "measured" or told(finding["null_reason"]) in said else [shown]
    if finding["evidence"] != "measured":
        return []
    found = AMOUNT.search(told(shown))
    if not found:
        return [shown]
    interval = finding["interval"] or {"low": None, "high": None, "level": None}
    level = None if interval["low"] is None and interval["high"] is None else round(interval["level"] * 100)
    exact = {"value": finding["value"], "n": finding["n"], "limit": finding["threshold"]}
    exact |= {"low": interval["low"], "high": interval["high"], "level": level}
    wrong = [k for k, v in exact.items() if not (found[k] is None if v is None else agrees(str(found[k]), v))]
    return [f"{k}: {found[k]} for {exact[k]}" for k in wrong]


def faults_of_table(shown, table):
    """What a table on the page says other than the record's."""
    columns, header = list(table["columns"]), [h.removesuffix(" (interval)") for h in shown["header"]]
    if len(shown["rows"]) != len(table["rows"]):
        return [f"{len(shown['rows'])} rows for {len(table['rows'])}"]
    wrong = []
    for (group, cells), row in zip(shown["rows"], table["rows"], strict=True):
        places = iter(range(len(columns)))
        if group is not None and not agrees(group, f"{columns[next(places)]}: {row[0]}"):
            wrong.append(f"{group} for {row[0]}")
        for name, title, cell in zip(header, shown["header"], cells, strict=True):
            place = next(places)
            exact = [row[place]]
            parts = [cell]
            if title.endswith(" (interval)"):
                exact += [row[next(places)], row[next(places)]]
                parts = re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", cell).groups() if "(" in cell else [cell, "–", "–"]
            if columns[place] != name or not all(map(agrees, parts, exact)):
                wrong.append(f"{name}: {cell} for {exact}")
        if next(places, None) is not None:
            wrong.append(f"a column of {columns} is not shown")
    return wrong


def faults(page, record):
    """Everything in which a page, opened in a browser, disagrees with its record."""
    read = page.evaluate(READ)
    findings = {f["id"]: f for f in record["findings"]}
    wrong = []
    if Counter(row["id"] for row in read["findings"]) != Counter(list(findings)):
        wrong.append("not every finding stands once among the findings")
    for row in read["findings"]:
        finding = findings[row["id"]]
        wrong += [f"{row['id']}: {fault}" for fault in faults_of_finding(row["evidence"], finding)]
        if told(finding["statement"]) not in told(row["text"]):
            wrong.append(f"{row['id']}: its statement")
        if finding["status"].replace("_", " ") != row["status"].lower():
            wrong.append(f"{row['id']}: its status")
    for name, text in read["cited"]:
        wrong += [f"page one, {name}: {fault}" for fault in faults_of_finding(text, findings[name])]
    for table in record["tables"]:
        same = [
            t
            for t in read["tables"]
            if re.fullmatch(rf"{re.escape(told(table['title']))}( \(\d+ .*\))?", told(t["title"]))
        ]
        if table["rows"] and not any(not faults_of_table(t, table) for t in same):
            wrong.append(f"{table['title']}: {faults_of_table(same[0], table)[:3] if same else 'not on the page'}")
    return wrong


@pytest.mark.parametrize(("system", "stage"), ALL)
def test_every_number_of_a_finding_or_table_is_the_record_s_as_far_as_its_digits_go(chromium, portfolio, system, stage):
    page = chromium.new_page()
    page.goto((portfolio.folder(system, stage) / "report.html").as_uri())
    assert faults(page, portfolio.record(system, stage)) == []
    page.close()


@pytest.mark.parametrize(
    ("place", "before", "instead"),
    [
        (EVIDENCE, r"(: -?\d*\.?\d*)(\d)", r"\g<1>\g<2>7"),
        (EVIDENCE, r"n = (\d+)", r"n = \g<1>0"),
        (EVIDENCE, r"interval \S+ to", "interval -9 to"),
        ("table[class*=n2]:not(.findings) tbody td", r"^", "1"),
    ],
    ids=["value", "n", "interval", "table"],
)
def test_one_changed_number_on_a_page_is_seen(chromium, portfolio, place, before, instead):
    page = chromium.new_page()
    page.goto((portfolio.folder("churn_risk", "bias_testing") / "report.html").as_uri())
    node = page.locator(place).first
    changed = re.sub(before, instead, node.inner_text(), count=1)
    assert changed != node.inner_text()
    node.evaluate("(node, text) => { node.innerText = text }", changed)
    assert len(faults(page, portfolio.record("churn_risk", "bias_testing"))) == 1
    page.close()
