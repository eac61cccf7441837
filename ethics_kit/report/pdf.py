"""A record's page as a PDF: tagged (PDF/UA-1), bookmarked, the same bytes for the same page, and nothing is fetched.

WeasyPrint is an extra and needs Pango. It lays a page out in a process of its own, which can be stopped and takes its
memory along: ``python -m ethics_kit.report.pdf`` reads a page and writes its PDF.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ethics_kit.errors import InputError, Problem, RunError, Stopped
from ethics_kit.project import PASSPHRASE

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

FILE = "report.pdf"
TIME_LIMIT = 300.0

LONG_WORD = 40
"""Longer words break anywhere. Where all may, each column's least width is sought letter by letter, which is slow."""
ENDLESS_WORD = 200
"""A table or list with a longer word is laid out without looking for least widths."""

BREAKS = """
@media print {
  td, th, td *, th * { overflow-wrap: break-word !important }
  .long.long { overflow-wrap: anywhere !important }
  .endless { table-layout: fixed !important }
  dl.endless { display: block !important }
}
"""

EXTRA = "pip install 'ethics-kit[pdf]'"
PANGO = (
    "install Pango and a font (Debian, Ubuntu: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 "
    "fonts-dejavu-core; macOS: brew install pango)"
)


def require() -> None:
    """Nothing, where PDFs can be made here.

    Raises
    ------
    InputError
        WeasyPrint or Pango is missing, with what to install.
    """
    try:
        import weasyprint  # noqa: F401
    except ImportError:
        raise InputError([_missing("no WeasyPrint", EXTRA)]) from None
    except OSError:  # a library that WeasyPrint loads
        raise InputError([_missing("WeasyPrint without Pango", PANGO)]) from None


def _missing(found: str, todo: str) -> Problem:
    return Problem(file=Path("--pdf"), found=found, allowed="WeasyPrint and Pango, which make the PDF", todo=todo)


def made(page: str, *, time_limit: float = TIME_LIMIT) -> bytes:
    """The PDF of `page`, made in a process of its own.

    Raises
    ------
    RunError
        It took longer than `time_limit` seconds, or WeasyPrint failed.
    InputError
        WeasyPrint or Pango is missing.
    Stopped
        The person who started it stopped it.
    """
    command = [sys.executable, "-m", "ethics_kit.report.pdf"]
    own = {name: value for name, value in os.environ.items() if name != PASSPHRASE}
    environment = own | {"PYTHONHASHSEED": "0", "PYTHONSAFEPATH": "1"}
    try:
        done = subprocess.run(
            command, input=page.encode(), capture_output=True, timeout=time_limit, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise RunError(f"the PDF was not ready after {time_limit:g} seconds, the limit for one") from None
    if done.returncode == -signal.SIGINT:
        raise Stopped
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        require()
        raise RunError("WeasyPrint failed on this page, so that there is no PDF of it")
    return done.stdout


def paginated(page: str) -> bytes:
    """The PDF of `page`, made in this process."""
    import weasyprint
    from weasyprint.urls import URLFetcher

    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # it tells of every rule that is for screens
    document = weasyprint.HTML(string=page, url_fetcher=URLFetcher(allowed_protocols={"data"}))
    _mark_long_words(document.etree_element)
    pdf: bytes = document.write_pdf(stylesheets=[weasyprint.CSS(string=BREAKS)], pdf_variant="pdf/ua-1")
    return pdf


def _mark_long_words(page: Element) -> None:
    for element in page.iter():
        own = [element.text, *(child.tail for child in element)]
        if any(len(word) > LONG_WORD for text in own if text for word in text.split()):
            _add_class(element, "long")
    for element in (*page.iter("table"), *page.iter("dl")):
        if any(len(word) > ENDLESS_WORD for text in element.itertext() for word in text.split()):
            _add_class(element, "endless")


def _add_class(element: Element, name: str) -> None:
    element.set("class", f"{element.get('class', '')} {name}".strip())


if __name__ == "__main__":
    sys.stdout.buffer.write(paginated(sys.stdin.buffer.read().decode()))
