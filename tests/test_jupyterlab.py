"""An analyst's workbooks in a real JupyterLab: started by `open`, filled in by hand, every answer on disk."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbclient import NotebookClient
from playwright.sync_api import Browser, Locator, Page, expect

from ethics_kit import yamlfile
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, Project, notebook_name
from ethics_kit.scaffold import create_workbooks

OPEN = [sys.executable, "-c", "from ethics_kit.cli import main; main()", "open", "demo"]
SLOW = 180_000
SHARED = {"value": "yes", "by": "Leila Haddad", "role": "security", "on": date(2026, 8, 27)}
QUESTIONS = {name: q for stage in STAGES for name, q in catalogue.questions(stage).items()}
CHOICE, YES_NO, TEXT, DAY = "groups_heard", "stakeholder_harms_judged", "vulnerable_groups_named", "next_review_due"


@pytest.fixture
def root(project: Callable[..., Path]) -> Path:
    """A project with workbooks; one question is answered by the organisation."""
    answers = {"access_limited": SHARED | {"evidence": "https://example.org/access"}}
    made = project(organisation={"answers": answers})
    create_workbooks(Project(made), "demo")
    return made


@pytest.fixture
def lab(root: Path, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """JupyterLab as `open` starts it, with nobody's settings: the address of a stage's workbook."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    environment = os.environ | {name: str(tmp_path / "jupyter" / name.lower()) for name in own}
    options = [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=test"]
    log = tmp_path / "jupyterlab.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [*OPEN, "--no-browser", "--", "--allow-root", *options],
            cwd=root,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _until_up(f"http://127.0.0.1:{port}/api/status?token=test", server, log)
        yield lambda stage: f"http://127.0.0.1:{port}/lab/tree/workbooks/demo/{notebook_name(stage)}?token=test"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _until_up(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SLOW / 1000
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


class Workbook:
    """What an analyst does in an open workbook."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.set_default_timeout(SLOW)
        page.goto(address + "&reset")  # else the notebooks of an earlier visit come back, and one of them is in front
        expect(page.locator(".jp-NotebookPanel")).to_have_count(1, timeout=SLOW)
        expect(page.get_by_text("| Idle")).to_be_visible(timeout=SLOW)

    def choose(self, menu: str, item: str) -> None:
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def run_all(self, *, restart: bool = False) -> None:
        last = self.page.locator(".jp-CodeCell .jp-InputPrompt").last
        before = last.text_content()
        if restart:
            self.choose("Kernel", "Restart Kernel and Run All Cells…")
            self.page.locator(".jp-Dialog .jp-mod-accept").click()
        else:
            self.choose("Run", "Run All Cells")
        expect(last).not_to_have_text(before or "", timeout=SLOW)
        expect(last).not_to_have_text(re.compile(r"\[\*\]"), timeout=SLOW)
        prompts = self.page.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
        assert re.fullmatch(r"\[\d+\]:", (last.text_content() or "").strip()), (prompts, self.errors())

    def control(self, label: str, question: str) -> Locator:
        return self.page.get_by_label(f"{label}: {QUESTIONS[question].text}", exact=True)

    def said(self, question: str) -> Locator:
        asked = self.page.get_by_role("heading", name=QUESTIONS[question].text, exact=True)
        return self.page.locator(".ethics-kit .question").filter(has=asked).locator(".said")

    def sign(self) -> None:
        for label, words in (("Your name", "Ana Lyst"), ("Your role", "analyst")):
            self.page.get_by_label(label).first.fill(words)
            self.page.keyboard.press("Tab")

    def errors(self) -> list[str]:
        """What the cells show as errors or on stderr."""
        return self.page.locator('[data-mime-type$=".error"], [data-mime-type$=".stderr"]').all_text_contents()

    def expect_saved(self, question: str) -> None:
        expect(self.said(question)).to_contain_text(re.compile(r"^Saved \d\d:\d\d\."), timeout=SLOW)


def answer(root: Path, stage: str, question: str) -> SimpleNamespace:
    given = yamlfile.plain(yamlfile.read(root / f"parameters/demo/{stage}.yaml").data)["answers"][question]
    return SimpleNamespace(**given)


def comments(path: Path) -> list[str]:
    return [line.partition("#")[2].strip() for line in path.read_text(encoding="utf-8").splitlines() if "#" in line]


@pytest.mark.browser
@pytest.mark.timeout(1200)  # a whole session at the screen
def test_an_analyst_fills_in_a_workbook(root: Path, lab: Callable[[str], str], chromium: Browser) -> None:
    path = root / "parameters/demo/impact_analysis.yaml"
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    outside: list[str] = []
    page.on("request", lambda r: re.match(r"(http://127\.0\.0\.1|data:|blob:)", r.url) or outside.append(r.url))
    book = Workbook(page, lab("impact_analysis"))
    book.run_all()
    expect(page.locator(".ethics-kit")).to_have_count(len(catalogue.sections("impact_analysis")), timeout=SLOW)
    expect(page.get_by_text("The organisation answers: Yes (Leila Haddad")).to_be_attached(timeout=SLOW)

    # An answer without a name is kept; it counts once there is one.
    comments_before = comments(path)
    book.control("Answer", YES_NO).select_option(label="Yes")
    expect(book.said(YES_NO)).to_contain_text("Fill in your name and role", timeout=SLOW)
    assert (answer(root, "impact_analysis", YES_NO).value, answer(root, "impact_analysis", YES_NO).by) == ("yes", None)
    book.sign()
    expect(book.said(YES_NO)).to_contain_text("without the evidence it needs", timeout=SLOW)
    book.control("Evidence (needed)", YES_NO).fill("https://example.org/harms")
    expect(book.said(YES_NO)).to_contain_text("Answered by Ana Lyst, analyst", timeout=SLOW)

    option = QUESTIONS[CHOICE].options[-1]
    book.control("Answer", CHOICE).select_option(label=option.label)
    book.expect_saved(CHOICE)
    words = "People in debt who ask to cancel.\nPeople who read no English: # none seen"
    book.control("Answer", TEXT).press_sequentially(words)
    for _ in range(240):  # a slow machine pauses while it types, and what stands there is saved meanwhile
        if answer(root, "impact_analysis", TEXT).value == words:
            break
        page.wait_for_timeout(250)
    book.expect_saved(TEXT)
    for question, value in ((YES_NO, "yes"), (CHOICE, option.value), (TEXT, words)):
        given = answer(root, "impact_analysis", question)
        assert (given.value, given.by, given.role, given.on) == (value, "Ana Lyst", "analyst", date.today())
    assert [c for c in comments(path) if c != "none seen"] == comments_before

    serious = [
        (v["id"], v["nodes"][0]["html"])
        for v in Axe().run(page, context=".ethics-kit").response["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
    cut_off = "labels => labels.filter(l => l.scrollWidth > l.clientWidth + 1).map(l => l.textContent)"
    assert page.locator(".ethics-kit .widget-label:visible").evaluate_all(cut_off) == []

    # The form shows what is on disk, also to a new kernel.
    book.run_all(restart=True)
    expect(book.control("Answer", CHOICE)).to_have_value(option.label, timeout=SLOW)
    expect(book.control("Answer", TEXT)).to_have_value(words, timeout=SLOW)
    expect(book.said(TEXT)).to_contain_text("Answered by Ana Lyst, analyst", timeout=SLOW)

    # Somebody else's change is not written over.
    theirs = path.read_text(encoding="utf-8").replace("Ana Lyst", "Bo Boss")
    path.write_text(theirs, encoding="utf-8")
    book.control("Answer", YES_NO).select_option(label="No")
    expect(book.said(YES_NO)).to_contain_text("NOT SAVED. impact_analysis.yaml was changed", timeout=SLOW)
    assert path.read_text(encoding="utf-8") == theirs

    # What was typed just before a cell runs is in its record.
    book.run_all()
    expect(book.said(YES_NO)).to_contain_text("Answered by Bo Boss", timeout=SLOW)
    book.sign()
    book.control("Answer", TEXT).fill("Typed last.")
    book.run_all()
    draft = json.loads((root / f"workbooks/demo/drafts/impact_analysis_{date.today()}.json").read_text("utf-8"))
    finding = next(f for f in draft["findings"] if f["id"].endswith(f".{TEXT}"))
    assert (finding["status"], finding["author"]) == ("met", "Ana Lyst, analyst")
    assert finding["statement"].endswith("Typed last.")
    assert book.errors() == []

    # The one question that asks for a day.
    book = Workbook(page, lab("deployment_signoff"))
    book.run_all()
    book.sign()
    book.control("Answer", DAY).fill("2027-10-31")
    expect(book.said(DAY)).to_contain_text("Answered by Ana Lyst", timeout=SLOW)
    assert answer(root, "deployment_signoff", DAY).value == date(2027, 10, 31)
    assert book.errors() == []
    assert outside == []
    page.close()


@pytest.mark.parametrize("stage", STAGES[1:])
def test_the_other_workbooks_run_without_an_error(root: Path, stage: str) -> None:
    path = root / "workbooks/demo" / notebook_name(stage)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    forms = [o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]
    assert len(forms) == len(catalogue.sections(stage))
    assert (root / f"workbooks/demo/drafts/{stage}_{date.today()}.json").is_file()
