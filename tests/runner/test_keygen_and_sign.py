"""The commands keygen and sign, as a person meets them."""

import os
import pty
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

Kit = Callable[..., Any]
PASSPHRASE = "ETHICS_KIT_PASSPHRASE"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "open sesame")


def trust(root: Path, printed: str) -> None:
    """Paste what keygen printed into organisation.yaml, as it says."""
    path = root / "parameters/organisation.yaml"
    path.write_text(path.read_text() + printed[printed.index("signers:") :])


# --- keygen -------------------------------------------------------------------------------------------------------


def test_what_keygen_prints_can_be_pasted_and_is_in_order(kit: Kit, project: Callable[..., Path]) -> None:
    root = project()
    done = kit("keygen", "--name", 'Ona "O" Officer', "--role", "ethics_officer", "key.pem", cwd=root)
    assert (done.code, done.err) == (0, "")
    assert stat.S_IMODE((root / "key.pem").stat().st_mode) == 0o600
    trust(root, done.out)
    assert kit("check", cwd=root).code == 0
    (signer,) = YAML(typ="safe").load(root / "parameters/organisation.yaml")["signers"]
    assert (signer["name"], signer["role"]) == ('Ona "O" Officer', "ethics_officer")


def test_without_a_name_the_block_is_not_in_order_until_one_is_given(kit: Kit, project: Callable[..., Path]) -> None:
    root = project()
    trust(root, kit("keygen", "key.pem", cwd=root).out)
    done = kit("check", cwd=root)
    assert done.code == 2
    assert re.findall(r"signers\.0\.(\w+): found nothing", done.err) == ["name", "role"]


@pytest.mark.parametrize(("given", "told"), [("", "an empty passphrase"), (None, "no terminal to ask in")])
def test_keygen_without_a_passphrase_is_bad_input(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, told: str
) -> None:
    if given is None:
        monkeypatch.delenv(PASSPHRASE)
        monkeypatch.setattr("sys.stdin", (tmp_path / "empty").open("w+"))
    else:
        monkeypatch.setenv(PASSPHRASE, given)
    done = kit("keygen", "key.pem", cwd=tmp_path)
    assert done.code == 2
    assert told in done.err
    assert not (tmp_path / "key.pem").exists()


def test_keygen_never_writes_over_a_file(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("precious")
    done = kit("keygen", "key.pem", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("key.pem: found a file that is there already;")
    assert (tmp_path / "key.pem").read_text() == "precious"


@pytest.mark.parametrize(("typed", "code"), [("same\nsame\n", 0), ("one\nother\n\x03", 1)])
def test_at_a_terminal_the_passphrase_is_asked_for_twice_and_not_shown(tmp_path: Path, typed: str, code: int) -> None:
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != PASSPHRASE}
    process = subprocess.Popen(
        [sys.executable, "-c", "from ethics_kit.cli import main; main()", "keygen", "key.pem"],
        cwd=tmp_path,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    told = b""
    lines = typed.splitlines(keepends=True)
    try:
        while part := os.read(ours, 1000):
            told += part
            if lines and told.rstrip().endswith(b":"):
                os.write(ours, lines.pop(0).encode())
                told += b"\n"
    except OSError:  # the other end is closed
        pass
    assert process.wait(timeout=60) == code
    os.close(ours)
    assert (tmp_path / "key.pem").exists() is (code == 0)
    assert typed.split(maxsplit=1)[0].encode() not in told


# --- sign ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def assessed(short: Callable[..., Path], kit: Kit) -> Path:
    root = short()
    trust(root, kit("keygen", "--name", "Ona Officer", "--role", "ethics_officer", "key.pem", cwd=root).out)
    assert kit("run", "--stage", "impact_analysis", "--as-of", "2026-11-01", cwd=root).code == 0
    return root


def current(root: Path) -> Path:
    return next((root / "reports/demo/impact_analysis").glob("2026-*"))


def test_a_record_is_signed_by_name_and_again_by_folder_does_nothing(kit: Kit, assessed: Path) -> None:
    done = kit("sign", "demo/impact_analysis", "--key", "key.pem", cwd=assessed)
    folder = current(assessed).relative_to(assessed)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"Signed by Ona Officer, ethics_officer: {folder}/report.html\n"
    assert "Ona Officer, ethics_officer, on " in (assessed / folder / "report.html").read_text()
    again = kit("sign", str(folder), "--key", "key.pem", cwd=assessed)
    assert again.code == 0
    assert again.out.startswith("Nothing to do: Ona Officer has signed")
    unchanged = kit("run", "--stage", "impact_analysis", "--as-of", "2026-11-01", cwd=assessed)
    assert "(unchanged)" in unchanged.out
    assert "Ona Officer, ethics_officer, on " in (assessed / folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("demo", "SYSTEM/STAGE"),
        ("demo/impact", "SYSTEM/STAGE"),
        ("nowhere/impact_analysis", "no system.yaml there"),
        ("demo/design_review", "found no record; allowed: a record that is current; to do: assess it first"),
        ("", "SYSTEM/STAGE"),
    ],
)
def test_a_record_that_is_not_there_is_bad_input(kit: Kit, assessed: Path, named: str, told: str) -> None:
    done = kit("sign", named, "--key", "key.pem", cwd=assessed)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_a_failed_run_leaves_nothing_to_sign(kit: Kit, assessed: Path) -> None:
    (assessed / "notebooks/1_impact_analysis.ipynb").write_text("{}")
    kit("run", "--stage", "impact_analysis", "--as-of", "2026-11-01", cwd=assessed)
    done = kit("sign", "demo/impact_analysis", "--key", "key.pem", cwd=assessed)
    assert done.code == 2
    assert "found a failed run;" in done.err


def test_an_altered_record_is_not_signed_and_the_file_named(kit: Kit, assessed: Path) -> None:
    path = current(assessed) / "notebook.ipynb"
    path.write_text(path.read_text() + " ")
    done = kit("sign", "demo/impact_analysis", "--key", "key.pem", cwd=assessed)
    assert (done.code, done.out) == (2, "")
    assert "found notebook.ipynb was changed;" in done.err


def test_a_wrong_passphrase_is_bad_input(kit: Kit, assessed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "close sesame")
    done = kit("sign", "demo/impact_analysis", "--key", "key.pem", cwd=assessed)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("key.pem: found a wrong passphrase;")
    assert "sesame" not in done.err


def test_a_key_that_was_not_pasted_is_refused_with_what_to_do(kit: Kit, assessed: Path) -> None:
    kit("keygen", "other.pem", cwd=assessed)
    done = kit("sign", "demo/impact_analysis", "--key", "other.pem", cwd=assessed)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("parameters/organisation.yaml: signers: found no signer with the key ")


def test_a_damaged_chain_is_told_in_words(kit: Kit, assessed: Path) -> None:
    (assessed / "reports/demo/chain.json").write_text("{}")
    done = kit("sign", "demo/impact_analysis", "--key", "key.pem", cwd=assessed)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("demo/chain.json is not a chain of this kit")
    assert "Traceback" not in done.err
