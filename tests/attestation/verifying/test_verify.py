"""What verify says of honest records, what it cannot check, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import archive
from ethics_kit.attestation import inputs as recorded
from ethics_kit.attestation.told import lines
from ethics_kit.attestation.verify import verify
from ethics_kit.project import Project
from ethics_kit.record import EARLIER, Input, read_record
from ethics_kit.runner import acts

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
Kit = Callable[..., Any]


def printed(found: Any) -> str:
    return "\n".join(lines(found))


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


def test_an_honest_history_is_intact_and_says_who_signed(history: Any, kit: Kit) -> None:
    before = everything(history.root)
    done = kit("verify", cwd=history.root)
    assert (done.code, done.err) == (0, "")
    today = history.verify().systems[0].records[-2].signatures[0].on
    officer = f"Ona Officer (ethics_officer) on {today}"
    october, november = history.folder().name, history.folder(day=NOVEMBER).name
    assert done.out.splitlines()[:6] == [
        f"demo/bias_testing/{history.folder('bias_testing').name}: intact, unsigned",
        f"demo/deployment_signoff/{history.folder('deployment_signoff').name}: intact, unsigned",
        f"demo/design_review/{history.folder('design_review').name}: intact, unsigned",
        f"demo/design_review/{history.folder('design_review', NOVEMBER).name}: intact, unsigned",
        f"demo/impact_analysis/{october}: intact, signed by {officer}; Chi Chair (committee) on {today}",
        f"demo/impact_analysis/{november}: intact, signed by {officer}",
    ]
    head = json.loads((history.system / "chain.json").read_text())["head"]
    assert f"  demo: act 10, sha256 {head}" in done.out
    assert done.out.endswith("6 records of 1 system: 2 intact and signed, 4 intact and unsigned, 0 altered.\n")
    assert (
        "\nSignatures that count: those of Ona Officer, Chi Chair, as listed in parameters/organisation.yaml.\n"
        in done.out
    )
    assert everything(history.root) == before, "verify wrote something"


def test_an_altered_record_ends_in_1_and_the_others_are_still_told(history: Any, kit: Kit) -> None:
    (history.folder() / "report.html").write_text("Approve")
    done = kit("verify", "reports", cwd=history.root)
    assert done.code == 1
    place = f"demo/impact_analysis/{history.folder().name}"
    assert f"{place}: ALTERED\n  {place}/report.html: was changed: attestation.json lists sha256 " in done.out
    assert f"{history.folder(day=NOVEMBER).name}: intact, signed by Ona Officer" in done.out
    assert "1 altered" in done.out


def test_a_system_is_found_by_its_name(history: Any, kit: Kit) -> None:
    assert kit("verify", "demo", cwd=history.root).out == kit("verify", "reports/demo", cwd=history.root).out


@pytest.mark.parametrize("place", ["nowhere", "parameters", "parameters/policy.yaml"])
def test_a_folder_without_records_is_bad_input(history: Any, kit: Kit, place: str) -> None:
    done = kit("verify", place, cwd=history.root)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"{place}: found no ")
    assert "allowed: a reports folder, a system's folder in it, or a record's folder" in done.err


def test_outside_a_project_it_asks_for_a_folder(kit: Kit, tmp_path: Path) -> None:
    done = kit("verify", cwd=tmp_path)
    assert done.code == 2
    assert "no policy.yaml" in done.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "an empty file"),
        ("signers: []\n", "signers"),
        ("signers:\n  - name: Ona\n", "role"),
        ("signers:\n  - {name: A, role: r, public_key: nonsense, from: 2026-01-01}\n", "Ed25519"),
        ("keys: []\n", "unknown key"),
    ],
)
def test_a_file_of_keys_that_is_not_in_order_is_bad_input(
    history: Any, kit: Kit, tmp_path: Path, content: str, told: str
) -> None:
    (tmp_path / "keys.yaml").write_text(content)
    done = kit("verify", "--keys", str(tmp_path / "keys.yaml"), cwd=history.root)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "keys.yaml" in done.err


def test_a_file_of_keys_that_is_not_there_is_bad_input(history: Any, kit: Kit) -> None:
    done = kit("verify", "--keys", "nowhere.yaml", cwd=history.root)
    assert (done.code, done.out) == (2, "")
    assert "nowhere.yaml: found no such file" in done.err


# --- parts of a reports folder, and copies outside a project ---------------------------------------------------------


def trusted(history: Any, folder: Path) -> Path:
    people = history.organisation.read_text()
    path = folder / "trusted.yaml"
    path.write_text(people[people.index("signers:") :])
    return path


def test_outside_any_project_signatures_count_by_the_file_of_keys_alone(history: Any, tmp_path: Path) -> None:
    away = tmp_path / "away"
    shutil.copytree(history.reports, away)
    told = history.troubles(away)
    assert {t.what.split(",")[0] for t in told} == {"is signed by an unknown key"}
    assert "Signatures that count: none: this lies in no project" in printed(history.verify(away))
    found = history.verify(away, key_file=trusted(history, tmp_path))
    assert not found.altered
    assert [s.name for r in found.systems[0].records for s in r.signatures] == [
        "Ona Officer",
        "Chi Chair",
        "Ona Officer",
    ]
    assert "no project is here to look in" in printed(found)


def test_a_systems_folder_may_be_named(history: Any) -> None:
    assert [len(s.records) for s in history.verify(history.system).systems] == [6]


def test_a_records_folder_may_be_named_and_its_chain_is_looked_at(history: Any) -> None:
    found = history.verify(history.folder())
    assert [looked.name for looked in found.systems[0].records] == [history.folder().name]
    assert found.systems[0].length == 10
    (history.system / "chain.json").unlink()
    assert history.verify(history.folder()).altered


def test_a_record_that_came_alone_is_checked_without_its_chain(history: Any, tmp_path: Path) -> None:
    alone = tmp_path / "mailed"
    shutil.copytree(history.folder(), alone / history.folder().name)
    path = alone / history.folder().name
    found = history.verify(path, key_file=trusted(history, tmp_path))
    assert not found.altered
    assert "its place in the chain, as chain.json is not here" in printed(found)
    (path / "notebook.ipynb").write_text("{}")
    assert history.verify(path, key_file=trusted(history, tmp_path)).altered


def test_records_without_any_attestation_are_not_called_intact(history: Any) -> None:
    """Else whoever takes away the whole proof would be believed."""
    for path in (*history.system.glob("*/*/attestation*.json"), history.system / "chain.json"):
        path.unlink()
    found = history.verify()
    assert all(looked.troubles for looked in found.systems[0].records)
    assert "so the record is not attested" in printed(found)


# --- what could not be checked ---------------------------------------------------------------------------------------


def test_an_input_that_changed_is_told_with_both_digests_and_is_no_alteration_of_the_record(
    history: Any, kit: Kit
) -> None:
    table = history.root / "parameters/demo/data/decisions.csv"
    record, _ = read_record(history.folder("bias_testing") / "record.json")
    assert record is not None
    system = history.root / "parameters/demo/system.yaml"
    was = next(i.sha256 for i in record.inputs if i.role == "system")
    system.write_text(system.read_text() + "# later\n")
    table.unlink()
    done = kit("verify", cwd=history.root)
    assert done.code == 0
    from ethics_kit.record import file_sha256

    told = f"it had sha256 {was}, it has {file_sha256(system)}"
    assert f"  demo: input parameters/demo/system.yaml (6 records): has changed since: {told}" in done.out
    done = kit("verify", "--inputs", cwd=history.root)
    assert done.code == 1
    assert f"input parameters/demo/system.yaml: has changed since: {told}" in done.out


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("outside:table.csv", "lay outside the project"),
        ("../../../etc/passwd", "leads out of the project"),
        ("/etc/passwd", "leads out of the project"),
        ("root7:table.csv", "no longer list"),
        ("root0:table.csv", "no longer list"),
        ("root1:../policy.yaml", "leads out of the project"),
        ("root1:there.csv", "has changed since"),
        ("parameters", "is a folder"),
        ("parameters/pipe", "is a pipe"),
        ("parameters/gone.csv", "is gone; it had sha256 " + "0" * 64),
        ("parameters/a\x00b", "leads out of the project"),
    ],
)
def test_addresses_of_inputs_are_not_followed_out_of_the_project(
    project: Callable[..., Path], tmp_path: Path, address: str, told: str
) -> None:
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    (warehouse / "there.csv").write_text("a")
    root = project(policy={"data_roots": [str(warehouse)]})
    os.mkfifo(root / "parameters/pipe")
    record = type("Some", (), {"inputs": [Input(role="x", address=address, sha256="0" * 64)]})
    ((_, why),) = recorded.of_project(Project(root), root / "reports").differences(record)
    assert told in why


@pytest.mark.parametrize("with_project", [True, False])
def test_earlier_records_among_the_inputs_are_looked_for_in_the_reports_folder(
    project: Callable[..., Path], tmp_path: Path, with_project: bool
) -> None:
    reports = tmp_path / "copied"
    (reports / "demo").mkdir(parents=True)
    (reports / "demo/kept.json").write_text("a")
    (reports / "demo/changed.json").write_text("b")
    sha256 = hashlib.sha256(b"a").hexdigest()
    names = ("demo/kept.json", "demo/changed.json", "demo/gone.json", "../escaped.json")
    earlier = [Input(role=EARLIER, address=name, sha256=sha256) for name in names]
    record = type(
        "Some", (), {"inputs": [*earlier, Input(role="x", address="parameters/policy.yaml", sha256="0" * 64)]}
    )
    known = recorded.of_project(Project(project()) if with_project else None, reports)
    told = {address: why.split(";")[0].split(":")[0] for address, why in known.differences(record)}
    of_project = (
        {"parameters/policy.yaml": "has changed since"}
        if with_project
        else {"outside the reports folder": "no project is here to look in"}
    )
    assert told == of_project | {
        "demo/changed.json": "has changed since",
        "demo/gone.json": "is gone",
        "../escaped.json": "has an address that leads out of the project",
    }


@pytest.mark.parametrize("named", ["", "demo", "demo/impact_analysis/{record}"])
def test_whatever_part_is_verified_earlier_records_are_sought_in_its_reports_folder(
    history: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    sought = []
    of_project = recorded.of_project
    monkeypatch.setattr(recorded, "of_project", lambda *places, **_: sought.append(places) or of_project(*places))
    copy = tmp_path / "copy"
    shutil.copytree(history.reports, copy)
    verify(copy / named.format(record=history.folder().name))
    assert sought == [(None, copy)]


def test_records_of_another_version_of_the_kit_say_that_duties_were_not_computed_again(
    history: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ethics_kit.attestation.claims.KIT", "9.9")
    found = history.verify()
    assert not found.altered
    assert "made by ethics-kit 0.1.0, this is 9.9: its duties were not computed again" in printed(found)


def test_a_failed_run_and_what_was_set_aside_are_told(history: Any) -> None:
    stage = history.system / "impact_analysis"
    staging = history.reports / ".staging" / "x"
    staging.mkdir(parents=True)
    (staging / "report.html").write_text("failed")
    archive.publish_failure(staging, history.reports, "demo", "impact_analysis", date(2026, 11, 5))
    (stage / "set_aside_1_2026-10-01_0123456789ab").mkdir()
    found = history.verify()
    assert not found.altered
    assert "failed_2026-11-05: a failed run, which is not attested" in printed(found)
    assert "set aside by a run that found it altered" in printed(found)


def test_an_act_that_was_interrupted_is_told(history: Any) -> None:
    (history.system / ".pending").mkdir()
    assert [t.place for t in history.troubles()] == ["demo/.pending"]


def test_names_that_others_chose_cannot_write_to_the_terminal(history: Any) -> None:
    (history.folder() / "\x1b[2Jgone\nintact\udcff.txt").write_text("x")
    text = printed(history.verify())
    assert "\x1b" not in text
    assert "\n" + "intact" not in text
    assert "\\x1b[2Jgone\\nintact\\udcff.txt: is not listed" in text


def test_an_altered_record_that_a_run_set_aside_and_published_anew_is_told_and_is_no_alteration(history: Any) -> None:
    from ethics_kit.runner.assessment import Job, assess

    (history.folder() / "report.html").write_text("Approve")
    project = Project(history.root)
    assert assess(Job(project, project.parameters / "demo", "impact_analysis", OCTOBER, history.reports)).new
    found = history.verify()
    assert history.troubles() == []
    assert "is about a folder that a later run set aside as altered" in printed(found)


def test_a_record_that_is_found_again_after_another_became_current_is_current_by_an_act_of_its_own(
    history: Any,
) -> None:
    """Else it could not be told from an old record that somebody put in place of a worse one."""
    from ethics_kit.runner.assessment import Job, assess

    project = Project(history.root)
    job = Job(project, project.parameters / "demo", "impact_analysis", NOVEMBER, history.reports)
    first = history.folder(day=NOVEMBER)
    answers = history.root / "parameters/demo/impact_analysis.yaml"
    kept = answers.read_bytes()
    answers.write_bytes(kept + b"# changed\n")
    second = assess(job)
    answers.write_bytes(kept)
    again = assess(job)
    assert (second.new, again.new, again.folder) == (True, False, first)
    assert history.troubles() == []
    assert history.verify().systems[0].length == 12
    (signed,) = re.findall(r"<h3>The signature of .*\(<code>(.*?)</code>\)", (first / "report.html").read_text())
    assert (signed, (first / signed).is_file()) == ("attestation_0010.json", True)
    latest = first.parent / "latest.json"
    assert archive.read_latest(first.parent).folder == first.name
    latest.write_text(latest.read_text().replace(first.name, second.folder.name))
    assert [t.place for t in history.troubles()] == ["demo/impact_analysis/latest.json"]
    assert assess(job).new is False
    assert (history.troubles(), history.verify().systems[0].length) == ([], 13)


def test_an_act_dated_before_the_one_it_follows_is_told(history: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) - timedelta(days=1)

    monkeypatch.setattr("ethics_kit.attestation.folder.datetime", Yesterday)
    assert acts.act(Project(history.root), history.folder("bias_testing"), act="sign", signer=history.officer)
    assert history.troubles() == []
    assert "demo: act 11 says that it was at " in printed(history.verify())


# --- lodging the head ------------------------------------------------------------------------------------------------


def commands() -> list[str]:
    page = (Path(__file__).parents[3] / "docs/verify.md").read_text(encoding="utf-8")
    return [line for line in page.splitlines() if line.startswith("openssl ts -query")]


def test_the_query_for_a_time_stamp_that_the_page_gives_runs(history: Any, tmp_path: Path) -> None:
    head = history.verify().systems[0].head
    (command,) = commands()
    subprocess.run(["sh", "-c", command.replace("HEAD", head)], cwd=tmp_path, check=True, capture_output=True)
    shown = subprocess.run(
        ["openssl", "ts", "-query", "-in", "head.tsq", "-text"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "Hash Algorithm: sha256" in shown
    stated = "".join(line.split("-", 1)[1].split("   ")[0] for line in shown.splitlines() if line.startswith("    00"))
    assert stated.replace(" ", "").replace("-", "") == head
