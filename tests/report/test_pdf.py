"""A page as a PDF by the real WeasyPrint: tagged, bookmarked, the same bytes again, and nothing fetched or attached."""

import builtins
import http.server
import io
import re
import threading

import pypdf
import pytest

from ethics_kit.errors import InputError, RunError, Stopped
from ethics_kit.report import pdf
from tests.report.pages import small

LABEL = 'Internal – Größe "x"'
LONG = "".join(f"{n:05d}" for n in range(600))


@pytest.fixture(scope="module")
def page() -> str:
    rows = "".join(f"| row {n} | {n} |\n" for n in range(150))
    return small(f"## Many rows\n\n| name | value |\n|---|---|\n{rows}", policy={"confidentiality": LABEL})


@pytest.fixture(scope="module")
def content(page) -> bytes:
    return pdf.made(page)


@pytest.fixture(scope="module")
def read(content) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def texts(read: pypdf.PdfReader) -> list[str]:
    return [" ".join(sheet.extract_text().split()) for sheet in read.pages]


def links(read: pypdf.PdfReader) -> list[str]:
    found = [note.get_object() for sheet in read.pages for note in sheet.get("/Annots", [])]
    return [str(note["/A"]["/URI"]) for note in found if "/URI" in note.get("/A", {})]


def test_the_same_page_gives_the_same_bytes(page, content):
    assert pdf.made(page) == content


def test_it_is_tagged_and_has_a_language_and_a_title(read):
    root = read.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/StructTreeRoot"]["/K"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    assert read.metadata
    assert read.metadata.title == "Churn: Bias testing as of 2026-11-01"


def test_headings_are_its_bookmarks(read):
    flat = [item.title for level in read.outline if isinstance(level, list) for item in level if "/Title" in item]
    assert {"Findings, worst first", "The assessment", "Glossary", "Appendix", "How to verify"} <= set(flat)


def test_every_sheet_says_what_it_is(read):
    told = texts(read)
    assert len(told) > 4
    for number, sheet in enumerate(told, 1):
        assert f"{LABEL} · Draft" in sheet
        assert f"Page {number} of {len(told)}" in sheet
        assert re.search(r"Record [0-9a-f]{12}", sheet)


def test_a_table_repeats_its_header_and_loses_no_row(read):
    told = texts(read)
    spanned = [sheet for sheet in told if re.search(r"row \d+ \d+", sheet)]
    assert len(spanned) > 1
    assert all("name value" in sheet for sheet in spanned)
    assert re.findall(r"row (\d+) \1\b", " ".join(told)) == [str(n) for n in range(150)]


def test_no_letter_of_a_long_word_runs_off_the_paper():
    found = pypdf.PdfReader(io.BytesIO(pdf.paginated(small(f"| a | b |\n|---|---|\n| {LONG} | y |\n"))))
    ends: list[float] = []
    digits: list[str] = []

    def seen(text, _user, matrix, _font, size):
        if re.fullmatch(r"\d{5,}", text.strip()):
            digits.append(text.strip())
            ends.append(matrix[4] + len(text.strip()) * 0.6 * size * 0.75)

    for sheet in found.pages:
        sheet.extract_text(visitor_text=seen)
    width = float(found.pages[0].mediabox.width)
    assert LONG in "".join(digits)
    assert ends
    assert max(ends) < width


def test_nothing_is_fetched_and_nothing_attached():
    asked: list[str] = []

    class Told(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

    with http.server.HTTPServer(("127.0.0.1", 0), Told) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        hostile = (
            f"<link rel=stylesheet href='{address}/a.css'><link rel=attachment href='file:///etc/hostname'>"
            f"<img src='{address}/b.png'><img src='file:///etc/hostname'><a rel=attachment href='file:///etc/hostname'>x</a>"
            f"<p style='background: url({address}/c.png)'>text</p>"
        )
        found = pypdf.PdfReader(io.BytesIO(pdf.paginated(f"<!doctype html><title>t</title>{hostile}")))
        server.shutdown()
    assert asked == []
    assert not found.attachments
    assert "text" in found.pages[0].extract_text()


def test_a_page_links_to_the_web_and_to_post_alone():
    names = {"https://a.example/x": True, "http://b.example/": True, "mailto:c@d.example": True}
    names |= {"javascript:alert(1)": False, "file:///etc/passwd": False, "data:text/html,x": False, "other.pdf": False}
    page = small(" ".join(f"[go]({name})" for name in names))
    found = links(pypdf.PdfReader(io.BytesIO(pdf.paginated(page))))
    assert set(found) == {name for name, kept in names.items() if kept}


def test_a_page_that_takes_too_long_ends_in_words(page):
    with pytest.raises(RunError, match=r"the PDF was not ready after 0\.01 seconds, the limit for one"):
        pdf.made(page, time_limit=0.01)


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("exit 1", RunError, "WeasyPrint failed on this page"),
        ("echo no PDF", RunError, "WeasyPrint failed on this page"),
        ("kill -INT $$", Stopped, "^$"),
    ],
)
def test_what_is_no_pdf_is_an_error(monkeypatch, tmp_path, script, error, words):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ncat > /dev/null\n{script}\n")
    python.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(python))
    with pytest.raises(error, match=words):
        pdf.made("<p>x</p>")


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (ImportError("weasyprint"), "found no WeasyPrint; .*to do: pip install 'ethics-kit\\[pdf\\]'"),
        (OSError("cannot load library"), "found WeasyPrint without Pango; .*to do: install Pango and a font"),
    ],
)
def test_what_is_missing_is_told_with_what_to_install(monkeypatch, missing, told):
    real = builtins.__import__

    def imported(name, *rest, **more):
        if name == "weasyprint":
            raise missing
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", imported)
    with pytest.raises(InputError, match=told):
        pdf.require()
