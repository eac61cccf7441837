"""``ethics-kit compare``: which records are meant, what is refused, and that the page says what the terminal says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from ethics_kit.record import Input, Interval, Record
from ethics_kit.report import compared
from ethics_kit.report.compared import Side
from tests.conftest import Done
from tests.stages.past_records import finding, publish, record, reviewed

Kit = Callable[..., Done]

OLD, NEW = date(2026, 10, 1), date(2026, 11, 1)
HOSTILE = "<script>alert(1)</script> \u202eevil\x1b[31m"


def narrow(value: float) -> Interval:
    return Interval(low=value - 0.01, high=value + 0.01, level=0.95)


def two(**more: str) -> tuple[Record, Record]:
    before = record("bias_testing", OLD, finding("C2.1.gap", "met", 0.03, interval=narrow(0.03), n=400))
    after = record(
        "bias_testing",
        NEW,
        finding("C2.1.gap", "not_met", 0.12, interval=narrow(0.12), n=420),
        finding("C2.3.equity", "inconclusive", 0.2),
        version="m-2",
    )
    inputs = [Input(role="table decisions", address="data/d.csv", sha256="c" * 64, rows=420)]
    update = {"inputs": [*after.inputs, *inputs], "parameters": {"fairness.margin": 0.04}}
    return before, after.model_copy(update=update).sealed()


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters/policy.yaml").write_text("")
    publish(tmp_path / "reports", *two())
    return tmp_path / "reports"


def folder(reports: Path, day: date) -> Path:
    return next((reports / "demo/bias_testing").glob(f"{day}_*"))


def test_a_systems_stage_alone_is_held_against_its_record_before(reports: Path, kit: Kit) -> None:
    done = kit("compare", "demo/bias_testing", cwd=reports.parent)
    assert (done.code, done.err) == (0, "")
    assert "Findings since the record of 2026-10-01: 1 worse, 1 new. The recommendation was approve and is reject." in (
        done.out
    )
    assert re.search(r"recommendation +approve -> reject\n", done.out)
    assert re.search(r"model version +m-1 -> m-2\n", done.out)
    assert re.search(r"decision +none taken \(as before\)\n", done.out)
    assert "Worse   C2.1.gap: met -> not met\n" in done.out
    assert "0.030 [0.020, 0.040], n = 400 -> 0.120 [0.110, 0.130], n = 420 (moved beyond its interval)\n" in done.out
    assert "New     C2.3.equity: inconclusive\n" in done.out
    assert "Parameters that changed: 1\n  fairness.margin: 0.05 -> 0.04\n" in done.out
    assert "table decisions: data/d.csv: none -> 420 rows, sha256 cccccccccccc\n" in done.out
    assert done.out.index("C2.1.gap") < done.out.index("C2.3.equity")


def test_every_way_to_name_a_record_means_the_same(reports: Path, kit: Kit) -> None:
    old, new = folder(reports, OLD), folder(reports, NEW)
    ids = [json.loads((place / "record.json").read_text())["record_id"] for place in (old, new)]
    told = kit("compare", str(old), str(new), cwd=reports.parent).out
    assert told.startswith("Demo: bias testing\n")
    for first, second in (
        (f"{old}/record.json", f"{new}/record.json"),
        ("demo/bias_testing/2026-10-01", "demo/bias_testing"),
        (ids[0][:6], ids[1]),
        (ids[0], f"demo/bias_testing/{new.name}"),
    ):
        assert kit("compare", first, second, cwd=reports.parent).out == told
    assert kit("compare", ids[1][:12], cwd=reports.parent).out == told
    elsewhere = reports.parent / "elsewhere"
    elsewhere.mkdir()
    assert kit("compare", "demo/bias_testing", "--reports", str(reports), cwd=elsewhere).out == told


def test_an_id_counts_to_its_last_digit(reports: Path, kit: Kit) -> None:
    made = two()[1]
    wrong = made.record_id[:-1] + ("0" if made.record_id[-1] != "0" else "1")
    done = kit("compare", wrong, cwd=reports.parent)
    assert done.code == 2
    assert "found no record in reports" in done.err


def test_what_people_decided_is_told(reports: Path, kit: Kit) -> None:
    made = two()[0]
    reviewed(reports, made, ("submit", OLD), ("decide", date(2026, 10, 2)))
    done = kit("compare", "demo/bias_testing", cwd=reports.parent)
    assert re.search(r"decision +reject -> none taken\n", done.out)
    assert re.search(r"review +submitted -> draft\n", done.out)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["nobody/bias_testing"], "found no record in reports"),
        (["demo/bias"], "found no record in reports"),
        (["../reports/demo/bias_testing/2026-10-01"], "found no record in reports"),
        (["demo/bias_testing/2026"], "found 2 records: 2026-10-01_"),
        (["demo/bias_testing/2026-10-01"], "found no record of a day before 2026-10-01"),
        (["*/bias_testing"], "found no record in reports"),
        (["abcdef"], "found no record in reports"),
        (["x" * 5000], "found no record in reports"),
        (["demo/bias_testing", "--page", "page.txt"], "found no name of a page"),
        (["demo/bias_testing", "--page", "nowhere/page.html"], "found a folder that is not there"),
    ],
)
def test_what_is_not_there_ends_with_2_and_says_what_to_do(
    reports: Path, kit: Kit, arguments: list[str], found: str
) -> None:
    done = kit("compare", *arguments, cwd=reports.parent)
    assert (done.code, done.out) == (2, "")
    assert found in done.err
    assert "; to do: " in done.err
    assert not list(reports.parent.rglob("*.html.*"))


def test_both_records_that_cannot_be_found_are_told_at_once(reports: Path, kit: Kit) -> None:
    done = kit("compare", "one/bias_testing", "two/bias_testing", cwd=reports.parent)
    assert done.code == 2
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["one/bias_testing", "two/bias_testing"]


def test_an_altered_record_is_not_compared(reports: Path, kit: Kit) -> None:
    path = folder(reports, OLD) / "record.json"
    path.write_bytes(path.read_bytes().replace(b'"status":"met"', b'"status":"not_met"', 1))
    done = kit("compare", str(path.parent), "demo/bias_testing", cwd=reports.parent)
    assert done.code == 2
    assert "record.json was changed after it was written" in done.err
    alone = kit("compare", "demo/bias_testing", cwd=reports.parent)
    assert (alone.code, alone.out) == (2, "")
    assert "that is as it was published" in alone.err


def test_a_file_beside_the_record_that_was_changed_is_found_as_well(reports: Path, kit: Kit) -> None:
    (folder(reports, OLD) / "report.html").write_text("another")
    done = kit("compare", "demo/bias_testing/2026-10", "demo/bias_testing", cwd=reports.parent)
    assert done.code == 2
    assert "report.html was changed" in done.err


def test_records_of_two_stages_are_refused(reports: Path, kit: Kit) -> None:
    publish(reports, record("design_review", NEW, finding("P1.1.x", "met")))
    done = kit("compare", "demo/design_review", "demo/bias_testing", cwd=reports.parent)
    assert done.code == 2
    assert "found a record of design_review and one of bias_testing" in done.err


def test_a_record_outside_a_reports_folder_is_compared_and_the_reader_told(reports: Path, kit: Kit) -> None:
    sent = reports.parent / "sent.json"
    sent.write_bytes(two()[0].to_bytes())
    done = kit("compare", "sent.json", "demo/bias_testing", cwd=reports.parent)
    assert done.code == 0
    assert f"Note: {compared.CAUTIONS['outside']}" in done.out
    assert re.search(r"decision +not known -> none taken\n", done.out)
    assert kit("compare", "sent.json", cwd=reports.parent).code == 2
    sent.write_bytes(two()[0].to_bytes().replace(b"Seen.", b"Lies."))
    assert kit("compare", "sent.json", "demo/bias_testing", cwd=reports.parent).code == 2


def side(made: Record, **update: object) -> Side:
    return Side(made.model_copy(update=update), "draft", None)


def test_other_systems_other_kits_and_the_wrong_order_are_told_before_the_rest() -> None:
    old, new = two()
    assert compared.cautions(side(old), side(new)) == []
    assert compared.cautions(side(new), side(old)) == ["order"]
    assert compared.cautions(side(old), side(old)) == ["same"]
    other = {"id": "other", "name": "Other"}
    found = compared.cautions(side(old), side(new, system=other, versions={"ethics_kit": "9"}))
    assert found == ["systems", "kits"]
    lines = list(compared.lines(side(old), side(new, versions={"ethics_kit": "9"})))
    assert lines[3] == f"  Note: {compared.CAUTIONS['kits']}"


def test_the_page_says_what_the_terminal_says_and_is_the_same_each_time(reports: Path, kit: Kit) -> None:
    page = reports.parent / "changes.html"
    done = kit("compare", "demo/bias_testing", "--page", "changes.html", cwd=reports.parent)
    assert done.err == ""
    assert done.out.splitlines()[-1] == "Page: changes.html"
    text = page.read_text()
    for said in (
        "C2.1.gap",
        "0.120 [0.110, 0.130], n = 420",
        "Moved beyond its interval",
        "fairness.margin",
        "data/d.csv",
    ):
        assert said in text
    assert "was approve, is now reject" in text
    assert kit("compare", "demo/bias_testing", "--page", "changes.html", cwd=reports.parent).code == 0
    assert page.read_text() == text


def test_nothing_is_written_into_the_folder_of_a_record(reports: Path, kit: Kit) -> None:
    place = folder(reports, NEW)
    before = (place / "report.html").read_bytes()
    done = kit("compare", "demo/bias_testing", "--page", str(place / "report.html"), cwd=reports.parent)
    assert done.code == 2
    assert "found the folder of a record" in done.err
    assert (place / "report.html").read_bytes() == before


def hostile() -> tuple[Side, Side]:
    old, new = two()
    told = [f.model_copy(update={"statement": HOSTILE}) for f in new.findings]
    entry = Input(role=HOSTILE, address=HOSTILE, sha256="d" * 64)
    system = {"id": HOSTILE, "name": HOSTILE, "organisation": HOSTILE, "model_version": HOSTILE}
    update = {"findings": told, "inputs": [entry], "system": system, "parameters": {HOSTILE: [HOSTILE]}}
    return side(old), side(new, **update, policy={"confidentiality": HOSTILE, "version": HOSTILE})


def test_hostile_text_is_escaped_in_the_page_and_harmless_in_the_terminal(
    reports: Path, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = compared.page(*hostile())
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    monkeypatch.setattr("ethics_kit.cli_compare._sides", lambda *_: hostile())
    out = kit("compare", "demo/bias_testing", cwd=reports.parent).out
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (320, "light"), (320, "dark")])
def test_the_page_is_silent_fits_its_width_and_has_no_accessibility_fault(
    chromium: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    (tmp_path / "changes.html").write_text(compared.page(*hostile()))
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "changes.html").as_uri())
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator("h1").count() == 1
    bare = context.new_page()
    bare.set_content(page.content().replace("Content-Security-Policy", "x-policy"))
    violations = Axe().run(bare).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in violations] == []
    context.close()
