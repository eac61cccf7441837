"""Somebody who can write into the reports folder, as by a merge request, against who runs, signs, reviews and gates."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ethics_kit import archive, past, review
from ethics_kit.attestation import keys
from ethics_kit.attestation.verify import verify
from ethics_kit.errors import EthicsKitError, InputError
from ethics_kit.record import Input, Record, file_sha256
from ethics_kit.runner import reviewing
from ethics_kit.runner.kernel import KernelRun
from tests.attestation.conftest import PASSPHRASE, Signers, a_record, run
from tests.attested import put_review

SUBMIT = {"act": "submit", "by": "Ann Lee", "role": "analyst"}
DECIDE = {"act": "decide", "by": "Ona Officer", "role": "ethics_officer", "decision": "approve"}


def enter(signers: Signers, folder: Path, entry: dict[str, object], key=None):
    return reviewing.enter(signers.project, folder, entry, signer=key)


def owned(claim: str) -> Record:
    record = a_record(claim)
    return record.model_copy(update={"system": {**record.system, "owner": {"name": "Olu Owner"}}}).sealed()


def written(folder: Path, *entries: dict[str, str]) -> None:
    """A review.yaml by hand."""
    lines = [f"schema: {review.SCHEMA}", f"record_id: {a_record().record_id}", "entries:"]
    for entry in entries:
        lines += [f"  - act: {entry['act']}", "    on: 2026-11-02"]
        lines += [f"    {key}: {value}" for key, value in entry.items() if key != "act"]
    (folder / review.FILE).write_text("\n".join(lines) + "\n")


DECIDED_ALONE = "  - {act: decide, by: Ona Officer, role: ethics_officer, on: 2026-11-02, decision: approve}\n"
FORGED = (SUBMIT, *({**DECIDE, "by": f"Who {role}", "role": role} for role in ("ethics_officer", "committee")))


# --- a review that nobody entered -----------------------------------------------------------------------------------


def test_a_review_planted_beside_a_record_that_nobody_reviewed_does_not_count(signers):
    folder = signers.run()
    written(folder, *FORGED)
    with pytest.raises(InputError, match=r"review\.yaml is not listed"):
        reviewing.standing(signers.project, folder)
    with pytest.raises(InputError, match=r"review\.yaml is not listed"):
        signers.sign(folder, signers.officer)
    assert past.review_state(folder, a_record()) == ("unreadable", None)
    again, new = run(signers.reports, a_record())
    assert new
    assert not (again / review.FILE).exists()


def test_a_review_with_an_entry_added_by_hand_does_not_count(signers):
    folder = signers.run()
    enter(signers, folder, SUBMIT)
    content = (folder / review.FILE).read_text()
    (folder / review.FILE).write_text(content + "  - {act: comment, by: X, role: y, on: 2026-11-30, text: Hm}\n")
    with pytest.raises(InputError, match=r"review\.yaml was changed"):
        reviewing.standing(signers.project, folder)
    assert past.review_state(folder, a_record()) == ("unreadable", None)


def test_a_review_that_went_with_an_altered_folder_is_not_forgotten(signers):
    """Whoever spoils one byte of a record that people rejected must not thereby clear it."""
    folder = signers.run()
    enter(signers, folder, SUBMIT)
    enter(signers, folder, {**DECIDE, "decision": "reject", "reason": "No."})
    (folder / review.FILE).unlink()
    again, new = run(signers.reports, a_record())
    assert new
    assert reviewing.standing(signers.project, again).review.state == "draft"
    assert reviewing.lost(again)
    assert past.review_state(again, a_record()) == ("unreadable", None)


def test_a_decision_on_a_record_whose_successor_was_decided_is_refused(signers):
    old, newer = (signers.run(owned(claim)) for claim in ("It is met.", "It is met, as before."))
    enter(signers, old, SUBMIT)
    enter(signers, newer, SUBMIT)
    for name, role in (("Olu Owner", "owner"), ("Ona Officer", "ethics_officer"), ("Cy Chair", "committee")):
        enter(signers, newer, {"act": "decide", "by": name, "role": role, "decision": "approve"})
    assert reviewing.standing(signers.project, old).review.state == "superseded"
    with pytest.raises(InputError, match="superseded: people decided on a newer one"):
        enter(signers, old, DECIDE)


def test_the_same_words_entered_once_more_are_not_signed_by_the_first_signature(signers):
    folder = signers.run()
    enter(signers, folder, SUBMIT)
    enter(signers, folder, {"act": "decide", "decision": "approve"}, key=signers.officer)
    enter(signers, folder, {"act": "return", "by": "Bo Ek", "role": "reviewer", "reason": "A table is wrong."})
    enter(signers, folder, SUBMIT)
    found = enter(signers, folder, DECIDE)
    assert [how for entry, how in found.entries if entry.act == "decide"] == ["signed", "self-declared"]


# --- what lies in the reports folder is trusted in nothing ----------------------------------------------------------


@pytest.mark.parametrize("place", ["", "parameters", "demo", "demo/impact_analysis"])
def test_signers_that_lie_in_the_reports_folder_are_nobodys(signers, tmp_path, kit, monkeypatch, place):
    folder = signers.run()
    public = keys.generate(tmp_path / "own.pem", PASSPHRASE)
    planted = signers.reports / place
    planted.mkdir(exist_ok=True)
    shutil.copy(signers.project.policy, planted)
    block = "".join(f"      {line}\n" for line in public.splitlines())
    organisation = signers.project.organisation.read_text()
    start = organisation.index("signers:")
    (planted / "organisation.yaml").write_text(
        organisation[:start]
        + "signers:\n  - name: Ona Officer\n    role: ethics_officer\n    from: 2026-01-01\n    public_key: |\n"
        + block
    )
    assert str(signers.project.organisation.relative_to(signers.root)) in verify(signers.reports).trust
    assert str(signers.project.organisation.relative_to(signers.root)) in verify(folder).trust
    monkeypatch.setenv("ETHICS_KIT_PASSPHRASE", PASSPHRASE)
    done = kit("sign", str(folder), "--key", str(tmp_path / "own.pem"), cwd=signers.root)
    assert (done.code, "found no signer with the key" in done.err) == (2, True)


# --- links ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("precious")
    return folder


def planted_act(signers: Signers) -> Path:
    """An act that looks interrupted: its chain.json is the one that is there."""
    act = signers.reports / "demo/.pending"
    (act / "impact_analysis").mkdir(parents=True)
    shutil.copy(signers.reports / "demo/chain.json", act)
    return act


def test_an_interrupted_act_that_was_planted_puts_nothing_outside(signers, outside):
    signers.run()
    act = planted_act(signers)
    (signers.reports / "demo/impact_analysis/2026-01-01_abc").symlink_to(outside)
    (act / "impact_analysis/2026-01-01_abc").mkdir()
    (act / "impact_analysis/2026-01-01_abc/precious").write_text("mine")
    with pytest.raises(EthicsKitError, match="by a link"):
        run(signers.reports, a_record("Another."))
    assert (outside / "precious").read_text() == "precious"


@pytest.mark.parametrize("where", ["impact_analysis/stolen", "design_review", ""])
def test_an_interrupted_act_that_was_planted_takes_nothing_from_outside(signers, outside, where):
    signers.run()
    act = planted_act(signers)
    (signers.reports / "demo/impact_analysis/stolen").mkdir()
    if where:
        (act / where).symlink_to(outside)
    else:
        shutil.copy(act / "chain.json", outside)
        shutil.rmtree(act)
        act.symlink_to(outside)
    with pytest.raises(EthicsKitError, match="by a link"):
        run(signers.reports, a_record("Another."))
    assert (outside / "precious").read_text() == "precious"


@pytest.mark.parametrize("where", ["demo", "demo/impact_analysis", ".staging"])
def test_nothing_is_published_through_a_link(signers, outside, where):
    signers.reports.mkdir()
    place = signers.reports / where
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(outside)
    with pytest.raises(EthicsKitError, match="is a link, which is not followed"):
        run(signers.reports, a_record())
    assert [p.name for p in outside.iterdir()] == ["precious"]


@pytest.mark.parametrize("name", ["record.json", "attestation.json", "../../chain.json"])
def test_a_pipe_in_place_of_a_file_stops_nobody(signers, name):
    """Reading it would never end."""
    folder = signers.run()
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(EthicsKitError, match=r"pipe or device|not the record"):
        signers.sign(folder, signers.officer)


def test_what_is_left_in_staging_may_have_any_name(signers):
    left = signers.reports / f".staging/{archive.socket.gethostname()}-not-a number"
    left.mkdir(parents=True)
    archive.sweep(signers.reports)
    assert left.is_dir()


# --- what verify makes of the records that a record looked back at --------------------------------------------------


def looking_back(address: str, digest: str) -> Record:
    record = a_record("It looked back.")
    return record.model_copy(
        update={"inputs": [*record.inputs, Input(role="earlier record", address=address, sha256=digest)]}
    ).sealed()


@pytest.mark.parametrize(
    ("address", "digest", "told"),
    [
        ("", None, None),
        ("", "c" * 64, "has changed since"),
        ("demo/impact_analysis/gone/record.json", "c" * 64, "is gone"),
        ("../parameters/policy.yaml", "c" * 64, "has an address that leads out of the project"),
    ],
    ids=["there", "another", "gone", "outside"],
)
def test_an_earlier_record_that_was_read_is_looked_up_in_the_reports_folder(signers, address, digest, told):
    folder = signers.run()
    address = address or f"demo/impact_analysis/{folder.name}/record.json"
    signers.run(looking_back(address, digest or file_sha256(folder / "record.json")))
    found = [one for one in verify(signers.reports).systems[0].unchecked if address in one]
    assert len(found) == (told is not None)
    assert all(str(told) in one for one in found)


# --- what is shown --------------------------------------------------------------------------------------------------


def test_markup_and_control_characters_in_what_people_say_stay_text(signers, kit):
    nasty = "<script>alert(1)</script>\u202egnp.exe\x1b[2J"
    folder = signers.run()
    enter(signers, folder, {"act": "comment", "by": nasty, "role": "r", "text": nasty})
    enter(signers, folder, {**SUBMIT, "by": "<img src=x onerror=alert(1)>"})
    enter(signers, folder, {"act": "comment", "by": "A\u202eB", "role": "<b>r</b>", "text": "<script>x</script>\u202e"})
    page = (folder / "report.html").read_text()
    assert not re.search(r"<img src=x|<script|<b>r</b>", page)
    done = kit("review", str(folder), cwd=signers.root)
    assert done.code == 0
    assert all(c.isprintable() or c == "\n" for c in done.out)


def test_no_notebook_gets_to_see_the_passphrase(monkeypatch):
    monkeypatch.setenv("ETHICS_KIT_PASSPHRASE", PASSPHRASE)
    kernel = KernelRun({})
    try:
        given = asyncio.run(kernel.manager_class()()._async_pre_start_kernel())[1]["env"]
    finally:
        kernel.close()
    assert "ETHICS_KIT_PASSPHRASE" not in given
    assert "PATH" in given


def test_a_key_of_the_same_name_in_another_role_signs_no_decision(signers, edit, tmp_path):
    public = keys.generate(tmp_path / "own.pem", PASSPHRASE)
    namesake = {"name": "Ona Officer", "role": "analyst", "public_key": public, "from": date(2026, 1, 1)}
    listed = YAML().load(signers.project.organisation)["signers"]
    edit(signers.project.organisation, ("signers",), [*listed, namesake])
    folder = signers.run()
    enter(signers, folder, SUBMIT)
    enter(signers, folder, DECIDE)
    signers.sign(folder, keys.load_private(tmp_path / "own.pem", PASSPHRASE))
    found = reviewing.standing(signers.project, folder)
    assert [how for _, how in found.entries] == ["self-declared", "self-declared"]


def test_a_review_that_breaks_its_rules_is_told_though_it_is_attested(signers):
    folder = signers.run()
    put_review(folder, f"schema: {review.SCHEMA}\nrecord_id: {a_record().record_id}\nentries:\n" + DECIDED_ALONE)
    (system,) = verify(signers.reports).systems
    told = [t.what for t in system.records[0].troubles if t.place.endswith(review.FILE)]
    broken = "found decide of a record that is draft; allowed: submit, comment, withdraw, supersede"
    assert told == [f"breaks a rule of reviews: entries.0.act: {broken}"]
