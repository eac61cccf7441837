"""A hostile dossier and data set: nothing in them runs, breaks a page, is evaluated or gets lost."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import mistune
import nbformat
import pypdf
import pytest
from bs4 import BeautifulSoup

from ethics_kit import archive
from ethics_kit.project import STAGES, Project
from ethics_kit.record import Waived
from ethics_kit.report import card, compared, pdf
from ethics_kit.report.portfolio import actions, committee, write
from ethics_kit.report.text import plain
from ethics_kit.runner import assessment, reviewing
from ethics_kit.runner import job as jobs
from tests.portfolio.hostile import AS_OF, PAYLOADS, Hostile, payload
from tests.stages import past_records

ACTS = (
    {"act": "comment", "text": 0, "findings": True},
    {"act": "submit"},
    {"act": "return", "reason": 1},
    {"act": "submit"},
    {"act": "decide", "role": "executive", "decision": "reject", "reason": 2},
)
SAID = [f"{payload(910_000 + n)}\n\n{payload(952_000 + n)}" for n in range(3)]


@dataclass(frozen=True)
class Assessed:
    """What was put into the project, and the folders of the four records."""

    texts: dict[str, str]
    folders: dict[str, Path]
    pages: tuple[Path, ...]


@pytest.fixture(scope="session")  # a module's would be made twice: its browser tests come last
def hostile(portfolio, tmp_path_factory):
    project = Hostile(portfolio.root / "parameters", tmp_path_factory.mktemp("hostile"))
    with pytest.MonkeyPatch.context() as patch:
        folders = {stage: project.run(stage, project.root / "staging" / stage, patch) for stage in STAGES}
    _review(Project(project.root), folders["bias_testing"])
    index = write.write(write.scope(project.root / "reports", [Project(project.root)]), day=AS_OF)
    return Assessed(project.texts, folders, (*(f / "report.html" for f in folders.values()), index))


def _review(project, folder):
    finding = json.loads((folder / "record.json").read_text())["findings"][0]["id"]
    for number, given in enumerate(ACTS):
        act = {"by": payload(924_000 + number), "role": payload(938_000 + number), "on": date(2026, 11, 2), **given}
        act |= {key: SAID[act[key]] for key in ("text", "reason") if key in act}
        reviewing.enter(project, folder, act | ({"findings": [finding]} if "findings" in act else {}))


@pytest.fixture(scope="module")
def portfolio_pages(tmp_path_factory):
    """Index, system page, committee pack, comparison and failure of a system all of whose texts are hostile."""
    reports = tmp_path_factory.mktemp("hostile_portfolio")
    before, after = (_open(AS_OF - timedelta(days=past), past) for past in (30, 0))
    past_records.publish(reports, before, after)
    write.write(write.Scope(reports, ("demo",), payload(960_000), (), ()), day=AS_OF + timedelta(days=60))
    comparison = reports / "compare.html"
    comparison.write_text(compared.page(*(compared.Side(made, "draft", None) for made in (before, after))))
    job = assessment.Job(Project(reports), reports / "demo", "bias_testing", AS_OF, reports / "failed")
    (reports / "staging").mkdir()
    reason = " ".join(payload(961_000 + n) for n in range(len(PAYLOADS)))
    jobs.prepare_failure(assessment._spec(job, reports / "staging"), nbformat.v4.new_notebook(), reason)
    failed = archive.publish_failure(reports / "staging", job.reports, job.system, job.stage, job.as_of)
    return {
        "index": reports / "index.html",
        "system": reports / "demo/index.html",
        "committee": reports / committee.FILE,
        "compare": comparison,
        "failure": failed / "report.html",
    }


def _open(day, status):
    """A record with a finding for each payload: by turns with an action that is due, and waived."""
    texts = [payload(970_000 + n) for n in range(len(PAYLOADS))]
    findings = [
        past_records.finding(f"C2.1.h{n}", "inconclusive" if status else "not_met").model_copy(
            update={"statement": text}
            | ({"action": text, "owner": text[:300], "due": day} if n % 2 else {"waiver": _waiver(day, text)})
        )
        for n, text in enumerate(texts)
    ]
    made = past_records.record("bias_testing", day, *findings, version=texts[0], supplier=texts[1])
    owner = {"name": texts[2], "role": texts[3], "contact": texts[4]}
    more = {"name": texts[5], "owner": owner, "deputy": owner, "purpose": texts[6], "organisation": texts[7]}
    policy = {"version": texts[8], "confidentiality": texts[9]}
    return made.model_copy(update={"system": made.system | more, "policy": policy}).sealed()


def _waiver(day, text):
    return Waived(by=text, role=text, reason=text, on=day, until=day + timedelta(days=10))


def _told(text):
    """As compared: on one line, in small letters; what Markdown leaves of an image is its words and its address."""
    return " ".join(re.sub(r"!\[(\w+)\]\(", r"\1 (", plain(text)).split()).casefold()


def _text(page):
    return _told(BeautifulSoup(page.read_text(), "html.parser").get_text())


def test_every_kind_of_hostile_text_is_in_the_files_and_in_the_tables(hostile):
    assert len(hostile.texts) > 700
    assert all(any(p in text for text in hostile.texts.values()) for p in PAYLOADS)
    assert {where.partition(":")[0] for where in hostile.texts} >= {
        "policy",
        "organisation",
        "system",
        *STAGES,
        "customers",
    }
    assert any(len(text) > 10_000 for text in hostile.texts.values())


@pytest.mark.parametrize("stage", STAGES)
def test_no_hostile_text_that_a_record_holds_is_lost_cut_or_evaluated_on_its_page(hostile, stage):
    folder = hostile.folders[stage]
    record, shown = (folder / "record.json").read_text(), _text(folder / "report.html")
    held = {
        where: text for where, text in hostile.texts.items() if re.search(rf"{re.escape(text.split()[0])}\b", record)
    }
    assert len(held) > 20
    lost = [where for where, text in held.items() if _told(text) not in shown]
    assert lost == []


def test_no_answer_note_or_name_is_lost_between_a_dossier_and_its_pages(hostile):
    shown = " ".join(_text(page) for page in hostile.pages)
    expected = re.compile(
        r"\w+: answers\.\w+\.(value|note|by|role|override_reason)|system: (name|purpose|out_of_scope.*)"
    )
    texts = {where: text for where, text in hostile.texts.items() if expected.fullmatch(where)}
    assert len(texts) > 200
    assert [where for where, text in texts.items() if _told(text) not in shown] == []


def test_what_people_say_in_a_review_stands_whole_on_the_page_paragraph_by_paragraph(hostile):
    shown = _text(hostile.folders["bias_testing"] / "report.html")
    for text in SAID:
        assert all(_told(part) in shown for part in text.split("\n\n"))
    assert all(_told(payload(924_000 + n)) in shown for n in range(len(ACTS)))


def test_the_pages_over_all_records_lose_nothing_that_is_hostile(portfolio_pages):
    shown = {name: _text(page) for name, page in portfolio_pages.items()}
    for n in range(len(PAYLOADS)):
        assert _told(payload(970_000 + n)) in shown["system"] + shown["committee"]
        assert _told(payload(970_000 + n)) in shown["compare"]
    assert all(_told(payload(960_000)) in shown[name] for name in ("index", "system", "committee"))
    assert len(re.findall(r"mk961\d{3}a", shown["failure"])) == len(PAYLOADS)


def test_the_table_of_actions_has_a_row_for_each_and_no_formula_address_or_further_line(portfolio_pages):
    content = (portfolio_pages["index"].parent / actions.FILE).read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert len(rows) == 1 + len(PAYLOADS)
    assert {len(row) for row in rows} == {len(actions.COLUMNS)}
    assert all(cell.isprintable() and not cell.startswith(actions.FORMULA) for row in rows for cell in row)
    held = " ".join(cell for row in rows for cell in row)
    assert len(set(re.findall(r"mk970\d{3}a", held))) == len(PAYLOADS) // 2


def test_the_model_card_is_text_alone_to_a_reader_of_markdown(hostile):
    folder = hostile.folders["design_review"]
    soup = BeautifulSoup(mistune.html((folder / card.FILE).read_text()), "html.parser")
    assert {tag.name for tag in soup.find_all(True)} <= {"h1", "h2", "p", "ul", "li", "strong"}
    shown = _told(soup.get_text())
    table = next(t for t in json.loads((folder / "record.json").read_text())["tables"] if t["id"] == card.TABLE)
    said = [_told(says) for _, _, says in table["rows"]]
    assert sum("mk" in text for text in said) > 3
    assert [text for text in said if text not in shown] == []


@pytest.fixture(scope="module")
def printed(hostile):
    page = hostile.folders["bias_testing"] / "report.html"
    return page, pypdf.PdfReader(io.BytesIO(pdf.made(page.read_text())))


def test_a_hostile_page_on_paper_holds_every_text(printed):
    page, paper = printed
    there = set(re.findall(r"mk\d+[az]", re.sub(r"[\s\0]", "", "".join(sheet.extract_text() for sheet in paper.pages))))
    assert set(re.findall(r"mk\d+[az]", _text(page))) - there == set()


def test_a_hostile_page_on_paper_runs_attaches_and_opens_nothing_and_links_to_web_and_post_alone(printed):
    _, paper = printed
    assert not paper.attachments
    names = [key for node in _nodes(paper) for key in node]
    assert not {"/JS", "/JavaScript", "/AA", "/OpenAction", "/EmbeddedFiles", "/XFA", "/F"} & set(names)
    acts = [node for node in _nodes(paper) if node.get("/S") in ("/URI", "/Launch", "/GoToR", "/SubmitForm", "/Named")]
    assert all(re.match("https?:|mailto:", str(act.get("/URI"))) for act in acts), acts


def _nodes(paper: pypdf.PdfReader) -> Iterator[dict]:
    """Every dictionary among the objects of a PDF, wherever it stands in one."""
    waiting = [paper.get_object(number) for number in range(1, len(paper.xref_objStm) + 1)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += [v for v in node.values() if isinstance(v, dict | list)]
        elif isinstance(node, list):
            waiting += [v for v in node if isinstance(v, dict | list)]


def test_no_page_holds_an_element_attribute_or_address_that_could_run_or_load(hostile, portfolio_pages):
    for page in (*hostile.pages, *portfolio_pages.values()):
        soup = BeautifulSoup(page.read_text(), "html.parser")
        for own in soup.find_all(["template", "script"]) if page.name == "index.html" else ():
            assert not re.search(r"mk\d", str(own))
            own.decompose()
        assert not soup.find_all(["script", "iframe", "object", "embed", "form", "input", "base", "link", "svg"])
        assert len(soup.find_all("meta")) == 3
        for tag in soup.find_all(True):
            assert not [name for name in tag.attrs if name.startswith("on") or name in ("style", "srcset")], tag.attrs
            assert re.match(r"#|https?:|mailto:|[\w./-]+(#[\w.%-]+)?$", tag.get("href", "#")), tag.attrs
            assert tag.get("src", "data:image/").startswith("data:image/"), tag.attrs
            assert not any("<bdi>" in str(value) or "<wbr>" in str(value) for value in tag.attrs.values()), tag.attrs


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_in_a_browser_no_hostile_page_runs_asks_says_or_outgrows_anything(chromium, hostile, portfolio_pages, width):
    for address in (*hostile.pages, *portfolio_pages.values()):
        page = chromium.new_page(viewport={"width": width, "height": 900})
        heard = []
        page.on("console", lambda message, heard=heard: heard.append(message.text))
        page.on("pageerror", lambda error, heard=heard: heard.append(str(error)))
        page.on("dialog", lambda dialog, heard=heard: (heard.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request, heard=heard: heard.append(request.url))
        page.goto(address.as_uri())
        page.mouse.move(width / 2, 400)
        assert [one for one in heard if not one.startswith(("file:", "data:image/"))] == []
        assert page.evaluate("window.ran") is None
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        widest = page.evaluate("Math.max(...[...document.querySelectorAll('td, th')].map(cell => cell.scrollWidth))")
        assert widest < 1280, address
        page.close()


@pytest.mark.browser
def test_a_right_to_left_name_leaves_its_neighbours_in_their_order(chromium, hostile):
    page = chromium.new_page()
    page.goto(hostile.pages[0].as_uri())
    outside = "e => e.filter(b => getComputedStyle(b).unicodeBidi !== 'isolate').length"
    assert page.locator("bdi").count() > 5
    assert page.eval_on_selector_all("bdi", outside) == 0
    loose = """() => {
      const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT), found = [];
      while (walk.nextNode()) {
        const node = walk.currentNode;
        if (/[\\u0590-\\u08ff]/.test(node.data) && !node.parentElement.closest('bdi')) found.push(node.data);
      }
      return found; }"""
    assert page.evaluate(loose) == []
    page.close()


@pytest.mark.parametrize(
    ("name", "found"),
    [('"a\\0b"', r"a\x00b"), ('"a\\ud83db"', r"a\ud83db"), (f'"{"x" * 10_000}"', "at most 300")],
    ids=["NUL", "half a character", "10,000 characters"],
)
def test_a_name_that_no_page_can_show_is_refused_with_its_place(project, kit, name, found):
    root = project()
    path = root / "parameters/demo/system.yaml"
    path.write_text(path.read_text().replace("name: Demo", f"name: {name}", 1))
    done = kit("check", "demo", cwd=root)
    assert done.code == 2
    assert re.search(r"system\.yaml:\d+: name: ", done.err)
    assert found in done.err


def test_the_day_of_the_project_is_the_day_of_its_records(hostile):
    assert all(folder.name.startswith(AS_OF.isoformat()) for folder in hostile.folders.values())
