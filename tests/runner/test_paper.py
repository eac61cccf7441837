"""The PDF as a file of the record: attested, added by an act of its own, and made anew with its page."""

import io

import pypdf
import pytest

from ethics_kit.errors import InputError, Problem
from ethics_kit.report import pdf

pytestmark = pytest.mark.usefixtures("forked")

RUN = ("run", "--stage", "impact_analysis", "--as-of", "2026-11-01")


def acts(root) -> list[str]:
    from ethics_kit.attestation.chain import read_chain

    chain, _ = read_chain(root / "reports", "demo")
    assert chain
    return [entry.act for entry in chain.entries]


def folder(root):
    return next((root / "reports/demo/impact_analysis").glob("2026-*"))


def first_sheet(root) -> str:
    return pypdf.PdfReader(io.BytesIO((folder(root) / pdf.FILE).read_bytes())).pages[0].extract_text()


def test_a_pdf_is_attested_kept_and_follows_its_page(short, kit):
    root = short()
    assert kit(*RUN, cwd=root).code == 0
    assert not (folder(root) / pdf.FILE).exists()
    assert "(unchanged)" in kit(*RUN, "--pdf", cwd=root).out
    assert acts(root) == ["run", "run"]
    assert kit("verify", cwd=root).code == 0
    made = (folder(root) / pdf.FILE).read_bytes()
    assert "Draft" in first_sheet(root)
    assert kit(*RUN, "--pdf", cwd=root).code == 0
    assert acts(root) == ["run", "run"]
    assert (folder(root) / pdf.FILE).read_bytes() == made
    review = ("review", "demo/impact_analysis", "submit", "--by", "Ann Analyst", "--role", "analyst")
    assert kit(*review, cwd=root).code == 0
    assert acts(root) == ["run", "run", "review"]
    assert "Submitted" in first_sheet(root)
    assert kit("verify", cwd=root).code == 0
    (folder(root) / pdf.FILE).write_bytes(made)
    done = kit("verify", cwd=root)
    assert done.code == 1
    assert "report.pdf: was changed" in done.out + done.err


def test_a_record_made_with_its_pdf_is_one_act(short, kit):
    root = short()
    assert kit(*RUN, "--pdf", cwd=root).code == 0
    assert acts(root) == ["run"]
    assert (folder(root) / pdf.FILE).read_bytes() == pdf.made((folder(root) / "report.html").read_text())


def test_without_weasyprint_nothing_runs(short, kit, monkeypatch):
    root = short()

    def missing():
        raise InputError([Problem(file=root, found="no WeasyPrint", allowed="it", todo="install it")])

    monkeypatch.setattr(pdf, "require", missing)
    done = kit(*RUN, "--pdf", cwd=root)
    assert done.code == 2
    assert "found no WeasyPrint" in done.err
    assert not (root / "reports/demo").exists()


@pytest.mark.parametrize("existing", [False, True])
def test_a_run_whose_pdf_fails_is_failed_and_leaves_none(short, kit, monkeypatch, existing):
    from ethics_kit.errors import RunError

    root = short()
    if existing:
        assert kit(*RUN, cwd=root).code == 0

    def failing(page):
        raise RunError("WeasyPrint failed on this page")

    monkeypatch.setattr(pdf, "made", failing)
    done = kit(*RUN, "--pdf", cwd=root)
    assert done.code == 1
    assert "WeasyPrint failed on this page" in done.out
    assert not list((root / "reports").rglob(pdf.FILE))
