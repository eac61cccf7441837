"""The command that reviews a published record: what it writes, what the page then says, and what it refuses."""

import hashlib
import json
import re
import shutil
from datetime import date, datetime
from typing import get_args

import pytest
from ruamel.yaml import YAML

from ethics_kit import cli_review
from ethics_kit.attestation import folder as folders
from ethics_kit.attestation import keys, statement
from ethics_kit.attestation.chain import read_chain
from ethics_kit.cli_gate import refused, told
from ethics_kit.framework import catalogue
from ethics_kit.project import Project
from ethics_kit.runner.assessment import Job, Result
from ethics_kit.schema import Policy
from ethics_kit.schema.review import Act, Decision
from tests.attested import put_review

pytestmark = pytest.mark.usefixtures("forked")

RECORD = "demo/impact_analysis"
ANALYST = ("--by", "Ann Lee", "--role", "analyst")
OWNER = ("--by", "Olu Owner", "--role", "owner")
LIMIT = {"rationale": "A test.", "source": "This test."}

PUBLISHED = []


@pytest.fixture
def published(short, kit, tmp_path_factory):
    """A project with one published record, assessed once for all tests, and the command line on it."""
    root = short()
    if not PUBLISHED:
        assert kit("run", "demo", "--stage", "impact_analysis", "--as-of", "2026-11-01", cwd=root).code == 0
        PUBLISHED.append(shutil.copytree(root / "reports", tmp_path_factory.mktemp("published") / "reports"))
    else:
        shutil.copytree(PUBLISHED[0], root / "reports")
    (folder,) = (root / "reports/demo/impact_analysis").glob("2026-*")

    def review(*arguments):
        return kit("review", RECORD, *arguments, cwd=root)

    return root, folder, review


def text_of(folder):
    page = re.sub(r"<style>.*?</style>", " ", (folder / "report.html").read_text(), flags=re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def everything(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def sign_off(review, decision="reject", *, submitted=False):
    """All roles of the record's level, which is IV while nothing is answered."""
    assert submitted or review("submit", *ANALYST).code == 0
    why = ("--decision", decision, "--reason", "Nothing is known of it yet.")
    people = {"owner": "Olu Owner", "ethics_officer": "Oda", "committee": "Cy Chair", "executive": "Eve"}
    assert list(people) == list(catalogue.levels()["IV"].signoff)
    return [review("decide", "--by", name, "--role", role, *why) for role, name in people.items()]


def test_without_an_act_it_shows_the_state_and_writes_nothing(published):
    _, folder, review = published
    before = everything(folder)
    done = review()
    assert done.code == 0
    assert "demo impact_analysis as of 2026-11-01: draft; recommendation undetermined" in done.out
    assert "0 of 4 roles have decided; missing: owner, ethics officer, committee, executive" in done.out
    assert everything(folder) == before


def test_an_act_is_in_the_file_on_the_page_and_in_the_chain(published):
    root, folder, review = published
    record = (folder / "record.json").read_bytes()
    assert review("submit", *ANALYST).code == 0
    entry = YAML().load(folder / "review.yaml")["entries"][0]
    assert (entry["act"], entry["by"], entry["role"], entry["on"]) == ("submit", "Ann Lee", "analyst", date.today())
    page = text_of(folder)
    assert "· Submitted ·" in page
    assert "No decision taken." in page
    assert "0 of 4 roles have decided" in page
    assert (folder / "record.json").read_bytes() == record
    chain, _ = read_chain(root / "reports", "demo")
    assert [e.act for e in chain.entries] == ["run", "review"]
    newest, why = statement.read(folder / "attestation.json")
    assert why == ""
    assert {"review.yaml", "report.html", "attestation_0001.json"} <= set(newest.statement.files)
    assert folders.altered(folder, chain) == []


def test_page_one_has_the_decision_once_all_roles_have_given_theirs(published):
    _, folder, review = published
    done = sign_off(review)
    assert [d.code for d in done] == [0, 0, 0, 0]
    assert "2 of 4 roles have decided; missing: committee, executive; no decision taken" in done[1].out
    assert "demo impact_analysis as of 2026-11-01: decided" in done[3].out
    page = text_of(folder)
    assert "· Decided ·" in page
    assert "Decision: Reject. It departs from the kit's recommendation." in page
    assert "owner: reject , Olu Owner" in page
    assert "self-declared , departing from the recommendation: Nothing is known of it yet." in page
    assert "No decision taken" not in page


def test_a_comment_stands_beside_the_finding_it_cites(published):
    _, folder, review = published
    finding = json.loads((folder / "record.json").read_text())["findings"][0]["id"]
    done = review("comment", *ANALYST, "--finding", finding, "--text", "<b>Which</b> customers?")
    assert done.code == 0
    rows = [row for row in (folder / "report.html").read_text().split("<tr") if f"<code>{finding}</code>" in row]
    assert any("Comment</strong> by Ann Lee" in row and "&lt;b&gt;Which&lt;/b&gt; customers?" in row for row in rows)


def test_a_returned_record_says_by_whom_and_why_also_after_a_comment(published):
    _, folder, review = published
    review("submit", *ANALYST)
    review("return", "--by", "Bo Ek", "--role", "reviewer", "--reason", "Answer the questions.")
    review("comment", *ANALYST, "--text", "I will.")
    page = text_of(folder)
    assert "· Returned ·" in page
    assert re.search(r"The record was returned by Bo Ek, \S+: Answer the questions\.", page)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("decide", *OWNER, "--decision", "approve"), "found decide of a record that is draft"),
        (("comment", *ANALYST, "--finding", "G1.governence", "--text", "x"), "did you mean G1."),
        (("submit", "--by", "Ann Lee"), "role: found nothing"),
        (("submit", *ANALYST, "--on", "yesterday"), "allowed: a date such as 2026-10-31"),
        (("submit", *ANALYST, "--minute", "/etc/passwd"), "allowed: an https:// link, or a file in the folder"),
        (("submit", *ANALYST, "--key", "no_such.pem"), "no_such.pem: found no passphrase"),
        (ANALYST, "found by, role, and no act"),
    ],
    ids=["out of turn", "unknown finding", "no role", "no date", "minute outside", "no key", "no act"],
)
def test_a_bad_call_ends_with_2_and_writes_nothing(published, arguments, told):
    root, _, review = published
    before = everything(root / "reports/demo")
    done = review(*arguments)
    assert done.code == 2
    assert told in done.err
    assert "Traceback" not in done.err
    assert everything(root / "reports/demo") == before


def test_an_altered_record_is_not_reviewed(published):
    _, folder, review = published
    (folder / "report.html").write_text("forged")
    done = review("submit", *ANALYST)
    assert (done.code, "report.html was changed" in done.err) == (2, True)
    assert not (folder / "review.yaml").exists()


def test_a_review_changed_by_hand_is_found(published):
    _, folder, review = published
    review("submit", *ANALYST)
    path = folder / "review.yaml"
    path.write_text(path.read_text().replace("Ann Lee", "Bo Ek"))
    done = review("comment", *ANALYST, "--text", "x")
    assert (done.code, "review.yaml was changed" in done.err) == (2, True)


def test_a_minute_that_is_a_file_of_the_dossier_is_kept_with_its_hash(published):
    root, folder, review = published
    (root / "parameters/demo/minute.txt").write_text("Approved with two votes.")
    review("submit", *ANALYST)
    told = ("--minute", "minute.txt", "--recorded-by", "Oda", "--member", "Cy Chair", "--member", "Di")
    why = ("--decision", "reject", "--reason", "Too early.")
    assert review("decide", "--by", "Cy Chair", "--role", "committee", *why, *told).code == 0
    entry = YAML().load(folder / "review.yaml")["entries"][1]
    assert entry["minute_sha256"] == hashlib.sha256(b"Approved with two votes.").hexdigest()
    assert "(minute recorded by Oda; present: Cy Chair, Di)" in text_of(folder)


def trust(root, edit, name, role, monkeypatch):
    monkeypatch.setenv("ETHICS_KIT_PASSPHRASE", "correct horse")
    path = root.parent / f"{role}.pem"
    public = keys.generate(path, "correct horse")
    organisation = root / "parameters/organisation.yaml"
    before = YAML().load(organisation).get("signers") or []
    signer = {"name": name, "role": role, "public_key": public, "from": date(2026, 1, 1)}
    edit(organisation, ("signers",), [*before, signer])
    return str(path)


def test_a_minute_is_signed_by_an_officer_or_the_committee_only(published, edit, monkeypatch):
    root, _, review = published
    key = trust(root, edit, "Ivo Intern", "intern", monkeypatch)
    review("submit", *ANALYST)
    minute = (
        "--minute",
        "https://minutes.example/7",
        "--member",
        "Cy Chair",
        "--by",
        "Cy Chair",
        "--role",
        "committee",
    )
    done = review("decide", "--decision", "reject", "--reason", "Too early.", *minute, "--key", key)
    assert (done.code, "allowed: a key of ethics_officer or committee" in done.err) == (2, True)


def test_a_signed_act_takes_name_and_role_from_the_key_and_says_signed(published, edit, monkeypatch):
    root, folder, review = published
    key = trust(root, edit, "Olu Owner", "owner", monkeypatch)
    review("submit", *ANALYST)
    why = ("--decision", "reject", "--reason", "Too early.")
    done = review("decide", *why, "--key", key)
    assert done.code == 0, done.err
    assert "submit  Ann Lee (analyst), self-declared" in done.out
    assert "decide  Olu Owner (owner), signed" in done.out
    assert re.search(r"owner: reject , Olu Owner, \S+ signed", text_of(folder))
    assert "signed  reject" in review("comment", *ANALYST, "--text", "Noted.").out


def test_an_entry_in_the_name_of_somebody_else_stays_self_declared(published, edit, monkeypatch):
    root, _, review = published
    key = trust(root, edit, "Olu Owner", "owner", monkeypatch)
    review("submit", *ANALYST)
    done = review("comment", "--by", "Oda", "--text", "I agree.", "--key", key)
    assert (done.code, "though the key is Olu Owner's" in done.err) == (2, True)
    review("comment", "--by", "Oda", "--role", "officer", "--text", "I agree.")
    assert "comment  Oda (officer), self-declared" in review("comment", "--text", "Noted.", "--key", key).out


def test_a_signature_after_its_key_ended_makes_nobody_signed(published, edit, monkeypatch):
    root, _, review = published
    key = trust(root, edit, "Ann Lee", "analyst", monkeypatch)
    assert "submit  Ann Lee (analyst), signed" in review("submit", "--key", key).out
    edit(root / "parameters/organisation.yaml", ("signers", 0, "until"), date(2026, 1, 2))
    assert "submit  Ann Lee (analyst), self-declared" in review().out


def test_a_newer_record_that_is_decided_supersedes_the_older(published, kit):
    root, folder, review = published
    assert kit("run", "demo", "--stage", "impact_analysis", "--as-of", "2026-11-02", cwd=root).code == 0
    older = ("review", str(folder))
    assert ": draft;" in kit(*older, cwd=root).out
    sign_off(review)
    assert ": superseded;" in kit(*older, cwd=root).out
    assert ": decided;" in review().out


def test_an_act_is_on_the_pages_of_the_portfolio_at_once(published):
    root, _, review = published
    done = review("submit", *ANALYST)
    assert done.out.endswith("Portfolio: reports/index.html\n")
    today = date.today().isoformat()
    assert "settled, submitted, not signed</small>" in (root / "reports/index.html").read_text()
    assert f"Submitted, <time>{today}</time>" in (root / "reports/demo/index.html").read_text()
    pack = (root / "reports/committee.html").read_text()
    assert "owner, ethics officer, committee, executive" in pack
    sign_off(review, submitted=True)
    assert "settled, decided: Reject, not signed</small>" in (root / "reports/index.html").read_text()
    assert "Decided: <strong>Reject</strong>" in (root / "reports/demo/index.html").read_text()
    assert (root / "reports/committee.html").read_text().count("<strong>Reject</strong> (self-declared)") == 4


def test_an_act_stands_where_the_pages_cannot_be_written_and_says_so(published):
    root, folder, review = published
    (root / "reports/committee.html").unlink()
    (root / "reports/committee.html").mkdir()
    done = review("submit", *ANALYST)
    assert done.code == 0
    assert "submit  Ann Lee (analyst)" in done.out
    told = "The portfolio's pages do not show it yet, as they could not be written: "
    assert told in done.out
    assert "put that right, then: ethics-kit portfolio" in done.out
    assert (folder / "review.yaml").is_file()


def test_a_policy_and_an_organisation_that_are_not_in_order_do_not_stop_the_pages(published, kit):
    root, _, _ = published
    (root / "parameters/policy.yaml").write_text("confidentiality: [")
    (root / "parameters/organisation.yaml").write_text("name: [")
    done = kit("portfolio", "--as-of", "2026-11-01", cwd=root)
    assert (done.code, done.err) == (0, "")
    for page in ("index.html", "committee.html", "demo/index.html"):
        assert "policy.yaml is not in order" in (root / "reports" / page).read_text()


def test_the_command_offers_what_the_file_may_hold():
    assert get_args(cli_review.Act) == get_args(Act)
    assert get_args(cli_review.Decision) == get_args(Decision)


def test_a_run_repeated_after_a_review_keeps_it(published, kit):
    root, folder, review = published
    review("submit", *ANALYST)
    before = everything(folder)
    done = kit("run", "demo", "--stage", "impact_analysis", "--as-of", "2026-11-01", "--force", cwd=root)
    assert "(unchanged)" in done.out
    assert everything(folder) == before
    assert datetime.fromisoformat(json.loads((folder / "record.json").read_text())["run"]["finished_at"])


# --- the gate -----------------------------------------------------------------------------------------------------


@pytest.fixture
def stopped(published):
    """What the gate stops of the published record, with what it says, under a policy that refuses nothing by itself."""
    root, folder, _ = published
    written = YAML(typ="safe").load(root / "parameters/policy.yaml")
    job = Job(Project(root), root / "parameters/demo", "impact_analysis", date(2026, 11, 1), root / "reports")
    result = Result(job, "undetermined", "", folder, 0.0)

    def ask(signoff="no"):
        gate = {"refuse": {**LIMIT, "value": []}, "signoff": {**LIMIT, "value": signoff}}
        policies = {root: Policy.model_validate(written | {"gate": gate})}
        refusals = refused([result], policies)
        return [r.result.stage for r in refusals], "\n".join(told([result], refusals, problems=0))

    return ask


def test_the_gate_tells_in_one_line_what_it_refused_why_and_how_far_the_sign_off_is(published, kit):
    root, _, review = published
    review("submit", *ANALYST)
    done = kit("run", "demo", "--stage", "impact_analysis", "--as-of", "2026-11-01", "--gate", cwd=root)
    assert done.code == 3
    (line,) = [line for line in done.out.splitlines() if "refused:" in line]
    assert line.startswith("  demo  impact_analysis  refused: undetermined. ")
    assert line.endswith(
        "; review submitted, 0 of 4 roles have decided; missing: owner, ethics officer, committee, executive"
    )


def test_the_gate_lets_pass_what_people_signed_where_the_policy_asks_for_that(published, edit, kit):
    root, _, review = published
    for key, value in (("refuse", []), ("signoff", "yes")):
        edit(root / "parameters/policy.yaml", ("gate", key), {**LIMIT, "value": value})
    run = ("run", "demo", "--stage", "impact_analysis", "--as-of", "2026-11-01", "--gate")
    done = kit(*run, cwd=root)
    assert (done.code, "the policy asks for a complete sign-off" in done.out) == (3, True)
    assert [d.code for d in sign_off(review, "approve_with_conditions")] == [0, 0, 0, 0]
    done = kit(*run, cwd=root)
    assert done.code == 0, done.out
    assert "demo  impact_analysis  undetermined; review decided, 4 of 4 roles have decided" in done.out


def test_a_policy_that_asks_for_no_sign_off_lets_a_draft_pass(stopped):
    assert stopped(signoff="no")[0] == []
    assert stopped(signoff="yes")[0] == ["impact_analysis"]


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("return", "people's review: returned"),
        ("withdraw", "people's review: withdrawn"),
        ("reject", "people decided reject"),
    ],
)
def test_what_people_took_back_or_rejected_never_passes(published, stopped, act, told):
    _, _, review = published
    review("submit", *ANALYST)
    assert stopped()[0] == []
    last = ("--reason", "Wrong table.")
    if act == "reject":
        review("decide", *OWNER, "--decision", "reject", *last)
    else:
        review(act, *ANALYST, *last)
    names, said = stopped()
    assert names == ["impact_analysis"]
    assert f"refused: {told}" in said


def test_a_review_that_is_not_in_order_lets_nothing_pass(published, stopped):
    _, folder, _ = published
    put_review(folder, "schema: ethics-kit/review/1\nentries: []\n")
    names, said = stopped()
    assert names == ["impact_analysis"]
    assert "its review cannot be read" in said


def test_a_rejection_that_was_deleted_goes_on_stopping_the_gate_until_people_decide_anew(published, edit, kit):
    root, folder, review = published
    for key, value in (("refuse", []), ("signoff", "no")):
        edit(root / "parameters/policy.yaml", ("gate", key), {**LIMIT, "value": value})
    run = ("run", "demo", "--stage", "impact_analysis", "--as-of", "2026-11-01", "--gate")
    kit(*run, cwd=root)
    review("submit", *ANALYST)
    review("decide", *OWNER, "--decision", "reject", "--reason", "Wrong table.")
    for path in folder.parent.glob("2026-*/review.yaml"):
        path.unlink()
    for _ in range(2):
        done = kit(*run, cwd=root)
        assert (done.code, "people have to decide anew" in done.out) == (3, True), done.out
    sign_off(review, "approve_with_conditions")
    assert kit(*run, cwd=root).code == 0
