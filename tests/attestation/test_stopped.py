"""The chain stays whole when an act is killed at any change of the disk, on a full disk, and in a crowd."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ethics_kit.attestation import chain
from ethics_kit.errors import InputError
from ethics_kit.runner import acts

from .conftest import Signers, a_record, run, sha256, whole

HERE = Path(__file__).parent


def stopped(signers: Signers, tmp_path: Path, act: str, how: str) -> list[tuple[int, str, int, int]]:
    saved = tmp_path / "saved"
    shutil.copytree(signers.reports, saved)
    command = [sys.executable, str(HERE / "stopped.py"), str(signers.root), str(saved), act, how]
    done = subprocess.run(
        [*command, str(signers.key_files["officer"])],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(row) for row in json.loads(done.stdout.splitlines()[-1])]


def prepared(signers: Signers, act: str) -> None:
    place = signers.run()
    signers.sign(place, signers.committee)
    if act == "anew":
        (place / "report.html").write_text("forged")


ACTS = ["run", "anew", "sign", "review"]


@pytest.mark.parametrize("act", ACTS)
def test_an_act_killed_anywhere_happened_wholly_or_not_at_all(signers: Signers, tmp_path: Path, act: str) -> None:
    prepared(signers, act)
    found = stopped(signers, tmp_path, act, "killed")
    *killed, last = found
    assert (last[1], last[3]) == ("done", 4)
    assert {end for _, end, _, _ in killed} == {"killed"}
    assert len(killed) > 8
    afterwards = [length for _, _, _, length in found]
    assert afterwards == sorted(afterwards)  # from some point on the act is finished, before it did not happen
    assert set(afterwards) == ({4} if act == "anew" else {3, 4})
    assert any(before < after - 1 for _, _, before, after in killed)  # the next act finished an interrupted one


@pytest.mark.parametrize("act", ACTS)
def test_on_a_full_disk_an_act_is_refused_and_the_chain_stays(signers: Signers, tmp_path: Path, act: str) -> None:
    prepared(signers, act)
    found = stopped(signers, tmp_path, act, "full")
    without = 4 if act == "anew" else 3
    assert {(end, length, after) for _, end, length, after in found} == {("refused", 2, without), ("done", 3, 4)}
    assert [end for _, end, _, _ in found] == sorted((end for _, end, _, _ in found), reverse=True)


def test_an_interrupted_act_is_known_before_it_is_finished(signers: Signers) -> None:
    place = signers.run()
    signers.sign(place, signers.officer)
    assert not chain.pending(signers.reports, "demo")
    (signers.reports / "demo/.pending").mkdir()
    assert not chain.pending(signers.reports, "demo")  # what is left of one that was finished
    shutil.copy(signers.reports / "demo/chain.json", signers.reports / "demo/.pending/chain.json")
    assert chain.pending(signers.reports, "demo")
    signers.run()
    assert whole(signers.reports / "demo") == 2


def test_a_review_that_is_refused_leaves_everything_as_it_was(signers: Signers) -> None:
    place = signers.run()
    before = {p: sha256(p) for p in signers.reports.rglob("*.*") if p.is_file()}

    def refuse(*_: object) -> bytes:
        raise InputError([])

    with pytest.raises(InputError):
        acts.act(signers.project, place, act="review", review=refuse)
    assert {p: sha256(p) for p in signers.reports.rglob("*.*") if p.is_file()} == before
    assert list((signers.reports / ".staging").iterdir()) == []


WORKER = """
import sys
from pathlib import Path
from conftest import PASSPHRASE, a_record, comment, run
from ethics_kit.attestation import keys
from ethics_kit.project import Project
from ethics_kit.runner import acts
root, name, key = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
signer = keys.load_private(key, PASSPHRASE)
for number in range(6):
    place, new = run(root / "reports", a_record(f"{name} {number}"))
    assert new
    if number % 3 == 0:
        acts.act(Project(root), place, act="sign", signer=signer)
    acts.act(Project(root), shared := next((root / "reports/demo/impact_analysis").glob("2026-*_" + sys.argv[4])),
             act="review", review=comment(f"{name} {number}"))
"""


def test_processes_that_add_at_once_make_one_chain_and_lose_no_entry(signers: Signers) -> None:
    shared = signers.run()
    digest = a_record().record_id[:12]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(signers.root), name, str(signers.key_files[name]), digest],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("officer", "committee")
    ]
    assert [(worker.communicate()[1], worker.returncode) for worker in workers] == [("", 0), ("", 0)]
    assert whole(signers.reports / "demo") == 1 + 2 * (6 + 2 + 6)
    names = re.findall(r"(?m)^    by: (.+)$", (shared / "review.yaml").read_text())
    assert sorted(names) == sorted(f"{name} {number}" for name in ("officer", "committee") for number in range(6))


def test_who_waits_too_long_for_the_chain_is_told(signers: Signers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "SECONDS_TO_WAIT", 0.05)
    with chain.held(signers.reports, "demo"), pytest.raises(chain.RunError, match=r"another process has held demo/"):
        run(signers.reports, a_record())
