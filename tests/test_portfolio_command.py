"""The command that writes the portfolio's pages without assessing anything."""

import re
import shutil
from datetime import date

import pytest

from tests.stages.past_records import finding, publish, record

DAY = date(2026, 11, 1)
PAGES = ("index.html", "committee.html", "actions.csv", "demo/index.html")


@pytest.fixture
def root(project):
    """A project whose system has one record, with an action that was due in October."""
    root = project()
    plan = {"action": "Mend it.", "owner": "Olu Owner", "due": date(2026, 10, 15)}
    publish(root / "reports", record("bias_testing", DAY, finding("C2.1.x", "not_met", **plan)))
    return root


def test_it_writes_every_page_assesses_nothing_and_says_where_they_are(root, kit):
    before = {p: p.read_bytes() for p in (root / "reports").rglob("*.json")}
    done = kit("portfolio", "--as-of", "2026-11-05", cwd=root)
    assert (done.code, done.err) == (0, "")
    assert done.out == "\nPortfolio: reports/index.html\n"
    for page in PAGES:
        assert (root / "reports" / page).is_file()
    assert {p: p.read_bytes() for p in (root / "reports").rglob("*.json")} == before
    assert kit("verify", cwd=root).code == 0


def test_overdue_days_are_counted_up_to_the_day_given(root, kit):
    for day, late in (("2026-11-01", 17), ("2026-11-05", 21)):
        assert kit("portfolio", "--as-of", day, cwd=root).code == 0
        assert f",2026-10-15,{late}," in (root / "reports/actions.csv").read_text()
        assert f"{late} days overdue" in (root / "reports/committee.html").read_text()
        assert f"{late} days overdue" in (root / "reports/demo/index.html").read_text()


def test_since_takes_the_place_of_the_last_meeting(root, edit, kit):
    edit(root / "parameters/policy.yaml", ("committee",), {"meetings": [date(2026, 10, 13)]})
    kit("portfolio", "--as-of", "2026-11-05", cwd=root)
    assert "since the meeting of 2026-10-13" in (root / "reports/committee.html").read_text()
    kit("portfolio", "--as-of", "2026-11-05", "--since", "2026-11-02", cwd=root)
    assert "What changed after 2026-11-02, up to 2026-11-05." in (root / "reports/committee.html").read_text()


def test_a_meeting_that_is_no_date_is_told_with_its_line(root, edit, kit):
    edit(root / "parameters/policy.yaml", ("committee",), {"meetings": ["the first Monday"]})
    done = kit("check", "demo", cwd=root)
    assert done.code == 2
    assert re.search(r"policy\.yaml:\d+: committee\.meetings\[?\.?0\]?: found \"the first Monday\"", done.err), done.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--as-of", "soon"), 'as_of: found "soon"; allowed: a date such as 2026-11-01'),
        (("--as-of", "2026-11-01", "--since", "2026-11-02"), "since: found 2026-11-02; allowed: 2026-11-01 or earlier"),
        (("--reports", "nowhere"), "nowhere: found no such folder; allowed: a folder of reports"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_written(root, kit, arguments, told):
    done = kit("portfolio", *arguments, cwd=root)
    assert done.code == 2
    assert told in done.err
    assert not (root / "reports/index.html").exists()


def test_both_dates_are_told_at_once(root, kit):
    done = kit("portfolio", "--as-of", "x", "--since", "y", cwd=root)
    assert "as_of: found" in done.err
    assert "since: found" in done.err


def test_another_folder_of_reports_gets_its_pages(root, kit, tmp_path):
    (root / "reports").rename(tmp_path / "elsewhere")
    assert kit("portfolio", "--reports", str(tmp_path / "elsewhere"), cwd=root).code == 0
    for page in PAGES:
        assert (tmp_path / "elsewhere" / page).is_file()
    assert not (root / "reports").exists()


def test_a_system_without_a_record_is_listed_by_what_its_system_yaml_says_as_far_as_it_can_be_read(root, edit, kit):
    for name in ("named", "wrong", "torn"):
        shutil.copytree(root / "parameters/demo", root / "parameters" / name)
        edit(root / f"parameters/{name}/system.yaml", ("name",), f"The {name} one")
        edit(root / f"parameters/{name}/system.yaml", ("owner",), {"name": "Olu <b>", "role": "head"})
    edit(root / "parameters/wrong/system.yaml", ("owner",), "nobody in particular")
    (root / "parameters/torn/system.yaml").write_text("name: [")
    assert kit("portfolio", "--as-of", "2026-11-01", cwd=root).code == 0
    page = (root / "reports/index.html").read_text()
    assert ">The named one</a><small>named, Olu &lt;b&gt;</small>" in page
    assert ">The wrong one</a><small>wrong</small>" in page
    assert '<a href="torn/index.html">torn</a>' in page
