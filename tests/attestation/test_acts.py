"""Publishing and signing: what is attested, what the report says of it, and what an auditor can check alone."""

import html
import json
import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import nbformat
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from ethics_kit.attestation import chain, folder, keys, statement
from ethics_kit.errors import InputError, RunError

from .conftest import Signers, a_record, payload, run, sha256, whole

COMMANDS = re.compile(r'<pre class="commands">(.*?)</pre>', re.DOTALL)


def commands(record_folder: Path) -> list[str]:
    """The commands that the report prints, as a reader copies them."""
    return [html.unescape(found) for found in COMMANDS.findall((record_folder / "report.html").read_text())]


def told_by(record_folder: Path, script: str) -> tuple[bool, str]:
    done = subprocess.run(["sh", "-c", script], cwd=record_folder, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout


# --- a run --------------------------------------------------------------------------------------------------------


def test_a_run_attests_every_file_and_input(signers: Signers) -> None:
    record = a_record()
    place = signers.run(record)
    told = payload(place / "attestation.json")
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["subject"] == [
        {"name": "input/parameters/demo/system.yaml", "digest": {"sha256": "a" * 64}},
        {"name": "input/parameters/policy.yaml", "digest": {"sha256": "b" * 64}},
        *(
            {"name": n, "digest": {"sha256": sha256(place / n)}}
            for n in ("notebook.ipynb", "record.json", "report.html")
        ),
    ]
    about = told["predicate"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", about.pop("at"))
    assert about == {
        "act": "run",
        "system": "demo",
        "stage": "impact_analysis",
        "as_of": "2026-11-01",
        "record_id": record.record_id,
        "recommendation": "approve",
        "sequence": 1,
        "previous": None,
        "review_entries": [],
    }
    envelope = json.loads((place / "attestation.json").read_text())
    assert envelope["signatures"] == []
    assert whole(signers.reports / "demo") == 1


def test_the_same_record_gives_the_same_statement_but_for_its_time(signers: Signers, tmp_path: Path) -> None:
    told = [payload(run(tmp_path / name, a_record())[0] / "attestation.json") for name in ("one", "two")]
    for one in told:
        del one["predicate"]["at"]
    assert told[0] == told[1]


def test_a_run_that_is_repeated_adds_no_act_also_after_signatures(signers: Signers) -> None:
    place = signers.run()
    assert run(signers.reports, a_record()) == (place, False)
    signers.sign(place, signers.officer)
    before = {p.name: p.read_bytes() for p in place.iterdir()}
    assert run(signers.reports, a_record()) == (place, False)
    assert {p.name: p.read_bytes() for p in place.iterdir()} == before
    assert whole(signers.reports / "demo") == 2


@pytest.mark.parametrize(
    "name", ["record.json", "notebook.ipynb", "report.html", "attestation.json", "attestation_0001.json"]
)
@pytest.mark.parametrize("how", ["changed", "deleted"])
def test_an_altered_folder_is_set_aside_and_published_anew(signers: Signers, name: str, how: str) -> None:
    place = signers.run()
    signers.sign(place, signers.officer)
    path = place / name
    content = path.read_bytes()
    path.unlink()
    if how == "changed":
        path.write_bytes(content[:-9] + b"!" + content[-8:])
    assert run(signers.reports, a_record()) == (place, True)
    aside = place.with_name(f"set_aside_1_{place.name}")
    assert aside.is_dir()
    assert payload(place / "attestation.json")["predicate"]["sequence"] == 3
    assert sorted(p.name for p in place.iterdir()) == [
        "attestation.json",
        "notebook.ipynb",
        "record.json",
        "report.html",
    ]


def test_a_record_that_the_chain_does_not_list_is_published_anew(signers: Signers, tmp_path: Path) -> None:
    elsewhere, _ = run(tmp_path / "other", a_record())
    first = signers.run(a_record("Another."))
    elsewhere.rename(first.parent / elsewhere.name)
    assert run(signers.reports, a_record()) == (first.parent / elsewhere.name, True)


def test_the_chain_of_a_system_spans_its_stages_and_no_other_system(signers: Signers) -> None:
    signers.run()
    signers.run(a_record(stage="design_review"))
    signers.run(a_record(system="other"))
    assert whole(signers.reports / "demo") == 2
    assert whole(signers.reports / "other") == 1


# --- signing ------------------------------------------------------------------------------------------------------


def test_two_signatures_are_two_acts_and_both_stand_on_page_one(signers: Signers) -> None:
    place = signers.run()
    assert "<strong>Unsigned.</strong>" in (place / "report.html").read_text()
    first = (place / "attestation.json").read_bytes()
    record = (place / "record.json").read_bytes()
    assert signers.sign(place, signers.officer)
    assert signers.sign(place, signers.committee)
    assert whole(signers.reports / "demo") == 3
    assert (place / "record.json").read_bytes() == record
    assert (place / "attestation_0001.json").read_bytes() == first
    page = (place / "report.html").read_text()
    top = page[: page.index('aria-label="Contents"')]
    for key, words in (
        (signers.officer, "Ona Officer, ethics officer, on "),
        (signers.committee, "Cy Chair, Committee, on "),
    ):
        assert re.search(words + r'\d{4}-\d\d-\d\d \(key <span class="hash">' + key.public_key.keyid[:16], top)
    assert "Level III also asks for the sign-off of: owner." in top
    assert "<strong>Unsigned" not in page


def test_signing_again_without_a_change_does_nothing(signers: Signers) -> None:
    place = signers.run()
    assert signers.sign(place, signers.officer)
    assert signers.sign(place, signers.committee)
    before = {p.name: p.read_bytes() for p in place.iterdir()}
    assert not signers.sign(place, signers.officer)
    assert {p.name: p.read_bytes() for p in place.iterdir()} == before
    assert whole(signers.reports / "demo") == 3


def test_after_a_review_one_may_sign_again(signers: Signers) -> None:
    place = signers.run()
    signers.sign(place, signers.officer)
    signers.review(place, "Ona Officer")
    assert signers.sign(place, signers.officer)
    told = payload(place / "attestation.json")
    assert len(told["predicate"]["review_entries"]) == 1
    assert "review.yaml" in [s["name"] for s in told["subject"]]
    assert whole(signers.reports / "demo") == 4


def test_a_key_that_nobody_listed_is_refused_and_nothing_written(signers: Signers) -> None:
    place = signers.run()
    stranger = CryptoSigner(Ed25519PrivateKey.generate())
    with pytest.raises(InputError, match="ethics-kit keygen printed"):
        signers.sign(place, stranger)
    assert whole(signers.reports / "demo") == 1


@pytest.mark.parametrize(("key", "day"), [("from", "2999-01-01"), ("until", "2026-01-02")])
def test_a_key_that_does_not_count_today_is_refused(signers: Signers, edit, key: str, day: str) -> None:
    place = signers.run()
    edit(signers.project.organisation, ("signers", 0, key), day)
    with pytest.raises(InputError, match="the key of Ona Officer counts from"):
        signers.sign(place, signers.officer)
    assert whole(signers.reports / "demo") == 1


def test_a_signature_stays_out_of_the_report_once_its_key_is_no_longer_listed(signers: Signers, edit) -> None:
    place = signers.run()
    signers.sign(place, signers.officer)
    edit(signers.project.organisation, ("signers", 0), ...)
    signers.sign(place, signers.committee)
    page = (place / "report.html").read_text()
    assert "Cy Chair" in page
    assert "Ona Officer" not in page


@pytest.mark.parametrize("name", ["record.json", "notebook.ipynb", "report.html", "attestation.json"])
def test_an_altered_record_is_not_signed(signers: Signers, name: str) -> None:
    place = signers.run()
    with (place / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        signers.sign(place, signers.officer)


def test_a_record_with_a_file_beside_it_is_not_signed(signers: Signers) -> None:
    place = signers.run()
    (place / "extra.html").write_text("x")
    with pytest.raises(InputError, match=r"extra\.html does not belong here"):
        signers.sign(place, signers.officer)


def test_an_attestation_of_another_record_does_not_pass(signers: Signers) -> None:
    one, two = signers.run(), signers.run(a_record("Another."))
    (one / "attestation.json").write_bytes((two / "attestation.json").read_bytes())
    known, _ = chain.read_chain(signers.reports, "demo")
    told = folder.altered(one, known)
    assert "attestation.json is not the one that the chain lists" in told
    assert "attestation.json is about another record" in told
    assert "record.json was changed" in told


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": "ethics-kit/chain/1"}', None])
def test_nothing_is_added_to_a_damaged_chain(signers: Signers, content: bytes | None) -> None:
    place = signers.run()
    path = signers.reports / "demo/chain.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    for act in (lambda: signers.sign(place, signers.officer), lambda: signers.run(a_record("Another."))):
        with pytest.raises(RunError, match=r"chain\.json"):
            act()
    assert (path.read_bytes() if path.exists() else None) == content


# --- an auditor without the kit -----------------------------------------------------------------------------------


@pytest.fixture
def twice_signed(signers: Signers) -> Path:
    place = signers.run()
    signers.sign(place, signers.officer)
    signers.review(place, "Ona Officer")
    signers.sign(place, signers.committee)
    return place


def test_the_commands_of_the_report_confirm_every_signature_and_write_nothing(twice_signed: Path) -> None:
    before = {p.name: p.read_bytes() for p in twice_signed.iterdir()}
    officer, committee, files = commands(twice_signed)
    unchanged = "".join(f"{name}: as attested\n" for name in ("attestation_0001.json", "notebook.ipynb", "record.json"))
    assert told_by(twice_signed, officer) == (True, "Signature Verified Successfully\n" + unchanged)
    everything = "".join(f"{name}: as attested\n" for name in sorted(before) if name != "attestation.json")
    assert told_by(twice_signed, committee) == (True, "Signature Verified Successfully\n" + everything)
    assert told_by(twice_signed, files) == (True, everything)
    assert {p.name: p.read_bytes() for p in twice_signed.iterdir()} == before


@pytest.mark.parametrize(
    "name",
    [
        "record.json",
        "notebook.ipynb",
        "report.html",
        "review.yaml",
        "attestation_0001.json",
        "attestation_0002.json",
        "attestation_0003.json",
    ],
)
@pytest.mark.parametrize("how", ["flipped", "deleted"])
def test_the_commands_fail_and_name_the_file(twice_signed: Path, name: str, how: str) -> None:
    _, committee, files = commands(twice_signed)
    path = twice_signed / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    if how == "flipped":
        path.write_bytes(content)
    for script in (committee, files):
        fine, told = told_by(twice_signed, script)
        assert not fine
        assert [line for line in told.splitlines() if line.endswith("ALTERED")] == [f"{name}: ALTERED"]


@pytest.mark.parametrize("place", range(0, 100, 9))
def test_the_commands_fail_where_the_signed_attestation_was_changed(twice_signed: Path, place: int) -> None:
    _, committee, _ = commands(twice_signed)
    path = twice_signed / "attestation.json"
    content = bytearray(path.read_bytes())
    begin = content.index(b'"payload":"') + 11
    end = content.index(b'"', begin)
    at = begin + (end - begin) * place // 100
    content[at] = ord("A") if content[at] != ord("A") else ord("B")
    path.write_bytes(content)
    fine, told = told_by(twice_signed, committee)
    assert not fine
    assert "Verified Successfully" not in told


def test_another_key_does_not_pass_for_the_signers(twice_signed: Path, signers: Signers) -> None:
    _, committee, _ = commands(twice_signed)
    officer_pem, committee_pem = (
        (re.search("-----BEGIN.*?END PUBLIC KEY-----\n", script, re.DOTALL) or [""])[0]
        for script in commands(twice_signed)[:2]
    )
    assert not told_by(twice_signed, committee.replace(committee_pem, officer_pem))[0]


def test_an_unsigned_report_has_commands_for_its_files(signers: Signers) -> None:
    place = signers.run()
    (files,) = commands(place)
    assert told_by(place, files)[0]
    (place / "notebook.ipynb").write_text("{}")
    assert told_by(place, files) == (
        False,
        "notebook.ipynb: ALTERED\nrecord.json: as attested\nreport.html: as attested\n",
    )


def test_the_report_prints_the_digests_of_the_folder_and_no_path_of_this_machine(twice_signed: Path) -> None:
    page = (twice_signed / "report.html").read_text()
    for path in twice_signed.iterdir():
        assert (sha256(path) in page) is (path.name not in ("report.html", "attestation.json")), path.name
    assert str(twice_signed.parents[3]) not in page
    assert "/tmp" not in page


def test_a_signers_name_cannot_add_to_the_page_or_the_commands(signers: Signers, edit) -> None:
    edit(signers.project.organisation, ("signers", 0, "name"), "<b>Ona</b>\n$(touch canary)")
    place = signers.run()
    signers.sign(place, signers.officer)
    page = (place / "report.html").read_text()
    assert "<b>Ona" not in page
    assert "&lt;b&gt;Ona" in page
    script, _ = commands(place)
    assert "Ona" not in script
    assert told_by(place, script)[0]


def parts_of(page: str) -> list[str]:
    """The page in lines, and those where each element begins."""
    return re.sub(r"<(?=\w)", "\n<", page).splitlines()


def test_a_report_that_is_rendered_anew_differs_only_in_what_proves_it(signers: Signers) -> None:
    place = signers.run()
    before = parts_of((place / "report.html").read_text())
    signers.sign(place, signers.officer)
    after = parts_of((place / "report.html").read_text())
    gone = [part for part in before if part not in after]
    assert [part for part in gone if not ("Unsigned" in part or part.startswith("for name in "))] == []
    assert len(gone) < 6


# --- reading attestations -----------------------------------------------------------------------------------------


def test_an_attestation_is_one_line_of_canonical_json(signers: Signers) -> None:
    place = signers.run()
    signers.sign(place, signers.officer)
    content = (place / "attestation.json").read_bytes()
    assert content.count(b"\n") == 1
    found, why = statement.parse(content)
    assert why == ""
    assert found is not None
    assert found.sha256 == sha256(place / "attestation.json")
    assert found.statement.inputs == {
        ("parameters/demo/system.yaml", "a" * 64),
        ("parameters/policy.yaml", "b" * 64),
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c[:-1],
        lambda c: b" " + c,
        lambda c: c.replace(b'"payloadType"', b'"payloadtype"'),
        lambda c: c.replace(b"vnd.in-toto", b"vnd.in_toto"),
        lambda c: c.replace(b'"signatures":[', b'"signatures":[{},'),
        lambda c: b'{"a":1,' + c[1:],
        lambda _: b"[]",
        lambda _: b"\xff",
        lambda _: b"[" * 100_000,
    ],
)
def test_what_is_not_as_the_kit_writes_it_is_no_attestation(signers: Signers, change) -> None:
    place = signers.run()
    signers.sign(place, signers.officer)
    found, why = statement.parse(change((place / "attestation.json").read_bytes()))
    assert found is None
    assert why.startswith("attestation.json ")


def test_a_signature_counts_only_in_the_days_of_its_key(signers: Signers) -> None:
    place = signers.run()
    signers.sign(place, signers.officer)
    found, _ = statement.read(place / "attestation.json")
    assert found
    officer, committee = keys.of_project(signers.project)
    day = found.predicate.at.date()
    assert statement.signed_by(found, [officer, committee]) == [officer]
    for days in ({"from_": day + timedelta(1)}, {"from_": day - timedelta(2), "until": day - timedelta(1)}):
        assert statement.signed_by(found, [replace(officer, **days)]) == []
    assert statement.signed_by(found, [replace(committee, key=replace_id(committee, officer.id))]) == []


def replace_id(key: keys.TrustedKey, key_id: str) -> SSlibKey:
    """The key under another key's id."""
    return SSlibKey(key_id, key.key.keytype, key.key.scheme, key.key.keyval)


def test_the_notebook_of_a_record_is_what_its_page_is_made_of(signers: Signers) -> None:
    place = signers.run()
    signers.sign(place, signers.officer)
    notebook = nbformat.read(place / "notebook.ipynb", as_version=4)
    assert notebook.cells[0].source in (place / "report.html").read_text()
