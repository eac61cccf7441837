"""An analyst's workbooks in a real JupyterLab: started by `open`, filled in by hand, every answer on disk."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbclient import NotebookClient
from playwright.sync_api import Browser, Locator, Page, expect

from ethics_kit import yamlfile
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES, Project, notebook_name
from ethics_kit.runner.assessment import Job, assess
from ethics_kit.scaffold import create_workbooks

OPEN = [sys.executable, "-c", "from ethics_kit.cli import main; main()", "open", "demo"]
SLOW = 180_000
SHARED = {"value": "yes", "by": "Leila Haddad", "role": "security", "on": date(2026, 8, 27)}
QUESTIONS = {name: q for stage in STAGES for name, q in catalogue.questions(stage).items()}
TABLES = {"impact_analysis": ["risks", "risks_ruled_out"], "deployment_signoff": ["actions"]}
"""Tables that the workbooks show, whether the templates have their cells or not."""

CHOICE, YES_NO, TEXT, DAY = "groups_heard", "stakeholder_harms_judged", "vulnerable_groups_named", "next_review_due"


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs."""

    address: str
    server: subprocess.Popen[bytes]

    def workbook(self, stage: str) -> str:
        return f"{self.address}{notebook_name(stage)}?token=test"


@pytest.fixture
def root(project: Callable[..., Path]) -> Path:
    """A project with workbooks; one question is answered by the organisation."""
    answers = {"access_limited": SHARED | {"evidence": "https://example.org/access"}}
    made = project(organisation={"answers": answers})
    create_workbooks(Project(made), "demo")
    for stage, registers in TABLES.items():
        path = made / "workbooks/demo" / notebook_name(stage)
        notebook = nbformat.read(path, as_version=4)
        cells = [f'book.edit("{name}")' for name in registers]
        present = "\n".join(cell.source for cell in notebook.cells)
        notebook.cells[-1:-1] = [nbformat.v4.new_code_cell(cell) for cell in cells if cell not in present]
        nbformat.write(notebook, path)
    return made


@pytest.fixture
def lab(root: Path, tmp_path: Path) -> Iterator[Lab]:
    """JupyterLab as `open` starts it, with nobody's settings."""
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
        yield Lab(f"http://127.0.0.1:{port}/lab/tree/workbooks/demo/", server)
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

    def question(self, question: str) -> Locator:
        asked = self.page.get_by_role("heading", name=QUESTIONS[question].text, exact=True)
        return self.page.locator(".ethics-kit .question").filter(has=asked)

    def said(self, question: str) -> Locator:
        return self.question(question).locator(".said").first

    def foot(self, question: str) -> Locator:
        """The end of the form that asks a question."""
        asked = self.page.get_by_role("heading", name=QUESTIONS[question].text, exact=True)
        return self.page.locator(".ethics-kit").filter(has=asked).locator(".foot .silent")

    def table(self, title: str) -> Locator:
        """The form of a table."""
        shown = self.page.get_by_role("region", name=title, exact=True)
        return self.page.locator(".ethics-kit").filter(has=shown)

    def field(self, label: str, title: str) -> Locator:
        return self.page.get_by_label(f"{label}: {title}", exact=True)

    def sign(self) -> None:
        for label, words in (("Your name", "Ana Lyst"), ("Your role", "analyst")):
            self.page.get_by_label(label).first.fill(words)
            self.page.keyboard.press("Tab")

    def errors(self) -> list[str]:
        """What the cells show as errors or on stderr."""
        return self.page.locator('[data-mime-type$=".error"], [data-mime-type$=".stderr"]').all_text_contents()

    def expect_saved(self, question: str) -> None:
        expect(self.said(question)).to_contain_text(SAVED, timeout=SLOW)


SAVED = re.compile(r"^Saved \d\d:\d\d · \d+ of \d+ unanswered")
IN_TABLE = re.compile(r"^Saved \d\d:\d\d · \d+ row")


def stored(root: Path, stage: str, key: str) -> Any:
    return yamlfile.plain(yamlfile.read(root / f"parameters/demo/{stage}.yaml").data)[key]


def kill_kernels(server: subprocess.Popen[bytes]) -> None:
    """Kill every kernel of a server, as a machine does that runs out of memory."""
    listed = subprocess.run(["ps", "-Ao", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    kernels = [int(pid) for pid, parent, args in rows if parent == str(server.pid) and "ipykernel_launcher" in args]
    assert kernels
    for pid in kernels:
        os.kill(pid, signal.SIGKILL)


def answer(root: Path, stage: str, question: str) -> SimpleNamespace:
    return SimpleNamespace(**stored(root, stage, "answers")[question])


def comments(path: Path) -> list[str]:
    return [line.partition("#")[2].strip() for line in path.read_text(encoding="utf-8").splitlines() if "#" in line]


@pytest.mark.browser
@pytest.mark.timeout(1200)  # a whole session at the screen
def test_an_analyst_fills_in_a_workbook(root: Path, lab: Lab, chromium: Browser) -> None:
    path = root / "parameters/demo/impact_analysis.yaml"
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    outside: list[str] = []
    page.on("request", lambda r: re.match(r"(http://127\.0\.0\.1|data:|blob:)", r.url) or outside.append(r.url))
    book = Workbook(page, lab.workbook("impact_analysis"))
    book.run_all()
    expect(book.question(CHOICE)).to_be_attached(timeout=SLOW)
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

    rows(root, book)
    assert_accessible(page)

    # The kernel is killed: what is typed then is shown as not saved, by the browser alone.
    expect(page.locator(".silent:visible")).to_have_count(0, timeout=SLOW)
    kill_kernels(lab.server)
    dialog = page.get_by_role("dialog").filter(has_text="appears to have died")
    dialog.get_by_role("button", name="Ok").click()
    book.control("Answer", TEXT).press_sequentially(" Typed to nobody.")
    expect(book.question(TEXT).locator(".silent")).to_be_visible(timeout=SLOW)
    expect(book.foot(TEXT)).to_contain_text("NOT SAVED YET: the notebook’s kernel has not taken in what you typed")
    expect(book.foot(TEXT)).to_be_in_viewport()
    assert answer(root, "impact_analysis", TEXT).value == words

    # The page is loaded again, and what was saved is there, also to a new kernel.
    book = Workbook(page, lab.workbook("impact_analysis"))
    book.run_all(restart=True)
    expect(book.control("Answer", CHOICE)).to_have_value(option.label, timeout=SLOW)
    expect(book.control("Answer", TEXT)).to_have_value(words, timeout=SLOW)
    expect(book.said(TEXT)).to_contain_text("Answered by Ana Lyst, analyst", timeout=SLOW)
    expect(book.table("Risks ruled out").get_by_label("Reason (needed)")).to_have_value("Half a row.", timeout=SLOW)

    # Somebody else's change is not written over, and can be loaded.
    theirs = path.read_text(encoding="utf-8").replace("Ana Lyst", "Bo Boss")
    path.write_text(theirs, encoding="utf-8")
    book.control("Note", YES_NO).fill("Mine.")
    expect(book.said(YES_NO)).to_contain_text("NOT SAVED. impact_analysis.yaml was changed", timeout=SLOW)
    assert path.read_text(encoding="utf-8") == theirs
    book.question(YES_NO).get_by_role("button", name="Load their version").click()
    expect(book.said(YES_NO)).to_contain_text("Answered by Bo Boss", timeout=SLOW)
    expect(book.question(YES_NO).locator("pre")).to_have_text("Mine.", timeout=SLOW)
    assert path.read_text(encoding="utf-8") == theirs

    # What was typed just before a cell runs is in its record.
    book.sign()
    book.control("Answer", TEXT).fill("Typed last.")
    book.run_all()
    draft = json.loads((root / f"workbooks/demo/drafts/impact_analysis_{date.today()}.json").read_text("utf-8"))
    finding = next(f for f in draft["findings"] if f["id"].endswith(f".{TEXT}"))
    assert (finding["status"], finding["author"]) == ("met", "Ana Lyst, analyst")
    assert finding["statement"].endswith("Typed last.")
    assert book.errors() == []

    # The one question that asks for a day.
    book = Workbook(page, lab.workbook("deployment_signoff"))
    book.run_all()
    book.sign()
    book.control("Answer", DAY).fill("2027-10-31")
    expect(book.said(DAY)).to_contain_text("Answered by Ana Lyst", timeout=SLOW)
    assert answer(root, "deployment_signoff", DAY).value == date(2027, 10, 31)
    assert book.errors() == []
    assert outside == []
    page.close()

    # The record that `run` makes holds what was typed.
    result = assess(Job(Project(root), path.parent, "impact_analysis", date.today(), root / "reports"))
    record = json.loads((result.folder / "record.json").read_text("utf-8"))
    held = {f["id"].rpartition(".")[2]: f for f in record["findings"]}
    assert held[TEXT]["statement"].endswith("Typed last.")
    assert held[CHOICE]["author"] == "Bo Boss, analyst"


def rows(root: Path, book: Workbook) -> None:
    """Add, change and remove rows, undo, and leave half a row behind."""
    risks = book.table("Risk register")
    book.field("Risk (needed)", "Risk register").select_option("R7 Obstructed cancellation")
    expect(risks.locator(".said").first).to_contain_text(IN_TABLE, timeout=SLOW)
    book.field("Treatment", "Risk register").fill("Two clicks.")
    risks.get_by_role("button", name="Add a row").click()
    expect(book.field("Treatment", "Risk register")).to_have_value("", timeout=SLOW)
    book.field("Risk (needed)", "Risk register").select_option("R2 Service rationed by a hidden value score")
    expect(risks.get_by_role("region").locator("tbody tr")).to_have_count(2, timeout=SLOW)
    assert [(r["id"], r.get("treatment")) for r in stored(root, "impact_analysis", "risks")] == [
        ("R7", "Two clicks."),
        ("R2", None),
    ]
    risks.get_by_role("button", name="Remove this row").focus()
    book.page.keyboard.press("Enter")
    expect(risks.get_by_role("region").locator("tbody tr")).to_have_count(1, timeout=SLOW)
    assert [r["id"] for r in stored(root, "impact_analysis", "risks")] == ["R7"]
    risks.get_by_role("button", name="Undo last change").click()
    expect(risks.locator(".foot .said").first).to_contain_text("Undone", timeout=SLOW)
    assert [r["id"] for r in stored(root, "impact_analysis", "risks")] == ["R7", "R2"]
    book.field("Reason (needed)", "Risks ruled out").fill("Half a row.")
    ruled_out = book.table("Risks ruled out").locator(".said").first
    expect(ruled_out).to_contain_text("NOT SAVED in the table yet. Risk: a value is needed", timeout=SLOW)
    assert stored(root, "impact_analysis", "risks_ruled_out") == []


def assert_accessible(page: Page) -> None:
    """No serious violation inside the forms, and no label that is cut off."""
    serious = [
        (v["id"], v["nodes"][0]["html"])
        for v in Axe().run(page, context=".ethics-kit").response["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
    cut_off = "labels => labels.filter(l => l.scrollWidth > l.clientWidth + 1).map(l => l.textContent)"
    assert page.locator(".ethics-kit .widget-label:visible").evaluate_all(cut_off) == []


@pytest.mark.parametrize("stage", STAGES[1:])
def test_the_other_workbooks_run_without_an_error(root: Path, stage: str) -> None:
    path = root / "workbooks/demo" / notebook_name(stage)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    forms = [o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.get("data", {})]
    assert len(forms) == sum(len(re.findall(r"^book\.(?:ask|edit|review)\(", c.source, re.M)) for c in notebook.cells)
    assert (root / f"workbooks/demo/drafts/{stage}_{date.today()}.json").is_file()
