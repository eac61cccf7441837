"""A page in another language: no string of the page itself is left in English without being marked as such."""

import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from markupsafe import escape
from nbformat import NotebookNode

from ethics_kit import languages
from ethics_kit.attestation.folder import publish
from ethics_kit.attestation.proof import Proof
from ethics_kit.languages import SOURCE
from ethics_kit.project import STAGES
from ethics_kit.record import Record
from ethics_kit.report import compared, extraction, html, page
from ethics_kit.report.portfolio import write
from tests.report.assessed import assessed

AS_OF = date(2026, 11, 1)
FILES = ("attestation.json", "notebook.ipynb", "report.html", "report.pdf")
OPEN, CLOSED = "⟦", "⟧"


def wrapped(text: str) -> str:
    """The text in brackets; in Markdown each paragraph by itself, after the signs of a heading."""
    parts = re.split(r"(\n\n)", text)
    return "".join(
        p if p == "\n\n" else re.sub(r"^(#+ )?(.*)$", rf"\1{OPEN}\2{CLOSED}", p, flags=re.DOTALL) for p in parts
    )


@pytest.fixture(scope="module")
def pseudo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """A language ``xx`` that puts every string of the catalogue in brackets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(languages, "LOCALE", tmp_path_factory.mktemp("locale"))
        own = Catalog(locale="de", fuzzy=False)
        for message in extraction.extracted():
            if message.id:
                plural = isinstance(message.id, tuple)
                own.add(message.id, tuple(map(wrapped, message.id)) if plural else wrapped(message.id))
        path = languages.catalogue_file("xx")
        path.parent.mkdir(parents=True)
        path.write_bytes(extraction.written(own))
        yield patch
    languages._read.cache_clear()
    html._environment.cache_clear()


Ran = dict[str, tuple[NotebookNode, Record]]


@pytest.fixture(scope="module")
def ran(pseudo: pytest.MonkeyPatch, projects: Any, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Every stage of a system whose policy names that language."""
    root = projects(tmp_path_factory.mktemp("project") / "p")(policy={"language": "xx"})
    return {
        stage: assessed(root / "parameters/demo", stage, AS_OF, tmp_path_factory.mktemp(stage), pseudo)
        for stage in STAGES
    }


@pytest.fixture(scope="module")
def reports(ran: Ran, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages over all systems, with that system's records."""
    root = tmp_path_factory.mktemp("reports")
    for stage, (_, record) in ran.items():
        staging = tmp_path_factory.mktemp("staging") / stage
        staging.mkdir()
        (staging / "record.json").write_bytes(record.to_bytes())
        publish(staging, root, record)
    write.write(write.Scope(root, ("demo", "other"), "Internal", (), (), "xx"), day=AS_OF)
    return root


class Words(HTMLParser):
    """The texts of a page that are neither in brackets, nor marked as English or as not to translate, nor code."""

    SILENT = ("style", "code", "pre", "script")
    VOID = ("meta", "img", "br", "hr", "input", "wbr", "link", "circle", "path", "polygon", "polyline")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.depth = 0
        self.silent: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("aria-label", "title", "data-l"):
            if name in given:
                self.handle_data(given[name] or "")
        if tag not in self.VOID:
            skipped = (
                tag in self.SILENT
                or given.get("lang") == SOURCE
                or given.get("translate") == "no"
                or "hash" in (given.get("class") or "")
            )
            self.silent.append((tag, skipped))

    def handle_endtag(self, tag: str) -> None:
        while self.silent and any(tag == name for name, _ in self.silent):
            if self.silent.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if any(skipped for _, skipped in self.silent):
            return
        outside = ""
        for sign in data:
            self.depth += (sign == OPEN) - (sign == CLOSED)
            outside += sign if self.depth == 0 and sign != CLOSED else ""
        if any(map(str.isalpha, outside)):
            self.found.append(" ".join(outside.split()))


def values(content: Any) -> Iterator[str]:
    """Every text of a record, names of keys left out."""
    if isinstance(content, dict):
        for value in content.values():
            yield from values(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from values(value)
    elif content is not None:
        yield " ".join(str(content).split())


def unmarked(content: str, *records: Record) -> list[str]:
    """What of a page is in English and not marked, besides what stands in the records as it is."""
    words = Words()
    words.feed(content)
    words.close()
    inside = values([record.model_dump(mode="json") for record in records])
    own = sorted({*inside, *records[0].versions, "Ethics Kit", "n", "sha256", "other", *FILES}, key=len, reverse=True)
    any_own = re.compile(r"\b[0-9a-f]{12,}\b|" + "|".join(rf"(?<!\w){re.escape(value)}(?!\w)" for value in own))
    left = ((text, any_own.sub("", text)) for text in words.found)
    return [text for text, rest in left if any(map(str.isalpha, rest))]


@pytest.mark.parametrize("stage", STAGES)
def test_no_string_of_a_page_is_outside_the_catalogue(stage: str, ran: Ran) -> None:
    notebook, record = ran[stage]
    assert unmarked(page.render(notebook, record, Proof({}, [])), record) == []


@pytest.mark.parametrize("name", ["index.html", "committee.html", "demo/index.html", "other/index.html"])
def test_no_string_of_the_pages_over_all_systems_is_outside_the_catalogue(name: str, ran: Ran, reports: Path) -> None:
    told = (reports / name).read_text(encoding="utf-8")
    assert '<html lang="xx">' in told
    assert unmarked(told, *(record for _, record in ran.values())) == []


def test_no_string_of_a_comparison_is_outside_the_catalogue(ran: Ran) -> None:
    now = ran["bias_testing"][1]
    finding = now.findings[0].model_copy(update={"status": "met"})
    before = now.model_copy(update={"findings": [finding, *now.findings[2:]], "inputs": []})
    told = compared.page(compared.Side(before, None, None), compared.Side(now, "draft", None))
    assert unmarked(told, before, now) == []


def test_what_a_finding_states_is_marked_as_english(ran: Ran) -> None:
    notebook, record = ran["bias_testing"]
    told = page.render(notebook, record, Proof({}, []))
    for finding in record.findings:
        stated = str(escape(finding.statement))
        assert told.count(stated) == told.count(f'<span lang="en">{stated}</span>') > 0, finding.id


def test_a_page_that_failed_has_no_string_outside_the_catalogue(pseudo: pytest.MonkeyPatch, ran: Ran) -> None:
    told = page.render_failure(
        system="demo", stage="bias_testing", as_of=AS_OF, reason="It stopped.", ran=2, cells=9, language="xx"
    )
    assert '<html lang="xx">' in told
    assert unmarked(told, ran["bias_testing"][1]) == []


def test_the_test_finds_a_string_outside_the_catalogue(ran: Ran) -> None:
    _, record = ran["impact_analysis"]
    told = '<p>⟦Known⟧ <em lang="en">marked</em> Not known, as of 2026-11-01</p><p aria-label="Nor this"></p>'
    assert unmarked(told, record) == ["Not known, as of 2026-11-01", "Nor this"]
